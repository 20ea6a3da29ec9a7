/* Everything around a figure: camera, light, sky, ground; and the hours that colour them. */
#ifndef SS_CLAY_ENV_H
#define SS_CLAY_ENV_H

#include "clay/knead.h"

typedef enum ground_kind { GRASS, SAND, SNOWFIELD, DUNES, MOSS, STREET, HILLTOP, TABLE, PAPER, LEAVES } ground_kind;

typedef struct env {
    vec eye, right, up, ahead;
    float half;          /* tangent of half the angle of view */
    float radius;        /* the ground is a huge ball, so that its horizon lies where the scene wants it */
    float dip;           /* of the horizon below the eye's level, radians */
    float wall;          /* z of a back wall, or 0 for none */
    vec zenith, horizon; /* of the sky, or the backdrop of a studio */
    vec haze;
    float haze_from, haze_per; /* distance where haze begins, and its share per unit beyond */
    vec sun, sun_rgb;          /* a disc in the sky */
    float sun_r, stars;
    vec key_dir, key, fill, bounce;
    vec dim; /* what the place's own colours are multiplied by; the figure stays lit */
    ground_kind ground;
    vec g[4];   /* ground colours */
    vec speck;  /* flecks on snow and on the hill, the palest of the leaves */
    vec window; /* the glow of windows and lamps */
    vec pane, stripe, plaster;
    float lit; /* 0 by day, 1 at night */
    uint32_t seed;
} env;

/* Sky and light by the hour; azimuth of the key light in degrees. */
void ss_clay_hour(env *e, int time, float azimuth);

/* The height of the horizon in the picture, -1 to 1 from the middle. */
float ss_clay_horizon(const env *e);

/* The point at the given depth that shows at (x, y) of the picture, -1 to 1 from the middle. */
vec ss_clay_hang(const env *e, float x, float y, float depth);

/* A cloud in the sky part of the frame: x across, h up from the horizon, both in fractions of what there is. */
void ss_clay_cloud(maker *m, const env *e, float x, float h, float s);

#endif
