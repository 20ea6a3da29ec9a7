/* Convolution on the processor. The mathematics is in conv2d.c. */
#include "op/product.h"

static ss_product product(const ss_call *k) {
    const ss_conv_attr *a = k->attr;
    const int64_t *x = k->x[0]->shape, *w = k->x[1]->shape, *y = k->y->shape;
    return (ss_product){.kind = SS_CONV,
                        .n = x[0],
                        .c = x[1],
                        .h = x[2],
                        .w = x[3],
                        .o = w[0],
                        .kh = w[2],
                        .kw = w[3],
                        .p = y[2],
                        .q = y[3],
                        .stride = a->stride ? a->stride : 1,
                        .top = a->top,
                        .left = a->left,
                        .bottom = a->bottom,
                        .right = a->right};
}

ss_status ss_conv2d_cpu(const ss_call *k) { return ss_product_forward(k, product(k)); }

/* dx is a convolution, too: of dy, with its places `stride` apart on a canvas of zeros that is large enough for the
 * kernel to reach every place of x, with the kernel turned by half a turn. */
ss_status ss_conv2d_cpu_back(const ss_call *k) {
    ss_product p = product(k);
    ss_status st = SS_OK;
    if (k->dx[0]) {
        ss_product back = {.kind = SS_CONV,
                           .n = p.n,
                           .c = p.o,
                           .h = p.h + p.kh - 1,
                           .w = p.w + p.kw - 1,
                           .o = p.c,
                           .kh = p.kh,
                           .kw = p.kw,
                           .p = p.h,
                           .q = p.w,
                           .stride = 1};
        st = ss_product_dx(k, back, p.stride, p.kh - 1 - p.top, p.kw - 1 - p.left);
    }
    if (!st && k->dx[1]) st = ss_product_dw(k, p);
    if (!st) ss_product_db_dadd(k);
    return st;
}
