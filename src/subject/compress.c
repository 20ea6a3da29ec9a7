/* Changes of weights as products of two thin matrices: W - W0 = u v, by the largest singular values.
 *
 * Two rules for how many are kept. The published one walks down them and stops in front of the one with which their sum
 * would exceed a share of the whole. Or all of them, or a number of them: what a LoRA is made of.
 */
#include "subject/linear.h"
#include "subject/subject.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* How many of the k values the options keep. */
static int64_t kept(const double *s, int64_t k, const ss_thinning *o) {
    double sum = 0, so_far = 0;
    int64_t n = 0;
    for (int64_t i = 0; i < k; i++) sum += s[i];
    if (o->share > 0) {
        /* The last value falls away even where the share is never exceeded: so the published program ends its walk. */
        while (n < k - 1 && so_far + s[n] <= o->share * sum) so_far += s[n++];
    } else {
        /* Rounding makes values of about 1e-7 of the largest where the change has none. */
        while (n < k && s[n] > 1e-6 * s[0]) n++;
    }
    return o->rank > 0 && n > o->rank ? o->rank : n;
}

/* u[out, r] and v[r, in] in float32, in the subject's pool. */
static ss_status keep(ss_change *c, ss_subject *into, ss_ctx *cx, const double *u, const double *s, const double *vt,
                      int64_t out, int64_t in, int64_t k, int64_t r) {
    float *up = ss_pool_take(&into->pool, cx, (size_t)(out * r) + 1, sizeof *up);
    float *down = up ? ss_pool_take(&into->pool, cx, (size_t)(r * in) + 1, sizeof *down) : NULL;
    if (!down) return SS_ERR_NOMEM;
    for (int64_t o = 0; o < out; o++)
        for (int64_t j = 0; j < r; j++) up[o * r + j] = (float)(u[o * k + j] * s[j]);
    for (int64_t i = 0; i < r * in; i++) down[i] = (float)vt[i];
    c->kind = SS_CHANGE_LOW_RANK;
    c->scale = 1;
    c->up = (ss_numbers){SS_F32, 2, {out, r}, up};
    c->down = (ss_numbers){SS_F32, 2, {r, in}, down};
    if (c->to.rank == 4) { /* a convolution's kernel: [r, in, h, w] and [out, r, 1, 1] */
        c->up = (ss_numbers){SS_F32, 4, {out, r, 1, 1}, up};
        c->down = (ss_numbers){SS_F32, 4, {r, c->to.shape[1], c->to.shape[2], c->to.shape[3]}, down};
    }
    c->to = (ss_numbers){0};
    return SS_OK;
}

static ss_status thin(ss_change *c, ss_subject *into, ss_ctx *cx, const ss_model *m, const ss_thinning *o,
                      ss_thinned *sum) {
    int64_t out = c->to.shape[0], in = ss_numbers_count(&c->to) / out, k = out < in ? out : in, n = out * in;
    float *w = ss_alloc(cx, 2 * (size_t)n, sizeof *w);
    double *a = w ? ss_alloc(cx, (size_t)(n + out * k + k + k * in), sizeof *a) : NULL;
    ss_status st = a ? SS_OK : SS_ERR_NOMEM;
    if (!st) {
        double *u = a + n, *s = u + out * k, *vt = s + k;
        ss_to_f32(w, c->to.data, c->to.type, (size_t)n);
        ss_model_original(w + n, m, c->part, ss_params_find(ss_model_params(m, c->part), c->name), 0, n);
        for (int64_t i = 0; i < n; i++) a[i] = w[i] - w[n + i];
        st = ss_svd(cx, a, out, in, u, s, vt);
        int64_t r = st ? 0 : kept(s, k, o);
        for (int64_t i = 0; i < k && !st; i++) {
            sum->change += s[i] * s[i];
            if (i >= r) sum->lost += s[i] * s[i];
        }
        if (r > sum->rank) sum->rank = r;
        if (!st) st = keep(c, into, cx, u, s, vt, out, in, k, r);
    }
    free(w);
    free(a);
    return st;
}

static ss_status copy(ss_subject *into, ss_ctx *cx, const ss_subject *s) {
    ss_status st = SS_OK;
    for (int i = 0; i < s->token_count && !st; i++) st = ss_subject_add_token(into, cx, &s->token[i]);
    for (int64_t i = 0; i < s->metadata_count && !st; i++)
        st = ss_subject_say(into, cx, s->metadata[i].key, s->metadata[i].value);
    return st;
}

static bool is_matrix(const ss_change *c) { return c->kind == SS_CHANGE_SET && c->to.rank >= 2; }

static bool key_or_value(const ss_change *c) {
    return c->part == SS_PART_UNET && (strstr(c->name, ".attn2.to_k.weight") || strstr(c->name, ".attn2.to_v.weight"));
}

ss_status ss_subject_compress(ss_subject **out, ss_ctx *cx, const ss_model *m, const ss_subject *s,
                              const ss_thinning *o, ss_thinned *how) {
    ss_subject *t = NULL;
    ss_thinned sum = {0};
    ss_ctx_clear(cx);
    ss_status st = ss_subject_check(cx, m, s);
    if (!st) st = ss_subject_new(&t, cx);
    if (!st) st = copy(t, cx, s);
    for (int64_t i = 0; i < s->change_count && !st; i++) {
        ss_change c = s->change[i];
        ss_report(cx, "finding singular values", (int)i, (int)s->change_count);
        st = ss_stopped(cx);
        if (!st && is_matrix(&c) && (o->everything || key_or_value(&c))) {
            st = thin(&c, t, cx, m, o, &sum);
            if (!st && !(c.name = ss_pool_text(&t->pool, cx, c.name, strlen(c.name)))) st = SS_ERR_NOMEM;
            if (!st) st = ss_subject_change(t, cx, &c);
        } else if (!st && c.kind == SS_CHANGE_SET) {
            st = ss_subject_set(t, cx, c.part, c.name, c.to);
        } else if (!st) {
            st = ss_subject_low_rank(t, cx, c.part, c.name, c.up, c.down, c.scale);
        }
    }
    if (st) {
        ss_subject_free(t);
        return st;
    }
    t->format = s->format;
    sum.error = sum.change > 0 ? sqrt(sum.lost / sum.change) : 0;
    if (how) *how = sum;
    *out = t;
    return SS_OK;
}
