/* Opening models: what is no model, or a damaged one, is refused with a sentence that names the thing; every layout and
 * storage that people have is accepted and means the same numbers.
 */
#include "model/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/golden.h"
#include "support/made.h"

#define TINY GOLDEN_DIR "/tiny-sd15"
#define SINGLE TINY "/single/tiny-sd15"
#define UNET "unet/diffusion_pytorch_model.safetensors"
#define VAE "vae/diffusion_pytorch_model.safetensors"
#define TEXT "text_encoder/model.safetensors"

/* For rows whose sentence comes from an operation, the JSON reader or the model. */
static const ss_status ANY = (ss_status)1;

static const ss_model_options with_config = {.config = TINY}, with_ema = {.config = TINY, .ema = true};

typedef struct place {
    ss_ctx *cx;
    char *dir;
    char *model; /* a folder of links to the tiny model */
} place;

static int enter(void **state) {
    place *p = calloc(1, sizeof *p);
    if (!p || ss_ctx_new(&p->cx, &(ss_ctx_options){.threads = 1, .numbers = "float32"})) return -1;
    p->dir = made_dir();
    p->model = made_model(p->dir, "model");
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

/* ------------------------------------------------------------------------------------------------ what is asked of it
 */

/* Refused with this status and a sentence that has all these words. */
static void refused(ss_ctx *cx, const char *path, const ss_model_options *o, ss_status status,
                    const char *const words[]) {
    ss_model *m = NULL;
    ss_status st = ss_model_open(&m, cx, path, o);
    if (!st) fail_msg("%s was opened", path);
    assert_null(m);
    for (int i = 0; words[i]; i++)
        if (!strstr(ss_ctx_error(cx), words[i])) fail_msg("no \"%s\" in \"%s\"", words[i], ss_ctx_error(cx));
    if (status != ANY && st != status) fail_msg("status %d, not %d: %s", st, status, ss_ctx_error(cx));
}

#define REFUSED(cx, path, options, status, ...)                                                                        \
    refused(cx, path, options, status, (const char *const[]){__VA_ARGS__, NULL})

static ss_model *opened(ss_ctx *cx, const char *path, const ss_model_options *o) {
    ss_model *m = NULL;
    if (ss_model_open(&m, cx, path, o)) fail_msg("%s: %s", path, ss_ctx_error(cx));
    return m;
}

static void draws_like_the_folder(ss_ctx *cx, const char *path, const ss_model_options *o) {
    made_draw_alike(cx, TINY, NULL, path, o);
}

/* A weight file of the folder, read to be changed and written back. */
static made taken(const place *p, const char *file) { return made_read(p->cx, made_path(TINY, "%s", file)); }

static void put(const place *p, made *t, const char *file) {
    made_remove(made_path(p->model, "%s", file));
    made_write(t, p->cx, made_path(p->model, "%s", file));
    made_free(t);
}

/* ------------------------------------------------------------------------------------------------ damaged tensors */

static void missing_tensors_are_named(void **state) {
    place *p = *state;
    static const struct {
        const char *file, *tensor;
    } cases[] = {{UNET, "up_blocks.2.attentions.1.transformer_blocks.0.attn2.to_k.weight"},
                 {UNET, "conv_out.bias"},
                 {UNET, "down_blocks.1.resnets.0.conv_shortcut.weight"},
                 {VAE, "post_quant_conv.weight"},
                 {TEXT, "text_model.encoder.layers.1.mlp.fc1.bias"},
                 {TEXT, "text_model.embeddings.token_embedding.weight"},
                 {TEXT, "text_model.embeddings.position_embedding.weight"}};
    for (int i = 0; i < SS_COUNT_OF(cases); i++) {
        made t = taken(p, cases[i].file);
        made_drop(&t, cases[i].tensor);
        put(p, &t, cases[i].file);
        REFUSED(p->cx, p->model, NULL, SS_ERR_MODEL, "has no", cases[i].tensor);
        made whole = taken(p, cases[i].file);
        put(p, &whole, cases[i].file);
    }
    ss_model_free(opened(p->cx, p->model, NULL));
}

static void leftover_tensors_are_named_with_their_shapes(void **state) {
    place *p = *state;
    made t = taken(p, UNET);
    made_add(&t, "down_blocks.0.resnets.2.conv1.weight", SS_F16, 4, (int64_t[]){16, 16, 3, 3});
    put(p, &t, UNET);
    REFUSED(p->cx, p->model, NULL, SS_ERR_MODEL, "unet", "left over",
            "down_blocks.0.resnets.2.conv1.weight [16, 16, 3, 3]");

    made s = made_read(p->cx, SINGLE ".safetensors");
    made_add(&s, "model.diffusion_model.input_blocks.1.9.weight", SS_F16, 2, (int64_t[]){7, 5});
    made_add(&s, "some.thing", SS_F32, 0, NULL);
    const char *file = made_path(p->dir, "single.safetensors");
    made_write(&s, p->cx, file);
    REFUSED(p->cx, file, &with_config, SS_ERR_MODEL, "2 tensors", "input_blocks.1.9.weight [7, 5]", "some.thing []");
    made_free(&s);
}

static void one_tensor_under_two_names_is_refused(void **state) {
    place *p = *state;
    made t = taken(p, VAE);
    made_add(&t, "decoder.mid_block.attentions.0.to_q.weight", SS_F16, 2, (int64_t[]){24, 24});
    put(p, &t, VAE);
    REFUSED(p->cx, p->model, NULL, SS_ERR_MODEL, "vae", "decoder.mid_block.attentions.0.to_q.weight", "twice");
}

static void shapes_that_do_not_fit_are_told_from_both_sides(void **state) {
    place *p = *state;
    static const struct {
        const char *file, *tensor;
        int rank;
        int64_t shape[4];
        const char *words[2];
    } cases[] = {
        {UNET, "conv_in.weight", 4, {16, 9, 3, 3}, {"conv_in.weight is [16, 9, 3, 3]", "4 channels"}},
        {UNET, "conv_in.bias", 1, {15}, {"conv_in.bias is [15]", "16 channels"}},
        {UNET,
         "mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight",
         2,
         {16, 48},
         {"[16, 48]", "40 channels"}},
        {UNET, "time_embedding.linear_1.weight", 1, {16}, {"time_embedding.linear_1.weight is [16]", "channels"}},
        {VAE, "decoder.conv_in.weight", 4, {24, 16, 3, 3}, {"decoder.conv_in.weight is [24, 16, 3, 3]", "4 channels"}},
        {TEXT, "text_model.final_layer_norm.weight", 1, {41}, {"final_layer_norm.weight is [41]", "40 channels"}},
        {TEXT,
         "text_model.embeddings.position_embedding.weight",
         2,
         {100, 40},
         {"position_embedding.weight is [100, 40]", "77"}},
        {TEXT,
         "text_model.embeddings.position_embedding.weight",
         2,
         {10, 40},
         {"position_embedding.weight is [10, 40]", "77"}},
        {TEXT, "text_model.embeddings.token_embedding.weight", 1, {764}, {"[764]", "vocabulary"}},
        {TEXT, "text_model.encoder.layers.0.mlp.fc1.bias", 1, {0}, {"mlp.fc1.bias is [0]", "no numbers"}},
    };
    for (int i = 0; i < SS_COUNT_OF(cases); i++) {
        made t = taken(p, cases[i].file);
        made_add(&t, cases[i].tensor, SS_F16, cases[i].rank, cases[i].shape);
        put(p, &t, cases[i].file);
        REFUSED(p->cx, p->model, NULL, ANY, cases[i].words[0], cases[i].words[1]);
        made whole = taken(p, cases[i].file);
        put(p, &whole, cases[i].file);
    }
}

/* Layers at the ends agree with their neighbours whatever they put out: a picture of four channels would overrun three.
 */
static void ends_have_the_channels_of_latents_and_pictures(void **state) {
    place *p = *state;
    made t = taken(p, UNET);
    made_add(&t, "conv_out.weight", SS_F16, 4, (int64_t[]){8, 16, 3, 3});
    made_add(&t, "conv_out.bias", SS_F16, 1, (int64_t[]){8});
    put(p, &t, UNET);
    REFUSED(p->cx, p->model, NULL, SS_ERR_MODEL, "unet", "conv_out gives 8", "4");
    t = taken(p, UNET);
    put(p, &t, UNET);

    t = taken(p, VAE);
    made_add(&t, "decoder.conv_out.weight", SS_F16, 4, (int64_t[]){4, 16, 3, 3});
    made_add(&t, "decoder.conv_out.bias", SS_F16, 1, (int64_t[]){4});
    made_add(&t, "encoder.conv_in.weight", SS_F16, 4, (int64_t[]){16, 4, 3, 3});
    put(p, &t, VAE);
    REFUSED(p->cx, p->model, NULL, SS_ERR_MODEL, "vae", "decoder.conv_out gives 4", "3");

    t = taken(p, VAE);
    made_add(&t, "quant_conv.weight", SS_F16, 4, (int64_t[]){16, 8, 1, 1});
    made_add(&t, "quant_conv.bias", SS_F16, 1, (int64_t[]){16});
    put(p, &t, VAE);
    REFUSED(p->cx, p->model, NULL, SS_ERR_MODEL, "vae", "latents have 8 channels", "4");
}

static void nan_and_infinity_in_a_weight_are_named(void **state) {
    place *p = *state;
    static const uint16_t bad[] = {0x7e00, 0xfc00};
    static const char *const files[] = {UNET, VAE, TEXT};
    static const char *const tensors[] = {"up_blocks.3.resnets.2.conv2.weight", "decoder.conv_out.bias",
                                          "text_model.encoder.layers.2.layer_norm2.weight"};
    for (int i = 0; i < 3; i++) {
        made t = taken(p, files[i]);
        made_tensor *spoiled = made_find(&t, tensors[i]);
        memcpy((char *)spoiled->data + spoiled->bytes - 2, &bad[i % 2], 2);
        put(p, &t, files[i]);
        REFUSED(p->cx, p->model, NULL, SS_ERR_MODEL, tensors[i], "NaN");
        t = taken(p, files[i]);
        put(p, &t, files[i]);
    }
}

static void tensors_without_numbers_are_refused(void **state) {
    place *p = *state;
    made t = taken(p, UNET);
    made_add(&t, "conv_in.bias", SS_F16, 5, (int64_t[]){16, 1, 1, 1, 1});
    put(p, &t, UNET);
    REFUSED(p->cx, p->model, NULL, SS_ERR_MODEL, "conv_in.bias is [16, 1, 1, 1, 1]", "4 dimensions");
}

/* ------------------------------------------------------------------------------------------------ other things */

static void other_kinds_of_files_are_told_by_what_they_are(void **state) {
    place *p = *state;
    static const struct {
        const char *tensor, *words;
    } cases[] = {
        {"lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight", "a LoRA, not a model"},
        {"lora_te_text_model_encoder_layers_0_mlp_fc1.lora_up.weight", "a LoRA, not a model"},
        {"unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q.lora_A.weight", "a LoRA, not a model"},
        {"unet.mid_block.attentions.0.transformer_blocks.0.attn1.processor.to_q_lora.down.weight",
         "a LoRA, not a model"},
        {"conditioner.embedders.1.model.ln_final.weight", "an SDXL checkpoint"},
        {"model.diffusion_model.joint_blocks.0.x_block.attn.proj.weight", "an SD3 checkpoint"},
        {"double_blocks.0.img_attn.proj.weight", "a Flux checkpoint"},
        {"control_model.input_blocks.0.0.weight", "a ControlNet"},
        {"controlnet_cond_embedding.conv_in.weight", "a ControlNet"},
        {"emb_params", "an embedding"},
        {"vision_model.post_layernorm.weight", "a CLIP model"},
        {"text_model.final_layer_norm.weight", "a lone text encoder"},
        {"something.else", "no Stable Diffusion model"},
    };
    const char *file = made_path(p->dir, "other.safetensors");
    for (int i = 0; i < SS_COUNT_OF(cases); i++) {
        made t = {0};
        made_add(&t, cases[i].tensor, SS_F16, 2, (int64_t[]){4, 4});
        made_write(&t, p->cx, file);
        made_free(&t);
        REFUSED(p->cx, file, NULL, SS_ERR_MODEL, "other.safetensors", cases[i].words);
    }
    REFUSED(p->cx, TINY "/" UNET, NULL, SS_ERR_MODEL, "a lone UNet", "text encoder");
    REFUSED(p->cx, TINY "/" VAE, NULL, SS_ERR_MODEL, "no Stable Diffusion model");
    REFUSED(p->cx, GOLDEN_DIR "/formats/bad/git_lfs_pointer.pt", NULL, SS_ERR_FORMAT, "LFS");
    REFUSED(p->cx, GOLDEN_DIR "/formats/bad/html.pt", NULL, SS_ERR_FORMAT, "web page");
    REFUSED(p->cx, made_path(p->dir, "nowhere.safetensors"), NULL, SS_ERR_FILE, "nowhere.safetensors");
}

static void folders_without_a_part_say_which(void **state) {
    place *p = *state;
    REFUSED(p->cx, p->dir, NULL, SS_ERR_MODEL, "holds no model", "unet/");
    static const char *const parts[][2] = {{"unet", UNET}, {"vae", VAE}, {"text_encoder", TEXT}};
    for (int i = 0; i < 3; i++) {
        made_remove(made_path(p->model, "%s", parts[i][1]));
        REFUSED(p->cx, p->model, NULL, SS_ERR_FILE, parts[i][0], "has no weights");
        made t = taken(p, parts[i][1]);
        made_write(&t, p->cx, made_path(p->model, "%s", parts[i][1]));
        made_free(&t);
        const char *from = made_path(p->model, "%s", parts[i][0]), *to = made_path(p->model, "gone");
        assert_int_equal(rename(from, to), 0);
        REFUSED(p->cx, p->model, NULL, SS_ERR_MODEL, "holds no model", parts[i][0]);
        assert_int_equal(rename(to, from), 0);
    }
    ss_model_free(opened(p->cx, p->model, NULL));
}

/* ------------------------------------------------------------------------------------------------ configuration */

static void configurations_that_cannot_be_are_named(void **state) {
    place *p = *state;
    static const struct {
        const char *file, *from, *to, *words[2];
    } cases[] = {
        {"unet/config.json", "\"attention_head_dim\": 8", "\"attention_head_dim\": 7", {"7 heads", "16 channels"}},
        {"unet/config.json",
         "\"attention_head_dim\": 8",
         "\"attention_head_dim\": [8, 8, 5, 8]",
         {"5 heads", "32 channels of level 2"}},
        {"unet/config.json",
         "\"attention_head_dim\": 8",
         "\"attention_head_dim\": [8, 8]",
         {"attention_head_dim", "2 numbers"}},
        {"unet/config.json",
         "\"attention_head_dim\": 8",
         "\"attention_head_dim\": []",
         {"attention_head_dim", "0 numbers"}},
        {"unet/config.json",
         "\"attention_head_dim\": 8",
         "\"attention_head_dim\": 0",
         {"attention_head_dim 0", "heads"}},
        {"unet/config.json",
         "\"attention_head_dim\": 8",
         "\"attention_head_dim\": \"8\"",
         {"config.json", "attention_head_dim"}},
        {"unet/config.json",
         "\"attention_head_dim\": 8",
         "\"attention_head_dim\": 4294967304",
         {"attention_head_dim", "4294967304"}},
        {"unet/config.json",
         "\"norm_num_groups\": 8",
         "\"norm_num_groups\": 3",
         {"normalises 16 channels", "3 groups"}},
        {"unet/config.json", "\"norm_num_groups\": 8", "\"norm_num_groups\": -8", {"norm_num_groups", "-8"}},
        {"unet/config.json", "\"sample_size\": 16", "\"sample_size\": 536870912", {"sample_size", "536870912"}},
        {"unet/config.json",
         "\"layers_per_block\": 2",
         "\"layers_per_block\": 3",
         {"unet/config.json", "layers_per_block"}},
        {"unet/config.json", "\"DownBlock2D\"", "\"CrossAttnDownBlock2D\"", {"unet/config.json", "down_block_types"}},
        {"unet/config.json", "{", "", {"unet/config.json", "JSON"}},
        {"vae/config.json",
         "\"scaling_factor\": 0.18215",
         "\"scaling_factor\": 0",
         {"vae/config.json", "scaling_factor 0"}},
        {"vae/config.json", "\"norm_num_groups\": 8", "\"norm_num_groups\": 5", {"vae", "5 groups"}},
        {"text_encoder/config.json",
         "\"num_hidden_layers\": 3",
         "\"num_hidden_layers\": 12",
         {"12 layers", "3 layers"}},
        {"text_encoder/config.json",
         "\"num_attention_heads\": 4",
         "\"num_attention_heads\": 7",
         {"7 heads", "width 40"}},
        {"text_encoder/config.json", "quick_gelu", "relu", {"hidden_act is relu", "quick_gelu"}},
        {"scheduler/scheduler_config.json", "\"epsilon\"", "\"sample\"", {"prediction \"sample\"", "epsilon or v"}},
    };
    for (int i = 0; i < SS_COUNT_OF(cases); i++) {
        const char *file = made_path(p->model, "%s", cases[i].file);
        made_edit(file, cases[i].from, cases[i].to);
        REFUSED(p->cx, p->model, NULL, ANY, cases[i].words[0], cases[i].words[1]);
        made_remove(file);
        assert_int_equal(symlink(made_path(TINY, "%s", cases[i].file), file), 0);
    }
    ss_model_free(opened(p->cx, p->model, NULL));
}

static void missing_configurations_are_not_guessed(void **state) {
    place *p = *state;
    static const char *const files[] = {"unet/config.json", "vae/config.json", "text_encoder/config.json"};
    for (int i = 0; i < 3; i++) {
        const char *file = made_path(p->model, "%s", files[i]);
        made_remove(file);
        REFUSED(p->cx, p->model, NULL, SS_ERR_MODEL, "has no config.json", p->model);
        assert_int_equal(symlink(made_path(TINY, "%s", files[i]), file), 0);
    }
    made_remove(made_path(p->model, "scheduler/scheduler_config.json")); /* Stable Diffusion's own numbers */
    draws_like_the_folder(p->cx, p->model, NULL);
}

/* Ids beyond the embedding table. */
static void a_tokenizer_of_another_model_is_refused(void **state) {
    place *p = *state;
    made_edit(made_path(p->model, "tokenizer/vocab.json"), "{", "{\"kitten</w>\": 764, ");
    REFUSED(p->cx, p->model, NULL, SS_ERR_MODEL, "tokenizer has 765 tokens", "token_embedding.weight is [764, 40]");
    assert_int_equal(rename(made_path(p->model, "tokenizer"), made_path(p->model, "gone")), 0);
    REFUSED(p->cx, p->model, NULL, SS_ERR_MODEL, "tokenizer has 49408 tokens", "[764, 40]"); /* CLIP's own */
}

/* ------------------------------------------------------------------------------------------------ layouts */

static void single_files_draw_like_the_folder(void **state) {
    place *p = *state;
    draws_like_the_folder(p->cx, SINGLE ".safetensors", &with_config);
    draws_like_the_folder(p->cx, SINGLE ".ckpt", &with_config);
}

static void variants_and_shards_draw_like_the_folder(void **state) {
    place *p = *state;
    assert_int_equal(
        rename(made_path(p->model, UNET), made_path(p->model, "unet/diffusion_pytorch_model.fp16.safetensors")), 0);
    assert_int_equal(rename(made_path(p->model, TEXT), made_path(p->model, "text_encoder/model.fp16.safetensors")), 0);
    draws_like_the_folder(p->cx, p->model, NULL);

    made t = taken(p, VAE), half[2] = {0};
    made_remove(made_path(p->model, VAE));
    char *index = calloc((size_t)t.count, 200);
    assert_non_null(index);
    strcpy(index, "{\"metadata\": {}, \"weight_map\": {");
    for (int64_t i = 0; i < t.count; i++) {
        made_tensor *to = made_add(&half[i % 2], t.at[i].name, t.at[i].dtype, t.at[i].rank, t.at[i].shape);
        memcpy(to->data, t.at[i].data, to->bytes);
        sprintf(index + strlen(index), "%s\"%s\": \"part-%d.safetensors\"", i ? ", " : "", t.at[i].name, (int)(i % 2));
    }
    strcat(index, "}}");
    for (int i = 0; i < 2; i++) made_write(&half[i], p->cx, made_path(p->model, "vae/part-%d.safetensors", i));
    made_text(made_path(p->model, "vae/diffusion_pytorch_model.safetensors.index.json"), index);
    draws_like_the_folder(p->cx, p->model, NULL);

    made_remove(made_path(p->model, "vae/part-1.safetensors"));
    REFUSED(p->cx, p->model, NULL, SS_ERR_FILE, "part-1.safetensors");
    free(index);
    made_free(&t);
    made_free(&half[0]);
    made_free(&half[1]);
}

/* The tiny folder's attention has the old names (query, proj_attn); these are the new ones. */
static void new_autoencoder_names(made *t) {
    static const char *const pairs[][2] = {
        {"query", "to_q"}, {"key", "to_k"}, {"value", "to_v"}, {"proj_attn", "to_out.0"}};
    static const char *const sides[] = {"encoder", "decoder"}, *const kinds[] = {"weight", "bias"};
    for (int i = 0; i < 16; i++) {
        char from[128], to[128];
        const char *head = sides[i & 1], *kind = kinds[i >> 1 & 1];
        snprintf(from, sizeof from, "%s.mid_block.attentions.0.%s.%s", head, pairs[i >> 2][0], kind);
        snprintf(to, sizeof to, "%s.mid_block.attentions.0.%s.%s", head, pairs[i >> 2][1], kind);
        made_rename(t, from, to);
    }
}

static void autoencoders_come_under_old_and_new_names_and_apart(void **state) {
    place *p = *state;
    made t = taken(p, VAE);
    new_autoencoder_names(&t);
    put(p, &t, VAE);
    draws_like_the_folder(p->cx, p->model, NULL);

    const char *apart = made_path(p->dir, "vae.safetensors"), *single = made_path(p->dir, "ldm-vae.safetensors");
    assert_int_equal(rename(made_path(p->model, VAE), apart), 0);
    made s = made_read(p->cx, SINGLE ".safetensors"), ldm = {0};
    for (int64_t i = 0; i < s.count; i++)
        if (!strncmp(s.at[i].name, "first_stage_model.", 18)) {
            made_tensor *to = made_add(&ldm, s.at[i].name + 18, s.at[i].dtype, s.at[i].rank, s.at[i].shape);
            memcpy(to->data, s.at[i].data, to->bytes);
        }
    made_add(&ldm, "loss.logvar", SS_F32, 0, NULL); /* as its training left it */
    made_write(&ldm, p->cx, single);

    /* A model without an autoencoder of its own takes any of them. */
    assert_int_equal(rename(made_path(p->model, "vae"), made_path(p->model, "gone")), 0);
    draws_like_the_folder(p->cx, SINGLE ".safetensors", &(ss_model_options){.config = TINY, .vae = apart});
    draws_like_the_folder(p->cx, SINGLE ".safetensors", &(ss_model_options){.config = TINY, .vae = single});
    draws_like_the_folder(p->cx, SINGLE ".safetensors", &(ss_model_options){.config = TINY, .vae = TINY});
    draws_like_the_folder(p->cx, SINGLE ".safetensors", &(ss_model_options){.config = TINY, .vae = TINY "/vae"});
    draws_like_the_folder(p->cx, SINGLE ".safetensors", &(ss_model_options){.config = TINY, .vae = SINGLE ".ckpt"});

    made_add(&ldm, "stray", SS_F32, 1, (int64_t[]){2});
    made_write(&ldm, p->cx, single);
    REFUSED(p->cx, TINY, &(ss_model_options){.vae = single}, SS_ERR_MODEL, "ldm-vae.safetensors", "left over",
            "stray [2]");
    REFUSED(p->cx, TINY, &(ss_model_options){.vae = TINY "/" TEXT}, SS_ERR_MODEL, "is no autoencoder");
    made_free(&s);
    made_free(&ldm);
}

/* ------------------------------------------------------------------------------------------------ numbers */

static void storage_of_the_same_numbers_draws_the_same(void **state) {
    place *p = *state;
    static const ss_dtype types[] = {SS_F32, SS_F64};
    static const char *const files[] = {UNET, VAE, TEXT};
    for (int k = 0; k < SS_COUNT_OF(types); k++) {
        for (int i = 0; i < 3; i++) {
            made t = taken(p, files[i]);
            made_store_as(&t, "*", types[k]);
            put(p, &t, files[i]);
        }
        draws_like_the_folder(p->cx, p->model, NULL);
    }
}

static void hear(void *user, ss_log_level level, const char *sentence) {
    (void)level;
    *(bool *)user |= strstr(sentence, "convert --to checkpoint") != NULL;
}

/* Types that cost a conversion at every start are said, and how to convert once; the usual ones are not. */
static void unusual_storage_is_said_and_converted_once(void **state) {
    place *p = *state;
    bool said = false;
    ss_ctx *cx = NULL;
    ss_model *m = NULL;
    assert_int_equal(ss_ctx_new(&cx, &(ss_ctx_options){.callbacks = {.log = hear, .user = &said}, .threads = 1}), 0);
    ss_model_free(opened(cx, p->model, NULL));
    assert_false(said);
    made t = taken(p, UNET);
    made_store_as(&t, "*", SS_F64);
    put(p, &t, UNET);
    if (ss_model_open(&m, cx, p->model, NULL)) fail_msg("%s", ss_ctx_error(cx));
    assert_true(said);
    const char *plain = made_path(p->dir, "plain.safetensors");
    assert_int_equal(ss_model_write(cx, m, plain, false), SS_OK);
    said = false;
    ss_model_free(opened(cx, plain, &with_config));
    assert_false(said);
    draws_like_the_folder(p->cx, plain, &with_config);
    ss_model_free(m);
    ss_ctx_free(cx);
}

/* bfloat16 and 8 bits round float16's numbers, so they are compared with float32 of what they rounded to. */
static void short_storage_draws_what_it_says(void **state) {
    place *p = *state;
    static const ss_dtype types[] = {SS_BF16, SS_F8_E5M2};
    for (int k = 0; k < SS_COUNT_OF(types); k++) {
        ss_image im[2] = {{0}};
        for (int i = 0; i < 2; i++) {
            made t = taken(p, UNET);
            made_store_as(&t, "*attn*", types[k]);
            if (i) made_store_as(&t, "*", SS_F32);
            put(p, &t, UNET);
            ss_model *m = opened(p->cx, p->model, NULL);
            im[i] = made_drawn(p->cx, m);
            ss_model_free(m);
        }
        assert_memory_equal(im[0].rgb, im[1].rgb, (size_t)im[0].w * (size_t)im[0].h * 3);
        ss_image_free(&im[0]);
        ss_image_free(&im[1]);
    }
}

/* ------------------------------------------------------------------------------------------------ averaged weights */

static void averaged(char key[256], const char *name) {
    int n = snprintf(key, 256, "model_ema.");
    for (const char *c = name + strlen("model."); *c && n < 255; c++)
        if (*c != '.') key[n++] = *c;
    key[n] = 0;
}

static void averaged_weights_are_used_or_refused_where_they_are_not_whole(void **state) {
    place *p = *state;
    REFUSED(p->cx, SINGLE ".ckpt", &with_ema, SS_ERR_MODEL, "averaged weights for 3 of");
    REFUSED(p->cx, SINGLE ".safetensors", &with_ema, SS_ERR_MODEL, "averaged weights for 0 of");
    REFUSED(p->cx, TINY, &(ss_model_options){.ema = true}, SS_ERR_ARG, "single files", "folder");

    /* The averaged copies hold the true numbers, the plain ones zeros. */
    made s = made_read(p->cx, SINGLE ".safetensors");
    for (int64_t i = 0, n = s.count; i < n; i++) {
        if (strncmp(s.at[i].name, "model.diffusion_model.", 22)) continue;
        char key[256];
        averaged(key, s.at[i].name);
        made_tensor *copy = made_add(&s, key, s.at[i].dtype, s.at[i].rank, s.at[i].shape);
        memcpy(copy->data, s.at[i].data, copy->bytes);
        memset(s.at[i].data, 0, s.at[i].bytes);
    }
    made_add(&s, "model_ema.decay", SS_F32, 0, NULL);
    const char *file = made_path(p->dir, "ema.safetensors");
    made_write(&s, p->cx, file);
    draws_like_the_folder(p->cx, file, &with_ema);
    made_free(&s);
}

/* ------------------------------------------------------------------------------------------------ prediction */

static void predictions_come_from_the_option_the_scheduler_or_the_family(void **state) {
    place *p = *state;
    static const struct {
        const char *scheduler, *option, *is;
    } cases[] = {{NULL, NULL, "epsilon"},
                 {NULL, "auto", "epsilon"},
                 {NULL, "v", "v"},
                 {"{\"prediction_type\": \"v_prediction\"}", NULL, "v"},
                 {"{\"prediction_type\": \"v_prediction\"}", "epsilon", "epsilon"},
                 {"{\"prediction_type\": \"epsilon\"}", "v", "v"},
                 {"{}", NULL, "epsilon"}};
    for (int i = 0; i < SS_COUNT_OF(cases); i++) {
        if (cases[i].scheduler) made_text(made_path(p->model, "scheduler/scheduler_config.json"), cases[i].scheduler);
        ss_model *m = opened(p->cx, p->model, &(ss_model_options){.prediction = cases[i].option});
        assert_string_equal(ss_model_describe(m).prediction, cases[i].is);
        assert_string_equal(ss_model_describe(m).family, "SD 1.x");
        assert_int_equal(ss_model_describe(m).layers, 16);
        assert_int_equal(ss_model_describe(m).size, 128);
        ss_model_free(m);
    }
    REFUSED(p->cx, TINY, &(ss_model_options){.prediction = "noise"}, SS_ERR_ARG, "\"noise\"", "epsilon or v");
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, enter, leave)
    const struct CMUnitTest tests[] = {
        TEST(missing_tensors_are_named),
        TEST(leftover_tensors_are_named_with_their_shapes),
        TEST(one_tensor_under_two_names_is_refused),
        TEST(shapes_that_do_not_fit_are_told_from_both_sides),
        TEST(ends_have_the_channels_of_latents_and_pictures),
        TEST(nan_and_infinity_in_a_weight_are_named),
        TEST(tensors_without_numbers_are_refused),
        TEST(other_kinds_of_files_are_told_by_what_they_are),
        TEST(folders_without_a_part_say_which),
        TEST(configurations_that_cannot_be_are_named),
        TEST(missing_configurations_are_not_guessed),
        TEST(a_tokenizer_of_another_model_is_refused),
        TEST(single_files_draw_like_the_folder),
        TEST(variants_and_shards_draw_like_the_folder),
        TEST(autoencoders_come_under_old_and_new_names_and_apart),
        TEST(storage_of_the_same_numbers_draws_the_same),
        TEST(unusual_storage_is_said_and_converted_once),
        TEST(short_storage_draws_what_it_says),
        TEST(averaged_weights_are_used_or_refused_where_they_are_not_whole),
        TEST(predictions_come_from_the_option_the_scheduler_or_the_family),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
