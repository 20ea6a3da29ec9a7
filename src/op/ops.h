/* All operations: their attributes and the one line that calls each.
 *
 * Inputs and shapes stand beside each call; c of a picture [n, c, h, w] is the last dimension of tokens [n, len, d],
 * and operations on channels take either. Weights come in the checkpoint's order. An absent input is NULL.
 */
#ifndef SS_OPS_H
#define SS_OPS_H

#include "op/attention.h"
#include "tensor/call.h"

/* y[n, o, h', w'] = conv(x[n, c, h, w], w[o, c, kh, kw]) + b[o] + add[n, o, h', w']; b and add may be absent. */
typedef struct ss_conv_attr {
    int stride;                   /* 0: 1 */
    int top, left, bottom, right; /* rows and columns of zeros around x */
} ss_conv_attr;
extern const ss_op ss_op_conv2d;
ss_tensor *ss_conv2d(ss_ctx *cx, ss_tensor *x, ss_tensor *w, ss_tensor *b, ss_tensor *add, const ss_conv_attr *a);

/* y[..., o] = x[..., d] w[o, d]^T + b[o] + add[..., o]; w may also be [o, d, 1, 1]. b and add may be absent. */
extern const ss_op ss_op_linear;
ss_tensor *ss_linear(ss_ctx *cx, ss_tensor *x, ss_tensor *w, ss_tensor *b, ss_tensor *add);

/* Group norm over c/groups channels and all places, then scale w[c] and offset b[c], then SiLU if asked. A `shift` for
 * each image and channel, [n, c], is added to x first: where the time embedding enters a residual block. Statistics are
 * float32 or better. */
typedef struct ss_norm_attr {
    int groups; /* group norm only */
    float eps;
    bool silu; /* group norm only */
} ss_norm_attr;
extern const ss_op ss_op_group_norm;
ss_tensor *ss_group_norm(ss_ctx *cx, ss_tensor *x, ss_tensor *w, ss_tensor *b, ss_tensor *shift, const ss_norm_attr *a);

/* Each row of channels to mean 0 and variance 1, then w[d] and b[d]. */
extern const ss_op ss_op_layer_norm;
ss_tensor *ss_layer_norm(ss_ctx *cx, ss_tensor *x, ss_tensor *w, ss_tensor *b, float eps);

extern const ss_op ss_op_silu, ss_op_gelu, ss_op_quick_gelu; /* elementwise */
ss_tensor *ss_silu(ss_ctx *cx, ss_tensor *x);
ss_tensor *ss_gelu(ss_ctx *cx, ss_tensor *x);       /* x Phi(x), exact */
ss_tensor *ss_quick_gelu(ss_ctx *cx, ss_tensor *x); /* x sigmoid(1.702 x) */

/* y[..., d] = x[..., :d] gelu(x[..., d:]): value first, gate second. */
extern const ss_op ss_op_geglu;
ss_tensor *ss_geglu(ss_ctx *cx, ss_tensor *x);

/* The GEGLU of a linear layer in one go: y[..., d] of w[2 d, ...]. b may be absent. */
extern const ss_op ss_op_linear_geglu;
ss_tensor *ss_linear_geglu(ss_ctx *cx, ss_tensor *x, ss_tensor *w, ss_tensor *b);

/* x + z; z has x's shape or is repeated over x's leading dimensions (position embeddings). */
extern const ss_op ss_op_add;
ss_tensor *ss_add(ss_ctx *cx, ss_tensor *x, ss_tensor *z);

/* Pictures a and b one behind the other along c. */
extern const ss_op ss_op_concat;
ss_tensor *ss_concat(ss_ctx *cx, ss_tensor *a, ss_tensor *b);

/* x and x again along the batch. */
extern const ss_op ss_op_twice;
ss_tensor *ss_twice(ss_ctx *cx, ss_tensor *x);

/* Channels first .. first + count - 1. */
typedef struct ss_slice_attr {
    int64_t first, count;
} ss_slice_attr;
extern const ss_op ss_op_slice;
ss_tensor *ss_slice(ss_ctx *cx, ss_tensor *x, int64_t first, int64_t count);

/* Nearest neighbour to h x w: source row floor(y * h_in / h). */
typedef struct ss_size_attr {
    int64_t h, w;
} ss_size_attr;
extern const ss_op ss_op_upsample;
ss_tensor *ss_upsample(ss_ctx *cx, ss_tensor *x, int64_t h, int64_t w);

/* Rows of table[vocabulary, d] for ids[n, len], which stay the caller's: y[n, len, d]. Ids from `first` on are rows of
 * `added` [more, d], if that is there: tokens that came after the model was made. */
typedef struct ss_embedding_attr {
    const int32_t *ids;
    int64_t n, len;
    int32_t first;
} ss_embedding_attr;
extern const ss_op ss_op_embedding;
ss_tensor *ss_embedding_added(ss_ctx *cx, ss_tensor *table, ss_tensor *added, int32_t first, const int32_t *ids,
                              int64_t n, int64_t len);
ss_tensor *ss_embedding(ss_ctx *cx, ss_tensor *table, const int32_t *ids, int64_t n, int64_t len);

/* Sinusoids of t[n] (the caller's): y[n, d] = [cos(t f_i) ..., sin(t f_i) ...], f_i = 10000^(-i / (d/2)). float32. */
typedef struct ss_timestep_attr {
    const float *t;
    int64_t n, d;
} ss_timestep_attr;
extern const ss_op ss_op_timestep;
ss_tensor *ss_timestep_embedding(ss_ctx *cx, const float *t, int64_t n, int64_t d);

/* The same numbers as another type; x itself if it has the type. */
typedef struct ss_cast_attr {
    ss_dtype to;
} ss_cast_attr;
extern const ss_op ss_op_cast;
ss_tensor *ss_cast(ss_ctx *cx, ss_tensor *x, ss_dtype to);

/* The same bytes under another shape: pictures as tokens [n, h*w, c], tokens as pictures [n, c, h, w]. */
typedef struct ss_view_attr {
    int rank;
    int64_t shape[SS_RANK];
} ss_view_attr;
extern const ss_op ss_op_view;
ss_tensor *ss_to_tokens(ss_ctx *cx, ss_tensor *picture);
ss_tensor *ss_to_pixels(ss_ctx *cx, ss_tensor *tokens, int64_t h, int64_t w);

/* Attention by a plan; see op/attention.h. q[n, len, d], k and v [n, len_k, d]. */
extern const ss_op ss_op_attention;
ss_tensor *ss_attention(ss_ctx *cx, ss_tensor *q, ss_tensor *k, ss_tensor *v, const ss_attention_attr *a);

/* Every operation above, for tests that visit them all. */
extern const ss_op *const ss_ops[];
extern const int ss_ops_count;

#endif
