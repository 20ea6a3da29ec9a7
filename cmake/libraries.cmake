# The distribution's libraries; cmake/packages names the packages that bring them. An installed library's CMake package
# reads this file too, for those who link the static one.
list(PREPEND CMAKE_MODULE_PATH ${CMAKE_CURRENT_LIST_DIR})

find_package(PkgConfig REQUIRED)
pkg_check_modules(vips REQUIRED IMPORTED_TARGET vips)
pkg_check_modules(jansson REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(zlib REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(crypto REQUIRED IMPORTED_TARGET libcrypto)
pkg_check_modules(utf8proc REQUIRED IMPORTED_TARGET libutf8proc)
pkg_check_modules(lapacke REQUIRED IMPORTED_TARGET lapacke)
find_package(OpenMP REQUIRED COMPONENTS C)
find_package(dnnl 2.6 REQUIRED)
