/* The table of all operations. */
#include "op/ops.h"

const ss_op *const ss_ops[] = {
    &ss_op_conv2d, &ss_op_linear,     &ss_op_group_norm, &ss_op_layer_norm,   &ss_op_silu,
    &ss_op_gelu,   &ss_op_quick_gelu, &ss_op_geglu,      &ss_op_linear_geglu, &ss_op_add,
    &ss_op_concat, &ss_op_slice,      &ss_op_upsample,   &ss_op_embedding,    &ss_op_timestep,
    &ss_op_cast,   &ss_op_view,       &ss_op_attention,  &ss_op_twice,
};
const int ss_ops_count = SS_COUNT_OF(ss_ops);
