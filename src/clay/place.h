/* The places: what stands, grows and lies around a figure. */
#ifndef SS_CLAY_PLACE_H
#define SS_CLAY_PLACE_H

#include "clay/env.h"

/* Fills what the camera has left open in e, and adds the place's props to m. */
void ss_clay_place(maker *m, env *e, const ss_clay_scene *s);

/* ---- for the places themselves */

/* Their random numbers have names instead of an order, so that no compiler's choice of order can move a tree. */
static inline float chance(uint64_t seed, int name, float lo, float hi) {
    rng g = {seed + 0x632be59bd9b4e019u * (uint64_t)(name + 1)};
    return draw_between(&g, lo, hi);
}
static inline int choice(uint64_t seed, int name, int n) { return (int)chance(seed, name, 0, (float)n); }
static inline float mirror(uint64_t seed) { return choice(seed, 10, 2) ? 1 : -1; } /* left and right */

typedef void place_fn(maker *m, env *e, const ss_clay_scene *s);
place_fn ss_clay_meadow, ss_clay_beach, ss_clay_snow, ss_clay_desert, ss_clay_forest, ss_clay_autumn_park, ss_clay_city,
    ss_clay_night_sky, ss_clay_kitchen, ss_clay_blue_studio, ss_clay_pink_studio, ss_clay_yellow_studio;

#endif
