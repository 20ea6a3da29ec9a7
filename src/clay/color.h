/* Colours of the clay world: linear sRGB, mostly named by lightness, chroma and hue. */
#ifndef SS_CLAY_COLOR_H
#define SS_CLAY_COLOR_H

#include "clay/vec.h"

/* Equal steps of lightness and chroma look equal (Ottosson's Oklab in polar form; hue in degrees). What falls outside
 * the gamut is muted until it fits. */
vec ss_clay_oklch(float light, float chroma, float hue);
static inline vec oklch(float light, float chroma, float hue) { return ss_clay_oklch(light, chroma, hue); }

/* (lightness, chroma, hue) of a named colour; hue, chroma and light in [0, 1] move within what the name allows. */
vec ss_clay_named_color(int color, float hue, float chroma, float light);

/* Where the name's middle is. */
vec ss_clay_color_middle(int color);

#endif
