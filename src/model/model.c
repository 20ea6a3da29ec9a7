/* Opening a model: finding its files, telling what they are, and holding every tensor to account. */
#include "model/model.h"

#include "model/alter.h"
#include "model/rename.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct {
    const char *folder;
    const char *stem[2]; /* of the weight files, without a suffix */
} components[SS_PARTS] = {
    [SS_PART_UNET] = {"unet", {"diffusion_pytorch_model"}},
    [SS_PART_VAE] = {"vae", {"diffusion_pytorch_model"}},
    [SS_PART_TEXT] = {"text_encoder", {"model", "pytorch_model"}},
};

static ss_params *params(ss_model *m, ss_part part) {
    return part == SS_PART_UNET ? &m->unet.params : part == SS_PART_VAE ? &m->vae.params : &m->text.params;
}

static bool is_folder(const char *path) {
    struct stat s;
    return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

static bool exists(const char *path) {
    struct stat s;
    return stat(path, &s) == 0;
}

static ss_status open_file(ss_model *m, ss_ctx *cx, const char *path, const ss_weights **out) {
    if (m->files == SS_COUNT_OF(m->file)) return ss_fail(cx, SS_ERR_ARG, "%s: too many weight files", path);
    ss_status st = ss_weights_open(&m->file[m->files], cx, path);
    if (!st) *out = m->file[m->files++];
    return st;
}

/* ---- from stored tensors to parameters */

/* OpenCLIP keeps queries, keys and values in one matrix, rows in this order. */
static ss_status add_fused(ss_params *p, ss_ctx *cx, const char *name, const ss_stored *t) {
    static const char *const third[] = {"q_proj", "k_proj", "v_proj"};
    const char *fused = strstr(name, "in_proj");
    if (t->rank < 1 || t->rank > 2 || t->shape[0] % 3)
        return ss_fail(cx, SS_ERR_MODEL, "%s: %s does not divide into queries, keys and values", p->part, t->name);
    int64_t shape[2] = {t->shape[0] / 3, t->rank > 1 ? t->shape[1] : 1};
    size_t bytes = t->bytes / 3;
    ss_status st = SS_OK;
    for (int i = 0; i < 3 && !st; i++) {
        char one[SS_NAME + 16];
        snprintf(one, sizeof one, "%.*s%s%s", (int)(fused - name), name, third[i], fused + strlen("in_proj"));
        st = ss_params_add(p, cx, one, t->dtype, t->rank, shape, (const char *)t->data + (size_t)i * bytes);
    }
    return st;
}

static ss_status add(ss_params *p, ss_ctx *cx, const char *name, const ss_stored *t) {
    if (ss_dtype_size(t->dtype) == 0)
        return ss_fail(cx, SS_ERR_MODEL, "%s: %s is stored as %s, which holds no usable numbers", p->part, t->name,
                       t->type_name);
    if (strstr(name, ".in_proj.")) return add_fused(p, cx, name, t);
    return ss_params_add(p, cx, name, t->dtype, t->rank, t->shape, t->data);
}

/* All tensors of a component's file in the diffusers layout. */
static ss_status take_component(ss_model *m, ss_ctx *cx, ss_part part, const ss_weights *w) {
    char name[SS_NAME];
    ss_status st = SS_OK;
    ss_leftover l = {0};
    for (int64_t i = 0; i < w->count && !st; i++) {
        ss_part found = ss_rename_component(name, part, w->at[i].name);
        if (found == part)
            st = add(params(m, part), cx, name, &w->at[i]);
        else if (found == SS_PART_NONE)
            ss_leave(&l, w->at[i].name, w->at[i].rank, w->at[i].shape);
    }
    if (!st && l.count)
        st = ss_fail(cx, SS_ERR_MODEL, "%s: %lld tensors that it has no use for: %s", params(m, part)->part,
                     (long long)l.count, l.text);
    return st;
}

/* What else a weights file may be, by names that only it has. */
static const char *kind_of(const ss_weights *w) {
    static const struct {
        const char *mark, *is;
    } kinds[] = {
        {"conditioner.embedders.1.", "an SDXL checkpoint; selfsame draws with SD 1.x and 2.x"},
        {"joint_blocks.", "an SD3 checkpoint; selfsame draws with SD 1.x and 2.x"},
        {"double_blocks.", "a Flux checkpoint; selfsame draws with SD 1.x and 2.x"},
        {"lora_unet_", "a LoRA, not a model: it needs a checkpoint to be added to"},
        {"lora_te", "a LoRA, not a model: it needs a checkpoint to be added to"},
        {".lora_A.", "a LoRA, not a model: it needs a checkpoint to be added to"},
        {".lora.down.", "a LoRA, not a model: it needs a checkpoint to be added to"},
        {"_lora.down.", "a LoRA, not a model: it needs a checkpoint to be added to"},
        {"control_model.", "a ControlNet, not a model"},
        {"controlnet_cond_embedding.", "a ControlNet, not a model"},
        {"string_to_param", "an embedding, not a model"},
        {"emb_params", "an embedding, not a model"},
        {"visual.transformer.resblocks.", "a CLIP model, not a Stable Diffusion checkpoint"},
        {"vision_model.", "a CLIP model, not a Stable Diffusion checkpoint"},
    };
    for (int k = 0; k < SS_COUNT_OF(kinds); k++)
        for (int64_t i = 0; i < w->count; i++)
            if (strstr(w->at[i].name, kinds[k].mark)) return kinds[k].is;
    if (ss_weights_find(w, "conv_in.weight") && ss_weights_find(w, "time_embedding.linear_1.weight"))
        return "a lone UNet: a model also needs its text encoder and autoencoder (give the folder that holds all "
               "three)";
    if (ss_weights_find(w, "text_model.final_layer_norm.weight"))
        return "a lone text encoder: a model also needs its UNet and autoencoder";
    return NULL;
}

static ss_status take_single(ss_model *m, ss_ctx *cx, const ss_weights *w, const ss_model_options *o) {
    char name[SS_NAME], averaged[SS_NAME];
    const char *kind = kind_of(w);
    if (kind) return ss_fail(cx, SS_ERR_MODEL, "%s is %s", m->path, kind);
    ss_leftover l = {0};
    ss_status st = SS_OK;
    int64_t ema = 0, found[SS_PARTS] = {0};
    for (int64_t i = 0; i < w->count && !st; i++) {
        const ss_stored *t = &w->at[i];
        ss_part part = ss_rename_single(name, t->name);
        found[part]++;
        if (part == SS_PART_NONE) ss_leave(&l, t->name, t->rank, t->shape);
        if (part == SS_PART_NONE || part == SS_PART_IGNORED || (part == SS_PART_VAE && o->vae)) continue;
        if (part == SS_PART_UNET && o->ema) {
            ss_ema_key(averaged, t->name);
            const ss_stored *e = ss_weights_find(w, averaged);
            if (e) t = e, ema++;
        }
        st = add(params(m, part), cx, name, t);
    }
    if (st) return st;
    if (!found[SS_PART_UNET])
        return ss_fail(cx, SS_ERR_MODEL,
                       "%s holds no Stable Diffusion model: none of its %lld tensors is named like one "
                       "of a UNet (`selfsame inspect` lists them)",
                       m->path, (long long)w->count);
    if (l.count)
        return ss_fail(cx, SS_ERR_MODEL, "%s: %lld tensors are left over: %s", m->path, (long long)l.count, l.text);
    if (o->ema && ema < m->unet.params.count)
        return ss_fail(cx, SS_ERR_MODEL, "%s has averaged weights for %lld of the UNet's %lld tensors; leave them out",
                       m->path, (long long)ema, (long long)m->unet.params.count);
    return SS_OK;
}

/* ---- folders */

/* path = folder/component/file, the first that is there. */
static bool find_weights(char *path, size_t size, const char *folder, ss_part part) {
    static const char *const suffix[] = {".safetensors",
                                         ".safetensors.index.json",
                                         ".fp16.safetensors",
                                         ".fp16.safetensors.index.json",
                                         ".safetensors.index.fp16.json",
                                         ".bin",
                                         ".fp16.bin"};
    for (int s = 0; s < SS_COUNT_OF(components[part].stem) && components[part].stem[s]; s++)
        for (int i = 0; i < SS_COUNT_OF(suffix); i++) {
            snprintf(path, size, "%s/%s%s", folder, components[part].stem[s], suffix[i]);
            if (exists(path)) return true;
        }
    return false;
}

static ss_status take_folder(ss_model *m, ss_ctx *cx, const char *folder, ss_part part) {
    char path[4096];
    const ss_weights *w = NULL;
    if (!find_weights(path, sizeof path, folder, part))
        return ss_fail(cx, SS_ERR_FILE,
                       "%s has no weights: no %s.safetensors, .safetensors.index.json, .fp16.safetensors or "
                       ".bin",
                       folder, components[part].stem[0]);
    ss_status st = open_file(m, cx, path, &w);
    return st ? st : take_component(m, cx, part, w);
}

/* ---- configuration: only what the weights do not say */

/* A component that is there without its configuration is not guessed about: other heads draw other pictures. */
static ss_status read_config(json_t **out, ss_ctx *cx, const char *folder, const char *part, const char *file,
                             bool optional) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s/%s", folder, part, file);
    if (exists(path)) return ss_json_read(out, cx, path);
    return optional ? SS_OK
                    : ss_fail(cx, SS_ERR_MODEL, "%s/%s has no %s, which says how its weights are to be used", folder,
                              part, file);
}

