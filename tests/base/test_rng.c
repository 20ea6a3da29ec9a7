/* The generator against torch's, from golden/noise; every key there is one draw, described by its name. */
#include "base/rng.h"
#include "io/weights.h"
#include "support/golden.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static ss_ctx cx = {.fail_allocation = -1};
static ss_weights *golden;

static int open_golden(void **state) {
    (void)state;
    return ss_weights_open(&golden, &cx, GOLDEN_DIR "/noise/noise.safetensors");
}

static int close_golden(void **state) {
    (void)state;
    ss_weights_close(golden);
    return 0;
}

static int64_t count_of(const ss_stored *t) { return (int64_t)(t->bytes / ss_dtype_size(t->dtype)); }

/* torch's vector code has its own logarithm, sine and cosine for 16 float32 values and more; small draws are exact. */
static void same_floats(const char *name, const float *drawn, const ss_stored *t, double tolerance) {
    for (int64_t i = 0; i < count_of(t); i++) {
        float want;
        memcpy(&want, (const char *)t->data + 4 * i, 4);
        if (!(fabs((double)drawn[i] - want) <= tolerance))
            fail_msg("%s[%d] is %.9g, torch drew %.9g", name, (int)i, drawn[i], want);
    }
}

static void same_doubles(const char *name, const double *drawn, const ss_stored *t, double tolerance) {
    for (int64_t i = 0; i < count_of(t); i++) {
        double want;
        memcpy(&want, (const char *)t->data + 8 * i, 8);
        if (!(fabs(drawn[i] - want) <= tolerance))
            fail_msg("%s[%d] is %.17g, torch drew %.17g", name, (int)i, drawn[i], want);
    }
}

static void same_integers(const char *name, const int64_t *drawn, const ss_stored *t) {
    for (int64_t i = 0; i < count_of(t); i++) {
        int64_t want;
        memcpy(&want, (const char *)t->data + 8 * i, 8);
        if (drawn[i] != want)
            fail_msg("%s[%d] is %lld, torch drew %lld", name, (int)i, (long long)drawn[i], (long long)want);
    }
}

/* Draws n values of the kind and compares what the key holds of them, which starts at `from`. */
static void draw(ss_rng *r, const char *kind, const ss_stored *t, int64_t n, int64_t from) {
    double *room = calloc((size_t)n, sizeof *room);
    int64_t *integers = (int64_t *)room;
    float *floats = (float *)room;
    assert_non_null(room);
    if (!strcmp(kind, "randn")) {
        ss_rng_normal(r, floats, n);
        same_floats(t->name, floats + from, t, n < 16 ? 0 : 1e-6);
    } else if (!strcmp(kind, "randn64")) {
        ss_rng_normal_f64(r, room, n);
        same_doubles(t->name, room + from, t, 1e-15);
    } else if (!strcmp(kind, "rand")) {
        ss_rng_uniform(r, floats, n);
        same_floats(t->name, floats, t, 0);
    } else if (!strcmp(kind, "rand64")) {
        ss_rng_uniform_f64(r, room, n);
        same_doubles(t->name, room, t, 0);
    } else if (!strcmp(kind, "randint")) {
        for (int64_t i = 0; i < n; i++) integers[i] = ss_rng_int(r, 0, 1000);
        same_integers(t->name, integers, t);
    } else if (!strcmp(kind, "randperm")) {
        ss_rng_permutation(r, integers, n);
        same_integers(t->name, integers, t);
    } else if (!strcmp(kind, "random64")) {
        for (int64_t i = 0; i < n; i++) integers[i] = (int64_t)(ss_rng_u64(r) & INT64_MAX);
        same_integers(t->name, integers, t);
    } else {
        fail_msg("%s: a kind of draw that this test does not know", t->name);
    }
    free(room);
}

/* randn.seedS.nN, randn.seedS.AxBxC, the latter perhaps only its .head or .tail */
static void draws_of_fresh_generators(void **state) {
    (void)state;
    int drawn = 0;
    for (int64_t k = 0; k < golden->count; k++) {
        const ss_stored *t = &golden->at[k];
        char kind[16], shape[64];
        unsigned long long seed;
        if (!strncmp(t->name, "sequence", 8)) continue;
        assert_int_equal(sscanf(t->name, "%15[a-z0-9].seed%llu.%63s", kind, &seed, shape), 3);
        int64_t n = 1;
        for (const char *s = shape; *s && *s != '.'; s += strcspn(s, "x."), s += *s == 'x') {
            if (*s == 'n') s++;
            n *= strtoll(s, NULL, 10);
        }
        ss_rng r;
        ss_rng_seed(&r, seed);
        draw(&r, kind, t, n, strstr(shape, ".tail") ? n - count_of(t) : 0);
        drawn++;
    }
    assert_true(drawn > 100);
}

/* One generator goes through draws of every kind: the spare normal must survive the ones that do not use it. */
static void draws_in_sequence(void **state) {
    (void)state;
    static const int seeds[] = {0, 42, 1234};
    for (int s = 0; s < SS_COUNT_OF(seeds); s++) {
        ss_rng r;
        ss_rng_seed(&r, (uint64_t)seeds[s]);
        for (int place = 0; place < 14; place++) {
            char start[32];
            snprintf(start, sizeof start, "sequence.seed%d.%d.", seeds[s], place);
            const ss_stored *t = NULL;
            for (int64_t k = 0; k < golden->count && !t; k++)
                if (!strncmp(golden->at[k].name, start, strlen(start))) t = &golden->at[k];
            assert_non_null(t);
            draw(&r, t->name + strlen(start), t, count_of(t), 0);
        }
    }
}

static void seeding_starts_afresh(void **state) {
    (void)state;
    ss_rng a, b;
    float x[4], y[4];
    ss_rng_seed(&a, 7);
    ss_rng_normal(&a, x, 3); /* leaves a spare */
    ss_rng_seed(&a, (UINT64_C(1) << 40) + 7);
    ss_rng_seed(&b, 7);
    ss_rng_normal(&a, x, 4);
    ss_rng_normal(&b, y, 4);
    assert_memory_equal(x, y, sizeof x);
}

/* torch.randint(from, to, (3,)) after manual_seed(5): from 2^28 on a number takes two words. */
static void ranges(void **state) {
    (void)state;
    static const struct {
        int64_t from, to, drawn[3];
    } rows[] = {
        {0, 268435455, {148147046, 236996814, 250105852}},
        {0, 268435456, {236996814, 80864957, 220060790}},
        {0, INT64_C(1099511627776), {INT64_C(425438759118), INT64_C(1030067709629), INT64_C(989404716150)}},
        {-10, 10, {1, 4, -3}},
        {INT64_C(-4611686018427387904),
         INT64_C(4611686018427387904),
         {INT64_C(-516634799685744434), INT64_C(2227117907221014205), INT64_C(-798390687407154058)}},
    };
    for (int i = 0; i < SS_COUNT_OF(rows); i++) {
        ss_rng r;
        ss_rng_seed(&r, 5);
        for (int k = 0; k < 3; k++) assert_int_equal(ss_rng_int(&r, rows[i].from, rows[i].to), rows[i].drawn[k]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draws_of_fresh_generators),
        cmocka_unit_test(draws_in_sequence),
        cmocka_unit_test(seeding_starts_afresh),
        cmocka_unit_test(ranges),
    };
    return cmocka_run_group_tests(tests, open_golden, close_golden);
}
