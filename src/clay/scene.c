/* Scenes from seeds: drawing, requests, the small world, what is held out. */
#include "clay/scene.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------------ parts by number */

/* Where each part stands in a scene. */
static const size_t places[SS_CLAY_PARTS] = {
    offsetof(ss_clay_scene, id.species),
    offsetof(ss_clay_scene, id.color),
    offsetof(ss_clay_scene, id.marking),
    offsetof(ss_clay_scene, id.accessory),
    offsetof(ss_clay_scene, id.accessory_color),
    offsetof(ss_clay_scene, action),
    offsetof(ss_clay_scene, view),
    offsetof(ss_clay_scene, place),
    offsetof(ss_clay_scene, time),
};

int ss_clay_scene_part(const ss_clay_scene *s, ss_clay_part part) {
    return *(const int *)((const char *)s + places[part]);
}

static int words_in(const char *const *words) {
    int n = 0;
    while (words[n]) n++;
    return n;
}

int ss_clay_held_out(const ss_clay_scene *s) {
    int k = s->id.species; /* 5 and 7 have no factor in common with 12, so each colour and place is missed once */
    int action = SITTING + (3 * k + 1) % (LYING - SITTING + 1);
    return (s->id.color == (5 * k + 3) % COLORS ? SS_CLAY_HELD_COLOR : 0) |
           (s->place == (7 * k + 2) % PLACES ? SS_CLAY_HELD_PLACE : 0) |
           (s->action == action ? SS_CLAY_HELD_ACTION : 0);
}

/* ------------------------------------------------------------------------------------------------ drawing */

/* What a part is: the chosen number, or one that is drawn. */
static int part_of(const choices *c, ss_clay_part part, int drawn) { return c->part[part] < 0 ? drawn : c->part[part]; }

static void draw_identity(ss_clay_identity *id, const choices *c, rng *r) {
    *id = (ss_clay_identity){0};
    id->species = draw_below(r, SPECIES);
    id->color = draw_below(r, COLORS);
    id->marking = draw_below(r, 5) < 2 ? PLAIN : 1 + draw_below(r, MARKINGS - 1);
    id->accessory = draw_below(r, 2) ? BARE : 1 + draw_below(r, ACCESSORIES - 1);
    do id->accessory_color = draw_below(r, COLORS);
    while (id->accessory_color == id->color);
    for (int i = 0; i < SS_CLAY_GENES; i++) id->gene[i] = draw_unit(r);
    if (c->who) {
        *id = *c->who;
        return;
    }
    id->species = part_of(c, SS_CLAY_SPECIES, id->species);
    while (c->part[SS_CLAY_ACTION] >= 0 && !can(id->species, c->part[SS_CLAY_ACTION]))
        id->species = draw_below(r, SPECIES);
    id->color = part_of(c, SS_CLAY_COLOR, id->color);
    id->marking = part_of(c, SS_CLAY_MARKING, id->marking);
    id->accessory = part_of(c, SS_CLAY_ACCESSORY, id->accessory);
    if (id->accessory_color == id->color) id->accessory_color = (id->color + 5) % COLORS;
    id->accessory_color = part_of(c, SS_CLAY_ACCESSORY_COLOR, id->accessory_color);
}

static void set_view(ss_clay_scene *s, int view, rng *r) {
    static const float middle[VIEWS] = {0, -40, 40, -84, 84}, spread[VIEWS] = {10, 12, 12, 8, 8};
    s->view = view;
    float u = draw_between(r, -1, 1);
    s->yaw = middle[view] + spread[view] * u;
    if (s->action == LYING && view < SIDE_LEFT) { /* turned further, or the head would hide the rest */
        float more = goes_on_four(s->id.species) ? 20 : 34;
        s->yaw = view == FRONT ? (u < 0 ? -more : more) + 8 * u : s->yaw * 1.35f;
    }
}

static void set_place(ss_clay_scene *s, int place, int time) {
    s->place = place;
    s->time = place == NIGHT_SKY ? NIGHT : has_hours(place) ? time : DAY;
}

static void draw_scene(ss_clay_scene *s, rng *r) {
    do s->action = draw_below(r, ACTIONS);
    while (!can(s->id.species, s->action));
    set_view(s, draw_below(r, 5) < 3 ? draw_below(r, 3) : SIDE_LEFT + draw_below(r, 2), r);
    int hour = draw_below(r, 4);
    set_place(s, draw_below(r, PLACES), hour < 2 ? DAY : hour - 1);
    s->elevation = draw_between(r, 5, 13);
    s->fill = draw_between(r, 0.58f, 0.73f);
    s->at[0] = draw_between(r, -0.06f, 0.06f), s->at[1] = draw_between(r, -0.07f, -0.03f);
    s->horizon = draw_between(r, 0.50f, 0.60f);
    s->light = draw_between(r, 25, 55);
    if (draw_below(r, 2)) s->light = -s->light;
    for (int i = 0; i < SS_CLAY_SWAYS; i++) s->sway[i] = draw_between(r, -1, 1);
    s->place_seed = draw_bits(r);
}

