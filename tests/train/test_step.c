/* The training step: recompute gives the gradient that keeping gives, to the bit; a rate of zero leaves the model
 * alone; masks, weights, clipping, AdamW and schedules by their formulas. */
#include "base/rng.h"
#include "model/alter.h"
#include "support/golden.h"
#include "train/custom_diffusion.h"
#include "train/rate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 8, ROWS = 2, COUNT = ROWS * 4 * SIDE * SIDE };

typedef struct scene {
    ss_ctx *cx;
    ss_model *m;
    ss_trainer t;
    float x[2 * COUNT], mask[SIDE * SIDE];
    ss_loss_row rows[ROWS];
    int32_t ids[ROWS][77];
} scene;

static void close_scene(scene *s) {
    ss_trainer_close(&s->t);
    ss_model_free(s->m);
    ss_ctx_free(s->cx);
}

static void open_scene(scene *s, const char *numbers, ss_trained what, bool recompute) {
    memset(s, 0, sizeof *s);
    assert_int_equal(ss_ctx_new(&s->cx, &(ss_ctx_options){.numbers = numbers, .threads = 1}), SS_OK);
    assert_int_equal(ss_model_open(&s->m, s->cx, GOLDEN_DIR "/tiny-sd15", NULL), SS_OK);
    int64_t width = ss_model_token_width(s->m), first;
    float *row = malloc((size_t)width * sizeof *row);
    ss_model_token_row(row, s->m, 320);
    assert_int_equal(ss_model_add_token(&first, s->cx, s->m, "<new1>", 1, width, row), SS_OK);
    free(row);
    assert_int_equal(ss_trainer_open(&s->t, s->cx, s->m, what, recompute), SS_OK);
    ss_tokens info;
    ss_rng rng;
    ss_rng_seed(&rng, 5);
    ss_rng_normal(&rng, s->x, 2 * COUNT);
    for (int i = 0; i < SIDE * SIDE; i++) s->mask[i] = i % 3 == 0;
    s->rows[0] = (ss_loss_row){.t = 300, .weight = 1, .mask = s->mask};
    s->rows[1] = (ss_loss_row){.t = 700, .weight = 0.25f};
    assert_int_equal(ss_tokenize(s->m->tokenizer, s->cx, "photo of a <new1> dog", s->ids[0], &info), SS_OK);
    assert_int_equal(ss_tokenize(s->m->tokenizer, s->cx, "a dog", s->ids[1], &info), SS_OK);
}

static double micro_step(scene *s) {
    double loss = 0;
    ss_batch b = {.n = ROWS,
                  .h = SIDE,
                  .w = SIDE,
                  .x = s->x,
                  .noise = s->x + COUNT,
                  .rows = s->rows,
                  .ids = (const int32_t(*)[77])s->ids};
    if (ss_trainer_micro_step(&s->t, s->cx, &b, 1, &loss)) fail_msg("%s", ss_ctx_error(s->cx));
    return loss;
}

static void recompute_gives_the_same_gradient(void **state) {
    static const char *const numbers[] = {"float32", "bfloat16"};
    (void)state;
    for (int i = 0; i < 2; i++)
        for (ss_trained what = SS_TRAIN_KV; what <= SS_TRAIN_CROSS; what++) {
            if (i && !ss_cpu_detect(NULL).avx512) continue;
            scene *kept = malloc(sizeof *kept), *again = malloc(sizeof *again);
            open_scene(kept, numbers[i], what, false);
            open_scene(again, numbers[i], what, true);
            assert_true(micro_step(kept) == micro_step(again));
            assert_int_equal(kept->t.count, what == SS_TRAIN_KV ? 33 : 81);
            assert_true(ss_trainer_norm(&kept->t) > 0);
            for (int k = 0; k < kept->t.count; k++)
                assert_memory_equal(kept->t.at[k].param->grad, again->t.at[k].param->grad,
                                    (size_t)kept->t.at[k].count * sizeof(float));
            assert_true(ss_tape_peak(again->t.unet_tape) < ss_tape_peak(kept->t.unet_tape));
            close_scene(kept);
            close_scene(again);
            free(kept);
            free(again);
        }
}

/* Two steps on one tape: blocks of the first are used again, and a gradient is not added to the one before. */
static void steps_follow_each_other(void **state) {
    (void)state;
    scene *s = malloc(sizeof *s);
    open_scene(s, "float32", SS_TRAIN_KV, false);
    double first = micro_step(s), norm = ss_trainer_norm(&s->t);
    size_t peak = ss_tape_peak(s->t.unet_tape);
    assert_int_equal(ss_trainer_update(&s->t, s->cx, 0), SS_OK);
    assert_true(ss_trainer_norm(&s->t) == 0);
    assert_true(micro_step(s) == first); /* at a rate of zero nothing has changed, decay included */
    assert_true(ss_trainer_norm(&s->t) == norm);
    assert_int_equal(ss_tape_peak(s->t.unet_tape), peak);
    assert_int_equal(ss_trainer_update(&s->t, s->cx, 1e-3), SS_OK);
    for (int i = 0; i < 8; i++) {
        micro_step(s);
        assert_int_equal(ss_trainer_update(&s->t, s->cx, 1e-3), SS_OK);
    }
    assert_true(micro_step(s) < 0.9 * first);
    close_scene(s);
    free(s);
}

