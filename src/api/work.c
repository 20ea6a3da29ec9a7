/* Passes to be timed, and the machine's limits. */
#include "api/work.h"

#include <stdlib.h>
#include <string.h>

/* ---- limits */

/* A product with weights that a checkpoint could have stored: x [1, c, h, w], taps x taps. */
typedef struct burst {
    int64_t c, h, w, o, taps;
} burst;

static ss_status run_burst(ss_peak *peak, ss_ctx *cx, const burst *b, double seconds) {
    ss_mark start = ss_arena_mark(cx->arena);
    ss_param p = {.name = "bench", .dtype = SS_F32, .rank = 4, .shape = {b->o, b->c, b->taps, b->taps}};
    size_t weights = (size_t)(b->o * b->c * b->taps * b->taps);
    float *stored = ss_alloc(cx, weights, sizeof *stored);
    p.stored = stored;
    ss_tensor *x = ss_cast(cx, ss_tensor_new(cx, SS_F32, 4, (int64_t[]){2, b->c, b->h, b->w}), cx->device->numbers);
    ss_tensor *w = ss_tensor_wrap(cx, NULL, 4, p.shape);
    int64_t pad = b->taps / 2;
    ss_conv_attr attr = {.top = (int)pad, .left = (int)pad, .bottom = (int)pad, .right = (int)pad};
    if (w && x && stored) {
        w->param = &p;
        if (cx->device->kind == SS_REF) w->data = stored;
        memset(x->bytes, 0, (size_t)ss_count(x) * ss_dtype_size(x->dtype));
        ss_mark before = ss_arena_mark(cx->arena);
        double began = ss_now(), flop = 2.0 * (double)weights * (double)(2 * b->h * b->w);
        do {
            double t = ss_now();
            if (b->taps == 1)
                ss_linear(cx, x, w, NULL, NULL);
            else
                ss_conv2d(cx, x, w, NULL, NULL, &attr);
            double rate = flop / (ss_now() - t);
            if (rate > peak->flops) peak->flops = rate;
            ss_arena_rewind(cx->arena, before);
        } while (!cx->status && ss_now() - began < seconds);
    }
    ss_param_clear(&p);
    free(stored);
    ss_arena_rewind(cx->arena, start);
    return cx->status;
}

static ss_status run_copies(ss_peak *peak, ss_ctx *cx, double seconds) {
    enum { PIECES = 96, PIECE = 1 << 20 };
    char *a = ss_alloc(cx, PIECES, PIECE), *b = ss_alloc(cx, PIECES, PIECE);
    if (a) memset(a, 1, (size_t)PIECES * PIECE); /* pages that nobody wrote to are all the same one */
    double began = ss_now();
    for (int i = 0; a && b && (i < 2 || ss_now() - began < seconds); i++) {
        double t = ss_now();
#pragma omp parallel for num_threads(cx->threads) schedule(static)
        for (int k = 0; k < PIECES; k++) memcpy(b + (size_t)k * PIECE, a + (size_t)k * PIECE, PIECE);
        double rate = 2.0 * PIECES * PIECE / (ss_now() - t);
        if (rate > peak->bytes) peak->bytes = rate;
    }
    free(a);
    free(b);
    return cx->status;
}

ss_status ss_peak_measure(ss_peak *peak, ss_ctx *cx) {
    /* Which is fastest differs with the processor and oneDNN's version. */
    static const burst bursts[] = {
        {640, 32, 32, 640, 3}, {320, 64, 64, 320, 3}, {128, 256, 256, 128, 3}, {1280, 64, 64, 1280, 1}};
    ss_status st = SS_OK;
    for (int i = 0; i < SS_COUNT_OF(bursts) && !st; i++) st = run_burst(peak, cx, &bursts[i], 0.25);
    return st ? st : run_copies(peak, cx, 0.25);
}

/* ---- passes */

enum { TEXT_NONE, TEXT_SOURCE, TEXT_TARGET, TEXTS };

struct ss_work {
    ss_model *m;
    ss_run plain;   /* one picture, guided */
    ss_run edit;    /* source and target, guided: automatic masks */
    ss_run further; /* the target alone, reading a kept source */
    ss_masactrl masks, kept_masks;
    ss_token_set word;
    ss_keep *keep;
    bool always; /* the one step that is controlled */
    bool source_kept;
    float *latents, *out, *pixels;
};

void ss_work_free(ss_work *w) {
    if (!w) return;
    ss_run_close(&w->plain);
    ss_run_close(&w->edit);
    ss_run_close(&w->further);
    ss_masactrl_clear(&w->masks);
    ss_masactrl_clear(&w->kept_masks);
    ss_keep_free(w->keep);
    free(w->latents);
    free(w->out);
    free(w->pixels);
    free(w);
}

/* The word at the second place of a prompt's tokens names the subject; from layer 10 on, as edits do. */
static void control(ss_work *w, ss_masactrl *m, bool absent) {
    ss_masactrl_init(m);
    m->method = SS_METHOD_AUTO, m->halves = 2;
    m->steps = &w->always, m->step_count = 1;
    for (int i = 10; i < SS_LAYERS; i++) m->layers[i] = true;
    m->threshold = 0.1f;
    m->source_words = w->word, m->target_words = &w->word;
    m->source_absent = absent, m->keep = w->keep;
}

