/* Attention beyond its result, which test_ops.c compares: the softmax itself for those who look, plans that cannot be
 * carried out, and a machine without memory. */
#include "op/cases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct place {
    ss_ctx cx;
    ss_tensor *q, *k, *v;
} place;

static ss_tensor *filled(ss_ctx *cx, int64_t n, int64_t len, int64_t d, uint64_t state) {
    ss_tensor *x = ss_tensor_new(cx, cx->device->numbers, 3, (const int64_t[]){n, len, d});
    for (int64_t i = 0; i < n * len * d; i++) {
        uint16_t half = ss_float_to_bf16(2 * test_number(&state)); /* the same numbers in either type */
        if (x->dtype == SS_BF16)
            x->half[i] = half;
        else
            x->data[i] = ss_bf16_to_float(half);
    }
    return x;
}

static void open_place(place *p, ss_device_kind kind, ss_dtype numbers, const char *level, int64_t len, int64_t len_k) {
    *p = (place){.cx = {.threads = 2, .fail_allocation = -1}};
    p->cx.arena = ss_arena_new(&p->cx, false);
    p->cx.device = ss_device_new(&p->cx, kind, numbers, 2);
    assert_non_null(p->cx.device);
    p->cx.device->cpu = ss_cpu_detect(level);
    p->q = filled(&p->cx, 2, len, 24, 1);
    p->k = filled(&p->cx, 2, len_k, 24, 2);
    p->v = filled(&p->cx, 2, len_k, 24, 3);
}

static void close_place(place *p) {
    ss_device_free(p->cx.device);
    ss_arena_free(p->cx.arena);
}

/* ---- maps */

enum { IMAGES = 2, HEADS = 3, LEN = 70, KEYS = 77 };

typedef struct maps {
    float heads[IMAGES][HEADS][LEN][KEYS], mean[IMAGES][LEN][KEYS];
} maps;

/* Image 0 sees some keys, image 1 none; a second read, which maps are not about, sees all. */
static ss_attn_plan plan_of(ss_attn_read read[IMAGES][SS_READS], float bias[IMAGES][KEYS]) {
    for (int i = 0; i < IMAGES; i++)
        for (int j = 0; j < KEYS; j++) bias[i][j] = i || j % 3 == 0 ? -INFINITY : j % 3 == 1 ? 0 : 0.5f;
    for (int i = 0; i < IMAGES; i++) {
        read[i][0] = (ss_attn_read){.joined = 1, .from = {1}, .bias = bias[i]};
        read[i][1] = (ss_attn_read){.joined = 2, .from = {0, 1}};
        read[i][2].joined = 0;
    }
    return (ss_attn_plan){.n = IMAGES, .read = read};
}

static maps *maps_on(ss_device_kind kind, ss_dtype numbers, const char *level, bool planned) {
    place p;
    ss_attn_read read[IMAGES][SS_READS];
    float bias[IMAGES][KEYS];
    ss_attn_plan plan = plan_of(read, bias);
    maps *m = malloc(sizeof *m);
    memset(m, 0xff, sizeof *m);

    open_place(&p, kind, numbers, level, LEN, KEYS);
    ss_attention_attr a = {.heads = HEADS, .plan = planned ? &plan : NULL};
    ss_tensor *without = ss_attention(&p.cx, p.q, p.k, p.v, &a);
    a.probabilities = &m->mean[0][0][0];
    a.head_probabilities = &m->heads[0][0][0][0];
    ss_tensor *with = ss_attention(&p.cx, p.q, p.k, p.v, &a);
    assert_non_null(with);
    assert_memory_equal(with->bytes, without->bytes, (size_t)ss_count(with) * ss_dtype_size(with->dtype));
    close_place(&p);
    return m;
}

static void check_maps(const maps *m, const maps *plain, bool planned) {
    for (int i = 0; i < IMAGES; i++)
        for (int p = 0; p < LEN; p++) {
            double sum = 0;
            for (int j = 0; j < KEYS; j++) {
                double mean = 0;
                for (int h = 0; h < HEADS; h++) {
                    mean += m->heads[i][h][p][j] / HEADS;
                    assert_true(fabsf(m->heads[i][h][p][j] - plain->heads[i][h][p][j]) < 1e-6f);
                }
                assert_true(fabs(m->mean[i][p][j] - mean) < 1e-6);
                if (planned && i == 0 && j % 3 == 0) assert_true(m->mean[i][p][j] == 0);
                if (planned && i == 1) assert_true(fabsf(m->mean[i][p][j] - 1.0f / KEYS) < 1e-7f);
                sum += m->mean[i][p][j];
            }
            assert_true(fabs(sum - 1) < 1e-5);
        }
}

