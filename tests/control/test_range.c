/* Step ranges and layer sets, in people's words, in the study's lists, and misspelt. */
#include "control/range.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "io/json.h"
#include "support/golden.h"

static ss_ctx cx = {.fail_allocation = -1};

static void clear(void) {
    cx.status = SS_OK;
    cx.error[0] = 0;
}

/* "4 6 8": the steps, or layers, that are on. */
static const char *list(const bool *active, int n) {
    static char text[4096];
    size_t at = 0;
    text[0] = 0;
    for (int i = 0; i < n; i++)
        if (active[i]) at += (size_t)snprintf(text + at, sizeof text - at, "%s%d", at ? " " : "", i);
    return text;
}

/* ------------------------------------------------------------------------------------------------ steps */

static const char *steps(const ss_control_range *r, int total) {
    static bool active[1000];
    clear();
    if (ss_steps_select(active, &cx, r, total)) fail_msg("%s", cx.error);
    return list(active, total);
}

static void steps_come_from_a_range_a_stride_or_a_list(void **state) {
    (void)state;
    assert_string_equal(steps(&(ss_control_range){0}, 8), "4 5 6 7");
    assert_string_equal(steps(&(ss_control_range){.from_given = true}, 3), "0 1 2");
    assert_string_equal(steps(&(ss_control_range){.from_given = true, .from = 2, .to = 4}, 8), "2 3 4");
    assert_string_equal(steps(&(ss_control_range){.to = 100}, 6), "4 5");
    assert_string_equal(steps(&(ss_control_range){.from_given = true, .from = 1, .every = 3}, 9), "1 4 7");
    assert_string_equal(steps(&(ss_control_range){.from_given = true, .from = 9}, 8), "");
    assert_string_equal(steps(&(ss_control_range){0}, 4), "");
    int chosen[] = {7, 0, 3, 50};
    assert_string_equal(steps(&(ss_control_range){.steps = chosen, .step_count = 4, .from_given = true, .from = 5}, 8),
                        "0 3 7");
}

static void the_last_digit_is_no_stride(void **state) {
    (void)state;
    assert_string_equal(steps(&(ss_control_range){.last_digit = 7}, 30), "7 8 9 17 18 19 27 28 29");
    assert_string_equal(steps(&(ss_control_range){.from_given = true, .from = 0, .every = 2, .last_digit = 7}, 20),
                        "8 18");
}

/* The study's own lists. Its loop ends before a step 50 of 50, which the lists name. The skip interval counts in its
 * sweep, the last nine; the others carry a 1 that leaves nothing out. */
static void the_studys_lists_are_ours(void **state) {
    (void)state;
    json_t *lists = NULL;
    clear();
    if (ss_json_read(&lists, &cx, GOLDEN_DIR "/masactrl/study-lists.json")) fail_msg("%s", cx.error);
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(lists, "steps"), i, one) {
        bool theirs[50] = {false};
        size_t k;
        json_t *step;
        json_array_foreach(json_object_get(one, "steps"), k, step) if (json_integer_value(step) < 50)
            theirs[json_integer_value(step)] = true;
        ss_control_range r = {.from_given = true,
                              .from = (int)json_integer_value(json_object_get(one, "start")),
                              .to = (int)json_integer_value(json_object_get(one, "final")),
                              .last_digit = i >= 13 ? (int)json_integer_value(json_object_get(one, "skip")) : 0};
        char expected[4096];
        snprintf(expected, sizeof expected, "%s", list(theirs, 50));
        assert_string_equal(steps(&r, 50), expected);
    }
    assert_int_equal(i, 22);
    json_decref(lists);
}

static void steps_that_cannot_be_are_refused(void **state) {
    (void)state;
    bool active[50];
    int negative = -1;
    static const struct {
        ss_control_range range;
        const char *words;
    } cases[] = {{{.from_given = true, .from = -3}, "steps from -3"},
                 {{.every = -2}, "every -2"},
                 {{.last_digit = 10}, "last digit 10"},
                 {{.last_digit = -1}, "last digit -1"},
                 {{.to = -2}, "steps 4 to -2"},
                 {{.from_given = true, .from = 8, .to = 6}, "steps 8 to 6"}};
    for (int i = 0; i < SS_COUNT_OF(cases); i++) {
        clear();
        assert_int_equal(ss_steps_select(active, &cx, &cases[i].range, 50), SS_ERR_ARG);
        if (!strstr(cx.error, cases[i].words)) fail_msg("no \"%s\" in \"%s\"", cases[i].words, cx.error);
    }
    clear();
    assert_int_equal(ss_steps_select(active, &cx, &(ss_control_range){.steps = &negative, .step_count = 1}, 50),
                     SS_ERR_ARG);
    assert_non_null(strstr(cx.error, "step -1"));
}

