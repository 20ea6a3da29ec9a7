/* Scenes out of random numbers: what is asked for is there, what is held out stays out, what cannot be is refused. */
#include "clay/scene.h"

#include <jansson.h>

#include "clay/scenes.h"

static int count(ss_clay_part part) {
    int n = 0;
    while (ss_clay_words(part)[n]) n++;
    return n;
}

static const char *word(const ss_clay_scene *s, ss_clay_part part) {
    return ss_clay_words(part)[ss_clay_scene_part(s, part)];
}

static void words_go_with_numbers(void **state) {
    (void)state;
    static const int want[SS_CLAY_PARTS] = {SPECIES, COLORS, MARKINGS, ACCESSORIES, COLORS,
                                            ACTIONS, VIEWS,  PLACES,   TIMES};
    for (int k = 0; k < SS_CLAY_PARTS; k++) assert_int_equal(count((ss_clay_part)k), want[k]);
    assert_string_equal(ss_clay_words(SS_CLAY_SPECIES)[DOLL], "doll");
    assert_string_equal(ss_clay_words(SS_CLAY_PLACE)[AUTUMN], "autumn park");
    assert_string_equal(ss_clay_words(SS_CLAY_ACTION)[ARMS_UP], "arms up");
    assert_string_equal(ss_clay_words(SS_CLAY_COLOR)[WHITE], "white");
    assert_string_equal(ss_clay_part_name(SS_CLAY_ACCESSORY_COLOR), "accessory color");
}

/* Every word of every part comes up, and nothing that cannot be. */
static void all_of_the_world_is_drawn(void **state) {
    (void)state;
    bool seen[SS_CLAY_PARTS][16] = {0};
    ss_clay_request q = {.seed = 3};
    for (uint64_t i = 0; i < 3000; i++) {
        ss_ctx cx = context();
        ss_clay_scene s = scene_of(&q, i);
        assert_int_equal(ss_clay_scene_check(&cx, &s), SS_OK);
        for (int k = 0; k < SS_CLAY_PARTS; k++) seen[k][ss_clay_scene_part(&s, (ss_clay_part)k)] = true;
        assert_true(can(s.id.species, s.action));
        assert_true(s.id.color != s.id.accessory_color);
        assert_true(s.place == NIGHT_SKY ? s.time == NIGHT : has_hours(s.place) || s.time == DAY);
    }
    for (int k = 0; k < SS_CLAY_PARTS; k++)
        for (int i = 0; i < count((ss_clay_part)k); i++)
            if (!seen[k][i])
                fail_msg("no %s is %s", ss_clay_part_name((ss_clay_part)k), ss_clay_words((ss_clay_part)k)[i]);
}

/* The table of tools/clay/README.md. */
static void the_small_world_is_small(void **state) {
    (void)state;
    static const char *const words = " dog cat bear elephant duck frog red orange yellow green blue purple brown gray "
                                     "plain none standing sitting running jumping lying front three-quarter left "
                                     "meadow beach snow autumn park pink studio yellow studio day ";
    ss_clay_request q = {.seed = 9, .small = true};
    for (uint64_t i = 0; i < 1000; i++) {
        ss_clay_scene s = scene_of(&q, i);
        for (int k = 0; k < SS_CLAY_PARTS; k++) {
            if (k == SS_CLAY_ACCESSORY_COLOR) continue;
            char spaced[64];
            snprintf(spaced, sizeof spaced, " %s ", word(&s, (ss_clay_part)k));
            if (!strstr(words, spaced)) fail_msg("scene %d has \"%s\"", (int)i, spaced);
        }
        assert_true(s.elevation >= 8 && s.elevation <= 10 && s.light >= 30 && s.light <= 50);
        assert_in_range(s.place_seed, 1, 6);
    }
}

