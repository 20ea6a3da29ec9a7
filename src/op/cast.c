/* The same numbers as another type. Gradients are float32 on either side, so backward only adds. */
#include "op/cpu.h"
#include "op/ops.h"

static ss_status shape(const ss_call *k, ss_shape *y) {
    y->dtype = ((const ss_cast_attr *)k->attr)->to;
    return SS_OK;
}

static ss_status forward(const ss_call *k) {
    size_t n = (size_t)ss_count(k->y);
    if (k->y->dtype == SS_BF16)
        ss_f32_to_bf16(k->y->half, k->x[0]->data, n);
    else
        ss_to_f32(k->y->data, k->x[0]->bytes, k->x[0]->dtype, n);
    return SS_OK;
}

static ss_status backward(const ss_call *k) {
    for (int64_t i = 0, n = ss_count(k->y); i < n; i++) k->dx[0][i] += k->dy[i];
    return SS_OK;
}

const ss_op ss_op_cast = {
    .name = "cast",
    .inputs = 1,
    .passes = 1u << 0,
    .attr_size = sizeof(ss_cast_attr),
    .shape = shape,
    .on = {[SS_REF] = {forward, backward}, [SS_CPU] = SS_ON_CPU(cast)},
};

ss_tensor *ss_cast(ss_ctx *cx, ss_tensor *x, ss_dtype to) {
    if (!x || x->dtype == to) return x;
    return ss_apply(cx, &ss_op_cast, &(ss_cast_attr){to}, &x);
}
