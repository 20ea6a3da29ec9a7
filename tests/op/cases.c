/* The table of operations under test. A new operation adds its rows here; test_ops.c demands one of each. */
#include "op/cases.h"

#include <math.h>
#include <string.h>

float test_number(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (float)((double)(*state >> 40) / (1 << 23) - 1);
}

/* ---- plans; rows of attention are {q}, {k}, {v} */

static void *taken(ss_ctx *cx, size_t bytes) { return memset(ss_arena_take(cx, bytes), 0, bytes); }

static ss_attn_plan *every_image_reads(ss_ctx *cx, const op_case *row, int from) {
    ss_attn_plan *p = taken(cx, sizeof *p);
    p->n = (int)row->shape[0][0];
    p->read = taken(cx, (size_t)p->n * sizeof *p->read);
    for (int i = 0; i < p->n; i++) {
        p->read[i][0].joined = 1;
        p->read[i][0].from[0] = from < 0 ? i : from;
    }
    return p;
}

static ss_attn_plan *first_image(ss_ctx *cx, const op_case *row) { return every_image_reads(cx, row, 0); }

/* The keys of the first image, then its own. The first image reads itself. */
static ss_attn_plan *joined(ss_ctx *cx, const op_case *row) {
    ss_attn_plan *p = every_image_reads(cx, row, 0);
    for (int i = 1; i < p->n; i++) {
        p->read[i][0].joined = 2;
        p->read[i][0].from[1] = i;
    }
    return p;
}

/* Two reads of the first image with complementary masks over its keys and weights that sum to one at each query. The
 * last image's object is empty: no key seen. */
static ss_attn_plan *object_and_background(ss_ctx *cx, const op_case *row) {
    ss_attn_plan *p = every_image_reads(cx, row, 0);
    int64_t len = row->shape[0][1], len_k = row->shape[1][1];
    uint64_t state = 5;
    for (int i = 0; i < p->n; i++) {
        float *bias[2], *weight[2];
        for (int r = 0; r < 2; r++) {
            bias[r] = taken(cx, (size_t)len_k * sizeof(float));
            weight[r] = taken(cx, (size_t)len * sizeof(float));
            p->read[i][r] = (ss_attn_read){.joined = 1, .bias = bias[r], .weight = weight[r]};
        }
        for (int64_t j = 0; j < len_k; j++) {
            int hidden = i == p->n - 1 || test_number(&state) < 0 ? 0 : 1;
            bias[hidden][j] = -INFINITY;
        }
        for (int64_t q = 0; q < len; q++) {
            weight[0][q] = i ? 0.5f + 0.5f * test_number(&state) : (float)(test_number(&state) < 0);
            weight[1][q] = 1 - weight[0][q];
        }
    }
    return p;
}

/* Every key counts, but not alike; some are hidden, and some lie far below the rest. */
static ss_attn_plan *soft(ss_ctx *cx, const op_case *row) {
    ss_attn_plan *p = every_image_reads(cx, row, -1);
    int64_t len_k = row->shape[1][1];
    uint64_t state = 6;
    for (int i = 0; i < p->n; i++) {
        float *bias = taken(cx, (size_t)len_k * sizeof(float));
        for (int64_t j = 0; j < len_k; j++) {
            float kind = test_number(&state);
            bias[j] = kind < -0.8f ? -INFINITY : kind < -0.6f ? -60 : 4 * kind;
        }
        p->read[i][0].bias = bias;
    }
    return p;
}

/* Keys from outside of the batch, of either type, joined with one's own. */
static ss_attn_plan *kept(ss_ctx *cx, const op_case *row) {
    ss_attn_plan *p = every_image_reads(cx, row, -1);
    int64_t len = 13, d = row->shape[0][2], n = len * d;
    float *numbers = taken(cx, 2 * (size_t)n * sizeof *numbers);
    uint16_t *half = taken(cx, 2 * (size_t)n * sizeof *half);
    uint64_t state = 7;
    for (int64_t i = 0; i < 2 * n; i++) {
        half[i] = ss_float_to_bf16(test_number(&state));
        numbers[i] = ss_bf16_to_float(half[i]); /* so that keeping them as bfloat16 loses nothing */
    }
    ss_kept_kv *as_float = taken(cx, sizeof *as_float), *as_half = taken(cx, sizeof *as_half);
    *as_float = (ss_kept_kv){.k = numbers, .v = numbers + n, .dtype = SS_F32, .len = len, .d = d};
    *as_half = (ss_kept_kv){.k = half, .v = half + n, .dtype = SS_BF16, .len = len, .d = d};
    for (int i = 0; i < p->n; i++) {
        ss_attn_read *r = p->read[i];
        r->joined = 2;
        r->kept[i % 2] = i ? as_half : as_float;
        r->from[0] = r->from[1] = i;
        r[1] = (ss_attn_read){.joined = 3, .kept = {as_half, as_float, as_half}};
    }
    return p;
}

