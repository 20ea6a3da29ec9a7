"""Train the reader: a small network that reads the attributes from a picture, to judge what the model draws.

    python train_reader.py --data 'DATA/a*' --test DATA/test128 DATA/new128 --state STATE/reader --minutes 6 --out MODEL/readers

It looks at 64 x 64 pixels. Half of what it learns from is blurred as the autoencoder blurs, so that it judges what is
shown and not how sharp. Train it on all combinations (of `selfsame clay dataset --held too`), so that it does not
share the model's blind spots. It is used by evaluate.py, with its own accuracy on renders beside every number."""

import argparse

import torch
import torch.nn.functional as F
from torch import nn

from data import Pictures, save
from nets import Bag, conv3
from train_clip import values_of
from trainer import add_options, averaged, train


class Reader(nn.Module):
    """[n, 3, 64, 64] in [-1, 1] to a list of scores, one tensor an attribute."""

    def __init__(self, values, widths=(32, 64, 96, 128)):
        super().__init__()
        self.values, c, layers = values, 3, []
        for w in widths:
            layers += [Bag(conv=conv3(c, w, 2), norm=nn.GroupNorm(8, w), conv2=conv3(w, w), norm2=nn.GroupNorm(8, w))]
            c = w
        self.layers = nn.ModuleList(layers)
        self.narrow, self.hidden = nn.Linear(16 * c, 64, bias=False), nn.Linear(64, 256)
        self.heads = Bag(**{name: nn.Linear(256, len(v)) for name, v in values.items()})

    def forward(self, x):
        for m in self.layers:
            x = F.silu(m.norm(m.conv(x)))
            x = x + F.silu(m.norm2(m.conv2(x)))
        x = F.silu(self.hidden(self.narrow(x.flatten(1))))
        return [head(x) for head in self.heads.children()]

    def config(self):
        return {"kind": "reader", "side": 64, "values": self.values}


def shrink(x):
    return F.interpolate(x, size=64, mode="area")


def right(reader, x, rows):
    """{attribute: share read as the rows' truth says}, for pictures [n, 3, h, w]."""
    with torch.no_grad():
        scores = [torch.cat(s) for s in zip(*(reader(shrink(part)) for part in x.split(64)))]
    out = {}
    for (name, values), s in zip(reader.values.items(), scores):
        truth = torch.tensor([values.index(r["truth"][name]) for r in rows])
        if len(values) > 1:
            out[name] = (s.argmax(1) == truth).float().mean().item()
    return out


class Task:
    def net(self, a):
        torch.manual_seed(a.seed)
        return Reader(values_of(Pictures(*a.data)))

    def open(self, a, random):
        self.data = Pictures(*a.data)
        values = values_of(self.data)
        self.labels = torch.tensor([[v.index(r["truth"][k]) for k, v in values.items()] for r in self.data.rows])

    def loss(self, net, a, random):
        at = torch.randint(len(self.data), (a.batch,), generator=random)
        x = shrink(self.data.batch(at.tolist()))
        half = a.batch // 2
        x[:half] = F.interpolate(F.avg_pool2d(x[:half], 2), scale_factor=2.0, mode="bilinear")
        x += 0.05 * torch.randn(x.shape, generator=random)
        scores = net(x.bfloat16().contiguous(memory_format=torch.channels_last))
        y = self.labels[at]
        loss = sum(F.cross_entropy(s.float(), y[:, i], label_smoothing=0.05) for i, s in enumerate(scores))
        hit = torch.stack([(s.argmax(1) == y[:, i]).float().mean() for i, s in enumerate(scores)])
        return loss, {"right": hit.mean(), "worst": hit.min()}


def main():
    p = add_options(argparse.ArgumentParser(), lr=1e-3, batch=64, decay=0.99)
    p.add_argument("--data", nargs="+", required=True)
    p.add_argument("--test", nargs="+", required=True)
    p.add_argument("--out", required=True)
    a = p.parse_args()
    train(Task(), a)
    reader = averaged(Task().net(a), a.state)[0].eval()
    save(reader, a.out, reader.config(), "attributes.safetensors")
    for folder in a.test:
        test = Pictures(folder)
        n = min(512, len(test))
        print(folder, {k: round(v, 3) for k, v in right(reader, test.batch(range(n)), test.rows[:n]).items()})


if __name__ == "__main__":
    main()