/* Seeds give what the pictures were drawn from that the shipped model learned. */
static void seeds_stay_what_they_were(void **state) {
    (void)state;
    ss_clay_scene s = scene_of(&(ss_clay_request){.seed = 1, .small = true}, 0);
    char text[128];
    snprintf(text, sizeof text, "%s %s %s %s %s %.4f %.4f", word(&s, SS_CLAY_COLOR), word(&s, SS_CLAY_SPECIES),
             word(&s, SS_CLAY_ACTION), word(&s, SS_CLAY_PLACE), word(&s, SS_CLAY_VIEW), (double)s.yaw,
             (double)s.id.gene[0]);
    assert_string_equal(text, "green elephant jumping yellow studio front -5.1477 0.4884");
    s = scene_of(&(ss_clay_request){.seed = 1}, 5);
    snprintf(text, sizeof text, "%s %s %s %s %s %s %.4f %.4f", word(&s, SS_CLAY_MARKING), word(&s, SS_CLAY_COLOR),
             word(&s, SS_CLAY_SPECIES), word(&s, SS_CLAY_ACTION), word(&s, SS_CLAY_PLACE), word(&s, SS_CLAY_TIME),
             (double)s.yaw, (double)s.id.gene[31]);
    assert_string_equal(text, "striped red frog arms up blue studio day 51.1759 0.7673");
}

/* Of every species one colour, one place and one action. */
static void held_out_is_one_of_each(void **state) {
    (void)state;
    int color[SPECIES] = {0}, place[SPECIES] = {0}, action[SPECIES] = {0};
    for (int k = 0; k < SPECIES; k++) {
        ss_clay_scene s = {.id.species = k};
        for (s.id.color = 0; s.id.color < COLORS; s.id.color++) color[k] += ss_clay_held_out(&s) & SS_CLAY_HELD_COLOR;
        s.id.color = 0;
        for (s.place = 0; s.place < PLACES; s.place++) place[k] += (ss_clay_held_out(&s) & SS_CLAY_HELD_PLACE) != 0;
        s.place = 0;
        for (s.action = 0; s.action < ACTIONS; s.action++)
            action[k] += (ss_clay_held_out(&s) & SS_CLAY_HELD_ACTION) != 0;
        assert_true(color[k] == 1 && place[k] == 1 && action[k] == 1);
    }
    ss_clay_scene orange_dog = {.id = {.species = DOG, .color = GREEN}, .place = SNOW, .action = WALKING};
    assert_int_equal(ss_clay_held_out(&orange_dog), SS_CLAY_HELD_COLOR | SS_CLAY_HELD_PLACE | SS_CLAY_HELD_ACTION);
}

static void words_hold_their_parts(void **state) {
    (void)state;
    ss_clay_request q = {.seed = 2,
                         .word = {[SS_CLAY_COLOR] = "teal", [SS_CLAY_ACTION] = "waving", [SS_CLAY_TIME] = "sunset"}};
    for (uint64_t i = 0; i < 200; i++) {
        ss_clay_scene s = scene_of(&q, i);
        assert_int_equal(s.id.color, TEAL);
        assert_int_equal(s.action, WAVING);
        assert_int_equal(s.time, SUNSET);
        assert_true(can(s.id.species, WAVING) && has_hours(s.place));
    }
}

/* One individual in many scenes: all of it the same, all around it another. */
static void individuals_stay_themselves(void **state) {
    (void)state;
    for (int small = 0; small < 2; small++) {
        ss_clay_scene first = scene_of(&(ss_clay_request){.seed = 5, .small = small}, 3);
        ss_clay_request q = {.seed = 77, .small = small, .who = &first.id};
        bool actions[ACTIONS] = {0};
        int kinds = 0;
        for (uint64_t i = 0; i < 60; i++) {
            ss_clay_scene s = scene_of(&q, i);
            assert_memory_equal(&s.id, &first.id, sizeof s.id);
            kinds += !actions[s.action];
            actions[s.action] = true;
        }
        assert_true(kinds >= 4);
    }
}

static void refused(const ss_clay_request *q, const char *sentence) {
    ss_ctx cx = context();
    ss_clay_scene s;
    assert_int_equal(ss_clay_scene_draw(&s, &cx, q, 0), SS_ERR_ARG);
    assert_sentence(&cx, sentence);
}

