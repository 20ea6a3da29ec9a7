/* A model of Stable Diffusion's shape with random weights, for trying loaders, memory and speed without a download.
 *
 *     random-model PATH [--family sd1|sd2] [--layout folder|single] [--widths 320,640,1280,1280]
 *                  [--text 768,12,49408] [--vae 128,256,512,512] [--groups 32] [--heads 8] [--seed 0]
 *
 * float16, the same bytes for the same arguments. Pictures drawn with it are noise. Of the SD 2 family, text is
 * 1024,23,49408, heads have 64 channels, the prediction is v, and the single file has the text encoder under OpenCLIP's
 * names, with the layer more that nothing uses.
 */
#include "base/base.h"
#include "base/dtype.h"
#include "io/replace.h"
#include "io/weights.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct tensor {
    char name[160];
    int64_t shape[4];
    int rank;
    float spread; /* standard deviation, or 0 for a constant */
    float middle;
} tensor;

typedef struct model {
    tensor *t;
    int64_t count, capacity;
    int64_t unet[4], vae[4], text, text_layers, vocabulary, groups, heads;
    uint64_t seed;
    bool single, sd2;
} model;

static int64_t product(const tensor *t) {
    int64_t n = 1;
    for (int i = 0; i < t->rank; i++) n *= t->shape[i];
    return n;
}

static void add(model *m, const char *name, float spread, float middle, int rank, const int64_t *shape) {
    if (m->count == m->capacity) {
        m->capacity = m->capacity ? 2 * m->capacity : 512;
        m->t = realloc(m->t, (size_t)m->capacity * sizeof *m->t);
        if (!m->t) exit(1);
    }
    tensor *t = &m->t[m->count++];
    *t = (tensor){.rank = rank, .spread = spread, .middle = middle};
    snprintf(t->name, sizeof t->name, "%s", name);
    memcpy(t->shape, shape, (size_t)rank * sizeof *shape);
}

static void vector(model *m, const char *at, const char *kind, int64_t n, float middle) {
    char name[160];
    snprintf(name, sizeof name, "%s.%s", at, kind);
    add(m, name, 0.02f, middle, 1, &n);
}

static void norm(model *m, const char *at, const char *name, int64_t n) {
    char place[140];
    snprintf(place, sizeof place, "%s%s%s", at, *at ? "." : "", name);
    vector(m, place, "weight", n, 1);
    vector(m, place, "bias", n, 0);
}

static void weight(model *m, const char *at, const char *name, int rank, const int64_t *shape, bool bias) {
    char place[140], key[160];
    int64_t fan = 1;
    for (int i = 1; i < rank; i++) fan *= shape[i];
    snprintf(place, sizeof place, "%s%s%s", at, *at ? "." : "", name);
    snprintf(key, sizeof key, "%s.weight", place);
    add(m, key, (float)(1 / sqrt((double)fan)), 0, rank, shape);
    if (bias) vector(m, place, "bias", shape[0], 0);
}

static void linear(model *m, const char *at, const char *name, int64_t o, int64_t i, bool bias) {
    weight(m, at, name, 2, (int64_t[]){o, i}, bias);
}

static void conv(model *m, const char *at, const char *name, int64_t o, int64_t i, int64_t k) {
    weight(m, at, name, 4, (int64_t[]){o, i, k, k}, true);
}

static void resnet(model *m, const char *at, int64_t from, int64_t to, int64_t time) {
    norm(m, at, "norm1", from);
    conv(m, at, "conv1", to, from, 3);
    if (time) linear(m, at, "time_emb_proj", to, time, true);
    norm(m, at, "norm2", to);
    conv(m, at, "conv2", to, to, 3);
    if (from != to) conv(m, at, "conv_shortcut", to, from, 1);
}

static void attention(model *m, const char *at, const char *name, int64_t d, int64_t seen) {
    char place[120];
    snprintf(place, sizeof place, "%s.%s", at, name);
    linear(m, place, "to_q", d, d, false);
    linear(m, place, "to_k", d, seen, false);
    linear(m, place, "to_v", d, seen, false);
    linear(m, place, "to_out.0", d, d, true);
}

/* Around a transformer: a matrix, which SD 1 writes as a convolution of one pixel. */
static void project(model *m, const char *at, const char *name, int64_t d) {
    if (m->sd2)
        linear(m, at, name, d, d, true);
    else
        conv(m, at, name, d, d, 1);
}

