/* The loops of op/loops.h for any processor, and the choice among all of them. */
#define SS_LOOPS_TABLE ss_loops_portable
#include "op/loops.inc"

const ss_loops *ss_loops_of(const ss_ctx *cx) {
#ifdef SS_X86
    if (cx->device->cpu.avx512_bf16) return &ss_loops_avx512_bf16;
    if (cx->device->cpu.avx512) return &ss_loops_avx512;
    if (cx->device->cpu.avx2) return &ss_loops_avx2;
#endif
    (void)cx;
    return &ss_loops_portable;
}
