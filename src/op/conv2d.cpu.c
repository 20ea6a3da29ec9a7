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

/* The border of zeros before `first` and after `last` of a line of `whole` places, as far as it lies on the line. */
static void border(int64_t *before, int64_t *after, int64_t whole, int64_t first, int64_t last) {
    *before = first > 0 ? first : 0;
    *after = last < whole - 1 ? whole - 1 - last : 0;
}

/* dx is a convolution, too, by the kernel turned half around: of dy with its places `stride` apart and so much room
 * around them that the kernel meets every place of x. */
static ss_status add_dx(const ss_call *k, const ss_product *p) {
    ss_product back = {.kind = SS_CONV, .n = p->n, .c = p->o, .o = p->c, .kh = p->kh, .kw = p->kw, .stride = 1};
    int64_t h = p->h + p->kh - 1, w = p->w + p->kw - 1, top = p->kh - 1 - p->top, left = p->kw - 1 - p->left;
    border(&back.top, &back.bottom, h, top, top + (p->p - 1) * p->stride);
    border(&back.left, &back.right, w, left, left + (p->q - 1) * p->stride);
    back.h = h - back.top - back.bottom;
    back.w = w - back.left - back.right;
    back.p = p->h;
    back.q = p->w;
    return ss_product_dx(k, back, p->stride, top - back.top, left - back.left);
}

ss_status ss_conv2d_cpu_back(const ss_call *k) {
    ss_product p = product(k);
    ss_status st = SS_OK;
    if (k->dx[0]) st = add_dx(k, &p);
    if (!st && k->dx[1]) st = ss_product_dw(k, p);
    if (!st) ss_product_db_dadd(k);
    return st;
}
