/* The decoder's levels, a strip of rows at a time: most of a decode's memory and time go there. */
#ifndef SS_STRIPS_H
#define SS_STRIPS_H

#include "model/vae.h"

/* True where ss_decode_strips does the same as levels of whole pictures, up to the rounding of sums: for one picture on
 * the fast device, with nobody watching and no tape. */
bool ss_strips_fit(const ss_ctx *cx, ss_at at, const ss_tensor *x);

/* From x, the middle's result [1, c, h, w], to the picture [1, 3, 8h, 8w] in float32; `at` is the decoder. Memory holds
 * what one level was given, one picture as wide as its widest layer, and strips of `rows` rows, or of a few megabytes
 * where that is 0. */
ss_tensor *ss_decode_strips(ss_ctx *cx, const ss_vae *vae, ss_at at, ss_tensor *x, int64_t rows);

#endif
