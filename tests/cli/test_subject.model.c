/* Subjects as files and in use: two that were learned are converted to every form and back, compressed, merged, made
 * into a checkpoint, and draw a story; every picture repeats. */
#include "run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <selfsame/selfsame.h>

#include <stdio.h>
#include <string.h>

#define MACHINE "--threads 1 --numbers float32 "
#define SMALL "--size 64 --steps 3 -q " MACHINE
#define CONTROLLED "--start-step 1 " SMALL

static void do_well(const char *scene, const char *command) {
    ran r = run_expect(scene, command, 0);
    ran_clear(&r);
}

static void expect_sentence(const char *scene, const char *command, int code, const char *part) {
    ran r = run_expect(scene, command, code);
    if (!strstr(r.err, part)) fail_msg("%s: %s", command, r.err);
    ran_clear(&r);
}

/* Two pictures whose recipes may differ. */
static void same_pixels(const char *scene, const char *one, const char *two, bool same) {
    ss_ctx *cx = NULL;
    ss_image a = {0}, b = {0};
    char path[2][600];
    snprintf(path[0], sizeof path[0], "%s/%s", scene, one);
    snprintf(path[1], sizeof path[1], "%s/%s", scene, two);
    assert_int_equal(ss_ctx_new(&cx, NULL), SS_OK);
    assert_int_equal(ss_image_read(&a, cx, path[0]), SS_OK);
    assert_int_equal(ss_image_read(&b, cx, path[1]), SS_OK);
    bool equal = a.w == b.w && a.h == b.h && !memcmp(a.rgb, b.rgb, (size_t)a.w * (size_t)a.h * 3);
    if (equal != same) fail_msg("%s and %s are %s", one, two, equal ? "the same" : "not the same");
    ss_image_free(&a);
    ss_image_free(&b);
    ss_ctx_free(cx);
}

static int set_up(void **state) {
    const char *scene = *state = scene_new();
    do_well(scene, "mkdir dogs cats && $selfsame clay photo --seed 1 --count 2 --size 64 -o dogs/%d.png -q && "
                   "$selfsame clay photo --seed 2 --count 2 --size 64 -o cats/%d.png -q");
    do_well(scene,
            "for one in dog cat; do $selfsame train ${one}s -m model --class $one --token \"<my-$one>\" --size 64 "
            "--steps 3 --rate 0.001 -q -o $one.safetensors " MACHINE "|| exit 1; done");
    return 0;
}

static int tear_down(void **state) {
    scene_free(*state);
    return 0;
}

/* Forms that hold everything give the same picture to the byte, but for the recipe in it. */
static void every_form_draws_the_same(void **state) {
    static const struct {
        const char *form, *file, *token;
    } rows[] = {{"selfsame", "a.safetensors", "<my-dog>"},
                {"compvis", "a.ckpt", "<new1>"}, /* which keeps no names */
                {"bin", "a.bin", "<my-dog>"},
                {"diffusers", "a", "<my-dog>"},
                {"diffusers-bin", "b", "<my-dog>"}};
    char command[700];
    do_well(*state, "$selfsame generate -m model --subject dog.safetensors -p 'a <my-dog> dog' --seed 3 " SMALL
                    "-o dog.png && $selfsame generate -m model -p 'a dog' --seed 3 " SMALL "-o plain.png");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(command, sizeof command,
                 "$selfsame convert dog.safetensors --to %s -o %s -q && $selfsame inspect %s -q && "
                 "$selfsame generate -m model --subject %s -p 'a %s dog' --seed 3 " SMALL "-o form.png",
                 rows[i].form, rows[i].file, rows[i].file, rows[i].file, rows[i].token);
        do_well(*state, command);
        same_pixels(*state, "dog.png", "form.png", true);
    }
    same_pixels(*state, "dog.png", "plain.png", false);
}

/* The exact low rank of the change; the token lies beside it. */
static void loras_load_with_their_tokens(void **state) {
    static const char *const forms[] = {"kohya", "peft"};
    for (int i = 0; i < 2; i++) {
        char command[700];
        snprintf(command, sizeof command,
                 "mkdir %s && $selfsame convert dog.safetensors --to %s -m model -o %s/lora.safetensors -q && "
                 "$selfsame generate -m model $(for f in %s/*; do echo --subject \"$f\"; done) -p 'a <my-dog> dog' "
                 "--seed 3 " SMALL "-o %s.png",
                 forms[i], forms[i], forms[i], forms[i], forms[i]);
        do_well(*state, command);
        assert_true(scene_count(*state, "kohya/*") >= 2);
    }
    same_pixels(*state, "kohya.png", "peft.png", true);
}

