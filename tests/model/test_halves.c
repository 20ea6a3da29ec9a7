/* Two texts for one latent: what comes before the first text is computed once, and changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "model/model.h"
#include "support/golden.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 2, H = 9, W = 7, ONE = 4 * H * W };

/* Says how large the batch is in the first layer's self-attention and in its cross-attention. */
typedef struct watcher {
    ss_control control;
    int64_t self, cross;
} watcher;

static ss_status plan(ss_control *control, ss_ctx *cx, const ss_attn_site *site, ss_attn_plan *p) {
    watcher *w = (watcher *)control;
    (void)cx;
    if (site->layer == 0) *(site->kind == SS_SELF ? &w->self : &w->cross) = p->n;
    return SS_OK;
}

/* ROWS latents with 2 ROWS texts; with `whole` each latent is given twice. */
static float *predict(ss_ctx *cx, const ss_model *m, bool whole) {
    int64_t n = whole ? 2 * ROWS : ROWS;
    float t[2 * ROWS] = {500, 300, 500, 300};
    ss_rng rng;
    ss_rng_seed(&rng, 7);
    ss_tensor *x = ss_tensor_new(cx, SS_F32, 4, (int64_t[]){n, 4, H, W});
    ss_tensor *text = ss_tensor_new(cx, SS_F32, 3, (int64_t[]){2 * ROWS, 77, m->unet_text_width});
    ss_rng_normal(&rng, x->data, ROWS * ONE);
    if (whole) memcpy(x->data + ROWS * ONE, x->data, ROWS * ONE * sizeof(float));
    ss_rng_normal(&rng, text->data, ss_count(text));
    ss_tensor *y = ss_unet_run(cx, &m->unet, x, t, text, 0);
    if (!y) fail_msg("%s", ss_ctx_error(cx));
    assert_int_equal(y->shape[0], 2 * ROWS);
    return y->data;
}

static void shared_until_the_first_text(void **state) {
    (void)state;
    static const char *const devices[] = {"reference", "cpu"};
    for (int d = 0; d < 2; d++) {
        ss_ctx *cx;
        ss_model *m;
        assert_int_equal(ss_ctx_new(&cx, &(ss_ctx_options){.device = devices[d], .threads = 2}), SS_OK);
        assert_int_equal(ss_model_open(&m, cx, GOLDEN_DIR "/tiny-sd15", NULL), SS_OK);
        watcher w = {.control = {.plan = plan}};
        cx->control = &w.control;
        const float *whole = predict(cx, m, true);
        assert_int_equal(w.self, 2 * ROWS);
        const float *once = predict(cx, m, false);
        assert_int_equal(w.self, ROWS);
        assert_int_equal(w.cross, 2 * ROWS);
        for (int i = 0; i < 2 * ROWS * ONE; i++)
            if (fabsf(whole[i] - once[i]) > 1e-5f)
                fail_msg("%s, number %d: %g and %g", devices[d], i, whole[i], once[i]);
        ss_model_free(m);
        ss_ctx_free(cx);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(shared_until_the_first_text)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