/* A number of things: 1 or more, and not so many that arithmetic with it could overflow. */
static int count_of(ss_ctx *cx, ss_object o, const char *key, int64_t absent) {
    int64_t n = ss_json_int(cx, o, key, absent);
    if (n >= 1 && n <= 1 << 16) return (int)n;
    ss_fail(cx, SS_ERR_MODEL, "%s: %s is %lld", o.name, key, (long long)n);
    return 1;
}

static ss_status check_blocks(ss_ctx *cx, ss_object o) {
    static const char *const down[] = {"CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D",
                                       "DownBlock2D"};
    const json_t *types = ss_json_array(cx, o, "down_block_types");
    if (cx->status || !types) return cx->status;
    bool same = json_array_size(types) == 4;
    for (size_t i = 0; i < 4 && same; i++) {
        const char *type = json_string_value(json_array_get(types, i));
        same = type && !strcmp(type, down[i]);
    }
    if (same && ss_json_int(cx, o, "layers_per_block", 2) == 2) return cx->status;
    return ss_fail(cx, SS_ERR_MODEL,
                   "%s describes another UNet than that of Stable Diffusion 1.x and 2.x (its "
                   "down_block_types and layers_per_block); selfsame draws with those two",
                   o.name);
}

static ss_status configure_unet(ss_model *m, ss_ctx *cx, ss_object o) {
    int64_t heads[4] = {8, 8, 8, 8};
    ss_status st = check_blocks(cx, o);
    int n = st ? 0 : ss_json_ints(cx, o, "attention_head_dim", heads, 4);
    m->unet.groups = count_of(cx, o, "norm_num_groups", 32);
    m->size = 8 * count_of(cx, o, "sample_size", 64);
    if (m->sd2 && !o.json) { /* heads of 64 channels at every level */
        for (int i = 0; i < 4; i++) heads[i] = ss_unet_width(&m->unet, i) / 64;
        n = 4;
    }
    if (cx->status) return cx->status;
    if (n == 0 || n == 2 || n == 3)
        return ss_fail(cx, SS_ERR_MODEL, "%s: attention_head_dim has %d numbers for 4 levels", o.name, n);
    for (int i = 0; i < 4; i++) {
        int64_t count = heads[n == 1 ? 0 : i], width = ss_unet_width(&m->unet, i);
        if (count < 1 || count > 1024)
            return ss_fail(cx, SS_ERR_MODEL, "%s: attention_head_dim %lld is no number of heads", o.name,
                           (long long)count);
        if (width % count)
            return ss_fail(cx, SS_ERR_MODEL,
                           "%s: attention_head_dim says %lld heads, but the %lld channels of level %d do not "
                           "divide into as many",
                           o.name, (long long)count, (long long)width, i);
        m->unet.heads[i] = (int)count;
    }
    if (m->size < 8 || m->size > 1 << 14) m->size = 512;
    /* Early SD 1.x configurations say less than the 64 that the model was trained for. */
    if (!m->sd2 && m->size < 512 && m->unet.params.count && o.json && ss_json_int(cx, o, "norm_num_groups", 32) == 32)
        m->size = 512;
    return cx->status;
}

