/* Attention in float32, compiled for any processor. */
#define SS_ATTN_TABLE ss_attn_portable
#include "op/attention_f32.inc"