static void what_is_learned_is_compressed_and_merged(void **state) {
    do_well(*state, "$selfsame compress dog.safetensors -m model --share 0.6 -o thin.safetensors -q && "
                    "test $(stat -c %s thin.safetensors) -lt $(stat -c %s dog.safetensors)");
    ran r = run_expect(*state, "$selfsame merge dog.safetensors cat.safetensors -m model -o both.safetensors -q", 0);
    if (!strstr(r.out, "<my-dog>, <my-cat>") || !strstr(r.out, "dog.safetensors, dog: ")) fail_msg("%s", r.out);
    ran_clear(&r);
    do_well(*state, "$selfsame generate -m model --subject both.safetensors -p 'a <my-dog> dog and a <my-cat> cat' "
                    "--seed 3 " SMALL "-o both.png");
    do_well(*state,
            "$selfsame convert dog.safetensors --to checkpoint -m model -o whole -q && "
            "$selfsame generate -m whole -p 'a <my-dog> dog' --seed 3 " SMALL "-o whole.png && test -s whole.png");
    do_well(*state, "$selfsame convert --to checkpoint -m model -o plain.ckpt -q && "
                    "$selfsame generate -m plain.ckpt --config model -p 'a dog' --seed 3 " SMALL "-o plain.png && "
                    "$selfsame generate -m model -p 'a dog' --seed 3 " SMALL "-o folder.png");
    same_pixels(*state, "plain.png", "folder.png", true);
    expect_sentence(*state, "$selfsame convert --to kohya -m model -o x.safetensors", 2, "takes a SUBJECT");
}

static void a_story_reads_its_anchor_and_repeats(void **state) {
    do_well(*state,
            "$selfsame story -m model --subject dog.safetensors -p 'a <my-dog> dog' -p 'a <my-dog> dog in the snow' "
            "-p 'a red <my-dog> dog' --anchor 2 --seed 5 " CONTROLLED "-o s-%d.png --sheet sheet.png");
    assert_int_equal(scene_count(*state, "s-*.png"), 3);
    assert_true(scene_has(*state, "sheet.png"));
    for (int i = 1; i <= 3; i++) {
        char command[160];
        snprintf(command, sizeof command, "$selfsame repeat s-%d.png -q -o again-%d.png && cmp s-%d.png again-%d.png",
                 i, i, i, i);
        do_well(*state, command);
    }
    do_well(*state,
            "$selfsame story -m model --photo photo.png --source 'a cat' -p 'a dog' " CONTROLLED "-o photo-%d.png");
    do_well(*state,
            "$selfsame edit --draw-source --source 'a cat' -m model -p 'a dog' --seed 5 " CONTROLLED "-o drawn.png && "
            "$selfsame repeat drawn.png -q -o drawn2.png && cmp drawn.png drawn2.png");
}

#define STORY                                                                                                          \
    "$selfsame story -m model --subject dog.safetensors -p 'a <my-dog> dog' -p 'a <my-dog> dog in the snow' "          \
    "-p 'a red <my-dog> dog' " CONTROLLED

/* How many pictures a command has drawn, and how many it found. */
static void expect_drawn(const char *scene, const char *command, int drawn, int found) {
    ran r = run_expect(scene, command, 0);
    int of[2] = {0};
    for (const char *line = r.out; (line = strstr(line, ".png  (")); line++)
        of[!strncmp(line, ".png  (is there already)", 24)]++;
    if (of[0] != drawn || of[1] != found) fail_msg("%s: %d drawn and %d found:\n%s", command, of[0], of[1], r.out);
    ran_clear(&r);
}

/* Killed after any picture it goes on to the same pictures, from the same seed though nobody named it. */
static void a_story_that_was_killed_goes_on(void **state) {
    char first[] = "k-1.png", command[900];
    for (int i = 1; i <= 2; i++) {
        first[2] = (char)('0' + i);
        do_well(*state, "rm -f k-*.png");
        snprintf(command, sizeof command,
                 STORY "-o k-%%d.png >killed 2>&1 & pid=$!; while kill -0 $pid 2>/dev/null && ! test -f %s; do sleep "
                       "0.01; done; kill -KILL $pid; wait $pid; true",
                 first);
        do_well(*state, command);
        int there = scene_count(*state, "k-*.png");
        assert_in_range(there, i, 3);
        do_well(*state, "mkdir -p early && cp k-*.png early");
        ran r = run_expect(*state, STORY "-o k-%d.png --json", 0);
        assert_non_null(strstr(r.out, "\"kept\""));
        ran_clear(&r);
        assert_int_equal(scene_count(*state, "k-*.png"), 3);
        do_well(*state, "for f in early/*; do cmp $f k-${f#early/k-} || exit 1; done; rm -r early");
    }
    do_well(*state,
            "for i in 1 2 3; do cp k-$i.png whole-$i.png; rm k-$i.png; " STORY
            "--sheet k-sheet.png -o k-%d.png && cmp k-$i.png whole-$i.png || exit 1; done; test -s k-sheet.png");
    expect_drawn(*state, "ln -s model elsewhere; " STORY "-m ./elsewhere -o k-%d.png", 0, 3);
}

