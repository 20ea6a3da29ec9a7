/* selfsame score, as people use it: a small bench with the shipped model that goes on where it was stopped, the same
 * numbers again, and what makes no sense.
 */
#include "run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int set_up(void **state) {
    char path[512];
    *state = scene_new();
    snprintf(path, sizeof path, "%s/clay", (char *)*state);
    return symlink(SELFSAME_SOURCE_DIR "/models/clay", path);
}

static int tear_down(void **state) {
    scene_free(*state);
    return 0;
}

static void ends(void **state, const char *command, int code, const char *says) {
    ran r = run_expect(*state, command, code);
    if (!strstr(r.err, says)) fail_msg("%s: \"%s\" does not say \"%s\"", command, r.err, says);
    ran_clear(&r);
}

static void does(void **state, const char *command) {
    ran r = run_expect(*state, command, 0);
    ran_clear(&r);
}

static json_t *json_in(void **state, const char *name) {
    size_t n;
    char *text = scene_read(*state, name, &n);
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    free(text);
    return json;
}

/* The mean of a measure in an arm, -1 if it is not there. */
static double mean_in(const json_t *results, const char *experiment, const char *arm, const char *measure) {
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(results, "means"), i, one) {
        const char *e, *a, *m;
        int held;
        double mean;
        if (json_unpack(one, "{s:s, s:s, s:s, s:i, s:F}", "experiment", &e, "arm", &a, "measure", &m, "held", &held,
                        "mean", &mean) == 0 &&
            held < 0 && !strcmp(e, experiment) && !strcmp(a, arm) && !strcmp(m, measure))
            return mean;
    }
    return -1;
}

#define BENCH "$selfsame score --profile clay -m clay -o bench --steps 5 "

static void benches(void **state) {
    static const char *const files[] = {"bench/bench.md",
                                        "bench/results.json",
                                        "bench/summary.csv",
                                        "bench/pictures.csv",
                                        "bench/settings.json",
                                        "study/study.svg",
                                        "bench/measured/renders-9001.json",
                                        "bench/measured/text-9001.json",
                                        "study/measured/study-9001-masked-step1-layer13.json"};
    does(state, BENCH "-n 1 --json >first.json");
    assert_int_equal(scene_count(*state, "bench/pictures/*.png"), 9 + 9 + 8);
    does(state, "$selfsame score --profile clay -m clay -o study --steps 2 -n 1 --parts renders,study");
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (!scene_has(*state, files[i])) fail_msg("there is no %s", files[i]);
    /* Of two steps both can be the first that is controlled. */
    assert_int_equal(scene_count(*state, "study/measured/study-9001-*.json"), 2 + 24);
    assert_false(scene_has(*state, "bench/measured/inverted-9001.safetensors"));
    assert_false(scene_has(*state, "study/measured/inverted-9001.safetensors"));

    /* What is there is taken as it is, what is missing is made again to the same numbers. */
    does(state, "touch -d 2001-01-01 bench/measured/*; rm bench/measured/edit-9001.json");
    does(state, BENCH "-n 1 --json >again.json");
    does(state, "test $(find bench/measured -newermt 2002-01-01 -type f | wc -l) = 1");
    does(state, BENCH "-n 2 --parts renders,edit");
    json_t *first = json_in(state, "first.json"), *again = json_in(state, "again.json"),
           *both = json_in(state, "bench/results.json");
    assert_true(json_equal(first, again));
    assert_int_equal(json_integer_value(json_object_get(first, "individuals")), 1);
    assert_int_equal(json_integer_value(json_object_get(both, "individuals")), 2);
    assert_true(mean_in(both, "renders", "same", "attributes") > 0.9);
    assert_true(mean_in(both, "renders", "same", "identity") > mean_in(both, "renders", "kin", "identity"));
    assert_true(mean_in(both, "renders", "autoencoder", "psnr") > 25);
    assert_true(mean_in(both, "edit", "masked", "mask") >= 0);
    assert_true(mean_in(both, "edit", "source", "psnr") > 10);
    assert_true(mean_in(first, "fresh", "subject", "identity") > -1);
    assert_true(json_array_size(json_object_get(both, "differences")) > 20);
    json_decref(first), json_decref(again), json_decref(both);
}

/* Ctrl-C keeps the pieces that are finished. */
static void stops_and_goes_on(void **state) {
    ran r = run(*state, "env --default-signal=INT $selfsame score --profile clay -m clay -o bench --steps 5 -n 90 & "
                        "while ! ls bench/measured/*.json >/dev/null 2>&1; do sleep 0.05; done; kill -INT $!; wait $!");
    assert_int_equal(r.signal, 2);
    if (!strstr(r.err, "goes on from what is in bench")) fail_msg("%s", r.err);
    ran_clear(&r);
    assert_true(scene_count(*state, "bench/measured/*.json") >= 1 && !scene_has(*state, "bench/results.json"));
    does(state, BENCH "-n 1 --parts renders");
    assert_true(scene_has(*state, "bench/results.json"));
}

static void nonsense(void **state) {
    ends(state, "$selfsame score -m clay -o x", 2, "--profile names it");
    ends(state, "$selfsame score --profile clai -m clay -o x", 2, "did you mean \"clay\"");
    ends(state, "$selfsame score --profile clay -o x", 2, "which model?");
    ends(state, "$selfsame score --profile clay -m clay", 2, "where does it go?");
    ends(state, "$selfsame score --profile clay -m clay -o x --parts renders,texts", 2, "did you mean \"text\"?");
    ends(state, "$selfsame score --profile clay -m clay -o x --parts ''", 2, "no part \"\"");
    ends(state, "$selfsame score --profile clay -m clay -o x -n 0", 2, "--individuals");
    ends(state, "$selfsame score --profile clay -m model -o x", 1, "model/readers/config.json");
    ends(state, "$selfsame score --profile clay -m clay --readers gone -o x", 1, "gone/config.json");
    ends(state, "$selfsame score --profile clay -m clay -o gone/x --parts renders -n 1", 1, "gone/x cannot be made");
    ends(state, BENCH "-n 1 --parts renders --seed 7", 0, "seeds below 9001 may have been trained on");
    ends(state, "$selfsame score --profile clay -m clay -o bench --steps 3 -n 1 --parts renders", 1,
         "has \"steps\" 5, and this one has 3: name another folder");
    ends(state, "echo '[{}]' >bench/measured/renders-9001.json; " BENCH "-n 1 --parts renders", 1,
         "measured/renders-9001.json is no file of measurements: remove it");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(benches, set_up, tear_down),
        cmocka_unit_test_setup_teardown(stops_and_goes_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nonsense, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
