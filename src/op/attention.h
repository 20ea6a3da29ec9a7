/* Attention is a plan: for every image of the batch a short list of reads, which one kernel carries out.
 *
 * A read names the images whose keys and values it uses, which of those keys it may see, and how much it counts at each
 * query. Every image has one read at least. Image i's output at query p is the sum over its reads r of
 *
 *     weight_r[p] * softmax(scale * q_i K_r^T + bias_r)[p] V_r
 *
 * with K_r, V_r the keys and values of the read's images one behind the other. A key whose bias is -INFINITY is not
 * seen. Where no key is seen the result is the mean of all values (what the original programs give in float32), never
 * NaN. Left alone (attr->plan NULL) every image reads itself, on the fast path.
 *
 * Controllers write plans (src/control); a network only calls ss_attend (model/layers.h), which asks them.
 */
#ifndef SS_ATTENTION_H
#define SS_ATTENTION_H

#include "tensor/tensor.h"

enum { SS_READS = 4, SS_JOINED = 8 };

/* Keys and values from outside of this batch (a source branch that was kept): one image, [len, d] each, in `dtype`. */
typedef struct ss_kept_kv {
    const void *k, *v;
    ss_dtype dtype;
    int64_t len, d;
} ss_kept_kv;

typedef struct ss_attn_read {
    int joined;          /* how many images it reads; 0: this read is unused */
    int from[SS_JOINED]; /* their places in the batch; ignored where kept[j] is set */
    const ss_kept_kv *kept[SS_JOINED];
    const float *bias;   /* one for each joined key, or NULL: all seen, no bias */
    const float *weight; /* one for each query, or NULL: 1 */
    int64_t still;       /* the first keys and values of every joined image that no gradient goes back to */
} ss_attn_read;

typedef struct ss_attn_plan {
    int n;                          /* images */
    ss_attn_read (*read)[SS_READS]; /* [n][SS_READS]; the first unused read ends a list */
} ss_attn_plan;

typedef struct ss_attention_attr {
    int heads;                /* d is split into this many */
    bool causal;              /* query p sees keys 0..p (text); excludes a plan */
    const ss_attn_plan *plan; /* NULL: every image reads itself */
    /* NULL, or [n, len, len_k]: the mean over heads of the first read's softmax, float32, hidden keys 0. Computed only
     * when asked for, and not if that read has other than len_k keys (SS_ERR_SHAPE). */
    float *probabilities;
    float *head_probabilities; /* NULL, or [n, heads, len, len_k]: the same before the mean, for those who look */
} ss_attention_attr;

/* ---- who has a say in it */

typedef enum ss_attn_kind { SS_SELF, SS_CROSS } ss_attn_kind;

/* Where in the network and when: what a controller decides by. */
typedef struct ss_attn_site {
    ss_attn_kind kind;
    int layer;       /* transformer block in the order of the forward pass, 0..15 in SD 1.x and 2.x */
    int level;       /* resolution: 0 is the finest; tokens are (h >> level) x (w >> level) of the latent */
    const char *key; /* path in the checkpoint: "up_blocks.1.attentions.0.transformer_blocks.0.attn1" */
    int step;        /* denoising step from 0, whatever the sampler's calls */
    bool shallow;    /* of a pass in which the deep layers do not run: what they showed last still holds */
    int n;           /* images in the batch */
    int heads;
    int64_t h, w;  /* the queries' grid: len = h * w */
    int64_t len_k; /* keys of one image */
} ss_attn_site;

/* A controller. Controllers chain: each refines what the ones before it planned. */
typedef struct ss_control {
    struct ss_control *next;
    int first_layer; /* self-attention before it is none of its business; 0: it may have a say everywhere */
    /* May rewrite p->read[i]; a plan comes in as one read of oneself. What a read points to has to live until the layer
     * is done. NULL: no opinion. */
    ss_status (*plan)(struct ss_control *self, ss_ctx *cx, const ss_attn_site *site, ss_attn_plan *p);
    /* Asked before: true makes the layer give its mean probabilities to `observe` after it ran. NULL: never. */
    bool (*wants_map)(const struct ss_control *self, const ss_attn_site *site);
    /* map is [n, len, len_k], the mean over heads. */
    ss_status (*observe)(struct ss_control *self, ss_ctx *cx, const ss_attn_site *site, const float *map);
    /* Sees every layer's projected keys and values [n, len_k, d] before the layer runs. NULL: no interest. */
    ss_status (*keys)(struct ss_control *self, ss_ctx *cx, const ss_attn_site *site, const ss_tensor *k,
                      const ss_tensor *v);
} ss_control;

#endif
