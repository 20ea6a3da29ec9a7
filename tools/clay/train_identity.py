"""Train the second reader: who is it? An embedding that is close for two pictures of one individual and far for two
individuals, also for those that captions cannot tell apart, and the figure's mask, for what is measured inside it.

    python train_identity.py --data DATA/who --test DATA/who-test --state STATE/identity --minutes 7 --out MODEL/readers

DATA/who is `selfsame clay dataset --each 8 --held too --size 64`: individuals in eight scenes each. A batch is eight
times eight individuals of one species and colour, two pictures of each; each picture has to find its other one among
them. Half of what it sees is blurred, as for the other reader. Written beside that one, whose config.json gets what
this one adds; tested on individuals that it never saw, printed as the bench prints it."""

import argparse
import json
import os

import torch
import torch.nn.functional as F
from torch import nn

from data import Pictures, save
from nets import Bag, conv3
from train_reader import shrink
from trainer import add_options, averaged, train

EACH = 8     # pictures of an individual, one after the other in the data set
KIN = 8      # individuals of one species and colour in a batch, as often as a batch holds them
SHARP = 0.1  # temperature of the cosines


class Identity(nn.Module):
    """[n, 3, 64, 64] in [-1, 1] to an embedding [n, 32], not normalised, and the mask's logits [n, 1, 32, 32]."""

    def __init__(self, widths=(24, 32, 48, 64)):
        super().__init__()
        c, layers = 3, []
        for w in widths:
            layers += [Bag(conv=conv3(c, w, 2), norm=nn.GroupNorm(8, w), conv2=conv3(w, w), norm2=nn.GroupNorm(8, w))]
            c = w
        self.layers = nn.ModuleList(layers)
        self.narrow, self.embed = nn.Linear(16 * c, 64, bias=False), nn.Linear(64, 32)
        self.ups = nn.ModuleList([conv3(widths[2] + widths[1], 32), conv3(32 + widths[0], 16)])
        self.mask = conv3(16, 1)

    def forward(self, x):
        seen = []
        for m in self.layers:
            x = F.silu(m.norm(m.conv(x)))
            x = x + F.silu(m.norm2(m.conv2(x)))
            seen.append(x)
        up = seen[2]
        for conv, beside in zip(self.ups, (seen[1], seen[0])):
            up = F.silu(conv(torch.cat([F.interpolate(up, scale_factor=2.0), beside], 1)))
        return self.embed(F.silu(self.narrow(x.flatten(1)))), self.mask(up)

    def config(self):
        return {"side": 64, "embedding": 32}


class Individuals(Pictures):
    """Pictures by individual, individuals by species and colour."""

    def __init__(self, *folders):
        super().__init__(*folders)
        who = {}
        for i, r in enumerate(self.rows):
            who.setdefault(r["index"] // EACH, []).append(i)
        kinds = {}
        for pictures in who.values():
            t = self.rows[pictures[0]]["truth"]
            kinds.setdefault((t["species"], t["color"]), []).append(pictures)
        self.kinds = [k for k in kinds.values() if len(k) >= KIN]

    def draw(self, n, random):
        """Indices of n pictures in pairs of one individual."""
        def below(k):
            return int(torch.randint(k, (1,), generator=random))

        at = []
        while len(at) < n:
            kind = self.kinds[below(len(self.kinds))]
            for i in torch.randperm(len(kind), generator=random)[:KIN].tolist():
                two = torch.randperm(len(kind[i]), generator=random)[:2]
                at += [kind[i][j] for j in two.tolist()]
        return at[:n]


class Task:
    def net(self, a):
        torch.manual_seed(a.seed)
        return Identity()

    def open(self, a, random):
        self.data = Individuals(*a.data)

    def loss(self, net, a, random):
        rgb, mask = self.data.batch(self.data.draw(a.batch, random), mask=True)
        x = shrink(rgb)
        blurred = torch.rand(a.batch, generator=random) < 0.5
        x[blurred] = F.interpolate(F.avg_pool2d(x[blurred], 2), scale_factor=2.0, mode="bilinear")
        x += 0.05 * torch.randn(x.shape, generator=random)
        told, seen = net(x.bfloat16().contiguous(memory_format=torch.channels_last))
        told = F.normalize(told.float(), dim=-1)
        alike = told @ told.T / SHARP - 1e4 * torch.eye(a.batch)
        other = torch.arange(a.batch) ^ 1
        pairs = F.cross_entropy(alike, other)
        masks = F.binary_cross_entropy_with_logits(seen.float(), F.interpolate(mask, size=32, mode="area"))
        return pairs + 2 * masks, {"pairs": pairs, "masks": masks, "found": (alike.argmax(1) == other).float().mean()}


@torch.no_grad()
def test(net, data):
    """Cosines of two pictures of one individual, of two of one species and colour, of any two; the mask's overlap."""
    told, overlap = [], []
    for part in torch.arange(len(data)).split(64):
        rgb, mask = data.batch(part.tolist(), mask=True)
        e, m = net(shrink(rgb))
        told.append(F.normalize(e, dim=-1))
        m, true = m > 0, F.interpolate(mask, size=32, mode="area") > 0.5
        overlap.append((m & true).sum((1, 2, 3)) / (m | true).sum((1, 2, 3)).clamp(min=1))
    cosine = torch.cat(told) @ torch.cat(told).T
    who = torch.tensor([r["index"] // EACH for r in data.rows])
    kind = [f"{r['truth']['species']} {r['truth']['color']}" for r in data.rows]
    kind = torch.tensor([sorted(set(kind)).index(k) for k in kind])
    same, kin = who[:, None] == who, kind[:, None] == kind
    itself = torch.eye(len(data), dtype=torch.bool)
    return {"same": cosine[same & ~itself].mean().item(), "kin": cosine[kin & ~same].mean().item(),
            "other": cosine[~kin].mean().item(), "mask_iou": torch.cat(overlap).mean().item()}


def main():
    p = add_options(argparse.ArgumentParser(), lr=2e-3, batch=128, decay=0.99)
    p.add_argument("--data", nargs="+", required=True)
    p.add_argument("--test", nargs="+", required=True)
    p.add_argument("--out", required=True)
    a = p.parse_args()
    train(Task(), a)
    net = averaged(Task().net(a), a.state)[0].eval()
    path = f"{a.out}/config.json"
    config = json.load(open(path)) if os.path.exists(path) else {}
    save(net, a.out, {**config, "identity": net.config()}, "identity.safetensors")
    print({k: round(v, 3) for k, v in test(net, Pictures(*a.test)).items()})


if __name__ == "__main__":
    main()
