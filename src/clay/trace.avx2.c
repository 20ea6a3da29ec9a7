/* The tracer for AVX2. */
#define SS_TRACE ss_clay_trace_avx2
#include "clay/trace.inc"
