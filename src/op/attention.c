/* Attention by a plan: see op/attention.h for what a plan says. For every read r of an image, query p and key j of
 * those that the read joins, in every head:
 *
 *     s_j = scale q_p . k_j + bias_j,   P = softmax over the seen j of s,   y_p = sum over r of weight_p sum over j of
 * P_j v_j
 *
 * and backward, with dP_j = weight_p dy_p . v_j and dS_j = P_j (dP_j - sum of P dP):
 *
 *     dq_p += scale sum of dS_j k_j,   dk_j += scale dS_j q_p,   dv_j += weight_p P_j dy_p
 *
 * A query that sees no key takes the mean of all values. Nothing flows back to q and k from there, and nothing at all
 * to keys and values that were kept from elsewhere or stand still.
 */
#include "op/cpu.h"
#include "op/ops.h"
#include "op/reads.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* Whether the kept keys that image i reads are as wide as those of this call. */
static ss_status fits_kept(const ss_call *k, int64_t i) {
    assert(ss_read_of(k, i, 0).joined && "every image reads something");
    for (int n = 0; ss_read_of(k, i, n).joined; n++) {
        ss_attn_read r = ss_read_of(k, i, n);
        for (int j = 0; j < r.joined; j++)
            if (r.kept[j] && r.kept[j]->d != k->x[0]->shape[2])
                return ss_fail(k->cx, SS_ERR_SHAPE, "attention: kept keys are %lld wide, these queries %lld",
                               (long long)r.kept[j]->d, (long long)k->x[0]->shape[2]);
    }
    return SS_OK;
}

static ss_status shape(const ss_call *k, ss_shape *y) {
    const ss_attention_attr *a = k->attr;
    const ss_tensor *q = k->x[0], *key = k->x[1], *v = k->x[2];
    (void)y;
    if (q->rank != 3 || key->rank != 3 || !ss_same_shape(key, v) || q->shape[0] != key->shape[0] ||
        q->shape[2] != key->shape[2] || q->dtype != key->dtype || q->dtype != v->dtype) {
        char s[64], t[64], u[64];
        return ss_fail(k->cx, SS_ERR_SHAPE, "attention: queries %s, keys %s and values %s do not go together",
                       ss_shape_text(s, q->rank, q->shape), ss_shape_text(t, key->rank, key->shape),
                       ss_shape_text(u, v->rank, v->shape));
    }
    if (a->heads < 1 || q->shape[2] % a->heads)
        return ss_fail(k->cx, SS_ERR_SHAPE, "attention: a width of %lld does not divide into %d heads",
                       (long long)q->shape[2], a->heads);
    assert(!a->plan || (!a->causal && a->plan->n == q->shape[0]));
    assert(!a->causal || q->shape[1] == key->shape[1]);
    for (int64_t i = 0; i < q->shape[0]; i++)
        if (fits_kept(k, i)) return k->cx->status;
    for (int64_t i = 0; (a->probabilities || a->head_probabilities) && i < q->shape[0]; i++) {
        ss_attn_read r = ss_read_of(k, i, 0);
        if (ss_read_keys(k, &r) != key->shape[1])
            return ss_fail(k->cx, SS_ERR_SHAPE, "attention: a map of image %lld has %lld keys, but its plan reads %lld",
                           (long long)i, (long long)key->shape[1], (long long)ss_read_keys(k, &r));
    }
    return SS_OK;
}

/* One read with its keys and values side by side, and one query's work on it. */
typedef struct reader {
    ss_attn_read plan;
    int64_t keys;
    float *k, *v;  /* [keys, d] */
    int64_t *home; /* which row of the call's k and v a key is; -1: no gradient goes there */
    float *p, *dp; /* [keys] */
} reader;

