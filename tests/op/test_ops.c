/* Every row of cases.c four ways: every device against the plain loops, the plain loops' gradient against finite
 * differences, twice for equal bits, and with dx already filled, to catch a store where a sum belongs. */
#include "op/cases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- running one row on one device */

typedef struct machine {
    ss_device_kind kind;
    ss_dtype numbers;
    int threads;
    const char *level; /* as ss_cpu_detect takes it; "portable": nothing but C */
} machine;

/* What goes into a row and what comes out. Inputs are shared, results belong to it. */
typedef struct run {
    const float *x[SS_INPUTS], *dy;
    float *y, *dx[SS_INPUTS];
    int64_t count, in[SS_INPUTS]; /* numbers of y and of each input; 0: absent */
    float filled;                 /* dx held this before backward */
} run;

static int64_t count_of(const int64_t shape[SS_RANK], int *rank) {
    int64_t n = 1;
    for (*rank = 0; *rank < SS_RANK && shape[*rank]; ++*rank) n *= shape[*rank];
    return *rank ? n : 0;
}

/* Weights keep float32, whatever activations are made of. */
static bool is_weight(const ss_op *op, int i) {
    bool first = op == &ss_op_embedding, later = op == &ss_op_conv2d || op == &ss_op_linear ||
                                                 op == &ss_op_linear_geglu || op == &ss_op_group_norm ||
                                                 op == &ss_op_layer_norm;
    return (first && i <= 1) || (later && (i == 1 || i == 2));
}

static ss_tensor *input(ss_ctx *cx, const op_case *row, int i, const float *numbers, ss_param *param) {
    int rank;
    int64_t n = count_of(row->shape[i], &rank);
    if (!n) return NULL;
    if (is_weight(row->op, i)) {
        *param = (ss_param){.name = "w", .rank = rank, .stored = numbers};
        memcpy(param->shape, row->shape[i], sizeof param->shape);
        ss_tensor *w = ss_tensor_wrap(cx, (float *)ss_param_f32(cx, param), rank, row->shape[i]);
        w->param = param;
        return w;
    }
    ss_tensor *x = ss_tensor_new(cx, cx->device->numbers, rank, row->shape[i]);
    if (x->dtype == SS_BF16)
        ss_f32_to_bf16(x->half, numbers, (size_t)n);
    else
        memcpy(x->data, numbers, (size_t)n * sizeof *numbers);
    return x;
}

static void perform(run *r, const op_case *row, const machine *m) {
    ss_ctx cx = {.fail_allocation = -1, .threads = m->threads};
    cx.arena = ss_arena_new(&cx, false);
    cx.device = ss_device_new(&cx, m->kind, m->numbers, m->threads);
    assert_non_null(cx.device);
    cx.device->cpu = ss_cpu_detect(m->level);
    if (m->level && !strcmp(m->level, "portable")) cx.device->cpu = (ss_cpu_features){0};

    ss_param param[SS_INPUTS] = {0};
    ss_attention_attr attention;
    ss_call k = {.cx = &cx, .op = row->op, .attr = row->attr};
    if (row->plan) {
        attention = *(const ss_attention_attr *)row->attr;
        attention.plan = row->plan(&cx, row);
        k.attr = &attention;
    }
    for (int i = 0; i < row->op->inputs; i++) k.x[i] = input(&cx, row, i, r->x[i], &param[i]);

    ss_shape shape = {.dtype = m->numbers};
    if (k.x[0]) {
        shape.rank = k.x[0]->rank;
        memcpy(shape.at, k.x[0]->shape, sizeof shape.at);
    }
    if (row->op->shape(&k, &shape)) fail_msg("%s", cx.error);
    k.y = ss_tensor_new(&cx, shape.dtype, shape.rank, shape.at);
    r->count = ss_count(k.y);
    memset(k.y->bytes, 0xff, (size_t)r->count * ss_dtype_size(k.y->dtype)); /* NaN: what is left out shows */

    ss_kernel forward = row->op->on[m->kind].forward, backward = row->op->on[m->kind].backward;
    if (row->op->view)
        memcpy(k.y->bytes, k.x[0]->bytes, (size_t)r->count * ss_dtype_size(k.y->dtype));
    else if (forward(&k))
        fail_msg("%s", cx.error);
    r->y = malloc((size_t)r->count * sizeof *r->y);
    ss_to_f32(r->y, k.y->bytes, k.y->dtype, (size_t)r->count);

    for (int i = 0; i < row->op->inputs && r->dy; i++) {
        if (!k.x[i]) continue;
        r->in[i] = ss_count(k.x[i]);
        k.dx[i] = r->dx[i] = malloc((size_t)r->in[i] * sizeof(float));
        for (int64_t j = 0; j < r->in[i]; j++) r->dx[i][j] = r->filled;
    }
    k.dy = r->dy;
    if (r->dy && backward && backward(&k)) fail_msg("%s", cx.error);

    for (int i = 0; i < SS_INPUTS; i++) ss_param_clear(&param[i]);
    ss_device_free(cx.device);
    ss_arena_free(cx.arena);
}

