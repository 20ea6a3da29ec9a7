/* Every tensor of a checkpoint is asked for exactly once, and every layout's names lead to the same ones. */
#include "model/model.h"
#include "model/rename.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "support/golden.h"
#include "support/made.h"

#define TINY GOLDEN_DIR "/tiny-sd15"
#define SINGLE TINY "/single/tiny-sd15"

static ss_ctx *cx;

static int enter(void **state) {
    (void)state;
    return ss_ctx_new(&cx, &(ss_ctx_options){.threads = 1, .numbers = "float32"});
}

static int leave(void **state) {
    (void)state;
    ss_ctx_free(cx);
    return 0;
}

static const char *const files[SS_PARTS] = {
    [SS_PART_UNET] = TINY "/unet/diffusion_pytorch_model.safetensors",
    [SS_PART_VAE] = TINY "/vae/diffusion_pytorch_model.safetensors",
    [SS_PART_TEXT] = TINY "/text_encoder/model.safetensors",
};

static const ss_params *params_of(const ss_model *m, ss_part part) {
    return part == SS_PART_UNET ? &m->unet.params : part == SS_PART_VAE ? &m->vae.params : &m->text.params;
}

/* Opening walks over all three networks once. position_ids is a buffer, no weight. */
static void each_tensor_is_read_exactly_once(void **state) {
    (void)state;
    ss_model *m = NULL;
    if (ss_model_open(&m, cx, TINY, NULL)) fail_msg("%s", ss_ctx_error(cx));
    int64_t all = 0;
    for (ss_part part = SS_PART_UNET; part <= SS_PART_TEXT; part++) {
        const ss_params *p = params_of(m, part);
        for (int64_t i = 0; i < p->count; i++)
            if (p->at[i].reads != 1) fail_msg("%s: %s is read %d times", p->part, p->at[i].name, p->at[i].reads);
        made t = made_read(cx, files[part]);
        int64_t weights = t.count;
        for (int64_t i = 0; i < t.count; i++) weights -= strstr(t.at[i].name, "position_ids") != NULL;
        assert_int_equal(p->count, weights);
        all += weights;
        made_free(&t);
    }
    assert_int_equal(ss_model_describe(m).tensors, all);
    /* The real models' 686 and 248: here the deepest level is narrower than the one above, which takes a shortcut more
     * on either way, and the autoencoder's first three levels are equally wide, which saves two. */
    assert_int_equal(m->unet.params.count, 686 + 2);
    assert_int_equal(m->vae.params.count, 248 - 4);
    ss_model_free(m);
}

/* A name of any file, and of the folder, in the one spelling. */
static void every_name_of_a_single_file_is_one_of_the_folder(void **state) {
    (void)state;
    static const char *const singles[] = {SINGLE ".safetensors", SINGLE ".ckpt"};
    ss_model *m = NULL;
    if (ss_model_open(&m, cx, TINY, NULL)) fail_msg("%s", ss_ctx_error(cx));
    for (int s = 0; s < SS_COUNT_OF(singles); s++) {
        made t = made_read(cx, singles[s]);
        int64_t found[SS_PARTS] = {0};
        for (int64_t i = 0; i < t.count; i++) {
            char name[SS_NAME];
            ss_part part = ss_rename_single(name, t.at[i].name);
            found[part]++;
            if (part == SS_PART_NONE) fail_msg("%s: %s is not known", singles[s], t.at[i].name);
            if (part == SS_PART_IGNORED) continue;
            const ss_param *p = ss_params_find(params_of(m, part), name);
            if (!p) fail_msg("%s becomes %s, which the folder has not", t.at[i].name, name);
            int64_t n = 1;
            for (int d = 0; d < p->rank; d++) n *= p->shape[d];
            assert_int_equal(t.at[i].bytes, (size_t)n * ss_dtype_size(p->dtype));
            assert_memory_equal(t.at[i].data, p->stored, t.at[i].bytes);
        }
        for (ss_part part = SS_PART_UNET; part <= SS_PART_TEXT; part++)
            assert_int_equal(found[part], params_of(m, part)->count);
        made_free(&t);
    }
    ss_model_free(m);
}

