"""Train the UNet on cached latents.

    python train_unet.py --data A.pt B.pt --state STATE/inner --minutes 40 --inner
    python train_unet.py --data A.pt B.pt --state STATE/grown --minutes 8 --inner --grown --start STATE/inner
    python train_unet.py --data A.pt B.pt --state STATE/outer --minutes 20 --outer --start STATE/grown
    python train_unet.py --data A.pt B.pt --state STATE/whole --minutes 40 --start STATE/grown STATE/outer --lr 2e-4
    python train_unet.py --data A.pt B.pt --state STATE/words --minutes 20 --start REWORDED/unet --words --late 0.6

First the inner three levels, on latents averaged 2 x 2 (see InnerUNet), five times as fast as the whole; then shortly
with the whole's entrance; then the outermost level's way up, the inner levels standing still; then the whole, at a low
rate. (The whole at a high rate forgets the figures: the error of the averaged noise went from 0.116 to
0.142 in 39,000 samples.) --words learns to read another text encoder, which reword.py has put in place. --masks holds
each word that names the figure to the figure, all of it, so that masks made from its attention are the figure's. The network
predicts the noise, on SD's schedule; min-SNR weights (gamma 5) balance the time steps; every tenth caption is empty, for
guidance. Time steps are spread evenly over each batch, which makes the loss less noisy. What the figure is and does is
decided where there is so much noise that the error is tiny: --late and --structure give those steps more weight."""

import argparse
import math
import os

import numpy as np
import torch
import torch.nn.functional as F

from data import load
from nets import InnerUNet, OuterUNet, UNet
from trainer import add_options, averaged, train

STEPS = 1000
ALPHA = torch.cumprod(1 - torch.linspace(0.00085**0.5, 0.012**0.5, STEPS, dtype=torch.float64) ** 2, 0).float()


def start_quiet(net):
    """Each residual branch starts as nothing, and so does the output; the convolutions between the blocks keep their
    input's size. The early steps are then calm at a high rate."""
    for name, m in net.named_modules():
        if name.endswith((".conv2", ".proj_out", "conv_out", "leave")):
            torch.nn.init.zeros_(m.weight)
            torch.nn.init.zeros_(m.bias)
        elif name.endswith(("conv_in", "enter", ".conv_shortcut", ".0.conv")):
            torch.nn.init.orthogonal_(m.weight)
            torch.nn.init.zeros_(m.bias)


@torch.no_grad()
def grow(unet, enter, bias):
    """Make the new outermost level give the inner ones what their own entrance gave them, a 3 x 3 convolution of latents
    averaged 2 x 2. conv_in copies each latent and its eight neighbours to 36 of its channels, the level's branches are
    still nothing, and the convolution that halves the size adds these up. What it would need from one row and one
    column further away it takes from their neighbours."""
    w = unet.conv_in.weight
    w[:36] = torch.eye(36).view(36, 4, 3, 3)
    w[36:] *= 0.5
    down = unet.down_blocks[0].downsamplers[0].conv
    down.weight.zero_()
    down.bias.copy_(bias)
    taps = [(-2, -1, 0.5), (-1, -1, 0.5), (0, 0, 0.5), (1, 0, 0.5), (2, 1, 0.75)]  # row, averaged row, share
    for y, ey, sy in taps:
        for x, ex, sx in taps:
            ry, rx = max(-1, min(1, y)), max(-1, min(1, x))  # by the halving convolution; the rest by conv_in
            for c in range(4):
                copy = 9 * c + 3 * (y - ry + 1) + (x - rx + 1)
                down.weight[:, copy, ry + 1, rx + 1] += sy * sx * enter[:, c, ey + 1, ex + 1]


class Latents:
    """What encode_latents.py wrote, one or several files of it."""

    def __init__(self, paths):
        self.latents, self.places, self.words, self.names, self.text = [], [], [], [], []
        for path in paths:
            d = torch.load(path)
            self.latents.append(d["latents"])
            self.places.append(d["places"])
            self.names.append(d["names"])
            self.words.append(d["words"].long())
            self.text.append(np.memmap(path + ".text", np.int16, "c").reshape(len(d["captions"]), 77, -1))
        self.at = [(f, r) for f, x in enumerate(self.latents) for r in range(len(x))]

    def batch(self, n, drop, random):
        """Latents, text states, where the figures are, where the texts name them."""
        at = torch.randint(len(self.at), (n,), generator=random)
        pick = torch.randint(1 << 20, (n,), generator=random)
        told = torch.rand(n, generator=random) >= drop
        x, text, places, names = [], [], [], []
        for i, p, t in zip(at.tolist(), pick.tolist(), told.tolist()):
            f, r = self.at[i]
            words = self.words[f][r]
            x.append(self.latents[f][r])
            places.append(self.places[f][r])
            caption = int(words[p % len(words)]) if t else -1
            names.append(self.names[f][caption])
            text.append(torch.from_numpy(self.text[f][caption]))
        return (torch.stack(x).float(), torch.stack(text).view(torch.bfloat16), torch.stack(places).float(),
                torch.stack(names))


