/* An identity turned into colours, and into measures by its genes. */
#ifndef SS_CLAY_LOOK_H
#define SS_CLAY_LOOK_H

#include "clay/knead.h"

typedef struct look {
    const ss_clay_identity *id;
    material main, second, third, dark, white, blush;
    material gear, gear2; /* accessory and its trimming */
} look;

void ss_clay_look(look *l, const ss_clay_identity *id);

static inline float gene(const look *l, int g, float lo, float hi) { return lerp(lo, hi, l->id->gene[g]); }
static inline bool has(const look *l, int g, float above) { return l->id->gene[g] > above; }

static inline material with(material m, float marking, int part) { return (m.marking = marking, m.part = part, m); }
static inline material tinted(material m, vec rgb) { return (m.rgb = rgb, m); }

/* From (lightness, chroma, hue), kept off the ends where shading would vanish. */
vec ss_clay_lch(vec c);

#endif
