/* Layers with weights on the processor, beyond single calls: where weights come from, how they are kept, what happens
 * when something is missing. That the numbers are right at all is shown by test_ops.c. */
#include "device/device.h"
#include "op/ops.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>

typedef struct place {
    ss_ctx cx;
    ss_device *device; /* what cx uses, or NULL if it could not be made */
} place;

static void open_place(place *p, ss_device_kind kind, ss_dtype numbers, int threads) {
    *p = (place){.cx = {.threads = threads, .fail_allocation = -1}};
    p->cx.arena = ss_arena_new(&p->cx, false);
    p->device = p->cx.device = ss_device_new(&p->cx, kind, numbers, threads);
    assert_non_null(p->device);
}

static void close_place(place *p) {
    ss_tape_free(p->cx.tape);
    ss_device_free(p->device);
    ss_arena_free(p->cx.arena);
}

/* Multiples of 1/8 in -1 .. 1: every type here holds them exactly, so that weights of any type give equal bits. */
static float some(int64_t i) { return (float)((i * 2654435761u >> 11) % 17) / 8 - 1; }

static ss_tensor *filled(ss_ctx *cx, int rank, const int64_t *shape) {
    ss_tensor *x = ss_tensor_new(cx, cx->device->numbers, rank, shape);
    if (!x) return NULL;
    for (int64_t i = 0, n = ss_count(x); i < n; i++) {
        if (x->dtype == SS_BF16)
            x->half[i] = ss_float_to_bf16(some(i));
        else
            x->data[i] = some(i);
    }
    return x;
}

static const int64_t conv_weights[] = {64, 64, 3, 3}, linear_weights[] = {40, 24};
static const ss_conv_attr same = {.top = 1, .left = 1, .bottom = 1, .right = 1};

static ss_param param_of(int rank, const int64_t *shape, ss_dtype dtype, const void *stored) {
    ss_param p = {.name = "w", .dtype = dtype, .rank = rank, .stored = stored};
    memcpy(p.shape, shape, (size_t)rank * sizeof *shape);
    return p;
}

static ss_tensor *tensor_of(ss_ctx *cx, ss_param *p) {
    ss_tensor *w = ss_tensor_wrap(cx, NULL, p->rank, p->shape);
    if (w) w->param = p;
    return w;
}

static size_t numbers_of(const ss_param *p) {
    size_t n = 1;
    for (int i = 0; i < p->rank; i++) n *= (size_t)p->shape[i];
    return n;
}

static ss_tensor *convolve(place *p, ss_param *w, int64_t side) {
    ss_tensor *x = filled(&p->cx, 4, (const int64_t[]){2, w->shape[1], side, side});
    return ss_conv2d(&p->cx, x, tensor_of(&p->cx, w), NULL, NULL, &same);
}

static ss_tensor *multiply(place *p, ss_param *w, int64_t rows) {
    ss_tensor *x = filled(&p->cx, 2, (const int64_t[]){rows, w->shape[1]});
    return ss_linear(&p->cx, x, tensor_of(&p->cx, w), NULL, NULL);
}

static void equal_numbers(const ss_tensor *a, const ss_tensor *b) {
    assert_non_null(a);
    assert_non_null(b);
    assert_int_equal(ss_count(a), ss_count(b));
    assert_int_equal(a->dtype, b->dtype);
    assert_memory_equal(a->bytes, b->bytes, (size_t)ss_count(a) * ss_dtype_size(a->dtype));
}

/* The plain loops' result, in float32. */
static float *plainly(ss_param *w, int64_t size, bool conv) {
    place p;
    open_place(&p, SS_REF, SS_F32, 1);
    ss_tensor *y = conv ? convolve(&p, w, size) : multiply(&p, w, size);
    assert_non_null(y);
    size_t bytes = (size_t)ss_count(y) * sizeof(float);
    float *copy = memcpy(malloc(bytes), y->data, bytes);
    close_place(&p);
    free(w->data); /* so that nobody else takes it for weights that have been trained */
    w->data = NULL;
    return copy;
}

