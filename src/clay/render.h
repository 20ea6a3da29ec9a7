/* One picture with memory that the caller has: for those who draw many. */
#ifndef SS_CLAY_RENDER_H
#define SS_CLAY_RENDER_H

#include "clay/stage.h"

/* SS_ERR_ARG for sizes that there are not. */
ss_status ss_clay_picture_check(ss_ctx *cx, const ss_clay_picture *picture);

/* Both are checked. The picture does not depend on the number of threads. */
void ss_clay_render_on(stage *s, const ss_clay_scene *scene, const ss_clay_picture *picture, int threads);

#endif
