/* A figure: one individual doing something. It is made twice, at rest and posed, by the same calls in the same order,
 * so that each lump knows how to carry a posed point back to the resting body. Markings are functions of the resting
 * body and stick to the skin.
 */
#ifndef SS_CLAY_FIGURE_H
#define SS_CLAY_FIGURE_H

#include "clay/body.h"
#include "clay/knead.h"

/* Standing at the origin, feet on the ground or above it. m is zero before. */
void ss_clay_figure(maker *m, body *b, const ss_clay_identity *id, int action, const float *sway, float glance);

/* Into the world: scaled by s and turned by yaw degrees. `rest` is the same figure made at rest. */
void ss_clay_figure_place(maker *m, const maker *rest, float s, float yaw);

/* SS_CLAY_KEYPOINTS points of the figure as it was made. */
void ss_clay_figure_keypoints(const body *b, vec *k);

#endif
