/* Context, model, signals. */
#include "job.h"

#include "options.h"
#include "recipe.h"
#include "say.h"
#include "subjects.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

static _Atomic(ss_ctx *) running;
static volatile sig_atomic_t caught;

static void on_signal(int number) {
    caught = number;
    ss_ctx *cx = atomic_load(&running);
    if (cx) ss_ctx_stop(cx);
}

int job_signal(void) { return caught; }

/* Heard once; the second time the system's own answer is death. */
static void listen_for(int number) {
    struct sigaction was, action = {.sa_handler = on_signal, .sa_flags = (int)(SA_RESETHAND | SA_RESTART)};
    if (!sigaction(number, NULL, &was) && was.sa_handler != SIG_IGN) sigaction(number, &action, NULL);
}

double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void on_log(void *user, ss_log_level level, const char *sentence) {
    job *j = user;
    meter_wipe(&j->meter);
    if (level == SS_LOG_WARNING)
        warning("%s", sentence);
    else
        note("%s", sentence);
}

static void on_progress(void *user, const ss_progress *p) {
    job *j = user;
    meter_show(&j->meter, p);
}

/* 32 bits, as many as other tools show; PyTorch's generator uses no more. */
int64_t any_seed(void) {
    uint32_t n = 0;
    return getrandom(&n, sizeof n, 0) == sizeof n ? n : 0;
}

int job_open(job *j, settings *s) {
    *j = (job){.s = s};
    meter_open(&j->meter, s->quiet);
    ss_ctx_options o = {
        .callbacks = {on_log, on_progress, j},
        .threads = s->threads,
        .device = device_words[s->device],
        .numbers = numbers_words[s->numbers],
        .isa = isa_words[s->isa],
    };
    ss_status st = ss_ctx_new(&j->cx, &o);
    if (!j->cx) return failure("out of memory");
    if (st) return job_verdict(j, st);
    s->threads = ss_ctx_threads(j->cx);
    for (int i = 0; numbers_words[i]; i++)
        if (!strcmp(numbers_words[i], ss_ctx_numbers(j->cx))) s->numbers = i; /* what "auto" has come to */
    if (s->sampler && !ss_sampler_label(j->cx, s->sampler)) return job_verdict(j, SS_ERR_ARG);
    atomic_store(&running, j->cx);
    listen_for(SIGINT);
    listen_for(SIGTERM);
    listen_for(SIGHUP);
    return DONE;
}

int job_open_model(job *j) {
    settings *s = j->s;
    ss_model_options o = {
        .vae = s->vae, .ema = s->ema, .prediction = prediction_words[s->prediction], .config = s->config};
    double began = now();
    ss_status st = ss_model_open(&j->m, j->cx, s->model, &o);
    if (!st) st = ss_model_fingerprint(j->fingerprint, j->cx, j->m);
    if (st) return job_verdict(j, st);
    /* What repeat makes again has it already. */
    if (s->verb->bit & (GENERATE | EDIT) && !s->recipe) j->hashes = hashes_start(s->model, s->vae);
    j->info = ss_model_describe(j->m);
    j->seconds_open = now() - began;
    int rc = recipe_check_model(j);
    if (rc) return rc;
    if (!s->sampler) s->sampler = s->verb->bit == EDIT ? "ddim" : j->info.sampler;
    if (!s->width) s->width = j->info.size;
    if (!s->height) s->height = j->info.size;
    if (s->reuse > 1)
        note("deep features are reused: %s from the exact picture on the built-in model (PSNR; 50 steps)",
             s->reuse == 2   ? "about 46 dB"
             : s->reuse == 3 ? "about 41 dB"
                             : "37 dB or less");
    return subjects_apply(j);
}

int job_verdict(job *j, ss_status st) {
    meter_wipe(&j->meter);
    if (!st) return DONE;
    if (st == SS_ERR_STOPPED && caught) return STOPPED;
    return st == SS_ERR_ARG ? usage("%s", ss_ctx_error(j->cx)) : failure("%s", ss_ctx_error(j->cx));
}

int job_check_memory(job *j, const ss_memory *need) {
    enum { MIB = 1 << 20 };
    if (need->peak <= need->available || j->s->memory == MEMORY_ANYWAY) return DONE;
    return failure(
        "this takes %zu MiB of memory (weights %zu, one pass %zu), and %zu are free: a smaller --size takes less, "
        "and --memory anyway starts all the same",
        need->peak / MIB, need->weights / MIB, need->pass / MIB, need->available / MIB);
}

void job_preview(void *user, const ss_image *picture, int step, int steps) {
    job *j = user;
    (void)step, (void)steps;
    if (j->preview_failed || !ss_image_write(j->cx, j->s->preview, picture, NULL)) return;
    j->preview_failed = true;
    meter_wipe(&j->meter);
    warning("the preview stops: %s", ss_ctx_error(j->cx));
    ss_ctx_clear(j->cx);
}

void job_close(job *j) {
    meter_wipe(&j->meter);
    atomic_store(&running, NULL);
    hashes_end(j->hashes);
    ss_model_free(j->m);
    ss_ctx_free(j->cx);
    json_decref(j->files);
    json_decref(j->subjects);
    *j = (job){0};
}
