/* GEGLU: the first half of the channels, each times the GELU of its partner in the second.
 *
 *     y = v gelu(g),   dv = dy gelu(g),   dg = dy v gelu'(g)
 */
#include "op/cpu.h"
#include "op/ops.h"
#include "op/scalar.h"

static ss_status shape(const ss_call *k, ss_shape *y) {
    const ss_tensor *x = k->x[0];
    int64_t c = ss_channels(x);
    if (c % 2) {
        char text[64];
        return ss_fail(k->cx, SS_ERR_SHAPE, "geglu: values and gates need an even number of channels, x is %s",
                       ss_shape_text(text, x->rank, x->shape));
    }
    y->at[x->rank == 4 ? 1 : x->rank - 1] = c / 2;
    return SS_OK;
}

static ss_status forward(const ss_call *k) {
    int64_t d = ss_channels(k->y);
    for (int64_t r = 0, rows = ss_rows(k->y); r < rows; r++) {
        const float *v = k->x[0]->data + 2 * d * r, *g = v + d;
        for (int64_t i = 0; i < d; i++) k->y->data[d * r + i] = v[i] * ss_gelu_of(g[i]);
    }
    return SS_OK;
}

static ss_status backward(const ss_call *k) {
    int64_t d = ss_channels(k->y);
    for (int64_t r = 0, rows = ss_rows(k->y); r < rows; r++) {
        const float *v = k->x[0]->data + 2 * d * r, *g = v + d, *dy = k->dy + d * r;
        float *dv = k->dx[0] + 2 * d * r, *dg = dv + d;
        for (int64_t i = 0; i < d; i++) {
            dv[i] += dy[i] * ss_gelu_of(g[i]);
            dg[i] += dy[i] * v[i] * ss_gelu_slope(g[i]);
        }
    }
    return SS_OK;
}

const ss_op ss_op_geglu = {
    .name = "geglu",
    .inputs = 1,
    .rereads = 1u << 0,
    .shape = shape,
    .on = {[SS_REF] = {forward, backward}, [SS_CPU] = SS_ON_CPU(geglu)},
};

ss_tensor *ss_geglu(ss_ctx *cx, ss_tensor *x) { return x ? ss_apply(cx, &ss_op_geglu, NULL, &x) : NULL; }
