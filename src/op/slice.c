/* y = channels first .. first + count - 1 of x, at every place. */
#include "op/cpu.h"
#include "op/ops.h"

#include <string.h>

static ss_status shape(const ss_call *k, ss_shape *y) {
    const ss_slice_attr *a = k->attr;
    const ss_tensor *x = k->x[0];
    int64_t c = ss_channels(x);
    if (a->first < 0 || a->count < 1 || a->first > c - a->count)
        return ss_fail(k->cx, SS_ERR_SHAPE, "slice: x has %lld channels, %lld from number %lld on are asked for",
                       (long long)c, (long long)a->count, (long long)a->first);
    y->at[x->rank == 4 ? 1 : x->rank - 1] = a->count;
    return SS_OK;
}

static ss_status forward(const ss_call *k) {
    const ss_slice_attr *a = k->attr;
    int64_t c = ss_channels(k->x[0]);
    for (int64_t r = 0, rows = ss_rows(k->y); r < rows; r++)
        memcpy(k->y->data + r * a->count, k->x[0]->data + r * c + a->first, (size_t)a->count * sizeof(float));
    return SS_OK;
}

static ss_status backward(const ss_call *k) {
    const ss_slice_attr *a = k->attr;
    int64_t c = ss_channels(k->x[0]);
    for (int64_t r = 0, rows = ss_rows(k->y); r < rows; r++)
        for (int64_t i = 0; i < a->count; i++) k->dx[0][r * c + a->first + i] += k->dy[r * a->count + i];
    return SS_OK;
}

const ss_op ss_op_slice = {
    .name = "slice",
    .inputs = 1,
    .attr_size = sizeof(ss_slice_attr),
    .shape = shape,
    .on = {[SS_REF] = {forward, backward}, [SS_CPU] = SS_ON_CPU(slice)},
};

ss_tensor *ss_slice(ss_ctx *cx, ss_tensor *x, int64_t first, int64_t count) {
    return x ? ss_apply(cx, &ss_op_slice, &(ss_slice_attr){first, count}, &x) : NULL;
}
