/* A linear layer and the GEGLU of its result, which never leaves the processor's cache: it is eight times as wide as
 * what goes in, and four times as wide as what comes out.
 *
 *     v[r, i] = b[i] + sum_d x[r, d] w[i, d],   g[r, i] = the same with the second half of b and w,   y = v gelu(g)
 *
 * Backward computes v and g again, and goes the way of the two operations.
 */
#include "op/cpu.h"
#include "op/product.h"
#include "op/scalar.h"

#include <stdlib.h>

static float row_of(const ss_call *k, int64_t r, int64_t o) {
    const int64_t width = ss_channels(k->x[0]);
    const float *x = k->x[0]->data + r * width, *w = ss_weights_f32(k, 1) + o * width;
    double sum = k->x[2] ? ss_weights_f32(k, 2)[o] : 0;
    for (int64_t d = 0; d < width; d++) sum += (double)x[d] * w[d];
    return (float)sum;
}

static ss_status forward(const ss_call *k) {
    const int64_t rows = ss_rows(k->y), outs = ss_channels(k->y);
    if (!ss_weights_f32(k, 1) || (k->x[2] && !ss_weights_f32(k, 2))) return SS_ERR_NOMEM;
    for (int64_t r = 0, at = 0; r < rows; r++)
        for (int64_t i = 0; i < outs; i++, at++) k->y->data[at] = row_of(k, r, i) * ss_gelu_of(row_of(k, r, outs + i));
    return SS_OK;
}

static ss_status shape(const ss_call *k, ss_shape *y) {
    ss_status st = ss_op_linear.shape(k, y);
    if (st) return st;
    if (k->x[1]->shape[0] % 2) {
        char text[64];
        return ss_fail(k->cx, SS_ERR_SHAPE, "linear_geglu: values and gates need an even number of rows, w is %s",
                       ss_shape_text(text, k->x[1]->rank, k->x[1]->shape));
    }
    y->at[k->x[0]->rank == 4 ? 1 : k->x[0]->rank - 1] /= 2;
    return SS_OK;
}

/* What stands between the two: v and g, one behind the other in each row. Its numbers are the caller's. */
static ss_tensor between(const ss_call *k) {
    ss_tensor h = *k->y;
    h.shape[h.rank == 4 ? 1 : h.rank - 1] *= 2;
    h.grad = NULL;
    h.bytes = NULL;
    return h;
}

static ss_call first_of(const ss_call *k, ss_tensor *h) {
    return (ss_call){.cx = k->cx, .op = &ss_op_linear, .x = {k->x[0], k->x[1], k->x[2]}, .y = h};
}

static ss_call second_of(const ss_call *k, ss_tensor *h) {
    return (ss_call){.cx = k->cx, .op = &ss_op_geglu, .x = {h}, .y = k->y};
}

ss_status ss_linear_geglu_cpu(const ss_call *k) {
    ss_status st = SS_OK;
    if (ss_linear_gated_cpu(k, &st)) return st;
    ss_tensor h = between(k);
    ss_mark start = ss_arena_mark(k->cx->arena);
    ss_tensor *room = ss_tensor_new(k->cx, h.dtype, h.rank, h.shape);
    if (!room) return k->cx->status;
    ss_call first = first_of(k, room), second = second_of(k, room);
    st = ss_linear_cpu(&first);
    if (!st) st = ss_geglu_cpu(&second);
    ss_arena_rewind(k->cx->arena, start);
    return st;
}

static ss_status backward_by(const ss_call *k, ss_kernel linear, ss_kernel geglu_back, ss_kernel linear_back) {
    ss_tensor h = between(k);
    const size_t n = (size_t)ss_count(&h);
    float *dh = ss_alloc(k->cx, n, sizeof *dh);
    h.bytes = ss_alloc(k->cx, n, ss_dtype_size(h.dtype));
    ss_call first = first_of(k, &h), second = second_of(k, &h);
    ss_status st = k->cx->status ? k->cx->status : linear(&first);
    second.dy = k->dy;
    second.dx[0] = dh;
    if (!st) st = geglu_back(&second);
    first.dy = dh;
    for (int i = 0; i < 3; i++) first.dx[i] = k->dx[i];
    if (!st) st = linear_back(&first);
    free(h.bytes);
    free(dh);
    return st;
}

static ss_status backward(const ss_call *k) {
    return backward_by(k, ss_op_linear.on[SS_REF].forward, ss_op_geglu.on[SS_REF].backward,
                       ss_op_linear.on[SS_REF].backward);
}

ss_status ss_linear_geglu_cpu_back(const ss_call *k) {
    return backward_by(k, ss_linear_cpu, ss_geglu_cpu_back, ss_linear_cpu_back);
}

static void cost(const ss_call *k, double *flop, double *bytes) {
    (void)bytes;
    *flop = 4.0 * (double)ss_count(k->y) * (double)ss_channels(k->x[0]);
}

const ss_op ss_op_linear_geglu = {
    .name = "linear_geglu",
    .inputs = 3,
    .optional = 1u << 2,
    .rereads = 1u << 0 | 1u << 1,
    .shape = shape,
    .on = {[SS_REF] = {forward, backward}, [SS_CPU] = SS_ON_CPU(linear_geglu)},
    .cost = cost,
};

ss_tensor *ss_linear_geglu(ss_ctx *cx, ss_tensor *x, ss_tensor *w, ss_tensor *b) {
    return x && w ? ss_apply(cx, &ss_op_linear_geglu, NULL, (ss_tensor *[]){x, w, b}) : NULL;
}
