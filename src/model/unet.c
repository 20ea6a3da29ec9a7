/* The UNet: four levels down, a middle, four levels up, with skips across. One page, spelled like the checkpoint. */
#include "model/unet.h"

#include <stdio.h>

/* What the blocks of one pass share. */
typedef struct pass {
    const ss_unet *net;
    ss_tensor *temb; /* silu of the time embedding, [n, 4 c] */
    ss_tensor *text;
    int step;
    int layer;    /* of the next transformer block */
    bool shallow; /* only the outermost blocks run */
    bool halved;  /* both halves of the batch are still the same, and come once: no text has been read yet */
} pass;

static ss_tensor *resnet(ss_ctx *cx, const pass *p, ss_at at, ss_tensor *x) {
    ss_scope s = ss_scope_open(cx);
    ss_norm_attr norm = {.groups = p->net->groups, .eps = 1e-5f, .silu = true};
    ss_tensor *time = ss_layer_linear(cx, at, "time_emb_proj", p->temb);
    ss_tensor *h = ss_layer_conv(cx, at, "conv1", ss_layer_group_norm(cx, at, "norm1", x, NULL, &norm));
    h = ss_layer_group_norm(cx, at, "norm2", h, time, &norm);
    if (h && x && ss_channels(h) != ss_channels(x)) x = ss_layer_conv(cx, at, "conv_shortcut", x);
    return ss_watched(cx, at.path, "", ss_scope_close(cx, s, ss_layer_conv_plus(cx, at, "conv2", h, x)));
}

/* x + to_out(attention(x or text)); x comes in normalised as `h`. */
static ss_tensor *attention(ss_ctx *cx, pass *p, ss_at at, ss_attn_site site, ss_tensor *h, ss_tensor *x) {
    ss_tensor *seen = site.kind == SS_SELF ? h : p->text;
    site.key = at.path;
    ss_watched(cx, at.path, ".in", h);
    ss_tensor *q = ss_layer_linear_bare(cx, at, "to_q", h);
    ss_tensor *k = ss_layer_linear_bare(cx, at, "to_k", seen);
    ss_tensor *v = ss_layer_linear_bare(cx, at, "to_v", seen);
    ss_tensor *a = ss_watched(cx, at.path, ".heads", ss_attend(cx, site, q, k, v, p->net->heads[site.level]));
    if (cx->watch) ss_watched(cx, at.path, ".out", ss_layer_linear(cx, at, "to_out.0", a));
    return ss_layer_linear_plus(cx, at, "to_out.0", a, x);
}

static ss_tensor *transformer(ss_ctx *cx, pass *p, ss_at at, int level, ss_tensor *x) {
    if (!x) return NULL;
    ss_scope s = ss_scope_open(cx);
    ss_attn_site site = {.layer = p->layer++,
                         .level = level,
                         .step = p->step,
                         .h = x->shape[2],
                         .w = x->shape[3],
                         .shallow = p->shallow};
    ss_at block = ss_sub(at, "transformer_blocks.0");

    /* eps is 1e-6 here and 1e-5 in the residual blocks, as in training. */
    ss_norm_attr norm = {.groups = p->net->groups, .eps = 1e-6f};
    ss_tensor *y = ss_layer_conv(cx, at, "proj_in", ss_layer_group_norm(cx, at, "norm", x, NULL, &norm));
    y = ss_to_tokens(cx, y);
    site.kind = SS_SELF;
    y = attention(cx, p, ss_sub(block, "attn1"), site, ss_layer_norm_tokens(cx, block, "norm1", y), y);
    if (p->halved) y = ss_twice(cx, y), x = ss_twice(cx, x);
    site.kind = SS_CROSS;
    y = attention(cx, p, ss_sub(block, "attn2"), site, ss_layer_norm_tokens(cx, block, "norm2", y), y);
    ss_tensor *f = ss_layer_linear_geglu(cx, block, "ff.net.0.proj", ss_layer_norm_tokens(cx, block, "norm3", y));
    y = ss_layer_linear_plus(cx, block, "ff.net.2", f, y);
    y = ss_layer_conv_plus(cx, at, "proj_out", ss_to_pixels(cx, y, site.h, site.w), x);
    return ss_watched(cx, at.path, "", ss_scope_close(cx, s, y));
}

int64_t ss_unet_width(const ss_unet *net, int level) {
    char key[64];
    snprintf(key, sizeof key, "down_blocks.%d.resnets.1.conv2.weight", level);
    const ss_param *p = ss_params_find(&net->params, key);
    return p ? p->shape[0] : 0;
}

static ss_tensor *time_embedding(ss_ctx *cx, ss_at at, const float *t, int64_t n) {
    /* As wide as what reads it. Where that is missing or misshapen, its layer says so. */
    const ss_param *w = ss_params_find(at.in, "time_embedding.linear_1.weight");
    ss_tensor *e = ss_timestep_embedding(cx, t, n, w && w->rank == 2 ? w->shape[1] : 2);
    ss_watched(cx, "time_proj", "", e);
    e = ss_layer_linear(cx, at, "linear_1", ss_cast(cx, e, cx->device->numbers));
    return ss_watched(cx, at.path, "", ss_layer_linear(cx, at, "linear_2", ss_silu(cx, e)));
}

