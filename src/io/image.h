/* Pictures in and out: PNG, JPEG, WebP (AVIF and HEIC where libvips has them) to 8-bit RGB and back, their sizes
 * changed as the reference programs do it, and what a picture says about itself (the `parameters` text that other tools
 * read, and our own JSON). The text's inside is infotext.h's business, the JSON's whoever wrote it.
 */
#ifndef SS_IMAGE_H
#define SS_IMAGE_H

#include "base/base.h"

enum {
    SS_IMAGE_SIDE = 32768, /* pixels; what more is promised is refused before anything is allocated */
    SS_IMAGE_PIXELS = 64 * 1024 * 1024,
    SS_IMAGE_TEXT = 16 * 1024 * 1024 /* bytes of one text in a picture, unpacked */
};

/* Black, w x h. */
ss_status ss_image_new(ss_image *out, ss_ctx *cx, int w, int h);
ss_status ss_image_copy(ss_image *out, ss_ctx *cx, const ss_image *in);

/* ------------------------------------------------------------------------------------------------ files */

/* Reading, writing, fitting to a size and what pictures say about themselves are public: selfsame.h. */

/* ss_image_read with EXIF orientation ignored, as the step and layer study's loader does. */
ss_status ss_image_read_unturned(ss_image *out, ss_ctx *cx, const char *path);

/* ------------------------------------------------------------------------------------------------ sizes */

typedef enum ss_resample {
    SS_NEAREST,        /* source index floor(i * in / out) in float32, as torch's interpolate */
    SS_NEAREST_CENTRE, /* floor((i + 1/2) * in / out), as Pillow */
    SS_BOX,            /* from here on Pillow's antialiased filters, equal to the last bit */
    SS_BILINEAR,
    SS_BICUBIC,
    SS_LANCZOS,
} ss_resample;

ss_status ss_image_resize(ss_image *out, ss_ctx *cx, const ss_image *in, int w, int h, ss_resample how);

typedef struct ss_box {
    int x, y, w, h;
} ss_box;

/* The part of `in` inside the box, which has to lie within it. */
ss_status ss_image_crop(ss_image *out, ss_ctx *cx, const ss_image *in, ss_box box);

/* Where SS_FIT_CROP takes its box in the picture of in_w x in_h, and where SS_FIT_PAD puts the picture within w x h. */
ss_box ss_crop_box(int in_w, int in_h, int w, int h);
ss_box ss_pad_box(int in_w, int in_h, int w, int h);

/* ------------------------------------------------------------------------------------------------ masks, scores */

/* The picture's brightness (ITU-R 601) as *w x *h floats 0..1. *out is freed with free(). */
ss_status ss_mask_read(float **out, int *w, int *h, ss_ctx *cx, const char *path);

/* w x h floats as a grey picture, the least one black and the greatest white; a map that is the same everywhere is
 * written as its value, clamped to 0..1. */
ss_status ss_mask_write(ss_ctx *cx, const char *path, const float *x, int w, int h);

/* Peak signal to noise ratio in dB over all three channels, 255 the peak; infinite for equal pictures. Their sizes have
 * to agree. */
double ss_psnr(const ss_image *a, const ss_image *b);

#endif