static ss_status configure_vae(ss_model *m, ss_ctx *cx, ss_object o) {
    m->vae.groups = count_of(cx, o, "norm_num_groups", 32);
    m->vae.scaling = (float)ss_json_number(cx, o, "scaling_factor", 0.18215);
    if (cx->status) return cx->status;
    if (!(m->vae.scaling > 0))
        return ss_fail(cx, SS_ERR_MODEL, "%s: scaling_factor %g has to be positive", o.name, (double)m->vae.scaling);
    return SS_OK;
}

/* Layers of the text encoder's weights. */
static int count_text_layers(const ss_model *m) {
    int layers = 0;
    char key[96];
    do {
        snprintf(key, sizeof key, "text_model.encoder.layers.%d.layer_norm1.weight", layers);
    } while (ss_params_find(&m->text.params, key) && ++layers < 256);
    return layers;
}

/* SD 2.x was trained on the last layer but one of OpenCLIP-H. The original files hold all 24, folders and files made
 * from folders only the 23 that are used: a configuration tells which, and without one their number. */
static int drop_last_text_layer(ss_model *m, ss_ctx *cx, ss_object o) {
    enum { USED = 23 };
    int layers = count_text_layers(m);
    if (layers != ss_json_int(cx, o, "num_hidden_layers", USED) + 1) return layers;
    char prefix[64];
    snprintf(prefix, sizeof prefix, "text_model.encoder.layers.%d.", layers - 1);
    ss_params_remove(&m->text.params, prefix);
    return layers - 1;
}

