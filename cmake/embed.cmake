# Links a file of the source tree into a target as bytes: `const unsigned char NAME[]` and `const size_t NAME_size`.
# Run as a script (cmake -P), this file writes the C source; included, it defines the function.
if(CMAKE_SCRIPT_MODE_FILE)
    file(READ ${FROM} bytes HEX)
    string(LENGTH "${bytes}" digits)
    math(EXPR size "${digits} / 2")
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
    file(WRITE ${TO} "#include <stddef.h>\n\nconst unsigned char ${NAME}[] = {${bytes}};\nconst size_t ${NAME}_size = ${size};\n")
    return()
endif()

function(selfsame_embed target name file)
    set(source ${CMAKE_BINARY_DIR}/embedded/${name}.c)
    add_custom_command(
        OUTPUT ${source}
        COMMAND ${CMAKE_COMMAND} -DFROM=${CMAKE_SOURCE_DIR}/${file} -DTO=${source} -DNAME=${name} -P ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
        DEPENDS ${CMAKE_SOURCE_DIR}/${file} ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
        COMMENT "Embedding ${file}"
        VERBATIM)
    target_sources(${target} PRIVATE ${source})
endfunction()
