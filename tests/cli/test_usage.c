/* Bad usage and bad input of the program: each row a command, how it ends, and what its one sentence has to name.
 * Nothing may be left behind.
 */
#include "run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

typedef struct row {
    const char *command; /* behind "selfsame" */
    int code;
    const char *words[4]; /* all of them stand in the sentence */
} row;

static const row rows[] = {
    /* verbs and options that do not exist */
    {"", 2, {"--help"}},
    {"genrate -m model -p x", 2, {"genrate", "generate"}},
    {"bake", 2, {"bake", "--help"}},
    {"edit photo.png -m model -p x --start-stpe 3", 2, {"--start-stpe", "--start-step"}},
    {"edit photo.png -m model -p x --target", 2, {"--target", "--target-mask", "--target-words"}},
    {"edit photo.png -m model -p x --sampler ddim", 2, {"--sampler", "edit", "generate"}},
    {"inspect model --steps 3", 2, {"--steps", "inspect"}},
    {"generate -m model -p x -z", 2, {"-z", "generate --help"}},
    {"generate -m model -p x --json=yes", 2, {"--json", "switch"}},
    {"generate -m model -p", 2, {"-p", "value"}},
    {"generate -m --steps 3 -p x", 2, {"--model", "--steps", "--model=--steps"}},
    {"generate a lighthouse -m model", 2, {"\"a\"", "-p"}},
    {"edit photo.png other.png -m model -p x", 2, {"photo.png", "other.png"}},
    {"--completion tcsh", 2, {"tcsh", "bash", "zsh", "fish"}},

    /* what cannot be left out */
    {"generate -p x", 2, {"model", "-m"}},
    {"generate -m model", 2, {"-p"}},
    {"edit -m model -p x", 2, {"PHOTO"}},
    {"edit photo.png -m model", 2, {"-p"}},
    {"inspect", 2, {"PATH"}},
    {"repeat", 2, {"PICTURE"}},
    {"bench", 2, {"-m"}},

    /* values */
    {"generate -m model -p x --steps many", 2, {"--steps", "many"}},
    {"generate -m model -p x --steps 0", 2, {"--steps", "1 to 1000"}},
    {"generate -m model -p x --steps 99999999999999999999", 2, {"--steps"}},
    {"generate -m model -p x --guidance nan", 2, {"--guidance", "nan"}},
    {"generate -m model -p x --guidance inf", 2, {"--guidance", "inf", "1 to 100"}},
    {"generate -m model -p x --eta 1.5", 2, {"--eta", "0 to 1"}},
    {"generate -m model -p x --seed -1", 2, {"--seed", "-1"}},
    {"generate -m model -p x --seed 99999999999999999999", 2, {"--seed"}},
    {"generate -m model -p x --size 512x", 2, {"--size", "512x768"}},
    {"generate -m model -p x --size 7", 2, {"--size", "8 to 4096"}},
    {"generate -m model -p x --width 100000", 2, {"--width", "4096"}},
    {"generate -m model -p x --threads 0", 2, {"--threads", "1 to 1024"}},
    {"generate -m model -p x --init photo.png --strength 0", 2, {"--strength", "0.01"}},
    {"generate -m model -p x --sampler eulr", 2, {"eulr", "did you mean \"euler\""}},
    {"generate -m model -p x --numbers float16", 2, {"float16", "bfloat16", "did you mean"}},
    {"generate -m model -p x --device gpu", 2, {"gpu", "cpu"}},
    {"edit photo.png -m model -p x --method automask", 2, {"automask", "did you mean \"auto-mask\""}},
    {"edit photo.png -m model -p x --inversion dimm", 2, {"dimm", "did you mean \"ddim\""}},
    {"edit photo.png -m model -p x --fit stretch", 2, {"stretch", "squash"}},
    {"edit photo.png -m model --fit crop -p x --layers decodr", 2, {"decodr", "decoder"}},
    {"edit photo.png -m model --fit crop -p x --layers 14-20", 2, {"14-20"}},
    {"edit photo.png -m model -p x --step-list 3,a", 2, {"--step-list", "3,a"}},
    {"edit photo.png -m model -p x --step-list 9-3", 2, {"--step-list", "9-3"}},
    {"edit photo.png -m model -p x --last-digit 10", 2, {"--last-digit", "0 to 9"}},

    /* contradictions: both sides are named */
    {"generate -m model -p x --strength 0.5", 2, {"--strength", "--init"}},
    {"generate -m model -p x --fit crop", 2, {"--fit", "--init"}},
    {"generate -m model -p x -p y", 2, {"\"x\"", "\"y\""}},
    {"generate -m model -p x --images 2 --batch 2", 2, {"--images", "--batch"}},
    {"generate -m model -p x --size 64 --width 64", 2, {"--size", "--width"}},
    {"edit photo.png -m model -p x --target-mask m.png", 2, {"--target-mask", "--source-mask"}},
    {"edit photo.png -m model -p x --source-mask m.png --target-mask m.png", 2, {"--source-mask", "mask", "plain"}},
    {"edit photo.png -m model -p x --method mask", 2, {"mask", "--source-mask", "--target-mask"}},
    {"edit photo.png -m model -p x --method auto-mask", 2, {"auto-mask", "--source"}},
    {"edit photo.png -m model -p x --threshold 0.2", 2, {"--threshold", "auto-mask", "plain"}},
    {"edit photo.png -m model -p x --subject-words dog --method union", 2, {"--subject-words", "auto-mask", "union"}},
    {"edit photo.png -m model -p x --method none --layers 3", 2, {"--layers", "none"}},
    {"edit photo.png -m model -p x --step-list 3,4 --start-step 3", 2, {"--step-list", "--start-step"}},
    {"edit photo.png -m model -p x --step-list 3,4 --last-digit 2", 2, {"--step-list", "--last-digit"}},
    {"edit photo.png -m model -p x --start-step 9 --end-step 5", 2, {"--end-step 5", "--start-step 9"}},
    {"edit photo.png -m model -p x --steps 10 --start-step 10", 2, {"--start-step 10", "--steps 10"}},
    {"edit photo.png -m model -p x --steps 10 --step-list 20", 2, {"--step-list", "--steps 10"}},
    {"edit photo.png -m model -p x --inversion negative-prompt --negative blurry",
     2,
     {"--negative", "negative-prompt"}},
    {"edit photo.png -m model -p - --source -", 2, {"standard input", "once"}},

    /* prompts */
    {"generate -m model -p @none.txt", 1, {"none.txt", "No such file"}},
    {"generate -m model -p @long.txt", 2, {"long.txt", "16384"}},
    {"generate -m model -p - <long.txt", 2, {"standard input", "16384"}},
    {"generate -m model -p @latin1.txt", 2, {"latin1.txt", "UTF-8"}},
    {"generate -m model -p \"$(cat latin1.txt)\"", 2, {"--prompt", "UTF-8"}},
    {"generate -m model -p @nul.txt", 2, {"nul.txt", "zero byte"}},
    {"generate -m model -p @", 2, {"@@"}},
    {"edit photo.png -m model --prompts /dev/null", 2, {"/dev/null", "no prompt"}},
    {"edit photo.png -m model --prompts latin1.txt", 2, {"latin1.txt", "UTF-8"}},

    /* outputs */
    {"generate -m model -p x -o out.gif", 2, {"out.gif", "png"}},
    {"generate -m model -p x -o out", 2, {"out", "png"}},
    {"generate -m model -p x -o 'out-%x.png'", 2, {"%x", "seed"}},
    {"generate -m model -p x -o missing/out.png", 1, {"missing/out.png", "No such file"}},
    {"generate -m model -p x -o photo.txt/out.png", 1, {"photo.txt/out.png", "Not a directory"}},
    {"generate -m model -p x -o /proc/out.png", 1, {"/proc/out.png"}},
    {"generate -m model -p x -o a.png --sheet a.png", 2, {"--output", "--sheet", "a.png"}},
    {"generate -m model -p x -o a.png --preview ./a.png", 2, {"--output", "--preview"}},
    {"edit photo.png -m model -p x --compare", 2, {"--compare", "--sheet"}},
    {"edit photo.png -m model -p x --compare --sheet a.png --method none", 2, {"--compare", "--method"}},
    {"generate -m model -p x -n 3 -o a.png --sheet a-2.png", 2, {"--output", "--sheet", "a-2.png"}},
    {"edit photo.png -m model -p x -o photo.png", 2, {"photo.png", "overwrite", "the photo"}},
    {"generate -m model -p x --init photo.png --preview photo.png", 2, {"--preview", "overwrite"}},

    /* files */
    {"generate -m none.safetensors -p x", 1, {"none.safetensors"}},
    {"generate -m photo.txt -p x", 1, {"photo.txt"}},
    {"generate -m empty -p x", 1, {"empty"}},
    {"edit none.jpg -m model -p x", 1, {"none.jpg"}},
    {"edit photo.txt -m model -p x", 1, {"photo.txt"}},
    {"edit empty -m model -p x", 1, {"empty"}},
    {"inspect none.safetensors", 1, {"none.safetensors"}},
    {"repeat photo.png", 1, {"photo.png", "recipe"}},
    {"repeat none.png", 1, {"none.png"}},
};

