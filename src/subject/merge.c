/* Merging: features of prompts, the solution, and how much of each concept is left. */
#include "subject/merge.h"

#include "subject/linear.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const unsigned char ss_general_captions[];
extern const size_t ss_general_captions_size;

/* ------------------------------------------------------------------------------------------------ features of prompts
 */

typedef struct rows {
    double *at;
    int *concept;
    int64_t count, room;
} rows;

static ss_status make_room(rows *r, ss_ctx *cx, int64_t more, int64_t width) {
    if (r->count + more <= r->room) return SS_OK;
    int64_t room = 2 * (r->count + more);
    ss_status st = ss_grow(cx, &r->at, (size_t)(r->room * width), (size_t)(room * width), sizeof *r->at);
    if (!st) st = ss_grow(cx, &r->concept, (size_t)r->room, (size_t)room, sizeof *r->concept);
    if (!st) r->room = room;
    return st;
}

/* The features behind the start mark, up to the end mark. "photo of a" at the front says nothing of the subject, and
 * the three features are left out. */
static ss_status read_prompt(rows *r, ss_ctx *cx, const ss_model *m, const char *prompt, int concept) {
    enum { AT_THE_FRONT = 15, THREE_WORDS = 3 };
    int32_t ids[SS_TOKENS];
    ss_tokens info;
    ss_status st = ss_tokenize(m->tokenizer, cx, prompt, ids, &info);
    if (st) return st;
    const char *found = strstr(prompt, "photo of a");
    bool front = found && found - prompt + (int)strlen("photo of a") <= AT_THE_FRONT;
    int first = front ? 1 + THREE_WORDS : 1, count = info.count - first;
    ss_mark start = ss_arena_mark(cx->arena);
    const ss_tensor *y = ss_clip_text_run(cx, &m->text, ids, 1, 0);
    if (y && count > 0) {
        int64_t d = ss_channels(y);
        st = make_room(r, cx, count, d);
        for (int64_t i = 0; i < count * d && !st; i++) r->at[r->count * d + i] = (double)y->data[first * d + i];
        for (int i = 0; i < count && !st; i++) r->concept[r->count++] = concept;
    }
    ss_arena_rewind(cx->arena, start);
    return st ? st : cx->status;
}

static ss_status read_captions(rows *r, ss_ctx *cx, const ss_model *m, const ss_merging *o) {
    ss_status st = SS_OK;
    for (int i = 0; i < o->caption_count && o->caption && !st; i++) {
        ss_report(cx, "reading captions", i, o->caption_count);
        st = ss_stopped(cx);
        if (!st) st = read_prompt(r, cx, m, o->caption[i], -1);
    }
    const char *text = (const char *)ss_general_captions, *end = text + ss_general_captions_size;
    for (const char *line = text; line < end && !o->caption && !st;) {
        size_t n = strcspn(line, "\n");
        char caption[200];
        snprintf(caption, sizeof caption, "%.*s", (int)n, line);
        ss_report(cx, "reading captions", (int)(line - text), (int)ss_general_captions_size);
        st = ss_stopped(cx);
        if (!st) st = read_prompt(r, cx, m, caption, -1);
        line += n + 1;
    }
    return st;
}

static const char *class_of(const ss_merging *o, int i) {
    const char *given = o->class_word ? o->class_word[i] : NULL;
    if (given) return given;
    return o->subject[i]->token_count ? o->subject[i]->token[0].class_word : NULL;
}

static ss_status read_concept(rows *r, ss_ctx *cx, const ss_model *m, const ss_merging *o, int i, const char *token) {
    char prompt[400];
    const char *word = class_of(o, i), *space = *token ? " " : "";
    snprintf(prompt, sizeof prompt, "%.150s%s%.150s", token, space, word);
    ss_status st = read_prompt(r, cx, m, prompt, i);
    const char *front = !strcmp(word, "art") ? "painting in the style of" : o->compvis ? "a photo of" : "photo of a";
    snprintf(prompt, sizeof prompt, "%s %.150s%s%.150s", front, token, space, word);
    return st ? st : read_prompt(r, cx, m, prompt, i);
}

/* Two prompts that begin alike have features alike; a second time they would say nothing, and make the system singular.
 */
