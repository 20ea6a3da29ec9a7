/* Places that people made: a street, a kitchen, studios. */
#include "clay/place.h"

#include "clay/props.h"

void ss_clay_city(maker *m, env *e, const ss_clay_scene *s) {
    uint64_t r = s->place_seed;
    float flip = mirror(r);
    e->ground = STREET;
    e->g[0] = oklch(0.78f, 0.012f, 80);
    e->g[1] = oklch(0.45f, 0.012f, 270);
    e->g[2] = oklch(0.92f, 0.03f, 95);
    e->g[3] = oklch(0.66f, 0.015f, 80);
    float x = -6.2f;
    for (int i = 0; x < 6; i++) {
        float w = chance(r, 54 + 64 * i, 0.75f, 1.15f), h = chance(r, 55 + 64 * i, 1.5f, 3.1f);
        vec rgb =
            oklch(chance(r, 56 + 64 * i, 0.68f, 0.86f), chance(r, 57 + 64 * i, 0.04f, 0.085f),
                  chance(r, 58 + 64 * i, 0, 3) < 2 ? chance(r, 59 + 64 * i, 10, 90) : chance(r, 60 + 64 * i, 180, 270));
        new_object(m, 0);
        box(m, world, (vec){x + w, h, -7.6f - chance(r, 61 + 64 * i, 0, 0.5f)}, (vec){w, h, 0.8f}, 0.04f,
            (material){.rgb = rgb, .gloss = 0.1f, .texture = TEXTURE_WINDOWS});
        x += 2 * w + 0.06f;
    }
    ss_clay_lamp_post(m, e, (vec){flip * chance(r, 62, 1.35f, 1.6f), 0, -1.55f}, 1.15f);
    ss_clay_car(m, (vec){-flip * chance(r, 63, 1.3f, 2.2f), -0.06f, -3.4f}, 1.15f,
                oklch(0.70f, 0.14f, 360 * chance(r, 94, 0, 1)));
    if (choice(r, 64, 2)) ss_clay_hydrant(m, (vec){-flip * chance(r, 65, 1.2f, 1.5f), 0, -0.9f});
}

void ss_clay_kitchen(maker *m, env *e, const ss_clay_scene *s) {
    uint64_t r = s->place_seed;
    e->ground = TABLE;
    e->wall = -3.1f;
    e->g[0] = oklch(0.72f, 0.085f, 65);
    e->g[1] = oklch(0.66f, 0.09f, 60);
    e->g[2] = oklch(0.93f, 0.022f, 165);
    e->g[3] = oklch(0.80f, 0.055f, 170);
    if (s->time == NIGHT)
        e->dim = (vec){0.50f, 0.47f, 0.52f}, e->key = (vec){1.02f, 0.92f, 0.74f}, e->fill = (vec){0.26f, 0.26f, 0.34f};
    e->haze_from = 90;
    enum { MUG, FRUIT, CARTON, APPLE };
    static const int order[4][4] = {{MUG, FRUIT, CARTON, FRUIT},
                                    {FRUIT, APPLE, MUG, CARTON},
                                    {APPLE, CARTON, FRUIT, MUG},
                                    {CARTON, MUG, APPLE, FRUIT}};
    const int *o = order[choice(r, 73, 4)];
    for (int i = 0; i < 4; i++) {
        vec p = {(i & 1 ? 1 : -1) * chance(r, 74 + 64 * i, i < 2 ? 1.25f : 1.75f, i < 2 ? 1.5f : 2.2f), 0,
                 i < 2 ? chance(r, 75 + 64 * i, -1.4f, -0.7f) : chance(r, 76 + 64 * i, -2.4f, -1.9f)};
        switch (o[i]) {
        case MUG:
            ss_clay_mug(m, p, chance(r, 77 + 64 * i, 0.95f, 1.1f),
                        oklch(0.70f, 0.12f, 360 * chance(r, 95 + 64 * i, 0, 1)));
            break;
        case FRUIT:
            ss_clay_fruit(m, p, chance(r, 78 + 64 * i, 0.26f, 0.34f),
                          i & 1 ? oklch(0.60f, 0.20f, 27) : oklch(0.74f, 0.165f, 58));
            break;
        case CARTON:
            ss_clay_carton(m, p, chance(r, 79 + 64 * i, 1.0f, 1.15f), oklch(0.62f, 0.13f, 250));
            break;
        case APPLE:
            ss_clay_fruit(m, p, 0.32f, oklch(0.72f, 0.17f, 130));
            break;
        }
    }
}

/* A room of paper in one colour. */
static void studio(maker *m, env *e, uint64_t r, float hue, float light, float chroma) {
    e->ground = PAPER;
    e->g[0] = oklch(light, chroma, hue);
    e->zenith = oklch(light - 0.02f, chroma, hue), e->horizon = oklch(light + 0.05f, 0.85f * chroma, hue);
    e->key = (vec){1.36f, 1.30f, 1.20f}, e->fill = (vec){0.50f, 0.50f, 0.52f}, e->dim = (vec){1, 1, 1};
    e->haze = e->horizon, e->haze_from = 7.5f, e->haze_per = 0.30f;
    e->sun_r = e->stars = e->lit = 0;
    vec tone = oklch(light - 0.10f, chroma * 1.05f, hue + 8), pale = oklch(light + 0.07f, chroma * 0.6f, hue - 8);
    float s = choice(r, 0, 2) ? 1 : -1;
    if (choice(r, 1, 3)) { /* geometry in the paper's own tones */
        new_object(m, 0);
        ball(m, world, (vec){s * chance(r, 2, 1.25f, 1.6f), 0.34f, chance(r, 3, -1.6f, -0.9f)}, 0.34f, plain(pale));
        new_object(m, 0);
        frame f = put(turn_y(world, chance(r, 4, 10, 50)), (vec){-s * chance(r, 6, 1.5f, 1.9f), 0.5f, -2.0f});
        box(m, f, zero, (vec){0.42f, chance(r, 5, 0.5f, 0.9f), 0.42f}, 0.04f, plain(tone));
        new_object(m, 0);
        cone(m, world, (vec){s * 1.95f, 0.1f, -2.4f}, (vec){s * 1.95f, chance(r, 7, 1.5f, 2.1f), -2.4f}, 0.5f, 0.03f,
             plain(tone));
    } else { /* a paper sun */
        new_object(m, 0);
        frame f = put(turn_x(world, 90), (vec){s * chance(r, 9, 0.3f, 0.7f), 1.35f, -3.0f});
        disc(m, f, zero, chance(r, 8, 1.0f, 1.3f), 0.06f, 0.05f, plain(tone));
    }
}

void ss_clay_blue_studio(maker *m, env *e, const ss_clay_scene *s) {
    studio(m, e, s->place_seed, chance(s->place_seed, 80, 238, 252), 0.74f, 0.10f);
}

void ss_clay_pink_studio(maker *m, env *e, const ss_clay_scene *s) {
    studio(m, e, s->place_seed, chance(s->place_seed, 81, 355, 368), 0.82f, 0.085f);
}

void ss_clay_yellow_studio(maker *m, env *e, const ss_clay_scene *s) {
    studio(m, e, s->place_seed, chance(s->place_seed, 82, 86, 94), 0.87f, 0.125f);
}