static void a_finished_story_repeats_nothing_unless_told(void **state) {
    expect_drawn(*state, "mkdir told && cd told && ln -s ../model ../dog.safetensors . && " STORY, 3, 0);
    expect_drawn(*state, "cd told && " STORY, 0, 3);
    expect_drawn(*state, "cd told && " STORY "-o .", 0, 3);
    expect_drawn(*state, "cd told && " STORY "--again", 3, 0);
    expect_sentence(*state, "cd told && " STORY "--guidance 3", 1, "is not picture 1 of this story");
    expect_drawn(*state, "cd told && " STORY "--guidance 3 -o story-%d.png", 3, 0);
    expect_drawn(*state, "cd told && " STORY "--guidance 3 --seed 7 -o story-%d.png && rm story-1.png", 3, 0);
    expect_drawn(*state, "cd told && " STORY "--guidance 3 -o story-%d.png", 2,
                 1); /* the source and one that reads it */
}

/* With the reconstruction where one was made. */
static void the_sheet_of_a_photo_s_story_shows_the_photo(void **state) {
#define OF_PHOTO                                                                                                       \
    "$selfsame story -m model --photo photo.png --source 'a cat' -p 'a dog' -p 'a bird' " CONTROLLED                   \
    "-o p-%d.png --sheet p.png >said && grep -q 'sheet of "
    do_well(*state, OF_PHOTO "4)' said");
    do_well(*state, "rm p-2.png && " OF_PHOTO "4)' said && grep -q 'p-1.png  (is there' said");
    do_well(*state, "rm p.png && " OF_PHOTO "3)' said && grep -q 'p-2.png  (is there' said && test -s p.png");
}

static void what_makes_no_sense_is_refused(void **state) {
    expect_sentence(*state, "$selfsame merge dog.safetensors -m model -o x.safetensors", 2, "two subjects or more");
    expect_sentence(*state, "$selfsame merge dog.safetensors cat.safetensors -m model", 2, "-o");
    expect_sentence(*state, "$selfsame merge dog.safetensors cat.safetensors -m model --class dog -o x.safetensors", 2,
                    "names 1 classes");
    expect_sentence(*state, "$selfsame compress dog.safetensors -m model -o x.safetensors", 2, "--share");
    expect_sentence(*state, "$selfsame convert dog.safetensors -o x.safetensors", 2, "--to takes one of");
    expect_sentence(*state, "$selfsame convert dog.safetensors --to kohia -o x.safetensors", 2,
                    "did you mean \"kohya\"");
    expect_sentence(*state, "$selfsame convert dog.safetensors --to kohya -o x.safetensors", 2, "model");
    expect_sentence(*state, "$selfsame convert dog.safetensors --to checkpoint -o x.safetensors", 2, "-m");
    expect_sentence(*state, "$selfsame convert photo.png --to bin -o x.bin", 1, "photo.png");
    expect_sentence(*state, "$selfsame story -m model -p 'a dog'", 2, "two prompts");
    expect_sentence(*state, "$selfsame story -m model -p 'a dog' -p 'a cat' --anchor 3", 2, "--anchor 3");
    expect_sentence(*state, "$selfsame story -m model -p a -p b --anchor 2 --photo photo.png", 2, "contradict");
    expect_sentence(*state, "$selfsame edit photo.png --draw-source --source a -m model -p b", 2, "--draw-source");
    expect_sentence(*state, "$selfsame edit --draw-source -m model -p b", 2, "--source");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_draws_the_same),
        cmocka_unit_test(loras_load_with_their_tokens),
        cmocka_unit_test(what_is_learned_is_compressed_and_merged),
        cmocka_unit_test(a_story_reads_its_anchor_and_repeats),
        cmocka_unit_test(a_story_that_was_killed_goes_on),
        cmocka_unit_test(a_finished_story_repeats_nothing_unless_told),
        cmocka_unit_test(the_sheet_of_a_photo_s_story_shows_the_photo),
        cmocka_unit_test(what_makes_no_sense_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