/* ------------------------------------------------------------------------------------------------ layers */

static void layers_have_numbers_names_and_sizes(void **state) {
    (void)state;
    static const struct {
        const char *words;
        int h, w;
        const char *layers;
    } cases[] = {
        {NULL, 64, 64, "10 11 12 13 14 15"},
        {"10-", 64, 64, "10 11 12 13 14 15"},
        {"7-9", 64, 64, "7 8 9"},
        {"0,15,3-4", 64, 64, "0 3 4 15"},
        {"encoder", 64, 64, "0 1 2 3 4 5"},
        {"mid", 64, 64, "6"},
        {"decoder", 64, 64, "7 8 9 10 11 12 13 14 15"},
        {"Encoder", 64, 64, "0 1 2 3 4 5 6 7"}, /* the study's: with the middle and one of the decoder */
        {"Decoder", 64, 64, "10 11 12 13 14 15"},
        {"all", 64, 64, "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15"},
        {"mid,encoder", 64, 64, "0 1 2 3 4 5 6"},
        {"64x64", 64, 64, "0 1 13 14 15"},
        {"32x32", 64, 64, "2 3 10 11 12"},
        {"16x16", 64, 64, "4 5 7 8 9"},
        {"8x8", 64, 64, "6"},
        {"5x3,mid", 9, 5, "2 3 6 10 11 12"}, /* an odd size is halved upwards */
        {"1x1", 1, 1, "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15"},
    };
    for (int i = 0; i < SS_COUNT_OF(cases); i++) {
        bool active[SS_LAYERS];
        clear();
        if (ss_layers_select(active, &cx, cases[i].words, cases[i].h, cases[i].w)) fail_msg("%s", cx.error);
        assert_string_equal(list(active, SS_LAYERS), cases[i].layers);
    }
}

static void unknown_layers_are_refused_with_the_nearest_name(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"decodr", "did you mean \"decoder\""},
        {"encode", "did you mean \"encoder\""},
        {"midd", "did you mean \"mid\""},
        {"qwertyuiop", "numbers 0-15"},
        {"", "neither numbers nor a name"},
        {"1,,2", "neither numbers nor a name"},
        {"10-,", "neither numbers nor a name"},
        {"16", "numbered 0 to 15"},
        {"3-99", "numbered 0 to 15"},
        {"9-7", "numbered 0 to 15"},
        {"7-8-9", "numbered 0 to 15"},
        {"7--9", "numbered 0 to 15"},
        {"7-x", "numbered 0 to 15"},
        {"7.5", "numbered 0 to 15"},
        {"-3", "numbers 0-15"},
        {"99999999999999999999", "numbered 0 to 15"},
        {"33x33", "no layer works at 33x33"},
        {"64x", "no layer works at 64x"},
        {"64x64x64", "no layer works"},
        {"a very long name that no layer could ever have", "neither numbers nor a name"},
    };
    for (int i = 0; i < SS_COUNT_OF(cases); i++) {
        bool active[SS_LAYERS];
        clear();
        if (!ss_layers_select(active, &cx, cases[i][0], 64, 64)) fail_msg("\"%s\" was taken", cases[i][0]);
        assert_int_equal(cx.status, SS_ERR_ARG);
        if (!strstr(cx.error, cases[i][1])) fail_msg("no \"%s\" in \"%s\"", cases[i][1], cx.error);
    }
}

static void levels_follow_the_forward_pass(void **state) {
    (void)state;
    static const int levels[] = {0, 0, 1, 1, 2, 2, 3, 2, 2, 2, 1, 1, 1, 0, 0, 0};
    for (int i = 0; i < SS_LAYERS; i++) assert_int_equal(ss_layer_level(i), levels[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_come_from_a_range_a_stride_or_a_list),
        cmocka_unit_test(the_last_digit_is_no_stride),
        cmocka_unit_test(the_studys_lists_are_ours),
        cmocka_unit_test(steps_that_cannot_be_are_refused),
        cmocka_unit_test(layers_have_numbers_names_and_sizes),
        cmocka_unit_test(unknown_layers_are_refused_with_the_nearest_name),
        cmocka_unit_test(levels_follow_the_forward_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