/* Rounding of the sums' order in float32, of the results in bfloat16. */
static void close_to_plain(const ss_tensor *y, const float *plain) {
    assert_non_null(y);
    double off = 0, size = 0;
    for (int64_t i = 0, n = ss_count(y); i < n; i++) {
        double v = y->dtype == SS_BF16 ? ss_bf16_to_float(y->half[i]) : y->data[i];
        off += (v - plain[i]) * (v - plain[i]);
        size += (double)plain[i] * plain[i];
    }
    double allowed = y->dtype == SS_BF16 ? 4e-3 : 2e-6;
    if (!(sqrt(off) <= allowed * sqrt(size))) fail_msg("relative distance %g, at most %g", sqrt(off / size), allowed);
}

/* ---- where weights come from */

/* n numbers as `type`, at an odd address. */
static char *stored_as(ss_dtype type, size_t n) {
    size_t size = ss_dtype_size(type);
    char *block = malloc(n * size + 1), *at = block + 1;
    for (size_t i = 0; i < n; i++) {
        float f = some((int64_t)i);
        double d = f;
        uint16_t h;
        if (type == SS_BF16) ss_f32_to_bf16(&h, &f, 1);
        if (type == SS_F16) ss_f32_to_f16(&h, &f, 1);
        memcpy(at + i * size, type == SS_F32 ? (void *)&f : type == SS_F64 ? (void *)&d : (void *)&h, size);
    }
    return block;
}

static void any_type_at_any_address(void **state) {
    (void)state;
    static const ss_dtype types[] = {SS_F32, SS_BF16, SS_F16, SS_F64};
    for (int half = 0; half < 2; half++) {
        place p;
        open_place(&p, SS_CPU, half ? SS_BF16 : SS_F32, 2);
        const ss_tensor *first_conv = NULL, *first_linear = NULL;
        for (int i = 0; i < SS_COUNT_OF(types); i++) {
            ss_param conv = param_of(4, conv_weights, types[i], NULL),
                     linear = param_of(2, linear_weights, types[i], NULL);
            char *a = stored_as(types[i], numbers_of(&conv)), *b = stored_as(types[i], numbers_of(&linear));
            conv.stored = a + 1;
            linear.stored = b + 1;
            const ss_tensor *y = convolve(&p, &conv, 7), *z = multiply(&p, &linear, 5);
            if (!i) first_conv = y, first_linear = z;
            equal_numbers(y, first_conv);
            equal_numbers(z, first_linear);
            assert_null(conv.data); /* no float32 copy stays behind */
            ss_param_clear(&conv);
            ss_param_clear(&linear);
            free(a);
            free(b);
        }
        close_place(&p);
    }
}

static void ordinary_tensors_as_weights(void **state) {
    (void)state;
    for (int half = 0; half < 2; half++) {
        place p;
        open_place(&p, SS_CPU, half ? SS_BF16 : SS_F32, 2);
        ss_tensor *w = filled(&p.cx, 4, conv_weights), *x = filled(&p.cx, 4, (const int64_t[]){2, 64, 6, 6});
        char *stored = stored_as(SS_F32, (size_t)ss_count(w));
        ss_param param = param_of(4, conv_weights, SS_F32, stored + 1);
        equal_numbers(ss_conv2d(&p.cx, x, w, NULL, NULL, &same), convolve(&p, &param, 6));
        if (half) /* they change from call to call: nothing may be kept of them */
            w->half[100] = ss_float_to_bf16(5);
        else
            w->data[100] = 5;
        ss_param_drop_packed(&param);
        float changed = 5;
        memcpy(stored + 1 + 400, &changed, sizeof changed);
        equal_numbers(ss_conv2d(&p.cx, x, w, NULL, NULL, &same), convolve(&p, &param, 6));
        ss_param_clear(&param);
        free(stored);
        close_place(&p);
    }
}

static void trained_weights_count_in_float32(void **state) {
    (void)state;
    place p;
    open_place(&p, SS_CPU, SS_BF16, 2);
    ss_param w = param_of(2, linear_weights, SS_F32, NULL);
    char *stored = stored_as(SS_F32, numbers_of(&w));
    w.stored = stored + 1;
    float *before = plainly(&w, 5, false);
    close_to_plain(multiply(&p, &w, 5), before);

    w.trained = true;
    assert_non_null(ss_param_f32(&p.cx, &w));
    for (size_t i = 0; i < numbers_of(&w); i++) w.data[i] *= 2; /* a step of training */
    ss_param_drop_packed(&w);
    for (int i = 0; i < 200; i++) before[i] *= 2;
    close_to_plain(multiply(&p, &w, 5), before);
    free(before);
    ss_param_clear(&w);
    free(stored);
    close_place(&p);
}

/* ---- how they are kept */

