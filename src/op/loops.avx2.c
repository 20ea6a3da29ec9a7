/* The loops of op/loops.h, compiled for AVX2 with FMA. */
#define SS_LOOPS_TABLE ss_loops_avx2
#include "op/loops.inc"
