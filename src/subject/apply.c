/* A subject added to an open model.
 *
 *     W = W0 + sum over subjects of strength (W1 - W0)       where the subject says what the weight becomes
 *     W = W0 + sum over subjects of strength scale up down   where it says what is added
 *
 * W0 is always the checkpoint's, so that the order of subjects does not matter. Everything is looked at before anything
 * is changed.
 */
#include "io/hash.h"
#include "subject/subject.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *called(const ss_subject *s) { return s->path ? s->path : "the subject"; }

/* ------------------------------------------------------------------------------------------------ does it fit? */

/* Trailing axes of size 1 do not count: a linear layer's LoRA may meet a 1x1 convolution, and the other way round. */
static int effective_rank(int rank, const int64_t *shape) {
    while (rank > 2 && shape[rank - 1] == 1) rank--;
    return rank;
}

static bool same_shape(int rank_a, const int64_t *a, int rank_b, const int64_t *b) {
    int rank = effective_rank(rank_a, a);
    return rank == effective_rank(rank_b, b) && !memcmp(a, b, (size_t)rank * sizeof *a);
}

/* The shape of the weight that a change is for. */
static int shape_of(int64_t shape[SS_RANK], const ss_change *c) {
    const ss_numbers *a = c->kind == SS_CHANGE_SET ? &c->to : &c->down;
    memcpy(shape, a->shape, sizeof a->shape);
    if (c->kind == SS_CHANGE_LOW_RANK) shape[0] = c->up.shape[0];
    return a->rank;
}

static ss_status check_change(ss_ctx *cx, const ss_model *m, const ss_subject *s, const ss_change *c) {
    const ss_params *in = ss_model_params(m, c->part);
    const ss_param *p = ss_params_find(in, c->name);
    int64_t shape[SS_RANK];
    int rank = shape_of(shape, c);
    char theirs[64], ours[64];
    if (same_shape(rank, shape, p->rank, p->shape)) return SS_OK;
    return ss_fail(cx, SS_ERR_SHAPE, "%s was made for another model: its %s of the %s is %s, and this model's is %s",
                   called(s), c->name, c->part == SS_PART_UNET ? "UNet" : "text encoder",
                   ss_shape_text(theirs, rank, shape), ss_shape_text(ours, p->rank, p->shape));
}

/* What the subject changes and the model does not have. */
static ss_status check_names(ss_ctx *cx, const ss_model *m, const ss_subject *s) {
    char list[512] = "";
    int64_t missing = 0;
    for (int64_t i = 0; i < s->change_count; i++) {
        const ss_change *c = &s->change[i];
        size_t n = strlen(list);
        if (ss_params_find(ss_model_params(m, c->part), c->name) && strcmp(c->name, SS_ADDED_TOKENS)) continue;
        if (missing++ < 4) snprintf(list + n, sizeof list - n, "%s%.110s", n ? ", " : "", c->name);
    }
    if (!missing) return SS_OK;
    return ss_fail(cx, SS_ERR_MODEL, "%s changes %lld weights that this model does not have: %s", called(s),
                   (long long)missing, list);
}

ss_status ss_subject_check(ss_ctx *cx, const ss_model *m, const ss_subject *s) {
    if (s->sdxl)
        return ss_fail(cx, SS_ERR_MODEL, "%s was made for SDXL, whose two text encoders this model does not have",
                       called(s));
    for (int i = 0; i < s->token_count; i++)
        if (s->token[i].width != ss_model_token_width(m))
            return ss_fail(cx, SS_ERR_SHAPE,
                           "%s was made for another model: the vectors of its token %.100s have %lld numbers, and this "
                           "model's have %lld (768: SD 1.x, 1024: SD 2.x)",
                           called(s), s->token[i].name, (long long)s->token[i].width,
                           (long long)ss_model_token_width(m));
    ss_status st = check_names(cx, m, s);
    for (int64_t i = 0; i < s->change_count && !st; i++) st = check_change(cx, m, s, &s->change[i]);
    return st;
}

/* ------------------------------------------------------------------------------------------------ tokens */

/* A name like the given one that the model does not have: "<new2>" for "<new1>", "<dog-2>" for "<dog>". */
static char *free_name(ss_ctx *cx, const ss_model *m, const char *name) {
    size_t n = strlen(name), digits = 0;
    bool brackets = n > 2 && name[0] == '<' && name[n - 1] == '>';
    size_t end = brackets ? n - 1 : n;
    while (digits < end && digits < 6 && name[end - digits - 1] >= '0' && name[end - digits - 1] <= '9') digits++;
    long number = digits ? strtol(name + end - digits, NULL, 10) : 1;
    const char *dash = digits ? "" : "-", *close = brackets ? ">" : "";
    for (;;) {
        char *other = ss_format(cx, "%.*s%s%ld%s", (int)(end - digits), name, dash, ++number, close);
        if (!other || ss_tokenizer_find(m->tokenizer, other) < 0) return other;
        free(other);
    }
}