static void transformer(model *m, const char *at, int64_t d) {
    char block[120];
    norm(m, at, "norm", d);
    project(m, at, "proj_in", d);
    snprintf(block, sizeof block, "%s.transformer_blocks.0", at);
    norm(m, block, "norm1", d);
    norm(m, block, "norm2", d);
    norm(m, block, "norm3", d);
    attention(m, block, "attn1", d, d);
    attention(m, block, "attn2", d, m->text);
    linear(m, block, "ff.net.0.proj", 8 * d, d, true);
    linear(m, block, "ff.net.2", d, 4 * d, true);
    project(m, at, "proj_out", d);
}

static void unet(model *m) {
    const int64_t *c = m->unet;
    int64_t time = 4 * c[0], x = c[0], skip[12];
    int n = 0;
    char at[100];
    linear(m, "", "time_embedding.linear_1", time, c[0], true);
    linear(m, "", "time_embedding.linear_2", time, time, true);
    conv(m, "", "conv_in", c[0], 4, 3);
    skip[n++] = x;
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 2; j++) {
            snprintf(at, sizeof at, "down_blocks.%d.resnets.%d", i, j);
            resnet(m, at, x, c[i], time);
            x = c[i];
            snprintf(at, sizeof at, "down_blocks.%d.attentions.%d", i, j);
            if (i < 3) transformer(m, at, x);
            skip[n++] = x;
        }
        snprintf(at, sizeof at, "down_blocks.%d", i);
        if (i < 3) conv(m, at, "downsamplers.0.conv", x, x, 3), skip[n++] = x;
    }
    resnet(m, "mid_block.resnets.0", x, x, time);
    transformer(m, "mid_block.attentions.0", x);
    resnet(m, "mid_block.resnets.1", x, x, time);
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 3; j++) {
            snprintf(at, sizeof at, "up_blocks.%d.resnets.%d", i, j);
            resnet(m, at, x + skip[--n], c[3 - i], time);
            x = c[3 - i];
            snprintf(at, sizeof at, "up_blocks.%d.attentions.%d", i, j);
            if (i > 0) transformer(m, at, x);
        }
        snprintf(at, sizeof at, "up_blocks.%d", i);
        if (i < 3) conv(m, at, "upsamplers.0.conv", x, x, 3);
    }
    norm(m, "", "conv_norm_out", x);
    conv(m, "", "conv_out", 4, x, 3);
}

static void vae_middle(model *m, const char *side, int64_t d) {
    char at[100];
    snprintf(at, sizeof at, "%s.mid_block.resnets.0", side);
    resnet(m, at, d, d, 0);
    snprintf(at, sizeof at, "%s.mid_block.attentions.0", side);
    norm(m, at, "group_norm", d);
    linear(m, at, "to_q", d, d, true);
    linear(m, at, "to_k", d, d, true);
    linear(m, at, "to_v", d, d, true);
    linear(m, at, "to_out.0", d, d, true);
    snprintf(at, sizeof at, "%s.mid_block.resnets.1", side);
    resnet(m, at, d, d, 0);
}

static void vae(model *m) {
    const int64_t *c = m->vae;
    int64_t x = c[0];
    char at[100];
    conv(m, "encoder", "conv_in", x, 3, 3);
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 2; j++, x = c[i]) {
            snprintf(at, sizeof at, "encoder.down_blocks.%d.resnets.%d", i, j);
            resnet(m, at, x, c[i], 0);
        }
        snprintf(at, sizeof at, "encoder.down_blocks.%d", i);
        if (i < 3) conv(m, at, "downsamplers.0.conv", x, x, 3);
    }
    vae_middle(m, "encoder", x);
    norm(m, "encoder", "conv_norm_out", x);
    conv(m, "encoder", "conv_out", 8, x, 3);
    conv(m, "", "quant_conv", 8, 8, 1);
    conv(m, "", "post_quant_conv", 4, 4, 1);
    conv(m, "decoder", "conv_in", x, 4, 3);
    vae_middle(m, "decoder", x);
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 3; j++, x = c[3 - i]) {
            snprintf(at, sizeof at, "decoder.up_blocks.%d.resnets.%d", i, j);
            resnet(m, at, x, c[3 - i], 0);
        }
        snprintf(at, sizeof at, "decoder.up_blocks.%d", i);
        if (i < 3) conv(m, at, "upsamplers.0.conv", x, x, 3);
    }
    norm(m, "decoder", "conv_norm_out", x);
    conv(m, "decoder", "conv_out", 3, x, 3);
}