/* A weight is packed once, whatever pictures come. */
static void one_copy_for_all_sizes(void **state) {
    (void)state;
    static const int64_t sides[] = {8, 64, 5, 17, 8, 33, 1};
    for (int half = 0; half < 2; half++) {
        place p;
        open_place(&p, SS_CPU, half ? SS_BF16 : SS_F32, 2);
        ss_param w = param_of(4, conv_weights, SS_F32, NULL);
        char *stored = stored_as(SS_F32, numbers_of(&w));
        w.stored = stored + 1;
        for (int i = 0; i < SS_COUNT_OF(sides); i++) {
            float *plain = plainly(&w, sides[i], true);
            ss_mark m = ss_arena_mark(p.cx.arena);
            close_to_plain(convolve(&p, &w, sides[i]), plain);
            ss_arena_rewind(p.cx.arena, m);
            free(plain);
            assert_non_null(w.packed[SS_PACK_FORWARD].bytes);
            assert_null(w.packed[SS_PACK_BACKWARD].bytes);
        }
        ss_param_clear(&w);
        free(stored);
        close_place(&p);
    }
}

/* Nor does it matter to the bits in what order the sizes came. With four threads oneDNN would pack these weights in
 * different ways for different numbers of rows. */
static void the_order_of_sizes_does_not_matter(void **state) {
    (void)state;
    static const int64_t shape[] = {320, 320}, rows[] = {512, 64, 16, 2, 512};
    for (int half = 0; half < 2; half++) {
        place p;
        open_place(&p, SS_CPU, half ? SS_BF16 : SS_F32, 4);
        ss_param w = param_of(2, shape, SS_F32, NULL);
        float *uneven = malloc(numbers_of(&w) * sizeof *uneven); /* sums that round, each order in its own way */
        for (size_t i = 0; i < numbers_of(&w); i++) uneven[i] = sinf((float)i);
        w.stored = uneven;
        for (int i = 0; i < SS_COUNT_OF(rows); i++) {
            ss_param fresh = param_of(2, shape, SS_F32, uneven);
            ss_tensor *x = filled(&p.cx, 2, (const int64_t[]){rows[i], 320});
            for (int64_t j = 0; j < ss_count(x); j++) {
                if (half)
                    x->half[j] = ss_float_to_bf16(cosf((float)j));
                else
                    x->data[j] = cosf((float)j);
            }
            equal_numbers(ss_linear(&p.cx, x, tensor_of(&p.cx, &w), NULL, NULL),
                          ss_linear(&p.cx, x, tensor_of(&p.cx, &fresh), NULL, NULL));
            ss_param_clear(&fresh);
        }
        ss_param_clear(&w);
        free(uneven);
        close_place(&p);
    }
}

/* bfloat16 weights give way to float32 ones when such numbers come, and back. */
static void one_copy_for_both_types(void **state) {
    (void)state;
    place p;
    open_place(&p, SS_CPU, SS_BF16, 2);
    ss_param w = param_of(4, conv_weights, SS_F32, NULL);
    char *stored = stored_as(SS_F32, numbers_of(&w));
    w.stored = stored + 1;
    float *plain = plainly(&w, 6, true);
    for (int i = 0; i < 4; i++) {
        p.device->numbers = i % 2 ? SS_F32 : SS_BF16;
        close_to_plain(convolve(&p, &w, 6), plain);
        size_t size = numbers_of(&w) * ss_dtype_size(p.device->numbers);
        assert_int_equal(w.packed[SS_PACK_FORWARD].size, size);
    }
    free(plain);
    ss_param_clear(&w);
    free(stored);
    close_place(&p);
}

/* More different products than are kept. */
static void many_sizes(void **state) {
    (void)state;
    place p;
    open_place(&p, SS_CPU, SS_F32, 1);
    static const int64_t shape[] = {3, 5};
    ss_param w = param_of(2, shape, SS_F32, NULL);
    char *stored = stored_as(SS_F32, numbers_of(&w));
    w.stored = stored + 1;
    for (int64_t round = 0; round < 2; round++)
        for (int64_t rows = 1; rows <= 600; rows += round ? 50 : 1) {
            float *plain = plainly(&w, rows, false);
            ss_mark m = ss_arena_mark(p.cx.arena);
            close_to_plain(multiply(&p, &w, rows), plain);
            ss_arena_rewind(p.cx.arena, m);
            free(plain);
        }
    ss_param_clear(&w);
    free(stored);
    close_place(&p);
}

