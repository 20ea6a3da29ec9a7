/* What the tests of the clay world share. */
#ifndef SS_TEST_CLAY_SCENES_H
#define SS_TEST_CLAY_SCENES_H

#include "clay/clay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static inline ss_ctx context(void) { return (ss_ctx){.threads = 2, .fail_allocation = -1}; }

static inline void assert_sentence(const ss_ctx *cx, const char *part) {
    if (!strstr(cx->error, part)) fail_msg("\"%s\" does not say \"%s\"", cx->error, part);
}

static inline ss_clay_scene scene_of(const ss_clay_request *q, uint64_t index) {
    ss_ctx cx = context();
    ss_clay_scene s;
    if (ss_clay_scene_draw(&s, &cx, q, index)) fail_msg("%s", cx.error);
    return s;
}

#endif
