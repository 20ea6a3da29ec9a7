#!/bin/sh
# make peers: selfsame beside PyTorch. Sets up PyTorch for processors in build/peers (once; this needs the network and about
# 1 GB, or more: PIP_EXTRA_INDEX_URL can name an index with builds for processors alone), makes a model of SD 1.5's shape with
# random weights there (2 GB), and compares.
#
#     peers.sh BUILD [options of peers.py]
set -eu
here=$(dirname "$0")
build=$1
shift
place=build/peers
python=$place/venv/bin/python

if ! "$python" -c 'import torch, safetensors' 2>/dev/null; then
    echo "Setting up PyTorch in $place/venv (needs the network, once)."
    python3 -m venv "$place/venv" || { echo "python3 and its venv module are needed (Debian: python3-venv)"; exit 1; }
    "$python" -m pip install --quiet -r "$here/requirements.txt" || {
        echo "PyTorch could not be fetched: the comparison needs the network the first time"
        exit 1
    }
fi
[ -f "$place/sd15/model_index.json" ] || "$build/random-model" "$place/sd15"
exec "$python" "$here/peers.py" "$build" --model "$place/sd15" --out build/peers.json "$@"
