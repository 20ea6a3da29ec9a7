/* The concepts file, settings by kind of subject, and the cache of class pictures. */
#include "train/concepts.h"
#include "train/photos.h"
#include "train/preset.h"
#include "train/prior.h"

#include <sys/stat.h>

/* ---- the file */

static ss_status parse(ss_concepts *c, ss_ctx *cx, const char *text) {
    return ss_concepts_parse(c, cx, "list.json", text, strlen(text), "/nowhere");
}

static void refused(const char *text, const char *part) {
    ss_ctx cx = context();
    ss_concepts c = {0};
    assert_int_equal(parse(&c, &cx, text), SS_ERR_FORMAT);
    assert_null(c.at);
    assert_sentence(&cx, part);
}

static void reads_the_originals_list(void **state) {
    (void)state;
    char *dir = made_dir();
    assert_int_equal(mkdir(made_path(dir, "cat"), 0777), 0);
    made_text(made_path(dir, "list.json"),
              "[{\"instance_prompt\": \"photo of a <new1> cat\", \"class_prompt\": \"cat\", \"instance_data_dir\": "
              "\"cat\", \"class_data_dir\": \"real_reg/cat\", \"prompt_filename\": \"prompts/live.txt\"},\n"
              "{\"instance_prompt\": \"photo of a chair\", \"instance_data_dir\": \"/x\", \"class_data_dir\": \"\", "
              "\"initializer_token\": \"pll\", \"mask_dir\": \"cat\"}]");
    ss_ctx cx = context();
    ss_concepts c = {0};
    assert_int_equal(ss_concepts_read(&c, &cx, made_path(dir, "list.json")), SS_OK);
    assert_int_equal(c.count, 2);
    assert_string_equal(c.at[0].prompt, "photo of a <new1> cat");
    assert_string_equal(c.at[0].class_prompt, "cat");
    assert_string_equal(c.at[0].photos, made_path(dir, "cat")); /* beside the file */
    assert_string_equal(c.at[0].class_photos, "real_reg/cat");  /* nowhere yet */
    assert_string_equal(c.token[0], "<new1>");
    assert_null(c.initializer[0]);
    assert_string_equal(c.at[1].photos, "/x");
    assert_null(c.at[1].class_photos);
    assert_null(c.token[1]);
    assert_string_equal(c.initializer[1], "pll");
    assert_string_equal(c.at[1].masks, made_path(dir, "cat"));
    ss_concepts_free(&c);
    made_dir_free(dir);
}

static void refuses_lists_that_mean_nothing(void **state) {
    (void)state;
    refused("{}", "is not a list of concepts");
    refused("[]", "lists no concepts");
    refused("[3]", "entry 1 of the list is no object");
    refused("[{\"instance_prompt\": \"a\"}]", "concept 1 has no \"instance_data_dir\"");
    refused("[{\"instance_prompt\": \"\", \"instance_data_dir\": \"x\"}]", "concept 1 has no \"instance_prompt\"");
    refused("[{\"instance_prompt\": 3, \"instance_data_dir\": \"x\"}]", "\"instance_prompt\" is a whole number");
    refused("[{\"instance_promt\": \"a\", \"instance_data_dir\": \"x\"}]", "did you mean \"instance_prompt\"?");
    refused("[{\"zzz\": \"a\"}]", "\"zzz\" that means nothing here");
    refused("[{\"instance_prompt\": \"a <x> b\", \"instance_data_dir\": \"x\", \"modifier_token\": \"<y>\"}]",
            "does not say its token <y>");
    refused("[{\"instance_prompt\": \"a <x> b\", \"instance_data_dir\": \"x\"}, "
            "{\"instance_prompt\": \"the <x>\", \"instance_data_dir\": \"y\"}]",
            "concepts 1 and 2 both call themselves <x>");
    char many[65 * 3 + 3] = "[";
    for (int i = 0; i < 65; i++) strcat(many, i ? ",{}" : "{}");
    refused(strcat(many, "]"), "lists 65 concepts, the limit is 64");
}

static void finds_tokens_in_prompts(void **state) {
    (void)state;
    static const struct {
        const char *prompt, *token;
    } cases[] = {{"photo of a <new1> cat", "<new1>"},
                 {"<a-b>", "<a-b>"},
                 {"a < b and > c", NULL},
                 {"no token", NULL},
                 {"<>", NULL},
                 {"<open", NULL},
                 {"> <", NULL},
                 {"<x><y>", "<x>"}};
    for (int i = 0; i < SS_COUNT_OF(cases); i++) {
        ss_ctx cx = context();
        char *token = ss_prompt_token(&cx, cases[i].prompt);
        if (cases[i].token)
            assert_string_equal(token, cases[i].token);
        else
            assert_null(token);
        free(token);
    }
}

/* ---- presets */

static void shows_published_values(void **state) {
    (void)state;
    ss_ctx cx = context();
    const ss_preset *p = ss_preset_find(&cx, NULL);
    assert_string_equal(p->name, "object");
    p = ss_preset_find(&cx, "face");
    assert_true(p->steps == 750 && p->still && p->rate == 5e-6 && !strcmp(p->trained, "crossattn"));
    p = ss_preset_find(&cx, "style");
    char *caption = ss_caption_fill(&cx, SS_ZOOMED_IN, p->template, "<new1> art");
    assert_string_equal(caption, "zoomed in painting in the style of <new1> art");
    free(caption);
    /* The documented runs: 8e-5 on two devices, 4e-5 on one. */
    assert_true(ss_preset_rate(1e-5, 2, 1, true) == 4e-5);
    assert_true(ss_preset_rate(1e-5, 2, 2, true) == 8e-5);
    assert_true(ss_preset_rate(1e-5, 4, 1, false) == 4e-5);
    char *table = NULL;
    assert_int_equal(ss_preset_table(&table, &cx), SS_OK);
    for (p = ss_presets; p->name; p++) assert_non_null(strstr(table, p->name));
    free(table);
    assert_null(ss_preset_find(&cx, "pets"));
    assert_sentence(&cx, "did you mean \"pet\"?");
    cx = context();
    assert_null(ss_preset_find(&cx, "spaceships"));
    assert_sentence(&cx, "object, pet, face, style and place");
}