static int64_t drop_repeated(double *a, int *concept, int64_t count, int64_t d) {
    int64_t n = 0;
    for (int64_t i = 0; i < count; i++) {
        bool repeated = false;
        for (int64_t j = 0; j < n && !repeated; j++) {
            double off = 0, size = 0;
            for (int64_t k = 0; k < d; k++) off += fabs(a[i * d + k] - a[j * d + k]), size += fabs(a[j * d + k]);
            repeated = off <= 1e-6 * size;
        }
        if (repeated) continue;
        memmove(a + n * d, a + i * d, (size_t)d * sizeof *a);
        concept[n++] = concept[i];
    }
    return n;
}

static ss_status check(ss_ctx *cx, const ss_merging *o) {
    if (o->count < 2) return ss_fail(cx, SS_ERR_ARG, "merging takes two subjects or more, and there is %d", o->count);
    for (int i = 0; i < o->count; i++) {
        const ss_subject *s = o->subject[i];
        const char *name = s->path ? s->path : "a subject";
        if (!class_of(o, i) || !*class_of(o, i))
            return ss_fail(cx, SS_ERR_ARG,
                           "%s does not say what kind of thing its subject is: give the word (dog, chair ...)", name);
        for (int64_t k = 0; k < s->change_count; k++) {
            const ss_change *c = &s->change[k];
            bool fits = c->part == SS_PART_UNET &&
                        (strstr(c->name, ".attn2.to_k.weight") || strstr(c->name, ".attn2.to_v.weight"));
            if (!fits)
                return ss_fail(cx, SS_ERR_ARG,
                               "%s changes %s; merging solves for keys and values of cross-attention (attn2.to_k, "
                               "attn2.to_v) and for nothing else",
                               name, c->name);
        }
    }
    return SS_OK;
}

/* The subject's tokens into the model; name[] gets what the first of them is called there, "" if it has none. */
static ss_status add_tokens(char name[][100], ss_subject *merged, ss_ctx *cx, ss_model *m, const ss_merging *o) {
    ss_status st = SS_OK;
    for (int i = 0; i < o->count && !st; i++) {
        const ss_subject *s = o->subject[i];
        name[i][0] = 0;
        for (int k = 0; k < s->token_count && !st; k++) {
            ss_subject_token t = s->token[k];
            char *called = NULL;
            st = ss_subject_token_in(&called, cx, m, s, k);
            if (!st && k == 0) snprintf(name[i], sizeof name[i], "%s", called);
            t.name = called;
            if (class_of(o, i)) t.class_word = class_of(o, i);
            if (!st) st = ss_subject_add_token(merged, cx, &t);
            free(called);
        }
    }
    return st;
}

static ss_status read_all(ss_merge_problem *p, ss_ctx *cx, ss_model *m, const ss_merging *o, char name[][100]) {
    rows general = {0}, own = {0};
    p->width = ss_model_token_width(m);
    ss_status st = read_captions(&general, cx, m, o);
    for (int i = 0; i < o->count && !st; i++) st = read_concept(&own, cx, m, o, i, name[i]);
    p->general = general.at, p->general_rows = general.count;
    p->own = own.at, p->concept = own.concept;
    free(general.concept);
    if (!st) p->rows = drop_repeated(p->own, p->concept, own.count, p->width);
    return st;
}

ss_status ss_merge_read(ss_merge_problem *p, ss_ctx *cx, ss_model *m, const ss_merging *o) {
    char(*name)[100] = NULL;
    ss_status st = check(cx, o);
    for (int i = 0; i < o->count && !st; i++) st = ss_subject_check(cx, m, o->subject[i]);
    if (!st && !(name = ss_alloc(cx, (size_t)o->count, sizeof *name))) st = SS_ERR_NOMEM;
    if (!st) st = ss_subject_new(&p->merged, cx);
    if (!st) st = add_tokens(name, p->merged, cx, m, o);
    if (!st) st = read_all(p, cx, m, o, name);
    free(name);
    return st;
}

void ss_merge_clear(ss_merge_problem *p) {
    free(p->general);
    free(p->own);
    free(p->pull);
    free(p->concept);
    ss_subject_free(p->merged);
    *p = (ss_merge_problem){0};
}

/* ------------------------------------------------------------------------------------------------ the solution */

