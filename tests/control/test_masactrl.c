/* MasaCtrl where its result is known without it: controlling nothing, reading oneself twice, masks that hide nothing,
 * and the same source laid out in three ways. One guided prediction of the tiny model each.
 */
#include "control/masactrl.h"
#include "diffuse/sample.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "support/golden.h"

enum { SIDE = 16, ONE = 4 * SIDE * SIDE, ROWS = 3 }; /* a source and two targets */

static ss_ctx *cx;
static ss_model *model;
static float *x, *without, *with; /* [ROWS][ONE], [ROWS][77 * d] */
static int64_t words;

/* Only the order of summation differs between the compared runs: float32's rounding through 16 layers. */
static const double rounding = 1e-5;

static int enter(void **state) {
    (void)state;
    if (ss_ctx_new(&cx, &(ss_ctx_options){.threads = 2, .numbers = "float32"})) return -1;
    if (ss_model_open(&model, cx, GOLDEN_DIR "/tiny-sd15", NULL)) return -1;
    words = 77 * model->unet_text_width;
    x = calloc(ROWS * ONE, sizeof *x);
    without = calloc((size_t)(ROWS * words), sizeof *without);
    with = calloc((size_t)(ROWS * words), sizeof *with);
    if (!x || !without || !with) return -1;
    ss_rng rng;
    ss_rng_seed(&rng, 5);
    ss_rng_normal(&rng, x, ROWS * ONE);
    ss_rng_normal(&rng, with, ROWS * words);
    ss_rng_normal(&rng, without, words);
    for (int i = 1; i < ROWS; i++) memcpy(without + i * words, without, (size_t)words * sizeof *without);
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

static const bool on[] = {true}, off[] = {false};

/* Control from the tenth layer on, as the method's authors have it. */
static ss_masactrl control_of(ss_method method) {
    ss_masactrl m = {.method = method, .halves = 2, .steps = on, .step_count = 1, .threshold = 0.3f};
    static const ss_token_set targets[2] = {{1, {2}}, {2, {1, 4}}};
    for (int i = 10; i < SS_LAYERS; i++) m.layers[i] = true;
    m.source_words = (ss_token_set){1, {3}};
    m.target_words = targets;
    ss_masactrl_init(&m);
    return m;
}

/* The prediction y for `rows` rows from row `first` on. */
static void predict(float *y, ss_masactrl *m, int first, int rows, int shared, double guidance) {
    ss_sample s = {.model = model,
                   .rows = rows,
                   .h = SIDE,
                   .w = SIDE,
                   .guidance = guidance,
                   .shared = shared,
                   .without = without + first * words,
                   .with = with + first * words,
                   .control = m ? &m->control : NULL};
    ss_ctx_clear(cx);
    if (ss_predict(cx, &s, 481, 0, x + first * ONE, y)) fail_msg("%s", ss_ctx_error(cx));
    if (m) ss_masactrl_clear(m);
}

static double relative(const float *a, const float *b, int64_t n) {
    double d = 0, size = 0;
    for (int64_t i = 0; i < n; i++) d += pow((double)a[i] - b[i], 2), size += pow(b[i], 2);
    return sqrt(d / size);
}

static void close_to(const float *a, const float *b, int64_t n) {
    double d = relative(a, b, n);
    if (!(d < rounding)) fail_msg("relative difference %g", d);
}

static void differs(const float *a, const float *b, int64_t n) {
    double d = relative(a, b, n);
    if (!(d > 1e-3)) fail_msg("relative difference only %g", d);
}

/* ------------------------------------------------------------------------------------------------ the tests */

static float a[ROWS * ONE], b[ROWS * ONE];

static void no_controlled_layer_or_step_is_the_plain_run(void **state) {
    (void)state;
    predict(a, NULL, 0, ROWS, 0, 7.5);
    for (int method = 0; method <= SS_METHOD_UNION; method++)
        for (int i = 0; i < 3; i++) {
            ss_masactrl m = control_of((ss_method)method);
            if (i == 0) memset(m.layers, 0, sizeof m.layers);
            if (i == 1) m.steps = off;
            if (i == 2) m.step_count = 0;
            predict(b, &m, 0, ROWS, 0, 7.5);
            assert_memory_equal(a, b, sizeof a);
        }
}

static void targets_change_and_the_source_does_not(void **state) {
    (void)state;
    static const ss_method methods[] = {SS_METHOD_MASACTRL, SS_METHOD_UNION, SS_METHOD_AUTO};
    predict(a, NULL, 0, ROWS, 0, 7.5);
    for (int i = 0; i < SS_COUNT_OF(methods); i++) {
        ss_masactrl m = control_of(methods[i]);
        predict(b, &m, 0, ROWS, 0, 7.5);
        close_to(b, a, ONE);
        differs(b + ONE, a + ONE, ONE);
        differs(b + 2 * ONE, a + 2 * ONE, ONE);
    }
}

/* A target that is its source reads its own keys, once or twice over: the softmax of both halves is the same mean. */
static void a_target_equal_to_its_source_is_not_changed(void **state) {
    (void)state;
    static const ss_method methods[] = {SS_METHOD_MASACTRL, SS_METHOD_UNION};
    memcpy(x + ONE, x, ONE * sizeof *x);
    memcpy(with + words, with, (size_t)words * sizeof *with);
    predict(a, NULL, 0, ROWS, 0, 7.5);
    for (int i = 0; i < SS_COUNT_OF(methods); i++) {
        ss_masactrl m = control_of(methods[i]);
        predict(b, &m, 0, ROWS, 0, 7.5);
        close_to(b + ONE, a + ONE, ONE);
        differs(b + 2 * ONE, a + 2 * ONE, ONE);
    }
    ss_rng rng;
    ss_rng_seed(&rng, 6);
    ss_rng_normal(&rng, x + ONE, ONE);
    ss_rng_normal(&rng, with + words, words);
}

static void masks_of_ones_hide_nothing(void **state) {
    (void)state;
    float ones[12];
    for (int i = 0; i < 12; i++) ones[i] = 1;
    ss_masactrl plain = control_of(SS_METHOD_MASACTRL), masked = control_of(SS_METHOD_MASK);
    masked.source_mask = (ss_mask){4, 3, ones}, masked.target_mask = (ss_mask){3, 4, ones};
    predict(a, &plain, 0, ROWS, 0, 7.5);
    predict(b, &masked, 0, ROWS, 0, 7.5);
    close_to(b, a, ROWS * ONE);

    for (int i = 0; i < 6; i++) ones[i] = 0; /* and masks of less do */
    predict(b, &masked, 0, ROWS, 0, 7.5);
    differs(b + ONE, a + ONE, ONE);
}

/* Where the target's mask is 0 everywhere nothing is carried over, where it is 1 everything, whatever the background
 * does; in between it differs from a background that reads the source. */
static void a_background_of_its_own_reads_itself(void **state) {
    (void)state;
    float ones[12], zeros[12] = {0}, half[12];
    for (int i = 0; i < 12; i++) ones[i] = 1, half[i] = i < 6;
    ss_masactrl plain = control_of(SS_METHOD_MASACTRL), masked = control_of(SS_METHOD_MASK);
    masked.own_background = true;
    masked.source_mask = (ss_mask){4, 3, ones}, masked.target_mask = (ss_mask){4, 3, zeros};
    predict(a, NULL, 0, ROWS, 0, 7.5);
    predict(b, &masked, 0, ROWS, 0, 7.5);
    close_to(b, a, ROWS * ONE);
    masked.target_mask.data = ones;
    predict(a, &plain, 0, ROWS, 0, 7.5);
    predict(b, &masked, 0, ROWS, 0, 7.5);
    close_to(b, a, ROWS * ONE);
    masked.source_mask.data = masked.target_mask.data = half;
    predict(b, &masked, 0, ROWS, 0, 7.5);
    masked.own_background = false;
    predict(a, &masked, 0, ROWS, 0, 7.5);
    close_to(b, a, ONE);
    differs(b + ONE, a + ONE, ONE);
}

/* With the same text in both halves the source comes once. */
static void a_shared_source_is_the_same_as_two(void **state) {
    (void)state;
    static const ss_method methods[] = {SS_METHOD_MASACTRL, SS_METHOD_UNION, SS_METHOD_AUTO};
    float *old = malloc((size_t)words * sizeof *old);
    assert_non_null(old);
    memcpy(old, with, (size_t)words * sizeof *old);
    memcpy(with, without, (size_t)words * sizeof *with);
    for (int i = 0; i < SS_COUNT_OF(methods); i++) {
        ss_masactrl two = control_of(methods[i]), one = control_of(methods[i]);
        one.source_shared = true;
        for (int own = 0; own < 1 + (methods[i] == SS_METHOD_AUTO); own++) {
            two.own_background = one.own_background = own;
            predict(a, &two, 0, ROWS, 0, 7.5);
            predict(b, &one, 0, ROWS, 1, 7.5);
            close_to(b, a, ROWS * ONE);
        }
    }
    memcpy(with, old, (size_t)words * sizeof *with);
    free(old);
}

static void kept_keys_stand_in_for_the_source(void **state) {
    (void)state;
    static const ss_method methods[] = {SS_METHOD_MASACTRL, SS_METHOD_UNION, SS_METHOD_AUTO};
    for (int i = 0; i < 2 * SS_COUNT_OF(methods) + 2; i++) {
        bool own = i / 2 == SS_COUNT_OF(methods); /* once more the last one, with a background of its own */
        double guidance = i % 2 ? 7.5 : 1;
        ss_keep *keep = NULL;
        ss_masactrl joint = control_of(methods[i / 2 - own]), alone = control_of(methods[i / 2 - own]);
        joint.own_background = alone.own_background = own;
        joint.halves = alone.halves = i % 2 ? 2 : 1;
        assert_int_equal(ss_keep_new(&keep, cx, 1, SS_LAYERS, joint.halves), SS_OK);
        joint.keep = alone.keep = keep;
        alone.source_absent = true;
        predict(a, &joint, 0, ROWS, 0, guidance);
        predict(b, &alone, 1, ROWS - 1, 0, guidance);
        close_to(b, a + ONE, (ROWS - 1) * ONE);
        ss_keep_free(keep);
    }
}

static void keys_that_were_not_kept_are_asked_for(void **state) {
    (void)state;
    ss_keep *keep = NULL;
    ss_masactrl m = control_of(SS_METHOD_MASACTRL);
    ss_sample s = {.model = model,
                   .rows = 1,
                   .h = SIDE,
                   .w = SIDE,
                   .guidance = 7.5,
                   .without = without,
                   .with = with,
                   .control = &m.control};
    assert_int_equal(ss_keep_new(&keep, cx, 1, SS_LAYERS, 2), SS_OK);
    m.keep = keep, m.source_absent = true;
    ss_ctx_clear(cx);
    assert_int_equal(ss_predict(cx, &s, 481, 0, x, b), SS_ERR_ARG);
    assert_non_null(strstr(ss_ctx_error(cx), "no keys for step 0, layer 10"));
    ss_ctx_clear(cx);
    ss_masactrl_clear(&m);
    ss_keep_free(keep);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_controlled_layer_or_step_is_the_plain_run),
        cmocka_unit_test(targets_change_and_the_source_does_not),
        cmocka_unit_test(a_target_equal_to_its_source_is_not_changed),
        cmocka_unit_test(masks_of_ones_hide_nothing),
        cmocka_unit_test(a_background_of_its_own_reads_itself),
        cmocka_unit_test(a_shared_source_is_the_same_as_two),
        cmocka_unit_test(kept_keys_stand_in_for_the_source),
        cmocka_unit_test(keys_that_were_not_kept_are_asked_for),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
