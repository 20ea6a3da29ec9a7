/* The sampling loop on the tiny model: guidance is the mix it says, rows that nobody reads are left out without a
 * trace, and hooks are called in order.
 */
#include "diffuse/sample.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "support/golden.h"

enum { SIDE = 8, ONE = 4 * SIDE * SIDE, ROWS = 2 };

static ss_ctx *cx;
static ss_model *model;
static float *x, *without, *with;
static int64_t words;

static int enter(void **state) {
    (void)state;
    if (ss_ctx_new(&cx, &(ss_ctx_options){.threads = 1, .numbers = "float32"})) return -1;
    if (ss_model_open(&model, cx, GOLDEN_DIR "/tiny-sd15", NULL)) return -1;
    words = 77 * model->unet_text_width;
    x = calloc(ROWS * ONE, sizeof *x);
    without = calloc((size_t)(ROWS * words), sizeof *without);
    with = calloc((size_t)(ROWS * words), sizeof *with);
    if (!x || !without || !with) return -1;
    ss_rng rng;
    ss_rng_seed(&rng, 11);
    ss_rng_normal(&rng, x, ROWS * ONE);
    ss_rng_normal(&rng, without, ROWS * words);
    ss_rng_normal(&rng, with, ROWS * words);
    return 0;
}

static int leave(void **state) {
    (void)state;
    free(x);
    free(without);
    free(with);
    ss_model_free(model);
    ss_ctx_free(cx);
    return 0;
}

static ss_sample of_rows(int rows, double guidance) {
    return (ss_sample){.model = model,
                       .rows = rows,
                       .h = SIDE,
                       .w = SIDE,
                       .guidance = guidance,
                       .without = without,
                       .with = with,
                       .what = "drawing"};
}

static void predict(float *y, const ss_sample *s) {
    ss_ctx_clear(cx);
    if (ss_predict(cx, s, 261, 0, x, y)) fail_msg("%s", ss_ctx_error(cx));
}

/* float32, in another order of summation and through one mix. */
static void close_to(const float *a, const float *b, int n) {
    double d = 0, size = 0;
    for (int i = 0; i < n; i++) d += pow((double)a[i] - b[i], 2), size += pow(b[i], 2);
    if (!(sqrt(d / size) < 1e-5)) fail_msg("relative difference %g", sqrt(d / size));
}

static float y[ROWS * ONE], u[ROWS * ONE], c[ROWS * ONE];

static void guidance_mixes_two_predictions(void **state) {
    (void)state;
    ss_sample s = of_rows(ROWS, 1);
    predict(c, &s);
    s.with = without;
    predict(u, &s);
    s = of_rows(ROWS, 4);
    predict(y, &s);
    for (int i = 0; i < ROWS * ONE; i++) c[i] = u[i] + 4 * (c[i] - u[i]);
    close_to(y, c, ROWS * ONE);
}

static int skip_one(void *user, int step) {
    (void)user, (void)step;
    return 1;
}

static void rows_that_nobody_reads_are_left_out(void **state) {
    (void)state;
    for (int guided = 0; guided < 2; guided++) {
        ss_sample s = of_rows(ROWS, guided ? 7.5 : 1);
        predict(c, &s);
        s.unread = skip_one;
        predict(y, &s);
        for (int i = 0; i < ONE; i++) assert_true(y[i] == 0);
        close_to(y + ONE, c + ONE, ONE);
    }
}

/* ---- hooks */

typedef struct diary {
    char text[400];
    int stop_at;
} diary;

static void note(diary *d, const char *what, int step) {
    size_t n = strlen(d->text);
    snprintf(d->text + n, sizeof d->text - n, "%s%d ", what, step);
}

static void before(void *user, int step, float *latents) {
    (void)latents;
    note(user, "before", step);
}

static void after(void *user, int step, float *latents) {
    diary *d = user;
    (void)latents;
    note(d, "after", step);
    if (step == d->stop_at) ss_ctx_stop(cx);
}

static void preview(void *user, int step, int steps, const float *latents) {
    (void)steps, (void)latents;
    note(user, "preview", step);
}

static ss_status run(diary *d, float *latents) {
    ss_sample s = of_rows(1, 1);
    ss_schedule schedule;
    ss_sampler_options options = {0};
    ss_ctx_clear(cx);
    assert_int_equal(ss_schedule_read(&schedule, cx, (ss_object){NULL, "none"}), SS_OK);
    assert_int_equal(ss_sampling_new(&s.sampling, cx, ss_sampler_find(cx, "ddim"), &schedule, 3, &options, ONE), SS_OK);
    s.before = before, s.after = after, s.user = d;
    s.preview = preview, s.preview_user = d;
    memcpy(latents, x, ONE * sizeof *x);
    ss_status st = ss_sample_run(cx, &s, 0, latents);
    ss_sampling_free(s.sampling);
    return st;
}

static void hooks_come_in_order_and_a_stop_between_steps(void **state) {
    (void)state;
    diary whole = {.stop_at = -1}, stopped = {.stop_at = 1};
    assert_int_equal(run(&whole, y), SS_OK);
    assert_string_equal(whole.text, "before0 after0 preview1 before1 after1 preview2 before2 after2 preview3 ");
    assert_int_equal(run(&stopped, c), SS_ERR_STOPPED);
    assert_string_equal(stopped.text, "before0 after0 preview1 before1 after1 preview2 ");
    assert_string_equal(ss_ctx_error(cx), "stopped on request");
    assert_int_equal(cx->arena->used, 0);
}

/* A run's controllers are its own. */
static void the_contexts_controllers_are_put_back(void **state) {
    (void)state;
    ss_control mine = {0}, other = {0};
    ss_sample s = of_rows(1, 1);
    s.control = &other;
    cx->control = &mine;
    predict(y, &s);
    assert_ptr_equal(cx->control, &mine);
    cx->control = NULL;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(guidance_mixes_two_predictions),
        cmocka_unit_test(rows_that_nobody_reads_are_left_out),
        cmocka_unit_test(hooks_come_in_order_and_a_stop_between_steps),
        cmocka_unit_test(the_contexts_controllers_are_put_back),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
