/* The fast kernels of the processor that are our own: ss_NAME_cpu and ss_NAME_cpu_back for each operation below. What
 * oneDNN computes, convolutions and linear layers, is in op/product.h. */
#ifndef SS_OP_CPU_H
#define SS_OP_CPU_H

#include "tensor/call.h"

#define SS_ON_CPU(name)                                                                                                \
    { ss_##name##_cpu, ss_##name##_cpu_back }
#define SS_CPU_PAIR(name) ss_status ss_##name##_cpu(const ss_call *k), ss_##name##_cpu_back(const ss_call *k)

SS_CPU_PAIR(silu); /* pointwise.cpu.c */
SS_CPU_PAIR(gelu);
SS_CPU_PAIR(quick_gelu);
SS_CPU_PAIR(geglu);
SS_CPU_PAIR(add);
SS_CPU_PAIR(cast);
ss_status ss_view_cpu_back(const ss_call *k);
SS_CPU_PAIR(concat); /* moving.cpu.c */
SS_CPU_PAIR(slice);
SS_CPU_PAIR(upsample);
SS_CPU_PAIR(embedding);
SS_CPU_PAIR(linear_geglu); /* linear_geglu.c */
SS_CPU_PAIR(group_norm);   /* NAME.cpu.c */
SS_CPU_PAIR(layer_norm);
SS_CPU_PAIR(attention);

#endif
