/* The parameters text: built as its own writer builds it, read as its own reader reads it. */
#include "io/infotext.h"
#include "io/pictures.h"

#define STANDARD                                                                                                       \
    "Steps: 20, Sampler: Euler a, CFG scale: 7.0, Seed: 123, Size: 512x512, Model hash: 6ce0161689, "                  \
    "Model: v1-5-pruned-emaonly, Clip skip: 2, Version: v1.9.0"

typedef struct field {
    const char *key, *value;
} field;

static void assert_fields(const ss_infotext *t, const field *want, int n) {
    assert_int_equal(t->count, n);
    for (int i = 0; i < n; i++) {
        assert_string_equal(t->fields[i].key, want[i].key);
        assert_string_equal(t->fields[i].value, want[i].value);
    }
}

static char *build(ss_infotext *t) {
    ss_ctx cx = context();
    char *text = NULL;
    assert_int_equal(ss_infotext_build(&text, &cx, t), SS_OK);
    return text;
}

static void writes_in_standard_order(void **state) {
    (void)state;
    ss_ctx cx = context();
    ss_infotext t = {.prompt = ss_strdup(&cx, "a cat\non a wall"), .negative = ss_strdup(&cx, "blurry")};
    static const field fields[] = {
        {"Version", "v1.9.0"},
        {"MasaCtrl step", "4"},
        {"Size", "512x512"},
        {"Seed", "124"},
        {"Clip skip", "2"},
        {"CFG scale", "7.0"},
        {"Model hash", "6ce0161689"},
        {"Sampler", "Euler a"},
        {"Model", "v1-5-pruned-emaonly"},
        {"Lora hashes", "a: abcdef123456, b: 0"},
        {"RNG", "GPU"},
        {"Tiling", ""},
    };
    for (int i = 0; i < SS_COUNT_OF(fields); i++)
        assert_int_equal(ss_infotext_set(&t, &cx, fields[i].key, fields[i].value), SS_OK);
    assert_int_equal(ss_infotext_setf(&t, &cx, "Steps", "%d", 20), SS_OK);
    assert_int_equal(ss_infotext_setf(&t, &cx, "Seed", "%d", 123), SS_OK); /* again */
    char *text = build(&t);
    assert_string_equal(
        text, "a cat\non a wall\nNegative prompt: blurry\nSteps: 20, Sampler: Euler a, CFG scale: 7.0, Seed: 123, "
              "Size: 512x512, Model hash: 6ce0161689, Model: v1-5-pruned-emaonly, Clip skip: 2, MasaCtrl step: 4, "
              "Lora hashes: \"a: abcdef123456, b: 0\", Version: v1.9.0");
    free(text);
    assert_int_equal(ss_infotext_set(&t, &cx, "Clip skip", "1"), SS_OK);
    assert_int_equal(ss_infotext_set(&t, &cx, "RNG", "CPU"), SS_OK);
    text = build(&t);
    assert_null(strstr(text, "Clip skip"));
    assert_non_null(strstr(text, "6ce0161689, Model: v1-5-pruned-emaonly, RNG: CPU, MasaCtrl step: 4, "));
    free(text);
    ss_infotext_free(&t);
}