static ss_status open_reader(reader *r, const ss_call *k) {
    int64_t most = ss_most_keys(k), d = k->x[0]->shape[2];
    char *at = ss_scratch(k->cx, (size_t)most * ((size_t)d * 2 * sizeof(float) + sizeof(int64_t) + 2 * sizeof(float)));
    if (!at) return SS_ERR_NOMEM;
    r->home = (int64_t *)at;
    r->k = (float *)(r->home + most);
    r->v = r->k + most * d;
    r->p = r->v + most * d;
    r->dp = r->p + most;
    return SS_OK;
}

/* Puts read `number` of an image side by side; false past the last one. */
static bool next_read(reader *r, const ss_call *k, int64_t image, int number) {
    int64_t d = k->x[0]->shape[2], len_k = k->x[1]->shape[1];
    r->plan = ss_read_of(k, image, number);
    r->keys = 0;
    for (int j = 0; j < r->plan.joined; j++) {
        const ss_kept_kv *kept = r->plan.kept[j];
        int64_t len = ss_read_len(k, &r->plan, j), first = r->plan.from[j] * len_k;
        float *key = r->k + r->keys * d, *v = r->v + r->keys * d;
        if (kept) {
            ss_to_f32(key, kept->k, kept->dtype, (size_t)(len * d));
            ss_to_f32(v, kept->v, kept->dtype, (size_t)(len * d));
        } else {
            memcpy(key, k->x[1]->data + first * d, (size_t)(len * d) * sizeof *key);
            memcpy(v, k->x[2]->data + first * d, (size_t)(len * d) * sizeof *v);
        }
        for (int64_t i = 0; i < len; i++) r->home[r->keys++] = kept || i < r->plan.still ? -1 : first + i;
    }
    return r->plan.joined > 0;
}

static double dot(const float *a, const float *b, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (double)a[i] * b[i];
    return sum;
}

/* r->p becomes the softmax of query p, whose head lies at q and begins at channel c. False: it sees no key. */
static bool softmax(reader *r, const ss_call *k, const float *q, int64_t p, int64_t c) {
    const ss_attention_attr *a = k->attr;
    int64_t d = k->x[0]->shape[2], hd = d / a->heads;
    float most = -INFINITY;
    double sum = 0;
    for (int64_t j = 0; j < r->keys; j++) {
        float s = (float)(dot(q, r->k + j * d + c, hd) / sqrt((double)hd));
        if (r->plan.bias) s += r->plan.bias[j];
        if (a->causal && j > p) s = -INFINITY;
        r->p[j] = s;
        most = fmaxf(most, s);
    }
    bool seen = most > -INFINITY;
    for (int64_t j = 0; j < r->keys; j++) sum += r->p[j] = seen ? expf(r->p[j] - most) : 1;
    for (int64_t j = 0; j < r->keys; j++) r->p[j] = (float)(r->p[j] / sum);
    return seen;
}

/* Keeps the first read's softmax for whoever asked. */
static void keep_map(const reader *r, const ss_call *k, int64_t image, int64_t head, int64_t p) {
    const ss_attention_attr *a = k->attr;
    int64_t len = k->x[0]->shape[1];
    for (int64_t j = 0; a->head_probabilities && j < r->keys; j++)
        a->head_probabilities[((image * a->heads + head) * len + p) * r->keys + j] = r->p[j];
    for (int64_t j = 0; a->probabilities && j < r->keys; j++) {
        float *mean = &a->probabilities[(image * len + p) * r->keys + j];
        *mean = (head ? *mean : 0) + r->p[j] / (float)a->heads;
    }
}

static ss_status forward(const ss_call *k) {
    const ss_attention_attr *a = k->attr;
    const int64_t n = k->y->shape[0], len = k->y->shape[1], d = k->y->shape[2], hd = d / a->heads;
    reader r;
    if (open_reader(&r, k)) return SS_ERR_NOMEM;
    memset(k->y->data, 0, (size_t)ss_count(k->y) * sizeof(float));
    for (int64_t i = 0; i < n; i++)
        for (int number = 0; next_read(&r, k, i, number); number++)
            for (int64_t h = 0; h < a->heads; h++)
                for (int64_t p = 0; p < len; p++) {
                    int64_t at = (i * len + p) * d + h * hd;
                    float weight = r.plan.weight ? r.plan.weight[p] : 1;
                    softmax(&r, k, k->x[0]->data + at, p, h * hd);
                    if (number == 0) keep_map(&r, k, i, h, p);
                    for (int64_t j = 0; j < r.keys; j++)
                        for (int64_t c = 0; c < hd; c++)
                            k->y->data[at + c] += weight * r.p[j] * r.v[j * d + h * hd + c];
                }
    return SS_OK;
}