/* The small world: what the shipped model knows, with calm framing. */
static const int small_species[] = {DOG, CAT, BEAR, ELEPHANT, DUCK, FROG};
static const int small_colors[] = {RED, ORANGE, YELLOW, GREEN, BLUE, PURPLE, BROWN, GRAY};
static const int small_actions[] = {STANDING, SITTING, RUNNING, JUMPING, LYING};
static const int small_places[] = {MEADOW, BEACH, SNOW, AUTUMN, PINK_STUDIO, YELLOW_STUDIO};
static const int small_views[] = {FRONT, THREE_QUARTER_LEFT};
static const int only_plain[] = {PLAIN}, only_bare[] = {BARE}, only_day[] = {DAY};
#define SMALL(a)                                                                                                       \
    { a, SS_COUNT_OF(a) }
static const struct {
    const int *at;
    int n;
} small[SS_CLAY_PARTS] = {
    [SS_CLAY_SPECIES] = SMALL(small_species), [SS_CLAY_COLOR] = SMALL(small_colors),
    [SS_CLAY_MARKING] = SMALL(only_plain),    [SS_CLAY_ACCESSORY] = SMALL(only_bare),
    [SS_CLAY_ACTION] = SMALL(small_actions),  [SS_CLAY_VIEW] = SMALL(small_views),
    [SS_CLAY_PLACE] = SMALL(small_places),    [SS_CLAY_TIME] = SMALL(only_day),
};

static int draw_small(const choices *c, ss_clay_part part, rng *r) {
    return part_of(c, part, small[part].at[draw_below(r, small[part].n)]);
}

static void make_small(ss_clay_scene *s, const choices *c, rng *r) {
    s->id.species = draw_small(c, SS_CLAY_SPECIES, r);
    s->id.color = draw_small(c, SS_CLAY_COLOR, r);
    s->id.marking = PLAIN, s->id.accessory = BARE;
    if (c->who) s->id = *c->who;
    s->action = draw_small(c, SS_CLAY_ACTION, r);
    int view = draw_below(r, 3) ? THREE_QUARTER_LEFT : FRONT;
    set_view(s, part_of(c, SS_CLAY_VIEW, view), r);
    set_place(s, draw_small(c, SS_CLAY_PLACE, r), DAY);
    s->elevation = 8 + 2 * draw_unit(r);
    s->fill = 0.74f + 0.06f * draw_unit(r);
    s->at[0] *= 0.4f, s->at[1] = -0.05f + 0.02f * draw_unit(r);
    s->horizon = 0.54f + 0.03f * draw_unit(r);
    s->light = 30 + 20 * draw_unit(r);
    s->place_seed = 1 + draw_bits(r) % 6;
}

/* The rest of what was asked for, in the whole world. */
static void hold(ss_clay_scene *s, const choices *c, rng *r) {
    s->action = part_of(c, SS_CLAY_ACTION, s->action);
    if (c->part[SS_CLAY_VIEW] >= 0) set_view(s, c->part[SS_CLAY_VIEW], r);
    int place = part_of(c, SS_CLAY_PLACE, s->place), time = c->part[SS_CLAY_TIME];
    if (time < 0) {
        set_place(s, place, s->time);
        return;
    }
    do set_place(s, place, time); /* a place that knows this hour */
    while (s->time != time && (place = draw_below(r, PLACES), true));
}

void ss_clay_draw(ss_clay_scene *s, const choices *c, uint64_t index) {
    rng r = {c->seed * 1000003u + index};
    *s = (ss_clay_scene){0};
    draw_identity(&s->id, c, &r);
    draw_scene(s, &r);
    if (c->small)
        make_small(s, c, &r);
    else
        hold(s, c, &r);
}

/* ------------------------------------------------------------------------------------------------ requests */

static ss_status find_word(int *out, ss_ctx *cx, ss_clay_part part, const char *word) {
    const char *const *words = ss_clay_words(part);
    int n = words_in(words);
    for (int i = 0; i < n; i++)
        if (!strcmp(words[i], word)) return *out = i, SS_OK;
    const char *near = ss_nearest(word, words, n);
    if (near)
        return ss_fail(cx, SS_ERR_ARG, "the clay world has no %s \"%s\"; did you mean \"%s\"?", ss_clay_part_name(part),
                       word, near);
    char list[256] = "";
    for (int i = 0; i < n; i++) strcat(strcat(list, i ? ", " : ""), words[i]);
    return ss_fail(cx, SS_ERR_ARG, "the clay world has no %s \"%s\": there are %s", ss_clay_part_name(part), word,
                   list);
}

static const char *word_of(ss_clay_part part, int i) { return ss_clay_words(part)[i]; }

