/* The calls of ops.h as a network makes them: one operation after the other on the tape, quiet when given nothing, and
 * with a sentence that names both sides when shapes disagree. */
#include "op/cases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void open_context(ss_ctx *cx, ss_device_kind kind, ss_dtype numbers) {
    *cx = (ss_ctx){.threads = 2, .fail_allocation = -1};
    cx->arena = ss_arena_new(cx, false);
    cx->device = ss_device_new(cx, kind, numbers, 2);
    assert_non_null(cx->device);
}

static void close_context(ss_ctx *cx) {
    ss_tape_free(cx->tape);
    ss_device_free(cx->device);
    ss_arena_free(cx->arena);
}

static ss_tensor *empty(ss_ctx *cx, int rank, int64_t a, int64_t b, int64_t c, int64_t d) {
    return ss_tensor_new(cx, SS_F32, rank, (const int64_t[]){a, b, c, d});
}

/* ---- a chain of operations and its gradient */

enum { PLACES = 12, CHANNELS = 8, INPUTS = 2 * PLACES * CHANNELS };

typedef struct chain {
    double loss; /* the sum of what comes out */
    float dx[INPUTS], dshift[2 * CHANNELS], dtable[5 * CHANNELS];
} chain;

static void fill(float *x, int64_t n, uint64_t state) {
    for (int64_t i = 0; i < n; i++) x[i] = test_number(&state);
}

static ss_tensor *network(ss_ctx *cx, ss_tensor *x, ss_tensor *shift, ss_tensor *table) {
    static const int32_t ids[] = {0, 3, 1, 3, 4, 0};
    static float scale[CHANNELS], offset[CHANNELS], positions[3 * CHANNELS];
    const int64_t channels[] = {CHANNELS};
    fill(scale, CHANNELS, 11);
    fill(offset, CHANNELS, 12);
    fill(positions, 3 * CHANNELS, 13);
    ss_tensor *w = ss_tensor_wrap(cx, scale, 1, channels), *b = ss_tensor_wrap(cx, offset, 1, channels);
    ss_tensor *p = ss_tensor_wrap(cx, positions, 2, (const int64_t[]){3, CHANNELS});

    ss_tensor *y = ss_to_pixels(cx, x, 3, 4);
    y = ss_group_norm(cx, y, w, b, shift, &(ss_norm_attr){.groups = 2, .eps = 1e-5f, .silu = true});
    y = ss_concat(cx, ss_upsample(cx, y, 4, 5), ss_gelu(cx, ss_upsample(cx, y, 4, 5)));
    y = ss_geglu(cx, ss_to_tokens(cx, y));
    y = ss_quick_gelu(cx, ss_layer_norm(cx, y, w, b, 1e-5f));
    ss_tensor *text = ss_add(cx, ss_embedding(cx, table, ids, 2, 3), p);
    y = ss_add(cx, y, ss_attention(cx, y, text, ss_silu(cx, text), &(ss_attention_attr){.heads = 2}));
    return ss_cast(cx, ss_slice(cx, y, 1, 5), SS_F32);
}

static chain run_chain(ss_device_kind kind, const float *x, const float *shift, const float *table, bool backward) {
    chain c = {0};
    ss_ctx cx;
    open_context(&cx, kind, SS_F32);
    if (backward) cx.tape = ss_tape_new(&cx);
    ss_tensor *in = ss_tensor_wrap(&cx, (float *)x, 3, (const int64_t[]){2, PLACES, CHANNELS});
    ss_tensor *moved = ss_tensor_wrap(&cx, (float *)shift, 2, (const int64_t[]){2, CHANNELS});
    ss_tensor *words = ss_tensor_wrap(&cx, (float *)table, 2, (const int64_t[]){5, CHANNELS});
    in->wants_grad = moved->wants_grad = words->wants_grad = true;
    ss_tensor *y = network(&cx, in, moved, words);
    if (!y) fail_msg("%s", cx.error);
    int64_t n = ss_count(y);
    for (int64_t i = 0; i < n; i++) c.loss += y->data[i];
    if (backward) {
        float *ones = malloc((size_t)n * sizeof *ones);
        for (int64_t i = 0; i < n; i++) ones[i] = 1;
        assert_int_equal(ss_backward(&cx, y, ones), SS_OK);
        memcpy(c.dx, in->grad, sizeof c.dx);
        memcpy(c.dshift, moved->grad, sizeof c.dshift);
        memcpy(c.dtable, words->grad, sizeof c.dtable);
        free(ones);
    }
    close_context(&cx);
    return c;
}

static void close_numbers(const float *a, const float *b, int n) {
    double off = 0, size = 0;
    for (int i = 0; i < n; i++) {
        off += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
        size += (double)b[i] * b[i];
    }
    if (!(sqrt(off) <= 2e-5 * sqrt(size))) fail_msg("gradients differ by %g of their size", sqrt(off / size));
}

