/* Means, intervals and differences against numbers from tables of statistics and from paper. */
#include "score/rows.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/made.h"

static bool is_near(double x, double want, double by) { return fabs(x - want) <= by; }

static void students_numbers(void **state) {
    static const struct {
        int freedom;
        double is;
    } table[] = {{1, 12.706}, {2, 4.303},  {7, 2.365},  {10, 2.228},  {11, 2.201},
                 {15, 2.131}, {20, 2.086}, {30, 2.042}, {100, 1.984}, {1000, 1.962}};
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (!is_near(ss_student(table[i].freedom), table[i].is, 6e-4))
            fail_msg("%d: %g, not %g", table[i].freedom, ss_student(table[i].freedom), table[i].is);
}

static void intervals(void **state) {
    (void)state;
    const double x[] = {1, 2, NAN, 3, 4}, half = 3.182 * sqrt(5.0 / 3) / 2;
    ss_interval r = ss_interval_of(x, 5);
    assert_int_equal(r.n, 4);
    assert_true(is_near(r.mean, 2.5, 1e-12) && is_near(r.low, 2.5 - half, 1e-9) && is_near(r.high, 2.5 + half, 1e-9));
    r = ss_interval_of(x, 1);
    assert_true(r.n == 1 && r.mean == 1 && isinf(r.low) && isinf(r.high));
    r = ss_interval_of(x + 2, 1);
    assert_true(r.n == 0 && isnan(r.mean) && isnan(r.low));
}

/* How often the interval of ten numbers around 0 has 0 in it: 95 of a hundred, within chance. */
static void intervals_cover_what_they_say(void **state) {
    (void)state;
    uint64_t seed = 1;
    int covered = 0, rounds = 4000;
    for (int i = 0; i < rounds; i++) {
        double x[10];
        for (int k = 0; k < 10; k++) {
            x[k] = -6;
            for (int j = 0; j < 12; j++) { /* a sum of twelve is as good as normal */
                seed = seed * 6364136223846793005u + 1442695040888963407u;
                x[k] += (double)(seed >> 33) * 0x1p-31;
            }
        }
        ss_interval r = ss_interval_of(x, 10);
        covered += r.low < 0 && r.high > 0;
    }
    if (!is_near((double)covered / rounds, 0.95, 0.012)) fail_msg("%d of %d", covered, rounds);
}

/* ------------------------------------------------------------------------------------------------ rows */

static ss_ctx *context(void) {
    ss_ctx *cx = NULL;
    assert_int_equal(ss_ctx_new(&cx, &(ss_ctx_options){.threads = 1}), SS_OK);
    return cx;
}

static void add(ss_row_list *r, ss_ctx *cx, ss_arm arm, uint64_t who, int target, double identity) {
    ss_row row = ss_row_new(SS_EDIT, arm, who, target);
    row.value[SS_MEASURE_IDENTITY] = identity;
    row.held = target == 1;
    assert_int_equal(ss_rows_add(r, cx, &row), SS_OK);
}

/* Three individuals with two pictures each; control adds 0.1, 0.2 and 0.3 to what differs much more between them. */
static ss_row_list three(ss_ctx *cx) {
    ss_row_list r = {0};
    for (int i = 0; i < 3; i++)
        for (int t = 0; t < 2; t++) {
            add(&r, cx, SS_ARM_OFF, 9001 + (uint64_t)i, t, i + 0.5 * t);
            add(&r, cx, SS_ARM_PLAIN, 9001 + (uint64_t)i, t, i + 0.5 * t + 0.1 * (i + 1));
        }
    return r;
}

static const ss_pick off = {SS_EDIT, SS_ARM_OFF, SS_MEASURE_IDENTITY, -1, -1, -1},
                     plain = {SS_EDIT, SS_ARM_PLAIN, SS_MEASURE_IDENTITY, -1, -1, -1};

