/* The training step, forward, back and forward again. */
#include "train/custom_diffusion.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- which parameters */

static const char *const names[] = {"crossattn_kv", "crossattn"};

ss_status ss_trained_find(ss_trained *out, ss_ctx *cx, const char *name) {
    *out = SS_TRAIN_KV;
    if (!name) return SS_OK;
    for (int i = 0; i < SS_COUNT_OF(names); i++)
        if (!strcmp(name, names[i])) {
            *out = (ss_trained)i;
            return SS_OK;
        }
    const char *near = ss_nearest(name, names, SS_COUNT_OF(names));
    return ss_fail(cx, SS_ERR_ARG, "parameters \"%s\" are not known: choose crossattn_kv or crossattn%s%s", name,
                   near ? ". Nearest: " : "", near ? near : "");
}

const char *ss_trained_name(ss_trained what) { return names[what]; }

static int64_t numbers_of(const ss_param *p) {
    int64_t n = 1;
    for (int d = 0; d < p->rank; d++) n *= p->shape[d];
    return n;
}

/* Gives every parameter in training its float32 form and its room. */
static ss_status collect(ss_trainer *t, ss_ctx *cx, ss_params *p) {
    for (int64_t i = 0; i < p->count; i++) {
        ss_param *a = &p->at[i];
        if (!a->trained) continue;
        ss_training_tensor *y = &t->at[t->count];
        int64_t n = numbers_of(a);
        if (!ss_param_f32(cx, a)) return cx->status;
        ss_param_drop_packed(a);
        if (!a->grad) a->grad = ss_alloc(cx, (size_t)n, sizeof(float));
        *y = (ss_training_tensor){.param = a, .count = n};
        t->count++;
        y->m = ss_alloc(cx, (size_t)n, sizeof(float));
        y->v = ss_alloc(cx, (size_t)n, sizeof(float));
        if (cx->status) return cx->status;
    }
    return SS_OK;
}

/* What weights packed for backward may keep, of the 1.6 GB that SD 1.5's take in bfloat16. */
static const size_t packed = (size_t)448 << 20;

ss_status ss_trainer_open(ss_trainer *t, ss_ctx *cx, ss_model *m, ss_trained what, bool recompute) {
    *t = (ss_trainer){.model = m, .adamw = ss_adamw_default()};
    ss_status st = ss_schedule_read(&t->schedule, cx, (ss_object){m->scheduler, "scheduler/scheduler_config.json"});
    if (st) return st;
    t->schedule.prediction = m->predicts_v ? SS_PREDICT_V : SS_PREDICT_EPSILON;
    int64_t many = ss_params_train(&m->unet.params, what == SS_TRAIN_KV ? "*.attn2.to_[kv].weight" : "*.attn2.*");
    many += ss_params_train(&m->text.params, SS_ADDED_TOKENS);
    t->at = ss_alloc(cx, (size_t)many, sizeof *t->at);
    t->unet_tape = ss_tape_new(cx);
    t->text_tape = ss_tape_new(cx);
    if (cx->status) return cx->status;
    ss_tape_recompute(t->unet_tape, recompute);
    ss_tape_pack_at_most(t->unet_tape, recompute ? 0 : packed);
    ss_tape_pack_at_most(t->text_tape, 0);
    st = collect(t, cx, &m->unet.params);
    return st ? st : collect(t, cx, &m->text.params);
}

/* ---- texts */

/* A caption without tokens in training: its features never change. */
typedef struct ss_known_text {
    int32_t ids[77];
    float *features; /* [77, d] */
} ss_known_text;

void ss_trainer_forget_texts(ss_trainer *t) {
    for (int i = 0; i < t->known_count; i++) free(t->known[i].features);
    t->known_count = 0;
}

void ss_trainer_close(ss_trainer *t) {
    for (int i = 0; i < t->count; i++) {
        free(t->at[i].m);
        free(t->at[i].v);
        free(t->at[i].param->grad);
        t->at[i].param->grad = NULL;
    }
    free(t->at);
    ss_trainer_forget_texts(t);
    free(t->known);
    ss_tape_free(t->unet_tape);
    ss_tape_free(t->text_tape);
    *t = (ss_trainer){0};
}

