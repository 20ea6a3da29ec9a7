/* Reusing the deep part of the UNet: exact where nothing has changed, whole where what was kept does not fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "model/model.h"
#include "support/golden.h"
#include <stdlib.h>
#include <string.h>

typedef struct scene {
    ss_ctx *cx;
    ss_model *m;
} scene;

/* Counts self-attention of the middle block, layer 6, and of those that always run. */
typedef struct counter {
    ss_control control;
    int middle, outermost, shallow;
} counter;

static ss_status plan(ss_control *self, ss_ctx *cx, const ss_attn_site *site, ss_attn_plan *p) {
    counter *c = (counter *)self;
    (void)cx, (void)p;
    if (site->kind != SS_SELF) return SS_OK;
    c->middle += site->layer == 6;
    c->outermost += site->layer == 0 || site->layer == 14 || site->layer == 15;
    c->shallow += site->shallow;
    return SS_OK;
}

static scene open_scene(const char *device) {
    scene s = {0};
    assert_int_equal(ss_ctx_new(&s.cx, &(ss_ctx_options){.device = device, .threads = 2}), SS_OK);
    assert_int_equal(ss_model_open(&s.m, s.cx, GOLDEN_DIR "/tiny-sd15", NULL), SS_OK);
    return s;
}

static void close_scene(scene *s) {
    ss_model_free(s->m);
    ss_ctx_free(s->cx);
}

/* The prediction for n pictures of noise from `seed`; freed by the caller. */
static float *predict(scene *s, ss_deep *deep, uint64_t seed, int64_t n, int64_t h, int64_t w) {
    ss_ctx *cx = s->cx;
    ss_mark start = ss_arena_mark(cx->arena);
    float t[4] = {500, 500, 500, 500};
    ss_rng rng;
    ss_rng_seed(&rng, seed);
    ss_tensor *x = ss_tensor_new(cx, SS_F32, 4, (int64_t[]){n, 4, h, w});
    ss_tensor *text = ss_tensor_new(cx, SS_F32, 3, (int64_t[]){n, 77, s->m->unet_text_width});
    ss_rng_normal(&rng, x->data, ss_count(x));
    ss_rng_normal(&rng, text->data, ss_count(text));
    ss_tensor *y = ss_unet_run_reusing(cx, &s->m->unet, x, t, text, 0, deep);
    if (!y) fail_msg("%s", ss_ctx_error(cx));
    size_t bytes = (size_t)ss_count(y) * sizeof(float);
    float *copy = malloc(bytes);
    assert_non_null(copy);
    memcpy(copy, y->data, bytes);
    ss_arena_rewind(cx->arena, start);
    return copy;
}

static bool same(const float *a, const float *b, int64_t n) { return !memcmp(a, b, (size_t)n * sizeof *a); }

static void an_unchanged_input_gives_the_same_bits(void **state) {
    (void)state;
    static const char *const devices[] = {"reference", "cpu"};
    for (int i = 0; i < 2; i++) {
        scene s = open_scene(devices[i]);
        counter c = {.control = {.plan = plan}};
        ss_deep deep = {.every = 3};
        s.cx->control = &c.control;
        int64_t n = 2 * 4 * 9 * 7; /* odd sizes on the way up */
        float *exact = predict(&s, NULL, 1, 2, 9, 7), *whole = predict(&s, &deep, 1, 2, 9, 7);
        assert_int_equal(c.middle, 2);
        assert_int_equal(c.outermost, 6);
        deep.call = 1;
        float *shallow = predict(&s, &deep, 1, 2, 9, 7);
        assert_int_equal(c.middle, 2);
        assert_int_equal(c.outermost, 9);
        assert_int_equal(c.shallow, 3);
        assert_true(same(exact, whole, n));
        assert_true(same(exact, shallow, n));
        free(exact);
        free(whole);
        free(shallow);
        ss_deep_clear(&deep);
        close_scene(&s);
    }
}

static void what_does_not_fit_is_not_reused(void **state) {
    (void)state;
    scene s = open_scene("cpu");
    counter c = {.control = {.plan = plan}};
    ss_deep deep = {.every = 4};
    s.cx->control = &c.control;
    /* calls, pictures, rows: whole or not */
    static const struct {
        int call;
        int64_t n, h;
        bool whole;
    } passes[] = {{0, 2, 8, true},  {1, 2, 8, false},  {2, 3, 8, true},   {3, 3, 8, false}, {4, 3, 8, true},
                  {5, 3, 16, true}, {6, 3, 16, false}, {11, 3, 16, true}, {12, 3, 16, true}};
    for (int i = 0; i < SS_COUNT_OF(passes); i++) {
        int before = c.middle;
        deep.call = passes[i].call;
        free(predict(&s, &deep, (uint64_t)i, passes[i].n, passes[i].h, 8));
        if ((c.middle > before) != passes[i].whole) fail_msg("pass %d at call %d", i, deep.call);
    }
    ss_deep_clear(&deep);
    close_scene(&s);
}

static void a_new_input_is_seen_by_the_outermost_blocks(void **state) {
    (void)state;
    scene s = open_scene("cpu");
    ss_deep deep = {.every = 2};
    float *first = predict(&s, &deep, 1, 2, 8, 8);
    deep.call = 1;
    float *second = predict(&s, &deep, 2, 2, 8, 8), *exact = predict(&s, NULL, 2, 2, 8, 8);
    assert_false(same(first, second, 2 * 4 * 64));
    assert_false(same(exact, second, 2 * 4 * 64));
    free(first);
    free(second);
    free(exact);
    ss_deep_clear(&deep);
    close_scene(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unchanged_input_gives_the_same_bits),
        cmocka_unit_test(what_does_not_fit_is_not_reused),
        cmocka_unit_test(a_new_input_is_seen_by_the_outermost_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
