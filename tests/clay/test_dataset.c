/* Data sets on disk: what is there, going on after a stop, and folders that do not fit. */
#include "clay/clay.h"

#include <stdio.h>
#include <sys/stat.h>

#include <jansson.h>

#include "clay/scenes.h"
#include "support/made.h"

enum { SIZE = 16, AREA = SIZE * SIZE };
static const ss_clay_dataset plan = {.scenes = {.seed = 4, .small = true},
                                     .first = 10,
                                     .count = 7,
                                     .shard = 3,
                                     .size = SIZE,
                                     .samples = 1,
                                     .captions = 2};

static long long size_of(const char *path) {
    struct stat s;
    return stat(path, &s) ? -1 : (long long)s.st_size;
}

static void write_all(const char *dir, const ss_clay_dataset *d) {
    ss_ctx cx = context();
    if (ss_clay_dataset_write(&cx, dir, d)) fail_msg("%s", cx.error);
}

static void *slurp(const char *path, size_t n) {
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    void *bytes = malloc(n);
    assert_int_equal(fread(bytes, 1, n, f), n);
    fclose(f);
    return bytes;
}

static void shards_hold_what_is_told(void **state) {
    (void)state;
    char *dir = made_dir();
    write_all(dir, &plan);
    for (int i = 0; i < 3; i++) {
        int n = i < 2 ? 3 : 1;
        assert_int_equal(size_of(made_path(dir, "%05d.rgb", i)), n * AREA * 3);
        assert_int_equal(size_of(made_path(dir, "%05d.mask", i)), n * AREA);
        FILE *f = fopen(made_path(dir, "%05d.jsonl", i), "r");
        uint8_t *rgb = slurp(made_path(dir, "%05d.rgb", i), (size_t)n * AREA * 3);
        for (int j = 0; j < n; j++) {
            static uint8_t want[AREA * 3];
            json_t *o = json_loadf(f, JSON_DISABLE_EOF_CHECK, NULL);
            assert_non_null(o);
            assert_int_equal(json_integer_value(json_object_get(o, "held_out")), 0);
            assert_int_equal(json_array_size(json_object_get(o, "captions")), 2);
            ss_ctx cx = context();
            uint64_t index = (uint64_t)json_integer_value(json_object_get(o, "index"));
            ss_clay_scene s = scene_of(&plan.scenes, index);
            assert_int_equal(ss_clay_held_out(&s), 0);
            ss_clay_render(&cx, &s, &(ss_clay_picture){.size = SIZE, .samples = 1, .rgb = want});
            assert_memory_equal(want, rgb + (size_t)j * AREA * 3, AREA * 3);
            assert_string_equal(json_string_value(json_object_get(json_object_get(o, "truth"), "species")),
                                ss_clay_words(SS_CLAY_SPECIES)[s.id.species]);
            json_decref(o);
        }
        free(rgb);
        fclose(f);
    }
    assert_int_equal(size_of(made_path(dir, "00003.jsonl")), -1);
    made_dir_free(dir);
}

/* Asked to stop during the first shard, nothing of it is there; the next call draws what is missing, and what was
 * there stays. */
static void stopped_data_sets_go_on(void **state) {
    (void)state;
    char *dir = made_dir(), *other = made_dir();
    write_all(other, &plan);
    ss_ctx cx = context();
    cx.stop = 1;
    assert_int_equal(ss_clay_dataset_write(&cx, dir, &plan), SS_ERR_STOPPED);
    assert_int_equal(size_of(made_path(dir, "00000.rgb")), -1);
    assert_true(size_of(made_path(dir, "dataset.json")) > 0);
    write_all(dir, &plan);
    made_remove(made_path(dir, "00001.rgb"));
    made_remove(made_path(dir, "00001.mask"));
    made_remove(made_path(dir, "00001.jsonl"));
    made_text(made_path(dir, "00000.jsonl"), "kept");
    write_all(dir, &plan);
    assert_int_equal(size_of(made_path(dir, "00000.jsonl")), 4);
    for (int i = 1; i < 3; i++)
        for (int k = 0; k < 3; k++) {
            static const char *const ending[] = {"rgb", "mask", "jsonl"};
            long long n = size_of(made_path(other, "%05d.%s", i, ending[k]));
            assert_int_equal(size_of(made_path(dir, "%05d.%s", i, ending[k])), n);
            void *a = slurp(made_path(dir, "%05d.%s", i, ending[k]), (size_t)n),
                 *b = slurp(made_path(other, "%05d.%s", i, ending[k]), (size_t)n);
            assert_memory_equal(a, b, (size_t)n);
            free(a), free(b);
        }
    made_dir_free(dir), made_dir_free(other);
}

static void fails(const char *dir, const ss_clay_dataset *d, ss_status st, const char *sentence) {
    ss_ctx cx = context();
    assert_int_equal(ss_clay_dataset_write(&cx, dir, d), st);
    assert_sentence(&cx, sentence);
}

