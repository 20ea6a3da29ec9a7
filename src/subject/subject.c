/* Subjects in memory. */
#include "subject/subject.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

ss_status ss_subject_new(ss_subject **out, ss_ctx *cx) {
    ss_subject *s = ss_alloc(cx, 1, sizeof *s);
    if (s) *out = s;
    return s ? SS_OK : SS_ERR_NOMEM;
}

void ss_subject_free(ss_subject *s) {
    if (!s) return;
    for (int i = 0; i < s->files; i++) ss_weights_close(s->file[i]);
    ss_pool_free(&s->pool);
    free(s->file);
    free(s->token);
    free(s->change);
    free(s->metadata);
    free(s->path);
    free(s);
}

int64_t ss_numbers_count(const ss_numbers *a) {
    int64_t n = 1;
    for (int i = 0; i < a->rank; i++) n *= a->shape[i];
    return n;
}

/* A copy of bytes in the subject's pool; never NULL without a failure. */
static void *keep(ss_subject *s, ss_ctx *cx, const void *bytes, size_t n) {
    void *copy = ss_pool_take(&s->pool, cx, n ? n : 1, 1);
    if (copy && n) memcpy(copy, bytes, n);
    return copy;
}

static const char *keep_text(ss_subject *s, ss_ctx *cx, const char *text) {
    return text ? ss_pool_text(&s->pool, cx, text, strlen(text)) : NULL;
}

static bool keep_numbers(ss_subject *s, ss_ctx *cx, ss_numbers *a) {
    a->data = keep(s, cx, a->data, (size_t)ss_numbers_count(a) * ss_dtype_size(a->type));
    return a->data;
}

/* ---- tokens */

ss_status ss_subject_add_token(ss_subject *s, ss_ctx *cx, const ss_subject_token *token) {
    ss_subject_token t = *token;
    for (int i = 0; i < s->token_count; i++)
        if (!strcmp(s->token[i].name, t.name))
            return ss_fail(cx, SS_ERR_FORMAT, "token \"%.100s\" is there twice", t.name);
    t.name = keep_text(s, cx, token->name);
    t.class_word = keep_text(s, cx, token->class_word);
    t.initializer = keep_text(s, cx, token->initializer);
    t.vectors = keep(s, cx, token->vectors, (size_t)(t.count * t.width) * sizeof *t.vectors);
    if (cx->status) return cx->status;
    size_t n = (size_t)s->token_count;
    ss_status st = ss_grow(cx, &s->token, n, n + 1, sizeof *s->token);
    if (!st) s->token[s->token_count++] = t;
    return st;
}

/* ---- changes */

ss_status ss_subject_change(ss_subject *s, ss_ctx *cx, const ss_change *c) {
    size_t n = (size_t)s->change_count;
    ss_status st = n & (n - 1) ? SS_OK : ss_grow(cx, &s->change, n, n ? 2 * n : 1, sizeof *s->change);
    if (!st) s->change[s->change_count++] = *c;
    return st;
}

ss_status ss_subject_set(ss_subject *s, ss_ctx *cx, ss_part part, const char *name, ss_numbers to) {
    ss_change c = {.part = part, .name = keep_text(s, cx, name), .kind = SS_CHANGE_SET, .to = to};
    if (!c.name || !keep_numbers(s, cx, &c.to)) return cx->status;
    return ss_subject_change(s, cx, &c);
}

ss_status ss_subject_low_rank(ss_subject *s, ss_ctx *cx, ss_part part, const char *name, ss_numbers up, ss_numbers down,
                              double scale) {
    assert(up.rank >= 2 && down.rank >= 2 && up.shape[1] == down.shape[0]);
    ss_change c = {.part = part,
                   .name = keep_text(s, cx, name),
                   .kind = SS_CHANGE_LOW_RANK,
                   .up = up,
                   .down = down,
                   .scale = scale};
    if (!c.name || !keep_numbers(s, cx, &c.up) || !keep_numbers(s, cx, &c.down)) return cx->status;
    return ss_subject_change(s, cx, &c);
}

/* ---- metadata */

ss_status ss_subject_say(ss_subject *s, ss_ctx *cx, const char *key, const char *value) {
    const char *v = keep_text(s, cx, value), *k = NULL;
    for (int64_t i = 0; i < s->metadata_count && v; i++)
        if (!strcmp(s->metadata[i].key, key)) {
            s->metadata[i].value = v;
            return SS_OK;
        }
    size_t n = (size_t)s->metadata_count;
    if (!v || !(k = keep_text(s, cx, key)) || ss_grow(cx, &s->metadata, n, n + 1, sizeof *s->metadata))
        return cx->status;
    s->metadata[s->metadata_count++] = (ss_pair){k, v};
    return SS_OK;
}

const char *ss_subject_said(const ss_subject *s, const char *key) {
    for (int64_t i = 0; i < s->metadata_count; i++)
        if (!strcmp(s->metadata[i].key, key)) return s->metadata[i].value;
    return NULL;
}

const char *ss_subject_trigger(const ss_subject *s, int i) {
    return i >= 0 && i < s->token_count ? s->token[i].name : NULL;
}