/* Skips that a pass of the outermost blocks makes and uses, and a whole one. Two leave a quarter of the work. */
enum { OUTER = 2, ALL = 12 };

ss_tensor *ss_unet_run(ss_ctx *cx, const ss_unet *net, ss_tensor *x, const float *t, ss_tensor *text, int step) {
    return ss_unet_run_reusing(cx, net, x, t, text, step, NULL);
}

ss_tensor *ss_unet_run_reusing(ss_ctx *cx, const ss_unet *net, ss_tensor *x, const float *t, ss_tensor *text, int step,
                               ss_deep *deep) {
    if (cx->status) return NULL;
    const bool shallow = ss_deep_fits(deep, text->shape[0], x->shape[2], x->shape[3]);
    const int depth = shallow ? OUTER : ALL;
    ss_at at = ss_root((ss_params *)&net->params);
    ss_tensor *skip[12];
    int n = 0;

    ss_scope s = ss_scope_open(cx);
    ss_tensor *temb = ss_silu(cx, time_embedding(cx, ss_sub(at, "time_embedding"), t, x->shape[0]));
    pass p = {.net = net,
              .temb = temb,
              .text = ss_cast(cx, text, cx->device->numbers),
              .step = step,
              .shallow = shallow,
              .halved = text->shape[0] == 2 * x->shape[0]};
    /* The ends stay float32: they cost nothing, and what they would round is the latent itself, at every step. */
    x = ss_watched(cx, "conv_in", "", ss_cast(cx, ss_layer_conv(cx, at, "conv_in", x), cx->device->numbers));
    skip[n++] = x;

    /* Down: 64, 32, 16, then 8 latent pixels a side for a picture of 512; the last level has no attention. */
    for (int i = 0; i < 4 && n < depth; i++) {
        ss_at down = ss_sub(at, "down_blocks.%d", i);
        for (int j = 0; j < 2 && n < depth; j++) {
            x = resnet(cx, &p, ss_sub(down, "resnets.%d", j), x);
            if (i < 3) x = transformer(cx, &p, ss_sub(down, "attentions.%d", j), i, x);
            if (p.halved) skip[0] = ss_twice(cx, skip[0]), p.temb = ss_twice(cx, temb), p.halved = false;
            skip[n++] = x;
        }
        if (shallow && n == depth) break;
        if (i < 3) x = skip[n++] = ss_layer_conv_half(cx, down, "downsamplers.0.conv", x);
        if (i < 3) ss_watched(cx, down.path, ".downsamplers.0", x);
        ss_watched(cx, down.path, "", x);
    }

    ss_at mid = ss_sub(at, "mid_block");
    if (!shallow) {
        x = resnet(cx, &p, ss_sub(mid, "resnets.0"), x);
        x = transformer(cx, &p, ss_sub(mid, "attentions.0"), 3, x);
        x = ss_watched(cx, mid.path, "", resnet(cx, &p, ss_sub(mid, "resnets.1"), x));
    }

    for (int i = 0; i < 4; i++) {
        ss_at up = ss_sub(at, "up_blocks.%d", i);
        for (int j = 0; j < 3; j++) {
            int left = ALL - 3 * i - j; /* skips, in a whole pass */
            if (n < left) continue;
            if (deep && left == OUTER) x = ss_deep_part(cx, deep, shallow, x);
            p.layer = 4 + 3 * i + j;
            ss_scope joined = ss_scope_open(cx);
            x = resnet(cx, &p, ss_sub(up, "resnets.%d", j), ss_concat(cx, x, skip[--n]));
            if (i > 0) x = transformer(cx, &p, ss_sub(up, "attentions.%d", j), 3 - i, x);
            x = ss_scope_close(cx, joined, x);
        }
        /* A level whose size was odd on the way down comes back to exactly its skip's size. */
        if (i < 3 && x && !shallow) {
            ss_tensor *wide = ss_upsample(cx, x, skip[n - 1]->shape[2], skip[n - 1]->shape[3]);
            x = ss_watched(cx, up.path, ".upsamplers.0", ss_layer_conv(cx, up, "upsamplers.0.conv", wide));
        }
        ss_watched(cx, up.path, "", x);
    }

    ss_norm_attr norm = {.groups = net->groups, .eps = 1e-5f, .silu = true};
    x = ss_watched(cx, "conv_norm_out", "", ss_layer_group_norm(cx, at, "conv_norm_out", x, NULL, &norm));
    x = ss_layer_conv(cx, at, "conv_out", ss_cast(cx, x, SS_F32));
    return ss_scope_close(cx, s, ss_watched(cx, "y", "", x));
}