static void individuals_count_once(void **state) {
    (void)state;
    ss_ctx *cx = context();
    ss_row_list r = three(cx);
    ss_interval i;
    add(&r, cx, SS_ARM_OFF, 9001, 0, 0.25); /* a third picture of one of them does not make it count more */
    assert_int_equal(ss_rows_mean(&i, cx, &r, &off), SS_OK);
    assert_true(i.n == 3 && is_near(i.mean, 1.25, 1e-12));
    ss_pick held = off;
    held.held = 1;
    assert_int_equal(ss_rows_mean(&i, cx, &r, &held), SS_OK);
    assert_true(i.n == 3 && is_near(i.mean, 1.5, 1e-12));
    held.measure = SS_MEASURE_PSNR;
    assert_int_equal(ss_rows_mean(&i, cx, &r, &held), SS_OK);
    assert_int_equal(i.n, 0);
    ss_rows_clear(&r);
    ss_ctx_free(cx);
}

static void differences_are_paired(void **state) {
    (void)state;
    ss_ctx *cx = context();
    ss_row_list r = three(cx);
    ss_interval d, a, b;
    add(&r, cx, SS_ARM_PLAIN, 9004, 0, 100); /* without a partner it takes no part */
    assert_int_equal(ss_rows_difference(&d, cx, &r, &plain, &off), SS_OK);
    assert_true(d.n == 3 && is_near(d.mean, 0.2, 1e-12));
    assert_true(is_near(d.high - d.mean, 4.303 * 0.1 / sqrt(3), 1e-3));
    assert_true(d.high - d.low < 1);
    assert_int_equal(ss_rows_mean(&a, cx, &r, &off), SS_OK);
    assert_int_equal(ss_rows_mean(&b, cx, &r, &plain), SS_OK);
    assert_true(a.high - a.low > 4 && b.n == 4);
    ss_rows_clear(&r);
    ss_ctx_free(cx);
}

static void rows_come_back_from_files(void **state) {
    (void)state;
    ss_ctx *cx = context();
    char *dir = made_dir();
    ss_row_list r = three(cx), back = {0};
    const char *path = made_path(dir, "rows.json");
    r.at[3].step = 4, r.at[3].layer = 10;
    r.at[3].value[SS_MEASURE_PSNR] = INFINITY; /* of two equal pictures: no number to average */
    assert_int_equal(ss_rows_write(&r, cx, path, 2), SS_OK);
    assert_int_equal(ss_rows_read(&back, cx, path), SS_OK);
    assert_int_equal(back.count, r.count - 2);
    assert_true(back.at[1].step == 4 && back.at[1].layer == 10 && back.at[1].arm == SS_ARM_PLAIN && back.at[1].held);
    assert_true(back.at[1].individual == 9001 && is_near(back.at[1].value[SS_MEASURE_IDENTITY], 0.6, 1e-9));
    assert_true(isnan(back.at[1].value[SS_MEASURE_PSNR]));
    assert_int_equal(ss_rows_write_csv(&back, cx, made_path(dir, "rows.csv")), SS_OK);

    static const char *const bad[][2] = {
        {"{}", "no file of measurements"},
        {"[3]", "no file of measurements"},
        {"[{\"experiment\": \"edit\", \"arm\": \"left\", \"individual\": 1, \"values\": {}}]",
         "no file of measurements"},
        {"[{\"experiment\": \"edit\", \"arm\": \"off\", \"individual\": 1, \"step\": 5000, \"values\": {}}]",
         "no file of measurements"},
        {"[{\"experiment\": \"edit\", \"arm\": \"off\", \"individual\": 1, \"values\": {\"psnr\": \"high\"}}]", "psnr"},
        {"[", "rows.json"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        made_text(path, bad[i][0]);
        ss_ctx_clear(cx);
        if (ss_rows_read(&back, cx, path) != SS_ERR_FORMAT) fail_msg("%s was taken", bad[i][0]);
        if (!strstr(ss_ctx_error(cx), bad[i][1])) fail_msg("%s: %s", bad[i][0], ss_ctx_error(cx));
        if (!strstr(ss_ctx_error(cx), "rows.json")) fail_msg("%s: %s", bad[i][0], ss_ctx_error(cx));
    }
    ss_rows_clear(&r), ss_rows_clear(&back);
    ss_ctx_free(cx);
    made_dir_free(dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(students_numbers),
        cmocka_unit_test(intervals),
        cmocka_unit_test(intervals_cover_what_they_say),
        cmocka_unit_test(individuals_count_once),
        cmocka_unit_test(differences_are_paired),
        cmocka_unit_test(rows_come_back_from_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
