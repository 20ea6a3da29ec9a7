/* Between pictures, texts and what the UNet works on. */
#ifndef SS_LATENT_H
#define SS_LATENT_H

#include "diffuse/sample.h"

/* x[3 * w * h] interleaved in -1 .. 1 (v / 127.5 - 1) to the moments' mean and standard deviation, planar [4, h/8,
 * w/8], unscaled. std may be NULL. */
ss_status ss_encode_pixels(ss_ctx *cx, ss_model *m, const float *x, int w, int h, float *mean, float *std);
ss_status ss_encode_image(ss_ctx *cx, ss_model *m, const ss_image *image, float *mean, float *std);

/* z planar [4, h, w] as the UNet has it (scaled) to interleaved pixels [8h * 8w * 3], not clamped. */
ss_status ss_decode_pixels(ss_ctx *cx, ss_model *m, const float *z, int64_t h, int64_t w, float *rgb);
/* To 8 bits by rounding 255 v to the nearest, as diffusers does. *out is freed with ss_image_free. */
ss_status ss_decode_image(ss_image *out, ss_ctx *cx, ss_model *m, const float *z, int64_t h, int64_t w);

/* Texts embedded, one after the other; clip_skip in A1111's counting (0 and 1: the last layer). Warns with the part
 * that did not fit into 77 tokens. out->data is freed by the caller. */
ss_status ss_embed_texts(ss_texts *out, ss_ctx *cx, ss_model *m, const char *const *text, int count, int clip_skip);

/* A cheap guess at the picture: each latent pixel's four channels to one colour by a linear map that is fitted to the
 * model's own decoder, once. */
typedef struct ss_preview {
    float matrix[3][5];
    bool fitted;
} ss_preview;
ss_status ss_preview_fit(ss_preview *p, ss_ctx *cx, ss_model *m);
/* 8h x 8w pixels, nearest. */
ss_status ss_preview_image(ss_image *out, ss_ctx *cx, const ss_preview *p, const float *z, int64_t h, int64_t w);

#endif
