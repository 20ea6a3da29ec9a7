/* Who plays in the clay bench: the same for a seed, nobody that training saw, asked for what differs from the photo. */
#include "score/player.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static ss_ctx *context(void) {
    ss_ctx *cx = NULL;
    assert_int_equal(ss_ctx_new(&cx, &(ss_ctx_options){.threads = 1}), SS_OK);
    return cx;
}

static void players_are_asked_for_something_else(void **state) {
    (void)state;
    ss_ctx *cx = context();
    int held[2] = {0}, targets[2] = {0};
    for (uint64_t seed = 9001; seed < 9065; seed++) {
        ss_player p, again;
        assert_int_equal(ss_player_of(&p, cx, seed), SS_OK);
        assert_int_equal(ss_player_of(&again, cx, seed), SS_OK);
        assert_memory_equal(&p, &again, sizeof p);
        assert_true(p.kin.species == p.photo.id.species && p.kin.color == p.photo.id.color);
        assert_memory_not_equal(p.kin.gene, p.photo.id.gene, sizeof p.kin.gene);
        assert_int_not_equal(p.stranger.species, p.photo.id.species);
        for (int t = 0; t < SS_PLAYER_TARGETS; t++) {
            const ss_clay_scene *s = &p.target[t];
            assert_memory_equal(&s->id, &p.photo.id, sizeof s->id);
            assert_int_not_equal(s->action, p.photo.action);
            assert_int_equal(s->place == p.photo.place, t == SS_PLAYER_STAYS);
            assert_string_not_equal(p.prompt[t], p.source);
            targets[seed % 2]++;
            held[seed % 2] += (ss_clay_held_out(s) & (SS_CLAY_HELD_ACTION | SS_CLAY_HELD_PLACE)) != 0;
        }
    }
    assert_true(held[1] > targets[1] * 2 / 3); /* not all: a photo may have the only action that is held out */
    assert_true(held[0] < targets[0] / 4);
    ss_ctx_free(cx);
}

static void prompts_say_everything(void **state) {
    (void)state;
    ss_ctx *cx = context();
    ss_player p;
    for (uint64_t seed = 9001; seed < 9033; seed++) {
        int part[SS_CLAY_PARTS];
        assert_int_equal(ss_player_of(&p, cx, seed), SS_OK);
        assert_int_equal(ss_clay_caption_read(part, cx, p.source), SS_OK);
        for (int k = 0; k < SS_CLAY_PARTS; k++)
            if (k == SS_CLAY_SPECIES || k == SS_CLAY_COLOR || k == SS_CLAY_ACTION || k == SS_CLAY_PLACE)
                assert_int_equal(part[k], ss_clay_scene_part(&p.photo, (ss_clay_part)k));
    }
    ss_ctx_free(cx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(players_are_asked_for_something_else),
        cmocka_unit_test(prompts_say_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
