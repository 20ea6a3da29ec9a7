/* A training that is killed at any point goes on to the same bytes as one that nobody disturbed; what cannot go on says
 * why. */
#include "run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 12 };

#define TRAIN                                                                                                          \
    "$selfsame train photos -m model --class dog --size 128 --batch 2 --threads 1 --numbers float32 --class-photos "   \
    "others --steps 12 --save-every 2 "

/* Photos and pictures of the class: parts of the scene's photo, all of them different. */
static int set_up(void **state) {
    char *scene = *state = scene_new();
    ran r = run_expect(scene,
                       "mkdir photos others && "
                       "$selfsame clay photo --seed 1 --count 3 --size 64 -o photos/%d.png -q && "
                       "$selfsame clay photo --seed 101 --count 3 --size 64 -o others/%d.png -q",
                       0);
    ran_clear(&r);
    r = run_expect(scene, TRAIN "-q --run whole -o whole.safetensors", 0);
    ran_clear(&r);
    return 0;
}

static int tear_down(void **state) {
    scene_free(*state);
    return 0;
}

static void same_files(const char *scene, const char *one, const char *two) {
    char command[200];
    snprintf(command, sizeof command, "cmp %s %s", one, two);
    ran r = run_expect(scene, command, 0);
    ran_clear(&r);
}

/* Starts or goes on, and sends a signal once the log has more than `steps` steps; returns whether it hit. */
static bool interrupted(const char *scene, const char *run_name, const char *signal_name, int steps) {
    char command[800];
    snprintf(command, sizeof command,
             TRAIN
             "-q --run %s --resume -o %s.safetensors & pid=$!; while kill -0 $pid 2>/dev/null; do "
             "test \"$(grep -c norm %s/log.jsonl 2>/dev/null || echo 0)\" -gt %d && kill -%s $pid; sleep 0.01; done; "
             "wait $pid; echo ended $?",
             run_name, run_name, run_name, steps, signal_name);
    ran r = run_expect(scene, command, 0);
    bool hit = !strstr(r.out, "ended 0");
    ran_clear(&r);
    return hit;
}

static void goes_on_after(void **state, const char *signal_name) {
    char mine[64];
    int hits = 0;
    for (int i = 0; i < STEPS; i += 3) hits += interrupted(*state, signal_name, signal_name, i);
    assert_true(hits > 0);
    assert_false(interrupted(*state, signal_name, signal_name, 1000));
    snprintf(mine, sizeof mine, "%s.safetensors", signal_name);
    same_files(*state, "whole.safetensors", mine);
    snprintf(mine, sizeof mine, "%s/state.safetensors", signal_name);
    same_files(*state, "whole/state.safetensors", mine);
}

static void killed_anywhere(void **state) { goes_on_after(state, "KILL"); }
static void stopped_anywhere(void **state) { goes_on_after(state, "TERM"); }

static void expect_sentence(const char *scene, const char *command, int code, const char *part) {
    ran r = run_expect(scene, command, code);
    if (!strstr(r.err, part)) fail_msg("%s: %s", command, r.err);
    ran_clear(&r);
}

static void what_has_changed_is_named(void **state) {
    expect_sentence(*state, TRAIN "--run whole -o x.safetensors", 2, "holds the state of a training");
    expect_sentence(*state, TRAIN "--rate 0.5 --run whole --resume -o x.safetensors", 2, "rate was");
    expect_sentence(*state, TRAIN "--parameters crossattn --run whole --resume -o x.safetensors", 1,
                    "another training");
    ran r = run_expect(*state, "mv photos/2.png photos/9.png && cp others/1.png photos/2.png", 0);
    ran_clear(&r);
    expect_sentence(*state, TRAIN "--run whole --resume -o x.safetensors", 2, "other pictures");
    r = run_expect(*state, "mv photos/9.png photos/2.png", 0);
    ran_clear(&r);
}

/* Masks that the model finds are the same ones in each run; other masks on the way are named. */
static void masks_by_themselves_are_kept_to(void **state) {
    ran r = run_expect(*state,
                       TRAIN "-q --loss-masks auto --run masked -o a.safetensors && " TRAIN
                             "-q --loss-masks auto --run masked --resume -o b.safetensors && cmp a.safetensors "
                             "b.safetensors && ! cmp a.safetensors whole.safetensors",
                       0);
    ran_clear(&r);
    expect_sentence(*state, TRAIN "--run masked --resume -o x.safetensors", 2, "has another mask");
    expect_sentence(*state,
                    "echo '[]' >list.json; $selfsame train --concepts list.json -m model --loss-masks photos -o "
                    "x.safetensors",
                    2, "only auto");
    expect_sentence(*state, "$selfsame train photos -m model --caption 'a <new1>' --loss-masks auto -o x.safetensors",
                    2, "no class");
}

