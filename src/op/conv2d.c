/* Convolution of a picture with its channels last: the mathematics, the plain loops, the shapes.
 *
 * With s the stride, c over x's channels and (i, j) over the kernel,
 *
 *     y[n, p, q, o]  = b[o] + add[n, p, q, o] + sum_cij x[n, p s + i - top, q s + j - left, c] w[o, c, i, j]
 *     dx[n, u, v, c] = sum of dy[n, p, q, o] w[o, c, i, j] over the (p, q, o, i, j) that read x[n, u, v, c]
 *     dw[o, c, i, j] = sum of dy[n, p, q, o] x[...] over all places, db[o] = sum of dy[n, p, q, o], dadd = dy
 */
#include "op/product.h"

typedef struct geometry {
    int64_t n, c, h, w, o, kh, kw, p, q; /* x is [n, c, h, w], weights [o, c, kh, kw], y [n, o, p, q] */
    int stride, top, left;
} geometry;

static geometry geometry_of(const ss_call *k) {
    const ss_conv_attr *a = k->attr;
    const int64_t *x = k->x[0]->shape, *w = k->x[1]->shape, *y = k->y->shape;
    return (geometry){x[0], x[1], x[2], x[3], w[0], w[2], w[3], y[2], y[3], a->stride ? a->stride : 1, a->top, a->left};
}

/* Where in x the kernel's element (i, j) lies for the output (p, q) of image n; negative in the border of zeros. */
static int64_t place(const geometry *g, int64_t n, int64_t p, int64_t q, int64_t i, int64_t j) {
    int64_t u = p * g->stride + i - g->top, v = q * g->stride + j - g->left;
    return u < 0 || u >= g->h || v < 0 || v >= g->w ? -1 : ((n * g->h + u) * g->w + v) * g->c;
}

static ss_status forward(const ss_call *k) {
    geometry g = geometry_of(k);
    const float *x = k->x[0]->data, *w = ss_weights_f32(k, 1), *b = k->x[2] ? ss_weights_f32(k, 2) : NULL;
    const float *add = k->x[3] ? k->x[3]->data : NULL;
    float *y = k->y->data;
    if (k->cx->status) return k->cx->status;

    for (int64_t n = 0, at = 0; n < g.n; n++)
        for (int64_t p = 0; p < g.p; p++)
            for (int64_t q = 0; q < g.q; q++)
                for (int64_t o = 0; o < g.o; o++, at++) {
                    double sum = (b ? b[o] : 0) + (add ? add[at] : 0);
                    for (int64_t i = 0; i < g.kh; i++)
                        for (int64_t j = 0; j < g.kw; j++) {
                            int64_t from = place(&g, n, p, q, i, j);
                            if (from < 0) continue;
                            const float *tap = w + (o * g.c * g.kh + i) * g.kw + j;
                            for (int64_t c = 0; c < g.c; c++) sum += (double)x[from + c] * tap[c * g.kh * g.kw];
                        }
                    y[at] = (float)sum;
                }
    return SS_OK;
}

static ss_status backward(const ss_call *k) {
    geometry g = geometry_of(k);
    const float *x = k->x[0]->data, *w = ss_weights_f32(k, 1), *dy = k->dy;
    float *dx = k->dx[0], *dw = k->dx[1], *db = k->dx[2], *dadd = k->dx[3];
    if (k->cx->status) return k->cx->status;

    for (int64_t n = 0, at = 0; n < g.n; n++)
        for (int64_t p = 0; p < g.p; p++)
            for (int64_t q = 0; q < g.q; q++)
                for (int64_t o = 0; o < g.o; o++, at++) {
                    if (db) db[o] += dy[at];
                    if (dadd) dadd[at] += dy[at];
                    for (int64_t i = 0; i < g.kh; i++)
                        for (int64_t j = 0; j < g.kw; j++) {
                            int64_t from = place(&g, n, p, q, i, j), tap = (o * g.c * g.kh + i) * g.kw + j;
                            if (from < 0) continue;
                            for (int64_t c = 0; c < g.c; c++) {
                                if (dx) dx[from + c] += dy[at] * w[tap + c * g.kh * g.kw];
                                if (dw) dw[tap + c * g.kh * g.kw] += dy[at] * x[from + c];
                            }
                        }
                }
    return SS_OK;
}

static ss_status shape(const ss_call *k, ss_shape *y) {
    const ss_conv_attr *a = k->attr;
    const ss_tensor *x = k->x[0], *w = k->x[1], *b = k->x[2], *add = k->x[3];
    int64_t stride = a->stride ? a->stride : 1;
    char one[64], two[64];

    if (x->rank != 4 || w->rank != 4 || w->shape[1] != x->shape[1] || !ss_count(w))
        return ss_fail(k->cx, SS_ERR_SHAPE, "conv2d: x is %s, which weights %s do not fit",
                       ss_shape_text(one, x->rank, x->shape), ss_shape_text(two, w->rank, w->shape));
    if (b && (b->rank != 1 || b->shape[0] != w->shape[0]))
        return ss_fail(k->cx, SS_ERR_SHAPE, "conv2d: the bias is %s, the weights %s make %lld channels",
                       ss_shape_text(one, b->rank, b->shape), ss_shape_text(two, w->rank, w->shape),
                       (long long)w->shape[0]);
    int64_t h = x->shape[2] + a->top + a->bottom - w->shape[2], width = x->shape[3] + a->left + a->right - w->shape[3];
    if (h < 0 || width < 0)
        return ss_fail(k->cx, SS_ERR_SHAPE, "conv2d: x is %s, smaller than the kernel of weights %s",
                       ss_shape_text(one, x->rank, x->shape), ss_shape_text(two, w->rank, w->shape));
    y->at[1] = w->shape[0];
    y->at[2] = h / stride + 1;
    y->at[3] = width / stride + 1;
    if (add && (add->rank != 4 || memcmp(add->shape, y->at, sizeof y->at)))
        return ss_fail(k->cx, SS_ERR_SHAPE, "conv2d: what is added is %s, the result is %s",
                       ss_shape_text(one, add->rank, add->shape), ss_shape_text(two, 4, y->at));
    return SS_OK;
}

static void cost(const ss_call *k, double *flop, double *bytes) {
    (void)bytes;
    const int64_t *w = k->x[1]->shape;
    *flop = 2.0 * (double)ss_count(k->y) * (double)(w[1] * w[2] * w[3]);
}

const ss_op ss_op_conv2d = {
    .name = "conv2d",
    .inputs = 4,
    .optional = 1u << 2 | 1u << 3,
    .rereads = 1u << 1,
    .for_weights = 1u << 0,
    .passes = 1u << 3,
    .attr_size = sizeof(ss_conv_attr),
    .shape = shape,
    .on = {[SS_REF] = {forward, backward}, [SS_CPU] = {ss_conv2d_cpu, ss_conv2d_cpu_back}},
    .cost = cost,
};

ss_tensor *ss_conv2d(ss_ctx *cx, ss_tensor *x, ss_tensor *w, ss_tensor *b, ss_tensor *add, const ss_conv_attr *a) {
    if (!x || !w) return NULL;
    return ss_apply(cx, &ss_op_conv2d, a, (ss_tensor *[]){x, w, b, add});
}
