/* Pieces of work on request, for those who compare: one process that stays up with its weights packed, and does one
 * piece of work for each line, so that it can take turns with another program on the same machine.
 *
 *     bench-serve MODEL [float32|bfloat16|auto] [THREADS] [LEVEL]     LEVEL: auto, portable, avx2, avx512, avx512_bf16
 *
 * A line "WIDTH HEIGHT WORK" (512 768 guided step) is answered with its seconds, the same behind "flop" with its
 * arithmetic, the line "peak" with arithmetic and bytes a second at most, "memory" with the most bytes that the process
 * has had, "about" with numbers, threads and commit. The works "train step" and "train step, recomputing" change the
 * model: a process that does one of them does nothing else. What fails ends the program with a sentence. */
#include "api/work.h"
#include "training.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* Work at the sizes that were asked for. */
enum { SIZES = 16 };
typedef struct served {
    ss_ctx *cx;
    ss_model *m;
    ss_peak peak;
    struct {
        ss_size size;
        ss_work *work;
    } at[SIZES];
    int count;
    training training;
    bool trains;
} served;

static ss_status work_at(ss_work **out, served *s, ss_size size) {
    for (int i = 0; i < s->count; i++)
        if (s->at[i].size.w == size.w && s->at[i].size.h == size.h) {
            *out = s->at[i].work;
            return SS_OK;
        }
    if (s->count == SIZES) return ss_fail(s->cx, SS_ERR_ARG, "more than %d sizes", SIZES);
    ss_status st = ss_work_new(out, s->cx, s->m, size);
    if (!st) {
        s->at[s->count].size = size;
        s->at[s->count++].work = *out;
    }
    return st;
}

static size_t most_memory(void) {
    struct rusage u;
    return getrusage(RUSAGE_SELF, &u) ? 0 : (size_t)u.ru_maxrss << 10;
}

static ss_status train(served *s, ss_size size, bool recompute) {
    ss_status st = SS_OK;
    if (!s->trains) st = training_open(&s->training, s->cx, s->m, recompute, size.h / 8, size.w / 8);
    s->trains = true;
    return st ? st : training_step(&s->training, s->cx);
}

static ss_status run_work(served *s, ss_size size, const char *work) {
    ss_work *w;
    if (!strncmp(work, "train step", 10)) return train(s, size, strstr(work, "recomputing") != NULL);
    ss_status st = work_at(&w, s, size);
    return st ? st : ss_work_run(w, s->cx, work);
}

/* Runs the work; *flop, if not NULL, gets its arithmetic. */
static ss_status serve(served *s, const char *line, double *flop) {
    ss_size size;
    int at = 0;
    if (sscanf(line, "%d %d %n", &size.w, &size.h, &at) != 2 || !at)
        return ss_fail(s->cx, SS_ERR_ARG, "\"%s\" is not WIDTH HEIGHT WORK", line);
    ss_profile profile = {0};
    if (flop) s->cx->device->profile = &profile;
    double begun = ss_now();
    ss_status st = run_work(s, size, line + at);
    if (!st && !flop) printf("%.6f\n", ss_now() - begun);
    s->cx->device->profile = NULL;
    for (int i = 0; i < profile.count; i++) *flop += profile.row[i].flop;
    free(profile.row);
    return st;
}

static ss_status answer(served *s, const char *line) {
    double flop = 0;
    ss_status st = SS_OK;
    if (!strcmp(line, "peak")) {
        st = ss_peak_measure(&s->peak, s->cx);
        if (!st) printf("%.6g %.6g\n", s->peak.flops, s->peak.bytes);
    } else if (!strcmp(line, "memory")) {
        printf("%zu\n", most_memory());
    } else if (!strcmp(line, "about")) {
        printf("%s, %d threads, commit %s\n", ss_ctx_numbers(s->cx), ss_ctx_threads(s->cx), COMMIT);
    } else if (!strncmp(line, "flop ", 5)) {
        st = serve(s, line + 5, &flop);
        if (!st) printf("%.6g\n", flop);
    } else {
        st = serve(s, line, NULL);
    }
    fflush(stdout);
    return st;
}

int main(int argc, char **argv) {
    served s = {0};
    char line[256];
    if (argc < 2) {
        fprintf(stderr, "usage: bench-serve MODEL [float32|bfloat16|auto] [THREADS] [LEVEL]\n");
        return 2;
    }
    ss_ctx_options o = {.numbers = argc > 2 ? argv[2] : NULL,
                        .threads = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 0,
                        .isa = argc > 4 ? argv[4] : NULL};
    ss_status st = ss_ctx_new(&s.cx, &o);
    if (!st) st = ss_model_open(&s.m, s.cx, argv[1], NULL);
    while (!st && fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        st = answer(&s, line);
    }
    if (st) fprintf(stderr, "bench-serve: %s\n", s.cx ? ss_ctx_error(s.cx) : "out of memory");
    for (int i = 0; i < s.count; i++) ss_work_free(s.at[i].work);
    training_close(&s.training);
    ss_model_free(s.m);
    ss_ctx_free(s.cx);
    return st != SS_OK;
}