/*     G = C_reg^T C_reg,   D = C G^-1,   W = W0 + (V^T - W0 C^T) (D C^T)^-1 D */
ss_status ss_merge_solve(ss_merge_problem *p, ss_ctx *cx) {
    int64_t d = p->width, n = p->rows;
    double *g = ss_alloc(cx, (size_t)(d * d + n * n), sizeof *g), *small = g + d * d;
    double *pull = g ? ss_alloc(cx, (size_t)(n * d), sizeof *pull) : NULL;
    double *columns = pull ? ss_alloc(cx, (size_t)(n * d), sizeof *columns) : NULL;
    ss_status st = columns ? SS_OK : SS_ERR_NOMEM;
    if (!st) {
        ss_gram(g, p->general, p->general_rows, d, cx->threads);
        memcpy(pull, p->own, (size_t)(n * d) * sizeof *pull);
        if (!ss_solve_rows(g, pull, d, n))
            st = ss_fail(cx, SS_ERR_ARG,
                         "the general captions have %lld features, which do not point into all %lld directions: more "
                         "and more varied captions are needed",
                         (long long)p->general_rows, (long long)d);
    }
    if (!st) {
        /* The system in the middle is symmetric, too; its right sides are the columns of D. */
        ss_product_of_rows(small, pull, p->own, n, n, d, cx->threads);
        for (int64_t i = 0; i < n; i++)
            for (int64_t j = 0; j < d; j++) columns[j * n + i] = pull[i * d + j];
        if (!ss_solve_rows(small, columns, n, d))
            st = ss_fail(cx, SS_ERR_ARG,
                         "the subjects' prompts cannot be told apart: give them tokens or class words that "
                         "differ");
        for (int64_t i = 0; i < n && !st; i++)
            for (int64_t j = 0; j < d; j++) pull[i * d + j] = columns[j * n + i];
    }
    free(g);
    free(columns);
    if (st)
        free(pull);
    else
        free(p->pull), p->pull = pull;
    return st;
}

/* ------------------------------------------------------------------------------------------------ weights */

ss_status ss_merge_weight(double *w, ss_ctx *cx, const ss_merge_problem *p, const double *v, int64_t out) {
    int64_t n = p->rows, d = p->width;
    double *e = ss_alloc(cx, (size_t)(out * n), sizeof *e);
    if (!e) return SS_ERR_NOMEM;
    ss_product_of_rows(e, w, p->own, out, n, d, cx->threads);
    for (int64_t o = 0; o < out; o++)
        for (int64_t i = 0; i < n; i++) e[o * n + i] = v[i * out + o] - e[o * n + i];
    ss_add_product(w, e, p->pull, out, n, d, cx->threads);
    free(e);
    return SS_OK;
}

/* The weight as the concept has it. */
static ss_status own_weight(double *w, ss_ctx *cx, const ss_model *m, const ss_subject *s, const ss_param *p) {
    int64_t n = p->shape[0] * p->shape[1];
    float *f = ss_alloc(cx, (size_t)n, sizeof *f);
    if (!f) return SS_ERR_NOMEM;
    ss_model_original(f, m, SS_PART_UNET, p, 0, n);
    ss_status st = SS_OK;
    for (int64_t k = 0; k < s->change_count && !st; k++) {
        const ss_change *c = &s->change[k];
        if (strcmp(c->name, p->name)) continue;
        if (c->kind == SS_CHANGE_SET)
            ss_to_f32(f, c->to.data, c->to.type, (size_t)n);
        else
            st = ss_low_rank_add(f, cx, c, 1);
    }
    for (int64_t i = 0; i < n; i++) w[i] = (double)f[i];
    free(f);
    return st;
}

typedef struct sums {
    double *off, *learned; /* of each concept: squares */
    double moved, general; /* of general captions */
} sums;

/* What the merged weight makes of all prompts, against what it should. */
static ss_status measure(sums *s, ss_ctx *cx, const ss_merge_problem *p, const double *w, const double *w0,
                         const double *const *own, int64_t out) {
    int64_t n = p->rows, d = p->width, g = p->general_rows < 200 ? p->general_rows : 200;
    double *y = ss_alloc(cx, (size_t)(3 * out), sizeof *y), *y0 = y + out, *yi = y0 + out;
    if (!y) return SS_ERR_NOMEM;
    for (int64_t r = 0; r < n + g; r++) {
        const double *c = r < n ? p->own + r * d : p->general + (r - n) * d;
        int k = r < n ? p->concept[r] : 0;
        ss_product_of_rows(y, w, c, out, 1, d, cx->threads);
        ss_product_of_rows(y0, w0, c, out, 1, d, cx->threads);
        if (r < n) ss_product_of_rows(yi, own[k], c, out, 1, d, cx->threads);
        for (int64_t o = 0; o < out; o++) {
            if (r < n) {
                s->off[k] += (y[o] - yi[o]) * (y[o] - yi[o]);
                s->learned[k] += (yi[o] - y0[o]) * (yi[o] - y0[o]);
            } else {
                s->moved += (y[o] - y0[o]) * (y[o] - y0[o]);
                s->general += y0[o] * y0[o];
            }
        }
    }
    free(y);
    return SS_OK;
}

