/* Sentences about a scene, as varied as people's: parts are left out, said in other words or in another order. */
#include "clay/scene.h"
#include "clay/words.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct sentence {
    char *text;
    size_t n;
} sentence;

static void say(sentence *t, const char *format, ...) SS_PRINTF(2, 3);
static void say(sentence *t, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int n = vsnprintf(t->text + t->n, CAPTION_BYTES - t->n, format, args);
    va_end(args);
    assert(n >= 0 && t->n + (size_t)n < CAPTION_BYTES);
    t->n += (size_t)n;
}

static const char *one_of(rng *r, const char *const *of) {
    int n = phrases_in(of);
    return of[n > 1 ? draw_below(r, n) : 0];
}

static bool chance_of(rng *r, int of) { return draw_below(r, of) == 0; }

/* What is said. Each is drawn, in this order, because the words of a seed have to stay the same. */
typedef struct plan {
    bool color, marking, gear, gear_color, action, place, hour, day, view;
} plan;

static plan make_plan(const ss_clay_scene *s, rng *r) {
    int detail = draw_below(r, 10); /* 0 only the noun, 9 everything */
    plan p;
    p.color = detail > 1 && !chance_of(r, 8);
    p.marking = detail > 2 && s->id.marking != PLAIN && !chance_of(r, 6);
    p.gear = detail > 2 && s->id.accessory != BARE && !chance_of(r, 6);
    p.gear_color = !chance_of(r, 5);
    p.action = detail > 0 && !chance_of(r, 6);
    p.place = detail > 0 && !chance_of(r, 6);
    p.hour = p.place && s->time != DAY && s->place != NIGHT_SKY && !chance_of(r, 5);
    p.day = p.place && s->time == DAY && has_hours(s->place) && chance_of(r, 8);
    p.view = detail > 5 && chance_of(r, 3);
    return p;
}

/* "a photo of a striped red dog" */
static void say_who(sentence *t, const ss_clay_identity *id, const plan *p, rng *r) {
    const char *color = ss_clay_words(SS_CLAY_COLOR)[id->color], *marking = ss_clay_words(SS_CLAY_MARKING)[id->marking];
    const char *words[3];
    int n = 0;
    if (p->marking) words[n++] = marking;
    if (p->color) words[n++] = color;
    if (p->marking && p->color && chance_of(r, 4)) words[0] = color, words[1] = marking;
    words[n++] = ss_clay_words(SS_CLAY_SPECIES)[id->species];
    say(t, "%s%s", one_of(r, ss_clay_openings), article(words[0]));
    for (int i = 0; i < n; i++) say(t, " %s", words[i]);
}

/* " wearing a blue hat" */
static void say_gear(sentence *t, const ss_clay_identity *id, const plan *p, rng *r) {
    static const char *const wears[] = {"with", "wearing", NULL};
    const char *color = ss_clay_words(SS_CLAY_ACCESSORY_COLOR)[id->accessory_color];
    say(t, " %s ", one_of(r, wears));
    if (id->accessory != GLASSES) say(t, "%s ", p->gear_color ? article(color) : "a");
    if (p->gear_color) say(t, "%s ", color);
    say(t, "%s", ss_clay_words(SS_CLAY_ACCESSORY)[id->accessory]);
}

void ss_clay_caption_draw(char text[CAPTION_BYTES], const ss_clay_scene *s, rng *r) {
    sentence t = {text, 0};
    plan p = make_plan(s, r);
    say_who(&t, &s->id, &p, r);
    if (p.gear) say_gear(&t, &s->id, &p, r);
    const char *action = one_of(r, ss_clay_action_phrases[s->action]);
    const char *place = one_of(r, ss_clay_place_phrases[s->place]);
    const char *hour = one_of(r, ss_clay_time_phrases[s->time == SUNSET ? SUNSET : NIGHT]);
    bool commas = chance_of(r, 5);
    if (p.action) say(&t, "%s %s", commas ? "," : "", action);
    if (p.place) say(&t, "%s %s", commas || (!p.action && p.gear) ? "," : "", place);
    if (p.hour) say(&t, "%s %s", commas ? "," : "", hour);
    if (p.day) say(&t, " %s", one_of(r, ss_clay_time_phrases[DAY]));
    if (p.view) say(&t, ", %s", one_of(r, ss_clay_view_phrases[s->view]));
}

void ss_clay_caption_plain(char text[CAPTION_BYTES], const ss_clay_scene *s) {
    sentence t = {text, 0};
    const char *color = ss_clay_words(SS_CLAY_COLOR)[s->id.color];
    say(&t, "%s %s %s ", article(color), color, ss_clay_words(SS_CLAY_SPECIES)[s->id.species]);
    say(&t, "%s %s", ss_clay_action_phrases[s->action][1], ss_clay_place_phrases[s->place][0]);
}

ss_status ss_clay_caption(char **out, ss_ctx *cx, const ss_clay_scene *scene, uint64_t number) {
    char text[CAPTION_BYTES];
    rng r = {number};
    ss_status st = ss_clay_scene_check(cx, scene);
    if (st) return st;
    ss_clay_caption_draw(text, scene, &r);
    char *copy = ss_strdup(cx, text);
    if (!copy) return SS_ERR_NOMEM;
    *out = copy;
    return SS_OK;
}
