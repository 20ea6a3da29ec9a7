/* Stable Diffusion 2.x, from a folder and from single files: the tiny model in that family's shape. Single files have
 * the text encoder under OpenCLIP's names, queries, keys and values in one matrix, and a last layer that nothing uses.
 */
#include "model/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/golden.h"
#include "support/made.h"

#define TINY GOLDEN_DIR "/tiny-sd15"
#define SINGLE TINY "/single/tiny-sd15.safetensors"
#define TEXT "text_encoder/model.safetensors"

enum { LAYERS = 3 }; /* of the tiny text encoder */

typedef struct place {
    ss_ctx *cx;
    char *dir;
    char *model; /* the tiny model as a folder of SD 2.x */
} place;

/* SD 2.x projects around its transformers by matrices; SD 1.x by convolutions of one pixel, numbers in the same order.
 */
static void flatten_projections(made *t, const char *network) {
    for (int64_t i = 0; i < t->count; i++) {
        made_tensor *a = &t->at[i];
        bool ours = !strncmp(a->name, network, strlen(network));
        if (ours && a->rank == 4 && (strstr(a->name, ".proj_in.") || strstr(a->name, ".proj_out."))) a->rank = 2;
    }
}

static int enter(void **state) {
    place *p = calloc(1, sizeof *p);
    if (!p || ss_ctx_new(&p->cx, &(ss_ctx_options){.threads = 1, .numbers = "float32"})) return -1;
    p->dir = made_dir();
    p->model = made_model(p->dir, "sd2");

    const char *unet = made_path(p->model, "unet/diffusion_pytorch_model.safetensors");
    made t = made_read(p->cx, unet);
    flatten_projections(&t, "");
    made_remove(unet);
    made_write(&t, p->cx, unet);
    made_free(&t);
    made_edit(made_path(p->model, "unet/config.json"), "\"attention_head_dim\": 8",
              "\"attention_head_dim\": [2, 4, 4, 2]");
    made_edit(made_path(p->model, "text_encoder/config.json"), "quick_gelu", "gelu");
    made_edit(made_path(p->model, "scheduler/scheduler_config.json"), "\"epsilon\"", "\"v_prediction\"");
    made_edit(made_path(p->model, "tokenizer/special_tokens_map.json"), "\"pad_token\": \"<|endoftext|>\"",
              "\"pad_token\": \"!\"");
    *state = p;
    return 0;
}

static int leave(void **state) {
    place *p = *state;
    ss_ctx_free(p->cx);
    made_dir_free(p->dir);
    free(p->model);
    free(p);
    return 0;
}

/* ------------------------------------------------------------------------------------------------ OpenCLIP's names */

static void copy(made *to, const char *name, int rank, const int64_t *shape, const made *from, const char *key) {
    const made_tensor *t = made_find(from, key);
    made_tensor *y = made_add(to, name, t->dtype, rank, shape);
    assert_int_equal(y->bytes, t->bytes);
    memcpy(y->data, t->data, t->bytes);
}

/* Layer `from` of the folder's text encoder as layer `to` of OpenCLIP's. */
static void add_layer(made *out, const made *in, int from, int to) {
    static const char *const same[][2] = {{"layer_norm1", "ln_1"},
                                          {"layer_norm2", "ln_2"},
                                          {"self_attn.out_proj", "attn.out_proj"},
                                          {"mlp.fc1", "mlp.c_fc"},
                                          {"mlp.fc2", "mlp.c_proj"}};
    static const char *const thirds[] = {"q_proj", "k_proj", "v_proj"}, *const kinds[] = {"weight", "bias"};
    char name[160], key[160];
    for (int k = 0; k < 2; k++) {
        for (int i = 0; i < SS_COUNT_OF(same); i++) {
            snprintf(key, sizeof key, "text_model.encoder.layers.%d.%s.%s", from, same[i][0], kinds[k]);
            snprintf(name, sizeof name, "cond_stage_model.model.transformer.resblocks.%d.%s.%s", to, same[i][1],
                     kinds[k]);
            const made_tensor *t = made_find(in, key);
            copy(out, name, t->rank, t->shape, in, key);
        }
        made_tensor *fused = NULL;
        for (int i = 0; i < 3; i++) {
            snprintf(key, sizeof key, "text_model.encoder.layers.%d.self_attn.%s.%s", from, thirds[i], kinds[k]);
            snprintf(name, sizeof name, "cond_stage_model.model.transformer.resblocks.%d.attn.in_proj_%s", to,
                     kinds[k]);
            const made_tensor *t = made_find(in, key);
            if (!i) fused = made_add(out, name, t->dtype, t->rank, (int64_t[]){3 * t->shape[0], t->shape[1]});
            memcpy((char *)fused->data + (size_t)i * t->bytes, t->data, t->bytes);
        }
    }
}

