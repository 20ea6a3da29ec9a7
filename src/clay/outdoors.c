/* Places under the sky, beyond the town. */
#include "clay/place.h"

#include "clay/props.h"

void ss_clay_meadow(maker *m, env *e, const ss_clay_scene *s) {
    uint64_t r = s->place_seed;
    float flip = mirror(r);
    e->ground = GRASS;
    e->g[0] = oklch(0.76f, 0.155f, chance(r, 11, 128, 138));
    e->g[1] = oklch(0.70f, 0.155f, 136);
    e->g[2] = oklch(0.96f, 0.02f, 95);
    e->g[3] = oklch(0.80f, 0.13f, chance(r, 12, 0, 110));
    vec far = oklch(0.72f, 0.13f, 140);
    ss_clay_hill(m, -5 * flip, -15, 7, 1.6f, far);
    ss_clay_hill(m, 5.5f * flip, -19, 8, 2.2f, oklch(0.70f, 0.11f, 150));
    ss_clay_hill(m, 1.5f * flip, -22, 6, 2.0f, oklch(0.74f, 0.10f, 155));
    ss_clay_round_tree(m, (vec){flip * chance(r, 13, 1.9f, 2.5f), 0, chance(r, 14, -5, -3.8f)},
                       chance(r, 15, 1.0f, 1.3f), oklch(0.62f, 0.145f, 142));
    if (choice(r, 16, 2))
        ss_clay_round_tree(m, (vec){-flip * chance(r, 17, 2.6f, 3.4f), 0, -8}, chance(r, 18, 0.9f, 1.2f),
                           oklch(0.66f, 0.14f, 135));
    for (int i = 0; i < 4; i++)
        ss_clay_flower(
            m, (vec){(i & 1 ? 1 : -1) * chance(r, 19 + 64 * i, 0.95f, 1.7f), 0, chance(r, 20 + 64 * i, -0.9f, 0.9f)},
            chance(r, 21 + 64 * i, 0.8f, 1.1f), oklch(0.86f, 0.10f, chance(r, 22 + 64 * i, -30, 100)));
    ss_clay_cloud(m, e, -flip * chance(r, 23, 0.4f, 0.75f), chance(r, 24, 0.45f, 0.75f), 1.5f);
    ss_clay_cloud(m, e, flip * chance(r, 25, 0.2f, 0.8f), chance(r, 26, 0.7f, 0.95f), 1.2f);
}

void ss_clay_beach(maker *m, env *e, const ss_clay_scene *s) {
    uint64_t r = s->place_seed;
    float flip = mirror(r);
    e->ground = SAND;
    e->g[0] = oklch(0.885f, 0.065f, 82);
    e->g[1] = oklch(0.80f, 0.070f, 75);
    e->g[2] = oklch(0.70f, 0.105f, 215);
    e->g[3] = oklch(0.60f, 0.125f, 240);
    e->haze_per = 0.012f;
    ss_clay_palm(m, (vec){flip * chance(r, 27, 1.75f, 2.1f), 0, chance(r, 28, -3.2f, -2.2f)},
                 chance(r, 29, 1.0f, 1.15f), -flip);
    if (choice(r, 30, 2))
        ss_clay_parasol(m, (vec){-flip * 1.75f, 0, -1.9f}, 1.15f, oklch(0.68f, 0.18f, 25), oklch(0.95f, 0.02f, 90));
    else
        ss_clay_beach_ball(m, (vec){-flip * chance(r, 31, 1.15f, 1.5f), 0.30f, chance(r, 32, -1.0f, 0.3f)}, 0.30f);
    ss_clay_starfish(m, (vec){flip * 1.2f, 0.02f, 0.65f});
    ss_clay_cloud(m, e, -flip * chance(r, 33, 0.2f, 0.7f), chance(r, 34, 0.55f, 0.85f), 1.4f);
}

void ss_clay_snow(maker *m, env *e, const ss_clay_scene *s) {
    uint64_t r = s->place_seed;
    float flip = mirror(r);
    e->ground = SNOWFIELD;
    e->g[0] = oklch(0.955f, 0.012f, 230);
    e->g[1] = oklch(0.90f, 0.03f, 245);
    e->speck = oklch(0.84f, 0.045f, 245);
    if (s->time == DAY)
        e->zenith = oklch(0.76f, 0.07f, 240), e->horizon = oklch(0.91f, 0.025f, 235), e->haze = e->horizon;
    if (s->time == NIGHT) e->dim = (vec){0.36f, 0.44f, 0.70f};
    ss_clay_hill(m, -4 * flip, -14, 6, 1.3f, e->g[0]);
    ss_clay_hill(m, 6 * flip, -17, 7, 2.0f, e->g[1]);
    for (int i = 0; i < 5; i++)
        ss_clay_pine(
            m,
            (vec){(i & 1 ? flip : -flip) * chance(r, 35 + 64 * i, 1.7f + 0.3f * (float)i, 2.2f + 0.4f * (float)i), 0,
                  -3.0f - 1.5f * (float)i},
            chance(r, 36 + 64 * i, 1.0f, 1.35f), oklch(0.52f, 0.085f, 160), true);
    for (int i = 0; i < 3; i++) { /* drifts */
        ss_clay_mound(m,
                      (vec){(i & 1 ? flip : -flip) * chance(r, 37 + 64 * i, 1.2f, 2.0f), -0.05f,
                            chance(r, 38 + 64 * i, -1.6f, 0.4f)},
                      (vec){0.55f, 0.20f, 0.40f}, e->g[0]);
    }
}

