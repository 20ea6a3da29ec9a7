/* --help fits a screen and tells the truth; completions and the man page are there and well-formed. */
#include "run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

enum { LINES = 40, COLUMNS = 100 };

static const char *const verbs[] = {"generate", "edit",     "inspect", "repeat", "bench", "train",
                                    "merge",    "compress", "convert", "story",  "clay"};
enum { VERBS = sizeof verbs / sizeof *verbs };

static int set_up(void **state) {
    *state = scene_new();
    return 0;
}

static int tear_down(void **state) {
    scene_free(*state);
    return 0;
}

static void fits(const char *text, const char *what) {
    int lines = 0;
    for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
        size_t length = strcspn(line, "\n");
        assert_int_equal(line[length], '\n');
        if (length > COLUMNS) fail_msg("%s: %zu columns: %.*s", what, length, (int)length, line);
        lines++;
    }
    if (lines > LINES) fail_msg("%s: %d lines", what, lines);
}

static void help_fits_a_screen(void **state) {
    ran r = run_expect(*state, "$selfsame --help", 0);
    fits(r.out, "--help");
    for (int i = 0; i < VERBS; i++) {
        char command[64];
        assert_non_null(strstr(r.out, verbs[i]));
        snprintf(command, sizeof command, "$selfsame %s --help", verbs[i]);
        ran one = run_expect(*state, command, 0);
        fits(one.out, verbs[i]);
        ran_clear(&one);
    }
    ran_clear(&r);
}

static void kinds_of_subjects_are_told_with_their_values(void **state) {
    ran r = run_expect(*state, "$selfsame train --help-all", 0);
    assert_non_null(strstr(r.out, "base rate"));
    assert_non_null(strstr(r.out, "face    crossattn       750      2      5e-06"));
    assert_non_null(strstr(r.out, "face    Custom Diffusion, faces: 750 steps, 5e-6 scaled"));
    for (const char *line = strstr(r.out, "Kinds of subjects"); *line; line = strchr(line, '\n') + 1)
        assert_true(strcspn(line, "\n") <= COLUMNS);
    ran_clear(&r);
}

/* An example may name files that are not there, which is a failure; it may not be bad usage. The clay world needs none:
 * its pictures shall go to a folder that is not there. */
static void examples_parse(void **state) {
    for (int i = 0; i < VERBS; i++) {
        char command[512];
        int examples = 0;
        snprintf(command, sizeof command, "$selfsame %s --help", verbs[i]);
        ran help = run_expect(*state, command, 0);
        const char *at = strstr(help.out, "Examples:\n");
        assert_non_null(at);
        for (at = strchr(at, '\n') + 1; *at; at = strchr(at, '\n') + 1, examples++) {
            assert_int_equal(strncmp(at, "  selfsame ", 11), 0);
            const char *nowhere = strcmp(verbs[i], "clay") ? "" : " -o missing/folder/x.png";
            snprintf(command, sizeof command, "$selfsame %.*s%s", (int)strcspn(at + 11, "\n"), at + 11, nowhere);
            ran r = run_expect(*state, command, 1);
            ran_clear(&r);
        }
        assert_in_range(examples, 2, 4);
        ran_clear(&help);
    }
}

static void version_is_one_line(void **state) {
    ran r = run_expect(*state, "$selfsame --version", 0);
    assert_int_equal(strncmp(r.out, "selfsame ", 9), 0);
    assert_ptr_equal(strchr(r.out, '\n'), r.out + r.out_size - 1);
    ran_clear(&r);
}

/* Shells that are here read their script; the others are at least not empty. */
static void completions_are_scripts(void **state) {
    static const char *const shells[] = {"bash", "zsh", "fish"};
    for (int i = 0; i < 3; i++) {
        char command[160];
        snprintf(command, sizeof command,
                 "$selfsame --completion %s >script || exit 1; grep -q auto-mask script && "
                 "if command -v %s >/dev/null; then %s -n script; fi",
                 shells[i], shells[i], shells[i]);
        ran r = run_expect(*state, command, 0);
        ran_clear(&r);
    }
}

static void bash_completes(void **state) {
    ran r = run_expect(
        *state,
        "$selfsame --completion bash >script\n"
        "cat >ask <<'END'\n"
        ". ./script\n"
        "ask() { COMP_WORDS=(\"$@\") COMP_CWORD=$(($# - 1)) COMPREPLY=(); _selfsame; echo \"${COMPREPLY[*]}\"; }\n"
        "ask selfsame ge\n"
        "ask selfsame edit --meth\n"
        "ask selfsame edit --method un\n"
        "ask selfsame edit phot\n"
        "END\n"
        "bash ask",
        0);
    assert_string_equal(r.out, "generate\n--method\nunion\nphoto.png\n");
    ran_clear(&r);
}

static void man_page_is_roff(void **state) {
    ran r = run_expect(*state, "$selfsame --man", 0);
    assert_int_equal(strncmp(r.out, ".TH SELFSAME 1", 14), 0);
    assert_non_null(strstr(r.out, "\n.B \\-p\\fR, \\fB\\-\\-prompt \\fITEXT\n"));
    ran_clear(&r);
    r = run_expect(*state, "if command -v groff >/dev/null; then $selfsame --man | groff -man -Tutf8 -ww -z 2>&1; fi",
                   0);
    assert_string_equal(r.out, "");
    ran_clear(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(help_fits_a_screen),      cmocka_unit_test(kinds_of_subjects_are_told_with_their_values),
        cmocka_unit_test(examples_parse),          cmocka_unit_test(version_is_one_line),
        cmocka_unit_test(completions_are_scripts), cmocka_unit_test(bash_completes),
        cmocka_unit_test(man_page_is_roff),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
