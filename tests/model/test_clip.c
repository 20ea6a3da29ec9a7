/* CLIP: what a folder may be, the real sizes, scores of the built-in one. Numbers against the reference: golden. */
#include "model/clip_model.h"

#include "model/model.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/made.h"

#define CLAY SELFSAME_SOURCE_DIR "/models/clay/clip"

static ss_ctx *cx;

static int enter(void **state) {
    (void)state;
    return ss_ctx_new(&cx, &(ss_ctx_options){.threads = 1});
}

static int leave(void **state) {
    (void)state;
    ss_ctx_free(cx);
    return 0;
}

/* ---- real sizes */

typedef struct sizes {
    int64_t side, patch, width, layers, text_width, text_layers, e, tensors, numbers;
} sizes;

static void put(ss_params *p, int rank, const int64_t *shape, const char *format, ...) {
    char name[200];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    assert_int_equal(ss_params_add(p, cx, name, SS_F16, rank, shape, NULL), SS_OK);
}

#define V(...)                                                                                                         \
    1, (const int64_t[]) { __VA_ARGS__ }
#define M(...)                                                                                                         \
    2, (const int64_t[]) { __VA_ARGS__ }

static void put_norm(ss_params *p, const char *name, int64_t w) {
    put(p, V(w), "%s.weight", name);
    put(p, V(w), "%s.bias", name);
}

static void put_tower(ss_params *p, const char *tower, int64_t layers, int64_t w) {
    static const char *const four[] = {"q_proj", "k_proj", "v_proj", "out_proj"};
    char name[100];
    for (int l = 0; l < layers; l++) {
        for (int i = 0; i < 4; i++) {
            put(p, M(w, w), "%s.encoder.layers.%d.self_attn.%s.weight", tower, l, four[i]);
            put(p, V(w), "%s.encoder.layers.%d.self_attn.%s.bias", tower, l, four[i]);
        }
        for (int i = 1; i <= 2; i++) {
            snprintf(name, sizeof name, "%s.encoder.layers.%d.layer_norm%d", tower, l, i);
            put_norm(p, name, w);
            put(p, M(i == 1 ? 4 * w : w, i == 1 ? w : 4 * w), "%s.encoder.layers.%d.mlp.fc%d.weight", tower, l, i);
            put(p, V(i == 1 ? 4 * w : w), "%s.encoder.layers.%d.mlp.fc%d.bias", tower, l, i);
        }
    }
}

static ss_status walk(ss_ctx *with, void *user) {
    ss_clip *c = user;
    static const int32_t ids[SS_TOKENS];
    ss_tensor *x = ss_tensor_wrap(with, NULL, 4, (int64_t[]){1, 3, c->crop, c->crop});
    ss_tensor *picture = ss_clip_vision_project(with, &c->vision, x);
    ss_tensor *text = ss_clip_text_project(with, &c->text, ids, 0);
    assert_true(picture && text && ss_channels(picture) == c->width && ss_channels(text) == c->width);
    return with->status;
}

/* The published counts, every tensor but the temperature read once. */
static void real_sizes(void **state) {
    (void)state;
    static const sizes all[] = {
        {224, 32, 768, 12, 512, 12, 512, 398, 151277313},
        {224, 14, 1024, 24, 768, 12, 768, 590, 427616513},
    };
    for (int i = 0; i < SS_COUNT_OF(all); i++) {
        const sizes *z = &all[i];
        int64_t grid = z->side / z->patch, numbers = 0;
        ss_clip c = {.width = z->e, .crop = (int)z->side};
        ss_params *p = &c.text.params;
        p->part = "clip";
        put(p, 0, (int64_t[]){0}, "logit_scale");
        put(p, M(z->e, z->text_width), "text_projection.weight");
        put(p, M(z->e, z->width), "visual_projection.weight");
        put(p, M(49408, z->text_width), "text_model.embeddings.token_embedding.weight");
        put(p, M(77, z->text_width), "text_model.embeddings.position_embedding.weight");
        put(p, V(z->width), "vision_model.embeddings.class_embedding");
        put(p, 4, (int64_t[]){z->width, 3, z->patch, z->patch}, "vision_model.embeddings.patch_embedding.weight");
        put(p, M(grid * grid + 1, z->width), "vision_model.embeddings.position_embedding.weight");
        put_norm(p, "vision_model.pre_layrnorm", z->width);
        put_norm(p, "vision_model.post_layernorm", z->width);
        put_norm(p, "text_model.final_layer_norm", z->text_width);
        put_tower(p, "text_model", z->text_layers, z->text_width);
        put_tower(p, "vision_model", z->layers, z->width);
        assert_int_equal(ss_params_sort(p, cx), SS_OK);
        assert_int_equal(p->count, z->tensors);
        c.text.layers = (int)z->text_layers, c.text.heads = (int)z->text_width / 64;
        c.vision = (ss_clip_vision){p, (int)z->layers, (int)z->width / 64, true};
        assert_int_equal(ss_shape_walk(cx, SS_F32, walk, &c, NULL), SS_OK);
        for (int64_t k = 0; k < p->count; k++) {
            int64_t n = 1;
            for (int d = 0; d < p->at[k].rank; d++) n *= p->at[k].shape[d];
            numbers += n;
            assert_int_equal(p->at[k].reads, strcmp(p->at[k].name, "logit_scale") != 0);
        }
        assert_int_equal(numbers, z->numbers);
        ss_params_clear(p);
    }
}

