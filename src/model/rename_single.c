/* From the names of the diffusers layout back to those of single files: the tables of rename.c, read the other way.
 * What comes out, ss_rename_single turns into the name that went in.
 */
#include "model/rename.h"

#include <stdio.h>
#include <string.h>

typedef struct pair {
    const char *ours, *single;
} pair;

static const char *after(const char *name, const char *prefix) {
    size_t n = strlen(prefix);
    return strncmp(name, prefix, n) ? NULL : name + n;
}

/* key = head + single + rest, for the pair that starts the name. */
static bool swap_prefix(char key[SS_NAME], const char *head, const char *name, const pair *table, int count) {
    for (int i = 0; i < count; i++) {
        const char *rest = after(name, table[i].ours);
        if (!rest) continue;
        return snprintf(key, SS_NAME, "%s%s%s", head, table[i].single, rest) < SS_NAME;
    }
    return false;
}

#define SWAP_PREFIX(key, head, name, table) swap_prefix(key, head, name, table, (int)(sizeof(table) / sizeof *(table)))

/* ---- UNet */

static const char unet_prefix[] = "model.diffusion_model.";

static const pair unet_top[] = {
    {"time_embedding.linear_1.", "time_embed.0."},
    {"time_embedding.linear_2.", "time_embed.2."},
    {"conv_in.", "input_blocks.0.0."},
    {"conv_norm_out.", "out.0."},
    {"conv_out.", "out.2."},
    {"mid_block.attentions.0.", "middle_block.1."},
};

static const pair unet_resnet[] = {
    {"norm1.", "in_layers.0."},  {"conv1.", "in_layers.2."},  {"time_emb_proj.", "emb_layers.1."},
    {"norm2.", "out_layers.0."}, {"conv2.", "out_layers.3."}, {"conv_shortcut.", "skip_connection."},
};

static bool unet(char key[SS_NAME], const char *name) {
    char head[64], way[8], what[16];
    int level, j, used = 0;
    if (SWAP_PREFIX(key, unet_prefix, name, unet_top)) return true;
    if (sscanf(name, "mid_block.resnets.%d.%n", &j, &used) == 1 && used) {
        snprintf(head, sizeof head, "%smiddle_block.%d.", unet_prefix, j ? 2 : 0);
        return SWAP_PREFIX(key, head, name + used, unet_resnet);
    }
    if (sscanf(name, "%7[a-z]_blocks.%d.%15[a-z].%d.%n", way, &level, what, &j, &used) != 4 || !used) return false;
    bool up = !strcmp(way, "up");
    const char *rest = name + used, *blocks = up ? "output_blocks" : "input_blocks";
    if (strstr(what, "samplers")) {
        const char *conv = after(rest, "conv.");
        /* Going up, the sampler stands behind the attention, which the coarsest level has not. */
        if (up && conv)
            snprintf(key, SS_NAME, "%s%s.%d.%d.conv.%s", unet_prefix, blocks, 3 * level + 2, level ? 2 : 1, conv);
        else if (conv)
            snprintf(key, SS_NAME, "%s%s.%d.0.op.%s", unet_prefix, blocks, 3 * level + 3, conv);
        return conv;
    }
    bool attention = !strcmp(what, "attentions");
    snprintf(head, sizeof head, "%s%s.%d.%d.", unet_prefix, blocks, 3 * level + j + !up, attention);
    if (attention) return snprintf(key, SS_NAME, "%s%s", head, rest) < SS_NAME;
    return SWAP_PREFIX(key, head, rest, unet_resnet);
}

/* ---- autoencoder */

static const pair vae_middle[] = {
    {"mid_block.resnets.0.", "mid.block_1."},
    {"mid_block.resnets.1.", "mid.block_2."},
    {"mid_block.attentions.0.group_norm.", "mid.attn_1.norm."},
    {"mid_block.attentions.0.to_q.", "mid.attn_1.q."},
    {"mid_block.attentions.0.to_k.", "mid.attn_1.k."},
    {"mid_block.attentions.0.to_v.", "mid.attn_1.v."},
    {"mid_block.attentions.0.to_out.0.", "mid.attn_1.proj_out."},
    {"conv_norm_out.", "norm_out."},
    {"conv_in.", "conv_in."},
    {"conv_out.", "conv_out."},
};

static bool vae(char key[SS_NAME], const char *name) {
    char head[64], way[8], what[16];
    int level, j, used = 0;
    bool decoder = after(name, "decoder.") != NULL;
    const char *rest = after(name, decoder ? "decoder." : "encoder.");
    if (!rest) return snprintf(key, SS_NAME, "first_stage_model.%s", name) < SS_NAME;
    snprintf(head, sizeof head, "first_stage_model.%s.", decoder ? "decoder" : "encoder");
    if (SWAP_PREFIX(key, head, rest, vae_middle)) return true;
    if (sscanf(rest, "%7[a-z]_blocks.%d.%15[a-z].%d.%n", way, &level, what, &j, &used) != 4 || !used) return false;
    const char *conv = after(rest + used, "conv_shortcut.");
    int counted = decoder ? 3 - level : level;
    if (strstr(what, "samplers"))
        snprintf(key, SS_NAME, "%s%s.%d.%ssample.%s", head, way, counted, way, rest + used);
    else if (conv)
        snprintf(key, SS_NAME, "%s%s.%d.block.%d.nin_shortcut.%s", head, way, counted, j, conv);
    else
        snprintf(key, SS_NAME, "%s%s.%d.block.%d.%s", head, way, counted, j, rest + used);
    return true;
}

/* ---- text encoder */

static const pair open_clip_top[] = {
    {"embeddings.token_embedding.", "token_embedding."},
    {"embeddings.position_embedding.weight", "positional_embedding"},
    {"final_layer_norm.", "ln_final."},
};

static const pair open_clip_layer[] = {
    {"layer_norm1.", "ln_1."},
    {"layer_norm2.", "ln_2."},
    {"self_attn.out_proj.", "attn.out_proj."},
    {"self_attn.q_proj.", "attn.in_proj_"},
    {"self_attn.k_proj.", "attn.in_proj_"},
    {"self_attn.v_proj.", "attn.in_proj_"},
    {"mlp.fc1.", "mlp.c_fc."},
    {"mlp.fc2.", "mlp.c_proj."},
};

static bool text(char key[SS_NAME], const char *name, bool open_clip) {
    static const char clip[] = "cond_stage_model.transformer.", open[] = "cond_stage_model.model.";
    char head[64];
    int layer, used = 0;
    if (!open_clip) return snprintf(key, SS_NAME, "%s%s", clip, name) < SS_NAME;
    const char *rest = after(name, "text_model.");
    if (!rest) return false;
    if (SWAP_PREFIX(key, open, rest, open_clip_top)) return true;
    if (sscanf(rest, "encoder.layers.%d.%n", &layer, &used) != 1 || !used) return false;
    snprintf(head, sizeof head, "%stransformer.resblocks.%d.", open, layer);
    return SWAP_PREFIX(key, head, rest + used, open_clip_layer);
}

bool ss_single_key(char key[SS_NAME], ss_part part, const char *name, bool open_clip) {
    if (strlen(name) >= SS_NAME - 48) return false;
    if (part == SS_PART_UNET) return unet(key, name);
    return part == SS_PART_VAE ? vae(key, name) : part == SS_PART_TEXT ? text(key, name, open_clip) : false;
}