static void the_callers_threads_stay(void **state) {
    (void)state;
    place p;
    open_place(&p, SS_CPU, SS_F32, 3);
    ss_param w = param_of(4, conv_weights, SS_F32, NULL);
    char *stored = stored_as(SS_F32, numbers_of(&w));
    w.stored = stored + 1;
    omp_set_num_threads(2);
    assert_non_null(convolve(&p, &w, 8));
    assert_int_equal(omp_get_max_threads(), 2);
    ss_param_clear(&w);
    free(stored);
    close_place(&p);
}

/* ---- through the tape */

/* Two layers, one fed by the other; the gradients of both weights. */
static void train_step(place *p, ss_param w[2]) {
    p->cx.tape = ss_tape_new(&p->cx);
    ss_tensor *weights[2];
    for (int i = 0; i < 2; i++) {
        w[i].trained = true;
        assert_non_null(ss_param_f32(&p->cx, &w[i]));
        weights[i] = tensor_of(&p->cx, &w[i]);
        weights[i]->wants_grad = true;
    }
    ss_tensor *x = filled(&p->cx, 4, (const int64_t[]){2, 64, 6, 5});
    ss_tensor *y = ss_conv2d(&p->cx, x, weights[0], NULL, NULL, &same);
    y = ss_linear(&p->cx, y, weights[1], NULL, NULL);
    assert_non_null(y);
    float *dy = malloc((size_t)ss_count(y) * sizeof *dy);
    for (int64_t i = 0; i < ss_count(y); i++) dy[i] = some(i + 3);
    assert_int_equal(ss_backward(&p->cx, y, dy), SS_OK);
    free(dy);
}

static void gradients_through_the_tape(void **state) {
    (void)state;
    static const int64_t second[] = {7, 64, 1, 1};
    for (int half = 0; half < 2; half++) {
        ss_param plain[2] = {param_of(4, conv_weights, SS_F32, NULL), param_of(4, second, SS_F32, NULL)}, fast[2];
        char *a = stored_as(SS_F32, numbers_of(&plain[0])), *b = stored_as(SS_F32, numbers_of(&plain[1]));
        plain[0].stored = a + 1;
        plain[1].stored = b + 1;
        memcpy(fast, plain, sizeof fast);
        place p, q;
        open_place(&p, SS_REF, SS_F32, 1);
        open_place(&q, SS_CPU, half ? SS_BF16 : SS_F32, 2);
        train_step(&p, plain);
        train_step(&q, fast);
        for (int i = 0; i < 2; i++) {
            ss_tensor grad = {.dtype = SS_F32, .rank = 4, .data = fast[i].grad};
            memcpy(grad.shape, fast[i].shape, sizeof grad.shape);
            double off = 0, size = 0;
            for (int64_t j = 0; j < ss_count(&grad); j++) {
                double d = (double)fast[i].grad[j] - plain[i].grad[j];
                off += d * d;
                size += (double)plain[i].grad[j] * plain[i].grad[j];
            }
            /* bfloat16: the first layer's result and the second's gradient are rounded on the way, 2^-9 each. */
            assert_true(sqrt(off) <= (half ? 6e-3 : 3e-6) * sqrt(size));
            ss_param_clear(&plain[i]);
            ss_param_clear(&fast[i]);
        }
        close_place(&p);
        close_place(&q);
        free(a);
        free(b);
    }
}

/* ---- when something is wrong */

