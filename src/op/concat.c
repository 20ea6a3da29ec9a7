/* y = a and b one behind the other along the channels, place by place. */
#include "op/cpu.h"
#include "op/ops.h"

#include <string.h>

static ss_status shape(const ss_call *k, ss_shape *y) {
    const ss_tensor *a = k->x[0], *b = k->x[1];
    int along = a->rank == 4 ? 1 : a->rank - 1;
    bool fits = a->rank == b->rank && a->dtype == b->dtype;
    for (int i = 0; fits && i < a->rank; i++) fits = i == along || a->shape[i] == b->shape[i];
    if (!fits) {
        char s[64], t[64];
        return ss_fail(k->cx, SS_ERR_SHAPE, "concat: %s of %s and %s of %s differ in more than their channels",
                       ss_shape_text(s, a->rank, a->shape), ss_dtype_name(a->dtype),
                       ss_shape_text(t, b->rank, b->shape), ss_dtype_name(b->dtype));
    }
    y->at[along] = a->shape[along] + b->shape[along];
    return SS_OK;
}

static ss_status forward(const ss_call *k) {
    int64_t ca = ss_channels(k->x[0]), cb = ss_channels(k->x[1]);
    for (int64_t r = 0, rows = ss_rows(k->y); r < rows; r++) {
        float *y = k->y->data + r * (ca + cb);
        memcpy(y, k->x[0]->data + r * ca, (size_t)ca * sizeof *y);
        memcpy(y + ca, k->x[1]->data + r * cb, (size_t)cb * sizeof *y);
    }
    return SS_OK;
}

static ss_status backward(const ss_call *k) {
    int64_t ca = ss_channels(k->x[0]), cb = ss_channels(k->x[1]);
    for (int64_t r = 0, rows = ss_rows(k->y); r < rows; r++) {
        const float *dy = k->dy + r * (ca + cb);
        for (int64_t i = 0; k->dx[0] && i < ca; i++) k->dx[0][r * ca + i] += dy[i];
        for (int64_t i = 0; k->dx[1] && i < cb; i++) k->dx[1][r * cb + i] += dy[ca + i];
    }
    return SS_OK;
}

const ss_op ss_op_concat = {
    .name = "concat",
    .inputs = 2,
    .shape = shape,
    .on = {[SS_REF] = {forward, backward}, [SS_CPU] = SS_ON_CPU(concat)},
};

ss_tensor *ss_concat(ss_ctx *cx, ss_tensor *a, ss_tensor *b) {
    return a && b ? ss_apply(cx, &ss_op_concat, NULL, (ss_tensor *[]){a, b}) : NULL;
}
