"""Train a small CLIP on renders and their captions. Its text tower becomes the model's text encoder; the whole is the
judge of how well text and picture agree.

    python train_clip.py --data 'DATA/a*' --tokenizer MODEL/tokenizer --test DATA/test128 --state STATE/clip --minutes 15 \\
                         --out MODEL

Beside the contrastive loss, throw-away heads read the attributes from the image tower, which makes it learn much
faster than captions alone. Written: MODEL/clip, and MODEL/text_encoder if there is none yet: a UNet is trained to read
one text encoder and no other, so a better judge must not replace it."""

import argparse
import os

import torch
import torch.nn.functional as F
from torch import nn

from data import Pictures, full_caption, load, save
from nets import Bag, Clip
from tokenizer import Tokenizer
from trainer import add_options, averaged, train

READ = ("species", "color", "marking", "accessory", "action", "view", "place", "time")


class ClipWithHeads(nn.Module):
    def __init__(self, values):
        super().__init__()
        self.clip = Clip()
        self.heads = Bag(**{name: nn.Linear(self.clip.vision_model.c, len(v)) for name, v in values.items()})

    def forward(self, x, ids):
        seen = self.clip.vision_model(x)
        heads = [head(seen) for head in self.heads.children()]
        return F.normalize(self.clip.visual_projection(seen), dim=-1), self.clip.text(ids), self.clip.logit_scale, heads


def values_of(pictures):
    return {name: sorted({r["truth"][name] for r in pictures.rows}) for name in READ}


class Task:
    def net(self, a):
        torch.manual_seed(a.seed)
        self.values = values_of(Pictures(*a.data))
        net = ClipWithHeads(self.values)
        if a.start:
            load(net.clip, a.start, "model.safetensors")
        return net

    def open(self, a, random):
        self.data = Pictures(*a.data)
        self.labels = torch.tensor([[v.index(r["truth"][k]) for k, v in self.values.items()] for r in self.data.rows])
        tokenizer = Tokenizer(a.tokenizer)
        self.tokens = torch.stack([tokenizer(r["captions"]).short() for r in self.data.rows])

    def loss(self, net, a, random):
        at = torch.randint(len(self.data), (a.batch,), generator=random)
        which = torch.randint(self.tokens.shape[1], (a.batch,), generator=random)
        x, ids = self.data.batch(at.tolist()), self.tokens[at, which].long()
        length = int((ids == ids.max()).int().argmax(1).max()) + 1  # attention is causal: the rest changes nothing
        image, text, scale, heads = net(normalise(x).bfloat16(), ids[:, :length])
        logits = scale.float().clamp(max=4.6).exp() * image.float() @ text.float().T
        same = torch.arange(a.batch)
        pairs = (F.cross_entropy(logits, same) + F.cross_entropy(logits.T, same)) / 2
        read = sum(F.cross_entropy(h.float(), y) for h, y in zip(heads, self.labels[at].T)) / len(heads)
        return pairs + read, {"pairs": pairs, "read": read}


def normalise(x):
    """Pictures in [-1, 1] as CLIP wants them."""
    return ((x + 1) / 2 - torch.tensor(Clip.MEAN)[:, None, None]) / torch.tensor(Clip.STD)[:, None, None]


@torch.no_grad()
def top1_of_64(clip, pictures, captions, tokenizer):
    """Share of the pictures [n, 3, 128, 128] whose own caption agrees best among 64."""
    right = 0
    n = len(pictures) // 64 * 64
    for i in range(0, n, 64):
        image, text = clip.image(normalise(pictures[i : i + 64])), clip.text(tokenizer(captions[i : i + 64]))
        right += int(((image @ text.T).argmax(1) == torch.arange(64)).sum())
    return right / n


def main():
    p = add_options(argparse.ArgumentParser(), lr=1e-3, batch=128)
    p.add_argument("--data", nargs="+", required=True)
    p.add_argument("--test", required=True)
    p.add_argument("--tokenizer", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--start", help="a CLIP's folder to go on from")
    a = p.parse_args()
    train(Task(), a)
    clip = averaged(Clip(), a.state, "clip.")[0].eval()
    save(clip, f"{a.out}/clip", clip.config(), "model.safetensors")
    if not os.path.isdir(f"{a.out}/text_encoder"):
        text = clip.text_model
        save(text, f"{a.out}/text_encoder", text.config(), "model.safetensors", "text_model.")
    test = Pictures(a.test)
    n = min(512, len(test)) // 64 * 64
    captions = [full_caption(r["truth"]) for r in test.rows[:n]]
    print(f"top-1 of 64: {top1_of_64(clip, test.batch(range(n)), captions, Tokenizer(a.tokenizer)):.3f}")


if __name__ == "__main__":
    main()