static ss_status configure_text(ss_model *m, ss_ctx *cx, ss_object o, bool open_clip) {
    int layers = open_clip ? drop_last_text_layer(m, cx, o) : count_text_layers(m);
    const ss_param *table = ss_params_find(&m->text.params, "text_model.embeddings.token_embedding.weight");
    int64_t width = table && table->rank == 2 ? table->shape[1] : 0;
    const char *act = ss_json_text(cx, o, "hidden_act", m->sd2 ? "gelu" : "quick_gelu");
    m->text.layers = count_of(cx, o, "num_hidden_layers", layers > 0 ? layers : 1);
    m->text.heads = count_of(cx, o, "num_attention_heads", width / 64 ? width / 64 : 1);
    m->text.quick_gelu = act && !strcmp(act, "quick_gelu");
    if (cx->status) return cx->status;
    if (act && strcmp(act, "quick_gelu") && strcmp(act, "gelu"))
        return ss_fail(cx, SS_ERR_MODEL, "%s: hidden_act is %s; CLIP's text encoder has quick_gelu or gelu", o.name,
                       act);
    if (m->text.layers != layers || width % m->text.heads)
        return ss_fail(cx, SS_ERR_MODEL, "%s: %d layers and %d heads, but the weights have %d layers of width %lld",
                       o.name, m->text.layers, m->text.heads, layers, (long long)width);
    return SS_OK;
}

/* `other_vae`: the autoencoder comes from elsewhere, so the folder may lack its own. */
static ss_status configure(ss_model *m, ss_ctx *cx, const char *folder, bool open_clip, bool other_vae) {
    static const struct {
        const char *part, *file;
    } which[4] = {{"unet", "config.json"},
                  {"vae", "config.json"},
                  {"text_encoder", "config.json"},
                  {"scheduler", "scheduler_config.json"}};
    json_t *config[4] = {0};
    ss_status st = SS_OK;
    for (int i = 0; i < 4 && folder && !st; i++)
        st = read_config(&config[i], cx, folder, which[i].part, which[i].file, i == 3 || (i == 1 && other_vae));
    if (!st) st = configure_unet(m, cx, (ss_object){config[0], "unet/config.json"});
    if (!st) st = configure_vae(m, cx, (ss_object){config[1], "vae/config.json"});
    if (!st) st = configure_text(m, cx, (ss_object){config[2], "text_encoder/config.json"}, open_clip);
    if (!st) m->scheduler = config[3], config[3] = NULL;
    for (int i = 0; i < 4; i++) json_decref(config[i]);
    return st;
}

