/* One spelling for every layout: the names of today's diffusers folders.
 *
 * Knows the CompVis/LDM single-file names, OpenCLIP's text encoder, and the older diffusers names. A model's definition
 * never asks which layout a file had.
 */
#ifndef SS_RENAME_H
#define SS_RENAME_H

#include <stdbool.h>

typedef enum ss_part {
    SS_PART_NONE, /* not known: left over */
    SS_PART_UNET,
    SS_PART_VAE,
    SS_PART_TEXT,
    SS_PART_IGNORED, /* buffers that can be derived, training state, averaged copies */
    SS_PARTS
} ss_part;

enum { SS_NAME = 256 };

/* What the tensor `key` of a single file is; name gets its diffusers name within that part. OpenCLIP's fused
 * in_proj_weight and in_proj_bias come out as "...self_attn.in_proj.weight", to be split in three by the caller. */
ss_part ss_rename_single(char name[SS_NAME], const char *key);

/* The name within its part of a tensor of a diffusers component, older spellings included. */
ss_part ss_rename_component(char name[SS_NAME], ss_part part, const char *key);

/* The other way: the key in a single file of a tensor that ss_rename_single calls `name`. SD 2.x has OpenCLIP's text
 * encoder, whose three projections (self_attn.q_proj and so on) come out as the key that they share. False if there is
 * none. */
bool ss_single_key(char key[SS_NAME], ss_part part, const char *name, bool open_clip);

/* The key under which a single file keeps the averaged copy of a UNet tensor. */
void ss_ema_key(char name[SS_NAME], const char *key);

#endif
