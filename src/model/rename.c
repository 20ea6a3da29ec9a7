/* Rename tables: pairs of prefixes or inner names, applied in order. Facts: the layouts of CompVis/stable-diffusion,
 * open_clip and huggingface/diffusers. */
#include "model/rename.h"

#include <stdio.h>
#include <string.h>

typedef struct pair {
    const char *from, *to;
} pair;

static const char *after(const char *key, const char *prefix) {
    size_t n = strlen(prefix);
    return strncmp(key, prefix, n) ? NULL : key + n;
}

/* name = to + rest for the first pair whose `from` starts the key. */
static bool replace_prefix(char name[SS_NAME], const char *key, const pair *table, int count) {
    for (int i = 0; i < count; i++) {
        const char *rest = after(key, table[i].from);
        if (!rest) continue;
        snprintf(name, SS_NAME, "%s%s", table[i].to, rest);
        return true;
    }
    return false;
}

#define REPLACE_PREFIX(name, key, table) replace_prefix(name, key, table, (int)(sizeof(table) / sizeof *(table)))

/* ---- UNet, CompVis to diffusers */

static const pair unet_top[] = {
    {"time_embed.0.", "time_embedding.linear_1."},
    {"time_embed.2.", "time_embedding.linear_2."},
    {"input_blocks.0.0.", "conv_in."},
    {"out.0.", "conv_norm_out."},
    {"out.2.", "conv_out."},
    {"middle_block.0.", "mid_block.resnets.0."},
    {"middle_block.1.", "mid_block.attentions.0."},
    {"middle_block.2.", "mid_block.resnets.1."},
};

static const pair unet_resnet[] = {
    {"in_layers.0.", "norm1."},  {"in_layers.2.", "conv1."},  {"emb_layers.1.", "time_emb_proj."},
    {"out_layers.0.", "norm2."}, {"out_layers.3.", "conv2."}, {"skip_connection.", "conv_shortcut."},
};

/* input_blocks.I.K.rest: I from 1 counts two residual blocks and a downsampler a level. */
static bool unet_down(char name[SS_NAME], const char *key) {
    int i, k, used = 0;
    if (sscanf(key, "input_blocks.%d.%d.%n", &i, &k, &used) != 2 || !used || i < 1 || i > 11) return false;
    int level = (i - 1) / 3, j = (i - 1) % 3;
    const char *op = after(key + used, "op.");
    if (j == 2 && op && k == 0)
        snprintf(name, SS_NAME, "down_blocks.%d.downsamplers.0.conv.%s", level, op);
    else if (j < 2 && k < 2)
        snprintf(name, SS_NAME, "down_blocks.%d.%s.%d.%s", level, k ? "attentions" : "resnets", j, key + used);
    else
        return false;
    return true;
}

/* output_blocks.I.K.rest: three a level; the last of a level also upsamples, after its attention if it has one. */
static bool unet_up(char name[SS_NAME], const char *key) {
    int i, k, used = 0;
    if (sscanf(key, "output_blocks.%d.%d.%n", &i, &k, &used) != 2 || !used || i < 0 || i > 11 || k < 0 || k > 2)
        return false;
    int level = i / 3, j = i % 3;
    const char *conv = after(key + used, "conv.");
    if (j == 2 && conv)
        snprintf(name, SS_NAME, "up_blocks.%d.upsamplers.0.conv.%s", level, conv);
    else if (k < 2)
        snprintf(name, SS_NAME, "up_blocks.%d.%s.%d.%s", level, k ? "attentions" : "resnets", j, key + used);
    else
        return false;
    return true;
}

static bool unet_single(char name[SS_NAME], const char *key) {
    char outer[SS_NAME], inner[SS_NAME];
    if (!REPLACE_PREFIX(outer, key, unet_top) && !unet_down(outer, key) && !unet_up(outer, key)) return false;
    snprintf(name, SS_NAME, "%s", outer);
    char *resnet = strstr(outer, ".resnets.");
    if (!resnet) return true;
    char *rest = resnet + strlen(".resnets.0.");
    if (!REPLACE_PREFIX(inner, rest, unet_resnet)) return false;
    *rest = 0;
    snprintf(name, SS_NAME, "%.120s%.120s", outer, inner);
    return true;
}

