/* Opening a CLIP, and features. */
#include "model/clip_model.h"

#include "io/image.h"
#include "io/json.h"
#include "model/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- files */

static ss_status open_weights(ss_clip *c, ss_ctx *cx, const char *folder) {
    static const char *const names[] = {"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin"};
    char path[4096];
    for (int i = 0; i < SS_COUNT_OF(names); i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        if (!access(path, F_OK)) return ss_weights_open(&c->file, cx, path);
    }
    return ss_fail(cx, SS_ERR_FILE, "%s holds no CLIP: it has no model.safetensors or pytorch_model.bin", folder);
}

/* position_ids are 0, 1, 2 ...: a buffer, no weight. Later releases of transformers read the spelling without a typo,
 * too. */
static ss_status take_weights(ss_clip *c, ss_ctx *cx) {
    ss_status st = SS_OK;
    for (int64_t i = 0; i < c->file->count && !st; i++) {
        const ss_stored *t = &c->file->at[i];
        const char *name = t->name, *typo = strstr(name, "vision_model.pre_layernorm.");
        char other[80];
        if (strstr(name, ".position_ids")) continue;
        if (ss_dtype_size(t->dtype) == 0)
            return ss_fail(cx, SS_ERR_MODEL, "clip: %s is stored as %s, which holds no usable numbers", name,
                           t->type_name);
        if (typo == name) {
            snprintf(other, sizeof other, "vision_model.pre_layrnorm.%s", strrchr(name, '.') + 1);
            name = other;
        }
        st = ss_params_add(&c->text.params, cx, name, t->dtype, t->rank, t->shape, t->data);
    }
    return st ? st : ss_params_sort(&c->text.params, cx);
}

static ss_status open_tokenizer(ss_clip *c, ss_ctx *cx, const char *folder) {
    static const char *const places[] = {"%s", "%s/../tokenizer"};
    char path[4096], file[4200];
    for (int i = 0; i < SS_COUNT_OF(places); i++) {
        snprintf(path, sizeof path, places[i], folder);
        snprintf(file, sizeof file, "%s/vocab.json", path);
        if (!access(file, F_OK)) return ss_tokenizer_open(&c->tokenizer, cx, path);
    }
    return ss_tokenizer_builtin(&c->tokenizer, cx, SS_END_OF_TEXT);
}

/* ---- settings. A file may leave out what is as in ViT-B/32. */

static int count_of(ss_ctx *cx, ss_object o, const char *key, int64_t absent) {
    int64_t n = ss_json_int(cx, o, key, absent);
    if (n >= 1 && n <= 1 << 14) return (int)n;
    ss_fail(cx, SS_ERR_MODEL, "%s: %s is %lld", o.name, key, (long long)n);
    return 1;
}

static bool quick_gelu(ss_ctx *cx, ss_object o) {
    const char *act = ss_json_text(cx, o, "hidden_act", "quick_gelu");
    if (strcmp(act, "quick_gelu") && strcmp(act, "gelu"))
        ss_fail(cx, SS_ERR_MODEL, "%s: hidden_act is %s; CLIP has quick_gelu or gelu", o.name, act);
    return !strcmp(act, "quick_gelu");
}

static void check_heads(const ss_clip *c, ss_ctx *cx, const char *name, int heads) {
    const ss_param *p = ss_params_find(&c->text.params, name);
    if (p && p->rank == 2 && p->shape[1] % heads)
        ss_fail(cx, SS_ERR_MODEL, "config.json: num_attention_heads is %d, but %s has %lld channels", heads, name,
                (long long)p->shape[1]);
}

static ss_status configure(ss_clip *c, ss_ctx *cx, ss_object o) {
    ss_object text = ss_json_object(cx, o, "text_config"), vision = ss_json_object(cx, o, "vision_config");
    c->text.layers = count_of(cx, text, "num_hidden_layers", 12);
    c->text.heads = count_of(cx, text, "num_attention_heads", 8);
    c->text.quick_gelu = quick_gelu(cx, text);
    c->vision.layers = count_of(cx, vision, "num_hidden_layers", 12);
    c->vision.heads = count_of(cx, vision, "num_attention_heads", 12);
    c->vision.quick_gelu = quick_gelu(cx, vision);
    c->side = c->crop = count_of(cx, vision, "image_size", 224);
    if (cx->status) return cx->status;
    check_heads(c, cx, "text_model.embeddings.position_embedding.weight", c->text.heads);
    check_heads(c, cx, "vision_model.embeddings.position_embedding.weight", c->vision.heads);
    return cx->status;
}

