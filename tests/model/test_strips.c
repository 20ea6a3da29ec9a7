/* Decoding by strips of rows against decoding whole pictures: the same picture, no seam. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "model/model.h"
#include "model/strips.h"
#include "support/golden.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What whole pictures gave: the middle's result and the picture. */
typedef struct whole {
    ss_tensor middle, y;
    void *middle_numbers;
    float *picture;
} whole;

static void *copy_of(const ss_tensor *x) {
    size_t n = (size_t)ss_count(x) * ss_dtype_size(x->dtype);
    void *copy = malloc(n);
    assert_non_null(copy);
    return memcpy(copy, x->bytes, n);
}

static void see(void *user, const char *name, const ss_tensor *x) {
    whole *w = user;
    if (!strcmp(name, "decoder.mid_block")) w->middle = *x, w->middle_numbers = copy_of(x);
    if (!strcmp(name, "y")) w->y = *x, w->picture = copy_of(x);
}

static double apart(const float *a, const float *b, int64_t n) {
    double difference = 0, size = 0;
    for (int64_t i = 0; i < n; i++) difference += (a[i] - b[i]) * (a[i] - b[i]), size += b[i] * b[i];
    return sqrt(difference / size);
}

static void compare(const char *numbers, int64_t h, int64_t w, int64_t rows, double limit) {
    ss_ctx *cx = NULL;
    ss_model *m = NULL;
    whole seen = {0};
    ss_watch watch = {see, &seen};
    assert_int_equal(ss_ctx_new(&cx, &(ss_ctx_options){.numbers = numbers, .threads = 2}), SS_OK);
    assert_int_equal(ss_model_open(&m, cx, GOLDEN_DIR "/tiny-sd15", NULL), SS_OK);
    ss_mark start = ss_arena_mark(cx->arena);
    ss_tensor *z = ss_tensor_new(cx, SS_F32, 4, (int64_t[]){1, 4, h, w});
    ss_rng rng;
    ss_rng_seed(&rng, 1);
    ss_rng_normal(&rng, z->data, ss_count(z));
    cx->watch = &watch;
    assert_non_null(ss_vae_decode(cx, &m->vae, z));
    cx->watch = NULL;
    ss_arena_rewind(cx->arena, start);

    seen.middle.bytes = seen.middle_numbers;
    ss_at at = ss_sub(ss_root(&m->vae.params), "decoder");
    assert_true(ss_strips_fit(cx, at, &seen.middle));
    ss_tensor *x = ss_tensor_new(cx, seen.middle.dtype, 4, seen.middle.shape);
    memcpy(x->bytes, seen.middle_numbers, (size_t)ss_count(x) * ss_dtype_size(x->dtype));
    ss_tensor *y = ss_decode_strips(cx, &m->vae, at, x, rows);
    if (!y) fail_msg("%s", ss_ctx_error(cx));
    assert_true(ss_same_shape(y, &seen.y));
    double e = apart(y->data, seen.picture, ss_count(y));
    if (!(e <= limit))
        fail_msg("%s, %lldx%lld, strips of %lld rows: %g apart, limit %g", numbers, (long long)w, (long long)h,
                 (long long)rows, e, limit);
    free(seen.middle_numbers);
    free(seen.picture);
    ss_model_free(m);
    ss_ctx_free(cx);
}

/* The sums of the norms are rounded in another order, nothing else differs. */
static void strips_of_any_height_give_the_whole_picture(void **state) {
    (void)state;
    static const int64_t rows[] = {1, 3, 8, 40, 0};
    for (int i = 0; i < SS_COUNT_OF(rows); i++) compare("float32", 5, 3, rows[i], 3e-6);
    compare("float32", 17, 9, 16, 3e-6);
}

/* Here every layer's result is rounded to 8 bits, and where a sum lies between two of them it may go either way. */
static void bfloat16_differs_by_its_rounding(void **state) {
    (void)state;
    ss_cpu_features cpu = ss_cpu_detect(NULL);
    if (!cpu.avx512_bf16) skip();
    compare("bfloat16", 5, 3, 3, 2e-2);
    compare("bfloat16", 17, 9, 16, 2e-2);
}

/* What came in, one picture of the last level with room for two of its own width, the result, and strips. */
static ss_status decode_pass(ss_ctx *cx, void *user) {
    ss_model *m = user;
    ss_vae_decode(cx, &m->vae, ss_tensor_new(cx, SS_F32, 4, (int64_t[]){1, 4, 256, 256}));
    return cx->status;
}

static void memory_is_one_picture(void **state) {
    (void)state;
    ss_ctx *cx = NULL;
    ss_model *m = NULL;
    size_t bytes = 0;
    assert_int_equal(ss_ctx_new(&cx, NULL), SS_OK);
    assert_int_equal(ss_model_open(&m, cx, GOLDEN_DIR "/tiny-sd15", NULL), SS_OK);
    assert_int_equal(ss_shape_walk(cx, SS_F32, decode_pass, m, &bytes), SS_OK);
    const ss_param *into = ss_params_find(&m->vae.params, "decoder.up_blocks.2.upsamplers.0.conv.weight"),
                   *own = ss_params_find(&m->vae.params, "decoder.up_blocks.3.resnets.0.conv1.weight");
    int64_t most = into->shape[0] > 2 * own->shape[0] ? into->shape[0] : 2 * own->shape[0];
    int64_t numbers = 2048 * 2048 * (most + 3) + 1024 * 1024 * into->shape[1];
    assert_true(bytes < (size_t)numbers * sizeof(float) + ((size_t)64 << 20));
    ss_model_free(m);
    ss_ctx_free(cx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strips_of_any_height_give_the_whole_picture),
        cmocka_unit_test(bfloat16_differs_by_its_rounding),
        cmocka_unit_test(memory_is_one_picture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
