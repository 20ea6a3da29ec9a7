/* Attention in float32, compiled for AVX-512. */
#define SS_ATTN_TABLE ss_attn_avx512
#include "op/attention_f32.inc"