static void drop(run *r) {
    free(r->y);
    for (int i = 0; i < SS_INPUTS; i++) free(r->dx[i]);
}

/* ---- comparing */

/* The relative L2 distance, and no single number further off than `worst` of its own size and the whole's mean size.
 * What is 0 but for rounding may be 1e-6. */
static void close_to(const char *what, const float *a, const float *b, int64_t n, double l2, double worst) {
    double off = 0, size = 0;
    for (int64_t i = 0; i < n; i++) {
        off += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
        size += (double)b[i] * b[i];
    }
    double mean = sqrt(size / (double)n);
    if (!(sqrt(off) <= l2 * sqrt(size) + 1e-6 * sqrt((double)n)))
        fail_msg("%s: relative L2 distance %.3g, at most %.3g allowed", what, sqrt(off / size), l2);
    for (int64_t i = 0; i < n; i++)
        if (!(fabs((double)a[i] - b[i]) <= worst * (fabs((double)b[i]) + mean) + 1e-6))
            fail_msg("%s: number %lld of %lld is %.9g instead of %.9g", what, (long long)i, (long long)n, a[i], b[i]);
}

static void same_bits(const char *what, const float *a, const float *b, int64_t n) {
    if (n && memcmp(a, b, (size_t)n * sizeof *a)) fail_msg("%s: another run gives other bits", what);
}

/* ---- a row's numbers */

typedef struct numbers {
    float *x[SS_INPUTS], *dy;
} numbers;

static float *some_numbers(uint64_t *state, int64_t n, float reach) {
    float *x = malloc((size_t)(n ? n : 1) * sizeof *x);
    for (int64_t i = 0; i < n; i++) x[i] = reach * test_number(state);
    return x;
}

/* Rounded to bfloat16 so that every device starts from the same numbers. */
static numbers numbers_of(const op_case *row) {
    numbers a = {0};
    uint64_t state = 1;
    for (int i = 0; i < row->op->inputs; i++) {
        int rank;
        int64_t n = count_of(row->shape[i], &rank);
        if (!n) continue;
        a.x[i] = some_numbers(&state, n, row->reach && !is_weight(row->op, i) ? row->reach : 1);
        for (int64_t j = 0; j < n; j++) a.x[i][j] = ss_bf16_to_float(ss_float_to_bf16(a.x[i][j]));
    }
    run r = {.x = {a.x[0], a.x[1], a.x[2], a.x[3]}};
    perform(&r, row, &(machine){SS_REF, SS_F32, 1, NULL});
    if (row->op->on[SS_REF].backward) a.dy = some_numbers(&state, r.count, 1);
    drop(&r);
    return a;
}

static run run_of(const op_case *row, const numbers *a, const machine *m, float filled) {
    run r = {.x = {a->x[0], a->x[1], a->x[2], a->x[3]}, .dy = a->dy, .filled = filled};
    perform(&r, row, m);
    return r;
}

/* ---- the four ways */

