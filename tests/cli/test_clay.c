/* selfsame clay, as people use it: sheets, one individual's photos, data sets that go on, words that are none. */
#include "run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <selfsame/selfsame.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int set_up(void **state) {
    *state = scene_new();
    return 0;
}

static int tear_down(void **state) {
    scene_free(*state);
    return 0;
}

static void ends(void **state, const char *command, int code, const char *says) {
    ran r = run_expect(*state, command, code);
    const char *err = r.err ? r.err : "";
    if (!strstr(err, says)) fail_msg("%s: \"%s\" does not say \"%s\"", command, err, says);
    ran_clear(&r);
}

static void sheets(void **state) {
    ends(state, "$selfsame clay sheet --world full --seed 3 -n 3 --size 32 --samples 1 -o sheet.png", 0, "");
    ends(state, "$selfsame clay identity --seed 3 -n 3 --size 32 --samples 1 --keypoints -o one.jpg", 0, "");
    assert_true(scene_has(*state, "sheet.png") && scene_has(*state, "one.jpg"));
}

/* The same bytes again, and the truth of what is in them. */
static void photos(void **state) {
    static const char command[] =
        "$selfsame clay photo --species frog --seed 9001 -n 2 --size 32 --samples 1 --truth --masks "
        "--json -o %s-%%d.png >%s.json";
    char line[256];
    for (int i = 0; i < 2; i++) {
        snprintf(line, sizeof line, command, i ? "b" : "a", i ? "all-b" : "all-a");
        ends(state, line, 0, "");
    }
    ends(state, "cmp a-1.png b-1.png && cmp a-2-mask.png b-2-mask.png && cmp a-2.json b-2.json", 0, "");
    size_t n;
    char *text = scene_read(*state, "a-2.json", &n), *report = scene_read(*state, "all-a.json", &n);
    json_t *truth = json_loads(text, 0, NULL), *all = json_loads(report, 0, NULL);
    const json_t *second = json_array_get(json_object_get(all, "pictures"), 1);
    assert_string_equal(json_string_value(json_object_get(truth, "species")), "frog");
    assert_string_equal(json_string_value(json_object_get(second, "file")), "a-2.png");
    assert_true(json_equal(json_object_get(second, "truth"), truth));
    assert_int_equal(json_array_size(json_object_get(truth, "keypoints")), SS_CLAY_KEYPOINTS);
    json_decref(truth), json_decref(all);
    free(text), free(report);
}

static void datasets(void **state) {
    static const char command[] = "$selfsame clay dataset --seed 1 -n 5 --shard 2 --size 16 --samples 1 -o set";
    ends(state, command, 0, "");
    assert_int_equal(scene_count(*state, "set/*"), 3 * 3 + 1);
    ends(state, "rm set/00001.* && touch -d 2001-01-01 set/00000.rgb", 0, "");
    ends(state, command, 0, "");
    ends(state, "test $(stat -c %Y set/00000.rgb) = $(date -d 2001-01-01 +%s)", 0, "");
    ends(state, "$selfsame clay dataset --seed 2 -n 5 --shard 2 --size 16 --samples 1 -o set", 1,
         "has \"seed\" 1, and this one has 2: name another folder");
    ends(state, "rm set/00002.mask; $selfsame clay dataset --seed 1 -n 5 --shard 2 --size 16 --samples 1 -o set", 1,
         "set/00002.mask is missing");
    ends(state, "echo '{' >set/dataset.json; $selfsame clay dataset --seed 1 -n 5 --size 16 -o set", 1,
         "set/dataset.json");
}

static void nonsense(void **state) {
    ends(state, "$selfsame clay", 2, "takes a WHAT");
    ends(state, "$selfsame clay sheat", 2, "did you mean \"sheet\"?");
    ends(state, "$selfsame clay sheet --species dig", 2, "did you mean \"dog\"?");
    ends(state, "$selfsame clay photo --species robot", 2, "the small world has no species \"robot\"");
    ends(state, "$selfsame clay photo --world full --species dog --action waving", 2, "no dog is ever seen waving");
    ends(state, "$selfsame clay photo --held only", 2, "--held does not go with clay photo");
    ends(state, "$selfsame clay sheet --truth", 2, "--truth does not go with clay sheet");
    ends(state, "$selfsame clay photo --size 64x128", 2, "square");
    ends(state, "$selfsame clay dataset -n 4 --seed 1", 2, "-o has to name");
    ends(state, "$selfsame clay dataset -n 4 -o set", 2, "takes a --seed");
    ends(state, "$selfsame clay dataset --seed 1 -o set", 2, "--count says it");
    ends(state, "$selfsame clay photo -n 1 --size 32 -o missing/x.png", 1, "No such file or directory");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sheets, set_up, tear_down),
        cmocka_unit_test_setup_teardown(photos, set_up, tear_down),
        cmocka_unit_test_setup_teardown(datasets, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nonsense, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
