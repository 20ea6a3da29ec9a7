/* SiLU, y = x s(x), where s is the logistic function.
 *
 *     dy/dx = s(x) (1 + x (1 - s(x)))
 */
#include "op/cpu.h"
#include "op/ops.h"
#include "op/scalar.h"

static ss_status forward(const ss_call *k) {
    const float *x = k->x[0]->data;
    for (int64_t i = 0, n = ss_count(k->y); i < n; i++) k->y->data[i] = ss_silu_of(x[i]);
    return SS_OK;
}

static ss_status backward(const ss_call *k) {
    const float *x = k->x[0]->data;
    for (int64_t i = 0, n = ss_count(k->y); i < n; i++) k->dx[0][i] += k->dy[i] * ss_silu_slope(x[i]);
    return SS_OK;
}

const ss_op ss_op_silu = {
    .name = "silu",
    .inputs = 1,
    .rereads = 1u << 0,
    .shape = ss_shape_same,
    .on = {[SS_REF] = {forward, backward}, [SS_CPU] = SS_ON_CPU(silu)},
};

ss_tensor *ss_silu(ss_ctx *cx, ss_tensor *x) { return x ? ss_apply(cx, &ss_op_silu, NULL, &x) : NULL; }