/* As OpenCLIP has it: queries, keys and values in one matrix, and one layer more. */
static void open_clip(model *m) {
    static const char top[] = "cond_stage_model.model";
    char at[100];
    int64_t d = m->text;
    add(m, "cond_stage_model.model.token_embedding.weight", 0.02f, 0, 2, (int64_t[]){m->vocabulary, d});
    add(m, "cond_stage_model.model.positional_embedding", 0.02f, 0, 2, (int64_t[]){77, d});
    add(m, "cond_stage_model.model.text_projection", 0.02f, 0, 2, (int64_t[]){d, d});
    add(m, "cond_stage_model.model.logit_scale", 0, 4.6f, 0, &d);
    for (int64_t i = 0; i <= m->text_layers; i++) {
        snprintf(at, sizeof at, "%s.transformer.resblocks.%d", top, (int)i);
        norm(m, at, "ln_1", d);
        norm(m, at, "ln_2", d);
        snprintf(at, sizeof at, "%s.transformer.resblocks.%d.attn", top, (int)i);
        char place[140];
        snprintf(place, sizeof place, "%s.in_proj_weight", at);
        add(m, place, (float)(1 / sqrt((double)d)), 0, 2, (int64_t[]){3 * d, d});
        snprintf(place, sizeof place, "%s.in_proj_bias", at);
        add(m, place, 0.02f, 0, 1, (int64_t[]){3 * d});
        linear(m, at, "out_proj", d, d, true);
        snprintf(at, sizeof at, "%s.transformer.resblocks.%d.mlp", top, (int)i);
        linear(m, at, "c_fc", 4 * d, d, true);
        linear(m, at, "c_proj", d, 4 * d, true);
    }
    norm(m, top, "ln_final", d);
}

static void text(model *m) {
    char at[100];
    int64_t d = m->text;
    add(m, "text_model.embeddings.token_embedding.weight", 0.02f, 0, 2, (int64_t[]){m->vocabulary, d});
    add(m, "text_model.embeddings.position_embedding.weight", 0.02f, 0, 2, (int64_t[]){77, d});
    for (int64_t i = 0; i < m->text_layers; i++) {
        snprintf(at, sizeof at, "text_model.encoder.layers.%d", (int)i);
        norm(m, at, "layer_norm1", d);
        norm(m, at, "layer_norm2", d);
        linear(m, at, "self_attn.q_proj", d, d, true);
        linear(m, at, "self_attn.k_proj", d, d, true);
        linear(m, at, "self_attn.v_proj", d, d, true);
        linear(m, at, "self_attn.out_proj", d, d, true);
        linear(m, at, "mlp.fc1", 4 * d, d, true);
        linear(m, at, "mlp.fc2", d, 4 * d, true);
    }
    norm(m, "text_model", "final_layer_norm", d);
}

/* ---- CompVis' names for the single file */

typedef struct pair {
    const char *from, *to;
} pair;

static void swap_inside(char *name, size_t size, const char *from, const char *to) {
    char *at = strstr(name, from), rest[200];
    if (!at) return;
    snprintf(rest, sizeof rest, "%s", at + strlen(from));
    snprintf(at, size - (size_t)(at - name), "%s%s", to, rest);
}