/* The folder as a single file of `layers` text layers; those beyond the folder's hold numbers that would be noticed. */
static made single_file(const place *p, int layers) {
    made t = made_read(p->cx, SINGLE), text = made_read(p->cx, made_path(p->model, TEXT));
    flatten_projections(&t, "model.diffusion_model.");
    for (int64_t i = t.count; i-- > 0;)
        if (!strncmp(t.at[i].name, "cond_stage_model.", 17)) made_drop(&t, t.at[i].name);

    static const char *const top[][2] = {
        {"text_model.embeddings.token_embedding.weight", "cond_stage_model.model.token_embedding.weight"},
        {"text_model.embeddings.position_embedding.weight", "cond_stage_model.model.positional_embedding"},
        {"text_model.final_layer_norm.weight", "cond_stage_model.model.ln_final.weight"},
        {"text_model.final_layer_norm.bias", "cond_stage_model.model.ln_final.bias"}};
    for (int i = 0; i < SS_COUNT_OF(top); i++) {
        const made_tensor *from = made_find(&text, top[i][0]);
        copy(&t, top[i][1], from->rank, from->shape, &text, top[i][0]);
    }
    for (int i = 0; i < layers; i++) add_layer(&t, &text, i < LAYERS ? i : 0, i);
    made_add(&t, "cond_stage_model.model.text_projection", SS_F16, 2, (int64_t[]){40, 40});
    made_add(&t, "cond_stage_model.model.logit_scale", SS_F32, 0, NULL);
    made_free(&text);
    return t;
}

/* ------------------------------------------------------------------------------------------------ */

static void single_files_draw_like_the_folder(void **state) {
    place *p = *state;
    const ss_model_options config = {.config = p->model};
    made t = single_file(p, LAYERS + 1);
    static const char *const names[] = {"sd2.safetensors", "sd2.ckpt"};
    for (int i = 0; i < SS_COUNT_OF(names); i++) {
        const char *file = made_path(p->dir, "%s", names[i]);
        ss_model *m = NULL;
        made_write(&t, p->cx, file);
        made_draw_alike(p->cx, p->model, NULL, file, &config);
        if (ss_model_open(&m, p->cx, file, &config)) fail_msg("%s", ss_ctx_error(p->cx));
        assert_string_equal(ss_model_describe(m).family, "SD 2.x");
        assert_string_equal(ss_model_describe(m).prediction, "v");
        ss_model_free(m);
    }
    made_free(&t);
}

/* Files that others made from folders lack the layer that nothing uses. */
static void files_without_the_unused_layer_draw_like_the_folder(void **state) {
    place *p = *state;
    const char *file = made_path(p->dir, "sd2.safetensors");
    made t = single_file(p, LAYERS);
    made_write(&t, p->cx, file);
    made_draw_alike(p->cx, p->model, NULL, file, &(ss_model_options){.config = p->model});
    made_free(&t);
}

/* From the folder and from a single file, into either. The fingerprint says the same of both. */
static void what_we_write_draws_like_what_we_read(void **state) {
    place *p = *state;
    const ss_model_options config = {.config = p->model};
    static const char *const names[] = {"again.safetensors", "again.ckpt", "again"};
    const char *file = made_path(p->dir, "sd2.safetensors");
    char is[65], should_be[65];
    made t = single_file(p, LAYERS + 1);
    made_write(&t, p->cx, file);
    made_free(&t);
    for (int k = 0; k < 2; k++) {
        ss_model *m = NULL;
        if (ss_model_open(&m, p->cx, k ? file : p->model, &config)) fail_msg("%s", ss_ctx_error(p->cx));
        assert_int_equal(ss_model_fingerprint(k ? is : should_be, p->cx, m), SS_OK);
        for (int i = 0; i < SS_COUNT_OF(names); i++) {
            const char *path = made_path(p->dir, "%d-%s", k, names[i]);
            if (ss_model_write(p->cx, m, path, false)) fail_msg("%s", ss_ctx_error(p->cx));
            made_draw_alike(p->cx, p->model, NULL, path, i < 2 ? &config : NULL);
        }
        ss_model_free(m);
    }
    assert_string_equal(is, should_be);
}

static void layers_too_many_or_too_few_are_counted(void **state) {
    place *p = *state;
    static const struct {
        int layers;
        const char *words;
    } cases[] = {{LAYERS + 2, "the weights have 5 layers"}, {LAYERS - 1, "the weights have 2 layers"}};
    for (int i = 0; i < SS_COUNT_OF(cases); i++) {
        const char *file = made_path(p->dir, "sd2.safetensors");
        ss_model *m = NULL;
        made t = single_file(p, cases[i].layers);
        made_write(&t, p->cx, file);
        made_free(&t);
        assert_int_equal(ss_model_open(&m, p->cx, file, &(ss_model_options){.config = p->model}), SS_ERR_MODEL);
        if (!strstr(ss_ctx_error(p->cx), cases[i].words)) fail_msg("%s", ss_ctx_error(p->cx));
    }
}

static void matrices_that_do_not_divide_are_named(void **state) {
    place *p = *state;
    const char *file = made_path(p->dir, "sd2.safetensors");
    ss_model *m = NULL;
    made t = single_file(p, LAYERS + 1);
    made_add(&t, "cond_stage_model.model.transformer.resblocks.1.attn.in_proj_weight", SS_F16, 2, (int64_t[]){121, 40});
    made_write(&t, p->cx, file);
    made_free(&t);
    assert_int_equal(ss_model_open(&m, p->cx, file, &(ss_model_options){.config = p->model}), SS_ERR_MODEL);
    if (!strstr(ss_ctx_error(p->cx), "resblocks.1.attn.in_proj_weight does not divide"))
        fail_msg("%s", ss_ctx_error(p->cx));
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, enter, leave)
    const struct CMUnitTest tests[] = {
        TEST(single_files_draw_like_the_folder),     TEST(files_without_the_unused_layer_draw_like_the_folder),
        TEST(what_we_write_draws_like_what_we_read), TEST(layers_too_many_or_too_few_are_counted),
        TEST(matrices_that_do_not_divide_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
