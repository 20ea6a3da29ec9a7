#!/bin/sh -e
# renderer.sh OUT: builds renderer.c with everything linked in, from the sources of this folder's checkout.
root=$(cd "$(dirname "$0")/../.." && pwd) out=$1 objects=$(mktemp -d)
trap 'rm -rf "$objects"' EXIT
flags="-O3 -std=gnu17 -DSS_X86 -fopenmp -fno-math-errno -fno-trapping-math -ffp-contract=off
       -ffunction-sections -fdata-sections -I$root/src -I$root/include"
wide="-mavx2 -mfma -mf16c -ffp-contract=fast"
for f in "$root"/src/clay/*.c "$root"/src/base/*.c "$root"/src/io/json.c "$root"/src/io/replace.c "$root"/src/io/map.c \
    "$root/tools/clay/renderer.c"; do
    case $f in
    *.avx2.c) more=$wide ;;
    *.avx512.c) more="$wide -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512bf16" ;;
    *) more= ;;
    esac
    gcc $flags $more -c "$f" -o "$objects/$(basename "$f" .c).o"
done
gcc -static -fopenmp -Wl,--gc-sections "$objects"/*.o -ljansson -lm -s -o "$out"
