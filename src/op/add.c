/* y = x + z, where z has x's shape or is repeated over x's leading dimensions.
 *
 *     dx = dy,   dz = the sum of dy over the repetitions
 */
#include "op/cpu.h"
#include "op/ops.h"

static ss_status shape(const ss_call *k, ss_shape *y) {
    const ss_tensor *x = k->x[0], *z = k->x[1];
    (void)y;
    int lead = x->rank - z->rank;
    /* A picture's channels lie last, so its trailing dimensions are not what lies together. */
    bool fits = lead >= 0 && (lead == 0 || x->rank < 4);
    for (int i = 0; fits && i < z->rank; i++) fits = x->shape[lead + i] == z->shape[i];
    if (fits) return SS_OK;
    char a[64], b[64];
    return ss_fail(k->cx, SS_ERR_SHAPE, "add: %s cannot be added to %s", ss_shape_text(b, z->rank, z->shape),
                   ss_shape_text(a, x->rank, x->shape));
}

static ss_status forward(const ss_call *k) {
    const float *x = k->x[0]->data, *z = ss_weights_f32(k, 1);
    if (!z) return SS_ERR_NOMEM;
    int64_t period = ss_count(k->x[1]);
    for (int64_t i = 0, n = ss_count(k->y); i < n; i++) k->y->data[i] = x[i] + z[i % period];
    return SS_OK;
}

static ss_status backward(const ss_call *k) {
    int64_t n = ss_count(k->y), period = ss_count(k->x[1]);
    for (int64_t i = 0; k->dx[0] && i < n; i++) k->dx[0][i] += k->dy[i];
    for (int64_t i = 0; k->dx[1] && i < n; i++) k->dx[1][i % period] += k->dy[i];
    return SS_OK;
}

const ss_op ss_op_add = {
    .name = "add",
    .inputs = 2,
    .passes = 1u << 0 | 1u << 1,
    .shape = shape,
    .on = {[SS_REF] = {forward, backward}, [SS_CPU] = SS_ON_CPU(add)},
};

ss_tensor *ss_add(ss_ctx *cx, ss_tensor *x, ss_tensor *z) {
    return x && z ? ss_apply(cx, &ss_op_add, NULL, (ss_tensor *[]){x, z}) : NULL;
}
