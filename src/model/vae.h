/* The autoencoder of Stable Diffusion (AutoencoderKL): pictures to latents an eighth of the size, and back. */
#ifndef SS_VAE_H
#define SS_VAE_H

#include "model/layers.h"

typedef struct ss_vae {
    ss_params params;
    int groups;    /* of every group norm; 32 in the real models */
    float scaling; /* the UNet was trained on latents times this; 0.18215 */
} ss_vae;

/* x is [n, 3, h, w] in -1 .. 1, h and w multiples of 8, and its type is what all is computed in. The moments are [n, 8,
 * h/8, w/8] float32: four channels of mean, four of log variance, neither clamped nor scaled. */
ss_tensor *ss_vae_encode(ss_ctx *cx, const ss_vae *vae, ss_tensor *x);

/* z is [n, 4, h, w], already divided by the scaling. The picture is [n, 3, 8h, 8w] float32, not clamped. */
ss_tensor *ss_vae_decode(ss_ctx *cx, const ss_vae *vae, ss_tensor *z);

#endif