static void folders_that_do_not_fit_are_named(void **state) {
    (void)state;
    char *dir = made_dir();
    ss_clay_dataset d = plan;
    write_all(dir, &d);
    d.size = 32;
    fails(dir, &d, SS_ERR_FORMAT, "the data set there has \"size\" 16, and this one has 32: name another folder");
    d = plan;
    d.scenes.word[SS_CLAY_COLOR] = "red";
    fails(dir, &d, SS_ERR_FORMAT, "\"fixed\" {}, and this one has {\"color\": \"red\"}");
    d = plan;
    made_text(made_path(dir, "00001.mask"), "short");
    fails(dir, &d, SS_ERR_FORMAT, "00001.mask has 5 bytes, and 3 pictures of 16x16 take 768");
    made_remove(made_path(dir, "00001.mask"));
    fails(dir, &d, SS_ERR_FILE, "00001.mask is missing, and ");
    made_text(made_path(dir, "dataset.json"), "{\"size\": }");
    fails(dir, &d, SS_ERR_FORMAT, "dataset.json");
    made_text(made_path(dir, "dataset.json"), "{}");
    fails(dir, &d, SS_ERR_FORMAT, "has \"renderer\" missing");
    fails(made_path(dir, "no/such"), &d, SS_ERR_FILE, "cannot be made: No such file or directory");
    made_dir_free(dir);
}

static void nonsense_is_refused(void **state) {
    (void)state;
    char *dir = made_dir();
    ss_clay_dataset d = plan;
    d.count = 0;
    fails(dir, &d, SS_ERR_ARG, "0 pictures");
    d = plan, d.count = 1000000, d.shard = 1;
    fails(dir, &d, SS_ERR_ARG, "more than 100000 shards");
    d = plan, d.captions = 101;
    fails(dir, &d, SS_ERR_ARG, "not 101");
    d = plan, d.each = 10001;
    fails(dir, &d, SS_ERR_ARG, "not 10001");
    d = plan, d.size = 17;
    fails(dir, &d, SS_ERR_ARG, "not 17");
    d = plan, d.scenes.word[SS_CLAY_SPECIES] = "dot";
    fails(dir, &d, SS_ERR_ARG, "did you mean \"dog\"?");
    d = plan, d.scenes.word[SS_CLAY_SPECIES] = "dog", d.scenes.word[SS_CLAY_COLOR] = "green";
    fails(dir, &d, SS_ERR_ARG, "every scene is held out of training");
    assert_int_equal(size_of(made_path(dir, "dataset.json")), -1);
    made_dir_free(dir);
}

static void held_out_scenes_alone(void **state) {
    (void)state;
    char *dir = made_dir();
    ss_clay_dataset d = plan;
    d.held = SS_CLAY_HELD_OUT_ONLY, d.count = 2;
    write_all(dir, &d);
    FILE *f = fopen(made_path(dir, "00000.jsonl"), "r");
    for (int i = 0; i < 2; i++) {
        json_t *o = json_loadf(f, JSON_DISABLE_EOF_CHECK, NULL);
        assert_true(json_integer_value(json_object_get(o, "held_out")) > 0);
        json_decref(o);
    }
    fclose(f);
    made_dir_free(dir);
}

/* Scenes 11 to 17: the last of one individual, four of the next, two of a third. */
static void individuals_come_several_times(void **state) {
    (void)state;
    char *dir = made_dir();
    ss_clay_dataset d = plan;
    d.first = 11, d.shard = 7, d.each = 4, d.held = SS_CLAY_HELD_OUT_TOO;
    write_all(dir, &d);
    uint8_t *rgb = slurp(made_path(dir, "00000.rgb"), 7 * AREA * 3);
    for (uint64_t i = 11; i < 18; i++) {
        static uint8_t want[AREA * 3];
        ss_ctx cx = context();
        ss_clay_scene first = scene_of(&plan.scenes, i / 4 * 4);
        ss_clay_request q = plan.scenes;
        q.who = &first.id;
        ss_clay_scene s = scene_of(&q, i);
        assert_memory_equal(&s.id, &first.id, sizeof s.id);
        ss_clay_render(&cx, &s, &(ss_clay_picture){.size = SIZE, .samples = 1, .rgb = want});
        assert_memory_equal(want, rgb + (i - 11) * AREA * 3, AREA * 3);
    }
    free(rgb);
    made_dir_free(dir);
}

static void allocations_may_fail(void **state) {
    (void)state;
    int runs = 0;
    for (int64_t n = 0;; n++, runs++) {
        char *dir = made_dir();
        ss_ctx cx = context();
        ss_clay_dataset d = plan;
        d.count = 1;
        cx.fail_allocation = n;
        ss_status st = ss_clay_dataset_write(&cx, dir, &d);
        bool reached = cx.fail_allocation < 0;
        if (st && (st != SS_ERR_NOMEM || !cx.error[0])) fail_msg("allocation %d: %s", (int)n, cx.error);
        if (!st && reached) fail_msg("allocation %d failed and nobody noticed", (int)n);
        made_dir_free(dir);
        if (!reached) break;
    }
    assert_true(runs > 8);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shards_hold_what_is_told),
        cmocka_unit_test(stopped_data_sets_go_on),
        cmocka_unit_test(folders_that_do_not_fit_are_named),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(held_out_scenes_alone),
        cmocka_unit_test(individuals_come_several_times),
        cmocka_unit_test(allocations_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