static void unet_to_single(char *name, size_t size) {
    static const pair plain[] = {{"time_embedding.linear_1", "time_embed.0"},
                                 {"time_embedding.linear_2", "time_embed.2"},
                                 {"conv_in", "input_blocks.0.0"},
                                 {"conv_norm_out", "out.0"},
                                 {"conv_out", "out.2"},
                                 {"mid_block.resnets.0", "middle_block.0"},
                                 {"mid_block.attentions.0", "middle_block.1"},
                                 {"mid_block.resnets.1", "middle_block.2"}};
    static const pair inner[] = {{".norm1", ".in_layers.0"},          {".conv1", ".in_layers.2"},
                                 {".time_emb_proj", ".emb_layers.1"}, {".norm2", ".out_layers.0"},
                                 {".conv2", ".out_layers.3"},         {".conv_shortcut", ".skip_connection"}};
    char rest[160], out[200];
    int i, j, used = 0;
    bool block = strstr(name, "resnets") != NULL;
    if (sscanf(name, "down_blocks.%d.resnets.%d%n", &i, &j, &used) == 2 && used)
        snprintf(out, sizeof out, "input_blocks.%d.0", 1 + 3 * i + j);
    else if (sscanf(name, "down_blocks.%d.attentions.%d%n", &i, &j, &used) == 2 && used)
        snprintf(out, sizeof out, "input_blocks.%d.1", 1 + 3 * i + j);
    else if (sscanf(name, "down_blocks.%d.downsamplers.0.conv%n", &i, &used) == 1 && used)
        snprintf(out, sizeof out, "input_blocks.%d.0.op", 3 + 3 * i);
    else if (sscanf(name, "up_blocks.%d.resnets.%d%n", &i, &j, &used) == 2 && used)
        snprintf(out, sizeof out, "output_blocks.%d.0", 3 * i + j);
    else if (sscanf(name, "up_blocks.%d.attentions.%d%n", &i, &j, &used) == 2 && used)
        snprintf(out, sizeof out, "output_blocks.%d.1", 3 * i + j);
    else if (sscanf(name, "up_blocks.%d.upsamplers.0.conv%n", &i, &used) == 1 && used)
        snprintf(out, sizeof out, "output_blocks.%d.%d.conv", 3 * i + 2, i ? 2 : 1);
    else
        used = 0;
    if (used) {
        snprintf(rest, sizeof rest, "%s", name + used);
        snprintf(name, size, "%.60s%.90s", out, rest);
    } else {
        for (int k = 0; k < SS_COUNT_OF(plain); k++)
            if (!strncmp(name, plain[k].from, strlen(plain[k].from)))
                swap_inside(name, size, plain[k].from, plain[k].to);
    }
    for (int k = 0; k < SS_COUNT_OF(inner) && block; k++) swap_inside(name, size, inner[k].from, inner[k].to);
}

static void vae_to_single(char *name, size_t size) {
    static const pair inner[] = {{"mid_block.resnets.0", "mid.block_1"},
                                 {"mid_block.resnets.1", "mid.block_2"},
                                 {"mid_block.attentions.0", "mid.attn_1"},
                                 {".group_norm", ".norm"},
                                 {".to_q", ".q"},
                                 {".to_k", ".k"},
                                 {".to_v", ".v"},
                                 {".to_out.0", ".proj_out"},
                                 {"conv_norm_out", "norm_out"},
                                 {".conv_shortcut", ".nin_shortcut"},
                                 {"downsamplers.0", "downsample"},
                                 {"upsamplers.0", "upsample"},
                                 {"resnets", "block"}};
    int i, used = 0;
    char rest[160];
    if (sscanf(name, "encoder.down_blocks.%d%n", &i, &used) == 1 && used) {
        snprintf(rest, sizeof rest, "%s", name + used);
        snprintf(name, size, "encoder.down.%d%.120s", i, rest);
    } else if (sscanf(name, "decoder.up_blocks.%d%n", &i, &used) == 1 && used) {
        snprintf(rest, sizeof rest, "%s", name + used);
        snprintf(name, size, "decoder.up.%d%.120s", 3 - i, rest);
    }
    for (int k = 0; k < SS_COUNT_OF(inner); k++) swap_inside(name, size, inner[k].from, inner[k].to);
}

/* ---- numbers and files */