static ss_status configure_prediction(ss_model *m, ss_ctx *cx, const ss_model_options *o, const char *global_step) {
    const char *type = o->prediction;
    if (!type || !strcmp(type, "auto")) {
        ss_object s = {m->scheduler, "scheduler/scheduler_config.json"};
        /* SD 2 files without a configuration: 875000 steps is the 512 base model, which predicts noise. */
        bool v = m->sd2 && !m->scheduler && (!global_step || strcmp(global_step, "875000"));
        type = ss_json_text(cx, s, "prediction_type", v ? "v_prediction" : "epsilon");
        if (!m->scheduler) m->size = v ? 768 : 512;
    }
    if (cx->status) return cx->status;
    m->predicts_v = !strcmp(type, "v") || !strcmp(type, "v_prediction");
    if (!m->predicts_v && strcmp(type, "epsilon"))
        return ss_fail(cx, SS_ERR_ARG, "prediction \"%s\" is not known: choose auto, epsilon or v", type);
    return SS_OK;
}

/* ---- every tensor accounted for */

ss_status ss_shape_walk(ss_ctx *cx, ss_dtype numbers, ss_status (*walk)(ss_ctx *cx, void *user), void *user,
                        size_t *peak) {
    ss_device shapes = {.kind = SS_SHAPE, .numbers = numbers, .threads = 1}, *device = cx->device;
    struct ss_arena *arena = cx->arena;
    struct ss_control *control = cx->control;
    struct ss_watch *watch = cx->watch;
    struct ss_tape *tape = cx->tape;
    ss_arena *counting = ss_arena_new(cx, true);
    if (!counting) return cx->status;
    cx->device = &shapes, cx->arena = counting, cx->control = NULL, cx->watch = NULL, cx->tape = NULL;
    ss_status st = walk(cx, user);
    if (peak) *peak = counting->peak;
    cx->device = device, cx->arena = arena, cx->control = control, cx->watch = watch, cx->tape = tape;
    ss_arena_free(counting);
    return st;
}

static ss_status walk_all(ss_ctx *cx, void *user) {
    ss_model *m = user;
    static const int32_t ids[77];
    static const float t[1];
    ss_tensor *text = ss_clip_text_run(cx, &m->text, ids, 1, 0);
    ss_tensor *x = ss_tensor_wrap(cx, NULL, 4, (int64_t[]){1, 4, 8, 8});
    if (text) m->unet_text_width = ss_channels(text);
    ss_tensor *e = text && x ? ss_unet_run(cx, &m->unet, x, t, text, 0) : NULL;
    if (e && ss_channels(e) != 4)
        return ss_fail(cx, SS_ERR_MODEL, "unet: conv_out gives %lld channels, the latent has 4",
                       (long long)ss_channels(e));
    if (!e) return cx->status;
    ss_tensor *z = ss_tensor_wrap(cx, NULL, 4, (int64_t[]){1, 4, 8, 8});
    ss_tensor *rgb = ss_vae_decode(cx, &m->vae, z);
    if (rgb && ss_channels(rgb) != 3)
        return ss_fail(cx, SS_ERR_MODEL, "vae: decoder.conv_out gives %lld channels, a picture has 3",
                       (long long)ss_channels(rgb));
    ss_tensor *moments = rgb ? ss_vae_encode(cx, &m->vae, rgb) : NULL;
    if (moments && ss_channels(moments) != 8)
        return ss_fail(cx, SS_ERR_MODEL, "vae: its latents have %lld channels, the UNet takes 4",
                       (long long)ss_channels(moments) / 2);
    return cx->status;
}