static void quotes_what_would_end_too_early(void **state) {
    (void)state;
    static const struct {
        const char *value, *written;
    } cases[] = {
        {"plain \"text\"", "plain \"text\""},
        {"a, b", "\"a, b\""},
        {"a: \"b\" \\", "\"a: \\\"b\\\" \\\\\""},
        {"two\nlines\t\x01", "\"two\\nlines\\t\\u0001\""},
        {"\xe7\x8c\xab, caf\xc3\xa9", "\"\xe7\x8c\xab, caf\xc3\xa9\""},
    };
    for (int i = 0; i < SS_COUNT_OF(cases); i++) {
        ss_ctx cx = context();
        ss_infotext t = {0}, back = {0};
        char want[128];
        assert_int_equal(ss_infotext_set(&t, &cx, "Steps", "20"), SS_OK);
        assert_int_equal(ss_infotext_set(&t, &cx, "Seed", "1"), SS_OK);
        assert_int_equal(ss_infotext_set(&t, &cx, "Extra/thing-1", cases[i].value), SS_OK);
        assert_int_equal(ss_infotext_set(&t, &cx, "Same", "Same"), SS_OK);
        char *text = build(&t);
        snprintf(want, sizeof want, "Steps: 20, Seed: 1, Extra/thing-1: %s, Same", cases[i].written);
        assert_string_equal(text, want);
        assert_int_equal(ss_infotext_parse(&back, &cx, text), SS_OK);
        assert_fields(&back, (field[]){{"Steps", "20"}, {"Seed", "1"}, {"Extra/thing-1", cases[i].value}}, 3);
        assert_string_equal(back.prompt, "");
        free(text);
        ss_infotext_free(&t);
        ss_infotext_free(&back);
    }
}

static void reads_prompts_and_fields(void **state) {
    (void)state;
    static const struct {
        const char *text, *prompt, *negative;
        int count;
        field fields[4];
    } cases[] = {
        {"", "", "", 0, {{0}}},
        {"only a prompt", "only a prompt", "", 0, {{0}}},
        {" \n a cat \n\n on a wall\r\nNegative prompt:  bad \n worse\nSteps: 1, Seed: 2, Size: 64x48\n",
         "a cat\n\non a wall",
         "bad\nworse",
         3,
         {{"Steps", "1"}, {"Seed", "2"}, {"Size", "64x48"}}},
        {"two: values, are: none", "two: values, are: none", "", 0, {{0}}},
        {"Negative prompt: bad", "", "bad", 0, {{0}}},
        /* keys of one letter, empty values and stray words are passed over; a quote that does not end is a plain value
         */
        {"p\nx: 1, Steps: 2, Empty: , stray, Seed: 3, Odd: \"a, b: c",
         "p",
         "",
         3,
         {{"Steps", "2"}, {"Seed", "3"}, {"Odd", "\"a"}}},
        {"p\nSteps: 1, Name: \"a, \\\"b\\\": c\", Bad: \"\\q, x\", Last: 4",
         "p",
         "",
         4,
         {{"Steps", "1"}, {"Name", "a, \"b\": c"}, {"Bad", "\"\\q, x\""}, {"Last", "4"}}},
        /* what stands before a key on the line goes into it as far as its letters allow */
        {"(so) and Steps: 1, \xc3\xa9t\xc3\xa9: 2, Seed: 3, Seed: 4",
         "",
         "",
         3,
         {{"and Steps", "1"}, {"\xc3\xa9t\xc3\xa9", "2"}, {"Seed", "4"}}},
        {"\xe3\x80\x80 wide space \xc2\xa0\nSteps: 1, Seed: 2, Size: 3x4",
         "wide space",
         "",
         3,
         {{"Steps", "1"}, {"Seed", "2"}, {"Size", "3x4"}}},
        {"bad \xff utf-8\nSteps: 1, Se\xff"
         "ed: 2, Size: 3x4",
         "bad \xff utf-8",
         "",
         3,
         {{"Steps", "1"}, {"ed", "2"}, {"Size", "3x4"}}},
    };
    for (int i = 0; i < SS_COUNT_OF(cases); i++) {
        ss_ctx cx = context();
        ss_infotext t = {0};
        assert_int_equal(ss_infotext_parse(&t, &cx, cases[i].text), SS_OK);
        assert_string_equal(t.prompt, cases[i].prompt);
        assert_string_equal(t.negative, cases[i].negative);
        assert_fields(&t, cases[i].fields, cases[i].count);
        ss_infotext_free(&t);
    }
}

