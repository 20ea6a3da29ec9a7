/* Pictures in memory, and on their way from and to files. Decoding and encoding are image_codec.c's, the texts in a
 * picture image_meta.c's, changes of size image_size.c's.
 */
#include "io/image.h"

#include "io/image_codec.h"
#include "io/image_meta.h"
#include "io/map.h"
#include "io/replace.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

ss_status ss_image_new(ss_image *out, ss_ctx *cx, int w, int h) {
    if (w < 1 || h < 1 || w > SS_IMAGE_SIDE || h > SS_IMAGE_SIDE || (int64_t)w * h > SS_IMAGE_PIXELS)
        return ss_fail(cx, SS_ERR_ARG,
                       "a picture of %d x %d pixels is out of range: 1 to %d a side, at most %d million", w, h,
                       SS_IMAGE_SIDE, SS_IMAGE_PIXELS >> 20);
    uint8_t *rgb = ss_alloc(cx, (size_t)w * h, 3);
    if (!rgb) return SS_ERR_NOMEM;
    *out = (ss_image){w, h, rgb};
    return SS_OK;
}

void ss_image_free(ss_image *im) {
    if (!im) return;
    free(im->rgb);
    *im = (ss_image){0};
}

ss_status ss_image_copy(ss_image *out, ss_ctx *cx, const ss_image *in) {
    return ss_image_crop(out, cx, in, (ss_box){0, 0, in->w, in->h});
}

ss_status ss_image_crop(ss_image *out, ss_ctx *cx, const ss_image *in, ss_box box) {
    if (box.x < 0 || box.y < 0 || box.w > in->w - box.x || box.h > in->h - box.y)
        return ss_fail(cx, SS_ERR_ARG, "a box of %d x %d at (%d, %d) does not lie within a picture of %d x %d", box.w,
                       box.h, box.x, box.y, in->w, in->h);
    ss_image made = {0};
    ss_status st = ss_image_new(&made, cx, box.w, box.h);
    if (!made.rgb) return st;
    for (int y = 0; y < box.h; y++)
        memcpy(made.rgb + (size_t)3 * y * box.w, in->rgb + 3 * ((size_t)(box.y + y) * in->w + box.x),
               (size_t)3 * box.w);
    *out = made;
    return SS_OK;
}

double ss_psnr(const ss_image *a, const ss_image *b) {
    assert(a->w == b->w && a->h == b->h);
    int64_t n = (int64_t)3 * a->w * a->h, sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (a->rgb[i] - b->rgb[i]) * (a->rgb[i] - b->rgb[i]);
    return sum ? 10 * log10(255.0 * 255.0 * (double)n / (double)sum) : INFINITY;
}

/* ------------------------------------------------------------------------------------------------ files */

ss_status ss_image_read_bytes(ss_image *out, ss_ctx *cx, const void *bytes, size_t n, const char *name) {
    return ss_picture_decode(out, cx, bytes, n, name, true);
}

static ss_status read_file(ss_image *out, ss_ctx *cx, const char *path, bool turn) {
    ss_map file = {0};
    ss_status st = ss_map_file(&file, cx, path);
    if (!st) st = ss_picture_decode(out, cx, file.bytes, file.size, path, turn);
    ss_unmap(&file);
    return st;
}

ss_status ss_image_read(ss_image *out, ss_ctx *cx, const char *path) { return read_file(out, cx, path, true); }

ss_status ss_image_read_unturned(ss_image *out, ss_ctx *cx, const char *path) {
    return read_file(out, cx, path, false);
}

ss_status ss_image_meta_read(ss_image_meta *out, ss_ctx *cx, const char *path) {
    ss_map file = {0};
    ss_status st = ss_map_file(&file, cx, path);
    if (!st) st = ss_image_meta_read_bytes(out, cx, file.bytes, file.size, path);
    ss_unmap(&file);
    return st;
}