static ss_status check_small(ss_ctx *cx, const int part[SS_CLAY_PARTS]) {
    for (int k = 0; k < SS_CLAY_PARTS; k++) {
        bool there = part[k] < 0 || !small[k].at;
        for (int i = 0; i < small[k].n; i++) there = there || small[k].at[i] == part[k];
        if (there) continue;
        char list[256] = "";
        for (int i = 0; i < small[k].n; i++) strcat(strcat(list, i ? ", " : ""), word_of(k, small[k].at[i]));
        return ss_fail(cx, SS_ERR_ARG, "the small world has no %s \"%s\", only: %s (the full one has it)",
                       ss_clay_part_name(k), word_of(k, part[k]), list);
    }
    if (part[SS_CLAY_ACCESSORY_COLOR] >= 0)
        return ss_fail(cx, SS_ERR_ARG,
                       "nobody wears anything in the small world, so an accessory color \"%s\" is not seen",
                       word_of(SS_CLAY_ACCESSORY_COLOR, part[SS_CLAY_ACCESSORY_COLOR]));
    return SS_OK;
}

/* Which of what was asked for cannot be together. */
static ss_status check_together(ss_ctx *cx, const int part[SS_CLAY_PARTS]) {
    int species = part[SS_CLAY_SPECIES], action = part[SS_CLAY_ACTION];
    int place = part[SS_CLAY_PLACE], time = part[SS_CLAY_TIME];
    if (species >= 0 && action >= 0 && !can(species, action))
        return ss_fail(cx, SS_ERR_ARG, "no %s is ever seen %s: that takes a doll, a robot or a bear",
                       word_of(SS_CLAY_SPECIES, species),
                       action == ARMS_UP ? "with arms up" : word_of(SS_CLAY_ACTION, action));
    if (place >= 0 && time >= 0 && (place == NIGHT_SKY ? time != NIGHT : !has_hours(place) && time != DAY))
        return ss_fail(cx, SS_ERR_ARG, "it is never %s in the %s, always %s", word_of(SS_CLAY_TIME, time),
                       word_of(SS_CLAY_PLACE, place), place == NIGHT_SKY ? "night" : "day");
    if (part[SS_CLAY_ACCESSORY] == BARE && part[SS_CLAY_ACCESSORY_COLOR] >= 0)
        return ss_fail(cx, SS_ERR_ARG, "without an accessory, an accessory color \"%s\" is not seen",
                       word_of(SS_CLAY_ACCESSORY_COLOR, part[SS_CLAY_ACCESSORY_COLOR]));
    return SS_OK;
}

ss_status ss_clay_choose(choices *c, ss_ctx *cx, const ss_clay_request *q) {
    *c = (choices){.seed = q->seed, .small = q->small, .who = q->who};
    for (int k = 0; k < SS_CLAY_PARTS; k++) {
        c->part[k] = -1;
        ss_status st = q->word[k] ? find_word(&c->part[k], cx, (ss_clay_part)k, q->word[k]) : SS_OK;
        if (st) return st;
    }
    int seen[SS_CLAY_PARTS];
    memcpy(seen, c->part, sizeof seen);
    if (q->who) {
        ss_clay_scene as = {.id = *q->who};
        ss_status st = ss_clay_scene_check(cx, &as);
        if (st) return st;
        for (int k = SS_CLAY_SPECIES; k <= SS_CLAY_ACCESSORY_COLOR; k++) {
            int own = ss_clay_scene_part(&as, (ss_clay_part)k);
            if (seen[k] >= 0 && seen[k] != own)
                return ss_fail(cx, SS_ERR_ARG, "the %s is asked to be %s, and the individual's is %s",
                               ss_clay_part_name((ss_clay_part)k), word_of(k, seen[k]), word_of(k, own));
            if (k != SS_CLAY_ACCESSORY_COLOR) seen[k] = own;
        }
    }
    ss_status st = check_together(cx, seen);
    return st || !q->small ? st : check_small(cx, seen);
}

ss_status ss_clay_scene_draw(ss_clay_scene *out, ss_ctx *cx, const ss_clay_request *request, uint64_t index) {
    choices c;
    ss_status st = ss_clay_choose(&c, cx, request);
    if (!st) ss_clay_draw(out, &c, index);
    return st;
}

/* ------------------------------------------------------------------------------------------------ scenes from outside
 */

static bool within(float x, float lo, float hi) { return x >= lo && x <= hi; } /* false for NaN */

ss_status ss_clay_scene_check(ss_ctx *cx, const ss_clay_scene *s) {
    for (int k = 0; k < SS_CLAY_PARTS; k++) {
        int i = ss_clay_scene_part(s, (ss_clay_part)k), n = words_in(ss_clay_words((ss_clay_part)k));
        if (i < 0 || i >= n)
            return ss_fail(cx, SS_ERR_ARG, "a clay scene's %s is number %d, and there are 0 to %d",
                           ss_clay_part_name((ss_clay_part)k), i, n - 1);
    }
    bool well = within(s->yaw, -360, 360) && within(s->elevation, 0, 60) && within(s->fill, 0, 2) &&
                within(s->at[0], -1, 1) && within(s->at[1], -1, 1) && within(s->horizon, 0, 1) &&
                within(s->light, -360, 360);
    for (int i = 0; i < SS_CLAY_SWAYS; i++) well = well && within(s->sway[i], -1, 1);
    for (int i = 0; i < SS_CLAY_GENES; i++) well = well && within(s->id.gene[i], 0, 1);
    if (!well) return ss_fail(cx, SS_ERR_ARG, "a clay scene has an angle, a gene or another number outside its range");
    return SS_OK;
}
