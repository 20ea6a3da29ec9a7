/* The readers. A page, spelled like their files. */
#include "model/reader.h"

#include <string.h>

enum { LEVELS = 4, LAST = SS_READER_SIDE >> LEVELS }; /* each level halves the sides, to 4 x 4 places at the end */

/* The files have a matrix over the last level's places, channel after channel; that is a convolution as large as they
 * are. */
ss_status ss_reader_add(ss_params *p, ss_ctx *cx, const char *name, ss_dtype dtype, int rank, const int64_t *shape,
                        const void *stored) {
    if (!strcmp(name, "narrow.weight") && rank == 2 && shape[1] % (LAST * LAST) == 0)
        return ss_params_add(p, cx, name, dtype, 4, (int64_t[]){shape[0], shape[1] / (LAST * LAST), LAST, LAST},
                             stored);
    return ss_params_add(p, cx, name, dtype, rank, shape, stored);
}

static ss_tensor *level(ss_ctx *cx, ss_at at, ss_tensor *x) {
    static const ss_norm_attr norm = {.groups = 8, .eps = 1e-5f, .silu = true};
    ss_scope s = ss_scope_open(cx);
    x = ss_layer_group_norm(cx, at, "norm", ss_layer_conv_half(cx, at, "conv", x), NULL, &norm);
    ss_tensor *h = ss_layer_group_norm(cx, at, "norm2", ss_layer_conv(cx, at, "conv2", x), NULL, &norm);
    return ss_scope_close(cx, s, ss_add(cx, x, h));
}

static ss_tensor *narrow(ss_ctx *cx, ss_at at, ss_tensor *x) {
    ss_tensor *w = ss_param_tensor(cx, at, "narrow.weight");
    return w ? ss_conv2d(cx, x, w, NULL, NULL, &(ss_conv_attr){0}) : NULL;
}

ss_tensor *ss_reader_attributes(ss_ctx *cx, const ss_params *net, ss_tensor *x) {
    ss_at at = ss_root((ss_params *)net);
    ss_scope s = ss_scope_open(cx);
    for (int i = 0; i < LEVELS; i++) x = level(cx, ss_sub(at, "layers.%d", i), x);
    return ss_scope_close(cx, s, ss_silu(cx, ss_layer_linear(cx, at, "hidden", narrow(cx, at, x))));
}

ss_tensor *ss_reader_head(ss_ctx *cx, const ss_params *net, const char *name, ss_tensor *hidden) {
    return ss_layer_linear(cx, ss_sub(ss_root((ss_params *)net), "heads"), name, hidden);
}

/* Twice as large, beside what the way down saw at that size. */
static ss_tensor *up(ss_ctx *cx, ss_at at, const char *name, ss_tensor *x, ss_tensor *seen) {
    if (!x || !seen) return NULL;
    x = ss_concat(cx, ss_upsample(cx, x, seen->shape[2], seen->shape[3]), seen);
    return ss_silu(cx, ss_layer_conv(cx, at, name, x));
}

ss_tensor *ss_reader_identity(ss_tensor **mask, ss_ctx *cx, const ss_params *net, ss_tensor *x) {
    ss_at at = ss_root((ss_params *)net);
    ss_tensor *seen[LEVELS];
    for (int i = 0; i < LEVELS; i++) x = seen[i] = level(cx, ss_sub(at, "layers.%d", i), x);
    *mask = up(cx, ss_sub(at, "ups"), "0", seen[2], seen[1]);
    *mask = up(cx, ss_sub(at, "ups"), "1", *mask, seen[0]);
    *mask = ss_layer_conv(cx, at, "mask", *mask);
    return ss_layer_linear(cx, at, "embed", ss_silu(cx, narrow(cx, at, x)));
}
