# find_package(selfsame) brings selfsame::selfsame, the shared library; with COMPONENTS static also selfsame::static, whose
# users need the libraries that it stands on.
include(${CMAKE_CURRENT_LIST_DIR}/selfsame-shared.cmake)
if(static IN_LIST selfsame_FIND_COMPONENTS)
    include(${CMAKE_CURRENT_LIST_DIR}/libraries.cmake)
    include(${CMAKE_CURRENT_LIST_DIR}/selfsame-static.cmake)
endif()