/* ---- folders */

/* DIR/clip, links to the built-in one's files; its tokenizer beside it. */
static char *made_clip(const char *dir) {
    static const char *const files[] = {"config.json", "model.safetensors", "preprocessor_config.json"};
    char *clip = strdup(made_path(dir, "clip"));
    assert_int_equal(mkdir(clip, 0777), 0);
    for (int i = 0; i < SS_COUNT_OF(files); i++)
        assert_int_equal(symlink(made_path(CLAY, "%s", files[i]), made_path(clip, "%s", files[i])), 0);
    assert_int_equal(symlink(CLAY "/../tokenizer", made_path(dir, "tokenizer")), 0);
    return clip;
}

static void refused(const char *clip, const char *part) {
    ss_clip *c = NULL;
    assert_int_not_equal(ss_clip_open(&c, cx, clip), SS_OK);
    assert_null(c);
    if (!strstr(ss_ctx_error(cx), part)) fail_msg("\"%s\" does not say \"%s\"", ss_ctx_error(cx), part);
    ss_ctx_clear(cx);
}

static void edited(const char *file, const char *from, const char *to, const char *part) {
    char *dir = made_dir(), *clip = made_clip(dir);
    made_edit(made_path(clip, "%s", file), from, to);
    refused(clip, part);
    free(clip);
    made_dir_free(dir);
}

static void settings_that_do_not_fit(void **state) {
    (void)state;
    edited("config.json", "\"num_attention_heads\": 5", "\"num_attention_heads\": 7", "num_attention_heads is 7");
    edited("config.json", "\"hidden_act\": \"quick_gelu\"", "\"hidden_act\": \"relu\"", "hidden_act is relu");
    edited("config.json", "\"num_hidden_layers\": 4", "\"num_hidden_layers\": 3", "left over");
    edited("config.json", "\"num_hidden_layers\": 4", "\"num_hidden_layers\": 5", "layers.4");
    edited("preprocessor_config.json", "\"crop_size\": 128", "\"crop_size\": 112", "112 x 112 pixels in patches of 16");
    edited("preprocessor_config.json", "\"crop_size\": 128", "\"crop_size\": 256", "does not fit");
    edited("preprocessor_config.json", "\"resample\": 3", "\"resample\": 2", "resample is 2");
    edited("preprocessor_config.json", "\"do_resize\": true", "\"do_resize\": false", "do_resize");
    edited("preprocessor_config.json", "0.26130258", "0", "image_std");
}

static void weights_that_do_not_fit(void **state) {
    (void)state;
    char *dir = made_dir(), *clip = made_clip(dir);
    made m = made_read(cx, made_path(clip, "model.safetensors"));
    made_rename(&m, "visual_projection.weight", "visual.projection.weight");
    made_remove(made_path(clip, "model.safetensors"));
    made_write(&m, cx, made_path(clip, "model.safetensors"));
    refused(clip, "the checkpoint has no visual_projection.weight");
    made_remove(made_path(clip, "model.safetensors"));
    refused(clip, "holds no CLIP");
    /* The typo of every published file, put right. */
    made_rename(&m, "visual.projection.weight", "visual_projection.weight");
    made_rename(&m, "vision_model.pre_layrnorm.weight", "vision_model.pre_layernorm.weight");
    made_rename(&m, "vision_model.pre_layrnorm.bias", "vision_model.pre_layernorm.bias");
    made_write(&m, cx, made_path(clip, "model.safetensors"));
    ss_clip *c = NULL;
    if (ss_clip_open(&c, cx, clip)) fail_msg("%s", ss_ctx_error(cx));
    ss_clip_free(c);
    made_remove(made_path(dir, "tokenizer"));
    refused(clip, "49408 tokens");
    made_free(&m);
    free(clip);
    made_dir_free(dir);
}