static bool trains(const ss_trainer *t, const int32_t ids[77]) {
    int32_t first = t->model->text.first_added;
    for (int i = 0; i < 77 && first; i++)
        if (ids[i] >= first) return true;
    return false;
}

static const float *known_text(ss_trainer *t, ss_ctx *cx, const int32_t ids[77]) {
    for (int i = 0; i < t->known_count; i++)
        if (!memcmp(t->known[i].ids, ids, sizeof t->known[i].ids)) return t->known[i].features;
    if (t->known_count == t->known_capacity) {
        int capacity = t->known_capacity ? 2 * t->known_capacity : 64;
        if (ss_grow(cx, &t->known, (size_t)t->known_capacity, (size_t)capacity, sizeof *t->known)) return NULL;
        t->known_capacity = capacity;
    }
    size_t bytes = (size_t)(77 * t->model->unet_text_width) * sizeof(float);
    float *features = ss_alloc(cx, 1, bytes);
    if (!features) return NULL;
    ss_mark start = ss_arena_mark(cx->arena);
    ss_tensor *y = ss_clip_text_run(cx, &t->model->text, ids, 1, 0);
    if (y) memcpy(features, y->data, bytes);
    ss_arena_rewind(cx->arena, start);
    if (!y) {
        free(features);
        return NULL;
    }
    ss_known_text *k = &t->known[t->known_count++];
    memcpy(k->ids, ids, sizeof k->ids);
    return k->features = features;
}

/* The texts of a batch: captions in training are embedded once each, side by side, on their own tape. */
typedef struct texts {
    int32_t (*ids)[77]; /* [n]: the different ones in training */
    int *of;            /* [n]: which of them a row has; -1: none of them */
    int64_t count;
    ss_tensor *live; /* [count, 77, d], NULL without any */
    ss_tensor *all;  /* [n, 77, d], what the UNet reads */
} texts;

static ss_status find_texts(texts *s, const ss_trainer *t, ss_ctx *cx, const ss_batch *b) {
    s->ids = ss_arena_take(cx, (size_t)b->n * sizeof *s->ids);
    s->of = ss_arena_take(cx, (size_t)b->n * sizeof *s->of);
    if (cx->status) return cx->status;
    for (int64_t r = 0; r < b->n; r++) {
        s->of[r] = -1;
        if (!trains(t, b->ids[r])) continue;
        int64_t i = 0;
        while (i < s->count && memcmp(s->ids[i], b->ids[r], sizeof s->ids[i])) i++;
        if (i == s->count) memcpy(s->ids[s->count++], b->ids[r], sizeof s->ids[i]);
        s->of[r] = (int)i;
    }
    return SS_OK;
}

static ss_status embed(texts *s, ss_trainer *t, ss_ctx *cx, const ss_batch *b) {
    int64_t d = t->model->unet_text_width, one = 77 * d;
    ss_status st = find_texts(s, t, cx, b);
    if (st) return st;
    if (s->count) {
        cx->tape = t->text_tape;
        s->live = ss_clip_text_run(cx, &t->model->text, s->ids[0], s->count, 0);
        cx->tape = NULL;
        if (!s->live) return cx->status;
    }
    float *all = ss_arena_take(cx, (size_t)(b->n * one) * sizeof *all);
    for (int64_t r = 0; r < b->n && all; r++) {
        const float *from = s->of[r] < 0 ? known_text(t, cx, b->ids[r]) : s->live->data + s->of[r] * one;
        if (!from) return cx->status;
        memcpy(all + r * one, from, (size_t)one * sizeof *all);
    }
    s->all = ss_tensor_wrap(cx, all, 3, (int64_t[]){b->n, 77, d});
    if (s->all) s->all->wants_grad = s->live != NULL;
    return cx->status;
}

/* From what the UNet says about each row's text to the tokens' rows. */
static ss_status text_back(const texts *s, ss_trainer *t, ss_ctx *cx) {
    int64_t one = s->all->shape[1] * s->all->shape[2];
    float *dy = ss_arena_take(cx, (size_t)(s->count * one) * sizeof *dy);
    if (!dy) return cx->status;
    memset(dy, 0, (size_t)(s->count * one) * sizeof *dy);
    for (int64_t r = 0; r < s->all->shape[0]; r++)
        for (int64_t i = 0; i < one && s->of[r] >= 0; i++) dy[s->of[r] * one + i] += s->all->grad[r * one + i];
    cx->tape = t->text_tape;
    ss_status st = ss_backward(cx, s->live, dy);
    cx->tape = NULL;
    return st;
}

