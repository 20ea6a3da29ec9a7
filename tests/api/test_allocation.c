/* Every allocation of opening a model and drawing with it fails in turn, in strides: each run ends with SS_ERR_NOMEM
 * and its sentence, or with a picture. The sanitizers watch for what is left behind.
 */
#include "base/arena.h"
#include "base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/golden.h"

#define TINY GOLDEN_DIR "/tiny-sd15"

/* Opening and drawing with the n-th allocation failing; returns whether it was reached. */
static bool run(ss_ctx *cx, ss_model *opened, int64_t n) {
    ss_model *m = NULL;
    ss_image im = {0};
    uint8_t grey[8 * 8 * 3] = {0};
    ss_image photo = {.w = 8, .h = 8, .rgb = grey};
    const char *prompts[] = {"a cat", "a dog"};
    ss_generate_request r = {.prompt = "a cat", .width = 8, .height = 8, .sampling = {.sampler = "ddim", .steps = 1}};
    ss_edit_request q = {.photo = &photo,
                         .width = 8,
                         .height = 8,
                         .source = "a cat",
                         .prompts = prompts,
                         .prompt_count = 2,
                         .method = SS_METHOD_AUTO,
                         .subject = "cat",
                         .target_subject = "a",
                         .sampling = {.steps = 1},
                         .control = {.from_given = true}};
    ss_edited e = {0};
    cx->fail_allocation = n;
    ss_status st = opened ? SS_OK : ss_model_open(&m, cx, TINY, NULL);
    if (!st && !opened) st = ss_generate(&im, cx, m, &r);
    if (opened) st = ss_edit(&e, cx, opened, &q);
    bool reached = cx->fail_allocation < 0;
    cx->fail_allocation = -1;
    if (st && st != SS_ERR_NOMEM) fail_msg("allocation %lld: status %d: %s", (long long)n, st, ss_ctx_error(cx));
    if (st && !ss_ctx_error(cx)[0]) fail_msg("allocation %lld: no sentence", (long long)n);
    if (!st && reached) fail_msg("allocation %lld failed and nobody noticed", (long long)n);
    if (!st && !opened) assert_int_equal(im.w, 8);
    if (st) assert_null(im.rgb);
    assert_int_equal(cx->arena->used, 0);
    ss_image_free(&im);
    ss_edited_free(&e);
    ss_model_free(m);
    return reached;
}

/* Runs until no allocation is left to fail. All of the first, where the kinds of them change quickly, then strides that
 * grow: a prime apart at least, not to fall into step with the layers. */
static void fail_in_turn(ss_ctx *cx, ss_model *opened, int64_t first) {
    int runs = 0;
    for (int64_t n = 0; run(cx, opened, n); runs++) n += n < first ? 1 : 7 + n / 40;
    assert_true(runs > 50);
}

static ss_ctx *context(const char *device) {
    ss_ctx *cx = NULL;
    if (ss_ctx_new(&cx, &(ss_ctx_options){.threads = 1, .numbers = "float32", .device = device}))
        fail_msg("no context");
    return cx;
}

static void opening_and_drawing(void **state) {
    (void)state;
    ss_ctx *cx = context("cpu");
    fail_in_turn(cx, NULL, 40);
    ss_ctx_free(cx);
}

static void editing(void **state) {
    (void)state;
    ss_ctx *cx = context("cpu");
    ss_model *m = NULL;
    assert_int_equal(ss_model_open(&m, cx, TINY, NULL), SS_OK);
    fail_in_turn(cx, m, 20);
    ss_model_free(m);
    ss_ctx_free(cx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opening_and_drawing),
        cmocka_unit_test(editing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
