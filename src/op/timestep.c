/* Sinusoids of the timesteps, y[n] = [cos(t f_0) ... cos(t f_(half-1)), sin(t f_0) ...], f_i = 10000^(-i / half).
 *
 * A few hundred numbers and no gradient: the same loops on every device.
 */
#include "op/ops.h"

#include <math.h>

static ss_status shape(const ss_call *k, ss_shape *y) {
    const ss_timestep_attr *a = k->attr;
    if (a->d < 2 || a->d % 2)
        return ss_fail(k->cx, SS_ERR_SHAPE, "timestep embedding: cosines and sines need an even width, not %lld",
                       (long long)a->d);
    *y = (ss_shape){.dtype = SS_F32, .rank = 2, .at = {a->n, a->d}};
    return SS_OK;
}

static ss_status forward(const ss_call *k) {
    const ss_timestep_attr *a = k->attr;
    int64_t half = a->d / 2;
    for (int64_t n = 0; n < a->n; n++)
        for (int64_t i = 0; i < half; i++) {
            /* float32 after every step, as in training: t = 999 makes a rounding of f visible. -log(10000) first. */
            float f = expf(-9.2103404f * (float)i / (float)half), angle = a->t[n] * f;
            k->y->data[n * a->d + i] = cosf(angle);
            k->y->data[n * a->d + half + i] = sinf(angle);
        }
    return SS_OK;
}

const ss_op ss_op_timestep = {
    .name = "timestep",
    .attr_size = sizeof(ss_timestep_attr),
    .shape = shape,
    .on = {[SS_REF] = {forward, NULL}, [SS_CPU] = {forward, NULL}},
};

ss_tensor *ss_timestep_embedding(ss_ctx *cx, const float *t, int64_t n, int64_t d) {
    return ss_apply(cx, &ss_op_timestep, &(ss_timestep_attr){t, n, d}, NULL);
}
