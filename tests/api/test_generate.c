/* ss_generate on the tiny model: equal requests give equal bytes, the devices and the number types agree, and requests
 * that make no sense say why.
 */
#include "base/base.h"
#include "device/device.h"
#include "io/image.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/golden.h"

#define TINY GOLDEN_DIR "/tiny-sd15"

static ss_ctx *cx;
static ss_model *model;
static char said[2048];

static void keep_note(void *user, ss_log_level level, const char *sentence) {
    (void)user, (void)level;
    snprintf(said, sizeof said, "%s", sentence);
}

static ss_ctx *context(const char *device, const char *numbers) {
    ss_ctx *c = NULL;
    ss_ctx_options o = {.callbacks = {.log = keep_note}, .threads = 2, .device = device, .numbers = numbers};
    if (ss_ctx_new(&c, &o)) fail_msg("%s", ss_ctx_error(c));
    return c;
}

static ss_model *opened(ss_ctx *c) {
    ss_model *m = NULL;
    if (ss_model_open(&m, c, TINY, NULL)) fail_msg("%s", ss_ctx_error(c));
    return m;
}

static int enter(void **state) {
    (void)state;
    cx = context("cpu", "float32");
    model = opened(cx);
    return 0;
}

static int leave(void **state) {
    (void)state;
    ss_model_free(model);
    ss_ctx_free(cx);
    return 0;
}

/* A request that takes a moment. */
static ss_generate_request small(void) {
    return (ss_generate_request){.prompt = "a red cat on a wall",
                                 .negative = "blurry",
                                 .seed = 7,
                                 .width = 64,
                                 .height = 64,
                                 .sampling = {.sampler = "ddim", .steps = 4}};
}

static ss_image drawn_by(ss_ctx *c, ss_model *m, const ss_generate_request *r) {
    ss_image im = {0};
    if (ss_generate(&im, c, m, r)) fail_msg("%s", ss_ctx_error(c));
    return im;
}

static ss_image drawn(const ss_generate_request *r) { return drawn_by(cx, model, r); }

static bool equal(const ss_image *a, const ss_image *b) {
    return a->w == b->w && a->h == b->h && !memcmp(a->rgb, b->rgb, (size_t)a->w * (size_t)a->h * 3);
}

static void free_both(ss_image *a, ss_image *b) {
    ss_image_free(a);
    ss_image_free(b);
}

/* ------------------------------------------------------------------------------------------------ repeatability */

static void equal_requests_give_equal_bytes(void **state) {
    (void)state;
    static const char *const samplers[] = {NULL, "ddim", "euler a", "dpmpp2m"};
    for (int i = 0; i < SS_COUNT_OF(samplers); i++) {
        ss_generate_request r = small();
        r.sampling.sampler = samplers[i];
        ss_image a = drawn(&r), b = drawn(&r);
        assert_true(equal(&a, &b));
        ss_image_free(&b);
        r.seed++;
        b = drawn(&r);
        assert_false(equal(&a, &b));
        free_both(&a, &b);
    }
}

/* What a request says has an effect; what says the same has none. */
static void options_change_the_picture_and_defaults_do_not(void **state) {
    (void)state;
    ss_generate_request r = small();
    r.sampling.steps = 2;
    ss_image plain = drawn(&r);
    for (int i = 0; i < 8; i++) {
        ss_generate_request q = r;
        bool same = i >= 5;
        if (i == 0) q.prompt = "a dog";
        if (i == 1) q.negative = NULL;
        if (i == 2) q.sampling.guidance = 3;
        if (i == 3) q.sampling.clip_skip = 2;
        if (i == 4) q.sampling.eta = 1;
        if (i == 5) q.sampling.guidance = 7.5;
        if (i == 6) q.sampling.clip_skip = 1;
        if (i == 7) q.batch = 1, q.width = 71, q.height = 70; /* rounded down, which is said */
        ss_image other = drawn(&q);
        if (equal(&plain, &other) != same) fail_msg("change %d: %s", i, same ? "another picture" : "the same picture");
        ss_image_free(&other);
    }
    assert_non_null(strstr(said, "71x70 is drawn as 64x64"));
    ss_image_free(&plain);
}