static ss_status merge_one(sums *sum, ss_ctx *cx, const ss_model *m, const ss_merge_problem *p, const ss_merging *o,
                           const ss_param *a) {
    int64_t out = a->shape[0], d = a->shape[1], n = out * d;
    if (d != p->width)
        return ss_fail(cx, SS_ERR_SHAPE, "%s reads features of width %lld; the text encoder's have %lld", a->name,
                       (long long)d, (long long)p->width);
    double *all = ss_alloc(cx, (size_t)((o->count + 2) * n + p->rows * out), sizeof *all), *w = all, *w0 = w + n,
           *v = w0 + n, *own = v + p->rows * out;
    const double **each = all ? ss_alloc(cx, (size_t)o->count, sizeof *each) : NULL;
    float *f = each ? ss_alloc(cx, (size_t)n, sizeof *f) : NULL;
    ss_status st = f ? SS_OK : SS_ERR_NOMEM;
    for (int i = 0; i < o->count && !st; i++) {
        each[i] = own + i * n;
        st = own_weight(own + i * n, cx, m, o->subject[i], a);
    }
    if (!st) {
        ss_model_original(f, m, SS_PART_UNET, a, 0, n);
        for (int64_t i = 0; i < n; i++) w[i] = w0[i] = (double)f[i];
        for (int64_t r = 0; r < p->rows; r++)
            ss_product_of_rows(v + r * out, each[p->concept[r]], p->own + r * d, out, 1, d, cx->threads);
        st = ss_merge_weight(w, cx, p, v, out);
    }
    if (!st) st = measure(sum, cx, p, w, w0, each, out);
    for (int64_t i = 0; i < n && !st; i++) f[i] = (float)w[i];
    if (!st) st = ss_subject_set(p->merged, cx, SS_PART_UNET, a->name, (ss_numbers){SS_F32, 2, {out, d}, f});
    free(f);
    free(each);
    free(all);
    return st;
}

ss_status ss_merge_weights(ss_merge_problem *p, ss_merged_concept *found, double *general, ss_ctx *cx,
                           const ss_model *m, const ss_merging *o) {
    const ss_params *in = &m->unet.params;
    sums sum = {.off = ss_alloc(cx, 2 * (size_t)o->count, sizeof *sum.off)};
    if (!sum.off) return SS_ERR_NOMEM;
    sum.learned = sum.off + o->count;
    ss_status st = SS_OK;
    for (int64_t i = 0; i < in->count && !st; i++) {
        if (!strstr(in->at[i].name, ".attn2.to_k.weight") && !strstr(in->at[i].name, ".attn2.to_v.weight")) continue;
        ss_report(cx, "merging", (int)i, (int)in->count);
        st = ss_stopped(cx);
        if (!st) st = merge_one(&sum, cx, m, p, o, &in->at[i]);
    }
    for (int i = 0; i < o->count && !st; i++) {
        snprintf(found[i].class_word, sizeof found[i].class_word, "%s", class_of(o, i));
        bool heard = false;
        for (int64_t r = 0; r < p->rows; r++) heard = heard || p->concept[r] == i;
        found[i].lost = !heard ? 1 : sum.learned[i] > 0 ? sqrt(sum.off[i] / sum.learned[i]) : 0;
    }
    if (!st && general) *general = sum.general > 0 ? sqrt(sum.moved / sum.general) : 0;
    free(sum.off);
    return st;
}

ss_status ss_subject_merge(ss_subject **out, ss_merged_concept *found, double *general, ss_ctx *cx, ss_model *m,
                           const ss_merging *o) {
    ss_merge_problem p = {0};
    ss_ctx_clear(cx);
    ss_status st = ss_merge_read(&p, cx, m, o);
    if (!st) st = ss_merge_solve(&p, cx);
    if (!st) st = ss_merge_weights(&p, found, general, cx, m, o);
    if (!st) *out = p.merged, p.merged = NULL;
    ss_merge_clear(&p);
    return st;
}
