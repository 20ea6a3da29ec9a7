# The toolchain of the presets that need clang: whichever version of it there is.
find_program(SELFSAME_CLANG NAMES clang clang-19 clang-18 clang-17 clang-16 clang-15 clang-14 REQUIRED)
set(CMAKE_C_COMPILER ${SELFSAME_CLANG})