/* ---- autoencoder */

static const pair vae_middle[] = {
    {"mid.block_1.", "mid_block.resnets.0."},
    {"mid.block_2.", "mid_block.resnets.1."},
    {"mid.attn_1.", "mid_block.attentions.0."},
    {"norm_out.", "conv_norm_out."},
};

static const pair vae_attention[] = {
    {"norm.", "group_norm."},    {"q.", "to_q."},     {"k.", "to_k."},   {"v.", "to_v."},
    {"proj_out.", "to_out.0."},  {"query.", "to_q."}, {"key.", "to_k."}, {"value.", "to_v."},
    {"proj_attn.", "to_out.0."},
};

/* Inner names of the middle attention, in CompVis' and in the older diffusers spelling. */
static void vae_inner(char name[SS_NAME]) {
    char inner[SS_NAME], *rest = strstr(name, "mid_block.attentions.0.");
    if (rest) {
        rest += strlen("mid_block.attentions.0.");
        if (REPLACE_PREFIX(inner, rest, vae_attention)) snprintf(rest, SS_NAME - (size_t)(rest - name), "%s", inner);
    }
    char *shortcut = strstr(name, ".nin_shortcut.");
    if (!shortcut) return;
    snprintf(inner, SS_NAME, "%s", shortcut + strlen(".nin_shortcut."));
    snprintf(shortcut, SS_NAME - (size_t)(shortcut - name), ".conv_shortcut.%s", inner);
}

static bool vae_single(char name[SS_NAME], const char *key) {
    bool decoder = after(key, "decoder.") != NULL;
    const char *side = decoder ? "decoder" : "encoder", *rest = after(key, decoder ? "decoder." : "encoder.");
    if (!rest) {
        snprintf(name, SS_NAME, "%s", key);
        return after(key, "quant_conv.") || after(key, "post_quant_conv.");
    }
    char inner[SS_NAME];
    int level, j, used = 0;
    /* The decoder's levels are counted from the finest in CompVis' names and from the coarsest in diffusers'. */
    const char *const format = decoder ? "up.%d.%n" : "down.%d.%n";
    if (sscanf(rest, format, &level, &used) == 1 && used && level >= 0 && level < 4) {
        const char *what = rest + used, *conv = after(what, decoder ? "upsample.conv." : "downsample.conv.");
        const char *way = decoder ? "up" : "down";
        if (decoder) level = 3 - level;
        used = 0;
        if (conv)
            snprintf(inner, SS_NAME, "%s_blocks.%d.%ssamplers.0.conv.%s", way, level, way, conv);
        else if (sscanf(what, "block.%d.%n", &j, &used) == 1 && used)
            snprintf(inner, SS_NAME, "%s_blocks.%d.resnets.%d.%s", way, level, j, what + used);
        else
            return false;
    } else if (!REPLACE_PREFIX(inner, rest, vae_middle)) {
        snprintf(inner, SS_NAME, "%s", rest);
    }
    snprintf(name, SS_NAME, "%s.%.240s", side, inner);
    vae_inner(name);
    return true;
}

/* ---- text encoder */

static const pair open_clip_top[] = {
    {"token_embedding.", "embeddings.token_embedding."},
    {"positional_embedding", "embeddings.position_embedding.weight"},
    {"ln_final.", "final_layer_norm."},
};

static const pair open_clip_layer[] = {
    {"ln_1.", "layer_norm1."},
    {"ln_2.", "layer_norm2."},
    {"attn.out_proj.", "self_attn.out_proj."},
    {"attn.in_proj_", "self_attn.in_proj."},
    {"mlp.c_fc.", "mlp.fc1."},
    {"mlp.c_proj.", "mlp.fc2."},
};