/* ---- the rows */

#define ATTENTION(heads_, ...)                                                                                         \
    { &ss_op_attention, {__VA_ARGS__}, &(ss_attention_attr){.heads = heads_}, .reach = 2 }
#define PLANNED(heads_, plan_, ...)                                                                                    \
    {                                                                                                                  \
        &ss_op_attention, {__VA_ARGS__}, &(ss_attention_attr){.heads = heads_}, .reach = 2, .plan = plan_,             \
                                                                                .what = #plan_                         \
    }
#define CAUSAL(heads_, ...)                                                                                            \
    {                                                                                                                  \
        &ss_op_attention, {__VA_ARGS__}, &(ss_attention_attr){.heads = heads_, .causal = true}, .reach = 2,            \
                                                                                                .what = "causal"       \
    }
#define SELF(n, len, d)                                                                                                \
    {n, len, d}, {n, len, d}, { n, len, d }
#define CROSS(n, len, len_k, d)                                                                                        \
    {n, len, d}, {n, len_k, d}, { n, len_k, d }

const op_case op_cases[] = {
    {&ss_op_conv2d, .shape = {{2, 3, 5, 7}, {4, 3, 3, 3}, {4}},
     &(ss_conv_attr){.top = 1, .left = 1, .bottom = 1, .right = 1}},
    {&ss_op_conv2d, .shape = {{1, 5, 8, 8}, {6, 5, 3, 3}, {6}}, &(ss_conv_attr){.stride = 2, .bottom = 1, .right = 1}},
    {&ss_op_conv2d, .shape = {{3, 2, 4, 4}, {3, 2, 3, 3}, {0}, {3, 3, 2, 2}}, &(ss_conv_attr){0},
     .what = "no bias, something added"},
    {&ss_op_conv2d, .shape = {{2, 32, 6, 7}, {48, 32, 3, 3}, {48}, {2, 48, 6, 7}},
     &(ss_conv_attr){.top = 1, .left = 1, .bottom = 1, .right = 1}},
    {&ss_op_conv2d, .shape = {{1, 1, 5, 6}, {1, 1, 3, 3}, {1}}, &(ss_conv_attr){.top = 2, .right = 1}},
    {&ss_op_conv2d, .shape = {{3, 4, 9, 8}, {5, 4, 3, 3}, {5}},
     &(ss_conv_attr){.stride = 2, .top = 1, .left = 1, .bottom = 1, .right = 1}},
    {&ss_op_conv2d, .shape = {{2, 5, 6, 7}, {3, 5, 1, 1}, {3}}, &(ss_conv_attr){.stride = 2}},
    {&ss_op_conv2d, .shape = {{1, 3, 4, 5}, {4, 3, 1, 1}},
     &(ss_conv_attr){.top = 1, .left = 1, .bottom = 1, .right = 2}, .what = "a border that only holds bias"},
    {&ss_op_conv2d, .shape = {{1, 2, 11, 13}, {3, 2, 5, 2}, {3}}, &(ss_conv_attr){.stride = 3, .top = 1, .left = 1},
     .what = "places left over"},
    {&ss_op_conv2d, .shape = {{1, 2, 21, 30}, {2, 2, 20, 29}, {2}}, &(ss_conv_attr){.top = 1},
     .what = "a large kernel"},
    {&ss_op_conv2d, .shape = {{2, 672, 3, 4}, {8, 672, 3, 3}, {8}, {2, 8, 3, 4}},
     &(ss_conv_attr){.top = 1, .left = 1, .bottom = 1, .right = 1}, .what = "a sum in slices"},
    {&ss_op_conv2d, .shape = {{1, 672, 5, 5}, {8, 672, 3, 3}}, &(ss_conv_attr){.stride = 2, .bottom = 1, .right = 1},
     .what = "a sum in slices, no bias"},
    {&ss_op_conv2d, .shape = {{1, 3, 4, 4}, {672, 3, 3, 3}, {672}},
     &(ss_conv_attr){.top = 1, .left = 1, .bottom = 1, .right = 1}, .what = "a sum in slices, backward"},
    {&ss_op_conv2d, .shape = {{2, 3, 5, 131}, {37, 3, 3, 3}, {37}, {2, 37, 5, 131}},
     &(ss_conv_attr){.top = 1, .left = 1, .bottom = 1, .right = 1}, .what = "wide: cut in strips"},
    {&ss_op_conv2d, .shape = {{1, 3, 6, 250}, {5, 3, 3, 3}, {5}}, &(ss_conv_attr){.stride = 2, .bottom = 1, .right = 1},
     .what = "wide, every second place"},
    {&ss_op_conv2d, .shape = {{2, 33, 41, 30}, {4, 33, 3, 3}, {4}},
     &(ss_conv_attr){.top = 1, .left = 1, .bottom = 1, .right = 1}, .what = "many places"},
    {&ss_op_linear, .shape = {{1200, 64}, {9, 64}, {9}, {1200, 9}}, .what = "many rows"},
    {&ss_op_linear, .shape = {{1, 1}, {1, 1}, {1}}},
    {&ss_op_linear, .shape = {{3, 77, 40}, {33, 40}, {33}, {3, 77, 33}}},
    {&ss_op_linear, .shape = {{3, 1344}, {9, 1344}}},
    {&ss_op_linear, .shape = {{2, 5, 7}, {9, 7}, {9}}},
    {&ss_op_linear, .shape = {{3, 1, 16}, {4, 16}, {0}, {3, 1, 4}}, .what = "no bias, something added"},
    {&ss_op_linear, .shape = {{2, 6, 3, 5}, {8, 6, 1, 1}, {8}}, .what = "a convolution of one pixel"},

    {&ss_op_group_norm, .shape = {{2, 32, 5, 7}, {32}, {32}}, &(ss_norm_attr){.groups = 8, .eps = 1e-5f}},
    {&ss_op_group_norm, .shape = {{1, 32, 1, 1}, {32}, {32}}, &(ss_norm_attr){.groups = 32, .eps = 1e-2f},
     .what = "variance 0"},
    {&ss_op_group_norm, .shape = {{3, 6, 3, 3}, {6}, {6}, {3, 6}},
     &(ss_norm_attr){.groups = 2, .eps = 1e-5f, .silu = true}},
    {&ss_op_group_norm, .shape = {{2, 12, 9, 11}, {12}, {12}, {2, 12}},
     &(ss_norm_attr){.groups = 4, .eps = 1e-6f, .silu = true}},
    {&ss_op_group_norm, .shape = {{1, 320, 17, 16}, {320}, {320}},
     &(ss_norm_attr){.groups = 32, .eps = 1e-6f, .silu = true}},
    {&ss_op_group_norm, .shape = {{2, 17, 4, 33}, {17}, {17}}, &(ss_norm_attr){.groups = 17, .eps = 1e-5f}},
    {&ss_op_group_norm, .shape = {{1, 24, 7, 5}, {24}, {24}}, &(ss_norm_attr){.groups = 1, .eps = 1e-5f}},

    {&ss_op_layer_norm, .shape = {{2, 3, 5}, {5}, {5}}, &(ss_norm_attr){.eps = 1e-5f}},
    {&ss_op_layer_norm, .shape = {{1, 77, 64}, {64}, {64}}, &(ss_norm_attr){.eps = 1e-5f}},
    {&ss_op_layer_norm, .shape = {{3, 5, 321}, {321}, {321}}, &(ss_norm_attr){.eps = 1e-5f}},
    {&ss_op_layer_norm, .shape = {{1, 1, 1}, {1}, {1}}, &(ss_norm_attr){.eps = 1e-2f}, .what = "variance 0"},

    {&ss_op_silu, .shape = {{1, 1}}},
    {&ss_op_silu, .shape = {{3, 1280}}, .reach = 10},
    {&ss_op_silu, .shape = {{2, 3, 5, 7}}, .reach = 100},
    {&ss_op_gelu, .shape = {{2, 3, 17}}, .reach = 3},
    {&ss_op_gelu, .shape = {{3, 1023}}, .reach = 8},
    {&ss_op_quick_gelu, .shape = {{2, 3, 17}}, .reach = 3},
    {&ss_op_quick_gelu, .shape = {{1, 77, 33}}, .reach = 20},
    {&ss_op_linear_geglu, .shape = {{2, 5, 7}, {6, 7}, {6}}, .reach = 3},
    {&ss_op_linear_geglu, .shape = {{1, 1}, {2, 1}}},
    {&ss_op_linear_geglu, .shape = {{2, 24, 64}, {84, 64}, {84}}},
    {&ss_op_linear_geglu, .shape = {{3, 11, 352}, {36, 352}}, .what = "a sum in pieces, no bias"},
    {&ss_op_geglu, .shape = {{2, 3, 10}}, .reach = 3},
    {&ss_op_geglu, .shape = {{1, 5, 2}}},
    {&ss_op_geglu, .shape = {{3, 7, 2560}}, .reach = 4},

    {&ss_op_add, .shape = {{2, 3, 5}, {2, 3, 5}}},
    {&ss_op_add, .shape = {{3, 7, 16}, {7, 16}}, .what = "position embeddings"},
    {&ss_op_add, .shape = {{2, 5, 3, 3}, {2, 5, 3, 3}}},
    {&ss_op_add, .shape = {{3, 1100}, {1100}}},
    {&ss_op_concat, .shape = {{2, 3, 4, 5}, {2, 7, 4, 5}}},
    {&ss_op_concat, .shape = {{1, 5, 1}, {1, 5, 32}}},
    {&ss_op_twice, .shape = {{1, 5, 3, 2}}},
    {&ss_op_twice, .shape = {{3, 4}}},
    {&ss_op_slice, .shape = {{2, 7, 3, 5}}, &(ss_slice_attr){.first = 2, .count = 4}},
    {&ss_op_slice, .shape = {{3, 4, 6}}, &(ss_slice_attr){.first = 5, .count = 1}},
    {&ss_op_upsample, .shape = {{2, 3, 4, 5}}, &(ss_size_attr){8, 10}},
    {&ss_op_upsample, .shape = {{1, 5, 3, 4}}, &(ss_size_attr){5, 7}, .what = "odd sizes"},
    {&ss_op_upsample, .shape = {{1, 2, 5, 7}}, &(ss_size_attr){3, 4}, .what = "smaller"},
    {&ss_op_embedding, .shape = {{11, 6}}, &(ss_embedding_attr){(const int32_t[]){3, 0, 10, 3, 7, 3}, 2, 3, 0},
     .what = "a token thrice"},
    {&ss_op_embedding, .shape = {{9, 6}, {2, 6}}, &(ss_embedding_attr){(const int32_t[]){3, 9, 8, 10, 7, 10}, 2, 3, 9},
     .what = "tokens added behind"},
    {&ss_op_embedding, .shape = {{9, 6}, {3, 6}}, &(ss_embedding_attr){(const int32_t[]){3, 6, 8, 5, 7, 5}, 2, 3, 6},
     .what = "tokens added over rows that stand empty"},
    {&ss_op_timestep, .shape = {{0}}, &(ss_timestep_attr){(const float[]){0, 1, 981, 12.5f}, 4, 320}},
    {&ss_op_cast, .shape = {{3, 7}}, &(ss_cast_attr){SS_BF16}},
    {&ss_op_cast, .shape = {{2, 3, 4, 5}}, &(ss_cast_attr){SS_F32}},
    {&ss_op_view, .shape = {{2, 3, 4, 5}}, &(ss_view_attr){3, {2, 20, 3}}},

    ATTENTION(1, SELF(1, 1, 1)),
    ATTENTION(1, SELF(1, 2, 3)),
    ATTENTION(2, SELF(3, 15, 8)),
    ATTENTION(8, SELF(2, 16, 64)),
    ATTENTION(8, SELF(1, 65, 320)),
    ATTENTION(8, SELF(2, 17, 1280)),
    ATTENTION(2, SELF(1, 130, 2 * 64)),
    ATTENTION(1, SELF(1, 260, 40)),
    ATTENTION(1, SELF(1, 33, 512)),
    ATTENTION(3, SELF(1, 49, 3 * 17)),
    ATTENTION(1, CROSS(1, 4097, 33, 12)),
    ATTENTION(1, CROSS(1, 33, 4097, 12)),
    ATTENTION(2, CROSS(2, 31, 77, 80)),
    ATTENTION(8, CROSS(1, 64, 77, 320)),
    ATTENTION(2, CROSS(3, 1, 77, 10)),
    ATTENTION(2, CROSS(1, 4097, 2, 8)),
    {&ss_op_attention,
     {SELF(1, 40, 40)},
     &(ss_attention_attr){.heads = 1},
     .reach = 12,
     .what = "one key takes it all"},
    CAUSAL(1, SELF(1, 1, 4)),
    CAUSAL(2, SELF(3, 16, 32)),
    CAUSAL(2, SELF(2, 77, 128)),
    CAUSAL(1, SELF(1, 300, 24)),
    PLANNED(2, first_image, SELF(3, 20, 16)),
    PLANNED(8, first_image, CROSS(2, 64, 64, 320)),
    PLANNED(2, joined, SELF(3, 17, 12)),
    PLANNED(2, joined, CROSS(2, 33, 290, 80)),
    PLANNED(2, object_and_background, SELF(3, 16, 10)),
    PLANNED(2, object_and_background, SELF(2, 70, 80)),
    PLANNED(1, object_and_background, SELF(1, 5, 4)),
    PLANNED(2, soft, SELF(2, 37, 16)),
    PLANNED(1, soft, SELF(1, 190, 64)),
    PLANNED(8, soft, CROSS(2, 16, 77, 320)),
    PLANNED(2, kept, SELF(2, 19, 16)),
    PLANNED(1, kept, SELF(3, 33, 40)),
};
const int op_cases_count = SS_COUNT_OF(op_cases);
