/* Tensors of one pass, and the parameters of a model.
 *
 * Shapes are written slowest first. A picture is [n, c, h, w] but lies in memory with its channels last (n, h, w, c),
 * so that its pixels are tokens [n, h*w, c] without a copy; everything else lies as it is written. Tensors live in the
 * context's arena; parameters live with their model.
 */
#ifndef SS_TENSOR_H
#define SS_TENSOR_H

#include "base/arena.h"
#include "base/base.h"
#include "base/dtype.h"
#include "device/device.h"

enum { SS_RANK = 4 };

/* Weights in another order than the checkpoint's, as a kernel wants them; made at first use, kept with the parameter.
 */
typedef struct ss_packed {
    void *bytes;
    size_t size;
    enum { SS_ORDER_OTHER, SS_ORDER_TILES, SS_ORDER_GATED } order; /* of op/tiles.h, or what `layout` says */
    void *layout; /* the kernel's description of the order, freed by free_layout; NULL for tiles */
    void (*free_layout)(void *layout);
} ss_packed;

enum { SS_PACK_FORWARD, SS_PACK_BACKWARD, SS_PACKINGS };

/* One tensor of a checkpoint. `stored` points into the mapped file (any alignment). */
typedef struct ss_param {
    const char *name;
    ss_dtype dtype; /* of stored */
    int rank;
    int64_t shape[SS_RANK];
    const void *stored;
    bool mapped; /* `stored` lies in a mapped file, whose pages can be read again at any time */
    float *data; /* float32 in the checkpoint's order, made when somebody needs it (ss_param_f32) */
    float *grad; /* the same size, when trained */
    bool trained;
    int reads; /* how often a walk over the model asked for it */
    ss_packed packed[SS_PACKINGS];
} ss_param;

typedef struct ss_tensor {
    ss_dtype dtype; /* SS_F32 or SS_BF16 */
    int rank;
    int64_t shape[SS_RANK];
    union {
        float *data;    /* SS_F32 */
        uint16_t *half; /* SS_BF16 */
        void *bytes;
    };
    float *grad;     /* float32, in the same order; made by ss_backward, and the tape's unless it is a parameter's */
    bool wants_grad; /* something upstream trains */
    ss_param *param; /* not NULL: these are weights, data may be NULL, see ss_param_f32 */
} ss_tensor;

int64_t ss_count(const ss_tensor *x);    /* elements */
int64_t ss_channels(const ss_tensor *x); /* the size of what lies fastest in memory: c, or the last dimension */
int64_t ss_rows(const ss_tensor *x);     /* ss_count / ss_channels */
bool ss_same_shape(const ss_tensor *a, const ss_tensor *b);
const char *ss_shape_text(char text[64], int rank, const int64_t *shape); /* "[2, 4, 64, 64]" */

/* An uninitialised tensor in the arena. */
ss_tensor *ss_tensor_new(ss_ctx *cx, ss_dtype dtype, int rank, const int64_t *shape);

/* A float32 tensor around numbers that the caller owns; [n, c, h, w] is channels-last in `data`, too. */
ss_tensor *ss_tensor_wrap(ss_ctx *cx, float *data, int rank, const int64_t *shape);

/* Between the planar order of files and other programs (n, c, h, w in memory) and ours. y is [n, c, h, w]. */
ss_tensor *ss_tensor_from_planar(ss_ctx *cx, const float *planar, const int64_t shape[4]);
void ss_tensor_to_planar(float *planar, const ss_tensor *x); /* x is float32 or bfloat16, of any rank */

/* What a block of the network made besides its result is dropped when its scope closes: the result slides down over it.
 * While the tape records, what a remembered call will read again stays, too. */
typedef struct ss_scope {
    ss_mark mark;
    size_t block, call, serial; /* where the tape stood */
} ss_scope;
ss_scope ss_scope_open(ss_ctx *cx);
ss_tensor *ss_scope_close(ss_ctx *cx, ss_scope s, ss_tensor *result);

/* Looks at a named stage of a pass ("down_blocks.0.resnets.1", "...attn1.heads"): for tests and for those who study a
 * network. Returns x. The watcher may not change it. */
typedef struct ss_watch {
    void (*see)(void *user, const char *name, const ss_tensor *x);
    void *user;
} ss_watch;
ss_tensor *ss_watched(ss_ctx *cx, const char *path, const char *suffix, ss_tensor *x);

/* The parameter in float32 and the checkpoint's order, made once. NULL with SS_ERR_NOMEM. */
const float *ss_param_f32(ss_ctx *cx, ss_param *p);
void ss_param_let_go(const ss_param *p); /* `stored` will not be read soon: its pages of a mapped file leave memory */
void ss_param_drop_packed(ss_param *p);  /* after its numbers changed */
void ss_param_clear(ss_param *p);        /* frees what was made of it, not `stored` */

#endif
