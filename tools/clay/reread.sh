#!/bin/sh -e
# The UNet of START, a model folder, learns to read the text tower of START/clip instead of START/text_encoder, and each
# word that names the figure to look at the figure. An hour of two CPU cores.
#   CLAY="selfsame clay" START=models/clay WORK=/somewhere/large sh reread.sh
# Every stage that is interrupted goes on where it was when this is started again.
: "${WORK:?a folder outside the work tree}" "${PYTHON:=python3}" "${START:=models/clay}" "${OUT:=models/clay}"
: "${CLAY:=selfsame clay}"
here=$(dirname "$0")
export OMP_NUM_THREADS=1
export MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=17179869184 GLIBC_TUNABLES=glibc.malloc.hugetlb=1
do_() { nice -n 19 "$PYTHON" "$here/$@"; }

for i in 0 1; do                                                                                       # 5 min
    nice -n 19 $CLAY dataset -o "$WORK/data/big$i" --world small --size 256 --seed 1 --first $((i + 2))000000 --count 7000 \
        --captions 8 --held never
done
model="$WORK/model"
[ -d "$model" ] || do_ reword.py --model "$START" --captions "$WORK/data/big0" --out "$model"
for i in 0 1; do                                                                                       # 10 min
    [ -f "$WORK/data/big$i.pt" ] || do_ encode_latents.py --model "$model" --out "$WORK/data/big$i.pt" "$WORK/data/big$i" &
done
wait
common="--data $WORK/data/big0.pt $WORK/data/big1.pt --batch 16 --late 0.75 --structure 0.3"
do_ train_unet.py $common --state "$WORK/words" --start "$model/unet" --words --masks 0.005 --minutes 14 --lr 1e-3 --decay 0.995
do_ train_unet.py $common --state "$WORK/whole" --start "$model/unet" "$WORK/words" --masks 0.003 --minutes 26 --lr 4e-5 \
    --warm 0.1 --flat 0.25
do_ export.py --state "$WORK/whole" --parts "$model" --out "$OUT"
