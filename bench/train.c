/* One training step of Custom Diffusion on a model: seconds, memory, and where they go.
 *
 *     bench-train MODEL [f32|bf16] [keep|recompute] [STEPS] [SIDE]
 *
 * Two rows of SIDE x SIDE latent pixels (64), one of a concept and one of its class, key and value projections and the
 * token's vector in training. The median of STEPS steps (3) after a first one that packs the weights. */
#include "training.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { SHOWN = 24 };

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int by_seconds(const void *a, const void *b) {
    return by_size(&((const ss_profile_row *)b)->seconds, &((const ss_profile_row *)a)->seconds);
}

static void show(ss_profile *p) {
    double sum = 0;
    qsort(p->row, (size_t)p->count, sizeof *p->row, by_seconds);
    for (int i = 0; i < p->count; i++) sum += p->row[i].seconds;
    printf("%-22s %-34s %6s %9s %6s %8s\n", "operation", "shapes", "calls", "seconds", "share", "GFLOP/s");
    for (int i = 0; i < p->count && i < SHOWN; i++) {
        const ss_profile_row *r = &p->row[i];
        char name[40];
        snprintf(name, sizeof name, "%s%s", r->name, r->back ? " back" : "");
        printf("%-22s %-34s %6d %9.4f %5.1f%% %8.0f\n", name, r->detail, r->calls, r->seconds, 100 * r->seconds / sum,
               r->flop / r->seconds * 1e-9);
    }
    for (int back = 0; back < 2; back++)
        for (int i = 0; i < p->count; i++) {
            double all = 0;
            int j = 0;
            while (strcmp(p->row[j].name, p->row[i].name) || p->row[j].back != (back != 0)) {
                if (++j == p->count) break;
            }
            if (j != i) continue; /* not the first of its kind */
            for (j = i; j < p->count; j++)
                if (!strcmp(p->row[j].name, p->row[i].name) && p->row[j].back == (back != 0)) all += p->row[j].seconds;
            printf("all %s%s %.3f s\n", p->row[i].name, back ? " back" : "", all);
        }
}

int main(int argc, char **argv) {
    ss_ctx *cx = NULL;
    ss_model *m = NULL;
    training t = {0};
    const bool half = argc > 2 && !strcmp(argv[2], "bf16"), recompute = argc > 3 && !strcmp(argv[3], "recompute");
    const int steps = argc > 4 ? atoi(argv[4]) : 3;
    const int64_t side = argc > 5 ? atoi(argv[5]) : 64;
    if (argc < 2 || steps < 1 || steps > 100 || side < 1) {
        fprintf(stderr, "usage: bench-train MODEL [f32|bf16] [keep|recompute] [STEPS] [SIDE]\n");
        return 2;
    }
    ss_status st = ss_ctx_new(&cx, &(ss_ctx_options){.numbers = half ? "bfloat16" : "float32"});
    if (!st) st = ss_model_open(&m, cx, argv[1], NULL);
    if (!st) st = training_open(&t, cx, m, recompute, side, side);
    double taken[100], began = seconds();
    if (!st) st = training_step(&t, cx);
    printf("%s, commit %s, %s, %s, %d threads\nfirst step %.2f s\n", argv[1], COMMIT, ss_ctx_numbers(cx),
           recompute ? "computed again" : "kept", ss_ctx_threads(cx), seconds() - began);
    for (int i = 0; i < steps && !st; i++) {
        began = seconds();
        st = training_step(&t, cx);
        taken[i] = seconds() - began;
    }
    if (!st) {
        struct rusage use;
        getrusage(RUSAGE_SELF, &use);
        qsort(taken, (size_t)steps, sizeof *taken, by_size);
        printf("best %.3f s, median %.3f s of %d; %.2f GB at most, of it %.2f GB of the pass\n", taken[0],
               taken[steps / 2], steps, (double)use.ru_maxrss / 1048576,
               (double)ss_tape_peak(t.trainer.unet_tape) / (1 << 30));
        cx->device->profile = calloc(1, sizeof(ss_profile));
        st = training_step(&t, cx);
        if (!st) show(cx->device->profile);
        ss_profile_free(cx->device->profile);
        cx->device->profile = NULL;
    }
    if (st) fprintf(stderr, "bench-train: %s\n", ss_ctx_error(cx));
    training_close(&t);
    ss_model_free(m);
    ss_ctx_free(cx);
    return st != SS_OK;
}
