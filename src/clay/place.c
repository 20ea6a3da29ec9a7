/* Which place it is, and what its ground does to the light. */
#include "clay/place.h"

static place_fn *const make[PLACES] = {
    [MEADOW] = ss_clay_meadow,
    [BEACH] = ss_clay_beach,
    [SNOW] = ss_clay_snow,
    [DESERT] = ss_clay_desert,
    [FOREST] = ss_clay_forest,
    [CITY] = ss_clay_city,
    [NIGHT_SKY] = ss_clay_night_sky,
    [KITCHEN] = ss_clay_kitchen,
    [BLUE_STUDIO] = ss_clay_blue_studio,
    [PINK_STUDIO] = ss_clay_pink_studio,
    [YELLOW_STUDIO] = ss_clay_yellow_studio,
    [AUTUMN] = ss_clay_autumn_park,
};

void ss_clay_place(maker *m, env *e, const ss_clay_scene *s) {
    e->seed = (uint32_t)(s->place_seed ^ s->place_seed >> 32);
    e->pane = oklch(0.55f, 0.05f, 240);
    e->stripe = oklch(0.66f, 0.17f, (float)(e->seed % 360));
    e->plaster = oklch(0.90f, 0.03f, 85);
    ss_clay_hour(e, s->time, s->light);
    make[s->place](m, e, s);
    /* The ground throws its colour back up. */
    bool open = e->wall == 0 && e->ground != PAPER;
    e->bounce = open ? tint(mul(e->g[0], 0.42f), e->dim) : mul(e->g[0], 0.36f);
    if (s->time == NIGHT) e->bounce = mul(e->bounce, 0.6f);
}