/* From four places, whose error falls with the fourth power of the step. */
static void check_slope(float *x, int n, const float *dx, const float *all[3]) {
    static const double at[] = {-2, -1, 1, 2}, factor[] = {1, -8, 8, -1};
    float *home = malloc((size_t)n * sizeof *home), *u = malloc((size_t)n * sizeof *u);
    double slope = 0, expected = 0;
    memcpy(home, x, (size_t)n * sizeof *home);
    fill(u, n, 21);
    for (int s = 0; s < 4; s++) {
        for (int i = 0; i < n; i++) x[i] = (float)(home[i] + at[s] / 64 * u[i]);
        slope += factor[s] * run_chain(SS_REF, all[0], all[1], all[2], false).loss * 64 / 12;
    }
    for (int i = 0; i < n; i++) expected += u[i] * dx[i];
    memcpy(x, home, (size_t)n * sizeof *home);
    free(home);
    free(u);
    if (!(fabs(slope - expected) <= 1e-3 * fabs(expected) + 1e-3))
        fail_msg("finite differences give a slope of %g, the tape %g", slope, expected);
}

static void the_tape_goes_through_all(void **state) {
    (void)state;
    static float x[INPUTS], shift[2 * CHANNELS], table[5 * CHANNELS];
    fill(x, INPUTS, 1);
    fill(shift, 2 * CHANNELS, 2);
    fill(table, 5 * CHANNELS, 3);
    chain plain = run_chain(SS_REF, x, shift, table, true), fast = run_chain(SS_CPU, x, shift, table, true);
    assert_true(fabs(plain.loss - fast.loss) < 1e-5 * fabs(plain.loss) + 1e-4);
    close_numbers(fast.dx, plain.dx, INPUTS);
    close_numbers(fast.dshift, plain.dshift, 2 * CHANNELS);
    close_numbers(fast.dtable, plain.dtable, 5 * CHANNELS);
    const float *all[] = {x, shift, table};
    check_slope(x, INPUTS, plain.dx, all);
    check_slope(shift, 2 * CHANNELS, plain.dshift, all);
    check_slope(table, 5 * CHANNELS, plain.dtable, all);
    for (int i = 0; i < CHANNELS; i++) assert_true(plain.dtable[2 * CHANNELS + i] == 0); /* a word nobody used */
}

/* ---- nothing in, nothing out */

static void given_nothing_they_are_quiet(void **state) {
    (void)state;
    ss_ctx cx;
    open_context(&cx, SS_CPU, SS_F32);
    ss_tensor *x = empty(&cx, 2, 1, 4, 0, 0);
    const ss_norm_attr norm = {.groups = 1};
    assert_null(ss_group_norm(&cx, NULL, x, x, NULL, &norm));
    assert_null(ss_layer_norm(&cx, x, NULL, x, 0));
    assert_null(ss_silu(&cx, NULL));
    assert_null(ss_gelu(&cx, NULL));
    assert_null(ss_quick_gelu(&cx, NULL));
    assert_null(ss_geglu(&cx, NULL));
    assert_null(ss_add(&cx, x, NULL));
    assert_null(ss_concat(&cx, NULL, x));
    assert_null(ss_slice(&cx, NULL, 0, 1));
    assert_null(ss_upsample(&cx, NULL, 1, 1));
    assert_null(ss_embedding(&cx, NULL, NULL, 0, 0));
    assert_null(ss_cast(&cx, NULL, SS_BF16));
    assert_null(ss_to_tokens(&cx, NULL));
    assert_null(ss_to_pixels(&cx, NULL, 1, 1));
    assert_null(ss_attention(&cx, NULL, x, x, &(ss_attention_attr){.heads = 1}));
    assert_int_equal(cx.status, SS_OK);
    close_context(&cx);
}

/* ---- sentences */

static void says(ss_ctx *cx, const ss_tensor *y, const char *sentence) {
    assert_null(y);
    assert_int_equal(cx->status, SS_ERR_SHAPE);
    assert_string_equal(cx->error, sentence);
    cx->status = SS_OK;
}

