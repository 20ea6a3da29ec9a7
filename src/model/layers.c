/* Operations paired with their parameters, and attention with its controllers. */
#include "model/layers.h"

#include <string.h>

/* Weights whose second dimension has to be x's channels. */
static ss_tensor *weights(ss_ctx *cx, ss_at at, const char *name, const ss_tensor *x) {
    ss_at here = ss_sub(at, "%s", name);
    ss_tensor *w = ss_param_tensor(cx, here, "weight");
    if (!w || !x) return NULL;
    if (w->rank < 2 || w->shape[1] != ss_channels(x)) {
        char text[64];
        ss_fail(cx, SS_ERR_MODEL, "%s: %s.weight is %s, but what comes in has %lld channels", at.in->part, here.path,
                ss_shape_text(text, w->rank, w->shape), (long long)ss_channels(x));
        return NULL;
    }
    return w;
}

/* A parameter with one number for each of n channels. */
static ss_tensor *vector(ss_ctx *cx, ss_at at, const char *name, const char *kind, int64_t n) {
    ss_at here = ss_sub(at, "%s", name);
    ss_tensor *b = ss_param_tensor(cx, here, kind);
    if (b && (b->rank != 1 || b->shape[0] != n)) {
        char text[64];
        ss_fail(cx, SS_ERR_MODEL, "%s: %s.%s is %s, but %lld channels need as many numbers", at.in->part, here.path,
                kind, ss_shape_text(text, b->rank, b->shape), (long long)n);
        return NULL;
    }
    return b;
}

static ss_tensor *conv(ss_ctx *cx, ss_at at, const char *name, ss_tensor *x, ss_tensor *add, int stride) {
    ss_tensor *w = weights(cx, at, name, x);
    ss_tensor *b = w ? vector(cx, at, name, "bias", w->shape[0]) : NULL;
    if (!b) return NULL;
    if (w->rank == 4 && w->shape[2] == 1 && w->shape[3] == 1) return ss_linear(cx, x, w, b, add);
    if (w->rank == 2) return ss_linear(cx, x, w, b, add);
    return ss_conv2d(cx, x, w, b, add, &(ss_conv_attr){.stride = stride, .top = 1, .left = 1, .bottom = 1, .right = 1});
}

ss_tensor *ss_layer_conv(ss_ctx *cx, ss_at at, const char *name, ss_tensor *x) {
    return conv(cx, at, name, x, NULL, 1);
}

ss_tensor *ss_layer_conv_plus(ss_ctx *cx, ss_at at, const char *name, ss_tensor *x, ss_tensor *add) {
    return conv(cx, at, name, x, add, 1);
}

ss_tensor *ss_layer_conv_half(ss_ctx *cx, ss_at at, const char *name, ss_tensor *x) {
    return conv(cx, at, name, x, NULL, 2);
}

ss_tensor *ss_layer_linear_plus(ss_ctx *cx, ss_at at, const char *name, ss_tensor *x, ss_tensor *add) {
    ss_tensor *w = weights(cx, at, name, x);
    ss_tensor *b = w ? vector(cx, at, name, "bias", w->shape[0]) : NULL;
    return b ? ss_linear(cx, x, w, b, add) : NULL;
}

ss_tensor *ss_layer_linear(ss_ctx *cx, ss_at at, const char *name, ss_tensor *x) {
    return ss_layer_linear_plus(cx, at, name, x, NULL);
}

ss_tensor *ss_layer_linear_bare(ss_ctx *cx, ss_at at, const char *name, ss_tensor *x) {
    ss_tensor *w = weights(cx, at, name, x);
    return w ? ss_linear(cx, x, w, NULL, NULL) : NULL;
}

ss_tensor *ss_layer_linear_geglu(ss_ctx *cx, ss_at at, const char *name, ss_tensor *x) {
    ss_tensor *w = weights(cx, at, name, x);
    ss_tensor *b = w ? vector(cx, at, name, "bias", w->shape[0]) : NULL;
    /* In training, what stands between the two is kept: backward would have to compute it again. */
    if (b && cx->tape && x->wants_grad) return ss_geglu(cx, ss_linear(cx, x, w, b, NULL));
    return b ? ss_linear_geglu(cx, x, w, b) : NULL;
}

