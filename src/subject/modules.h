/* The layers of a Stable Diffusion model that a LoRA may change, by all the names that LoRA files have for them. */
#ifndef SS_MODULES_H
#define SS_MODULES_H

#include "io/pool.h"
#include "model/rename.h"

/* "lora_unet_down_blocks_0_attentions_0_proj_in" stands for the layer of that path with every '.' an underscore, which
 * only a list of all layers can tell from others. */
typedef struct ss_module {
    const char *key; /* with underscores, with its prefix */
    ss_part part;
    const char *path; /* in the diffusers layout, without ".weight" */
} ss_module;

typedef struct ss_modules {
    ss_module *at; /* sorted by key */
    int64_t count;
    ss_pool pool;
} ss_modules;

ss_status ss_modules_list(ss_modules *out, ss_ctx *cx); /* of SD 1.x and 2.x */
void ss_modules_free(ss_modules *m);

const ss_module *ss_module_find(const ss_modules *m, const char *key); /* NULL: there is none */

/* The key of a layer. */
void ss_module_key(char key[SS_NAME], ss_part part, const char *path);

#endif
