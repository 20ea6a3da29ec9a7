#!/bin/sh
# train_gpu.py on a rented machine with 16 cores and a GPU: SECONDS from the start, the model is in WORK/model.
#   WORK=/somewhere START=models/clay RENDER=renderer sh gpu.sh SECONDS
# RENDER is renderer.c, which draws what `selfsame clay dataset` draws and needs no library.
: "${WORK:?a folder}" "${START:=models/clay}" "${RENDER:?the renderer}" "${PYTHON:=python3}" "${RENDERERS:=10}"
: "${PICTURES:=5000}" "${SHARD:=250}" "${OPTIONS:=}"
here=$(dirname "$0")
mkdir -p "$WORK/data" "$WORK/model" "$WORK/log"
echo $(($(date +%s) + $1)) >"$WORK/end"
export OMP_NUM_THREADS=4 TORCHINDUCTOR_CACHE_DIR="$WORK/inductor" TORCHINDUCTOR_COMPILE_THREADS=8 PYTHONUNBUFFERED=1
export PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True
part() { # name world seed first count held
    OMP_NUM_THREADS=1 nice -n 10 "$RENDER" "$WORK/data/$1" "$2" 256 "$3" "$4" "$5" 8 "$6" "$SHARD" 1
}
for i in $(seq 0 $((RENDERERS - 1))); do
    part small$i small 1 $((10000000 + 1000000 * i)) "$PICTURES" 0 2>"$WORK/log/small$i" &
done
{ part test small 9003 0 "$SHARD" 0 && part new small 9004 0 "$SHARD" 1 && part full full 1 90000000 "$PICTURES" 0; } 2>"$WORK/log/full" &
for p in vae clip unet "unet --relay"; do
    "$PYTHON" "$here/train_gpu.py" $p --work "$WORK" --start "$START" $OPTIONS >"$WORK/log/$(echo "$p" | tr -d " -")" 2>&1 &
done
wait