ss_status ss_subject_token_in(char **called_here, ss_ctx *cx, ss_model *m, const ss_subject *s, int i) {
    const ss_subject_token *t = &s->token[i];
    bool taken = ss_tokenizer_find(m->tokenizer, t->name) >= 0;
    char *name = taken ? free_name(cx, m, t->name) : ss_strdup(cx, t->name);
    int64_t first;
    if (!name) return SS_ERR_NOMEM;
    ss_status st = ss_model_add_token(&first, cx, m, name, t->count, t->width, t->vectors);
    if (!st && taken)
        ss_warn(cx, "the model has a token %s already: that of %s is called %s here", t->name, called(s), name);
    if (st)
        free(name);
    else
        *called_here = name;
    return st;
}

static ss_status add_tokens(ss_ctx *cx, ss_model *m, const ss_subject *s) {
    ss_status st = SS_OK;
    for (int i = 0; i < s->token_count && !st; i++) {
        char *name = NULL;
        st = ss_subject_token_in(&name, cx, m, s, i);
        free(name);
    }
    return st;
}

/* ------------------------------------------------------------------------------------------------ weights */

/* A change's numbers in float32, freed by the caller. */
static float *read_numbers(ss_ctx *cx, const ss_numbers *a) {
    size_t n = (size_t)ss_numbers_count(a);
    float *y = ss_alloc(cx, n ? n : 1, sizeof *y);
    if (y) ss_to_f32(y, a->data, a->type, n);
    return y;
}

ss_status ss_low_rank_add(float *w, ss_ctx *cx, const ss_change *c, double strength) {
    int64_t out = c->up.shape[0], r = c->up.shape[1], in = r ? ss_numbers_count(&c->down) / r : 0;
    float *up = read_numbers(cx, &c->up), *down = up ? read_numbers(cx, &c->down) : NULL;
    float factor = (float)(strength * c->scale);
#pragma omp parallel for schedule(static) num_threads(cx->threads) if (down)
    for (int64_t o = 0; o < (down ? out : 0); o++)
        for (int64_t k = 0; k < r; k++) {
            float a = factor * up[o * r + k];
            for (int64_t i = 0; i < in; i++) w[o * in + i] += a * down[k * in + i];
        }
    free(up);
    free(down);
    return cx->status;
}

/* now += strength (to - W0); on an untouched weight at full strength that is `to` itself, to the last bit. */
static ss_status set_weight(float *now, ss_ctx *cx, const ss_model *m, const ss_change *c, bool untouched,
                            double strength) {
    int64_t n = ss_numbers_count(&c->to);
    if (untouched && strength == 1) {
        ss_to_f32(now, c->to.data, c->to.type, (size_t)n);
        return SS_OK;
    }
    float *to = read_numbers(cx, &c->to), *was = to ? ss_alloc(cx, (size_t)n, sizeof *was) : NULL;
    if (was) {
        ss_model_original(was, m, c->part, ss_params_find(ss_model_params(m, c->part), c->name), 0, n);
        for (int64_t i = 0; i < n; i++) now[i] += (float)strength * (to[i] - was[i]);
    }
    free(to);
    free(was);
    return cx->status;
}

ss_status ss_subject_apply(ss_ctx *cx, ss_model *m, const ss_subject *s, double strength) {
    ss_ctx_clear(cx);
    ss_status st = isfinite(strength) ? SS_OK : ss_fail(cx, SS_ERR_ARG, "%s: its strength is no number", called(s));
    if (!st) st = ss_subject_check(cx, m, s);
    if (!st) st = add_tokens(cx, m, s);
    for (int64_t i = 0; i < s->change_count && !st; i++) {
        const ss_change *c = &s->change[i];
        bool untouched = ss_model_untouched(m, c->part, c->name);
        float *now = ss_model_alter(cx, m, c->part, c->name);
        if (!now) return cx->status;
        st = c->kind == SS_CHANGE_SET ? set_weight(now, cx, m, c, untouched, strength)
                                      : ss_low_rank_add(now, cx, c, strength);
    }
    return st;
}

/* ------------------------------------------------------------------------------------------------ telling apart */

static void add_numbers(ss_hash *h, const char *what, const ss_numbers *a) {
    char shape[64], line[128];
    if (!a->rank) return;
    int n = snprintf(line, sizeof line, "%s %s %s\n", what, ss_dtype_name(a->type),
                     ss_shape_text(shape, a->rank, a->shape));
    ss_hash_add(h, line, (size_t)n);
    ss_hash_add(h, a->data, (size_t)ss_numbers_count(a) * ss_dtype_size(a->type));
}

ss_status ss_subject_fingerprint(char hex[SS_HASH_TEXT], ss_ctx *cx, const ss_subject *s) {
    ss_hash *h = NULL;
    char line[SS_NAME + 64];
    ss_status st = ss_hash_new(&h, cx);
    if (st) return st;
    for (int i = 0; i < s->token_count; i++) {
        const ss_subject_token *t = &s->token[i];
        ss_hash_add(h, t->name, strlen(t->name) + 1);
        add_numbers(h, "token", &(ss_numbers){SS_F32, 2, {t->count, t->width}, t->vectors});
    }
    for (int64_t i = 0; i < s->change_count; i++) {
        const ss_change *c = &s->change[i];
        int n = snprintf(line, sizeof line, "%d %s %.9g\n", (int)c->part, c->name, c->scale);
        ss_hash_add(h, line, (size_t)n);
        add_numbers(h, "to", &c->to);
        add_numbers(h, "up", &c->up);
        add_numbers(h, "down", &c->down);
    }
    ss_hash_text(h, hex);
    ss_hash_free(h);
    return SS_OK;
}
