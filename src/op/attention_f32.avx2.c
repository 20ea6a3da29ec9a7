/* Attention in float32, compiled for AVX2 with FMA. */
#define SS_ATTN_TABLE ss_attn_avx2
#include "op/attention_f32.inc"