static void shapes_that_do_not_fit(void **state) {
    (void)state;
    static const ss_device_kind kinds[] = {SS_REF, SS_CPU};
    for (int i = 0; i < SS_COUNT_OF(kinds); i++) {
        place p;
        ss_ctx *cx = &p.cx;
#define REFUSED(sentence, call)                                                                                        \
    open_place(&p, kinds[i], SS_F32, 1);                                                                               \
    assert_null(call);                                                                                                 \
    assert_int_equal(cx->status, SS_ERR_SHAPE);                                                                        \
    assert_string_equal(cx->error, sentence);                                                                          \
    close_place(&p)
#define T(...) filled(cx, SS_COUNT_OF(((int64_t[]){__VA_ARGS__})), (const int64_t[]){__VA_ARGS__})
        REFUSED("conv2d: x is [1, 4, 8, 8], which weights [320, 9, 3, 3] do not fit",
                ss_conv2d(cx, T(1, 4, 8, 8), T(320, 9, 3, 3), NULL, NULL, &same));
        REFUSED("conv2d: x is [1, 4, 8, 8], which weights [2, 4, 0, 3] do not fit",
                ss_conv2d(cx, T(1, 4, 8, 8), T(2, 4, 0, 3), NULL, NULL, &same));
        REFUSED("conv2d: the bias is [3], the weights [2, 4, 3, 3] make 2 channels",
                ss_conv2d(cx, T(1, 4, 8, 8), T(2, 4, 3, 3), T(3), NULL, &same));
        REFUSED("conv2d: x is [1, 4, 1, 8], smaller than the kernel of weights [2, 4, 3, 3]",
                ss_conv2d(cx, T(1, 4, 1, 8), T(2, 4, 3, 3), NULL, NULL, &(ss_conv_attr){0}));
        REFUSED("conv2d: what is added is [1, 2, 8, 7], the result is [1, 2, 8, 8]",
                ss_conv2d(cx, T(1, 4, 8, 8), T(2, 4, 3, 3), NULL, T(1, 2, 8, 7), &same));
        REFUSED("linear: x is [2, 3, 4], which weights [5, 6] do not fit",
                ss_linear(cx, T(2, 3, 4), T(5, 6), NULL, NULL));
        REFUSED("linear: x is [2, 4, 3, 3], which weights [5, 4, 3, 3] do not fit",
                ss_linear(cx, T(2, 4, 3, 3), T(5, 4, 3, 3), NULL, NULL));
        REFUSED("linear: the bias is [4], the weights [5, 4] make 5 channels",
                ss_linear(cx, T(2, 3, 4), T(5, 4), T(4), NULL));
        REFUSED("linear: what is added is [2, 3, 4], the result is [2, 3, 5]",
                ss_linear(cx, T(2, 3, 4), T(5, 4), NULL, T(2, 3, 4)));
    }
}

/* Every allocation fails in turn: a layer forward and backward ends in SS_ERR_NOMEM and leaks nothing. */
static void no_memory(void **state) {
    (void)state;
    static const int64_t deep[] = {8, 672, 3, 3};
    bool done = false;
    for (int64_t n = 0; !done; n++) {
        place p;
        open_place(&p, SS_CPU, SS_BF16, 2);
        ss_param w[2] = {param_of(4, conv_weights, SS_F32, NULL), param_of(4, deep, SS_F32, NULL)};
        char *a = stored_as(SS_F32, numbers_of(&w[1]));
        w[0].stored = w[1].stored = a + 1;
        ss_tensor *x = filled(&p.cx, 4, (const int64_t[]){1, 64, 4, 4});
        ss_tensor *z = filled(&p.cx, 4, (const int64_t[]){1, 672, 4, 4});
        p.cx.tape = ss_tape_new(&p.cx);
        x->wants_grad = z->wants_grad = true;
        p.cx.fail_allocation = n;
        ss_tensor *y = ss_conv2d(&p.cx, x, tensor_of(&p.cx, &w[0]), NULL, NULL, &same);
        float dy[64 * 16] = {0};
        if (y) ss_backward(&p.cx, y, dy);
        y = ss_conv2d(&p.cx, z, tensor_of(&p.cx, &w[1]), NULL, NULL, &same);
        if (y) {
            z->wants_grad = false;
            y = ss_linear(&p.cx, y, filled(&p.cx, 2, (const int64_t[]){8, 8}), NULL, NULL);
        }
        done = !p.cx.status && p.cx.fail_allocation >= 0; /* more were allowed than there are */
        if (!done) assert_int_equal(p.cx.status, SS_ERR_NOMEM);
        assert_true(n < 1000);
        ss_param_clear(&w[0]);
        ss_param_clear(&w[1]);
        free(a);
        close_place(&p);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_type_at_any_address),
        cmocka_unit_test(ordinary_tensors_as_weights),
        cmocka_unit_test(trained_weights_count_in_float32),
        cmocka_unit_test(one_copy_for_all_sizes),
        cmocka_unit_test(the_order_of_sizes_does_not_matter),
        cmocka_unit_test(one_copy_for_both_types),
        cmocka_unit_test(many_sizes),
        cmocka_unit_test(the_callers_threads_stay),
        cmocka_unit_test(gradients_through_the_tape),
        cmocka_unit_test(shapes_that_do_not_fit),
        cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