static void what_cannot_be_is_refused(void **state) {
    (void)state;
    refused(&(ss_clay_request){.word = {[SS_CLAY_SPECIES] = "dig"}}, "no species \"dig\"; did you mean \"dog\"?");
    refused(&(ss_clay_request){.word = {[SS_CLAY_PLACE] = "the far side of the moon"}}, "there are meadow, beach");
    refused(&(ss_clay_request){.word = {[SS_CLAY_SPECIES] = "dog", [SS_CLAY_ACTION] = "arms up"}},
            "no dog is ever seen with arms up");
    refused(&(ss_clay_request){.word = {[SS_CLAY_PLACE] = "pink studio", [SS_CLAY_TIME] = "night"}},
            "never night in the pink studio, always day");
    refused(&(ss_clay_request){.word = {[SS_CLAY_PLACE] = "night sky", [SS_CLAY_TIME] = "sunset"}}, "always night");
    refused(&(ss_clay_request){.word = {[SS_CLAY_ACCESSORY] = "none", [SS_CLAY_ACCESSORY_COLOR] = "red"}},
            "is not seen");
    refused(&(ss_clay_request){.small = true, .word = {[SS_CLAY_SPECIES] = "robot"}},
            "the small world has no species \"robot\", only: dog, cat, bear, elephant, duck, frog");
    refused(&(ss_clay_request){.small = true, .word = {[SS_CLAY_ACCESSORY_COLOR] = "red"}}, "nobody wears anything");
    ss_clay_scene cat = scene_of(&(ss_clay_request){.word = {[SS_CLAY_SPECIES] = "cat"}}, 0);
    refused(&(ss_clay_request){.who = &cat.id, .word = {[SS_CLAY_SPECIES] = "dog"}}, "asked to be dog");
    refused(&(ss_clay_request){.who = &cat.id, .word = {[SS_CLAY_ACTION] = "waving"}}, "no cat is ever seen waving");
    cat.id.gene[4] = 1.5f;
    refused(&(ss_clay_request){.who = &cat.id}, "outside its range");
    cat.id.color = 12;
    refused(&(ss_clay_request){.who = &cat.id}, "color is number 12, and there are 0 to 11");
}

/* The truth holds the scene to the last bit. */
static void truth_is_whole(void **state) {
    (void)state;
    ss_ctx cx = context();
    ss_clay_scene s = scene_of(&(ss_clay_request){.seed = 4, .word = {[SS_CLAY_ACCESSORY] = "bow tie"}}, 8);
    char *text = NULL;
    assert_int_equal(ss_clay_truth(&text, &cx, &s, NULL), SS_OK);
    assert_null(strchr(text, '\n'));
    json_t *o = json_loads(text, 0, NULL);
    assert_non_null(o);
    for (int k = 0; k < SS_CLAY_PARTS; k++) {
        const char *name = k == SS_CLAY_ACCESSORY_COLOR ? "accessory_color" : ss_clay_part_name((ss_clay_part)k);
        assert_string_equal(json_string_value(json_object_get(o, name)), word(&s, (ss_clay_part)k));
    }
    const json_t *genes = json_object_get(o, "genes");
    assert_int_equal(json_array_size(genes), SS_CLAY_GENES);
    for (int i = 0; i < SS_CLAY_GENES; i++)
        assert_true((float)json_real_value(json_array_get(genes, (size_t)i)) == s.id.gene[i]);
    assert_true((float)json_real_value(json_object_get(o, "yaw")) == s.yaw);
    assert_null(json_object_get(o, "keypoints"));
    json_decref(o);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_go_with_numbers),
        cmocka_unit_test(all_of_the_world_is_drawn),
        cmocka_unit_test(the_small_world_is_small),
        cmocka_unit_test(seeds_stay_what_they_were),
        cmocka_unit_test(held_out_is_one_of_each),
        cmocka_unit_test(words_hold_their_parts),
        cmocka_unit_test(individuals_stay_themselves),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(truth_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