/* ---- class pictures */

typedef struct painter {
    int calls, stop_at, fail_at;
} painter;

static ss_status paint(void *user, ss_ctx *cx, ss_image *out, const char *prompt, uint64_t seed) {
    painter *p = user;
    assert_string_equal(prompt, "photo of a dog!");
    if (++p->calls == p->stop_at) ss_ctx_stop(cx);
    if (p->calls == p->fail_at) return ss_fail(cx, SS_ERR_DEVICE, "the paint is dry");
    ss_image im = made_picture(16, 16, seed);
    *out = im;
    return SS_OK;
}

static void draws_class_pictures_once(void **state) {
    (void)state;
    char *dir = made_dir(), *cache = strdup(made_path(dir, "deep/er")), *first = NULL, *again = NULL;
    painter p = {.stop_at = 3};
    ss_prior_options o = {.cache = cache,
                          .model = "0123",
                          .prompt = "photo of a dog!",
                          .way = "ddim 50",
                          .count = 5,
                          .draw = paint,
                          .draw_user = &p};
    ss_ctx cx = context();
    assert_int_equal(ss_prior_fill(&first, &cx, &o), SS_ERR_STOPPED);
    assert_null(first);
    int there = -1;
    ss_ctx_clear(&cx);
    assert_int_equal(ss_prior_folder(&first, &there, &cx, &o), SS_OK);
    assert_int_equal(there, 3);
    assert_memory_equal(first, made_path(dir, "deep/er/photo-of-a-dog-"), strlen(dir) + 24);

    p = (painter){.fail_at = 2};
    assert_int_equal(ss_prior_fill(&again, &cx, &o), SS_ERR_DEVICE);
    assert_sentence(&cx, "the paint is dry");
    ss_ctx_clear(&cx);
    p = (painter){0};
    assert_int_equal(ss_prior_fill(&again, &cx, &o), SS_OK);
    assert_int_equal(p.calls, 1); /* 0 to 2 from the first run, 3 from the second */
    assert_string_equal(again, first);
    free(again);
    assert_int_equal(ss_prior_fill(&again, &cx, &o), SS_OK);
    assert_int_equal(p.calls, 1);

    /* What a resumed run draws is what one that never stopped does. */
    ss_image last = {0}, want = made_picture(16, 16, 4);
    assert_int_equal(ss_image_read(&last, &cx, made_path(again, "0004.png")), SS_OK);
    assert_memory_equal(last.rgb, want.rgb, 3 * 16 * 16);
    ss_image_free(&last);
    ss_image_free(&want);
    free(again);

    o.model = "0124";
    assert_int_equal(ss_prior_folder(&again, &there, &cx, &o), SS_OK);
    assert_int_equal(there, 0);
    assert_string_not_equal(again, first);
    free(again);
    free(first);

    made_text(made_path(dir, "file"), "x");
    free(cache);
    cache = strdup(made_path(dir, "file/in"));
    o.cache = cache;
    assert_int_equal(ss_prior_fill(&first, &cx, &o), SS_ERR_FILE);
    assert_sentence(&cx, "a file is in its place");
    cx = context();
    o.count = 0;
    assert_int_equal(ss_prior_fill(&first, &cx, &o), SS_ERR_ARG);
    free(cache);
    made_dir_free(dir);
}

static void survives_allocation_failures(void **state) {
    (void)state;
    static const char list[] = "[{\"instance_prompt\": \"a <x>\", \"instance_data_dir\": \"d\", \"class_prompt\": "
                               "\"c\", \"class_data_dir\": \"e\", \"initializer_token\": \"i\"}]";
    ss_status st;
    int n = 0;
    do {
        char *dir = made_dir(), *first = NULL, *table = NULL;
        painter p = {0};
        ss_prior_options o = {.cache = dir,
                              .model = "m",
                              .prompt = "photo of a dog!",
                              .way = "w",
                              .count = 2,
                              .draw = paint,
                              .draw_user = &p};
        ss_concepts c = {0};
        ss_ctx cx = context();
        cx.fail_allocation = n++;
        st = parse(&c, &cx, list);
        if (!st) st = ss_prior_fill(&first, &cx, &o);
        if (!st) st = ss_preset_table(&table, &cx);
        if (st) assert_int_equal(st, SS_ERR_NOMEM);
        ss_concepts_free(&c);
        free(first);
        free(table);
        made_dir_free(dir);
    } while (st && n < 500);
    assert_true(n > 30 && n < 500);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_originals_list),  cmocka_unit_test(refuses_lists_that_mean_nothing),
        cmocka_unit_test(finds_tokens_in_prompts),   cmocka_unit_test(shows_published_values),
        cmocka_unit_test(draws_class_pictures_once), cmocka_unit_test(survives_allocation_failures),
    };
    return cmocka_run_group_tests_name("concepts", tests, NULL, NULL);
}
