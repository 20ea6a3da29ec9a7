/* The autoencoder. One page, spelled like the checkpoint. */
#include "model/vae.h"

#include "model/strips.h"

static ss_tensor *norm_silu(ss_ctx *cx, const ss_vae *vae, ss_at at, const char *name, ss_tensor *x) {
    ss_norm_attr norm = {.groups = vae->groups, .eps = 1e-6f, .silu = true};
    return ss_watched(cx, ss_sub(at, "%s", name).path, "", ss_layer_group_norm(cx, at, name, x, NULL, &norm));
}

static ss_tensor *resnet(ss_ctx *cx, const ss_vae *vae, ss_at at, ss_tensor *x) {
    ss_scope s = ss_scope_open(cx);
    ss_tensor *h = ss_layer_conv(cx, at, "conv1", norm_silu(cx, vae, at, "norm1", x));
    h = norm_silu(cx, vae, at, "norm2", h);
    if (h && x && ss_channels(h) != ss_channels(x)) x = ss_layer_conv(cx, at, "conv_shortcut", x);
    return ss_scope_close(cx, s, ss_layer_conv_plus(cx, at, "conv2", h, x));
}

/* One head as wide as the channels, over all pixels. */
static ss_tensor *attention(ss_ctx *cx, const ss_vae *vae, ss_at at, ss_tensor *x) {
    if (!x) return NULL;
    ss_scope s = ss_scope_open(cx);
    ss_norm_attr norm = {.groups = vae->groups, .eps = 1e-6f};
    ss_tensor *h = ss_to_tokens(cx, ss_layer_group_norm(cx, at, "group_norm", x, NULL, &norm));
    ss_tensor *q = ss_layer_linear(cx, at, "to_q", h);
    ss_tensor *k = ss_layer_linear(cx, at, "to_k", h);
    ss_tensor *v = ss_layer_linear(cx, at, "to_v", h);
    h = ss_to_pixels(cx, ss_attention(cx, q, k, v, &(ss_attention_attr){.heads = 1}), x->shape[2], x->shape[3]);
    return ss_watched(cx, at.path, "", ss_scope_close(cx, s, ss_layer_conv_plus(cx, at, "to_out.0", h, x)));
}

static ss_tensor *middle(ss_ctx *cx, const ss_vae *vae, ss_at at, ss_tensor *x) {
    x = resnet(cx, vae, ss_sub(at, "resnets.0"), x);
    x = attention(cx, vae, ss_sub(at, "attentions.0"), x);
    return ss_watched(cx, at.path, "", resnet(cx, vae, ss_sub(at, "resnets.1"), x));
}

/* Pads right and below only, as training did; symmetric padding would move the picture a pixel per level. */
static ss_tensor *conv_half(ss_ctx *cx, ss_at at, ss_tensor *x) {
    ss_tensor *w = ss_param_tensor(cx, at, "weight"), *b = ss_param_tensor(cx, at, "bias");
    return w && b ? ss_conv2d(cx, x, w, b, NULL, &(ss_conv_attr){.stride = 2, .bottom = 1, .right = 1}) : NULL;
}

ss_tensor *ss_vae_encode(ss_ctx *cx, const ss_vae *vae, ss_tensor *x) {
    if (cx->status) return NULL;
    ss_at top = ss_root((ss_params *)&vae->params), at = ss_sub(top, "encoder");
    ss_scope s = ss_scope_open(cx);
    x = ss_watched(cx, "encoder.conv_in", "", ss_layer_conv(cx, at, "conv_in", x));
    for (int i = 0; i < 4; i++) {
        ss_at down = ss_sub(at, "down_blocks.%d", i);
        ss_scope level = ss_scope_open(cx);
        for (int j = 0; j < 2; j++) x = resnet(cx, vae, ss_sub(down, "resnets.%d", j), x);
        if (i < 3) x = conv_half(cx, ss_sub(down, "downsamplers.0.conv"), x);
        x = ss_watched(cx, down.path, "", ss_scope_close(cx, level, x));
    }
    x = middle(cx, vae, ss_sub(at, "mid_block"), x);
    x = ss_layer_conv(cx, at, "conv_out", norm_silu(cx, vae, at, "conv_norm_out", x));
    ss_watched(cx, "encoder.conv_out", "", x);
    x = ss_cast(cx, ss_layer_conv(cx, top, "quant_conv", x), SS_F32);
    return ss_scope_close(cx, s, ss_watched(cx, "moments", "", x));
}

ss_tensor *ss_vae_decode(ss_ctx *cx, const ss_vae *vae, ss_tensor *z) {
    if (cx->status) return NULL;
    ss_at top = ss_root((ss_params *)&vae->params), at = ss_sub(top, "decoder");
    ss_scope s = ss_scope_open(cx);
    ss_tensor *x = ss_layer_conv(cx, top, "post_quant_conv", ss_cast(cx, z, cx->device->numbers));
    x = ss_watched(cx, "decoder.conv_in", "", ss_layer_conv(cx, at, "conv_in", x));
    x = middle(cx, vae, ss_sub(at, "mid_block"), x);
    x = ss_scope_close(cx, s, x);
    if (ss_strips_fit(cx, at, x)) return ss_scope_close(cx, s, ss_decode_strips(cx, vae, at, x, 0));
    for (int i = 0; i < 4 && x; i++) {
        ss_at up = ss_sub(at, "up_blocks.%d", i);
        ss_scope level = ss_scope_open(cx);
        for (int j = 0; j < 3; j++) x = resnet(cx, vae, ss_sub(up, "resnets.%d", j), x);
        if (i < 3 && x) {
            ss_tensor *wide = ss_upsample(cx, x, 2 * x->shape[2], 2 * x->shape[3]);
            x = ss_layer_conv(cx, up, "upsamplers.0.conv", wide);
        }
        x = ss_watched(cx, up.path, "", ss_scope_close(cx, level, x));
    }
    x = ss_layer_conv(cx, at, "conv_out", norm_silu(cx, vae, at, "conv_norm_out", x));
    return ss_scope_close(cx, s, ss_watched(cx, "y", "", ss_cast(cx, x, SS_F32)));
}
