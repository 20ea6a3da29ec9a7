/* The texts in encoded pictures: PNG chunks, and EXIF in PNG, JPEG and WebP. Reading them is ss_image_meta_read of
 * selfsame.h.
 */
#ifndef SS_IMAGE_META_H
#define SS_IMAGE_META_H

#include "base/base.h"

/* A PNG, JPEG or WebP with `meta` (NULL: nothing) in place of all that it said about itself; only what draws it stays.
 * *out is freed with free(). */
ss_status ss_meta_embed(void **out, size_t *n, ss_ctx *cx, const void *bytes, size_t size, const ss_image_meta *meta);

#endif