static uint64_t next(uint64_t *s) { /* splitmix64 */
    uint64_t z = *s += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* Sums of four uniform numbers: close enough to normal, and quick for a thousand million of them. */
static void fill(uint16_t *y, const tensor *t, uint64_t seed) {
    enum { BLOCK = 1024 };
    float block[BLOCK];
    for (int64_t start = 0, n = product(t); start < n; start += BLOCK) {
        int64_t size = n - start < BLOCK ? n - start : BLOCK;
        for (int64_t i = 0; i < size; i++) {
            uint64_t r = next(&seed);
            float sum = (float)(r & 0xffff) + (float)(r >> 16 & 0xffff) + (float)(r >> 32 & 0xffff) + (float)(r >> 48);
            block[i] = t->middle + t->spread * 1.7320508f * (sum / 65535.0f - 2.0f);
        }
        ss_f32_to_f16(y + start, block, (size_t)size);
    }
}

/* Tensors first .. count - 1 into one file. */
static ss_status write_tensors(const model *m, ss_ctx *cx, int64_t first, const char *path) {
    int64_t count = m->count - first;
    ss_to_store *list = ss_alloc(cx, (size_t)count, sizeof *list);
    ss_status st = cx->status;
#pragma omp parallel for schedule(dynamic, 1)
    for (int64_t i = 0; i < (st ? 0 : count); i++) {
        const tensor *t = &m->t[first + i];
        uint64_t seed = m->seed;
        for (const char *p = t->name; *p; p++) seed = seed * 1099511628211u + (unsigned char)*p;
        uint16_t *data = malloc((size_t)product(t) * sizeof *data);
        if (data) fill(data, t, seed);
        list[i] = (ss_to_store){.name = t->name, .dtype = SS_F16, .rank = t->rank, .shape = t->shape, .data = data};
    }
    for (int64_t i = 0; i < count && !st; i++)
        if (!list[i].data) st = ss_fail(cx, SS_ERR_NOMEM, "out of memory");
    if (!st) st = ss_safetensors_write(cx, path, list, count, &(ss_pair){"format", "pt"}, 1);
    for (int64_t i = 0; i < count && list; i++) free((void *)list[i].data);
    free(list);
    return st;
}

static ss_status write_text(ss_ctx *cx, const char *folder, const char *file, char *content) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, file);
    return ss_write_file(cx, path, content, strlen(content));
}

static ss_status write_folder(model *m, ss_ctx *cx, const char *path) {
    static const struct {
        const char *folder, *file;
        void (*make)(model *m);
    } parts[] = {{"unet", "diffusion_pytorch_model.safetensors", unet},
                 {"vae", "diffusion_pytorch_model.safetensors", vae},
                 {"text_encoder", "model.safetensors", text}};
    static const char *const folders[] = {"unet", "vae", "text_encoder", "scheduler"};
    char place[4096], config[1024];
    mkdir(path, 0777);
    for (int i = 0; i < SS_COUNT_OF(folders); i++) {
        snprintf(place, sizeof place, "%s/%s", path, folders[i]);
        mkdir(place, 0777);
    }
    ss_status st = SS_OK;
    for (int i = 0; i < SS_COUNT_OF(parts) && !st; i++) {
        m->count = 0;
        parts[i].make(m);
        snprintf(place, sizeof place, "%s/%s/%s", path, parts[i].folder, parts[i].file);
        st = write_tensors(m, cx, 0, place);
    }
    if (!st) st = write_text(cx, path, "model_index.json", "{\"_class_name\": \"StableDiffusionPipeline\"}\n");
    int64_t heads[4];
    for (int i = 0; i < 4; i++) heads[i] = m->sd2 ? m->unet[i] / 64 : m->heads;
    snprintf(config, sizeof config,
             "{\"_class_name\": \"UNet2DConditionModel\", \"attention_head_dim\": [%lld, %lld, %lld, %lld], "
             "\"norm_num_groups\": %lld, \"sample_size\": %d}\n",
             (long long)heads[0], (long long)heads[1], (long long)heads[2], (long long)heads[3], (long long)m->groups,
             m->sd2 ? 96 : 64);
    if (!st) st = write_text(cx, path, "unet/config.json", config);
    snprintf(config, sizeof config,
             "{\"_class_name\": \"AutoencoderKL\", \"norm_num_groups\": %lld, \"scaling_factor\": 0.18215}\n",
             (long long)m->groups);
    if (!st) st = write_text(cx, path, "vae/config.json", config);
    snprintf(config, sizeof config,
             "{\"hidden_act\": \"%s\", \"num_hidden_layers\": %lld, \"num_attention_heads\": %lld}\n",
             m->sd2 ? "gelu" : "quick_gelu", (long long)m->text_layers, (long long)(m->text / 64 ? m->text / 64 : 1));
    if (!st) st = write_text(cx, path, "text_encoder/config.json", config);
    snprintf(config, sizeof config,
             "{\"_class_name\": \"%s\", \"beta_start\": 0.00085, \"beta_end\": 0.012, "
             "\"beta_schedule\": \"scaled_linear\", \"num_train_timesteps\": 1000, \"set_alpha_to_one\": false, "
             "\"skip_prk_steps\": true, \"steps_offset\": 1, \"prediction_type\": \"%s\"}\n",
             m->sd2 ? "DDIMScheduler" : "PNDMScheduler", m->sd2 ? "v_prediction" : "epsilon");
    if (!st) st = write_text(cx, path, "scheduler/scheduler_config.json", config);
    return st;
}

