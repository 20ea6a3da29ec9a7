#!/bin/sh -e
# The whole recipe, from pictures to models/clay. Times are for two CPU cores (AMX bfloat16) with nothing else to do.
#   CLAY="selfsame clay" WORK=/somewhere/large sh run.sh
# Every stage that is interrupted goes on where it was when this is started again.
: "${WORK:?a folder outside the work tree}" "${PYTHON:=python3}" "${OUT:=models/clay}"
here=$(dirname "$0")
export DATA="$WORK/data" OMP_NUM_THREADS=1
# glibc: keep big blocks instead of faulting them in again at each step, in big pages
export MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=17179869184 GLIBC_TUNABLES=glibc.malloc.hugetlb=1
# Beside other work: lowest priority, also against other terminals' processes, which nice alone does not reach.
{ echo 19 >/proc/self/autogroup; } 2>/dev/null || true
do_() { nice -n 19 "$PYTHON" "$here/$@"; }

sh "$here/render.sh"                                                                                    # 10 min
model="$WORK/model"
[ -f "$model/tokenizer/vocab.json" ] || do_ tokenizer.py "$model/tokenizer" "$DATA"/a?/*.jsonl
do_ train_vae.py --data "$DATA/big?" --test "$DATA/test256" --state "$WORK/vae" --out "$model/vae" --minutes 30
do_ train_clip.py --data "$DATA/a?" --test "$DATA/test128" --tokenizer "$model/tokenizer" --state "$WORK/clip" \
    --out "$model" --minutes 15
do_ train_reader.py --data "$DATA/a?" "$DATA/held128" --test "$DATA/test128" "$DATA/new128" --state "$WORK/reader" \
    --out "$model/readers" --minutes 5
do_ train_identity.py --data "$DATA/who" --test "$DATA/who-test" --state "$WORK/identity" --out "$model/readers" --minutes 7
for i in 0 1; do                                                                                        # 5 min
    [ -f "$DATA/big$i.pt" ] || do_ encode_latents.py --model "$model" --out "$DATA/big$i.pt" "$DATA/big$i" &
done
wait
latents="--data $DATA/big0.pt $DATA/big1.pt"
do_ train_unet.py $latents --state "$WORK/inner" --inner --minutes 80 --flat 0.5
do_ train_unet.py $latents --state "$WORK/grown" --start "$WORK/inner" --inner --grown --minutes 6 --lr 5e-4
do_ train_unet.py $latents --state "$WORK/outer" --start "$WORK/grown" --outer --minutes 20 --lr 1.2e-3 --batch 8
do_ train_unet.py $latents --state "$WORK/whole" --start "$WORK/grown" "$WORK/outer" --minutes 120 --lr 2.5e-4 --batch 8
do_ export.py --state "$WORK/whole" --parts "$model" --out "$OUT"
do_ evaluate.py --model "$OUT" --test "$DATA/test256" --new "$DATA/new256" --out "$WORK/eval"
