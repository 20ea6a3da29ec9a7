/* The UNet of Stable Diffusion 1.x and 2.x. */
#ifndef SS_UNET_H
#define SS_UNET_H

#include "model/deep.h"
#include "model/layers.h"

typedef struct ss_unet {
    ss_params params;
    int groups;   /* of every group norm; 32 in the real models */
    int heads[4]; /* per level, finest first; 8, 8, 8, 8 in SD 1.x and 5, 10, 20, 20 in SD 2.x */
} ss_unet;

enum { SS_UNET_LAYERS = 16 };

/* Channels of a level's attention, finest first. */
int64_t ss_unet_width(const ss_unet *net, int level);

/* As ss_unet_run, with `deep` used and refreshed; NULL: a whole pass. */
ss_tensor *ss_unet_run_reusing(ss_ctx *cx, const ss_unet *net, ss_tensor *x, const float *t, ss_tensor *text, int step,
                               ss_deep *deep);

/* The model's prediction [n, 4, h, w] in float32 for x [n, c, h, w] float32 at timesteps t[n] with text [n, len, d].
 * `step` is the denoising step that controllers hear of. Any h and w of at least 1 work.
 *
 * With twice as many texts as rows of x, x is drawn with text i and with text n + i: the result is [2 n, 4, h, w], and
 * what comes before the first text is computed once. Controllers then see only half the batch in the first layer's
 * self-attention. */
ss_tensor *ss_unet_run(ss_ctx *cx, const ss_unet *net, ss_tensor *x, const float *t, ss_tensor *text, int step);

#endif
