/* How each species is kneaded, a file each, and what they wear. A maker adds its lumps to m and fills b, from the
 * colours and genes of l and the angles of p. */
#ifndef SS_CLAY_SPECIES_H
#define SS_CLAY_SPECIES_H

#include "clay/body.h"
#include "clay/look.h"

typedef void make_fn(maker *m, const look *l, const pose *p, body *b);
make_fn ss_clay_make_dog, ss_clay_make_cat, ss_clay_make_rabbit, ss_clay_make_bear, ss_clay_make_elephant,
    ss_clay_make_pig, ss_clay_make_penguin, ss_clay_make_dinosaur, ss_clay_make_robot, ss_clay_make_doll,
    ss_clay_make_duck, ss_clay_make_frog;

/* The identity's accessory, if it has one. */
void ss_clay_wear(maker *m, const look *l, const body *b);

#endif