/* One query's part of the gradient, its softmax being in r->p. `at` is where its head lies in q and y, c its channel.
 */
static void query_backward(const reader *r, const ss_call *k, int64_t at, int64_t c, float weight, bool seen) {
    const ss_attention_attr *a = k->attr;
    const int64_t d = k->x[0]->shape[2], hd = d / a->heads;
    const float *q = k->x[0]->data + at, *dy = k->dy + at, scale = (float)(1 / sqrt((double)hd));
    double mean = 0;
    for (int64_t j = 0; j < r->keys; j++) {
        r->dp[j] = weight * (float)dot(dy, r->v + j * d + c, hd);
        mean += r->p[j] * r->dp[j];
    }
    for (int64_t j = 0; j < r->keys; j++) {
        int64_t home = r->home[j] * d + c;
        float ds = seen ? scale * r->p[j] * (float)(r->dp[j] - mean) : 0;
        for (int64_t e = 0; k->dx[0] && e < hd; e++) k->dx[0][at + e] += ds * r->k[j * d + c + e];
        for (int64_t e = 0; k->dx[1] && home >= 0 && e < hd; e++) k->dx[1][home + e] += ds * q[e];
        for (int64_t e = 0; k->dx[2] && home >= 0 && e < hd; e++) k->dx[2][home + e] += weight * r->p[j] * dy[e];
    }
}

static ss_status backward(const ss_call *k) {
    const ss_attention_attr *a = k->attr;
    const int64_t n = k->y->shape[0], len = k->y->shape[1], d = k->y->shape[2], hd = d / a->heads;
    reader r;
    if (open_reader(&r, k)) return SS_ERR_NOMEM;
    for (int64_t i = 0; i < n; i++)
        for (int number = 0; next_read(&r, k, i, number); number++)
            for (int64_t h = 0; h < a->heads; h++)
                for (int64_t p = 0; p < len; p++) {
                    int64_t at = (i * len + p) * d + h * hd;
                    bool seen = softmax(&r, k, k->x[0]->data + at, p, h * hd);
                    query_backward(&r, k, at, h * hd, r.plan.weight ? r.plan.weight[p] : 1, seen);
                }
    return SS_OK;
}

/* Two products with every key of every read; each number is moved once. */
static void cost(const ss_call *k, double *flop, double *bytes) {
    const ss_tensor *q = k->x[0];
    (void)bytes;
    *flop = 0;
    for (int64_t i = 0; i < q->shape[0]; i++)
        for (int number = 0; ss_read_of(k, i, number).joined; number++) {
            ss_attn_read r = ss_read_of(k, i, number);
            *flop += 4.0 * (double)q->shape[1] * (double)ss_read_keys(k, &r) * (double)q->shape[2];
        }
}

const ss_op ss_op_attention = {
    .name = "attention",
    .inputs = 3,
    .rereads = 1u << 0 | 1u << 1 | 1u << 2,
    .attr_size = sizeof(ss_attention_attr),
    .shape = shape,
    .on = {[SS_REF] = {forward, backward}, [SS_CPU] = SS_ON_CPU(attention)},
    .cost = cost,
};

ss_tensor *ss_attention(ss_ctx *cx, ss_tensor *q, ss_tensor *k, ss_tensor *v, const ss_attention_attr *a) {
    return q && k && v ? ss_apply(cx, &ss_op_attention, a, (ss_tensor *[]){q, k, v}) : NULL;
}
