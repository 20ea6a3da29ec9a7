/* CLIP's text encoder. One page, spelled like the checkpoint. */
#include "model/clip.h"

static ss_tensor *attention(ss_ctx *cx, ss_at at, int heads, ss_tensor *h, ss_tensor *x) {
    ss_tensor *q = ss_layer_linear(cx, at, "q_proj", h);
    ss_tensor *k = ss_layer_linear(cx, at, "k_proj", h);
    ss_tensor *v = ss_layer_linear(cx, at, "v_proj", h);
    ss_tensor *a = ss_attention_seen(cx, at.path, q, k, v, (ss_attention_attr){.heads = heads, .causal = true});
    return ss_layer_linear_plus(cx, at, "out_proj", a, x);
}

static ss_tensor *layer(ss_ctx *cx, const ss_clip_text *net, ss_at at, ss_tensor *x) {
    ss_scope s = ss_scope_open(cx);
    x = attention(cx, ss_sub(at, "self_attn"), net->heads, ss_layer_norm_tokens(cx, at, "layer_norm1", x), x);
    ss_tensor *h = ss_layer_linear(cx, at, "mlp.fc1", ss_layer_norm_tokens(cx, at, "layer_norm2", x));
    h = net->quick_gelu ? ss_quick_gelu(cx, h) : ss_gelu(cx, h);
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

    ss_scope s = ss_scope_open(cx);
    ss_tensor *x = ss_embedding_added(cx, tokens, added, net->first_added, ids, n, positions->shape[0]);
    x = ss_add(cx, x, positions);
    x = ss_watched(cx, "text_model.embeddings", "", x);
    for (int i = 0; i < net->layers - skip; i++) x = layer(cx, net, ss_sub(at, "encoder.layers.%d", i), x);
    x = ss_layer_norm_tokens(cx, at, "final_layer_norm", x);
    return ss_scope_close(cx, s, ss_cast(cx, x, SS_F32));
}