void ss_clay_desert(maker *m, env *e, const ss_clay_scene *s) {
    uint64_t r = s->place_seed;
    float flip = mirror(r);
    e->ground = DUNES;
    e->g[0] = oklch(0.80f, 0.115f, 66);
    e->g[1] = oklch(0.74f, 0.125f, 58);
    if (s->time == DAY)
        e->zenith = oklch(0.74f, 0.10f, 230), e->horizon = oklch(0.92f, 0.06f, 85), e->haze = e->horizon;
    ss_clay_hill(m, -3.5f * flip, -12, 6.5f, 1.3f, oklch(0.77f, 0.12f, 62));
    ss_clay_hill(m, 5 * flip, -15, 6, 1.5f, oklch(0.75f, 0.12f, 60));
    vec rock = oklch(0.58f, 0.125f, 42);
    for (int i = 0; i < 2; i++) { /* mesas */
        float x = (i ? -1 : 1) * flip * chance(r, 39 + 64 * i, 3.0f, 4.6f), z = -17 - 2 * (float)i;
        new_object(m, 0.15f);
        disc(m, world, (vec){x, 1.2f, z}, 1.3f, 1.8f, 0.25f, plain(rock));
        disc(m, world, (vec){x, 0.6f, z}, 1.8f, 1.2f, 0.3f, plain(mul(rock, 0.92f)));
    }
    ss_clay_cactus(m, (vec){flip * chance(r, 40, 1.5f, 1.9f), 0, chance(r, 41, -2.6f, -1.6f)},
                   chance(r, 42, 1.05f, 1.25f));
    ss_clay_cactus(m, (vec){-flip * chance(r, 43, 2.0f, 2.7f), 0, -5.0f}, chance(r, 44, 0.9f, 1.2f));
    for (int i = 0; i < 2; i++) {
        ss_clay_mound(m, (vec){-flip * chance(r, 45 + 64 * i, 1.0f, 1.7f), 0.02f, chance(r, 46 + 64 * i, -0.8f, 0.9f)},
                      (vec){0.20f, 0.13f, 0.16f}, mul(rock, 1.05f));
    }
}

void ss_clay_forest(maker *m, env *e, const ss_clay_scene *s) {
    uint64_t r = s->place_seed;
    float flip = mirror(r);
    e->ground = MOSS;
    e->g[0] = oklch(0.56f, 0.095f, 135);
    e->g[1] = oklch(0.47f, 0.075f, 125);
    e->g[2] = oklch(0.52f, 0.06f, 70);
    if (s->time == DAY) e->zenith = oklch(0.62f, 0.09f, 155), e->horizon = oklch(0.84f, 0.085f, 130);
    if (s->time == DAY) e->dim = (vec){0.92f, 0.95f, 0.88f};
    e->haze = e->horizon, e->haze_from = 9.5f, e->haze_per = 0.085f;
    for (int i = 0; i < 11; i++) {
        float z = -2.4f - 0.95f * (float)i, w = 1.55f - 0.11f * z;
        float x = (i & 1 ? flip : -flip) * chance(r, 47 + 64 * i, i < 5 ? w : 0.1f * w, i < 5 ? w + 0.6f : w);
        if (i % 3 == 1)
            ss_clay_round_tree(m, (vec){x, 0, z}, chance(r, 48 + 64 * i, 1.4f, 1.8f), oklch(0.52f, 0.115f, 140));
        else
            ss_clay_pine(m, (vec){x, 0, z}, chance(r, 49 + 64 * i, 1.5f, 2.0f),
                         oklch(chance(r, 50 + 64 * i, 0.45f, 0.52f), 0.10f, 152), false);
    }
    for (int i = 0; i < 3; i++)
        ss_clay_mushroom(
            m,
            (vec){(i & 1 ? -flip : flip) * chance(r, 51 + 64 * i, 1.0f, 1.6f), 0, chance(r, 52 + 64 * i, -0.9f, 0.7f)},
            chance(r, 53 + 64 * i, 1.0f, 1.4f), oklch(0.58f, 0.19f, 27));
}