class Watched(torch.nn.Module):
    """The UNet, which also gives how its middle two levels' cross-attention looks at one word of each text,
    [n, tokens] a layer."""

    def __init__(self, unet):
        super().__init__()
        self.unet = unet
        blocks = [unet.down_blocks[1], unet.down_blocks[2], unet.up_blocks[1], unet.up_blocks[2]]
        self.layers = [t.transformer_blocks[0].attn2 for b in blocks for t in b.attentions]

    def forward(self, x, t, text, word):
        seen = []
        for layer in self.layers:
            layer.seen = seen
        y, word = self.unet(x, t, text), word.clamp(min=0)[:, None, None]
        return y, [p.float().mean(1).gather(2, word.expand(-1, p.shape[2], 1))[:, :, 0] for p in seen]


def unlike(maps, places, weight):
    """How little the maps, cut at 0.18 of their largest value, are like the figures: cross-entropy over the places, as
    much for those inside as for those outside; the automatic masks are such maps, cut at 0.1."""
    loss = 0
    for m in maps:
        side = math.isqrt(m.shape[1])
        inside = F.adaptive_avg_pool2d(places[:, None], side).flatten(1)
        above = 1.5 * (torch.log(m + 1e-5) - torch.log(m.amax(1, keepdim=True) + 1e-5) - math.log(0.18))
        share = inside / (inside.sum(1, keepdim=True) + 1) + (1 - inside) / ((1 - inside).sum(1, keepdim=True) + 1)
        wrong = F.binary_cross_entropy_with_logits(above, inside, reduction="none")
        loss = loss + ((wrong * share).sum(1) * weight).mean()
    return loss / len(maps)


class Task:
    def net(self, a):
        torch.manual_seed(a.seed)
        unet = UNet(a.widths, a.heads, a.groups)
        net = InnerUNet(unet, a.grown) if a.inner else unet
        start_quiet(net)
        for start in a.start:
            if not os.path.exists(f"{start}/state.pt"):
                load(net, start)
                continue
            state = torch.load(f"{start}/state.pt")["net"]
            left = net.load_state_dict({k if a.inner else k.removeprefix("unet."): v for k, v in state.items()}, strict=False)
            if any(not k.startswith(("enter.", "norm.", "leave.")) for k in left.unexpected_keys):
                raise SystemExit(f"{start} has {left.unexpected_keys[0]}, which this net has not")
            if "enter.weight" in state:
                grow(unet, state["enter.weight"], state["enter.bias"])
        if a.words:
            for name, p in net.named_parameters():
                p.requires_grad_(".attn2." in name or "transformer_blocks.0.norm2." in name)
        return Watched(net) if a.masks else OuterUNet(net) if a.outer else net

    def open(self, a, random):
        self.data = Latents(a.data)
        self.loud = 0.5 if a.inner and not a.grown else 1.0
        snr = ALPHA / (1 - ALPHA) / (0.5 if a.inner else 1.0) ** 2
        self.weight = snr.clamp(max=a.gamma) / snr * snr.clamp(max=1) ** -a.structure

    def loss(self, net, a, random):
        x, text, places, names = self.data.batch(a.batch, a.drop, random)
        if a.inner and not a.grown:
            x = F.avg_pool2d(x, 2)
        noise = torch.randn(x.shape, generator=random)
        t = (((torch.arange(a.batch) + torch.rand(a.batch, generator=random)) / a.batch) ** a.late * STEPS).long()
        keep = ALPHA[t].view(-1, 1, 1, 1)
        noisy = (keep.sqrt() * x + self.loud * (1 - keep).sqrt() * noise).bfloat16()
        noise = 2 * F.avg_pool2d(noise, 2) if a.grown else noise
        noisy = noisy.contiguous(memory_format=torch.channels_last)
        guess, maps = net(noisy, t, text, names) if a.masks else (net(noisy, t, text), [])
        error = (guess.float() - noise).square().mean((1, 2, 3))
        loss, numbers = (self.weight[t] * error).mean(), {"mse": error.mean()}
        if maps:
            numbers["masks"] = unlike(maps, places, (names >= 0) * ALPHA[t].sqrt())
            loss = loss + a.masks * numbers["masks"]
        return loss, numbers


def trained(path):
    """The averaged UNet of a state, and the state."""
    options = torch.load(f"{path}/state.pt")["options"]
    unet = UNet(options["widths"], options["heads"], options["groups"])
    wrapped = options["masks"] or options["outer"]
    return averaged(InnerUNet(unet) if options["inner"] else unet, path, "unet." if wrapped else "")


def main():
    p = add_options(argparse.ArgumentParser(), lr=1e-3, batch=32)
    p.add_argument("--data", nargs="+", required=True)
    p.add_argument("--start", nargs="+", default=[], help="states, one after the other, or a UNet's folder, to go on from")
    p.add_argument("--inner", action="store_true", help="the inner levels alone")
    p.add_argument("--grown", action="store_true", help="... with the whole's entrance")
    p.add_argument("--outer", action="store_true", help="the outermost level's way up alone")
    p.add_argument("--words", action="store_true", help="cross-attention alone")
    p.add_argument("--late", type=float, default=1.0, help="below 1: more of the steps where there is much noise")
    p.add_argument("--structure", type=float, default=0.0, help="weight where the signal is below the noise: their ratio to minus this")
    p.add_argument("--masks", type=float, default=0.0, help="how much attention that is no mask of the figure costs")
    p.add_argument("--widths", type=int, nargs=4, default=[64, 96, 128, 96])
    p.add_argument("--heads", type=int, default=2)
    p.add_argument("--groups", type=int, default=8)
    p.add_argument("--gamma", type=float, default=5.0)
    p.add_argument("--drop", type=float, default=0.1)
    train(Task(), p.parse_args())


if __name__ == "__main__":
    main()
