/* The door to oneDNN: products (convolutions and matrix products) described in plain numbers, and carried out.
 *
 * Two versions with different C interfaces are in use, 2.6 (Debian 12) and 3.7 (Debian 13). dnnl.dnnl.c speaks both and
 * is the only file that knows of either. Primitives are made once for a description and kept, the least used ones
 * leave.
 *
 * oneDNN takes its number of threads from OpenMP, per calling thread. Every function here sets the device's number for
 * the time of the call and puts the caller's back, so that contexts in different threads do not meet. The same number
 * of threads gives the same bits.
 */
#ifndef SS_DEVICE_DNNL_H
#define SS_DEVICE_DNNL_H

#include "base/base.h"
#include "base/dtype.h"

typedef struct ss_dnnl ss_dnnl;

ss_status ss_dnnl_new(ss_dnnl **out, ss_ctx *cx);
void ss_dnnl_free(ss_dnnl *d);

/* Holds oneDNN to a level of ss_cpu_levels, for the rest of the process: before its first use, or SS_ERR_DEVICE if that
 * settled another one. */
ss_status ss_dnnl_limit(ss_ctx *cx, const char *level);

typedef enum ss_product_kind {
    SS_CONV,    /* y[n, o, p, q] from x[n, c, h, w] and w[o, c, kh, kw]; pictures lie with their channels last */
    SS_CONV_DW, /* y[o, c, kh, kw] from x[n, c, h, w] and w = dy[n, o, p, q]: the gradient of the weights */
    SS_MATMUL,  /* y[n, o] from x[n, c] and w[c, o] */
} ss_product_kind;

typedef enum ss_product_add {
    SS_ADD_NOTHING,
    SS_ADD_TO_Y,  /* y += */
    SS_ADD_OTHER, /* y = ... + other, which is like y */
} ss_product_add;

/* What oneDNN is asked for. Its bytes are what a kept primitive is found by: there is no padding. */
typedef struct ss_product {
    int32_t kind;  /* ss_product_kind */
    int32_t from;  /* ss_dtype of x and w: SS_F32 or SS_BF16; sums are float32 in either case */
    int32_t to;    /* ss_dtype of y and other */
    int32_t bias;  /* one float32 for each of the o channels */
    int32_t add;   /* ss_product_add */
    int32_t plain; /* a matrix product's w lies as it is written, instead of in the order that oneDNN likes best */
    int64_t n, c, o;
    int64_t h, w, kh, kw, p, q, stride, top, left, bottom, right; /* convolutions */
    int64_t x_row, x_col; /* matrix products: how far apart the rows and columns of x lie */
} ss_product;

/* The order of packed weights. */
typedef struct ss_layout ss_layout;

ss_layout *ss_layout_clone(ss_ctx *cx, const ss_layout *l); /* NULL with SS_ERR_NOMEM */
void ss_layout_free(void *layout);
bool ss_layout_equal(const ss_layout *a, const ss_layout *b);
size_t ss_layout_size(const ss_layout *l); /* bytes, with the zeros that fill up blocks */

/* Where element (i, j, ...) lies is the sum of one number for each dimension's index. Fills those of dimension `dim`.
 */
void ss_layout_offsets(const ss_layout *l, int dim, int64_t *offset);

/* Ready to run. Lives until other products have pushed it out: do not keep it beyond a call of an operation. */
typedef struct ss_primitive {
    const char *implementation; /* oneDNN's name for it */
    const ss_layout *weights;   /* the order of w; of y for SS_CONV_DW */
    size_t scratch;             /* bytes to lend it */
    ss_product_add
        add; /* SS_ADD_TO_Y where SS_ADD_OTHER was asked for and would have been slow: put other into y first */
} ss_primitive;

/* With `weights` NULL, w's order is oneDNN's choice; NULL with a failure if there is no such product. Else w lies in
 * this order, and NULL comes back quietly if oneDNN cannot do that, or only by its plain loops. */
ss_primitive *ss_primitive_get(ss_ctx *cx, const ss_product *p, const ss_layout *weights);

typedef struct ss_operands {
    const void *x, *w, *b, *other; /* b and other where the product has them */
    void *y, *scratch;
} ss_operands;

ss_status ss_primitive_run(ss_ctx *cx, ss_primitive *p, const ss_operands *with);

#endif
