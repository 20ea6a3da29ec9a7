#!/bin/sh -e
# The pictures that everything here learns from and is judged on.
#   CLAY="selfsame clay" DATA=data sh render.sh
# Seed 1 trains, seeds 9001 and up test: other seeds are other individuals. --held 0 leaves out the combinations that are
# kept for tests, --held 1 draws only such. About 20 core minutes and 6 GB.
: "${CLAY:=selfsame clay}" "${DATA:=data}"
mkdir -p "$DATA"
shard() { # name side seed first count captions held
    [ -f "$DATA/$1.done" ] && return
    nice -n 19 $CLAY shard "$DATA/$1" --world small --size "$2" --seed "$3" --first "$4" --n "$5" --captions "$6" --held "$7"
    touch "$DATA/$1.done"
}
# 128 x 128: CLIP and the reader
shard a0 128 1 0 6000 8 0
shard a1 128 1 100000 6000 8 0
shard a2 128 1 200000 6000 8 0
shard a3 128 1 300000 6000 8 0
shard held128 128 1 500000 5000 2 1
shard test128 128 9001 0 1024 4 0
shard new128 128 9002 0 512 4 1
# 256 x 256: autoencoder and UNet
shard big0 256 1 2000000 6000 8 0
shard big1 256 1 3000000 6000 8 0
shard test256 256 9003 0 256 4 0
shard new256 256 9004 0 256 4 1
