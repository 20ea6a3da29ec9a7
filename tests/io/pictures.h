/* What the tests of pictures share: a context that keeps its last warning, a folder of their own, small PNGs. */
#ifndef SS_TEST_PICTURES_H
#define SS_TEST_PICTURES_H

#include "base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

static char last_warning[512];

static inline void keep_warning(void *user, ss_log_level level, const char *sentence) {
    (void)user;
    if (level == SS_LOG_WARNING) snprintf(last_warning, sizeof last_warning, "%s", sentence);
}

static inline ss_ctx context(void) {
    last_warning[0] = 0;
    return (ss_ctx){.callbacks = {.log = keep_warning}, .threads = 2, .fail_allocation = -1};
}

static inline void assert_sentence(const ss_ctx *cx, const char *part) {
    if (!strstr(cx->error, part)) fail_msg("\"%s\" does not say \"%s\"", cx->error, part);
}

static inline void *slurp(const char *path, size_t *n) {
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    *n = (size_t)ftell(f);
    rewind(f);
    void *bytes = malloc(*n + 1);
    assert_int_equal(fread(bytes, 1, *n, f), *n);
    fclose(f);
    return bytes;
}

static inline void spill(const char *path, const void *bytes, size_t n) {
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static char folder[64];

static inline const char *in_folder(const char *name) {
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static inline int make_folder(void **state) {
    (void)state;
    strcpy(folder, "/tmp/selfsame-image-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static inline int remove_folder(void **state) {
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static inline void put_be(uint8_t *p, uint32_t v) {
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static inline size_t png_chunk(uint8_t *to, const char *type, const void *data, size_t n) {
    put_be(to, (uint32_t)n);
    memcpy(to + 4, type, 4);
    memcpy(to + 8, data, n);
    put_be(to + 8 + n, (uint32_t)crc32(0, to + 4, (uInt)n + 4));
    return n + 12;
}

/* Eight bits of RGB; `between` is put before the pixels, all of them black, and `after` behind. */
static inline size_t small_png(uint8_t *to, uint32_t w, uint32_t h, const void *between, size_t nb, const void *after,
                               size_t na) {
    uint8_t head[13] = {[8] = 8, [9] = 2}, rows[1024] = {0}, packed[1024];
    uLongf np = sizeof packed;
    put_be(head, w);
    put_be(head + 4, h);
    assert_int_equal(compress(packed, &np, rows, h < 9 ? (3 * w + 1) * h : sizeof rows), Z_OK);
    size_t n = 8;
    memcpy(to, "\x89PNG\r\n\x1a\n", 8);
    n += png_chunk(to + n, "IHDR", head, 13);
    if (nb) memcpy(to + n, between, nb);
    n += nb;
    n += png_chunk(to + n, "IDAT", packed, np);
    if (na) memcpy(to + n, after, na);
    n += na;
    return n + png_chunk(to + n, "IEND", "", 0);
}

#endif
