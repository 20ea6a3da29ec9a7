#!/bin/sh -e
# The pictures that everything here learns from and is judged on.
#   CLAY="selfsame clay" DATA=data sh render.sh
# Seed 1 trains, seeds 9001 and up test: other seeds are other individuals. --held never leaves out the combinations that
# are kept for tests, --held only draws no others. About 10 core minutes and 6 GB; started again, it goes on.
: "${CLAY:=selfsame clay}" "${DATA:=data}"
mkdir -p "$DATA"
# 64 x 64, individuals in eight scenes each, for the reader that tells them apart
who() { # name seed count
    nice -n 19 $CLAY dataset -o "$DATA/$1" --world small --size 64 --seed "$2" --each 8 --count "$3" --held too
}
part() { # name side seed first count captions held
    nice -n 19 $CLAY dataset -o "$DATA/$1" --world small --size "$2" --seed "$3" --first "$4" --count "$5" --captions "$6" \
        --held "$7"
}
# 128 x 128: CLIP and the reader
part a0 128 1 0 6000 8 never
part a1 128 1 100000 6000 8 never
part a2 128 1 200000 6000 8 never
part a3 128 1 300000 6000 8 never
part held128 128 1 500000 5000 2 only
part test128 128 9001 0 1024 4 never
part new128 128 9002 0 512 4 only
# 256 x 256: autoencoder and UNet
part big0 256 1 2000000 6000 8 never
part big1 256 1 3000000 6000 8 never
part test256 256 9003 0 256 4 never
part new256 256 9004 0 256 4 only
who who 2 24000
who who-test 9100 1600