/* d/de of sum dy y(x + e u) at 0, from four places: the error falls with the fourth power of the step. */
static double slope(const op_case *row, const numbers *a, int i, const float *u, int64_t n) {
    const double step = 1.0 / 64;
    static const double at[] = {-2, -1, 1, 2}, factor[] = {1, -8, 8, -1};
    numbers moved = *a;
    moved.x[i] = malloc((size_t)n * sizeof(float));
    moved.dy = NULL;
    double sum = 0;
    for (int s = 0; s < 4; s++) {
        for (int64_t j = 0; j < n; j++) moved.x[i][j] = (float)(a->x[i][j] + at[s] * step * u[j]);
        run r = run_of(row, &moved, &(machine){SS_REF, SS_F32, 1, NULL}, 0);
        for (int64_t j = 0; j < r.count; j++) sum += factor[s] * a->dy[j] * r.y[j] / (12 * step);
        drop(&r);
    }
    free(moved.x[i]);
    return sum;
}

/* Single numbers where there are few, a random direction where there are many. Float32 results are good to some 1e-7 of
 * y, which a step of 1/64 makes about 1e-5 of the slope of a single number. */
static void against_differences(const op_case *row, const numbers *a, const run *plain) {
    for (int i = 0; i < row->op->inputs; i++) {
        int64_t n = plain->in[i];
        if (!n) continue;
        bool few = n * plain->count < 20000;
        float *u = calloc((size_t)n, sizeof *u);
        uint64_t state = 99;
        double size = 0;
        for (int64_t j = 0; j < n; j++) size += (double)plain->dx[i][j] * plain->dx[i][j];
        size = sqrt(size / (few ? (double)n : 1));
        for (int64_t trial = 0; trial < (few ? n : 1); trial++) {
            double expected = 0;
            for (int64_t j = 0; j < n; j++) u[j] = few ? j == trial : test_number(&state);
            for (int64_t j = 0; j < n; j++) expected += u[j] * plain->dx[i][j];
            double got = slope(row, a, i, u, n);
            if (!(fabs(got - expected) <= 2e-3 * (fabs(expected) + size) + 1e-5))
                fail_msg("input %d: finite differences give a slope of %.6g, backward %.6g", i, got, expected);
        }
        free(u);
    }
}

static void check_device(const op_case *row, const numbers *a, const run *plain, const machine *m) {
    char what[96], part[160];
    snprintf(what, sizeof what, "%s, %s, %d threads, %s", m->kind == SS_REF ? "plain loops" : "processor",
             ss_dtype_name(m->numbers), m->threads, m->level ? m->level : "all instructions");
    run once = run_of(row, a, m, 0), twice = run_of(row, a, m, 0), filled = run_of(row, a, m, 3);

    /* Float32: another order of summation. bfloat16: results are rounded to 2^-9, and softmax weights, too, on the way.
     */
    bool half = m->numbers == SS_BF16;
    bool rounds_dy = half && (row->op == &ss_op_conv2d || row->op == &ss_op_linear ||
                              row->op == &ss_op_linear_geglu); /* to bfloat16, 2^-9, to multiply */
    bool rounds_all = half && row->op == &ss_op_attention;     /* tiles: softmax weights and their slopes, too */
    close_to(what, once.y, plain->y, once.count, half ? 4e-3 : 2e-6, half ? 1.0 / 64 : 3e-5);
    same_bits(what, once.y, twice.y, once.count);
    for (int i = 0; i < row->op->inputs && a->dy; i++) {
        int64_t n = once.in[i];
        snprintf(part, sizeof part, "%s, gradient of input %d", what, i);
        if (!n) continue;
        close_to(part, once.dx[i], plain->dx[i], n,
                 rounds_all  ? 1e-2
                 : rounds_dy ? 4e-3
                             : 2e-5,
                 rounds_all  ? 1.0 / 16
                 : rounds_dy ? 1.0 / 64
                             : 3e-4);
        same_bits(part, once.dx[i], twice.dx[i], n);
        snprintf(part, sizeof part, "%s, gradient of input %d added to 3", what, i);
        float *sum = malloc((size_t)n * sizeof *sum);
        for (int64_t j = 0; j < n; j++) sum[j] = once.dx[i][j] + 3;
        close_to(part, filled.dx[i], sum, n, 5e-6, 5e-5);
        free(sum);
    }
    drop(&once);
    drop(&twice);
    drop(&filled);
}

/* Our own kernels share work out in pieces that do not depend on how many threads there are. oneDNN's do not promise
 * it. */
