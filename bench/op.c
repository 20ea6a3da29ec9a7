/* Convolutions and linear layers at the sizes of SD 1.5 (512 x 512, batch 2) and its autoencoder: time and arithmetic a
 * second.
 *
 *     bench-op [f32|bf16] [THREADS] [WORD]     only rows whose line has the word
 *
 * With one thread the processor's time is taken, which others on the machine disturb little; with more, the clock's. */
#include "device/device.h"
#include "op/ops.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MOST_RUNS = 50 };

typedef struct row {
    const ss_op *op;
    int64_t x[4], w[4]; /* a linear layer's x is [n, len, d], its w [o, d] */
    int stride;
    bool add;
} row;

static const row rows[] = {
#define CONV(c, side, o, s, a)                                                                                         \
    { &ss_op_conv2d, {2, c, side, side}, {o, c, 3, 3}, s, a }
    CONV(4, 64, 320, 1, false),     CONV(320, 64, 320, 1, false),    CONV(320, 64, 320, 1, true),
    CONV(640, 64, 320, 1, false),   CONV(960, 64, 320, 1, false),    CONV(640, 64, 640, 1, false),
    CONV(320, 64, 320, 2, false),   CONV(320, 32, 640, 1, false),    CONV(640, 32, 640, 1, true),
    CONV(960, 32, 640, 1, false),   CONV(1280, 32, 640, 1, false),   CONV(1920, 32, 640, 1, false),
    CONV(1280, 32, 1280, 1, false), CONV(640, 16, 1280, 1, false),   CONV(1280, 16, 1280, 1, false),
    CONV(1280, 16, 1280, 1, true),  CONV(1920, 16, 1280, 1, false),  CONV(2560, 16, 1280, 1, false),
    CONV(1280, 8, 1280, 1, true),   CONV(2560, 8, 1280, 1, false),   CONV(320, 64, 4, 1, false),
#define VAE(c, side, o, a)                                                                                             \
    { &ss_op_conv2d, {1, c, side, side}, {o, c, 3, 3}, 1, a }
    VAE(4, 64, 512, false),         VAE(512, 64, 512, true),         VAE(512, 128, 512, true),
    VAE(512, 256, 256, false),      VAE(256, 256, 256, true),        VAE(256, 512, 128, false),
    VAE(128, 512, 128, true),       VAE(128, 512, 3, false),         VAE(3, 512, 128, false),
#define LINEAR(len, d, o, a)                                                                                           \
    { &ss_op_linear, {2, len, d}, {o, d}, 1, a }
    LINEAR(4096, 320, 320, true),   LINEAR(4096, 320, 2560, false),  LINEAR(4096, 1280, 320, true),
    LINEAR(4096, 640, 320, false),  LINEAR(4096, 960, 320, false),   LINEAR(1024, 640, 640, true),
    LINEAR(1024, 640, 5120, false), LINEAR(1024, 2560, 640, true),   LINEAR(1024, 1920, 640, false),
    LINEAR(256, 1280, 1280, true),  LINEAR(256, 1280, 10240, false), LINEAR(256, 5120, 1280, true),
    LINEAR(256, 2560, 1280, false), LINEAR(64, 1280, 1280, true),    LINEAR(64, 1280, 10240, false),
    LINEAR(64, 5120, 1280, true),   LINEAR(77, 768, 320, false),     LINEAR(77, 768, 1280, false),
    LINEAR(77, 768, 3072, false),   LINEAR(77, 3072, 768, true),     LINEAR(1, 320, 1280, false),
    LINEAR(1, 1280, 1280, false),
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
    for (int64_t i = 0, n = ss_count(x); i < n; i++) {
        float v = (float)((i * 2654435761u >> 7) % 1000) / 1000 - 0.5f;
        if (dtype == SS_BF16)
            x->half[i] = ss_float_to_bf16(v);
        else
            x->data[i] = v;
    }
    return x;
}