static void names_of_real_files_have_their_places(void **state) {
    (void)state;
    static const struct {
        const char *key;
        ss_part part;
        const char *name;
    } cases[] = {
        {"model.diffusion_model.input_blocks.3.0.op.weight", SS_PART_UNET, "down_blocks.0.downsamplers.0.conv.weight"},
        {"model.diffusion_model.input_blocks.4.0.skip_connection.bias", SS_PART_UNET,
         "down_blocks.1.resnets.0.conv_shortcut.bias"},
        {"model.diffusion_model.input_blocks.11.0.in_layers.0.weight", SS_PART_UNET,
         "down_blocks.3.resnets.1.norm1.weight"},
        {"model.diffusion_model.output_blocks.2.1.conv.weight", SS_PART_UNET, "up_blocks.0.upsamplers.0.conv.weight"},
        {"model.diffusion_model.output_blocks.5.2.conv.bias", SS_PART_UNET, "up_blocks.1.upsamplers.0.conv.bias"},
        {"model.diffusion_model.output_blocks.11.1.transformer_blocks.0.attn2.to_out.0.weight", SS_PART_UNET,
         "up_blocks.3.attentions.2.transformer_blocks.0.attn2.to_out.0.weight"},
        {"model.diffusion_model.middle_block.2.emb_layers.1.weight", SS_PART_UNET,
         "mid_block.resnets.1.time_emb_proj.weight"},
        {"model.diffusion_model.input_blocks.12.0.in_layers.0.weight", SS_PART_NONE, NULL},
        {"model.diffusion_model.output_blocks.-1.0.in_layers.0.weight", SS_PART_NONE, NULL},
        {"model.diffusion_model.label_emb.0.0.weight", SS_PART_NONE, NULL}, /* SDXL's */
        {"first_stage_model.decoder.up.3.block.0.nin_shortcut.weight", SS_PART_VAE,
         "decoder.up_blocks.0.resnets.0.conv_shortcut.weight"},
        {"first_stage_model.decoder.up.1.upsample.conv.bias", SS_PART_VAE,
         "decoder.up_blocks.2.upsamplers.0.conv.bias"},
        {"first_stage_model.encoder.down.2.downsample.conv.weight", SS_PART_VAE,
         "encoder.down_blocks.2.downsamplers.0.conv.weight"},
        {"first_stage_model.encoder.mid.attn_1.proj_out.weight", SS_PART_VAE,
         "encoder.mid_block.attentions.0.to_out.0.weight"},
        {"first_stage_model.encoder.norm_out.weight", SS_PART_VAE, "encoder.conv_norm_out.weight"},
        {"first_stage_model.loss.discriminator.main.0.weight", SS_PART_IGNORED, NULL},
        {"decoder.mid.attn_1.norm.bias", SS_PART_VAE, "decoder.mid_block.attentions.0.group_norm.bias"},
        {"decoder.mid_block.attentions.0.key.bias", SS_PART_VAE, "decoder.mid_block.attentions.0.to_k.bias"},
        {"post_quant_conv.weight", SS_PART_VAE, "post_quant_conv.weight"},
        {"cond_stage_model.transformer.text_model.encoder.layers.11.mlp.fc2.bias", SS_PART_TEXT,
         "text_model.encoder.layers.11.mlp.fc2.bias"},
        {"cond_stage_model.transformer.encoder.layers.0.mlp.fc2.bias", SS_PART_TEXT,
         "text_model.encoder.layers.0.mlp.fc2.bias"},
        {"cond_stage_model.transformer.text_model.embeddings.position_ids", SS_PART_IGNORED, NULL},
        {"cond_stage_model.model.transformer.resblocks.22.attn.in_proj_weight", SS_PART_TEXT,
         "text_model.encoder.layers.22.self_attn.in_proj.weight"},
        {"cond_stage_model.model.transformer.resblocks.0.mlp.c_fc.bias", SS_PART_TEXT,
         "text_model.encoder.layers.0.mlp.fc1.bias"},
        {"cond_stage_model.model.positional_embedding", SS_PART_TEXT,
         "text_model.embeddings.position_embedding.weight"},
        {"cond_stage_model.model.logit_scale", SS_PART_IGNORED, NULL},
        {"model_ema.diffusion_modelinput_blocks00weight", SS_PART_IGNORED, NULL},
        {"alphas_cumprod", SS_PART_IGNORED, NULL},
        {"alphas", SS_PART_NONE, NULL},
        {"", SS_PART_NONE, NULL},
    };
    for (int i = 0; i < SS_COUNT_OF(cases); i++) {
        char name[SS_NAME] = "";
        ss_part part = ss_rename_single(name, cases[i].key);
        if (part != cases[i].part) fail_msg("%s is of part %d, not %d", cases[i].key, part, cases[i].part);
        if (cases[i].name) assert_string_equal(name, cases[i].name);
    }
}

/* A name of any length ends somewhere, and never beyond its room (which the address sanitizer watches). */
static void names_of_any_length_are_bounded(void **state) {
    (void)state;
    static const char *const heads[] = {"model.diffusion_model.input_blocks.1.1.",
                                        "first_stage_model.decoder.mid.attn_1.q.",
                                        "first_stage_model.decoder.up.1.block.0.nin_shortcut.",
                                        "decoder.mid_block.attentions.0.query.",
                                        "cond_stage_model.transformer.",
                                        "cond_stage_model.model.transformer.resblocks.0.attn.in_proj_",
                                        "model_ema."};
    for (int h = 0; h < SS_COUNT_OF(heads); h++)
        for (size_t n = strlen(heads[h]); n < 600; n++) {
            char key[600], name[SS_NAME];
            memset(key, 'x', sizeof key);
            memcpy(key, heads[h], strlen(heads[h]));
            key[n] = 0;
            if (ss_rename_single(name, key) != SS_PART_NONE && n >= SS_NAME) assert_true(h == 6);
            ss_rename_component(name, SS_PART_VAE, key);
            ss_rename_component(name, SS_PART_TEXT, key);
            ss_ema_key(name, key);
            assert_true(strlen(name) < SS_NAME);
        }
}

static void averaged_copies_are_found_under_their_names(void **state) {
    (void)state;
    char name[SS_NAME];
    ss_ema_key(name, "model.diffusion_model.input_blocks.0.0.weight");
    assert_string_equal(name, "model_ema.diffusion_modelinput_blocks00weight");
}

/* Which tensors a pattern trains. */
static void patterns_choose_tensors(void **state) {
    (void)state;
    ss_model *m = NULL;
    if (ss_model_open(&m, cx, TINY, NULL)) fail_msg("%s", ss_ctx_error(cx));
    assert_int_equal(ss_params_train(&m->unet.params, "*.attn2.to_[kv].weight"), 32);
    assert_int_equal(ss_params_train(&m->unet.params, "no.such.*"), 0);
    ss_model_free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_tensor_is_read_exactly_once),
        cmocka_unit_test(every_name_of_a_single_file_is_one_of_the_folder),
        cmocka_unit_test(names_of_real_files_have_their_places),
        cmocka_unit_test(names_of_any_length_are_bounded),
        cmocka_unit_test(averaged_copies_are_found_under_their_names),
        cmocka_unit_test(patterns_choose_tensors),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
