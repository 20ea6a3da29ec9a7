/* Where a step's time goes: every class of operation with its arithmetic, its traffic and the share of what the machine
 * allows, the two limits measured on the spot. */
#include "api/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { REPEATS = 3 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* FLOP/s of a large product in the context's numbers: the best of a few. 0 after a failure. */
static double product_peak(ss_ctx *cx) {
    enum { M = 2048, K = 2560, N = 2560 };
    ss_mark start = ss_arena_mark(cx->arena);
    float *stored = ss_alloc(cx, (size_t)N * K, sizeof *stored);
    ss_param p = {.name = "bench", .dtype = SS_F32, .rank = 2, .shape = {N, K}, .stored = stored};
    ss_tensor *x = ss_cast(cx, ss_tensor_new(cx, SS_F32, 2, (int64_t[]){M, K}), cx->device->numbers);
    ss_tensor *w = ss_tensor_wrap(cx, NULL, 2, (int64_t[]){N, K});
    double best = 0;
    if (w && x && stored) {
        w->param = &p;
        if (cx->device->kind == SS_REF) w->data = stored;
        memset(x->bytes, 0, (size_t)ss_count(x) * ss_dtype_size(x->dtype));
        for (int i = 0; i < 2 + REPEATS && !cx->status; i++) {
            double t = now();
            ss_linear(cx, x, w, NULL, NULL);
            double rate = 2.0 * M * K * N / (now() - t);
            if (rate > best) best = rate;
        }
    }
    ss_param_clear(&p);
    free(stored);
    ss_arena_rewind(cx->arena, start);
    return best;
}

/* Bytes read and written a second by all threads copying. */
static double copy_peak(ss_ctx *cx) {
    size_t n = (size_t)96 << 20;
    char *a = ss_alloc(cx, n, 1), *b = ss_alloc(cx, n, 1);
    double best = 0;
    for (int i = 0; i < 2 + REPEATS && a && b; i++) {
        double t = now();
#pragma omp parallel for num_threads(cx->threads) schedule(static)
        for (size_t k = 0; k < n >> 20; k++) memcpy(b + (k << 20), a + (k << 20), (size_t)1 << 20);
        double rate = 2.0 * (double)n / (now() - t);
        if (rate > best) best = rate;
    }
    free(a);
    free(b);
    return best;
}

static const char *processor(char *name, size_t size) {
    char line[256];
    snprintf(name, size, "unknown processor");
    FILE *f = fopen("/proc/cpuinfo", "r");
    while (f && fgets(line, sizeof line, f)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) || !colon) continue;
        line[strcspn(line, "\n")] = 0;
        snprintf(name, size, "%s", colon + 2);
        break;
    }
    if (f) fclose(f);
    return name;
}

/* One piece of work that is timed: a pass of some network. */
typedef struct work {
    const char *name;
    ss_status (*run)(ss_ctx *cx, void *user);
} work;

typedef struct bench {
    ss_run run;
    ss_model *m;
    float *latents, *out, *pixels;
} bench;

static ss_status guided_step(ss_ctx *cx, void *user) {
    bench *b = user;
    return ss_predict(cx, &b->run.sample, 500, 0, b->latents, b->out);
}

static ss_status decode(ss_ctx *cx, void *user) {
    bench *b = user;
    return ss_decode_pixels(cx, b->m, b->latents, b->run.sample.h, b->run.sample.w, b->pixels);
}

static ss_status encode(ss_ctx *cx, void *user) {
    bench *b = user;
    return ss_encode_pixels(cx, b->m, b->pixels, (int)(8 * b->run.sample.w), (int)(8 * b->run.sample.h), b->out, NULL);
}

static ss_status read_text(ss_ctx *cx, void *user) {
    bench *b = user;
    static const int32_t ids[SS_TOKENS];
    ss_mark start = ss_arena_mark(cx->arena);
    ss_clip_text_run(cx, &b->m->text, ids, 1, 0);
    ss_arena_rewind(cx->arena, start);
    return cx->status;
}