/* Best and median of runs for a fifth of a second, at least four; the first one, which packs, is apart. */
static ss_status measure(ss_kernel kernel, const ss_call *k, const char *what, double flop) {
    double time[MOST_RUNS], begun, first = seconds(k->cx->threads);
    int n = 0;
    ss_status st = kernel(k);
    begun = seconds(k->cx->threads);
    first = begun - first;
    while (!st && n < MOST_RUNS && (n < 4 || seconds(k->cx->threads) - begun < 0.2)) {
        double start = seconds(k->cx->threads);
        st = kernel(k);
        time[n++] = seconds(k->cx->threads) - start;
    }
    if (st) return st;
    qsort(time, (size_t)n, sizeof *time, by_size);
    printf("  %-3s %9.3f ms %9.3f %6.0f GFLOP/s (first %7.1f ms)", what, 1e3 * time[0], 1e3 * time[n / 2],
           1e-9 * flop / time[0], 1e3 * first);
    return SS_OK;
}

static ss_status bench(ss_ctx *cx, const row *r, const char *word) {
    bool conv = r->op == &ss_op_conv2d;
    char line[160], x_text[64], w_text[64];
    int rank = conv ? 4 : 3;
    snprintf(line, sizeof line, "%-6s %-20s %-20s %s%s", r->op->name, ss_shape_text(x_text, rank, r->x),
             ss_shape_text(w_text, conv ? 4 : 2, r->w), r->stride > 1 ? "stride 2" : "", r->add ? "add" : "");
    if (word && !strstr(line, word)) return SS_OK;

    ss_mark mark = ss_arena_mark(cx->arena);
    ss_conv_attr attr = {.stride = r->stride, .top = 1, .left = 1, .bottom = 1, .right = 1};
    ss_dtype numbers = cx->device->numbers;
    ss_tensor *stored = filled(cx, SS_BF16, conv ? 4 : 2, r->w);
    ss_param w = {.name = "w", .dtype = SS_BF16, .rank = stored->rank, .stored = stored->bytes};
    memcpy(w.shape, r->w, sizeof w.shape);
    ss_tensor *weights = ss_tensor_wrap(cx, NULL, stored->rank, r->w);
    weights->param = &w;

    ss_call k = {.cx = cx, .op = r->op, .attr = &attr};
    k.x[0] = filled(cx, numbers, rank, r->x);
    k.x[1] = weights;
    k.x[2] = filled(cx, SS_F32, 1, r->w);
    ss_shape shape = {.dtype = numbers, .rank = rank};
    memcpy(shape.at, r->x, sizeof shape.at);
    ss_status st = r->op->shape(&k, &shape);
    if (r->add) k.x[3] = filled(cx, numbers, rank, shape.at);
    k.y = ss_tensor_new(cx, numbers, rank, shape.at);
    k.dy = filled(cx, SS_F32, rank, shape.at)->data;
    float *dx = filled(cx, SS_F32, rank, r->x)->data, *dw = filled(cx, SS_F32, stored->rank, r->w)->data;

    double flop, bytes = 0;
    r->op->cost(&k, &flop, &bytes);
    printf("%-56s", line);
    fflush(stdout);
    if (!st) st = measure(r->op->on[SS_CPU].forward, &k, "y", flop);
    k.dx[0] = dx;
    if (!st) st = measure(r->op->on[SS_CPU].backward, &k, "dx", flop);
    k.dx[0] = NULL;
    k.dx[1] = dw;
    if (!st) st = measure(r->op->on[SS_CPU].backward, &k, "dw", flop);
    printf("\n");
    ss_param_clear(&w);
    ss_arena_rewind(cx->arena, mark);
    return st;
}

int main(int argc, char **argv) {
    ss_dtype numbers = argc > 1 && !strcmp(argv[1], "f32") ? SS_F32 : SS_BF16;
    int threads = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 1;
    ss_ctx cx = {.threads = threads, .fail_allocation = -1};
    cx.arena = ss_arena_new(&cx, false);
    cx.device = cx.arena ? ss_device_new(&cx, SS_CPU, numbers, threads) : NULL;
    printf("%s, %d threads, commit %s; best, median, arithmetic at best\n", ss_dtype_name(numbers), threads, COMMIT);
    for (int i = 0; cx.device && i < SS_COUNT_OF(rows) && !bench(&cx, &rows[i], argc > 3 ? argv[3] : NULL); i++)
        continue;
    if (cx.status) fprintf(stderr, "%s\n", cx.error);
    ss_device_free(cx.device);
    ss_arena_free(cx.arena);
    return cx.status != SS_OK;
}