/* 224, or {"shortest_edge": 224}, or {"height": 224, "width": 224}. */
static int pixels(ss_ctx *cx, ss_object o, const char *key, const char *inner, int absent) {
    const json_t *v = json_object_get(o.json, key);
    if (!json_is_object(v)) return count_of(cx, o, key, absent);
    int n = count_of(cx, (ss_object){v, o.name}, inner, absent);
    if (!strcmp(inner, "height") && count_of(cx, (ss_object){v, o.name}, "width", absent) != n)
        ss_fail(cx, SS_ERR_MODEL, "%s: %s is no square", o.name, key);
    return n;
}

static void colours(float y[3], ss_ctx *cx, ss_object o, const char *key) {
    const json_t *list = ss_json_array(cx, o, key);
    bool good = !list || json_array_size(list) == 3;
    for (size_t i = 0; list && i < 3 && good; i++) {
        const json_t *v = json_array_get(list, i);
        good = json_is_number(v);
        y[i] = (float)json_number_value(v);
    }
    if (!good) ss_fail(cx, SS_ERR_MODEL, "%s: %s has to be three numbers", o.name, key);
}

static ss_status configure_pictures(ss_clip *c, ss_ctx *cx, ss_object o) {
    static const char *const steps[] = {"do_resize", "do_center_crop", "do_normalize"};
    const float mean[3] = {0.48145466f, 0.4578275f, 0.40821073f}, std[3] = {0.26862954f, 0.26130258f, 0.27577711f};
    memcpy(c->mean, mean, sizeof mean);
    memcpy(c->std, std, sizeof std);
    for (int i = 0; i < SS_COUNT_OF(steps); i++)
        if (!ss_json_bool(cx, o, steps[i], true))
            ss_fail(cx, SS_ERR_MODEL, "%s: %s is false; pictures are shrunk, cropped and normalised for CLIP", o.name,
                    steps[i]);
    if (ss_json_int(cx, o, "resample", 3) != 3)
        ss_fail(cx, SS_ERR_MODEL, "%s: resample is %lld; pictures are shrunk by the bicubic filter, 3", o.name,
                (long long)ss_json_int(cx, o, "resample", 3));
    c->side = pixels(cx, o, "size", "shortest_edge", c->side);
    c->crop = pixels(cx, o, "crop_size", "height", c->crop);
    colours(c->mean, cx, o, "image_mean");
    colours(c->std, cx, o, "image_std");
    for (int i = 0; i < 3; i++)
        if (!(c->std[i] > 0)) ss_fail(cx, SS_ERR_MODEL, "%s: image_std has to be positive", o.name);
    if (c->crop > c->side)
        ss_fail(cx, SS_ERR_MODEL, "%s: a square of %d pixels does not fit into pictures of %d", o.name, c->crop,
                c->side);
    return cx->status;
}

static ss_status read_settings(ss_clip *c, ss_ctx *cx, const char *folder) {
    json_t *config = NULL, *pictures = NULL;
    char path[4096];
    snprintf(path, sizeof path, "%s/config.json", folder);
    ss_status st = ss_json_read(&config, cx, path);
    if (!st) st = configure(c, cx, (ss_object){config, "config.json"});
    snprintf(path, sizeof path, "%s/preprocessor_config.json", folder);
    if (!st && !access(path, F_OK)) st = ss_json_read(&pictures, cx, path);
    if (!st) st = configure_pictures(c, cx, (ss_object){pictures, "preprocessor_config.json"});
    json_decref(config);
    json_decref(pictures);
    return st;
}

/* ---- every tensor accounted for */

static ss_status walk(ss_ctx *cx, void *user) {
    ss_clip *c = user;
    static const int32_t ids[SS_TOKENS];
    ss_tensor *text = ss_clip_text_project(cx, &c->text, ids, 0);
    ss_tensor *x = text ? ss_tensor_wrap(cx, NULL, 4, (int64_t[]){1, 3, c->crop, c->crop}) : NULL;
    ss_tensor *picture = x ? ss_clip_vision_project(cx, &c->vision, x) : NULL;
    /* The temperature of CLIP's training: no score is multiplied by it, but it belongs to the checkpoint. */
    if (!picture || !ss_param_tensor(cx, ss_root(&c->text.params), "logit_scale")) return cx->status;
    if (ss_channels(text) != ss_channels(picture))
        return ss_fail(cx, SS_ERR_MODEL, "clip: texts become %lld numbers and pictures %lld",
                       (long long)ss_channels(text), (long long)ss_channels(picture));
    c->width = ss_channels(text);
    return SS_OK;
}