/* ---- the step */

/* Keys and values of the start token stand still in every cross-attention. */
static ss_status hold_start(ss_control *self, ss_ctx *cx, const ss_attn_site *site, ss_attn_plan *p) {
    (void)self, (void)cx;
    for (int i = 0; i < p->n && site->kind == SS_CROSS; i++) p->read[i][0].still = 1;
    return SS_OK;
}

static ss_status unet_step(const texts *s, ss_trainer *t, ss_ctx *cx, const ss_batch *b, double share, double *loss) {
    int64_t shape[4] = {b->n, 4, b->h, b->w}, places = b->h * b->w, count = b->n * 4 * places;
    float *noisy = ss_arena_take(cx, (size_t)(4 * count + b->n) * sizeof *noisy);
    if (!noisy) return cx->status;
    float *target = noisy + count, *y = target + count, *dy = y + count, *time = dy + count;
    for (int64_t r = 0; r < b->n; r++) time[r] = (float)b->rows[r].t;
    ss_loss_inputs(noisy, target, &t->schedule, b->rows, b->n, 4, places, b->x, b->noise);
    ss_tensor *x = ss_tensor_from_planar(cx, noisy, shape);

    ss_control hold = {.plan = hold_start}, *others = cx->control;
    cx->tape = t->unet_tape, cx->control = &hold;
    ss_tensor *predicted = x ? ss_unet_run(cx, &t->model->unet, x, time, s->all, 0) : NULL;
    cx->tape = NULL, cx->control = others;
    if (!predicted) return cx->status;

    ss_tensor_to_planar(y, predicted);
    *loss = ss_loss(dy, b->rows, b->n, 4, places, y, target, share);
    if (!isfinite(*loss))
        return ss_fail(cx, SS_ERR_ARG, "the loss is no longer a number: a smaller learning rate may help");
    ss_tensor *back = ss_tensor_from_planar(cx, dy, shape);
    if (!back) return cx->status;
    cx->tape = t->unet_tape;
    ss_status st = ss_backward(cx, predicted, back->data);
    cx->tape = NULL;
    return st;
}

ss_status ss_trainer_micro_step(ss_trainer *t, ss_ctx *cx, const ss_batch *b, double share, double *loss) {
    ss_mark start = ss_arena_mark(cx->arena);
    texts s = {0};
    ss_status st = embed(&s, t, cx, b);
    ss_params_unpack(&t->model->text.params); /* a sixth of the memory that the UNet is about to need */
    if (!st) st = unet_step(&s, t, cx, b, share, loss);
    if (!st && s.live) st = text_back(&s, t, cx);
    ss_tape_clear(t->text_tape);
    ss_tape_clear(t->unet_tape);
    cx->tape = NULL;
    ss_arena_rewind(cx->arena, start);
    return st;
}

double ss_trainer_norm(const ss_trainer *t) {
    double sum = 0;
    for (int i = 0; i < t->count; i++) sum += ss_square_sum(t->at[i].param->grad, t->at[i].count);
    return sqrt(sum);
}

ss_status ss_trainer_update(ss_trainer *t, ss_ctx *cx, double rate) {
    double norm = ss_trainer_norm(t);
    if (!isfinite(norm))
        return ss_fail(cx, SS_ERR_ARG, "the gradient is no longer a number: a smaller learning rate may help");
    double scale = ss_clip_scale(norm, t->longest_gradient);
    t->step++;
    for (int i = 0; i < t->count; i++) {
        ss_training_tensor *a = &t->at[i];
        ss_adamw_step(cx, &t->adamw, a->param->data, a->m, a->v, a->param->grad, a->count, t->step, rate, scale);
        memset(a->param->grad, 0, (size_t)a->count * sizeof(float));
        ss_param_drop_packed(a->param);
    }
    return SS_OK;
}
