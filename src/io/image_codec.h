/* Encoded pictures to pixels and back: the one place that knows libvips. Metadata other than EXIF orientation and
 * colour profiles is image_meta.h's.
 */
#ifndef SS_IMAGE_CODEC_H
#define SS_IMAGE_CODEC_H

#include "base/base.h"

typedef enum ss_picture { SS_NO_PICTURE, SS_PNG, SS_JPEG, SS_WEBP, SS_HEIF, SS_GIF, SS_TIFF } ss_picture;

/* By the first bytes; AVIF and HEIC are SS_HEIF. */
ss_picture ss_picture_kind(const void *bytes, size_t n);

/* See ss_image_read. `turn`: apply EXIF orientation. `bytes` are only read, despite libvips' types. */
ss_status ss_picture_decode(ss_image *out, ss_ctx *cx, const void *bytes, size_t n, const char *name, bool turn);

/* PNG, JPEG or WebP, straight from libvips. *bytes is freed with free(). */
ss_status ss_picture_encode(void **bytes, size_t *n, ss_ctx *cx, const ss_image *im, ss_picture kind);

#endif
