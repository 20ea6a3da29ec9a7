/* CLIP's encoders of texts and of pictures. One page, spelled like the checkpoint. */
#include "model/clip.h"

/* How the layers of a tower work. */
typedef struct tower {
    int heads;
    bool quick_gelu, causal;
} tower;

static ss_tensor *attention(ss_ctx *cx, const tower *t, ss_at at, ss_tensor *h, ss_tensor *x) {
    ss_tensor *q = ss_layer_linear(cx, at, "q_proj", h);
    ss_tensor *k = ss_layer_linear(cx, at, "k_proj", h);
    ss_tensor *v = ss_layer_linear(cx, at, "v_proj", h);
    ss_attention_attr how = {.heads = t->heads, .causal = t->causal};
    ss_tensor *a = ss_attention_seen(cx, at.path, q, k, v, how);
    return ss_layer_linear_plus(cx, at, "out_proj", a, x);
}

static ss_tensor *layer(ss_ctx *cx, const tower *t, ss_at at, ss_tensor *x) {
    ss_scope s = ss_scope_open(cx);
    x = attention(cx, t, ss_sub(at, "self_attn"), ss_layer_norm_tokens(cx, at, "layer_norm1", x), x);
    ss_tensor *h = ss_layer_linear(cx, at, "mlp.fc1", ss_layer_norm_tokens(cx, at, "layer_norm2", x));
    h = t->quick_gelu ? ss_quick_gelu(cx, h) : ss_gelu(cx, h);
    return ss_watched(cx, at.path, "", ss_scope_close(cx, s, ss_layer_linear_plus(cx, at, "mlp.fc2", h, x)));
}

ss_tensor *ss_clip_text_run(ss_ctx *cx, const ss_clip_text *net, const int32_t *ids, int64_t n, int skip) {
    if (cx->status) return NULL;
    ss_at at = ss_sub(ss_root((ss_params *)&net->params), "text_model");
    ss_tensor *tokens = ss_param_tensor(cx, at, "embeddings.token_embedding.weight");
    ss_tensor *positions = ss_param_tensor(cx, at, "embeddings.position_embedding.weight");
    if (!tokens || !positions) return NULL;
    if (positions->rank != 2 || positions->shape[0] != 77) {
        char text[64];
        ss_fail(cx, SS_ERR_MODEL, "%s: %s is %s; a prompt has 77 places", at.in->part, positions->param->name,
                ss_shape_text(text, positions->rank, positions->shape));
        return NULL;
    }

    ss_tensor *added = net->first_added ? ss_param_tensor(cx, at, "embeddings.token_embedding.added") : NULL;
    tower t = {net->heads, net->quick_gelu, .causal = true};

    ss_scope s = ss_scope_open(cx);
    ss_tensor *x = ss_embedding_added(cx, tokens, added, net->first_added, ids, n, positions->shape[0]);
    x = ss_add(cx, x, positions);
    x = ss_watched(cx, "text_model.embeddings", "", x);
    for (int i = 0; i < net->layers - skip; i++) x = layer(cx, &t, ss_sub(at, "encoder.layers.%d", i), x);
    x = ss_layer_norm_tokens(cx, at, "final_layer_norm", x);
    return ss_scope_close(cx, s, ss_cast(cx, x, SS_F32));
}

/* One token of a picture or text, as a row [1, d]. */
static ss_tensor *token(ss_ctx *cx, const ss_tensor *x, int64_t which) {
    if (!x) return NULL;
    int64_t d = ss_channels(x);
    return ss_tensor_wrap(cx, x->data ? x->data + which * d : NULL, 2, (int64_t[]){1, d});
}

ss_tensor *ss_clip_text_project(ss_ctx *cx, const ss_clip_text *net, const int32_t *ids, int end) {
    ss_tensor *x = ss_clip_text_run(cx, net, ids, 1, 0);
    return ss_layer_linear_bare(cx, ss_root((ss_params *)&net->params), "text_projection", token(cx, x, end));
}

static ss_tensor *as(ss_ctx *cx, ss_tensor *x, int rank, int64_t a, int64_t b, int64_t c) {
    return x ? ss_apply(cx, &ss_op_view, &(ss_view_attr){.rank = rank, .shape = {a, b, c}}, &x) : NULL;
}

/* Patches side by side as tokens, behind the class's own. A row of tokens lies in memory like the channels of one
 * place, so that joining channels puts one token before the others. */
static ss_tensor *embeddings(ss_ctx *cx, ss_at at, ss_tensor *x) {
    char text[64];
    ss_tensor *class = ss_param_tensor(cx, at, "class_embedding");
    ss_tensor *patch = ss_param_tensor(cx, at, "patch_embedding.weight");
    ss_tensor *positions = ss_param_tensor(cx, at, "position_embedding.weight");
    if (!class || !patch || !positions || !x) return NULL;
    int64_t d = patch->shape[0], side = patch->rank == 4 ? patch->shape[2] : 0;
    if (!side || patch->shape[1] != 3 || patch->shape[3] != side || class->rank != 1 || class->shape[0] != d) {
        ss_fail(cx, SS_ERR_MODEL, "%s: %s is %s: patches are square, in 3 colours, and as many numbers as the class's",
                at.in->part, patch->param->name, ss_shape_text(text, patch->rank, patch->shape));
        return NULL;
    }
    int64_t h = x->shape[2] / side, w = x->shape[3] / side;
    if (positions->rank != 2 || positions->shape[0] != h * w + 1) {
        ss_fail(cx, SS_ERR_MODEL, "%s: %s is %s, but %lld x %lld pixels in patches of %lld have %lld places",
                at.in->part, positions->param->name, ss_shape_text(text, positions->rank, positions->shape),
                (long long)x->shape[3], (long long)x->shape[2], (long long)side, (long long)(h * w + 1));
        return NULL;
    }
    x = ss_conv2d(cx, x, patch, NULL, NULL, &(ss_conv_attr){.stride = (int)side});
    x = ss_concat(cx, as(cx, class, 2, 1, d, 0), as(cx, x, 2, 1, h * w * d, 0));
    return ss_add(cx, as(cx, x, 3, 1, h * w + 1, d), positions);
}

ss_tensor *ss_clip_vision_project(ss_ctx *cx, const ss_clip_vision *net, ss_tensor *x) {
    if (cx->status) return NULL;
    ss_at root = ss_root((ss_params *)net->params), at = ss_sub(root, "vision_model");
    tower t = {net->heads, net->quick_gelu, .causal = false};

    ss_scope s = ss_scope_open(cx);
    x = embeddings(cx, ss_sub(at, "embeddings"), x);
    x = ss_watched(cx, "vision_model.pre_layrnorm", "", ss_layer_norm_tokens(cx, at, "pre_layrnorm", x));
    for (int i = 0; i < net->layers; i++) x = layer(cx, &t, ss_sub(at, "encoder.layers.%d", i), x);
    x = ss_layer_norm_tokens(cx, at, "post_layernorm", token(cx, x, 0));
    x = ss_watched(cx, "vision_model.post_layernorm", "", x);
    return ss_scope_close(cx, s, ss_layer_linear_bare(cx, root, "visual_projection", x));
}