static void to_single(model *m, int64_t first, const char *prefix, void (*rename)(char *, size_t)) {
    for (int64_t i = first; i < m->count; i++) {
        char name[160];
        snprintf(name, sizeof name, "%s", m->t[i].name);
        if (rename) rename(name, sizeof name);
        snprintf(m->t[i].name, sizeof m->t[i].name, "%s%.120s", prefix, name);
        bool square = rename == vae_to_single && m->t[i].rank == 2;
        if (square) m->t[i].rank = 4, m->t[i].shape[2] = m->t[i].shape[3] = 1;
    }
}

static ss_status write_single(model *m, ss_ctx *cx, const char *path) {
    unet(m);
    to_single(m, 0, "model.diffusion_model.", unet_to_single);
    int64_t first = m->count;
    vae(m);
    to_single(m, first, "first_stage_model.", vae_to_single);
    first = m->count;
    if (m->sd2) {
        open_clip(m);
    } else {
        text(m);
        to_single(m, first, "cond_stage_model.transformer.", NULL);
    }
    return write_tensors(m, cx, 0, path);
}

static int usage(void) {
    fprintf(
        stderr,
        "usage: random-model PATH [--family sd1|sd2] [--layout folder|single] [--widths A,B,C,D]\n"
        "                    [--text WIDTH,LAYERS,VOCABULARY] [--vae A,B,C,D] [--groups N] [--heads N] [--seed N]\n");
    return 2;
}

int main(int argc, char **argv) {
    model m = {
        .unet = {320, 640, 1280, 1280}, .vae = {128, 256, 512, 512}, .vocabulary = 49408, .groups = 32, .heads = 8};
    const char *path = NULL;
    for (int i = 1; i < argc; i++) {
        const char *a = argv[i], *v = i + 1 < argc ? argv[i + 1] : "";
        long long n[4] = {0};
        int got = sscanf(v, "%lld,%lld,%lld,%lld", &n[0], &n[1], &n[2], &n[3]);
        if (a[0] != '-') {
            path = a;
            continue;
        }
        i++;
        if (!strcmp(a, "--layout") && (!strcmp(v, "single") || !strcmp(v, "folder")))
            m.single = v[0] == 's';
        else if (!strcmp(a, "--family") && (!strcmp(v, "sd1") || !strcmp(v, "sd2")))
            m.sd2 = v[2] == '2';
        else if (!strcmp(a, "--widths") && got == 4)
            for (int k = 0; k < 4; k++) m.unet[k] = n[k];
        else if (!strcmp(a, "--vae") && got == 4)
            for (int k = 0; k < 4; k++) m.vae[k] = n[k];
        else if (!strcmp(a, "--text") && got == 3)
            m.text = n[0], m.text_layers = n[1], m.vocabulary = n[2];
        else if (!strcmp(a, "--groups") && got == 1)
            m.groups = n[0];
        else if (!strcmp(a, "--heads") && got == 1)
            m.heads = n[0];
        else if (!strcmp(a, "--seed") && got == 1)
            m.seed = (uint64_t)n[0];
        else
            return usage();
    }
    if (!path) return usage();
    if (!m.text) m.text = m.sd2 ? 1024 : 768, m.text_layers = m.sd2 ? 23 : 12;
    ss_ctx *cx = NULL;
    ss_status st = ss_ctx_new(&cx, NULL);
    if (!st) st = m.single ? write_single(&m, cx, path) : write_folder(&m, cx, path);
    if (st) fprintf(stderr, "random-model: %s\n", cx ? ss_ctx_error(cx) : "out of memory");
    ss_ctx_free(cx);
    free(m.t);
    return st != SS_OK;
}
