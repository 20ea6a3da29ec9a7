/* What is JSON and what is not, and the getters' sentences. */
#include "io/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static ss_ctx cx = {.fail_allocation = -1};

static void clear(void) {
    cx.status = SS_OK;
    cx.error[0] = 0;
}

static json_t *parsed(const char *text) {
    json_t *json = NULL;
    clear();
    if (ss_json_parse(&json, &cx, "config.json", text, strlen(text))) fail_msg("%s", cx.error);
    return json;
}

static void expect_refusal(const char *text, size_t size, const char *sentence) {
    json_t *json = NULL;
    clear();
    assert_int_equal(ss_json_parse(&json, &cx, "config.json", text, size), SS_ERR_FORMAT);
    if (!strstr(cx.error, sentence) || !strstr(cx.error, "config.json"))
        fail_msg("\"%s\" is not in: %s", sentence, cx.error);
    assert_null(json);
}

static void refuse(const char *text, const char *sentence) { expect_refusal(text, strlen(text), sentence); }

static void test_refused(void **state) {
    (void)state;
    refuse("", "not valid JSON");
    refuse("{\"a\": 1} x", "line 1, column 10");
    refuse("{\"a\": 1, \"a\": 1}", "duplicate object key");
    refuse("{\"a\": 01}", "invalid token");
    refuse("{\"a\": 99999999999999999999}", "too big integer");
    refuse("{\"a\": \"\xff\"}", "unable to decode");
    refuse("version https://git-lfs.github.com/spec/v1", "Git-LFS pointer");
    refuse("<!doctype html>", "web page");
    expect_refusal("{}\0", 3, "not valid JSON");
}

static void test_limits(void **state) {
    (void)state;
    char deep[4 * SS_JSON_DEPTH];
    memset(deep, '[', SS_JSON_DEPTH);
    memset(deep + SS_JSON_DEPTH, ']', SS_JSON_DEPTH);
    deep[2 * SS_JSON_DEPTH] = 0;
    json_decref(parsed(deep));
    memset(deep, '[', SS_JSON_DEPTH + 1);
    memset(deep + SS_JSON_DEPTH + 1, ']', SS_JSON_DEPTH + 1);
    deep[2 * SS_JSON_DEPTH + 2] = 0;
    refuse(deep, "nested more than 64 deep");
    /* Brackets in texts are no depth, and an escaped quote does not end one. */
    json_decref(parsed("[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[\"]"));

    size_t n = SS_JSON_VALUES + 2;
    char *wide = malloc(n);
    memset(wide, ',', n);
    expect_refusal(wide, n, "values");
    free(wide);
}

static void test_getters(void **state) {
    (void)state;
    json_t *json = parsed(
        "{\"i\": -3, \"r\": 0.5, \"t\": true, \"s\": \"text\", \"n\": null, \"l\": [1, 2, 3], \"o\": {\"i\": 7}}");
    ss_object o = {json, "config.json"};
    assert_int_equal(ss_json_int(&cx, o, "i", 1), -3);
    assert_int_equal(ss_json_int(&cx, o, "absent", 1), 1);
    assert_int_equal(ss_json_int(&cx, o, "n", 1), 1);
    assert_true(ss_json_number(&cx, o, "r", 1) == 0.5);
    assert_true(ss_json_number(&cx, o, "i", 1) == -3);
    assert_true(ss_json_number(&cx, o, "absent", 1.5) == 1.5);
    assert_true(ss_json_bool(&cx, o, "t", false));
    assert_true(ss_json_bool(&cx, o, "absent", true));
    assert_string_equal(ss_json_text(&cx, o, "s", "x"), "text");
    assert_string_equal(ss_json_text(&cx, o, "absent", "x"), "x");
    int64_t y[3];
    assert_int_equal(ss_json_ints(&cx, o, "l", y, 3), 3);
    assert_int_equal(y[2], 3);
    assert_int_equal(ss_json_ints(&cx, o, "i", y, 3), 1);
    assert_int_equal(y[0], -3);
    assert_int_equal(ss_json_ints(&cx, o, "absent", y, 3), -1);
    assert_int_equal(json_array_size(ss_json_array(&cx, o, "l")), 3);
    assert_null(ss_json_array(&cx, o, "absent"));
    assert_int_equal(ss_json_int(&cx, ss_json_object(&cx, o, "o"), "i", 1), 7);
    assert_int_equal(ss_json_int(&cx, ss_json_object(&cx, o, "absent"), "i", 1), 1);
    assert_int_equal(cx.status, SS_OK);
    json_decref(json);
}

static void expect_sentence(const char *sentence) {
    assert_int_equal(cx.status, SS_ERR_FORMAT);
    assert_string_equal(cx.error, sentence);
    clear();
}

static void test_wrong_types(void **state) {
    (void)state;
    json_t *json =
        parsed("{\"i\": 3, \"r\": 0.5, \"t\": true, \"f\": false, \"s\": \"text\", \"l\": [1, \"2\"], \"o\": {}}");
    ss_object o = {json, "config.json"};
    int64_t y[2];
    assert_int_equal(ss_json_int(&cx, o, "r", 1), 1);
    expect_sentence("config.json: \"r\" is a number, not a whole number");
    assert_int_equal(ss_json_int(&cx, o, "s", 1), 1);
    expect_sentence("config.json: \"s\" is a text, not a whole number");
    assert_true(ss_json_number(&cx, o, "t", 1) == 1);
    expect_sentence("config.json: \"t\" is true, not a number");
    assert_false(ss_json_bool(&cx, o, "i", false));
    expect_sentence("config.json: \"i\" is a whole number, not true or false");
    assert_null(ss_json_text(&cx, o, "f", NULL));
    expect_sentence("config.json: \"f\" is false, not a text");
    assert_int_equal(ss_json_ints(&cx, o, "l", y, 2), -1);
    expect_sentence("config.json: \"l\" holds a text where a whole number is expected");
    assert_int_equal(ss_json_ints(&cx, o, "l", y, 1), -1);
    expect_sentence("config.json: \"l\" has 2 entries, at most 1 are expected");
    assert_int_equal(ss_json_ints(&cx, o, "o", y, 1), -1);
    expect_sentence("config.json: \"o\" is an object, not a list of whole numbers");
    assert_null(ss_json_array(&cx, o, "o"));
    expect_sentence("config.json: \"o\" is an object, not a list");
    assert_null(ss_json_object(&cx, o, "l").json);
    expect_sentence("config.json: \"l\" is a list, not an object");
    json_decref(json);
}

static void test_no_file(void **state) {
    (void)state;
    json_t *json = NULL;
    clear();
    assert_int_equal(ss_json_read(&json, &cx, "/nowhere/config.json"), SS_ERR_FILE);
    assert_non_null(strstr(cx.error, "/nowhere/config.json"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),     cmocka_unit_test(test_limits),  cmocka_unit_test(test_getters),
        cmocka_unit_test(test_wrong_types), cmocka_unit_test(test_no_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
