/* The tracer for AVX-512. */
#define SS_TRACE ss_clay_trace_avx512
#include "clay/trace.inc"
