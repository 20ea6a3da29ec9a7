/* Nearest neighbour: y's place (r, s) is x's place (floor(r h_in / h), floor(s w_in / w)). */
#include "op/cpu.h"
#include "op/ops.h"

#include <string.h>

static ss_status shape(const ss_call *k, ss_shape *y) {
    const ss_size_attr *a = k->attr;
    const ss_tensor *x = k->x[0];
    if (x->rank != 4 || a->h < 1 || a->w < 1) {
        char text[64];
        return ss_fail(k->cx, SS_ERR_SHAPE,
                       "upsample: x has to be [n, c, h, w] and is %s; it should become %lld x %lld",
                       ss_shape_text(text, x->rank, x->shape), (long long)a->h, (long long)a->w);
    }
    y->at[2] = a->h;
    y->at[3] = a->w;
    return SS_OK;
}

/* Where the channels of x lie that become those of y's place (r, s) in image i. */
static int64_t source(const ss_call *k, int64_t i, int64_t r, int64_t s) {
    const int64_t *in = k->x[0]->shape, *out = k->y->shape;
    return ((i * in[2] + r * in[2] / out[2]) * in[3] + s * in[3] / out[3]) * in[1];
}

static ss_status forward(const ss_call *k) {
    const int64_t *out = k->y->shape;
    float *y = k->y->data;
    for (int64_t i = 0; i < out[0]; i++)
        for (int64_t r = 0; r < out[2]; r++)
            for (int64_t s = 0; s < out[3]; s++, y += out[1])
                memcpy(y, k->x[0]->data + source(k, i, r, s), (size_t)out[1] * sizeof *y);
    return SS_OK;
}

static ss_status backward(const ss_call *k) {
    const int64_t *out = k->y->shape;
    const float *dy = k->dy;
    for (int64_t i = 0; i < out[0]; i++)
        for (int64_t r = 0; r < out[2]; r++)
            for (int64_t s = 0; s < out[3]; s++, dy += out[1]) {
                float *dx = k->dx[0] + source(k, i, r, s);
                for (int64_t c = 0; c < out[1]; c++) dx[c] += dy[c];
            }
    return SS_OK;
}

const ss_op ss_op_upsample = {
    .name = "upsample",
    .inputs = 1,
    .attr_size = sizeof(ss_size_attr),
    .shape = shape,
    .on = {[SS_REF] = {forward, backward}, [SS_CPU] = SS_ON_CPU(upsample)},
};

ss_tensor *ss_upsample(ss_ctx *cx, ss_tensor *x, int64_t h, int64_t w) {
    return x ? ss_apply(cx, &ss_op_upsample, &(ss_size_attr){h, w}, &x) : NULL;
}
