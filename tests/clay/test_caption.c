/* Captions say what is there, in many ways, and can be read back. */
#include "clay/words.h"

#include <stdio.h>

#include "clay/scenes.h"

/* Captions do not tell left from right. */
static int view_said(int view) {
    return view == THREE_QUARTER_RIGHT ? THREE_QUARTER_LEFT : view == SIDE_RIGHT ? SIDE_LEFT : view;
}

static void captions_are_read_back(void **state) {
    (void)state;
    ss_clay_request q = {.seed = 6};
    bool named[SS_CLAY_PARTS] = {0};
    for (uint64_t i = 0; i < 4000; i++) {
        ss_ctx cx = context();
        ss_clay_scene s = scene_of(&q, i);
        int part[SS_CLAY_PARTS];
        char *text = NULL;
        assert_int_equal(ss_clay_caption(&text, &cx, &s, i), SS_OK);
        if (ss_clay_caption_read(part, &cx, text)) fail_msg("%s", cx.error);
        for (int k = 0; k < SS_CLAY_PARTS; k++) {
            int is = ss_clay_scene_part(&s, (ss_clay_part)k);
            if (k == SS_CLAY_VIEW) is = view_said(is);
            if (part[k] >= 0 && part[k] != is)
                fail_msg("\"%s\" gives the wrong %s", text, ss_clay_part_name((ss_clay_part)k));
            named[k] = named[k] || part[k] >= 0;
        }
        assert_int_equal(part[SS_CLAY_SPECIES], s.id.species);
        free(text);
    }
    for (int k = 0; k < SS_CLAY_PARTS; k++) assert_true(named[k]);
}

static void captions_stay_what_they_were(void **state) {
    (void)state;
    ss_ctx cx = context();
    ss_clay_scene s = scene_of(&(ss_clay_request){.seed = 1}, 12);
    static const char *const want[] = {"a picture of a striped yellow dog wearing a white backpack, in a forest",
                                       "a yellow dog with a white backpack lying in the forest in the evening light",
                                       "a dog"};
    for (int i = 0; i < 3; i++) {
        char *text = NULL;
        assert_int_equal(ss_clay_caption(&text, &cx, &s, (uint64_t)i), SS_OK);
        assert_string_equal(text, want[i]);
        free(text);
    }
}

static void read(const char *caption, const char *want) {
    ss_ctx cx = context();
    int part[SS_CLAY_PARTS];
    char text[256] = "";
    if (ss_clay_caption_read(part, &cx, caption)) fail_msg("%s", cx.error);
    for (int k = 0; k < SS_CLAY_PARTS; k++)
        if (part[k] >= 0) {
            strcat(text, *text ? "; " : "");
            strcat(text, ss_clay_words((ss_clay_part)k)[part[k]]);
        }
    assert_string_equal(text, want);
}

static void people_s_captions_are_read(void **state) {
    (void)state;
    read("a dog", "dog");
    read("an orange elephant sitting in a meadow", "elephant; orange; sitting; meadow");
    read("a photo of a red striped doll with a blue bow tie, with both arms up, in the city, at night",
         "doll; red; striped; bow tie; blue; arms up; city; night");
    read("robot wearing glasses on a street, side view", "robot; glasses; side left; city");
    read("a frog with arms up", "frog; arms up");
}

static void other_sentences_are_not(void **state) {
    (void)state;
    static const char *const wrong[][2] = {{"", "from \"\""},
                                           {"a unicorn", "from \"unicorn\""},
                                           {"a dog flying in a meadow", "from \"flying in a meadow\""},
                                           {"a dogfish", "from \"dogfish\""},
                                           {"a dog sitting lying", "from \"lying\""},
                                           {"a dog with a", "from \"with a\""}};
    for (int i = 0; i < SS_COUNT_OF(wrong); i++) {
        ss_ctx cx = context();
        int part[SS_CLAY_PARTS] = {42};
        assert_int_equal(ss_clay_caption_read(part, &cx, wrong[i][0]), SS_ERR_ARG);
        assert_sentence(&cx, wrong[i][1]);
        assert_int_equal(part[0], 42);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(captions_are_read_back),
        cmocka_unit_test(captions_stay_what_they_were),
        cmocka_unit_test(people_s_captions_are_read),
        cmocka_unit_test(other_sentences_are_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
