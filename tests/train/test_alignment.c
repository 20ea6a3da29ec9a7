/* Scores of samples by CLIP, with the built-in one. */
#include "train/alignment.h"

#include "train/photos.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CLIP SELFSAME_SOURCE_DIR "/models/clay/clip"

static void reads(const char *prompt, const char *token, const char *class_word, const char *as) {
    ss_ctx cx = context();
    char *plain = ss_prompt_without(&cx, prompt, &(ss_named_subject){token, class_word});
    assert_string_equal(plain, as);
    free(plain);
}

static void leaves_the_new_word_out(void **state) {
    (void)state;
    reads("photo of a <new1> dog", "<new1>", "dog", "photo of a dog");
    reads("<new1> dog and <new1>", "<new1>", "dog", "dog and dog");
    reads("a <new1> dogma", "<new1>", "dog", "a dog dogma");
    reads("a <new1> on a wall", "<new1>", NULL, "a on a wall");
    reads("a <new1>  dog", "<new1>", NULL, "a dog");
    reads("a dog", NULL, "dog", "a dog");
    reads("<new1>", "<new1>", "guide dog", "guide dog");
}

/* A clay figure, `size` pixels a side, by its words. */
static ss_image figure(ss_ctx *cx, const char *species, const char *color, uint64_t index) {
    ss_clay_request q = {.seed = 9001, .small = true};
    ss_clay_scene scene;
    ss_image im = {160, 160, malloc(3 * 160 * 160)};
    q.word[SS_CLAY_SPECIES] = species, q.word[SS_CLAY_COLOR] = color;
    if (ss_clay_scene_draw(&scene, cx, &q, index)) fail_msg("%s", ss_ctx_error(cx));
    assert_int_equal(ss_clay_render(cx, &scene, &(ss_clay_picture){.size = 160, .samples = 1, .rgb = im.rgb}), SS_OK);
    return im;
}

typedef struct scene {
    char *dir, *one, *two;
    ss_ctx *cx;
    ss_dataset *data;
} scene;

/* Two subjects: a red dog and a blue duck. */
static void open_scene(scene *s) {
    *s = (scene){.dir = made_dir()};
    assert_int_equal(ss_ctx_new(&s->cx, &(ss_ctx_options){.threads = 1}), SS_OK);
    s->one = strdup(made_path(s->dir, "one")), s->two = strdup(made_path(s->dir, "two"));
    assert_int_equal(mkdir(s->one, 0777) | mkdir(s->two, 0777), 0);
    for (int i = 0; i < 3; i++) {
        write_picture(made_path(s->one, "%d.png", i), figure(s->cx, "dog", "red", (uint64_t)i));
        write_picture(made_path(s->two, "%d.png", i), figure(s->cx, "duck", "blue", (uint64_t)i));
    }
    ss_concept both[] = {{.photos = s->one, .prompt = "a <new1> dog"}, {.photos = s->two, .prompt = "a <new2> duck"}};
    ss_dataset_options o = {.concepts = both, .concept_count = 2, .augment = {.size = 64}, .batch = 1};
    if (ss_dataset_open(&s->data, s->cx, &o)) fail_msg("%s", ss_ctx_error(s->cx));
}

static void close_scene(scene *s) {
    ss_dataset_close(s->data);
    ss_ctx_free(s->cx);
    made_dir_free(s->dir);
    free(s->one);
    free(s->two);
}

static const ss_named_subject named[] = {{"<new1>", "dog"}, {"<new2>", "duck"}};

static void tells_subjects_apart(void **state) {
    (void)state;
    scene s;
    ss_alignment *a = NULL;
    double text, other_text, image, other;
    open_scene(&s);
    if (ss_alignment_open(&a, s.cx, CLIP, s.data, named, 2)) fail_msg("%s", ss_ctx_error(s.cx));
    ss_image dog = figure(s.cx, "dog", "red", 7);
    assert_int_equal(ss_alignment_measure(&text, &image, a, s.cx, "a red <new1> dog", &dog), SS_OK);
    assert_int_equal(ss_alignment_measure(&other_text, &other, a, s.cx, "a blue <new2> duck", &dog), SS_OK);
    assert_true(text > other_text + 0.1 && image > other + 0.1 && image <= 1 && text <= 1);
    /* Named without the word the subject's photos are none of its business. */
    assert_int_equal(ss_alignment_measure(&text, &image, a, s.cx, "a red dog", &dog), SS_OK);
    assert_true(isfinite(text) && isnan(image));
    /* The mean over pairs, and both together. */
    assert_int_equal(ss_alignment_measure(&text, &image, a, s.cx, "<new1> and <new2>", &dog), SS_OK);
    double both = image, one;
    assert_int_equal(ss_alignment_measure(&text, &one, a, s.cx, "<new1>", &dog), SS_OK);
    assert_true(fabs(both - (one + other) / 2) < 1e-9);
    ss_image_free(&dog);
    ss_alignment_close(a);
    close_scene(&s);
}

static void says_what_is_no_clip(void **state) {
    (void)state;
    scene s;
    ss_alignment *a = NULL;
    open_scene(&s);
    assert_int_equal(ss_alignment_open(&a, s.cx, s.dir, s.data, named, 2), SS_ERR_FILE);
    assert_null(a);
    assert_non_null(strstr(ss_ctx_error(s.cx), "holds no CLIP"));
    close_scene(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaves_the_new_word_out),
        cmocka_unit_test(tells_subjects_apart),
        cmocka_unit_test(says_what_is_no_clip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
