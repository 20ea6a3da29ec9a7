/* Our own kernels at the sizes of SD 1.5 (512 x 512, batch 2), its text encoder and its autoencoder: attention by its
 * arithmetic a second, everything else by the bytes of its inputs and its result.
 *
 *     bench-own [f32|bf16] [THREADS] [LEVEL|all] [WORD]     LEVEL: portable, avx2, avx512, avx512_bf16
 *
 * With one thread the processor's time is taken, which others on the machine disturb little; with more, the clock's. */
#include "device/device.h"
#include "op/ops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_RUNS = 50 };

typedef struct row {
    const ss_op *op;
    int64_t x[SS_INPUTS][SS_RANK];
    const void *attr;
} row;

#define NORM(n, c, h, w, silu_)                                                                                        \
    {                                                                                                                  \
        &ss_op_group_norm, {{n, c, h, w}, {c}, {c}}, &(ss_norm_attr) { 32, 1e-5f, silu_ }                              \
    }
#define ATTENTION(n, len, len_k, d, heads_)                                                                            \
    {                                                                                                                  \
        &ss_op_attention, {{n, len, d}, {n, len_k, d}, {n, len_k, d}}, &(ss_attention_attr) { .heads = heads_ }        \
    }
static const row rows[] = {
    ATTENTION(2, 4096, 4096, 320, 8),
    ATTENTION(2, 1024, 1024, 640, 8),
    ATTENTION(2, 256, 256, 1280, 8),
    ATTENTION(2, 64, 64, 1280, 8),
    ATTENTION(2, 4096, 77, 320, 8),
    ATTENTION(2, 1024, 77, 640, 8),
    ATTENTION(2, 256, 77, 1280, 8),
    ATTENTION(1, 4096, 4096, 512, 1),
    {&ss_op_attention, {{2, 77, 768}, {2, 77, 768}, {2, 77, 768}}, &(ss_attention_attr){.heads = 12, .causal = true}},
    NORM(2, 320, 64, 64, true),
    NORM(2, 640, 32, 32, false),
    NORM(2, 1280, 16, 16, true),
    NORM(1, 128, 512, 512, true),
    {&ss_op_layer_norm, {{2, 4096, 320}, {320}, {320}}, &(ss_norm_attr){.eps = 1e-5f}},
    {&ss_op_silu, {{2, 320, 64, 64}}, NULL},
    {&ss_op_gelu, {{2, 77, 4096}}, NULL},
    {&ss_op_geglu, {{2, 4096, 2560}}, NULL},
    {&ss_op_geglu, {{2, 1024, 5120}}, NULL},
    {&ss_op_add, {{2, 4096, 320}, {2, 4096, 320}}, NULL},
    {&ss_op_concat, {{2, 640, 32, 32}, {2, 640, 32, 32}}, NULL},
    {&ss_op_upsample, {{2, 640, 32, 32}}, &(ss_size_attr){64, 64}},
};

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double seconds(int threads) {
    struct timespec t;
    clock_gettime(threads == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static ss_tensor *filled(ss_ctx *cx, ss_dtype dtype, int rank, const int64_t *shape) {
    ss_tensor *x = ss_tensor_new(cx, dtype, rank, shape);
    for (int64_t i = 0, n = x ? ss_count(x) : 0; i < n; i++) {
        float v = (float)((i * 2654435761u >> 7) % 1000) / 500 - 1;
        if (dtype == SS_BF16)
            x->half[i] = ss_float_to_bf16(v);
        else
            x->data[i] = v;
    }
    return x;
}

/* Best and median of runs for a quarter of a second, at least three. */
static ss_status measure(ss_kernel kernel, const ss_call *k, const char *what, double amount, const char *unit) {
    double time[MOST_RUNS], begun = seconds(k->cx->threads);
    int n = 0;
    ss_status st = SS_OK;
    while (!st && n < MOST_RUNS && (n < 3 || seconds(k->cx->threads) - begun < 0.25)) {
        double start = seconds(k->cx->threads);
        st = kernel(k);
        time[n++] = seconds(k->cx->threads) - start;
    }
    if (st) return st;
    qsort(time, (size_t)n, sizeof *time, by_size);
    printf("  %-8s %9.3f ms %9.3f %7.1f %s", what, 1e3 * time[0], 1e3 * time[n / 2], 1e-9 * amount / time[0], unit);
    return SS_OK;
}

static ss_status bench(ss_ctx *cx, const row *r, const char *word) {
    char line[160], text[64];
    ss_mark mark = ss_arena_mark(cx->arena);
    ss_call k = {.cx = cx, .op = r->op, .attr = r->attr};
    double bytes = 0, flop = 0, back;
    int n = snprintf(line, sizeof line, "%-10s", r->op->name);
    for (int i = 0; i < r->op->inputs; i++) {
        int rank = 0;
        while (rank < SS_RANK && r->x[i][rank]) rank++;
        if (!rank) continue;
        if (rank > 1) n += snprintf(line + n, sizeof line - (size_t)n, " %s", ss_shape_text(text, rank, r->x[i]));
        k.x[i] = filled(cx, rank == 1 ? SS_F32 : cx->device->numbers, rank, r->x[i]); /* one dimension: weights */
        bytes += (double)ss_count(k.x[i]) * (double)ss_dtype_size(k.x[i]->dtype);
    }
    ss_shape shape = {.dtype = k.x[0]->dtype, .rank = k.x[0]->rank};
    memcpy(shape.at, k.x[0]->shape, sizeof shape.at);
    ss_status st = r->op->shape(&k, &shape);
    if (!st && (!word || strstr(line, word))) {
        k.y = ss_tensor_new(cx, shape.dtype, shape.rank, shape.at);
        k.dy = filled(cx, SS_F32, shape.rank, shape.at)->data;
        for (int i = 0; i < r->op->inputs; i++)
            if (k.x[i]) k.dx[i] = filled(cx, SS_F32, k.x[i]->rank, k.x[i]->shape)->data;
        bytes += (double)ss_count(k.y) * (double)ss_dtype_size(k.y->dtype);
        if (r->op->cost) r->op->cost(&k, &flop, &bytes);
        back = flop > 0 ? 2.5 * flop : bytes; /* five products instead of two, those done again not counted */
        printf("%-50s", line);
        fflush(stdout);
        st = measure(r->op->on[SS_CPU].forward, &k, "forward", flop > 0 ? flop : bytes, flop > 0 ? "GFLOP/s" : "GB/s");
        if (!st) st = measure(r->op->on[SS_CPU].backward, &k, "backward", back, flop > 0 ? "GFLOP/s" : "GB/s");
        printf("\n");
    }
    ss_arena_rewind(cx->arena, mark);
    return st;
}

int main(int argc, char **argv) {
    ss_dtype numbers = argc > 1 && !strcmp(argv[1], "f32") ? SS_F32 : SS_BF16;
    int threads = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 1;
    const char *level = argc > 3 && strcmp(argv[3], "all") ? argv[3] : NULL;
    ss_ctx cx = {.threads = threads, .fail_allocation = -1};
    cx.arena = ss_arena_new(&cx, false);
    cx.device = cx.arena ? ss_device_new(&cx, SS_CPU, numbers, threads) : NULL;
    if (cx.device && level) cx.device->cpu = ss_cpu_detect(level);
    if (cx.device && level && !strcmp(level, "portable")) cx.device->cpu = (ss_cpu_features){0};
    printf("%s, %d threads, %s, commit %s; best, median, rate at best\n", ss_dtype_name(numbers), threads,
           level ? level : "all instructions", COMMIT);
    for (int i = 0; cx.device && i < SS_COUNT_OF(rows) && !bench(&cx, &rows[i], argc > 4 ? argv[4] : NULL); i++)
        continue;
    if (cx.status) fprintf(stderr, "%s\n", cx.error);
    ss_device_free(cx.device);
    ss_arena_free(cx.arena);
    return cx.status != SS_OK;
}
