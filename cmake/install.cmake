include(GNUInstallDirs)
install(TARGETS selfsame selfsame_static selfsame_shared)
install(DIRECTORY include/selfsame TYPE INCLUDE)