static void mark_mapped(const ss_model *m, ss_params *p) {
    for (int64_t j = 0; j < p->count; j++)
        for (int i = 0; i < m->files; i++)
            for (int k = 0; k < m->file[i]->map_count; k++) {
                const ss_map *map = &m->file[i]->maps[k];
                uintptr_t at = (uintptr_t)p->at[j].stored, start = (uintptr_t)map->bytes;
                if (at >= start && at - start < map->size) p->at[j].mapped = true;
            }
}

/* Whether numbers lie in the file as the device packs them from, or were unpacked, gathered or have odd types. */
static bool stored_plainly(const ss_param *p) {
    return p->mapped && (p->dtype == SS_F32 || p->dtype == SS_F16 || p->dtype == SS_BF16);
}

static ss_status account(ss_model *m, ss_ctx *cx) {
    static const ss_part all[] = {SS_PART_TEXT, SS_PART_UNET, SS_PART_VAE};
    int64_t odd = 0;
    ss_status st = ss_shape_walk(cx, SS_F32, walk_all, m, NULL);
    for (int i = 0; i < 3 && !st; i++) {
        ss_params *p = params(m, all[i]);
        st = ss_params_account(p, cx);
        m->tensors += p->count;
        mark_mapped(m, p);
        for (int64_t j = 0; j < p->count; j++) {
            ss_param_let_go(&p->at[j]);
            int64_t n = 1;
            for (int d = 0; d < p->at[j].rank; d++) n *= p->at[j].shape[d];
            m->parameters += n;
            if (!stored_plainly(&p->at[j])) odd += n;
        }
    }
    if (!st && odd > m->parameters / 8)
        ss_note(cx,
                "%s stores its numbers compressed, in pieces or in an unusual type, which costs time at every start: "
                "`selfsame convert --to checkpoint -m %s -o FILE` writes them plainly, once",
                m->path, m->path);
    return st;
}

/* Every id that the tokenizer may give has its row in the embedding table. */
static ss_status check_vocabulary(const ss_model *m, ss_ctx *cx) {
    const ss_param *table = ss_params_find(&m->text.params, "text_model.embeddings.token_embedding.weight");
    int tokens = ss_tokenizer_count(m->tokenizer);
    char text[64];
    if (table->shape[0] >= tokens) return SS_OK;
    return ss_fail(cx, SS_ERR_MODEL,
                   "the tokenizer has %d tokens, but text_encoder's %s is %s: they belong to different models", tokens,
                   table->name, ss_shape_text(text, table->rank, table->shape));
}

/* ---- */

static ss_status open_vae(ss_model *m, ss_ctx *cx, const char *path) {
    char inner[4096];
    const ss_weights *w = NULL;
    if (is_folder(path)) {
        snprintf(inner, sizeof inner, "%s/vae", path);
        return take_folder(m, cx, is_folder(inner) ? inner : path, SS_PART_VAE);
    }
    ss_status st = open_file(m, cx, path, &w);
    char name[SS_NAME];
    ss_leftover l = {0};
    for (int64_t i = 0; !st && i < w->count; i++) {
        ss_part part = ss_rename_single(name, w->at[i].name);
        if (part == SS_PART_VAE)
            st = add(&m->vae.params, cx, name, &w->at[i]);
        else if (part == SS_PART_NONE)
            ss_leave(&l, w->at[i].name, w->at[i].rank, w->at[i].shape);
    }
    if (!st && !m->vae.params.count)
        st = ss_fail(cx, SS_ERR_MODEL,
                     "%s is no autoencoder: none of its %lld tensors is named like one of an autoencoder", path,
                     (long long)w->count);
    if (!st && l.count)
        st = ss_fail(cx, SS_ERR_MODEL, "%s: %lld tensors are left over: %s", path, (long long)l.count, l.text);
    return st;
}

