/* The same bytes under another shape: a picture's channels lie last, so its pixels are tokens already. */
#include "op/cpu.h"
#include "op/ops.h"

#include <string.h>

static ss_status shape(const ss_call *k, ss_shape *y) {
    const ss_view_attr *a = k->attr;
    y->rank = a->rank;
    memcpy(y->at, a->shape, sizeof y->at);
    return SS_OK;
}

static ss_status backward(const ss_call *k) {
    for (int64_t i = 0, n = ss_count(k->y); i < n; i++) k->dx[0][i] += k->dy[i];
    return SS_OK;
}

const ss_op ss_op_view = {
    .name = "view",
    .inputs = 1,
    .passes = 1u << 0,
    .attr_size = sizeof(ss_view_attr),
    .shape = shape,
    .view = true,
    .on = {[SS_REF] = {NULL, backward}, [SS_CPU] = {NULL, ss_view_cpu_back}},
};

ss_tensor *ss_to_tokens(ss_ctx *cx, ss_tensor *x) {
    if (!x) return NULL;
    if (x->rank != 4) {
        char text[64];
        ss_fail(cx, SS_ERR_SHAPE, "tokens: a picture has to be [n, c, h, w] and is %s",
                ss_shape_text(text, x->rank, x->shape));
        return NULL;
    }
    const int64_t *s = x->shape;
    return ss_apply(cx, &ss_op_view, &(ss_view_attr){.rank = 3, .shape = {s[0], s[2] * s[3], s[1]}}, &x);
}

ss_tensor *ss_to_pixels(ss_ctx *cx, ss_tensor *x, int64_t h, int64_t w) {
    if (!x) return NULL;
    if (x->rank != 3 || x->shape[1] != h * w) {
        char text[64];
        ss_fail(cx, SS_ERR_SHAPE, "pixels: %lld x %lld of them need tokens [n, %lld, d], these are %s", (long long)h,
                (long long)w, (long long)(h * w), ss_shape_text(text, x->rank, x->shape));
        return NULL;
    }
    return ss_apply(cx, &ss_op_view, &(ss_view_attr){.rank = 4, .shape = {x->shape[0], x->shape[2], h, w}}, &x);
}