static void knows_what_is_left_unsaid(void **state) {
    (void)state;
    ss_ctx cx = context();
    ss_infotext t = {0};
    int w = 1, h = 2;
    assert_int_equal(ss_infotext_parse(&t, &cx, "p\n" STANDARD), SS_OK);
    assert_string_equal(ss_infotext_get(&t, "Clip skip"), "2");
    assert_string_equal(ss_infotext_get(&t, "RNG"), "GPU");
    assert_string_equal(ss_infotext_get(&t, "Masked area padding"), "32");
    assert_null(ss_infotext_get(&t, "Denoising strength"));
    assert_false(ss_infotext_size(&t, "Steps", &w, &h));
    assert_false(ss_infotext_size(&t, "Seed resize from", &w, &h));
    assert_true(w == 1 && h == 2);
    assert_true(ss_infotext_size(&t, "Size", &w, &h));
    assert_true(w == 512 && h == 512);
    static const char *const none[] = {"512", "512x", "x512", "512x512x3", "-1x5", "", "99999999x1"};
    for (int i = 0; i < SS_COUNT_OF(none); i++) {
        assert_int_equal(ss_infotext_set(&t, &cx, "Size", none[i]), SS_OK);
        assert_false(ss_infotext_size(&t, "Size", &w, &h));
    }
    ss_infotext_free(&t);
}

static void comes_back_as_it_was(void **state) {
    (void)state;
    static const char *const texts[] = {
        STANDARD,
        "a cat\n" STANDARD,
        "a cat\nNegative prompt: a dog\n" STANDARD,
        "\xe7\x8c\xab\ntwo\nNegative prompt: x\ny\nSteps: 4, Seed: 0, Net 0: \"Module: openpose, Weight: 1.0\"",
        "no values",
    };
    for (int i = 0; i < SS_COUNT_OF(texts); i++) {
        ss_ctx cx = context();
        ss_infotext t = {0};
        assert_int_equal(ss_infotext_parse(&t, &cx, texts[i]), SS_OK);
        char *text = build(&t);
        assert_string_equal(text, texts[i]);
        free(text);
        ss_infotext_free(&t);
    }
}

/* A line of a hundred thousand values is read as far as the limit, and quickly. */
static void stops_at_its_limit(void **state) {
    (void)state;
    ss_ctx cx = context();
    ss_infotext t = {0};
    enum { VALUES = 100000 };
    char *text = malloc(VALUES * 12 + 1), *c = text;
    for (int i = 0; i < VALUES; i++) c += sprintf(c, "k%06d: 1, ", i);
    assert_int_equal(ss_infotext_parse(&t, &cx, text), SS_OK);
    assert_int_equal(t.count, SS_INFOTEXT_FIELDS);
    ss_infotext_free(&t);
    free(text);
}

static ss_status a_round(ss_ctx *cx) {
    ss_infotext t = {0};
    char *text = NULL;
    ss_status st = ss_infotext_parse(&t, cx, "a cat\nNegative prompt: a dog\nName: \"a, b\", " STANDARD);
    if (!st) st = ss_infotext_set(&t, cx, "Name", "c");
    if (!st) st = ss_infotext_setf(&t, cx, "New", "%d", 1);
    if (!st) st = ss_infotext_build(&text, cx, &t);
    ss_infotext_free(&t);
    free(text);
    return st;
}

static void survives_lack_of_memory(void **state) {
    (void)state;
    ss_status st = SS_ERR_NOMEM;
    int tries = 0;
    for (; st; tries++) {
        ss_ctx cx = context();
        cx.fail_allocation = tries;
        st = a_round(&cx);
        if (st) assert_int_equal(st, SS_ERR_NOMEM);
        assert_true(tries < 200);
    }
    assert_true(tries > 30);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_in_standard_order), cmocka_unit_test(quotes_what_would_end_too_early),
        cmocka_unit_test(reads_prompts_and_fields), cmocka_unit_test(knows_what_is_left_unsaid),
        cmocka_unit_test(comes_back_as_it_was),     cmocka_unit_test(stops_at_its_limit),
        cmocka_unit_test(survives_lack_of_memory),
    };
    return cmocka_run_group_tests_name("infotext", tests, NULL, NULL);
}