static void a_batch_is_one_stream_of_noise(void **state) {
    (void)state;
    ss_generate_request r = small();
    ss_image im[3] = {{0}}, one = drawn(&r);
    r.batch = 3;
    if (ss_generate(im, cx, model, &r)) fail_msg("%s", ss_ctx_error(cx));
    assert_false(equal(&im[0], &im[1]));
    assert_false(equal(&im[1], &im[2]));
    /* The first has the same noise as alone; a batch may sum in another order. */
    assert_true(ss_psnr(&im[0], &one) > 60);
    for (int i = 0; i < 3; i++) ss_image_free(&im[i]);
    ss_image_free(&one);
}

/* ------------------------------------------------------------------------------------------------ sizes, pictures */

static void odd_sizes_are_drawn(void **state) {
    (void)state;
    static const int sizes[][2] = {{8, 8}, {72, 40}, {8, 136}, {24, 8}};
    for (int i = 0; i < SS_COUNT_OF(sizes); i++) {
        ss_generate_request r = small();
        r.width = sizes[i][0], r.height = sizes[i][1], r.sampling.steps = 2;
        ss_image a = drawn(&r);
        assert_int_equal(a.w, sizes[i][0]);
        assert_int_equal(a.h, sizes[i][1]);
        ss_image_free(&a);
    }
}

static void a_picture_to_start_from_is_changed_as_much_as_asked(void **state) {
    (void)state;
    ss_generate_request r = small();
    ss_image photo = drawn(&r);
    r.init = &photo, r.sampling.steps = 10, r.seed = 9, r.width = r.height = 0;
    r.strength = 0.1;
    ss_image little = drawn(&r), again = drawn(&r);
    assert_true(equal(&little, &again));
    r.strength = 1;
    ss_image much = drawn(&r);
    assert_int_equal(much.w, 64);
    assert_true(ss_psnr(&little, &photo) > ss_psnr(&much, &photo));
    free_both(&little, &again);
    free_both(&much, &photo);
}

static int previews, preview_steps;

static void preview(void *user, const ss_image *picture, int step, int steps) {
    assert_ptr_equal(user, &previews);
    assert_int_equal(picture->w, 64);
    assert_int_equal(picture->h, 64);
    assert_int_equal(step, ++previews);
    preview_steps = steps;
}

/* Shown at every step, and looked at, not touched. */
static void previews_show_every_step_and_change_nothing(void **state) {
    (void)state;
    ss_generate_request r = small();
    ss_image a = drawn(&r);
    previews = 0;
    r.preview = preview, r.preview_user = &previews;
    ss_image b = drawn(&r);
    assert_int_equal(previews, 4);
    assert_int_equal(preview_steps, 4);
    assert_true(equal(&a, &b));
    free_both(&a, &b);
}

/* ------------------------------------------------------------------------------------------------ devices, numbers */

/* Four guided steps in float32, summed in another order: a pixel may round the other way. */
static void the_processor_agrees_with_the_plain_loops(void **state) {
    (void)state;
    ss_ctx *plain = context("reference", NULL);
    ss_model *m = opened(plain);
    ss_generate_request r = small();
    r.width = 40, r.height = 32;
    ss_image a = drawn_by(plain, m, &r), b = drawn(&r);
    assert_true(ss_psnr(&a, &b) > 60);
    free_both(&a, &b);
    ss_model_free(m);
    ss_ctx_free(plain);
}

static void bfloat16_is_close_to_float32(void **state) {
    (void)state;
    if (!ss_cpu_detect(NULL).avx512_bf16) {
        print_message("skipped: this processor does not multiply bfloat16\n");
        skip();
    }
    ss_ctx *half = context("cpu", "bfloat16");
    assert_string_equal(ss_ctx_numbers(half), "bfloat16");
    ss_model *m = opened(half);
    ss_generate_request r = small();
    r.width = r.height = 128, r.sampling.steps = 6;
    ss_image a = drawn_by(half, m, &r), b = drawn(&r);
    double psnr = ss_psnr(&a, &b);
    if (psnr < 35) fail_msg("%.1f dB", psnr);
    free_both(&a, &b);
    ss_model_free(m);
    ss_ctx_free(half);
}

/* ------------------------------------------------------------------------------------------------ stopping, refusing
 */

static void stop_at_second_step(void *user, const ss_image *picture, int step, int steps) {
    (void)picture, (void)steps;
    if (step == 2) ss_ctx_stop(user);
}