static int by_time(const void *a, const void *b) {
    double x = ((const ss_profile_row *)a)->seconds, y = ((const ss_profile_row *)b)->seconds;
    return (x < y) - (x > y);
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static json_t *table(ss_profile *p, double flops, double bandwidth) {
    json_t *rows = json_array();
    qsort(p->row, (size_t)p->count, sizeof *p->row, by_time);
    for (int i = 0; i < p->count; i++) {
        const ss_profile_row *r = &p->row[i];
        double arithmetic = flops > 0 ? r->flop / flops : 0, traffic = bandwidth > 0 ? r->bytes / bandwidth : 0;
        double least = arithmetic > traffic ? arithmetic : traffic;
        json_array_append_new(rows, json_pack("{ss ss si sf sf sf sf}", "operation", r->name, "shape", r->detail,
                                              "calls", r->calls, "seconds", r->seconds, "flop", r->flop, "bytes",
                                              r->bytes, "share", r->seconds > 0 ? least / r->seconds : 0.0));
    }
    return rows;
}

/* The median of a few runs, then one more under the profile. */
static json_t *measure(ss_ctx *cx, const work *w, bench *b, double flops, double bandwidth) {
    double time[REPEATS];
    ss_status st = w->run(cx, b);
    for (int i = 0; i < REPEATS && !st; i++) {
        double t = now();
        ss_report(cx, w->name, i, REPEATS);
        if (!(st = ss_stopped(cx))) st = w->run(cx, b);
        time[i] = now() - t;
    }
    if (st) return NULL;
    ss_report(cx, w->name, REPEATS, REPEATS);
    qsort(time, REPEATS, sizeof *time, ascending);
    cx->device->profile = ss_alloc(cx, 1, sizeof *cx->device->profile);
    if (cx->device->profile) w->run(cx, b);
    json_t *j = cx->status ? NULL
                           : json_pack("{ss sf so}", "work", w->name, "seconds", time[REPEATS / 2], "operations",
                                       table(cx->device->profile, flops, bandwidth));
    ss_profile_free(cx->device->profile);
    cx->device->profile = NULL;
    return j;
}

ss_status ss_bench(char **json, ss_ctx *cx, ss_model *m, int width, int height) {
    static const work works[] = {
        {"guided step", guided_step}, {"decode", decode}, {"encode", encode}, {"text", read_text}};
    ss_ctx_clear(cx);
    bench b = {.m = m};
    ss_size size;
    ss_texts texts = {0};
    char name[128];
    json_t *list = json_array();
    double flops = 0, bandwidth = 0;
    ss_status st = ss_request_size(&size, cx, m, width, height);
    if (!st) st = ss_run_open(&b.run, cx, m, &(ss_sampling_options){0}, "ddim", 1, size);
    if (!st) st = ss_embed_texts(&texts, cx, m, (const char *[]){"", "a photo of a dog"}, 2, 0);
    if (!st) st = ss_run_texts(&b.run, cx, &texts, 0, (int[]){1}, 1);
    size_t one = 4 * (size_t)(size.w / 8) * (size_t)(size.h / 8);
    if (!st) {
        b.latents = ss_alloc(cx, one, sizeof *b.latents);
        b.out = ss_alloc(cx, one, sizeof *b.out);
        b.pixels = ss_alloc(cx, one * 48, sizeof *b.pixels);
        st = cx->status;
    }
    if (!st) {
        ss_rng rng;
        ss_rng_seed(&rng, 0);
        ss_rng_normal(&rng, b.latents, (int64_t)one);
        flops = product_peak(cx);
        bandwidth = copy_peak(cx);
        st = cx->status;
    }
    for (int i = 0; i < SS_COUNT_OF(works) && !st; i++) {
        json_t *row = measure(cx, &works[i], &b, flops, bandwidth);
        if (row) json_array_append_new(list, row);
        st = cx->status;
    }
    json_t *j = json_pack("{ss ss si si si sf sf so}", "processor", processor(name, sizeof name), "numbers",
                          ss_ctx_numbers(cx), "threads", cx->threads, "width", size.w, "height", size.h,
                          "product_flops", flops, "copy_bytes_per_second", bandwidth, "work", list);
    char *document = st ? NULL : json_dumps(j, JSON_INDENT(1));
    json_decref(j);
    if (!st && !document) st = ss_fail(cx, SS_ERR_NOMEM, "out of memory: no room for the table");
    if (!st) *json = document;
    free(texts.data);
    free(b.latents);
    free(b.out);
    free(b.pixels);
    ss_run_close(&b.run);
    return st;
}
