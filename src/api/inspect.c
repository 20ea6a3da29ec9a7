/* What a file or folder is, told as a JSON document. Succeeds for everything that is well formed, model or not. */
#include "diffuse/sampler.h"
#include "io/weights.h"
#include "model/model.h"
#include "model/rename.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Kinds of files by the names that only they have; the first mark that some tensor's name holds decides. */
static const struct {
    const char *mark, *kind, *layout;
} kinds[] = {
    {"conditioner.embedders.1.", "SDXL checkpoint", "single file"},
    {"joint_blocks.", "SD3 checkpoint", "single file"},
    {"double_blocks.", "Flux checkpoint", "single file"},
    {"model.diffusion_model.", "Stable Diffusion checkpoint", "single file"},
    {"lora_unet_", "LoRA", "kohya"},
    {"lora_te", "LoRA", "kohya"},
    {".lora_A.", "LoRA", "PEFT"},
    {".lora.down.", "LoRA", "diffusers"},
    {"_lora.down.", "LoRA", "diffusers processors"},
    {"custom_diffusion", "Custom Diffusion delta", "diffusers"},
    {"modifier_token", "Custom Diffusion delta", "CompVis or delta.bin"},
    {"string_to_param", "textual-inversion embedding", "WebUI"},
    {"emb_params", "textual-inversion embedding", "WebUI"},
    {"control_model.", "ControlNet", "single file"},
    {"controlnet_cond_embedding.", "ControlNet", "diffusers"},
    {"adapter.body.", "T2I-Adapter", "diffusers"},
    {"body.0.block1.", "T2I-Adapter", "original"},
    {"visual.transformer.resblocks.", "CLIP model", "OpenAI"},
    {"vision_model.", "CLIP model", "transformers"},
    {"first_stage_model.", "autoencoder", "single file"},
    {"decoder.up.", "autoencoder", "single file"},
    {"decoder.up_blocks.", "autoencoder", "diffusers"},
    {"time_embedding.linear_1.", "UNet", "diffusers"},
    {"text_model.encoder.layers.", "CLIP text encoder", "transformers"},
    {"selfsame.", "selfsame data", "selfsame"},
};

static json_t *shape_of(const ss_stored *t) {
    json_t *shape = json_array();
    for (int i = 0; i < t->rank; i++) json_array_append_new(shape, json_integer(t->shape[i]));
    return shape;
}

/* Text from a file, with whatever is not UTF-8 left out. */
static json_t *text(const char *s) {
    json_t *j = json_string(s);
    return j ? j : json_string("(not UTF-8)");
}

static json_t *describe_tensors(const ss_weights *w, int64_t *parameters, int64_t *bytes) {
    json_t *list = json_array();
    for (int64_t i = 0; i < w->count; i++) {
        const ss_stored *t = &w->at[i];
        int64_t n = 1;
        for (int d = 0; d < t->rank; d++) n *= t->shape[d];
        *parameters += n;
        *bytes += (int64_t)t->bytes;
        json_t *one = json_object();
        json_object_set_new(one, "name", text(t->name));
        json_object_set_new(one, "type", json_string(ss_dtype_size(t->dtype) ? ss_dtype_name(t->dtype) : t->type_name));
        json_object_set_new(one, "shape", shape_of(t));
        json_object_set_new(one, "bytes", json_integer((json_int_t)t->bytes));
        json_array_append_new(list, one);
    }
    return list;
}

static json_t *describe_weights(const ss_weights *w) {
    json_t *j = json_object(), *metadata = json_object(), *refused = json_array();
    int64_t parameters = 0, bytes = 0;
    const char *kind = "weights of no kind that selfsame knows", *layout = NULL;
    for (int k = SS_COUNT_OF(kinds); k-- > 0;)
        for (int64_t i = 0; i < w->count; i++)
            if (strstr(w->at[i].name, kinds[k].mark)) {
                kind = kinds[k].kind, layout = kinds[k].layout;
                break;
            }
    for (int64_t i = 0; i < w->metadata_count; i++)
        json_object_set_new(metadata, w->metadata[i].key, text(w->metadata[i].value));
    for (int64_t i = 0; i < w->refused_count; i++) json_array_append_new(refused, text(w->refused[i]));
    json_object_set_new(j, "kind", json_string(w->count ? kind : "a file without tensors"));
    if (layout) json_object_set_new(j, "layout", json_string(layout));
    json_object_set_new(j, "format", json_string(ss_weights_format_name(w->format)));
    if (w->shards > 1) json_object_set_new(j, "shards", json_integer(w->shards));
    json_t *tensors = describe_tensors(w, &parameters, &bytes);
    json_object_set_new(j, "tensor_count", json_integer(w->count));
    json_object_set_new(j, "parameters", json_integer(parameters));
    json_object_set_new(j, "bytes", json_integer(bytes));
    json_object_set_new(j, "metadata", metadata);
    if (json_array_size(refused)) json_object_set(j, "not_executed", refused);
    json_decref(refused);
    json_object_set_new(j, "tensors", tensors);
    return j;
}