ss_tensor *ss_layer_norm_tokens(ss_ctx *cx, ss_at at, const char *name, ss_tensor *x) {
    if (!x) return NULL;
    ss_tensor *w = vector(cx, at, name, "weight", ss_channels(x)), *b = vector(cx, at, name, "bias", ss_channels(x));
    return w && b ? ss_layer_norm(cx, x, w, b, 1e-5f) : NULL;
}

ss_tensor *ss_layer_group_norm(ss_ctx *cx, ss_at at, const char *name, ss_tensor *x, ss_tensor *shift,
                               const ss_norm_attr *a) {
    if (!x) return NULL;
    if (ss_channels(x) % a->groups) {
        ss_fail(cx, SS_ERR_MODEL, "%s: %s.%s normalises %lld channels in %d groups, which does not divide", at.in->part,
                at.path, name, (long long)ss_channels(x), a->groups);
        return NULL;
    }
    ss_tensor *w = vector(cx, at, name, "weight", ss_channels(x)), *b = vector(cx, at, name, "bias", ss_channels(x));
    return w && b ? ss_group_norm(cx, x, w, b, shift, a) : NULL;
}

/* Every image reads itself. */
static ss_attn_plan *plain_plan(ss_ctx *cx, int n) {
    ss_attn_plan *p = ss_arena_take(cx, sizeof *p);
    ss_attn_read(*read)[SS_READS] = p ? ss_arena_take(cx, (size_t)n * sizeof *read) : NULL;
    if (!read) return NULL;
    memset(read, 0, (size_t)n * sizeof *read);
    for (int i = 0; i < n; i++) {
        read[i][0].joined = 1;
        read[i][0].from[0] = i;
    }
    *p = (ss_attn_plan){.n = n, .read = read};
    return p;
}

static bool untouched(const ss_attn_plan *p) {
    for (int i = 0; i < p->n; i++) {
        const ss_attn_read *r = p->read[i];
        if (r->joined != 1 || r->from[0] != i || r->kept[0] || r->bias || r->weight || r->still || r[1].joined)
            return false;
    }
    return true;
}

ss_tensor *ss_attention_seen(ss_ctx *cx, const char *key, ss_tensor *q, ss_tensor *k, ss_tensor *v,
                             ss_attention_attr a) {
    if (!cx->watch || !q || !k || !v) return ss_attention(cx, q, k, v, &a);
    int64_t shape[4] = {q->shape[0], a.heads, q->shape[1], k->shape[1]};
    ss_tensor *probs = ss_tensor_new(cx, SS_F32, 4, shape);
    if (!probs) return NULL;
    a.head_probabilities = probs->data;
    ss_tensor *y = ss_attention(cx, q, k, v, &a);
    probs->rank = 1; /* row by row as it is written: not a picture with its channels last */
    probs->shape[0] = shape[0] * shape[1] * shape[2] * shape[3];
    if (y) ss_watched(cx, key, ".probs", probs);
    return y;
}

ss_tensor *ss_attend(ss_ctx *cx, ss_attn_site site, ss_tensor *q, ss_tensor *k, ss_tensor *v, int heads) {
    if (!q || !k || !v) return NULL;
    site.n = (int)q->shape[0];
    site.heads = heads;
    site.len_k = k->shape[1];
    ss_attention_attr a = {.heads = heads};
    if (!cx->control || cx->device->kind == SS_SHAPE) return ss_attention_seen(cx, site.key, q, k, v, a);

    ss_attn_plan *plan = plain_plan(cx, site.n);
    if (!plan) return NULL;
    bool wanted = false;
    for (ss_control *c = cx->control; c; c = c->next) {
        if (c->keys && c->keys(c, cx, &site, k, v)) return NULL;
        if (c->plan && c->plan(c, cx, &site, plan)) return NULL;
        wanted = wanted || (c->wants_map && c->wants_map(c, &site));
    }
    if (!untouched(plan)) a.plan = plan;
    if (wanted) {
        a.probabilities = ss_arena_take(cx, (size_t)(site.n * q->shape[1] * site.len_k) * sizeof *a.probabilities);
        if (!a.probabilities) return NULL;
    }
    ss_tensor *y = ss_attention(cx, q, k, v, &a);
    for (ss_control *c = cx->control; c && y; c = c->next)
        if (c->wants_map && c->wants_map(c, &site) && c->observe(c, cx, &site, a.probabilities)) return NULL;
    return y;
}
