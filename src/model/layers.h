/* Layers: an operation and its parameters, named where they are used. What several networks share.
 *
 * Each takes the place `at` and the layer's `name` below it. Sizes come from the weights; that they fit is checked
 * here, so that a checkpoint that does not fit is told by its key.
 */
#ifndef SS_LAYERS_H
#define SS_LAYERS_H

#include "model/params.h"
#include "op/ops.h"

ss_tensor *ss_layer_conv(ss_ctx *cx, ss_at at, const char *name, ss_tensor *x); /* 3x3 with one pixel around, or 1x1 */
ss_tensor *ss_layer_conv_plus(ss_ctx *cx, ss_at at, const char *name, ss_tensor *x, ss_tensor *add);
ss_tensor *ss_layer_conv_half(ss_ctx *cx, ss_at at, const char *name,
                              ss_tensor *x); /* 3x3, stride 2, one pixel around */
ss_tensor *ss_layer_linear(ss_ctx *cx, ss_at at, const char *name, ss_tensor *x);
ss_tensor *ss_layer_linear_plus(ss_ctx *cx, ss_at at, const char *name, ss_tensor *x, ss_tensor *add);
ss_tensor *ss_layer_linear_bare(ss_ctx *cx, ss_at at, const char *name, ss_tensor *x); /* without a bias */
ss_tensor *ss_layer_linear_geglu(ss_ctx *cx, ss_at at, const char *name, ss_tensor *x);
ss_tensor *ss_layer_norm_tokens(ss_ctx *cx, ss_at at, const char *name, ss_tensor *x); /* layer norm, eps 1e-5 */
ss_tensor *ss_layer_group_norm(ss_ctx *cx, ss_at at, const char *name, ss_tensor *x, ss_tensor *shift,
                               const ss_norm_attr *a);

/* Asks the context's controllers for a plan, computes attention by it, and shows them the map if one wants it. The site
 * says where this is; its n, heads and len_k are filled in here. */
ss_tensor *ss_attend(ss_ctx *cx, ss_attn_site site, ss_tensor *q, ss_tensor *k, ss_tensor *v, int heads);

/* Attention without controllers; a watcher sees every head's probabilities [n, heads, len, len_k] as KEY.probs. */
ss_tensor *ss_attention_seen(ss_ctx *cx, const char *key, ss_tensor *q, ss_tensor *k, ss_tensor *v,
                             ss_attention_attr a);

#endif
