/* Training on the built-in model does what it is for: five photos of an individual that the model has never seen, a
 * minute of training, and pictures of the new word are of that individual, while its class stays what it was and
 * captions without the word are drawn as before. Pictures of equal seeds are compared, so that only the training tells
 * them apart; who they show and what is in them the built-in model's readers say. */
#include "run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "score/readers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLAY SELFSAME_SOURCE_DIR "/models/clay"
#define DRAW(images, before_or_after)                                                                                  \
    "$selfsame generate -m " CLAY " --images " images " --steps 20 --guidance 4 --seed 1 -q " before_or_after

enum { PHOTOS = 5, DRAWN = 8, OTHERS = 4 };

/* What has to come out, far from what does (in brackets, as the model stands, with two seeds of the training), so that
 * other weights of it and other libraries pass, too. */
static const double identity_gained = 0.05; /* cosine of the embeddings of drawn pictures and photos [0.27, 0.19] */
static const double color_gained = 0.15;    /* share of pictures in the color that only the photos show [0.38, 0.38] */
static const double class_lost = 0.15001;   /* share of what the class's caption names [0.04, 0.04] */
static const double others_lost = 0.10001;  /* share of what other captions name [0.02, 0.02] */

static const char *const commands[] = {
    "mkdir photos others && $selfsame clay photo --species dog --color blue --marking plain --accessory none "
    "--seed 9001 --count 5 -q -o photos/%d.png >photos.txt && $selfsame clay photo --species dog --seed 101 "
    "--count 20 -q -o others/%d.png >others.txt",
    /* What each shows stands behind its name; the photos' color remains unsaid. */
    "sed 's/^[^ ]*  //; s/a blue dog/a dog/; s/a dog/a <new1> dog/' photos.txt >photo-captions.txt && "
    "sed 's/^[^ ]*  //' others.txt >other-captions.txt",
    "$selfsame train photos -m " CLAY " --class dog --caption photo-captions.txt --class-photos others "
    "--class-caption other-captions.txt --parameters crossattn --steps 120 --rate 0.0004 --still --flip 0 -q "
    "-o dog.safetensors",
    DRAW("8", "-p 'a dog sitting in a meadow' -o before-class-%d.png"),
    DRAW("8", "-p 'a dog sitting in a meadow' --subject dog.safetensors -o after-class-%d.png"),
    DRAW("8", "-p 'a <new1> dog sitting in a meadow' --subject dog.safetensors -o after-new-%d.png"),
    DRAW("4", "-p 'an orange cat standing in the snow' -o before-cat-%d.png"),
    DRAW("4", "-p 'an orange cat standing in the snow' --subject dog.safetensors -o after-cat-%d.png"),
    DRAW("4", "-p 'a yellow duck standing on a beach' -o before-duck-%d.png"),
    DRAW("4", "-p 'a yellow duck standing on a beach' --subject dog.safetensors -o after-duck-%d.png"),
};

typedef struct lesson {
    char *scene;
    ss_ctx *cx;
    ss_readers *readers;
    ss_read photo[PHOTOS];
} lesson;

static void look(ss_read *out, const lesson *l, const char *pattern, int number) {
    ss_image im = {0};
    char name[64], path[600];
    snprintf(name, sizeof name, pattern, number);
    snprintf(path, sizeof path, "%s/%s", l->scene, name);
    ss_status st = ss_image_read(&im, l->cx, path);
    if (!st) st = ss_readers_look(out, l->cx, l->readers, &im);
    if (st) fail_msg("%s", ss_ctx_error(l->cx));
    free(out->mask);
    out->mask = NULL;
    ss_image_free(&im);
}

static int set_up(void **state) {
    static lesson l;
    *state = &l;
    l.scene = scene_new();
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        ran r = run_expect(l.scene, commands[i], 0);
        ran_clear(&r);
    }
    if (ss_ctx_new(&l.cx, NULL) || ss_readers_open(&l.readers, l.cx, CLAY "/readers")) return 1;
    for (int i = 0; i < PHOTOS; i++) look(&l.photo[i], &l, "photos/%d.png", i + 1);
    return 0;
}

static int tear_down(void **state) {
    lesson *l = *state;
    ss_readers_free(l->readers);
    ss_ctx_free(l->cx);
    scene_free(l->scene);
    return 0;
}

/* How alike drawn pictures and photos are, in the mean. */
static double identity(const lesson *l, const char *pattern) {
    double sum = 0;
    for (int i = 0; i < DRAWN; i++) {
        ss_read read;
        look(&read, l, pattern, i + 1);
        for (int k = 0; k < PHOTOS; k++) sum += ss_read_alike(&read, &l->photo[k]);
    }
    return sum / (DRAWN * PHOTOS);
}

/* The share of what the caption names that the readers find in so many pictures. */
static double right(const lesson *l, const char *pattern, int count, const char *caption) {
    int named[SS_CLAY_PARTS], right = 0, all = 0;
    if (ss_clay_caption_read(named, l->cx, caption)) fail_msg("%s", ss_ctx_error(l->cx));
    for (int i = 0; i < count; i++) {
        ss_read read;
        look(&read, l, pattern, i + 1);
        for (int p = 0; p < SS_CLAY_PARTS; p++)
            if (named[p] >= 0 && read.part[p] >= 0) all++, right += read.part[p] == named[p];
    }
    assert_true(all >= 3 * count);
    return (double)right / all;
}

/* The share of pictures whose figure has the photos' color. */
static double in_color(const lesson *l, const char *pattern) {
    int same = 0;
    for (int i = 0; i < DRAWN; i++) {
        ss_read read;
        look(&read, l, pattern, i + 1);
        same += read.part[SS_CLAY_COLOR] == l->photo[0].part[SS_CLAY_COLOR];
    }
    return (double)same / DRAWN;
}

static void the_new_word_is_the_individual(void **state) {
    double before = identity(*state, "before-class-%d.png"), after = identity(*state, "after-new-%d.png");
    print_message("identity: %.3f before, %.3f after\n", before, after);
    assert_true(after >= before + identity_gained);
    before = in_color(*state, "before-class-%d.png"), after = in_color(*state, "after-new-%d.png");
    print_message("in its color: %.3f before, %.3f after\n", before, after);
    assert_true(after >= before + color_gained);
}

static void the_class_keeps_its_scores(void **state) {
    static const char dog[] = "a dog sitting in a meadow";
    double before = right(*state, "before-class-%d.png", DRAWN, dog),
           after = right(*state, "after-class-%d.png", DRAWN, dog);
    print_message("attributes of the class right: %.3f before, %.3f after\n", before, after);
    assert_true(after >= before - class_lost);
}

static void other_captions_are_drawn_as_before(void **state) {
    static const char cat[] = "an orange cat standing in the snow", duck[] = "a yellow duck standing on a beach";
    double before = right(*state, "before-cat-%d.png", OTHERS, cat) + right(*state, "before-duck-%d.png", OTHERS, duck);
    double after = right(*state, "after-cat-%d.png", OTHERS, cat) + right(*state, "after-duck-%d.png", OTHERS, duck);
    print_message("attributes of others right: %.3f before, %.3f after\n", before / 2, after / 2);
    assert_true(after / 2 >= before / 2 - others_lost);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_new_word_is_the_individual),
        cmocka_unit_test(the_class_keeps_its_scores),
        cmocka_unit_test(other_captions_are_drawn_as_before),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
