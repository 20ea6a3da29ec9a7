# make install: the program, the public header, both libraries, and what makes them found by pkg-config and by CMake.
# Everything in it is relative to where it lies, so the prefix may be chosen as late as `cmake --install --prefix`.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(TARGETS selfsame RUNTIME)
install(TARGETS selfsame_shared EXPORT selfsame-shared)
install(TARGETS selfsame_static EXPORT selfsame-static)
install(DIRECTORY include/selfsame TYPE INCLUDE)

file(RELATIVE_PATH up /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(cmake/selfsame.pc.in selfsame.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/selfsame.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/selfsame)
write_basic_package_version_file(selfsame-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES cmake/selfsame-config.cmake cmake/libraries.cmake cmake/Finddnnl.cmake
              ${CMAKE_BINARY_DIR}/selfsame-config-version.cmake DESTINATION ${package})
install(EXPORT selfsame-shared NAMESPACE selfsame:: DESTINATION ${package})
install(EXPORT selfsame-static NAMESPACE selfsame:: DESTINATION ${package})