static ss_part open_clip(char name[SS_NAME], const char *key) {
    char inner[SS_NAME];
    int layer, used = 0;
    if (REPLACE_PREFIX(inner, key, open_clip_top)) {
        snprintf(name, SS_NAME, "text_model.%.240s", inner);
        return SS_PART_TEXT;
    }
    if (sscanf(key, "transformer.resblocks.%d.%n", &layer, &used) == 1 && used &&
        REPLACE_PREFIX(inner, key + used, open_clip_layer)) {
        snprintf(name, SS_NAME, "text_model.encoder.layers.%d.%.200s", layer, inner);
        return SS_PART_TEXT;
    }
    /* The projection and the temperature belong to CLIP's scores, the mask follows from the structure. */
    bool unused = !strcmp(key, "text_projection") || !strcmp(key, "logit_scale") || !strcmp(key, "attn_mask");
    return unused ? SS_PART_IGNORED : SS_PART_NONE;
}

static ss_part text(char name[SS_NAME], const char *key) {
    if (strstr(key, "embeddings.position_ids")) return SS_PART_IGNORED;
    if (!strcmp(key, "text_projection.weight") || !strcmp(key, "logit_scale")) return SS_PART_IGNORED;
    snprintf(name, SS_NAME, "%s%.240s", after(key, "text_model.") ? "" : "text_model.", key);
    return SS_PART_TEXT;
}

/* ---- whole files */

static const char *const derived[] = {
    "betas",
    "alphas_cumprod",
    "alphas_cumprod_prev",
    "sqrt_alphas_cumprod",
    "sqrt_one_minus_alphas_cumprod",
    "log_one_minus_alphas_cumprod",
    "sqrt_recip_alphas_cumprod",
    "sqrt_recipm1_alphas_cumprod",
    "posterior_variance",
    "posterior_log_variance_clipped",
    "posterior_mean_coef1",
    "posterior_mean_coef2",
    "lvlb_weights",
    "logvar",
    "scale_factor",
};

ss_part ss_rename_single(char name[SS_NAME], const char *key) {
    const char *rest;
    if (strlen(key) >= SS_NAME - 16) return SS_PART_NONE;
    if ((rest = after(key, "model.diffusion_model."))) return unet_single(name, rest) ? SS_PART_UNET : SS_PART_NONE;
    if ((rest = after(key, "first_stage_model.")) || (rest = after(key, "vae."))) {
        if (after(rest, "loss.")) return SS_PART_IGNORED;
        return vae_single(name, rest) ? SS_PART_VAE : SS_PART_NONE;
    }
    if ((rest = after(key, "cond_stage_model.transformer."))) return text(name, rest);
    if ((rest = after(key, "cond_stage_model.model."))) return open_clip(name, rest);
    if (after(key, "model_ema.")) return SS_PART_IGNORED;
    if (after(key, "encoder.") || after(key, "decoder.") || after(key, "quant_conv.") || after(key, "post_quant_conv."))
        return vae_single(name, key) ? SS_PART_VAE : SS_PART_NONE;
    if (after(key, "loss.")) return SS_PART_IGNORED;
    for (int i = 0; i < (int)(sizeof derived / sizeof *derived); i++)
        if (!strcmp(key, derived[i])) return SS_PART_IGNORED;
    return SS_PART_NONE;
}

ss_part ss_rename_component(char name[SS_NAME], ss_part part, const char *key) {
    if (strlen(key) >= SS_NAME - 16) return SS_PART_NONE;
    if (part == SS_PART_TEXT) return text(name, key);
    snprintf(name, SS_NAME, "%s", key);
    if (part == SS_PART_VAE) vae_inner(name);
    return part;
}

void ss_ema_key(char name[SS_NAME], const char *key) {
    const char *rest = after(key, "model.");
    int n = snprintf(name, SS_NAME, "model_ema.");
    for (const char *p = rest ? rest : key; *p && n < SS_NAME - 1; p++)
        if (*p != '.') name[n++] = *p;
    name[n] = 0;
}
