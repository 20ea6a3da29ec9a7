/* The GELU of CLIP's first text encoders, y = x s(1.702 x), where s is the logistic function.
 *
 *     dy/dx = s(a x) (1 + a x (1 - s(a x))),  a = 1.702
 */
#include "op/cpu.h"
#include "op/ops.h"
#include "op/scalar.h"

static ss_status forward(const ss_call *k) {
    const float *x = k->x[0]->data;
    for (int64_t i = 0, n = ss_count(k->y); i < n; i++) k->y->data[i] = x[i] * ss_logistic(1.702f * x[i]);
    return SS_OK;
}

static ss_status backward(const ss_call *k) {
    const float *x = k->x[0]->data;
    for (int64_t i = 0, n = ss_count(k->y); i < n; i++) k->dx[0][i] += k->dy[i] * ss_silu_slope(1.702f * x[i]);
    return SS_OK;
}

const ss_op ss_op_quick_gelu = {
    .name = "quick_gelu",
    .inputs = 1,
    .rereads = 1u << 0,
    .shape = ss_shape_same,
    .on = {[SS_REF] = {forward, backward}, [SS_CPU] = SS_ON_CPU(quick_gelu)},
};

ss_tensor *ss_quick_gelu(ss_ctx *cx, ss_tensor *x) { return x ? ss_apply(cx, &ss_op_quick_gelu, NULL, &x) : NULL; }