static int set_up(void **state) {
    *state = scene_new();
    ran r = run_expect(*state,
                       "head -c 10485760 /dev/zero | tr '\\0' x >long.txt; printf 'caf\\351\\n' >latin1.txt; "
                       "printf 'a\\0b' >nul.txt; echo text >photo.txt; : >empty",
                       0);
    ran_clear(&r);
    return 0;
}

static int tear_down(void **state) {
    scene_free(*state);
    return 0;
}

static void every_row_ends_as_it_should(void **state) {
    int bad = 0, before = scene_count(*state, "*");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char command[512];
        snprintf(command, sizeof command, "$selfsame %s", rows[i].command);
        ran r = run(*state, command);
        const char *newline = strchr(r.err, '\n');
        bool well =
            r.code == rows[i].code && !strncmp(r.err, "selfsame: ", 10) && newline && !newline[1] && !r.out_size;
        for (int w = 0; w < 4 && rows[i].words[w]; w++) well = well && strstr(r.err, rows[i].words[w]);
        if (!well) bad++, print_error("selfsame %s\n  ended with %d, said: %s\n", rows[i].command, r.code, r.err);
        ran_clear(&r);
    }
    assert_int_equal(bad, 0);
    assert_int_equal(scene_count(*state, "*"), before);
    assert_int_equal(scene_count(*state, ".selfsame*"), 0);
}

/* With --json the sentence comes on standard output, too, as JSON. */
static void failures_are_json_when_asked(void **state) {
    ran r = run_expect(*state, "$selfsame generate -m model -p x --json --strength 0.5", 2);
    assert_non_null(strstr(r.out, "\"error\""));
    assert_non_null(strstr(r.out, "--init"));
    ran_clear(&r);
}

static void control_codes_do_not_reach_the_terminal(void **state) {
    ran r = run_expect(*state, "$selfsame generate -p x -m \"$(printf 'none\\033[31m')\"", 1);
    assert_null(strchr(r.err, 033));
    ran_clear(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_ends_as_it_should),
        cmocka_unit_test(failures_are_json_when_asked),
        cmocka_unit_test(control_codes_do_not_reach_the_terminal),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
