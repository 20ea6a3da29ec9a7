/* When and where attention is controlled: steps and layers, from what people write. */
#ifndef SS_RANGE_H
#define SS_RANGE_H

#include "base/base.h"

enum { SS_LAYERS = 16 };

/* active[i] for steps i < total. The list wins; else the range's first and last step, its stride, and the study's
 * last-digit rule (spec of the step and layer study: step % 10 >= k). */
ss_status ss_steps_select(bool *active, ss_ctx *cx, const ss_control_range *r, int total);

/* active[SS_LAYERS] from "10-15", "7,8,12", "10-", "decoder", "encoder", "mid", "all", the study's sets "Encoder" (0-7)
 * and "Decoder" (10-15), or a resolution "32x32" of latent pixels where the latent is h x w. NULL: "10-". Parts are
 * joined with commas. Unknown names fail with the nearest one. */
ss_status ss_layers_select(bool active[SS_LAYERS], ss_ctx *cx, const char *layers, int64_t h, int64_t w);

/* Halvings between the latent and the grid of a layer: 0 for 64x64 of 64x64, 3 in the middle. */
int ss_layer_level(int layer);

#endif