/* What cannot be used is left out and named, and counted where nothing is left. */
static void unusable_photos_are_named(void **state) {
    ran r =
        run_expect(*state,
                   "mkdir mixed && cp photos/*.png mixed && cp photos/1.png mixed/twin.png && head -c 300 "
                   "photos/2.png >mixed/cut.png && echo text >mixed/text.png && $selfsame train mixed -m model --class "
                   "dog --size 64 --steps 1 -o x.safetensors",
                   0);
    static const char *const named[] = {"twin.png", "cut.png", "text.png",
                                        "mixed: 3 of 6 pictures are used; 2 cannot be read, 1 are there twice"};
    for (int i = 0; i < 4; i++)
        if (!strstr(r.err, named[i])) fail_msg("%s is not named: %s", named[i], r.err);
    ran_clear(&r);
    r = run_expect(*state, "$selfsame train photos/1.png -m model --class dog --size 64 --steps 1 -o x.safetensors", 0);
    if (!strstr(r.err, "is one photo")) fail_msg("%s", r.err);
    ran_clear(&r);
    expect_sentence(*state,
                    "mkdir bad && echo text >bad/text.png; $selfsame train bad -m model --class dog -o x.safetensors",
                    1, "bad");
    r = run_expect(*state, "$selfsame train photos -m model --class 'xqzvk' --size 64 --steps 1 -o x.safetensors", 0);
    if (!strstr(r.err, "tokens of the vocabulary")) fail_msg("%s", r.err);
    ran_clear(&r);
}

/* A subject for another model is refused by the first tensor that does not fit, with both shapes; by its token, if it
 * has one. */
static void subjects_of_other_models_are_refused(void **state) {
#define CLAY "$selfsame train photos -m " SELFSAME_SOURCE_DIR "/models/clay --class dog --size 64 --steps 1 -q "
    ran r = run_expect(*state, CLAY "-o clay.safetensors && " CLAY "--token '' -o bare.safetensors", 0);
    ran_clear(&r);
    expect_sentence(*state, "$selfsame generate -m model --subject bare.safetensors -p 'a dog' -o x.png", 1,
                    "attn2.to_k.weight of the UNet is [64, 128], and this model's is [");
    expect_sentence(*state, "$selfsame generate -m model --subject clay.safetensors -p 'a dog' -o x.png", 1,
                    "its token <new1> have 128 numbers, and this model's have ");
    expect_sentence(*state, "$selfsame merge clay.safetensors clay.safetensors -m model -o x.safetensors", 1,
                    "made for another model");
}

static void what_makes_no_sense_is_refused(void **state) {
    expect_sentence(*state, "$selfsame train photos -m model --class '' -o x.safetensors", 2, "--class is empty");
    expect_sentence(*state, "$selfsame train photos -m model -o x.safetensors", 2, "--class");
    expect_sentence(*state, "$selfsame train photos -m model --class dog", 2, "-o");
    expect_sentence(*state, "$selfsame train photos -m model --class dog -o nowhere/x.safetensors", 1, "nowhere");
    expect_sentence(*state, "$selfsame train photos -m model --class dog --resume -o x.safetensors", 2, "--run");
    expect_sentence(*state, "$selfsame train photos -m model --class dog --size 64x72 -o x.safetensors", 2, "square");
    expect_sentence(*state, TRAIN "--token dog -o x.safetensors", 2, "knows already");
    expect_sentence(*state, TRAIN "--initializer 'xq zv' -o x.safetensors", 2, "one token");
    expect_sentence(*state, "mkdir none; $selfsame train none -m model --class dog -o x.safetensors", 1, "none");
}

static void expect_count(const char *scene, const char *command, int count) {
    ran r = run_expect(scene, command, 0);
    if (atoi(r.out) != count) fail_msg("%s: %s", command, r.out);
    ran_clear(&r);
}

#define SCORED                                                                                                         \
    "$selfsame train photos -m model --class dog --size 128 --batch 1 --threads 1 --numbers float32 --steps 6 "        \
    "--sample-every 3 --clip " SELFSAME_SOURCE_DIR "/models/clay/clip -p 'a <new1> dog' -p 'a dog' "