static ss_status open_run(ss_run *run, ss_ctx *cx, ss_model *m, const ss_texts *texts, const int *with, int rows,
                          ss_size size) {
    ss_status st = ss_run_open(run, cx, m, &(ss_sampling_options){0}, ss_sampler_find(cx, "ddim"), rows, size);
    return st ? st : ss_run_texts(run, cx, texts, TEXT_NONE, with, rows);
}

static ss_status prepare(ss_work *w, ss_ctx *cx, ss_size size) {
    static const char *const words[TEXTS] = {"", "dog, a photo", "dog, running"};
    ss_texts texts = {0};
    size_t one = 4 * (size_t)(size.w / 8) * (size_t)(size.h / 8);
    ss_status st = ss_embed_texts(&texts, cx, w->m, words, TEXTS, 0);
    if (!st) st = open_run(&w->plain, cx, w->m, &texts, (int[]){TEXT_TARGET}, 1, size);
    if (!st) st = open_run(&w->edit, cx, w->m, &texts, (int[]){TEXT_SOURCE, TEXT_TARGET}, 2, size);
    if (!st) st = open_run(&w->further, cx, w->m, &texts, (int[]){TEXT_TARGET}, 1, size);
    free(texts.data);
    if (!st) st = ss_keep_new(&w->keep, cx, 1, SS_LAYERS, 2);
    if (st) return st;
    w->always = true;
    w->word = (ss_token_set){.count = 1, .at = {1}};
    control(w, &w->masks, false);
    w->masks.keep = NULL;
    control(w, &w->kept_masks, true);
    w->edit.sample.control = &w->masks.control;
    w->further.sample.control = &w->kept_masks.control;

    w->latents = ss_alloc(cx, 2 * one, sizeof *w->latents);
    w->out = ss_alloc(cx, 2 * one, sizeof *w->out);
    w->pixels = ss_alloc(cx, one * 48, sizeof *w->pixels);
    if (cx->status) return cx->status;
    ss_rng rng;
    ss_rng_seed(&rng, 0);
    ss_rng_normal(&rng, w->latents, (int64_t)(2 * one));
    return SS_OK;
}

ss_status ss_work_new(ss_work **out, ss_ctx *cx, ss_model *m, ss_size size) {
    ss_work *w = ss_alloc(cx, 1, sizeof *w);
    if (!w) return SS_ERR_NOMEM;
    w->m = m;
    ss_status st = prepare(w, cx, size);
    if (st)
        ss_work_free(w);
    else
        *out = w;
    return st;
}

static ss_status predict(ss_work *w, ss_ctx *cx, const ss_run *run) {
    return ss_predict(cx, &run->sample, 500, 0, w->latents, w->out);
}

static ss_status guided_step(ss_work *w, ss_ctx *cx) { return predict(w, cx, &w->plain); }

static ss_status edit_step(ss_work *w, ss_ctx *cx) { return predict(w, cx, &w->edit); }

static ss_status further_target(ss_work *w, ss_ctx *cx) {
    ss_status st = SS_OK;
    if (!w->source_kept) {
        w->masks.keep = w->keep;
        st = edit_step(w, cx);
        w->masks.keep = NULL;
        w->source_kept = !st;
    }
    return st ? st : predict(w, cx, &w->further);
}

static ss_status decode(ss_work *w, ss_ctx *cx) {
    return ss_decode_pixels(cx, w->m, w->latents, w->plain.sample.h, w->plain.sample.w, w->pixels);
}

/* In the context's numbers; requests encode in float32 whatever these are, once a photo. */
static ss_status encode(ss_work *w, ss_ctx *cx) {
    ss_mark start = ss_arena_mark(cx->arena);
    int64_t shape[4] = {1, 3, 8 * w->plain.sample.h, 8 * w->plain.sample.w};
    ss_tensor *x = ss_cast(cx, ss_tensor_wrap(cx, w->pixels, 4, shape), cx->device->numbers);
    ss_vae_encode(cx, &w->m->vae, x);
    ss_arena_rewind(cx->arena, start);
    return cx->status;
}

static ss_status read_text(ss_work *w, ss_ctx *cx) {
    static const int32_t ids[SS_TOKENS];
    ss_mark start = ss_arena_mark(cx->arena);
    ss_clip_text_run(cx, &w->m->text, ids, 1, 0);
    ss_arena_rewind(cx->arena, start);
    return cx->status;
}

const char *const ss_work_names[] = {"guided step", "edit step", "further target", "decode", "encode", "text", NULL};

ss_status ss_work_run(ss_work *w, ss_ctx *cx, const char *name) {
    static ss_status (*const run[])(ss_work *, ss_ctx *) = {guided_step, edit_step, further_target,
                                                            decode,      encode,    read_text};
    for (int i = 0; ss_work_names[i]; i++)
        if (!strcmp(name, ss_work_names[i])) return run[i](w, cx);
    int count = SS_COUNT_OF(run);
    const char *near = ss_nearest(name, ss_work_names, count);
    return ss_fail(cx, SS_ERR_ARG, "work \"%s\" is not known%s%s", name, near ? ". Nearest: " : "", near ? near : "");
}
