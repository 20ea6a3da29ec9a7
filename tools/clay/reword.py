"""Let a trained UNet read another text encoder: the text tower of MODEL/clip becomes MODEL/text_encoder.

    python reword.py --model MODEL --captions DATA/small0 --out OUT

The old states are fitted by the new ones, old = A new, by least squares over the captions' tokens (the many paddings
count a tenth), and A is multiplied into the cross-attention's keys and values. What is left (an eighth to a sixth of the
states' variance), `train_unet.py --words` learns in minutes. Printed as well: how far each encoder moves when one word of a
sentence changes. An encoder that hardly moves with the species gives a UNet that hardly listens to it."""

import argparse
import shutil

import torch

from data import Pictures, load, save
from nets import Clip, TextTower, UNet
from tokenizer import Tokenizer

CHANGES = {"colour": "a blue dog sitting in a meadow", "species": "a red cat sitting in a meadow",
           "action": "a red dog running in a meadow", "place": "a red dog sitting on a beach"}


def moves(tower, tokenizer):
    """{what changes: the largest distance of a token's states}; all have the same length."""
    with torch.no_grad():
        first, *others = tower(tokenizer(["a red dog sitting in a meadow", *CHANGES.values()]))
    return {k: round((o - first).norm(dim=1).max().item(), 1) for k, o in zip(CHANGES, others)}


@torch.no_grad()
def fit(old, new, ids):
    """A [c, c] with old(ids) = A new(ids) as nearly as can be, and the share of the variance that it misses."""
    y, x = (torch.cat([tower(part) for part in ids.split(256)]).flatten(0, 1).double() for tower in (old, new))
    end = ids == ids.max()
    weight = torch.where(end, 0.1, 1.0)
    weight[torch.arange(len(ids)), end.int().argmax(1)] = 1
    root = weight.sqrt().flatten()[:, None].double()
    a = torch.linalg.lstsq(x * root, y * root).solution.T
    miss = ((x @ a.T - y) * root).square().sum() / ((y - y.mean(0)) * root).square().sum()
    return a, miss.item()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--model", required=True)
    p.add_argument("--captions", required=True, help="a folder of shards")
    p.add_argument("--out", required=True)
    p.add_argument("--count", type=int, default=1500)
    a = p.parse_args()
    tokenizer = Tokenizer(f"{a.model}/tokenizer")
    old = load(TextTower(), f"{a.model}/text_encoder", "model.safetensors", "text_model.").eval()
    new = load(Clip(), f"{a.model}/clip", "model.safetensors").eval().text_model
    texts = sorted({t for r in Pictures(a.captions).rows for t in r["captions"]})
    pick = torch.randperm(len(texts), generator=torch.Generator().manual_seed(1))[: a.count]
    change, miss = fit(old, new, tokenizer([*(texts[i] for i in pick), ""]))
    print("old moves", moves(old, tokenizer), "new moves", moves(new, tokenizer), f"missed {miss:.3f}")
    unet = load(UNet(), f"{a.model}/unet")
    with torch.no_grad():
        for name, w in unet.named_parameters():
            if "attn2.to_k" in name or "attn2.to_v" in name:
                w.copy_((w.double() @ change).float())
    shutil.copytree(a.model, a.out, dirs_exist_ok=True)
    save(new, f"{a.out}/text_encoder", new.config(), "model.safetensors", "text_model.")
    save(unet, f"{a.out}/unet", unet.config(32))


if __name__ == "__main__":
    main()