/* Samples have scores in the log and the report, and the best are kept; a run that goes on knows them. */
static void samples_are_scored(void **state) {
    ran r = run_expect(*state, SCORED "--run scored --json -o scored.safetensors", 0);
    assert_non_null(strstr(r.out, "\"text_alignment\": "));
    assert_non_null(strstr(r.out, "\"image_alignment\": "));
    assert_non_null(strstr(r.out, "\"best_step\": "));
    ran_clear(&r);
    expect_count(*state, "grep -c '\"sample\".*\"text\":' scored/log.jsonl", 6);
    expect_count(*state, "grep -c '\"sample\".*\"image\":' scored/log.jsonl", 3); /* not of prompts without the word */
    expect_count(*state, "grep -c 'kept in best.safetensors' scored/index.html", 1);
    r = run_expect(*state, "$selfsame inspect scored/best.safetensors", 0);
    assert_non_null(strstr(r.out, "<new1>"));
    ran_clear(&r);

    /* Stopped after its last state and samples, before these were kept as the best: that is made up for. */
    r = run_expect(*state,
                   "rm scored/best.safetensors && sed -i '/samples.step-000003/d' scored/log.jsonl && cp "
                   "scored/log.jsonl log && " SCORED "--run scored --resume -q -o again.safetensors",
                   0);
    ran_clear(&r);
    assert_true(scene_has(*state, "scored/best.safetensors"));
    same_files(*state, "scored/log.jsonl", "log");
    same_files(*state, "scored.safetensors", "again.safetensors");

    expect_count(
        *state,
        SCORED "--clip none --run unscored -q -o x.safetensors && grep -c '\"text\":' unscored/log.jsonl || true", 0);
    expect_sentence(*state, SCORED "--clip photos --run other -o x.safetensors", 1, "holds no CLIP");
    expect_sentence(*state, TRAIN "--clip photos -o x.safetensors", 2, "--sample-every");
}

/* What --story draws is what story draws with the file; a mistake in it is told before any training. */
static void photos_become_a_story(void **state) {
    const char *train =
        "$selfsame train photos -m model --class dog --size 64 --steps 1 -q --seed 5 -o pet.safetensors ";
    char command[600];
    snprintf(
        command, sizeof command,
        "printf 'a <new1> dog\\na <new1> dog at night\\n' > lines && %s --json --story lines > report && "
        "$selfsame story -m model --subject pet.safetensors --prompts lines --size 64 --seed 5 -q -o again-%%d.png",
        train);
    ran r = run_expect(*state, command, 0);
    ran_clear(&r);
    same_files(*state, "pet-story-1.png", "again-1.png");
    same_files(*state, "pet-story-2.png", "again-2.png");
    assert_true(scene_has(*state, "pet-story.png"));
    r = run_expect(*state, "grep -q '\"story\"' report && rm pet.safetensors", 0);
    ran_clear(&r);
    snprintf(command, sizeof command,
             "%s --story lines --story-photo photos/1.png && $selfsame story -m model --subject pet.safetensors "
             "--photo photos/1.png --source 'a <new1> dog' --method auto-mask --subject-words dog --background prompt "
             "--fresh 1 --prompts lines --size 64 --seed 5 -q -o carried-%%d.png",
             train);
    r = run_expect(*state, command, 0);
    ran_clear(&r);
    same_files(*state, "pet-story-2.png", "carried-2.png");
    r = run_expect(*state, "! cmp -s pet-story-2.png again-2.png && rm pet*", 0);
    ran_clear(&r);
    snprintf(command, sizeof command, "%s --story lines --story-photo gone.png", train);
    expect_sentence(*state, command, 1, "gone.png");
    snprintf(command, sizeof command, "%s --story-photo photos/1.png", train);
    expect_sentence(*state, command, 2, "--story-photo makes sense only with --story");
    snprintf(command, sizeof command, "echo 'a <new1> cat' >> lines; %s --story lines --story-photo photos/1.png",
             train);
    expect_sentence(*state, command, 2, "prompt 3 of lines has none");
    snprintf(command, sizeof command, "echo 'a <new1> dog' > lines; %s --story lines", train);
    expect_sentence(*state, command, 2, "there is one");
    snprintf(command, sizeof command, "%s --story nothing", train);
    expect_sentence(*state, command, 1, "nothing");
    assert_false(scene_has(*state, "pet.safetensors"));
}

/* The last state stands when the disk is full. */
static void a_full_disk_keeps_the_last_state(void **state) {
    ran r = run_expect(*state, TRAIN "-q --run full -o full.safetensors && cp full/state.safetensors before", 0);
    ran_clear(&r);
    /* No file may grow beyond a few blocks of 512 bytes: what a write then meets is an error. */
    r = run(*state, "trap '' XFSZ; ulimit -f 64; " TRAIN "-q --steps 14 --run full --resume -o full.safetensors");
    assert_int_not_equal(r.code, 0);
    ran_clear(&r);
    same_files(*state, "full/state.safetensors", "before");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_anywhere),
        cmocka_unit_test(stopped_anywhere),
        cmocka_unit_test(what_has_changed_is_named),
        cmocka_unit_test(masks_by_themselves_are_kept_to),
        cmocka_unit_test(unusable_photos_are_named),
        cmocka_unit_test(what_makes_no_sense_is_refused),
        cmocka_unit_test(subjects_of_other_models_are_refused),
        cmocka_unit_test(samples_are_scored),
        cmocka_unit_test(photos_become_a_story),
        cmocka_unit_test(a_full_disk_keeps_the_last_state),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
