/* Each row of channels times a matrix: the mathematics, the plain loops, the shapes.
 *
 *     y[r, o]  = b[o] + add[r, o] + sum_d x[r, d] w[o, d]
 *     dx[r, d] = sum_o dy[r, o] w[o, d],  dw[o, d] = sum_r dy[r, o] x[r, d],  db[o] = sum_r dy[r, o],  dadd = dy
 *
 * where r counts tokens, or the pixels of a picture, whose channels lie last, too.
 */
#include "op/product.h"

static ss_status forward(const ss_call *k) {
    const float *x = k->x[0]->data, *w = ss_weights_f32(k, 1), *b = k->x[2] ? ss_weights_f32(k, 2) : NULL;
    const float *add = k->x[3] ? k->x[3]->data : NULL;
    float *y = k->y->data;
    int64_t rows = ss_rows(k->y), outs = ss_channels(k->y), width = ss_channels(k->x[0]);
    if (k->cx->status) return k->cx->status;

    for (int64_t r = 0, at = 0; r < rows; r++)
        for (int64_t o = 0; o < outs; o++, at++) {
            double sum = (b ? b[o] : 0) + (add ? add[at] : 0);
            for (int64_t d = 0; d < width; d++) sum += (double)x[r * width + d] * w[o * width + d];
            y[at] = (float)sum;
        }
    return SS_OK;
}

static ss_status backward(const ss_call *k) {
    const float *x = k->x[0]->data, *w = ss_weights_f32(k, 1), *dy = k->dy;
    float *dx = k->dx[0], *dw = k->dx[1], *db = k->dx[2], *dadd = k->dx[3];
    int64_t rows = ss_rows(k->y), outs = ss_channels(k->y), width = ss_channels(k->x[0]);
    if (k->cx->status) return k->cx->status;

    for (int64_t r = 0, at = 0; r < rows; r++)
        for (int64_t o = 0; o < outs; o++, at++) {
            if (db) db[o] += dy[at];
            if (dadd) dadd[at] += dy[at];
            for (int64_t d = 0; d < width; d++) {
                if (dx) dx[r * width + d] += dy[at] * w[o * width + d];
                if (dw) dw[o * width + d] += dy[at] * x[r * width + d];
            }
        }
    return SS_OK;
}

static ss_status shape(const ss_call *k, ss_shape *y) {
    const ss_tensor *x = k->x[0], *w = k->x[1], *b = k->x[2], *add = k->x[3];
    char one[64], two[64];
    bool matrix = w->rank == 2 || (w->rank == 4 && w->shape[2] == 1 && w->shape[3] == 1);

    if (!x->rank || !matrix || w->shape[1] != ss_channels(x) || !ss_count(w))
        return ss_fail(k->cx, SS_ERR_SHAPE, "linear: x is %s, which weights %s do not fit",
                       ss_shape_text(one, x->rank, x->shape), ss_shape_text(two, w->rank, w->shape));
    if (b && (b->rank != 1 || b->shape[0] != w->shape[0]))
        return ss_fail(k->cx, SS_ERR_SHAPE, "linear: the bias is %s, the weights %s make %lld channels",
                       ss_shape_text(one, b->rank, b->shape), ss_shape_text(two, w->rank, w->shape),
                       (long long)w->shape[0]);
    y->at[x->rank == 4 ? 1 : x->rank - 1] = w->shape[0];
    if (add && (add->rank != y->rank || memcmp(add->shape, y->at, (size_t)y->rank * sizeof *y->at)))
        return ss_fail(k->cx, SS_ERR_SHAPE, "linear: what is added is %s, the result is %s",
                       ss_shape_text(one, add->rank, add->shape), ss_shape_text(two, y->rank, y->at));
    return SS_OK;
}

static void cost(const ss_call *k, double *flop, double *bytes) {
    (void)bytes;
    *flop = 2.0 * (double)ss_count(k->y) * (double)ss_channels(k->x[0]);
}

const ss_op ss_op_linear = {
    .name = "linear",
    .inputs = 4,
    .optional = 1u << 2 | 1u << 3,
    .rereads = 1u << 1,
    .for_weights = 1u << 0,
    .passes = 1u << 3,
    .shape = shape,
    .on = {[SS_REF] = {forward, backward}, [SS_CPU] = {ss_linear_cpu, ss_linear_cpu_back}},
    .cost = cost,
};

ss_tensor *ss_linear(ss_ctx *cx, ss_tensor *x, ss_tensor *w, ss_tensor *b, ss_tensor *add) {
    if (!x || !w) return NULL;
    return ss_apply(cx, &ss_op_linear, NULL, (ss_tensor *[]){x, w, b, add});
}
