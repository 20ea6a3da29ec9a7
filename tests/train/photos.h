/* Photos that the tests of training make: small PNGs in a folder of the test, each of its own look. */
#ifndef SS_TEST_PHOTOS_H
#define SS_TEST_PHOTOS_H

#include "base/rng.h"
#include "io/image.h"
#include "io/pictures.h"
#include "support/made.h"

/* Every warning of a context, one a line. */
static char warnings[8192];

static inline void collect_warning(void *user, ss_log_level level, const char *sentence) {
    (void)user;
    size_t n = strlen(warnings);
    if (level == SS_LOG_WARNING) snprintf(warnings + n, sizeof warnings - n, "%s\n", sentence);
}

static inline ss_ctx listening(void) {
    warnings[0] = 0;
    ss_ctx cx = context();
    cx.callbacks.log = collect_warning;
    return cx;
}

static inline void assert_warned(const char *part) {
    if (!strstr(warnings, part)) fail_msg("\"%s\" does not say \"%s\"", warnings, part);
}

/* A picture of coarse random blocks: two seeds give two pictures that have nothing to do with each other. */
static inline ss_image made_picture(int w, int h, uint64_t seed) {
    ss_ctx cx = context();
    ss_image small = {0}, im = {0};
    ss_rng r;
    ss_rng_seed(&r, seed);
    assert_int_equal(ss_image_new(&small, &cx, 9, 9), SS_OK);
    for (int i = 0; i < 3 * 81; i++) small.rgb[i] = (uint8_t)ss_rng_int(&r, 0, 256);
    assert_int_equal(ss_image_resize(&im, &cx, &small, w, h, SS_BILINEAR), SS_OK);
    ss_image_free(&small);
    return im;
}

static inline void write_picture(const char *path, ss_image im) {
    ss_ctx cx = context();
    assert_int_equal(ss_image_write(&cx, path, &im, NULL), SS_OK);
    ss_image_free(&im);
}

static inline void made_photo(const char *path, int w, int h, uint64_t seed) {
    write_picture(path, made_picture(w, h, seed));
}

#endif
