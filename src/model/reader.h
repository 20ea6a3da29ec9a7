/* The readers: two small networks that look at a picture of 64 x 64 pixels and tell what is in it, to judge what others
 * have drawn. Their weights lie in a model's readers/ and come from tools/clay; what their answers mean is not known
 * here.
 */
#ifndef SS_READER_H
#define SS_READER_H

#include "model/layers.h"

enum { SS_READER_SIDE = 64, SS_READER_MASK = 32 };

/* Adds a tensor of a reader's file to its parameters, in the shape that the functions below take. */
ss_status ss_reader_add(ss_params *p, ss_ctx *cx, const char *name, ss_dtype dtype, int rank, const int64_t *shape,
                        const void *stored);

/* What all heads of the attribute reader read, [n, d, 1, 1], of x[n, 3, 64, 64] float32 in -1 .. 1. */
ss_tensor *ss_reader_attributes(ss_ctx *cx, const ss_params *net, ss_tensor *x);

/* The scores of one attribute's words, [n, words, 1, 1]. */
ss_tensor *ss_reader_head(ss_ctx *cx, const ss_params *net, const char *name, ss_tensor *hidden);

/* Who it is: an embedding [n, d, 1, 1], not normalised; and where, as logits of the figure's mask, [n, 1, 32, 32]. */
ss_tensor *ss_reader_identity(ss_tensor **mask, ss_ctx *cx, const ss_params *net, ss_tensor *x);

#endif
