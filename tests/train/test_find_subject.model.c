/* Where the subject of a photo is, found by the built-in model in pictures whose truth is known; and the threshold. */
#include "train/find_subject.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "clay/measure.h"

#include <stdio.h>
#include <stdlib.h>

enum { SIZE = 256, PIXELS = SIZE * SIZE, PHOTOS = 4 };

static const char *const species[] = {"dog", "cat", "bear"};
enum { KINDS = sizeof species / sizeof *species };

/* The mean overlap with the truth (intersection over union) [0.70]; a mask that is white everywhere has 0.29. */
static const double least_overlap = 0.5;

static void draw(ss_image *photo, uint8_t *truth, ss_ctx *cx, int kind, int number) {
    ss_clay_request wanted = {.seed = 9001, .small = true, .word = {[SS_CLAY_SPECIES] = species[kind]}};
    ss_clay_scene scene;
    *photo = (ss_image){SIZE, SIZE, malloc(3 * PIXELS)};
    assert_non_null(photo->rgb);
    ss_clay_picture to = {.size = SIZE, .samples = 1, .rgb = photo->rgb, .mask = truth};
    assert_int_equal(ss_clay_scene_draw(&scene, cx, &wanted, (uint64_t)number), SS_OK);
    assert_int_equal(ss_clay_render(cx, &scene, &to), SS_OK);
}

static void finds_clay_figures(void **state) {
    (void)state;
    static uint8_t truth[PIXELS], found[PIXELS];
    static float mask[PIXELS];
    ss_ctx *cx = NULL;
    ss_model *m = NULL;
    double overlap = 0;
    assert_int_equal(ss_ctx_new(&cx, NULL), SS_OK);
    assert_int_equal(ss_model_open(&m, cx, SELFSAME_SOURCE_DIR "/models/clay", NULL), SS_OK);
    for (int i = 0; i < KINDS * PHOTOS; i++) {
        ss_image photo;
        char text[40];
        const char *word = species[i / PHOTOS];
        draw(&photo, truth, cx, i / PHOTOS, i);
        snprintf(text, sizeof text, "photo of a %s", word);
        assert_int_equal(ss_find_subject(mask, cx, m, &photo, text, word), SS_OK);
        for (int k = 0; k < PIXELS; k++) found[k] = mask[k] > 0 ? 255 : 0;
        double one = ss_clay_mask_iou(found, truth, PIXELS);
        overlap += one / (KINDS * PHOTOS);
        ss_image_free(&photo);
    }
    print_message("overlap %.3f\n", overlap);
    assert_true(overlap > least_overlap);
    ss_model_free(m);
    ss_ctx_free(cx);
}

static void the_threshold_parts_two_heaps(void **state) {
    (void)state;
    float x[100];
    for (int i = 0; i < 100; i++) x[i] = i < 70 ? 0.1f + 0.001f * (float)i : 0.8f + 0.001f * (float)i;
    float t = ss_otsu(x, 100);
    assert_true(t > 0.169f && t <= 0.87f);
    for (int i = 0; i < 100; i++) x[i] = 0.5f;
    assert_true(ss_otsu(x, 100) <= 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_threshold_parts_two_heaps),
        cmocka_unit_test(finds_clay_figures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