static void disagreements_have_both_sides(void **state) {
    (void)state;
    ss_ctx cx;
    open_context(&cx, SS_REF, SS_F32);
    ss_tensor *picture = empty(&cx, 4, 2, 6, 3, 4), *tokens = empty(&cx, 3, 2, 5, 7, 0);
    ss_tensor *six = empty(&cx, 1, 6, 0, 0, 0), *row = empty(&cx, 2, 3, 6, 0, 0);
    const ss_norm_attr four = {.groups = 4}, two = {.groups = 2};

    says(&cx, ss_group_norm(&cx, picture, six, six, NULL, &four), "group norm: 6 channels do not divide into 4 groups");
    says(&cx, ss_group_norm(&cx, picture, six, row, NULL, &two), "group norm: 6 channels, but 6 scales and 18 offsets");
    says(&cx, ss_group_norm(&cx, picture, six, six, row, &two),
         "group norm: a shift for [2, 6, 3, 4] of F32 has to be [2, 6] and is [3, 6] of F32");
    says(&cx, ss_layer_norm(&cx, tokens, six, six, 0), "layer norm: rows of 7 channels, but 6 scales and 6 offsets");
    says(&cx, ss_geglu(&cx, tokens), "geglu: values and gates need an even number of channels, x is [2, 5, 7]");
    says(&cx, ss_add(&cx, tokens, row), "add: [3, 6] cannot be added to [2, 5, 7]");
    says(&cx, ss_add(&cx, picture, empty(&cx, 2, 3, 4, 0, 0)), "add: [3, 4] cannot be added to [2, 6, 3, 4]");
    says(&cx, ss_concat(&cx, picture, empty(&cx, 4, 2, 6, 3, 5)),
         "concat: [2, 6, 3, 4] of F32 and [2, 6, 3, 5] of F32 differ in more than their channels");
    says(&cx, ss_slice(&cx, picture, 4, 3), "slice: x has 6 channels, 3 from number 4 on are asked for");
    says(&cx, ss_upsample(&cx, tokens, 2, 2),
         "upsample: x has to be [n, c, h, w] and is [2, 5, 7]; it should become 2 x 2");
    says(&cx, ss_embedding(&cx, row, (const int32_t[]){0, 3}, 1, 2),
         "embedding: token 3, but the vocabulary has 3 entries");
    says(&cx, ss_embedding(&cx, tokens, (const int32_t[]){0}, 1, 1),
         "embedding: the table has to be [vocabulary, width] and is [2, 5, 7]");
    says(&cx, ss_timestep_embedding(&cx, (const float[]){1}, 1, 5),
         "timestep embedding: cosines and sines need an even width, not 5");
    says(&cx, ss_to_tokens(&cx, tokens), "tokens: a picture has to be [n, c, h, w] and is [2, 5, 7]");
    says(&cx, ss_to_pixels(&cx, tokens, 2, 3), "pixels: 2 x 3 of them need tokens [n, 6, d], these are [2, 5, 7]");
    close_context(&cx);
}

/* ---- what is easily got wrong */

static void values_by_hand(void **state) {
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        ss_ctx cx;
        open_context(&cx, kind ? SS_CPU : SS_REF, SS_F32);
        /* Cosines first; the frequencies fall from 1 to nearly 1/10000. */
        const float t[] = {0, 2};
        ss_tensor *e = ss_timestep_embedding(&cx, t, 2, 4);
        const float sinusoids[] = {1, 1, 0, 0, cosf(2), cosf(0.02f), sinf(2), sinf(0.02f)};
        for (int i = 0; i < 8; i++) assert_true(fabsf(e->data[i] - sinusoids[i]) < 1e-6f);
        /* Value first, gate second. */
        ss_tensor *x = ss_tensor_wrap(&cx, (float[]){3, -2, 1, 0.5f}, 2, (const int64_t[]){1, 4}),
                  *g = ss_geglu(&cx, x);
        assert_true(fabsf(g->data[0] - 3 * 0.8413447f) < 1e-5f);
        assert_true(fabsf(g->data[1] + 2 * 0.5f * 0.6914625f) < 1e-5f);
        /* Far out GELU is x or nothing; the plain loops keep -9 Phi(-9) as well. */
        const float ends[] = {-9, 30, -1e5f, 1e25f, -1e25f, -5};
        ss_tensor *far = ss_gelu(&cx, ss_tensor_wrap(&cx, (float *)ends, 1, (const int64_t[]){6}));
        assert_true(kind ? far->data[0] == 0 : fabs(far->data[0] / -1.0157295653e-18 - 1) < 2e-5);
        assert_true(fabs(far->data[5] + 1.43325786e-6) < 5e-7);
        assert_true(far->data[1] == 30 && far->data[2] == 0 && far->data[3] == 1e25f && far->data[4] == 0);
        /* A picture's channels lie last: its pixels are tokens without being moved. */
        ss_tensor *picture = empty(&cx, 4, 1, 2, 3, 5), *tokens = ss_to_tokens(&cx, picture);
        assert_ptr_equal(tokens->data, picture->data);
        assert_int_equal(tokens->shape[1], 15);
        assert_int_equal(tokens->shape[2], 2);
        close_context(&cx);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tape_goes_through_all),
        cmocka_unit_test(given_nothing_they_are_quiet),
        cmocka_unit_test(disagreements_have_both_sides),
        cmocka_unit_test(values_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
