/* Scenes out of random numbers. */
#ifndef SS_CLAY_SCENE_H
#define SS_CLAY_SCENE_H

#include "clay/clay.h"

/* A request with its words looked up: the number of each part, -1 where it is drawn. */
typedef struct choices {
    uint64_t seed;
    bool small;
    const ss_clay_identity *who;
    int part[SS_CLAY_PARTS];
} choices;

/* SS_ERR_ARG for words that are none, and for what contradicts itself. */
ss_status ss_clay_choose(choices *c, ss_ctx *cx, const ss_clay_request *request);

void ss_clay_draw(ss_clay_scene *s, const choices *c, uint64_t index);

/* SS_ERR_ARG if a number is outside its range: callers can fill scenes by hand. */
ss_status ss_clay_scene_check(ss_ctx *cx, const ss_clay_scene *s);

#endif