/* ---- scores */

/* A picture of one figure is nearer to its own caption than to others', whatever numbers the device computes with. */
static void tells_pictures_by_their_captions(void **state) {
    (void)state;
    static const char *const caption[] = {"a red dog standing in a meadow", "a blue duck standing in the snow",
                                          "a yellow elephant standing on a beach"};
    static const char *const words[3][4] = {
        {"dog", "red", "meadow"}, {"duck", "blue", "snow"}, {"elephant", "yellow", "beach"}};
    ss_clip *c = NULL;
    if (ss_clip_open(&c, cx, CLAY)) fail_msg("%s", ss_ctx_error(cx));
    float text[3][128], picture[128];
    assert_int_equal(c->width, 128);
    for (int i = 0; i < 3; i++) assert_int_equal(ss_clip_text_feature(text[i], cx, c, caption[i]), SS_OK);
    for (int i = 0; i < 3; i++) {
        ss_clay_request q = {.seed = 9001, .small = true};
        q.word[SS_CLAY_SPECIES] = words[i][0], q.word[SS_CLAY_COLOR] = words[i][1], q.word[SS_CLAY_PLACE] = words[i][2];
        q.word[SS_CLAY_ACTION] = "standing";
        ss_clay_scene scene;
        ss_image im = {200, 200, malloc(3 * 200 * 200)};
        assert_int_equal(ss_clay_scene_draw(&scene, cx, &q, 0), SS_OK);
        assert_int_equal(ss_clay_render(cx, &scene, &(ss_clay_picture){.size = 200, .samples = 1, .rgb = im.rgb}), 0);
        assert_int_equal(ss_clip_image_feature(picture, cx, c, &im), SS_OK);
        double own = ss_cosine(picture, text[i], 128);
        for (int j = 0; j < 3; j++)
            if (j != i && !(ss_cosine(picture, text[j], 128) < own))
                fail_msg("%s: no nearer than to %s", caption[i], caption[j]);
        ss_image_free(&im);
    }
    ss_clip_free(c);
}

static void crops_as_the_reference(void **state) {
    (void)state;
    /* Channel c is (3 x + 5 y + 40 c + floor(x y / 7)) mod 256; sums and pixels by Pillow. */
    static const int64_t want[3] = {6401119, 6406887, 6399854};
    static const uint8_t corner[3] = {169, 219, 211};
    ss_image im = {300, 260, malloc(3 * 300 * 260)}, cut = {0};
    for (int i = 0; i < 300 * 260 * 3; i++) {
        int x = i / 3 % 300, y = i / 900;
        im.rgb[i] = (uint8_t)(3 * x + 5 * y + 40 * (i % 3) + x * y / 7);
    }
    assert_int_equal(ss_clip_crop(&cut, cx, &im, 224, 224), SS_OK);
    int64_t sum[3] = {0};
    for (int i = 0; i < 224 * 224 * 3; i++) sum[i % 3] += cut.rgb[i];
    assert_memory_equal(sum, want, sizeof sum);
    assert_memory_equal(cut.rgb + 3 * (224 * 224 - 1), corner, 3);
    ss_image_free(&im);
    ss_image_free(&cut);
    im = (ss_image){1, 400, calloc(400, 3)};
    assert_int_equal(ss_clip_crop(&cut, cx, &im, 224, 224), SS_ERR_ARG);
    ss_ctx_clear(cx);
    ss_image_free(&im);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_sizes),
        cmocka_unit_test(settings_that_do_not_fit),
        cmocka_unit_test(weights_that_do_not_fit),
        cmocka_unit_test(tells_pictures_by_their_captions),
        cmocka_unit_test(crops_as_the_reference),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