static void a_stop_leaves_outputs_alone_and_the_context_usable(void **state) {
    (void)state;
    ss_generate_request r = small();
    ss_image im = {.w = 77};
    r.preview = stop_at_second_step, r.preview_user = cx;
    assert_int_equal(ss_generate(&im, cx, model, &r), SS_ERR_STOPPED);
    assert_int_equal(im.w, 77);
    assert_null(im.rgb);
    r.preview = NULL;
    im = drawn(&r);
    ss_image_free(&im);
}

static void requests_that_make_no_sense_say_why(void **state) {
    (void)state;
    uint8_t pixels[12 * 8 * 3] = {0};
    ss_image odd = {.w = 12, .h = 8, .rgb = pixels}, fits = {.w = 8, .h = 8, .rgb = pixels};
    static const char *const words[] = {
        "strength 0.5 says", "strength 2",      "strength -0.5", "batch -1",     "batch 65", "batch -2147", "12x8",
        "sides go from 8",   "sides go from 8", "guidance -1",   "guidance 101", "-3 steps", "1001 steps",  "eta 1.5",
        "clip skip 9",       "sampler",         "not UTF-8"};
    for (int i = 0; i < SS_COUNT_OF(words); i++) {
        ss_generate_request r = small();
        if (i == 0) r.strength = 0.5;
        if (i == 1) r.init = &fits, r.strength = 2;
        if (i == 2) r.init = &fits, r.strength = -0.5;
        if (i == 3) r.batch = -1;
        if (i == 4) r.batch = 65;
        if (i == 5) r.batch = -2147483647;
        if (i == 6) r.init = &odd;
        if (i == 7) r.width = 4;
        if (i == 8) r.height = 100000;
        if (i == 9) r.sampling.guidance = -1;
        if (i == 10) r.sampling.guidance = 101;
        if (i == 11) r.sampling.steps = -3;
        if (i == 12) r.sampling.steps = 1001;
        if (i == 13) r.sampling.eta = 1.5;
        if (i == 14) r.sampling.clip_skip = 9;
        if (i == 15) r.sampling.sampler = "dimm";
        if (i == 16) r.prompt = "a cat \xff";
        ss_image im = {.w = 77};
        ss_status st = ss_generate(&im, cx, model, &r);
        if (st != SS_ERR_ARG || !strstr(ss_ctx_error(cx), words[i]))
            fail_msg("request %d: status %d, no \"%s\" in \"%s\"", i, st, words[i], ss_ctx_error(cx));
        assert_int_equal(im.w, 77);
    }
}

static void a_prompt_that_is_too_long_is_said_with_what_is_cut(void **state) {
    (void)state;
    ss_generate_request r = small();
    char prompt[1200] = "";
    for (int i = 0; i < 90; i++) strcat(prompt, "cat ");
    strcat(prompt, "zebra");
    r.prompt = prompt, r.sampling.steps = 1;
    ss_image a = drawn(&r);
    assert_non_null(strstr(said, "the model reads 75"));
    assert_non_null(strstr(said, "zebra\" was left out"));
    ss_image_free(&a);
}

static void memory_is_foretold(void **state) {
    (void)state;
    ss_memory few, many;
    ss_generate_request r = small();
    assert_int_equal(ss_generate_memory(&few, cx, model, &r), SS_OK);
    r.width = r.height = 256, r.batch = 4;
    assert_int_equal(ss_generate_memory(&many, cx, model, &r), SS_OK);
    assert_true(few.weights == many.weights && few.weights > 0);
    assert_true(many.pass > 10 * few.pass);
    assert_true(few.peak > few.weights + few.pass && few.available > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_requests_give_equal_bytes),
        cmocka_unit_test(options_change_the_picture_and_defaults_do_not),
        cmocka_unit_test(a_batch_is_one_stream_of_noise),
        cmocka_unit_test(odd_sizes_are_drawn),
        cmocka_unit_test(a_picture_to_start_from_is_changed_as_much_as_asked),
        cmocka_unit_test(previews_show_every_step_and_change_nothing),
        cmocka_unit_test(the_processor_agrees_with_the_plain_loops),
        cmocka_unit_test(bfloat16_is_close_to_float32),
        cmocka_unit_test(a_stop_leaves_outputs_alone_and_the_context_usable),
        cmocka_unit_test(requests_that_make_no_sense_say_why),
        cmocka_unit_test(a_prompt_that_is_too_long_is_said_with_what_is_cut),
        cmocka_unit_test(memory_is_foretold),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
