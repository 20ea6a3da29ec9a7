#!/bin/sh
# Installs a build under a folder of its own, builds examples/edit.c against that copy as a stranger would (pkg-config
# shared and static, CMake shared and static), and runs each. Also: the shared library exports the public header's
# functions and nothing else.
#   install.sh BUILD_FOLDER COMPILER CMAKE        from the repository's root
set -eu
build=$1 cc=$2 cmake=$3
there=$(mktemp -d)
trap 'rm -rf "$there"' EXIT

"$cmake" --install "$build" --prefix "$there/first" >/dev/null
mv "$there/first" "$there/copy" # found where it lies, not where it was put
pc=$(find "$there/copy" -name selfsame.pc)
lib=$(dirname "$(dirname "$pc")")
export PKG_CONFIG_PATH="$lib/pkgconfig"

try() {
    echo "running $1"
    rm -f "$there/picture.png"
    "$2" tests/golden/tiny-sd15 photos/dog.jpg "a dog in the snow" "$there/picture.png" 2
    test -s "$there/picture.png"
}

echo "building with pkg-config"
warn="-std=c17 -Wall -Wextra -Werror"
$cc $warn examples/edit.c -o "$there/edit" $(pkg-config --cflags --libs selfsame)
LD_LIBRARY_PATH=$lib try "pkg-config, shared" "$there/edit"
mkdir "$there/static"
cp "$lib/libselfsame.a" "$there/static"
$cc $warn examples/edit.c -o "$there/edit-static" -L"$there/static" $(pkg-config --static --cflags --libs selfsame)
try "pkg-config, static" "$there/edit-static"

echo "building with CMake"
"$cmake" -S tests/install -B "$there/cmake" --log-level=WARNING -DCMAKE_C_COMPILER="$cc" -DCMAKE_PREFIX_PATH="$there/copy" \
    -DEXAMPLE="$PWD/examples/edit.c"
"$cmake" --build "$there/cmake" >/dev/null
try "CMake, shared" "$there/cmake/edit-shared"
try "CMake, static" "$there/cmake/edit-static"

echo "comparing the exported functions with the header"
$cc -E -P "$there/copy/include/selfsame/selfsame.h" | tr '\n' ' ' | tr ';' '\n' |
    sed -n 's/.*visibility("default")[^;]*[ *]\(ss_[a-z0-9_]*\)(.*/\1/p' | sort >"$there/declared"
nm -D --defined-only "$lib/libselfsame.so" | sed -n 's/.* [TDBR] \([a-zA-Z_]\)/\1/p' | sort >"$there/exported"
diff "$there/declared" "$there/exported"

echo "looking for the rest"
"$there/copy/bin/selfsame" --version
for file in man1/selfsame.1 bash-completion/completions/selfsame site-functions/_selfsame vendor_completions.d/selfsame.fish; do
    find "$there/copy/share" -path "*/$file" -size +0 | grep .
done