static ss_status check_vocabulary(const ss_clip *c, ss_ctx *cx) {
    const ss_param *table = ss_params_find(&c->text.params, "text_model.embeddings.token_embedding.weight");
    int tokens = ss_tokenizer_count(c->tokenizer);
    char text[64];
    if (table->shape[0] >= tokens) return SS_OK;
    return ss_fail(cx, SS_ERR_MODEL,
                   "the tokenizer has %d tokens, but clip's %s is %s: they belong to different models", tokens,
                   table->name, ss_shape_text(text, table->rank, table->shape));
}

ss_status ss_clip_open(ss_clip **out, ss_ctx *cx, const char *folder) {
    ss_clip *c = ss_alloc(cx, 1, sizeof *c);
    if (!c) return SS_ERR_NOMEM;
    c->text.params.part = "clip";
    c->vision.params = &c->text.params;
    ss_status st = open_weights(c, cx, folder);
    if (!st) st = take_weights(c, cx);
    if (!st) st = read_settings(c, cx, folder);
    if (!st) st = ss_shape_walk(cx, SS_F32, walk, c, NULL);
    if (!st) st = ss_params_account(&c->text.params, cx);
    if (!st) st = open_tokenizer(c, cx, folder);
    if (!st) st = check_vocabulary(c, cx);
    if (st)
        ss_clip_free(c);
    else
        *out = c;
    return st;
}

void ss_clip_free(ss_clip *c) {
    if (!c) return;
    ss_params_clear(&c->text.params);
    ss_tokenizer_free(c->tokenizer);
    ss_weights_close(c->file);
    free(c);
}

void ss_clip_rest(ss_clip *c) { ss_params_unpack(&c->text.params); }

/* ---- pictures */

ss_status ss_clip_crop(ss_image *out, ss_ctx *cx, const ss_image *im, int side, int crop) {
    ss_image small = {0};
    int shorter = im->w < im->h ? im->w : im->h;
    int64_t w = (int64_t)side * im->w / shorter, h = (int64_t)side * im->h / shorter;
    if (w > SS_IMAGE_SIDE || h > SS_IMAGE_SIDE)
        return ss_fail(cx, SS_ERR_ARG, "a picture of %dx%d is too narrow for CLIP", im->w, im->h);
    ss_status st = ss_image_resize(&small, cx, im, (int)w, (int)h, SS_BICUBIC);
    if (!st) st = ss_image_crop(out, cx, &small, (ss_box){(small.w - crop) / 2, (small.h - crop) / 2, crop, crop});
    ss_image_free(&small);
    return st;
}

double ss_cosine(const float *a, const float *b, int64_t n) {
    double ab = 0, aa = 0, bb = 0;
    for (int64_t i = 0; i < n; i++) ab += (double)a[i] * b[i], aa += (double)a[i] * a[i], bb += (double)b[i] * b[i];
    return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
}

/* ---- features */

/* Interleaved pixels are channels-last already. */
static ss_tensor *normalised(ss_ctx *cx, const ss_clip *c, const ss_image *im) {
    ss_tensor *x = ss_tensor_new(cx, SS_F32, 4, (int64_t[]){1, 3, c->crop, c->crop});
    for (int64_t i = 0; x && i < ss_count(x); i++)
        x->data[i] = ((float)im->rgb[i] / 255.0f - c->mean[i % 3]) / c->std[i % 3];
    return x;
}

static ss_status take(float *feature, ss_ctx *cx, const ss_clip *c, const ss_tensor *y) {
    if (y) memcpy(feature, y->data, (size_t)c->width * sizeof *feature);
    return cx->status;
}

ss_status ss_clip_image_feature(float *feature, ss_ctx *cx, ss_clip *c, const ss_image *im) {
    ss_image square = {0};
    ss_status st = ss_clip_crop(&square, cx, im, c->side, c->crop);
    if (st) return st;
    ss_mark start = ss_arena_mark(cx->arena);
    ss_dtype numbers = cx->device->numbers;
    cx->device->numbers = SS_F32;
    st = take(feature, cx, c, ss_clip_vision_project(cx, &c->vision, normalised(cx, c, &square)));
    cx->device->numbers = numbers;
    ss_arena_rewind(cx->arena, start);
    ss_image_free(&square);
    return st;
}

ss_status ss_clip_text_feature(float *feature, ss_ctx *cx, ss_clip *c, const char *text) {
    int32_t ids[SS_TOKENS];
    ss_tokens info;
    ss_status st = ss_tokenize(c->tokenizer, cx, text, ids, &info);
    if (st) return st;
    ss_mark start = ss_arena_mark(cx->arena);
    ss_dtype numbers = cx->device->numbers;
    cx->device->numbers = SS_F32;
    st = take(feature, cx, c, ss_clip_text_project(cx, &c->text, ids, info.count - 1));
    cx->device->numbers = numbers;
    ss_arena_rewind(cx->arena, start);
    return st;
}