void ss_clay_autumn_park(maker *m, env *e, const ss_clay_scene *s) {
    uint64_t r = s->place_seed;
    float flip = mirror(r);
    e->ground = LEAVES;
    e->g[0] = oklch(0.70f, 0.085f, 95);
    e->g[1] = oklch(0.64f, 0.095f, 85);
    e->g[2] = oklch(0.66f, 0.165f, 48);
    e->g[3] = oklch(0.58f, 0.17f, 32);
    e->speck = oklch(0.80f, 0.145f, 82);
    if (s->time == DAY)
        e->zenith = oklch(0.78f, 0.07f, 225), e->horizon = oklch(0.93f, 0.04f, 90), e->haze = e->horizon;
    static const vec tones[4] = {{0.68f, 0.165f, 52}, {0.60f, 0.175f, 35}, {0.78f, 0.15f, 78}, {0.52f, 0.15f, 28}};
    for (int i = 0; i < 6; i++) {
        vec t = tones[choice(r, 83 + 64 * i, 4)];
        float z = i < 2 ? chance(r, 84 + 64 * i, -4.4f, -3.2f) : -5.5f - 1.8f * (float)(i - 2);
        ss_clay_round_tree(
            m, (vec){(i & 1 ? flip : -flip) * chance(r, 85 + 64 * i, 1.9f - 0.05f * z, 2.4f - 0.10f * z), 0, z},
            chance(r, 86 + 64 * i, 1.1f, 1.45f), oklch(t.x, t.y, t.z));
    }
    for (int i = 0; i < 7; i++) { /* leaves still falling */
        vec t = tones[choice(r, 87 + 64 * i, 4)];
        new_object(m, 0);
        frame f = turn_z(turn_x(world, chance(r, 88 + 64 * i, 20, 80)), chance(r, 89 + 64 * i, 0, 90));
        f.o = ss_clay_hang(e, chance(r, 90 + 64 * i, -0.95f, 0.95f), chance(r, 91 + 64 * i, 0.1f, 0.95f),
                           chance(r, 92 + 64 * i, 9.5f, 11));
        leaf(m, f, zero, (vec){0, 0.09f, 0}, 0.075f, 0.03f, 0.35f, plain_lch(t.x + 0.04f, t.y, t.z));
    }
    if (choice(r, 93, 2))
        ss_clay_bench(m, (vec){flip * 1.75f, 0, -2.0f}, -flip * 28);
    else
        ss_clay_lamp_post(m, e, (vec){flip * 1.6f, 0, -1.9f}, 1.1f);
}

void ss_clay_night_sky(maker *m, env *e, const ss_clay_scene *s) {
    uint64_t r = s->place_seed;
    float flip = mirror(r);
    ss_clay_hour(e, NIGHT, s->light);
    e->ground = HILLTOP;
    e->g[0] = oklch(0.46f, 0.085f, 285);
    e->g[1] = oklch(0.42f, 0.09f, 295);
    e->speck = oklch(0.62f, 0.08f, 280);
    e->dim = (vec){0.62f, 0.62f, 0.80f};
    e->zenith = oklch(0.19f, 0.09f, 285), e->horizon = oklch(0.42f, 0.14f, 305), e->haze = e->horizon;
    e->stars = 1, e->sun_r = 0;
    new_object(m, 0);
    float low = ss_clay_horizon(e);
    vec o = ss_clay_hang(e, flip * chance(r, 66, 0.5f, 0.68f), low + (1 - low) * chance(r, 67, 0.55f, 0.7f), 24);
    material moon = {.rgb = oklch(0.93f, 0.075f, 95), .glow = 0.75f, .part = ON_MOON};
    ball(m, world, o, 1.15f, moon);
    static const vec craters[3][2] = {{{-0.35f, 0.3f, 1.0f}, {0.30f, 0.28f, 0.5f}},
                                      {{0.30f, -0.35f, 1.0f}, {0.22f, 0.22f, 0.5f}},
                                      {{0.42f, 0.45f, 1.0f}, {0.13f, 0.13f, 0.6f}}};
    for (int i = 0; i < 3; i++)
        ss_clay_paint_blob(m, put(world, o), craters[i][0], craters[i][1], 0.1f, 0.8f, ON_MOON,
                           oklch(0.84f, 0.085f, 88));
    ss_clay_hill(m, 4.5f * flip, -13, 5, 1.1f, oklch(0.42f, 0.09f, 290));
    ss_clay_hill(m, -4 * flip, -16, 6, 1.5f, oklch(0.44f, 0.09f, 300));
    for (int i = 0; i < 3; i++) {
        ss_clay_mound(
            m,
            (vec){(i & 1 ? -flip : flip) * chance(r, 68 + 64 * i, 1.1f, 1.8f), 0, chance(r, 69 + 64 * i, -1.3f, 0.5f)},
            (vec){chance(r, 70 + 64 * i, 0.14f, 0.3f), 0.13f, 0.18f}, oklch(0.50f, 0.07f, 280));
    }
    ss_clay_cloud(m, e, -flip * chance(r, 71, 0.4f, 0.8f), chance(r, 72, 0.35f, 0.8f), 1.3f);
}
