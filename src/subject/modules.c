/* All layers of SD 1.x and 2.x, spelled out from the structure that they share. */
#include "subject/modules.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_LAYERS = 24, ROOM = 2048 };

static const char *const resnet[] = {"conv1", "conv2", "conv_shortcut", "time_emb_proj", NULL};
static const char *const transformer[] = {"proj_in",
                                          "proj_out",
                                          "transformer_blocks.0.attn1.to_q",
                                          "transformer_blocks.0.attn1.to_k",
                                          "transformer_blocks.0.attn1.to_v",
                                          "transformer_blocks.0.attn1.to_out.0",
                                          "transformer_blocks.0.attn2.to_q",
                                          "transformer_blocks.0.attn2.to_k",
                                          "transformer_blocks.0.attn2.to_v",
                                          "transformer_blocks.0.attn2.to_out.0",
                                          "transformer_blocks.0.ff.net.0.proj",
                                          "transformer_blocks.0.ff.net.2",
                                          NULL};
static const char *const sampler[] = {"conv", NULL};
static const char *const ends[] = {"conv_in", "conv_out", "time_embedding.linear_1", "time_embedding.linear_2", NULL};
static const char *const text_layer[] = {
    "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.out_proj", "mlp.fc1", "mlp.fc2", NULL};

void ss_module_key(char key[SS_NAME], ss_part part, const char *path) {
    snprintf(key, SS_NAME, "%s%.*s", part == SS_PART_UNET ? "lora_unet_" : "lora_te_", SS_NAME - 16, path);
    for (char *p = key; *p; p++)
        if (*p == '.') *p = '_';
}

static ss_status add_key(ss_modules *m, ss_ctx *cx, const char *key, ss_part part, const char *path) {
    const char *copy = ss_pool_text(&m->pool, cx, key, strlen(key));
    if (copy && m->count < ROOM) m->at[m->count++] = (ss_module){copy, part, path};
    return cx->status;
}

/* Some programs spell the UNet's layers as the original checkpoint does. */
static ss_status add_single(ss_modules *m, ss_ctx *cx, const ss_module *of) {
    char name[SS_NAME], single[SS_NAME], key[SS_NAME];
    static const char head[] = "model.diffusion_model.", tail[] = ".weight";
    snprintf(name, sizeof name, "%s%s", of->path, tail);
    if (!ss_single_key(single, SS_PART_UNET, name, false)) return SS_OK;
    single[strlen(single) - strlen(tail)] = 0;
    ss_module_key(key, SS_PART_UNET, single + strlen(head));
    return strcmp(key, of->key) ? add_key(m, cx, key, SS_PART_UNET, of->path) : SS_OK;
}

/* The layers of a block, whose place the format prints. */
static ss_status add(ss_modules *m, ss_ctx *cx, ss_part part, const char *const *layers, const char *format, ...)
    SS_PRINTF(5, 6);
static ss_status add(ss_modules *m, ss_ctx *cx, ss_part part, const char *const *layers, const char *format, ...) {
    char place[SS_NAME / 2], path[SS_NAME], key[SS_NAME];
    va_list args;
    va_start(args, format);
    vsnprintf(place, sizeof place, format, args);
    va_end(args);
    for (int i = 0; layers[i] && !cx->status; i++) {
        snprintf(path, sizeof path, "%s%s", place, layers[i]);
        ss_module_key(key, part, path);
        const char *kept = ss_pool_text(&m->pool, cx, path, strlen(path));
        if (kept && !add_key(m, cx, key, part, kept) && part == SS_PART_UNET)
            add_single(m, cx, &(ss_module){key, part, kept});
    }
    return cx->status;
}

static int by_key(const void *a, const void *b) {
    return strcmp(((const ss_module *)a)->key, ((const ss_module *)b)->key);
}

ss_status ss_modules_list(ss_modules *out, ss_ctx *cx) {
    ss_modules m = {.at = ss_alloc(cx, ROOM, sizeof *m.at)};
    if (!m.at) return SS_ERR_NOMEM;
    add(&m, cx, SS_PART_UNET, ends, "%s", "");
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 2; j++) add(&m, cx, SS_PART_UNET, resnet, "down_blocks.%d.resnets.%d.", i, j);
        for (int j = 0; j < 2 && i < 3; j++)
            add(&m, cx, SS_PART_UNET, transformer, "down_blocks.%d.attentions.%d.", i, j);
        if (i < 3) add(&m, cx, SS_PART_UNET, sampler, "down_blocks.%d.downsamplers.0.", i);
        for (int j = 0; j < 3; j++) add(&m, cx, SS_PART_UNET, resnet, "up_blocks.%d.resnets.%d.", i, j);
        for (int j = 0; j < 3 && i > 0; j++)
            add(&m, cx, SS_PART_UNET, transformer, "up_blocks.%d.attentions.%d.", i, j);
        if (i < 3) add(&m, cx, SS_PART_UNET, sampler, "up_blocks.%d.upsamplers.0.", i);
    }
    for (int j = 0; j < 2; j++) add(&m, cx, SS_PART_UNET, resnet, "mid_block.resnets.%d.", j);
    add(&m, cx, SS_PART_UNET, transformer, "mid_block.attentions.0.");
    for (int i = 0; i < TEXT_LAYERS; i++) add(&m, cx, SS_PART_TEXT, text_layer, "text_model.encoder.layers.%d.", i);
    if (cx->status) {
        ss_modules_free(&m);
        return cx->status;
    }
    qsort(m.at, (size_t)m.count, sizeof *m.at, by_key);
    *out = m;
    return SS_OK;
}

void ss_modules_free(ss_modules *m) {
    free(m->at);
    ss_pool_free(&m->pool);
    *m = (ss_modules){0};
}

const ss_module *ss_module_find(const ss_modules *m, const char *key) {
    return bsearch(&(ss_module){.key = key}, m->at, (size_t)m->count, sizeof *m->at, by_key);
}
