# What can be chosen at configure time. The presets in CMakePresets.json set these; see CONTRIBUTING.md.
option(SELFSAME_TESTS "build the tests" ON)
option(SELFSAME_FUZZ "build the libFuzzer targets (clang)" OFF)
option(SELFSAME_WERROR "treat warnings as errors" OFF)
set(SELFSAME_SANITIZE "" CACHE STRING "sanitizers, as -fsanitize= takes them")

# Nothing is contracted to fused multiply-adds behind our back, so that the plain loops give the same bits with every
# compiler and processor; kernels that want them say so. Nobody looks at floating-point exceptions, without which loops
# with a choice in them become vectors. No -march: one binary runs everywhere and picks its kernels when it starts.
add_compile_options(-Wall -Wextra -Wshadow -Wstrict-prototypes -Wno-sign-compare -fno-math-errno -fno-trapping-math
                    -ffp-contract=off)
# A loop that a sanitizer's checks keep from becoming a vector is no mistake.
if(CMAKE_C_COMPILER_ID MATCHES Clang AND SELFSAME_SANITIZE)
    add_compile_options(-Wno-pass-failed)
endif()
if(SELFSAME_WERROR)
    add_compile_options(-Werror)
endif()
if(SELFSAME_SANITIZE)
    add_compile_options(-fsanitize=${SELFSAME_SANITIZE} -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${SELFSAME_SANITIZE})
    if(SELFSAME_SANITIZE MATCHES undefined)
        add_compile_options(-fno-sanitize-recover=undefined)
    endif()
endif()
if(SELFSAME_FUZZ)
    # Coverage for the fuzzer everywhere; only its own programs link the main function that comes with it.
    add_compile_options(-fsanitize=fuzzer-no-link)
    add_link_options(-fsanitize=fuzzer-no-link)
endif()

# Kernels for one generation of processors have it in their file's name. Where the processor is of another kind their
# files are left out, and SS_X86 is not defined, so that whoever chooses among them sees none.
set(SELFSAME_KERNELS avx2 avx512 amx)
set(SELFSAME_avx2_FLAGS -mavx2 -mfma -mf16c -ffp-contract=fast)
set(SELFSAME_avx512_FLAGS ${SELFSAME_avx2_FLAGS} -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512bf16)
set(SELFSAME_amx_FLAGS ${SELFSAME_avx512_FLAGS} -mamx-tile -mamx-bf16)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    set(SELFSAME_X86 ON)
    add_compile_definitions(SS_X86)
endif()
