/* Colours of an individual. */
#include "clay/look.h"

vec ss_clay_lch(vec c) { return ss_clay_oklch(clamp(c.x, 0.12f, 0.965f), most(c.y, 0), c.z); }

/* Belly, muzzle, inner ears: cream, a lighter or a darker tone of the main colour, or one across the wheel. */
static vec second_color(const float *g, vec main) {
    float s = g[GENE_SECOND] * 4, spin = g[GENE_SECOND_HUE], light = g[GENE_SECOND_LIGHT];
    bool pale = main.x > 0.9f;
    if (s < 1.4f)
        return pale ? (vec){0.80f, 0.06f, 40 + 50 * spin} : (vec){0.925f, 0.035f + 0.03f * light, 70 + 25 * spin};
    if (s < 2.6f)
        return (vec){pale ? main.x - 0.17f : least(0.94f, main.x + 0.20f + 0.08f * light), main.y * 0.5f, main.z};
    if (s < 3.1f) return (vec){main.x + (main.x > 0.5f ? -0.17f : 0.22f), main.y * 0.9f, main.z + 20 * (spin - 0.5f)};
    return (vec){0.70f + 0.16f * light, main.y < 0.03f ? 0.10f : 0.11f,
                 main.z + (spin < 0.5f ? -1 : 1) * (50 + 90 * spin)};
}

/* Markings, socks, ear tips: a tone far from the main one, brown or cream, or another hue. */
static vec third_color(const float *g, vec main) {
    float t = g[GENE_THIRD] * 3, light = g[GENE_THIRD_LIGHT];
    float away = main.x > 0.60f ? -(0.24f + 0.10f * light) : 0.26f + 0.10f * light;
    bool pale = main.x > 0.9f, neutral = main.y < 0.03f;
    if (t < 1.3f)
        return (vec){main.x + away, most(main.y * 0.8f, pale || neutral ? 0.05f : 0), main.z + 30 * (light - 0.5f)};
    if (t < 2.2f) return main.x > 0.60f ? (vec){0.34f + 0.06f * light, 0.04f, 45} : (vec){0.93f, 0.03f, 85};
    return (vec){main.x + away * 0.8f, 0.13f, main.z + 100 + 160 * light};
}

void ss_clay_look(look *l, const ss_clay_identity *id) {
    const float *g = id->gene, dull = 0.22f, cloth = 0.35f;
    vec main = ss_clay_named_color(id->color, g[GENE_HUE], g[GENE_CHROMA], g[GENE_LIGHT]);
    vec gear = ss_clay_named_color(id->accessory_color, g[GENE_GEAR], 0.7f, 0.5f);
    vec trim = {gear.x + (gear.x > 0.6f ? -0.22f : 0.26f), gear.y * 0.7f, gear.z};
    *l = (look){
        .id = id,
        .main = {.rgb = ss_clay_lch(main), .gloss = dull, .marking = 1, .part = ON_SKIN},
        .second = {.rgb = ss_clay_lch(second_color(g, main)), .gloss = dull, .part = ON_FACE},
        .third = {.rgb = ss_clay_lch(third_color(g, main)), .gloss = dull, .part = ON_FACE},
        .dark = {.rgb = {0.012f, 0.010f, 0.012f}, .gloss = 1, .texture = TEXTURE_EYE},
        .white = {.rgb = {0.86f, 0.84f, 0.80f}, .gloss = 0.5f},
        .blush = {.rgb = ss_clay_oklch(0.74f, 0.13f, 15), .gloss = dull},
        .gear = {.rgb = ss_clay_lch(gear), .gloss = cloth},
        .gear2 = {.rgb = ss_clay_lch(trim), .gloss = cloth},
    };
}
