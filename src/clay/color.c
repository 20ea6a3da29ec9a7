/* Oklab's colours, and the palette. */
#include "clay/color.h"

#include "clay/clay.h"

vec ss_clay_oklch(float light, float chroma, float hue) {
    for (;; chroma *= 0.93f) {
        float a = chroma * ss_clay_cos(rad(hue)), b = chroma * ss_clay_sin(rad(hue));
        float l = light + 0.3963377774f * a + 0.2158037573f * b;
        float m = light - 0.1055613458f * a - 0.0638541728f * b;
        float s = light - 0.0894841775f * a - 1.2914855480f * b;
        l = l * l * l, m = m * m * m, s = s * s * s;
        vec c = {4.0767416621f * l - 3.3077115913f * m + 0.2309699292f * s,
                 -1.2684380046f * l + 2.6097574011f * m - 0.3413193965f * s,
                 -0.0041960863f * l - 0.7034186147f * m + 1.7076147010f * s};
        float lo = least(c.x, least(c.y, c.z)), hi = most(c.x, most(c.y, c.z));
        if (chroma < 0.004f || (lo > -0.0005f && hi < 1.0005f))
            return (vec){clamp(c.x, 0, 1), clamp(c.y, 0, 1), clamp(c.z, 0, 1)};
    }
}

/* Middle and spread of each named colour: lightness, chroma, hue. */
static const struct {
    vec mid, spread;
} palette[COLORS] = {
    [RED] = {{0.585f, 0.205f, 26}, {0.035f, 0.02f, 4}},    [ORANGE] = {{0.735f, 0.165f, 56}, {0.025f, 0.015f, 5}},
    [YELLOW] = {{0.865f, 0.160f, 92}, {0.02f, 0.02f, 5}},  [GREEN] = {{0.690f, 0.175f, 143}, {0.05f, 0.025f, 6}},
    [TEAL] = {{0.720f, 0.110f, 190}, {0.04f, 0.015f, 6}},  [BLUE] = {{0.590f, 0.165f, 256}, {0.05f, 0.02f, 6}},
    [PURPLE] = {{0.560f, 0.175f, 300}, {0.05f, 0.02f, 6}}, [PINK] = {{0.785f, 0.130f, 355}, {0.03f, 0.02f, 7}},
    [BROWN] = {{0.480f, 0.080f, 52}, {0.04f, 0.012f, 7}},  [BLACK] = {{0.275f, 0.012f, 280}, {0.03f, 0.008f, 60}},
    [GRAY] = {{0.640f, 0.012f, 255}, {0.05f, 0.008f, 40}}, [WHITE] = {{0.955f, 0.010f, 80}, {0.012f, 0.006f, 40}},
};

vec ss_clay_color_middle(int color) { return palette[color].mid; }

vec ss_clay_named_color(int color, float hue, float chroma, float light) {
    vec m = palette[color].mid, s = palette[color].spread;
    return (vec){m.x + s.x * (2 * light - 1), m.y + s.y * (2 * chroma - 1), m.z + s.z * (2 * hue - 1)};
}
