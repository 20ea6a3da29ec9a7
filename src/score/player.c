/* Who plays in the clay bench. */
#include "score/player.h"

enum {
    SEARCHED = 1000,     /* scenes that are looked at for one that fits; what fits comes up every few */
    KIN_SEEDS = 1000000, /* from an individual's seed to that of its kin, far from all seeds of training */
    STRANGER_SEEDS = 2000000
};

/* The first scene of the individual that does something else in the same place, or elsewhere. */
static ss_status find_target(ss_clay_scene *out, ss_ctx *cx, const ss_player *c, int target) {
    const int bits = SS_CLAY_HELD_ACTION | SS_CLAY_HELD_PLACE;
    ss_clay_request q = {.seed = c->seed, .small = true, .who = &c->photo.id};
    bool found = false, wants_held = c->seed % 2 == 1;
    ss_status st = SS_OK;
    for (uint64_t i = 1; i < SEARCHED && !st; i++) {
        ss_clay_scene s;
        st = ss_clay_scene_draw(&s, cx, &q, i);
        bool stays = s.place == c->photo.place, held = (ss_clay_held_out(&s) & bits) != 0;
        if (st || s.action == c->photo.action || stays != (target == SS_PLAYER_STAYS)) continue;
        if (!found || held == wants_held) *out = s;
        found = true;
        if (held == wants_held) break;
    }
    return st || found ? st
                       : ss_fail(cx, SS_ERR_ARG, "individual %llu has nothing else to do", (unsigned long long)c->seed);
}

static ss_status find_other(ss_clay_identity *out, ss_ctx *cx, const ss_player *c, bool kin) {
    const ss_clay_identity *id = &c->photo.id;
    ss_clay_request q = {.seed = c->seed + (kin ? KIN_SEEDS : STRANGER_SEEDS), .small = true};
    ss_clay_scene s;
    if (kin) {
        q.word[SS_CLAY_SPECIES] = ss_clay_words(SS_CLAY_SPECIES)[id->species];
        q.word[SS_CLAY_COLOR] = ss_clay_words(SS_CLAY_COLOR)[id->color];
    }
    ss_status st = ss_clay_scene_draw(&s, cx, &q, 0);
    for (uint64_t i = 1; !kin && !st && s.id.species == id->species; i++) st = ss_clay_scene_draw(&s, cx, &q, i);
    if (!st) *out = s.id;
    return st;
}

ss_status ss_player_of(ss_player *out, ss_ctx *cx, uint64_t seed) {
    ss_player c = {.seed = seed};
    ss_status st = ss_clay_scene_draw(&c.photo, cx, &(ss_clay_request){.seed = seed, .small = true}, 0);
    for (int t = 0; t < SS_PLAYER_TARGETS && !st; t++) st = find_target(&c.target[t], cx, &c, t);
    if (!st) st = find_other(&c.kin, cx, &c, true);
    if (!st) st = find_other(&c.stranger, cx, &c, false);
    if (st) return st;
    ss_clay_caption_plain(c.source, &c.photo);
    for (int t = 0; t < SS_PLAYER_TARGETS; t++) ss_clay_caption_plain(c.prompt[t], &c.target[t]);
    *out = c;
    return SS_OK;
}
