# The distribution's libraries. demo, check and cmake/packages list the packages that bring them.
find_package(PkgConfig REQUIRED)
pkg_check_modules(vips REQUIRED IMPORTED_TARGET vips)
pkg_check_modules(jansson REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(zlib REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(utf8proc REQUIRED IMPORTED_TARGET libutf8proc)
find_package(OpenMP REQUIRED)
find_package(dnnl REQUIRED)
find_package(Threads REQUIRED)