static void maps_are_the_softmax(void **state) {
    (void)state;
    static const char *const levels[] = {NULL, "avx512", "avx2"};
    for (int planned = 0; planned < 2; planned++) {
        maps *plain = maps_on(SS_REF, SS_F32, NULL, planned);
        check_maps(plain, plain, planned);
        for (int half = 0; half < 2; half++)
            for (int i = 0; i < SS_COUNT_OF(levels); i++) {
                maps *m = maps_on(SS_CPU, half ? SS_BF16 : SS_F32, levels[i], planned);
                check_maps(m, plain, planned);
                free(m);
            }
        free(plain);
    }
}

static void causal_maps_end_at_the_diagonal(void **state) {
    (void)state;
    static float map[2][KEYS][KEYS];
    for (int cpu = 0; cpu < 2; cpu++) {
        place p;
        memset(map, 0xff, sizeof map);
        open_place(&p, cpu ? SS_CPU : SS_REF, SS_F32, NULL, KEYS, KEYS);
        assert_non_null(ss_attention(&p.cx, p.q, p.k, p.v,
                                     &(ss_attention_attr){.heads = 2, .causal = true, .probabilities = &map[0][0][0]}));
        for (int i = 0; i < 2; i++)
            for (int q = 0; q < KEYS; q++)
                for (int j = 0; j < KEYS; j++) assert_true(j <= q ? map[i][q][j] > 0 : map[i][q][j] == 0);
        close_place(&p);
    }
}

/* ---- what cannot be carried out */

static void a_map_of_other_keys_is_refused(void **state) {
    (void)state;
    place p;
    float map[2 * 5 * 5];
    ss_attn_read read[2][SS_READS] = {{{.joined = 1, .from = {0}}}, {{.joined = 2, .from = {0, 1}}}};
    ss_attn_plan plan = {.n = 2, .read = read};
    open_place(&p, SS_CPU, SS_F32, NULL, 5, 5);
    assert_null(
        ss_attention(&p.cx, p.q, p.k, p.v, &(ss_attention_attr){.heads = 2, .plan = &plan, .probabilities = map}));
    assert_int_equal(p.cx.status, SS_ERR_SHAPE);
    assert_string_equal(p.cx.error, "attention: a map of image 1 has 5 keys, but its plan reads 10");
    close_place(&p);
}

static void kept_keys_of_another_width_are_refused(void **state) {
    (void)state;
    place p;
    float numbers[3 * 16] = {0};
    ss_kept_kv kept = {.k = numbers, .v = numbers, .dtype = SS_F32, .len = 3, .d = 16};
    ss_attn_read read[2][SS_READS] = {{{.joined = 1}}, {{.joined = 1, .kept = {&kept}}}};
    ss_attn_plan plan = {.n = 2, .read = read};
    open_place(&p, SS_CPU, SS_F32, NULL, 5, 5);
    assert_null(ss_attention(&p.cx, p.q, p.k, p.v, &(ss_attention_attr){.heads = 2, .plan = &plan}));
    assert_int_equal(p.cx.status, SS_ERR_SHAPE);
    assert_string_equal(p.cx.error, "attention: kept keys are 16 wide, these queries 24");
    close_place(&p);
}

static void shapes_that_do_not_fit_are_named(void **state) {
    (void)state;
    place p;
    open_place(&p, SS_REF, SS_F32, NULL, 5, 7);
    assert_null(ss_attention(&p.cx, p.q, p.k, p.q, &(ss_attention_attr){.heads = 2}));
    assert_int_equal(p.cx.status, SS_ERR_SHAPE);
    assert_string_equal(p.cx.error,
                        "attention: queries [2, 5, 24], keys [2, 7, 24] and values [2, 5, 24] do not go together");
    p.cx.status = SS_OK;
    assert_null(ss_attention(&p.cx, p.q, p.k, p.v, &(ss_attention_attr){.heads = 5}));
    assert_string_equal(p.cx.error, "attention: a width of 24 does not divide into 5 heads");
    close_place(&p);
}

/* Every allocation of a forward pass with maps fails in turn. */
static void without_memory(void **state) {
    (void)state;
    static float map[2 * 5 * 7];
    for (int kind = 0; kind < 2; kind++) {
        int failures = 0;
        for (int64_t n = 0;; n++) {
            place p;
            open_place(&p, kind ? SS_CPU : SS_REF, SS_F32, NULL, 5, 7);
            p.cx.fail_allocation = n;
            ss_tensor *y = ss_attention(&p.cx, p.q, p.k, p.v, &(ss_attention_attr){.heads = 2, .probabilities = map});
            ss_status st = p.cx.status;
            close_place(&p);
            if (y) break;
            assert_int_equal(st, SS_ERR_NOMEM);
            failures++;
        }
        assert_true(failures >= 3); /* the tensor, its numbers, scratch */
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_are_the_softmax),
        cmocka_unit_test(causal_maps_end_at_the_diagonal),
        cmocka_unit_test(a_map_of_other_keys_is_refused),
        cmocka_unit_test(kept_keys_of_another_width_are_refused),
        cmocka_unit_test(shapes_that_do_not_fit_are_named),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