static ss_status open_single(ss_model *m, ss_ctx *cx, const ss_model_options *o) {
    const ss_weights *w = NULL;
    m->single_file = true;
    ss_status st = open_file(m, cx, m->path, &w);
    if (!st) st = take_single(m, cx, w, o);
    if (!st && o->vae) st = open_vae(m, cx, o->vae);
    if (st) return st;
    bool open_clip = ss_weights_find(w, "cond_stage_model.model.ln_final.weight") != NULL;
    for (ss_part part = SS_PART_UNET; part <= SS_PART_TEXT && !st; part++) st = ss_params_sort(params(m, part), cx);
    const ss_param *proj = ss_params_find(&m->unet.params, "mid_block.attentions.0.proj_in.weight");
    m->sd2 = open_clip || (proj && proj->rank == 2);
    if (!st) st = configure(m, cx, o->config, open_clip, o->vae);
    if (!st) st = configure_prediction(m, cx, o, ss_weights_metadata(w, "global_step"));
    if (!st && o->config) {
        char tokenizer[4096];
        snprintf(tokenizer, sizeof tokenizer, "%s/tokenizer", o->config);
        st = ss_tokenizer_open(&m->tokenizer, cx, tokenizer);
    } else if (!st) {
        st = ss_tokenizer_builtin(&m->tokenizer, cx, m->sd2 ? 0 : SS_END_OF_TEXT);
    }
    return st;
}

static ss_status open_folder(ss_model *m, ss_ctx *cx, const ss_model_options *o) {
    char path[4096];
    ss_status st = SS_OK;
    for (ss_part part = SS_PART_UNET; part <= SS_PART_TEXT && !st; part++) {
        snprintf(path, sizeof path, "%s/%s", m->path, components[part].folder);
        if (part == SS_PART_VAE && o->vae)
            st = open_vae(m, cx, o->vae);
        else if (!is_folder(path))
            st = ss_fail(cx, SS_ERR_MODEL, "%s is a folder, but it holds no model: it has no %s/ in it", m->path,
                         components[part].folder);
        else
            st = take_folder(m, cx, path, part);
        if (!st) st = ss_params_sort(params(m, part), cx);
    }
    const ss_param *proj = ss_params_find(&m->unet.params, "mid_block.attentions.0.proj_in.weight");
    m->sd2 = proj && proj->rank == 2;
    if (!st && o->ema) st = ss_fail(cx, SS_ERR_ARG, "averaged weights lie in single files; %s is a folder", m->path);
    if (!st) st = configure(m, cx, o->config ? o->config : m->path, false, o->vae);
    if (!st) st = configure_prediction(m, cx, o, NULL);
    snprintf(path, sizeof path, "%s/tokenizer", o->config ? o->config : m->path);
    if (!st)
        st = is_folder(path) ? ss_tokenizer_open(&m->tokenizer, cx, path)
                             : ss_tokenizer_builtin(&m->tokenizer, cx, m->sd2 ? 0 : SS_END_OF_TEXT);
    return st;
}

ss_status ss_model_open(ss_model **out, ss_ctx *cx, const char *path, const ss_model_options *options) {
    static const ss_model_options none;
    if (!options) options = &none;
    ss_ctx_clear(cx);
    ss_model *m = ss_alloc(cx, 1, sizeof *m);
    if (!m) return SS_ERR_NOMEM;
    m->unet.params.part = "unet", m->vae.params.part = "vae", m->text.params.part = "text_encoder";
    m->path = ss_strdup(cx, path);
    if (options->config || is_folder(path)) m->config = ss_strdup(cx, options->config ? options->config : path);
    ss_status st = cx->status;
    if (!st) st = is_folder(path) ? open_folder(m, cx, options) : open_single(m, cx, options);
    if (!st) st = account(m, cx);
    if (!st) st = check_vocabulary(m, cx);
    if (st) {
        ss_model_free(m);
        return st;
    }
    *out = m;
    return SS_OK;
}

void ss_model_free(ss_model *m) {
    if (!m) return;
    ss_params_clear(&m->unet.params);
    ss_params_clear(&m->vae.params);
    ss_params_clear(&m->text.params);
    ss_tokenizer_free(m->tokenizer);
    json_decref(m->scheduler);
    ss_model_forget_alterations(m);
    for (int i = 0; i < m->files; i++) ss_weights_close(m->file[i]);
    free(m->path);
    free(m->config);
    free(m);
}

const char *ss_model_config(const ss_model *m) { return m->config; }

const char *ss_model_scheduler(const ss_model *m) {
    const char *name = json_string_value(json_object_get(m->scheduler, "_class_name"));
    return name ? name : "PNDMScheduler";
}
