/* Light, clouds and where things hang in the picture. */
#include "clay/env.h"

float ss_clay_horizon(const env *e) { return ss_clay_tan(-e->dip - ss_clay_asin(e->ahead.y)) / e->half; }

vec ss_clay_hang(const env *e, float x, float y, float depth) {
    return add(e->eye, mul(add(e->ahead, add(mul(e->right, x * e->half), mul(e->up, y * e->half))), depth));
}

void ss_clay_cloud(maker *m, const env *e, float x, float h, float s) {
    float low = ss_clay_horizon(e);
    vec o = ss_clay_hang(e, x, low + (1 - low) * h, 21);
    vec night = {0.4f, 0.45f, 0.7f}, day = {1, 1, 1};
    material w = {.rgb = e->lit > 0 ? mix(e->horizon, night, 0.3f) : mix(e->horizon, day, 0.55f), .glow = 0.45f};
    new_object(m, 0.25f * s);
    ball(m, world, o, 0.42f * s, w);
    ball(m, world, add(o, (vec){0.50f * s, -0.08f * s, 0}), 0.32f * s, w);
    ball(m, world, add(o, (vec){-0.48f * s, -0.10f * s, 0}), 0.30f * s, w);
}

void ss_clay_hour(env *e, int time, float azimuth) {
    float a = rad(azimuth);
    switch (time) {
    case DAY:
        e->zenith = oklch(0.70f, 0.115f, 245), e->horizon = oklch(0.90f, 0.045f, 225);
        e->key_dir = unit((vec){ss_clay_sin(a) * 0.75f, 1.05f, ss_clay_cos(a) * 0.75f});
        e->key = (vec){1.42f, 1.32f, 1.14f}, e->fill = (vec){0.40f, 0.48f, 0.60f}, e->dim = (vec){1, 1, 1};
        e->sun = (vec){0, 0, 1};
        break;
    case SUNSET:
        e->zenith = oklch(0.52f, 0.12f, 300), e->horizon = oklch(0.82f, 0.135f, 58);
        e->key_dir = unit((vec){ss_clay_sin(a) * 1.15f, 0.62f, ss_clay_cos(a) * 0.8f});
        e->key = (vec){1.62f, 1.02f, 0.60f}, e->fill = (vec){0.44f, 0.35f, 0.50f}, e->dim = (vec){0.94f, 0.80f, 0.76f};
        e->sun = (vec){a > 0 ? -0.13f : 0.13f, 0.022f, -1}, e->sun_rgb = (vec){1.6f, 0.80f, 0.34f}, e->sun_r = 0.050f;
        e->lit = 0.25f;
        break;
    default:
        e->zenith = oklch(0.20f, 0.075f, 275), e->horizon = oklch(0.38f, 0.095f, 270);
        e->key_dir = unit((vec){ss_clay_sin(a) * 0.8f, 1.0f, ss_clay_cos(a) * 0.7f});
        e->key = (vec){0.98f, 1.02f, 1.14f}, e->fill = (vec){0.19f, 0.24f, 0.42f}, e->dim = (vec){0.27f, 0.34f, 0.60f};
        e->sun = (vec){a > 0 ? -0.14f : 0.14f, 0.10f, -1}, e->sun_rgb = (vec){1.05f, 1.0f, 0.80f}, e->sun_r = 0.030f;
        e->stars = 0.55f, e->lit = 1;
        break;
    }
    e->haze = e->horizon;
    e->haze_from = 9, e->haze_per = 0.045f;
    e->window = (vec){1.25f, 0.86f, 0.42f};
}
