"""Does the model draw what the caption says? Numbers for renders, for what the autoencoder leaves of them, and for
drawn pictures, and a sheet of these.

    python evaluate.py --model MODEL --test DATA/test256 --new DATA/new256 --n 96 --out EVAL

Captions name everything; they come from individuals never trained (--test) and from combinations never trained
(--new). The reader reads the attributes; CLIP finds each picture's caption among 64 (only where n is 64 or more)."""

import argparse
import json
import os
import time

import torch
import torch.nn.functional as F

from data import Pictures, draw_sheet, full_caption, load, to_bytes, write_json
from nets import Autoencoder, Clip, TextTower, UNet
from sample import ddim, decode
from tokenizer import Tokenizer
from train_clip import top1_of_64
from train_reader import Reader, right


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--model", required=True)
    p.add_argument("--test", required=True)
    p.add_argument("--new")
    p.add_argument("--out", required=True)
    p.add_argument("--n", type=int, default=96)
    p.add_argument("--steps", type=int, default=50)
    p.add_argument("--guidance", type=float, default=5.0)
    p.add_argument("--seed", type=int, default=0)
    a = p.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", 1)))
    os.makedirs(a.out, exist_ok=True)
    unet = load(UNet(), f"{a.model}/unet").eval()
    vae = load(Autoencoder(), f"{a.model}/vae").eval()
    tower = load(TextTower(), f"{a.model}/text_encoder", "model.safetensors", "text_model.").eval()
    clip = load(Clip(), f"{a.model}/clip", "model.safetensors").eval()
    tokenizer = Tokenizer(f"{a.model}/tokenizer")
    values = json.load(open(f"{a.model}/readers/config.json"))["values"]
    reader = load(Reader(values), f"{a.model}/readers", "attributes.safetensors").eval()
    results = {}
    for kind, folder in (("individuals", a.test), ("combinations", a.new)):
        if not folder:
            continue
        pictures = Pictures(folder)
        rows = pictures.rows[: a.n]
        texts = [full_caption(r["truth"]) for r in rows]
        renders = pictures.batch(range(len(rows)))
        with torch.no_grad():
            again = torch.cat([vae.decode(vae.encode(x)[0]).clamp(-1, 1) for x in renders.split(4)])
            told = tower(tokenizer([*texts, ""]))
            start = time.process_time()
            noise = torch.randn(len(rows), 4, 32, 32, generator=torch.Generator().manual_seed(a.seed))
            drawn = decode(vae, ddim(unet, told[:-1], told[-1:], noise, a.steps, a.guidance))
        print(f"{(time.process_time() - start) / len(rows):.2f} core seconds a picture")
        draw_sheet(f"{a.out}/{kind}.png", to_bytes(drawn[:48]), texts[:48])
        for name, x in (("renders", renders), ("through the autoencoder", again), ("drawn", drawn)):
            row = right(reader, x, rows)
            if len(rows) >= 64:
                row["clip_top1_of_64"] = top1_of_64(clip, F.interpolate(x, size=128, mode="area"), texts, tokenizer)
            results[f"{kind}, {name}"] = {k: round(v, 3) for k, v in row.items()}
            print(f"{kind}, {name}", results[f"{kind}, {name}"], flush=True)
    write_json(results, f"{a.out}/results.json")


if __name__ == "__main__":
    main()
