/* Who plays in the clay bench: an individual that no training saw, its photo, what it is asked to do, and others for
 * comparison.
 */
#ifndef SS_PLAYER_H
#define SS_PLAYER_H

#include "clay/words.h"

/* What an individual is asked for: another action where it is, and another action elsewhere. */
enum { SS_PLAYER_STAYS, SS_PLAYER_MOVES, SS_PLAYER_TARGETS };

typedef struct ss_player {
    uint64_t seed; /* of the individual; from 9001 on no training saw it */
    ss_clay_scene photo, target[SS_PLAYER_TARGETS];
    ss_clay_identity kin, stranger; /* another individual of the same species and colour; one of another species */
    char source[CAPTION_BYTES], prompt[SS_PLAYER_TARGETS][CAPTION_BYTES];
} ss_player;

/* The same for equal seeds. Individuals with odd seeds are asked for places and actions that no training saw with their
 * species, as far as there are such, the others only for what it did see. */
ss_status ss_player_of(ss_player *out, ss_ctx *cx, uint64_t seed);

#endif