static void same_for_any_threads(const op_case *row, const numbers *a, ss_dtype type) {
    if (row->op == &ss_op_conv2d || row->op == &ss_op_linear || row->op == &ss_op_linear_geglu) return;
    run one = run_of(row, a, &(machine){SS_CPU, type, 1, NULL}, 0),
        five = run_of(row, a, &(machine){SS_CPU, type, 5, NULL}, 0);
    same_bits("five threads", five.y, one.y, one.count);
    for (int i = 0; i < row->op->inputs && a->dy; i++)
        same_bits("five threads, gradient", five.dx[i], one.dx[i], one.in[i]);
    drop(&one);
    drop(&five);
}

static bool has_level(const char *level) {
    ss_cpu_features all = ss_cpu_detect(NULL), with = ss_cpu_detect(level);
    if (!strcmp(level, "avx2")) return with.avx2 && all.avx512;
    if (!strcmp(level, "avx512")) return with.avx512 && all.avx512_bf16;
    return with.avx512_bf16 && all.amx_bf16;
}

static void check_row(void **state) {
    const op_case *row = *state;
    static const char *const lower[] = {"avx2", "avx512", "avx512_bf16"};
    numbers a = numbers_of(row);
    run plain = run_of(row, &a, &(machine){SS_REF, SS_F32, 1, NULL}, 0);
    bool stairs = row->op == &ss_op_cast; /* rounding has no slope */
    if (a.dy && !stairs) against_differences(row, &a, &plain);
    check_device(row, &a, &plain, &(machine){SS_REF, SS_F32, 1, NULL});

    for (int half = 0; half < 2; half++) {
        ss_dtype type = half ? SS_BF16 : SS_F32;
        if (row->op == &ss_op_cast && ((const ss_cast_attr *)row->attr)->to == type) continue;
        check_device(row, &a, &plain, &(machine){SS_CPU, type, 1, NULL});
        check_device(row, &a, &plain, &(machine){SS_CPU, type, 3, NULL});
        check_device(row, &a, &plain, &(machine){SS_CPU, type, 2, "portable"});
        same_for_any_threads(row, &a, type);
        for (int i = 0; i < SS_COUNT_OF(lower); i++)
            if (has_level(lower[i])) check_device(row, &a, &plain, &(machine){SS_CPU, type, 2, lower[i]});
    }
    drop(&plain);
    for (int i = 0; i < SS_INPUTS; i++) free(a.x[i]);
    free(a.dy);
}

static void every_operation_has_a_row(void **state) {
    (void)state;
    for (int i = 0; i < ss_ops_count; i++) {
        bool found = false;
        for (int j = 0; j < op_cases_count; j++) found = found || op_cases[j].op == ss_ops[i];
        if (!found) fail_msg("%s has no row in tests/op/cases.c", ss_ops[i]->name);
    }
}

/* "attention [2, 16, 64] [2, 77, 64] joined" */
static char *name_of(const op_case *row) {
    char text[64], *name = malloc(512);
    int n = snprintf(name, 512, "%s", row->op->name);
    for (int i = 0; i < row->op->inputs; i++) {
        int rank;
        if (count_of(row->shape[i], &rank))
            n += snprintf(name + n, (size_t)(512 - n), " %s", ss_shape_text(text, rank, row->shape[i]));
    }
    snprintf(name + n, (size_t)(512 - n), "%s%s", row->what ? " " : "", row->what ? row->what : "");
    return name;
}

int main(int argc, char **argv) {
    struct CMUnitTest *tests = calloc((size_t)op_cases_count + 1, sizeof *tests);
    tests[0] = (struct CMUnitTest)cmocka_unit_test(every_operation_has_a_row);
    for (int i = 0; i < op_cases_count; i++)
        tests[i + 1] = (struct CMUnitTest){
            .name = name_of(&op_cases[i]), .test_func = check_row, .initial_state = (void *)&op_cases[i]};
    if (argc > 1) cmocka_set_test_filter(argv[1]); /* "attention*": only these */
    int failed = _cmocka_run_group_tests("operations", tests, (size_t)op_cases_count + 1, NULL, NULL);
    for (int i = 0; i < op_cases_count; i++) free((char *)tests[i + 1].name);
    free(tests);
    return failed;
}
