# What can be chosen at configure time. The presets in CMakePresets.json set these; see CONTRIBUTING.md.
option(SELFSAME_TESTS "build the tests" ON)
option(SELFSAME_FUZZ "build the libFuzzer targets (clang)" OFF)
option(SELFSAME_WERROR "treat warnings as errors" OFF)
set(SELFSAME_SANITIZE "" CACHE STRING "sanitizers, as -fsanitize= takes them")

add_compile_options(-Wall -Wextra -Wshadow -Wstrict-prototypes -Wno-sign-compare -fno-math-errno)
if(SELFSAME_WERROR)
    add_compile_options(-Werror)
endif()
if(SELFSAME_SANITIZE)
    add_compile_options(-fsanitize=${SELFSAME_SANITIZE} -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${SELFSAME_SANITIZE})
endif()
