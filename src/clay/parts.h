/* What several species share: trunks and limbs, tails, faces. Each function adds lumps and paint to the maker.
 * Positions on a head are given in fractions of its radii where nothing else is said.
 */
#ifndef SS_CLAY_PARTS_H
#define SS_CLAY_PARTS_H

#include "clay/body.h"
#include "clay/look.h"

/* Two cones, thinner towards the end. */
void ss_clay_fleshy_limb(maker *m, const limb *l, float r1, float r2, float r3, material up, material low);

/* Trunk, legs, belly and skull of the body plans. */
void ss_clay_trunk_four(maker *m, const look *l, const four *q, const body *b, const pose *p);
void ss_clay_trunk_two(maker *m, const look *l, const two *q, const body *b, material limb_end, vec foot);
void ss_clay_belly_two(maker *m, const look *l, const two *q, const body *b, vec rgb);

/* A chain of n cones from o; every joint turns by `up` and `left` degrees more. Returns the tip. */
frame ss_clay_chain(maker *m, frame f, vec o, int n, float len, float r0, float r1, float up, float left, material a,
                    material tip);

/* Where a tail begins: y points back and up from the trunk by p->tail degrees. */
frame ss_clay_tail_frame(const body *b, const pose *p, vec o);

/* A frame on the head's surface, z pointing out. */
frame ss_clay_on_head(const body *b, float x, float y);

/* Bead eyes with a glint; cheeks; a smile around a point of the head's frame; a stripe down the forehead of some. */
void ss_clay_eyes(maker *m, const look *l, body *b, float x, float y, float r);
void ss_clay_blush(maker *m, const look *l, const body *b, float x, float y, float r);
void ss_clay_smile(maker *m, const body *b, vec o, float radius, float angle);
void ss_clay_blaze(maker *m, const look *l, const body *b);

/* A muzzle of the radii mw, mh, md, `drop` below the head's middle, with nose and mouth. */
void ss_clay_mammal_face(maker *m, const look *l, body *b, float mw, float mh, float md, float drop, float nose);

#endif
