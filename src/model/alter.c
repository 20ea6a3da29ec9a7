/* Parameters that became the model's own. */
#include "model/alter.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const char table_name[] = "text_model.embeddings.token_embedding.weight";

ss_params *ss_model_params(const ss_model *m, ss_part part) {
    const ss_params *p = part == SS_PART_UNET  ? &m->unet.params
                         : part == SS_PART_VAE ? &m->vae.params
                                               : &m->text.params;
    return (ss_params *)p;
}

static size_t count_of(const ss_param *p) {
    size_t n = 1;
    for (int i = 0; i < p->rank; i++) n *= (size_t)p->shape[i];
    return n;
}

static ss_altered *find(const ss_model *m, ss_part part, const char *name) {
    for (int64_t i = 0; i < m->altered_count; i++)
        if (m->altered[i].part == part && !strcmp(m->altered[i].name, name)) return &m->altered[i];
    return NULL;
}

bool ss_model_untouched(const ss_model *m, ss_part part, const char *name) { return !find(m, part, name); }

/* A new entry without numbers, or NULL. */
static ss_altered *remember(ss_ctx *cx, ss_model *m, ss_part part, const char *name) {
    size_t n = (size_t)m->altered_count;
    if (ss_grow(cx, &m->altered, n, n + 1, sizeof *m->altered)) return NULL;
    ss_altered *a = &m->altered[n];
    a->part = part;
    a->name = ss_strdup(cx, name);
    if (!a->name) return NULL;
    m->altered_count++;
    return a;
}

/* From here on the parameter is what lies at `now`. */
static void point_to(ss_param *p, const float *now) {
    ss_param_clear(p);
    p->stored = now;
    p->dtype = SS_F32;
    p->mapped = false;
}

float *ss_model_alter(ss_ctx *cx, ss_model *m, ss_part part, const char *name) {
    ss_params *in = ss_model_params(m, part);
    ss_param *p = ss_params_find(in, name);
    if (!p) {
        ss_fail(cx, SS_ERR_MODEL, "%s: the model has no %s", in->part, name);
        return NULL;
    }
    ss_altered *a = find(m, part, name);
    if (!a) {
        float *now = ss_alloc(cx, count_of(p), sizeof *now);
        if (now) a = remember(cx, m, part, name);
        if (!a) {
            free(now);
            return NULL;
        }
        a->now = now, a->type = p->dtype, a->file = p->stored, a->mapped = p->mapped;
        ss_to_f32(now, p->stored, p->dtype, count_of(p));
        ss_param_let_go(p);
    }
    point_to(p, a->now);
    return a->now;
}

void ss_model_original(float *y, const ss_model *m, ss_part part, const ss_param *p, int64_t first, int64_t n) {
    const ss_altered *a = find(m, part, p->name);
    ss_dtype type = a ? a->type : p->dtype;
    const char *at = a ? a->file : p->stored;
    ss_to_f32(y, at + (size_t)first * ss_dtype_size(type), type, (size_t)n);
}

/* ---- tokens */

int64_t ss_model_token_width(const ss_model *m) { return ss_params_find(&m->text.params, table_name)->shape[1]; }

void ss_model_token_row(float *y, const ss_model *m, int32_t id) {
    bool added = m->text.first_added && id >= m->text.first_added;
    const ss_param *p = ss_params_find(&m->text.params, added ? SS_ADDED_TOKENS : table_name);
    int64_t width = p->shape[1], row = id - (added ? m->text.first_added : 0);
    assert(row >= 0 && row < p->shape[0]);
    if (p->trained && p->data)
        memcpy(y, p->data + row * width, (size_t)width * sizeof *y);
    else
        ss_to_f32(y, (const char *)p->stored + (size_t)(row * width) * ss_dtype_size(p->dtype), p->dtype,
                  (size_t)width);
}

/* The parameter of added rows, of which `had` belong to tokens, gets `count` behind those. */
static ss_status grow_rows(ss_ctx *cx, ss_model *m, int64_t had, int64_t count, int64_t width, const float *rows) {
    ss_params *in = &m->text.params;
    ss_altered *a = find(m, SS_PART_TEXT, SS_ADDED_TOKENS);
    float *now = ss_alloc(cx, (size_t)((had + count) * width), sizeof *now);
    if (now && !a) a = remember(cx, m, SS_PART_TEXT, SS_ADDED_TOKENS);
    if (!a || !now) {
        free(now);
        return cx->status;
    }
    for (int64_t i = 0; i < had; i++) ss_model_token_row(now + i * width, m, m->text.first_added + (int32_t)i);
    memcpy(now + had * width, rows, (size_t)(count * width) * sizeof *now);
    free(a->now);
    a->now = now;
    ss_param *p = ss_params_find(in, SS_ADDED_TOKENS);
    if (p) {
        point_to(p, now);
        p->shape[0] = had + count;
        return SS_OK;
    }
    ss_status st = ss_params_add(in, cx, SS_ADDED_TOKENS, SS_F32, 2, (int64_t[]){count, width}, now);
    return st ? st : ss_params_sort(in, cx);
}

ss_status ss_model_add_token(int64_t *first, ss_ctx *cx, ss_model *m, const char *token, int64_t count, int64_t width,
                             const float *rows) {
    enum { MOST = SS_TOKENS - 2 }; /* more than a text has places for */
    int32_t before = ss_tokenizer_count(m->tokenizer), id = 0;
    int64_t had = m->text.first_added ? before - m->text.first_added : 0;
    if (width != ss_model_token_width(m))
        return ss_fail(cx, SS_ERR_SHAPE, "the vectors of token \"%.100s\" have %lld numbers, this model's %lld", token,
                       (long long)width, (long long)ss_model_token_width(m));
    if (count < 1 || count > MOST)
        return ss_fail(cx, SS_ERR_ARG, "token \"%.100s\" has %lld vectors; a text has places for 1 to %d", token,
                       (long long)count, MOST);
    if (ss_tokenizer_find(m->tokenizer, token) >= 0)
        return ss_fail(cx, SS_ERR_ARG, "the model has a token \"%.100s\" already", token);
    ss_status st = grow_rows(cx, m, had, count, width, rows);
    if (!st) st = ss_tokenizer_add_several(m->tokenizer, cx, token, (int32_t)count, &id);
    if (st) return st;
    if (!had) m->text.first_added = before;
    assert(id == m->text.first_added + had);
    *first = had;
    return SS_OK;
}

void ss_model_forget_alterations(ss_model *m) {
    for (int64_t i = 0; i < m->altered_count; i++) {
        free(m->altered[i].name);
        free(m->altered[i].now);
    }
    free(m->altered);
    m->altered = NULL;
    m->altered_count = 0;
}
