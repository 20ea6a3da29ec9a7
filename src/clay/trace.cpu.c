/* The tracer for any processor, and the choice among all of them. */
#define SS_TRACE ss_clay_trace_portable
#include "clay/trace.inc"

trace_fn *ss_clay_tracer(void) {
#ifdef SS_X86
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        return ss_clay_trace_avx512;
    if (__builtin_cpu_supports("avx2")) return ss_clay_trace_avx2;
#endif
    return ss_clay_trace_portable;
}