static void memory_may_run_out_anywhere(void **state) {
    (void)state;
    for (int64_t at = 0, done = 0; !done; at += 37) {
        scene *s = malloc(sizeof *s);
        double loss;
        open_scene(s, "float32", SS_TRAIN_KV, at % 2);
        ss_batch b = {.n = ROWS,
                      .h = SIDE,
                      .w = SIDE,
                      .x = s->x,
                      .noise = s->x + COUNT,
                      .rows = s->rows,
                      .ids = (const int32_t(*)[77])s->ids};
        s->cx->fail_allocation = at;
        ss_status st = ss_trainer_micro_step(&s->t, s->cx, &b, 1, &loss);
        done = s->cx->fail_allocation >= 0;
        s->cx->fail_allocation = -1;
        assert_int_equal(st, done ? SS_OK : SS_ERR_NOMEM);
        close_scene(s);
        free(s);
    }
}

/* ---- formulas */

static void masked_loss(void **state) {
    (void)state;
    const float y[8] = {1, 2, 3, 4, 0, 0, 0, 0}, target[8] = {0}, mask[2] = {1, 0};
    float dy[8];
    ss_loss_row rows[2] = {{.mask = mask, .weight = 0.5f}, {.weight = 1}};
    /* Row 0: two channels of two places, of which the first counts: (1 + 9) / 1 / 2. */
    assert_true(fabs(ss_loss(dy, rows, 2, 2, 2, y, target, 0.5) - 5) < 1e-12);
    const float expected[8] = {0.5f, 0, 1.5f, 0};
    for (int i = 0; i < 8; i++) assert_true(fabsf(dy[i] - expected[i]) < 1e-6f);
}

static void weights_by_recipe(void **state) {
    (void)state;
    ss_loss_row rows[4];
    const ss_weighed_row what[4] = {{false, 0}, {false, 1}, {true, 1}, {true, 1}};
    static const float expected[3][4] = {
        [SS_RECIPE_OWN] = {0.5f, 0.5f, 1, 1},
        [SS_RECIPE_COMPVIS] = {1, 1 / 3.0f, 1 / 3.0f, 1 / 3.0f},
        [SS_RECIPE_DIFFUSERS] = {0.5f, 0.5f, 0.25f, 0.25f},
    };
    for (ss_recipe r = SS_RECIPE_OWN; r <= SS_RECIPE_DIFFUSERS; r++) {
        ss_loss_weigh(rows, what, 4, r, 2, 4);
        for (int i = 0; i < 4; i++) assert_true(fabsf(rows[i].weight - expected[r][i]) < 1e-6f);
    }
}

static void targets(void **state) {
    (void)state;
    ss_schedule s = ss_schedule_default();
    ss_schedule_fill(&s);
    const float x[1] = {2}, noise[1] = {-1};
    ss_loss_row row = {.t = 500};
    float noisy[1], target[1], a = s.alpha[500];
    ss_loss_inputs(noisy, target, &s, &row, 1, 1, 1, x, noise);
    assert_true(fabsf(noisy[0] - (2 * sqrtf(a) - sqrtf(1 - a))) < 1e-6f && target[0] == -1);
    s.prediction = SS_PREDICT_V;
    ss_loss_inputs(noisy, target, &s, &row, 1, 1, 1, x, noise);
    assert_true(fabsf(target[0] - (-sqrtf(a) - 2 * sqrtf(1 - a))) < 1e-6f);
}

/* The first step is the rate times the gradient's sign, beside the decay; a constant gradient keeps that length. */
static void adamw(void **state) {
    (void)state;
    ss_ctx cx = {.threads = 1};
    ss_adamw a = ss_adamw_default();
    float w[2] = {1, -2}, m[2] = {0}, v[2] = {0}, g[2] = {0.3f, -4};
    double expected[2] = {1, -2};
    for (int step = 1; step <= 3; step++) {
        ss_adamw_step(&cx, &a, w, m, v, g, 2, step, 0.01, 0.5);
        for (int i = 0; i < 2; i++) {
            expected[i] = expected[i] * (1 - 0.01 * 0.01) - 0.01 * (i ? -1 : 1);
            assert_true(fabs(w[i] - expected[i]) < 1e-6);
        }
    }
    assert_true(ss_clip_scale(4, 1) < 0.2500001 && ss_clip_scale(4, 1) > 0.2499);
    assert_true(ss_clip_scale(0.5, 1) == 1 && ss_clip_scale(9, 0) == 1);
}

static void rates(void **state) {
    (void)state;
    ss_rate r = {.kind = SS_RATE_CONSTANT, .rate = 2, .warmup = 4, .steps = 14};
    assert_true(ss_rate_at(&r, 0) == 0 && ss_rate_at(&r, 2) == 1 && ss_rate_at(&r, 4) == 2 && ss_rate_at(&r, 99) == 2);
    r.kind = SS_RATE_LINEAR;
    assert_true(ss_rate_at(&r, 4) == 2 && fabs(ss_rate_at(&r, 9) - 1) < 1e-12 && ss_rate_at(&r, 14) == 0);
    r.kind = SS_RATE_COSINE;
    assert_true(ss_rate_at(&r, 4) == 2 && fabs(ss_rate_at(&r, 9) - 1) < 1e-12 && ss_rate_at(&r, 14) < 1e-12);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recompute_gives_the_same_gradient),
        cmocka_unit_test(steps_follow_each_other),
        cmocka_unit_test(memory_may_run_out_anywhere),
        cmocka_unit_test(masked_loss),
        cmocka_unit_test(weights_by_recipe),
        cmocka_unit_test(targets),
        cmocka_unit_test(adamw),
        cmocka_unit_test(rates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
