/* What places are furnished with. o is where a thing stands, s its size. */
#ifndef SS_CLAY_PROPS_H
#define SS_CLAY_PROPS_H

#include "clay/env.h"
#include "clay/pose.h"

static inline material plain(vec rgb) { return (material){.rgb = rgb, .gloss = 0.12f}; }
static inline material plain_lch(float l, float c, float h) { return plain(oklch(l, c, h)); }
static inline material glazed(vec rgb, float gloss) { return (material){.rgb = rgb, .gloss = gloss}; }

void ss_clay_round_tree(maker *m, vec o, float s, vec leaves);
void ss_clay_pine(maker *m, vec o, float s, vec leaves, bool snow);
void ss_clay_cactus(maker *m, vec o, float s);
void ss_clay_palm(maker *m, vec o, float s, float lean);
void ss_clay_mushroom(maker *m, vec o, float s, vec cap);
void ss_clay_flower(maker *m, vec o, float s, vec petals);
void ss_clay_starfish(maker *m, vec o);
void ss_clay_hill(maker *m, float x, float z, float w, float h, vec rgb);
void ss_clay_mound(maker *m, vec o, vec radii, vec rgb); /* drifts, stones */
void ss_clay_lamp_post(maker *m, const env *e, vec o, float s);
void ss_clay_car(maker *m, vec o, float s, vec rgb);
void ss_clay_hydrant(maker *m, vec o);
void ss_clay_bench(maker *m, vec o, float yaw);
void ss_clay_parasol(maker *m, vec o, float s, vec a, vec b); /* eight gores, two colours */
void ss_clay_beach_ball(maker *m, vec o, float r);
void ss_clay_mug(maker *m, vec o, float s, vec rgb);
void ss_clay_fruit(maker *m, vec o, float r, vec rgb);
void ss_clay_carton(maker *m, vec o, float s, vec rgb);

#endif