/* Whether it opens as a model, and if not, why. The sentence goes into the document, not into the context. */
static void describe_model(json_t *j, ss_ctx *cx, const char *path) {
    ss_model *m = NULL;
    if (ss_model_open(&m, cx, path, NULL) == SS_OK) {
        ss_model_info info = ss_model_describe(m);
        json_object_set_new(j, "kind", json_string("Stable Diffusion model"));
        json_object_set_new(j, "family", json_string(info.family));
        json_object_set_new(j, "layout", json_string(info.layout));
        json_object_set_new(j, "predicts", json_string(info.prediction));
        json_object_set_new(j, "sampler", json_string(info.sampler));
        json_object_set_new(j, "size", json_integer(info.size));
        json_object_set_new(j, "attention_layers", json_integer(info.layers));
        json_object_set_new(j, "usable", json_true());
        ss_model_free(m);
    } else {
        json_object_set_new(j, "usable", json_false());
        json_object_set_new(j, "missing", text(ss_ctx_error(cx)));
    }
    ss_ctx_clear(cx);
}

static const char *const parts[] = {"unet", "vae", "text_encoder"};
static const char *const stems[] = {"diffusion_pytorch_model.safetensors",
                                    "diffusion_pytorch_model.safetensors.index.json",
                                    "diffusion_pytorch_model.fp16.safetensors",
                                    "diffusion_pytorch_model.bin",
                                    "model.safetensors",
                                    "model.fp16.safetensors",
                                    "pytorch_model.bin"};

static ss_status describe_folder(json_t *j, ss_ctx *cx, const char *path) {
    json_t *components = json_object();
    ss_status st = SS_OK;
    for (int i = 0; i < SS_COUNT_OF(parts) && !st; i++)
        for (int k = 0; k < SS_COUNT_OF(stems); k++) {
            char file[4096];
            struct stat s;
            ss_weights *w = NULL;
            snprintf(file, sizeof file, "%s/%s/%s", path, parts[i], stems[k]);
            if (stat(file, &s)) continue;
            st = ss_weights_open(&w, cx, file);
            if (!st) json_object_set_new(components, parts[i], describe_weights(w));
            ss_weights_close(w);
            break;
        }
    json_object_set_new(j, "kind", json_string("folder"));
    json_object_set_new(j, "components", components);
    if (!st) describe_model(j, cx, path);
    return st;
}

ss_status ss_inspect(char **json, ss_ctx *cx, const char *path) {
    ss_ctx_clear(cx);
    struct stat s;
    json_t *j = NULL;
    ss_status st = SS_OK;
    if (stat(path, &s) == 0 && S_ISDIR(s.st_mode)) {
        j = json_object();
        st = describe_folder(j, cx, path);
    } else {
        ss_weights *w = NULL;
        st = ss_weights_open(&w, cx, path);
        if (!st) {
            j = describe_weights(w);
            const char *kind = json_string_value(json_object_get(j, "kind"));
            if (kind && !strcmp(kind, "Stable Diffusion checkpoint")) describe_model(j, cx, path);
        }
        ss_weights_close(w);
    }
    if (!st) json_object_set_new(j, "path", text(path));
    char *document = st ? NULL : json_dumps(j, JSON_INDENT(1));
    json_decref(j);
    if (!st && !document) st = ss_fail(cx, SS_ERR_NOMEM, "out of memory: no room to describe %s", path);
    if (!st) *json = document;
    return st;
}

ss_model_info ss_model_describe(const ss_model *m) {
    return (ss_model_info){.family = m->sd2 ? "SD 2.x" : "SD 1.x",
                           .layout = m->single_file ? "single file" : "diffusers folder",
                           .prediction = m->predicts_v ? "v" : "epsilon",
                           .sampler = ss_sampler_of_class(ss_model_scheduler(m)),
                           .size = m->size,
                           .layers = SS_UNET_LAYERS,
                           .parameters = m->parameters,
                           .tensors = m->tensors};
}