/* The kind that a suffix (without its point, NULL if there is none) asks to write. */
static ss_picture written_as(const char *suffix) {
    static const struct {
        const char *suffix;
        ss_picture kind;
    } known[] = {{"png", SS_PNG}, {"jpg", SS_JPEG}, {"jpeg", SS_JPEG}, {"webp", SS_WEBP}};
    for (int i = 0; suffix && i < SS_COUNT_OF(known); i++)
        if (!strcasecmp(suffix, known[i].suffix)) return known[i].kind;
    return SS_NO_PICTURE;
}

static const char *suffix_of(const char *path) {
    const char *slash = strrchr(path, '/'), *point = strrchr(slash ? slash : path, '.');
    return point ? point + 1 : NULL;
}

ss_status ss_image_path_check(ss_ctx *cx, const char *path) {
    if (written_as(suffix_of(path))) return SS_OK;
    return ss_fail(cx, SS_ERR_ARG, "%s: pictures are written as .png, .jpg or .webp", path);
}

ss_status ss_image_encode(void **bytes, size_t *n, ss_ctx *cx, const ss_image *im, const ss_image_meta *meta,
                          const char *suffix) {
    ss_picture kind = written_as(suffix);
    if (!kind)
        return ss_fail(cx, SS_ERR_ARG, "pictures are written as png, jpg or webp, not as \"%s\"", suffix ? suffix : "");
    void *plain = NULL;
    size_t size = 0;
    ss_status st = ss_picture_encode(&plain, &size, cx, im, kind);
    if (!st) st = ss_meta_embed(bytes, n, cx, plain, size, meta);
    free(plain);
    return st;
}

ss_status ss_image_write(ss_ctx *cx, const char *path, const ss_image *im, const ss_image_meta *meta) {
    void *bytes = NULL;
    size_t n = 0;
    ss_status st = ss_image_path_check(cx, path);
    if (!st) st = ss_image_encode(&bytes, &n, cx, im, meta, suffix_of(path));
    if (!st) st = ss_write_file(cx, path, bytes, n);
    free(bytes);
    return st;
}

/* ------------------------------------------------------------------------------------------------ masks */

ss_status ss_mask_read(float **out, int *w, int *h, ss_ctx *cx, const char *path) {
    ss_image im = {0};
    float *made = NULL;
    ss_status st = ss_image_read(&im, cx, path);
    if (!st) {
        made = ss_alloc(cx, (size_t)im.w * im.h, sizeof *made);
        if (!made) st = SS_ERR_NOMEM;
    }
    if (!st) {
        /* 0.299 R + 0.587 G + 0.114 B in 16-bit fixed point: a grey picture keeps its values exactly. */
        for (int64_t i = 0, n = (int64_t)im.w * im.h; i < n; i++) {
            const uint8_t *p = im.rgb + 3 * i;
            made[i] = (float)((p[0] * 19595 + p[1] * 38470 + p[2] * 7471 + 0x8000) >> 16) / 255.0f;
        }
        *out = made;
        *w = im.w;
        *h = im.h;
    }
    ss_image_free(&im);
    return st;
}

ss_status ss_mask_write(ss_ctx *cx, const char *path, const float *x, int w, int h) {
    ss_image im = {0};
    ss_status st = ss_image_new(&im, cx, w, h);
    if (!im.rgb) return st;
    int64_t n = (int64_t)w * h;
    float least = x[0], most = x[0];
    for (int64_t i = 1; i < n; i++) {
        least = fminf(least, x[i]);
        most = fmaxf(most, x[i]);
    }
    if (!(most > least)) least = 0, most = 1;
    for (int64_t i = 0; i < n; i++) {
        float grey = 255 * fminf(fmaxf((x[i] - least) / (most - least), 0), 1);
        memset(im.rgb + 3 * i, (int)lrintf(grey), 3);
    }
    st = ss_image_write(cx, path, &im, NULL);
    ss_image_free(&im);
    return st;
}
