"""Draw pictures with a model, or with a training state: DDIM and classifier-free guidance, as the program itself does.

    python sample.py --model MODEL [--state STATE] --out sheet.png ["a red dog sitting in a meadow" ...]

Without texts it draws the sheet that shows how far the training is. A state of the inner levels draws latents averaged
2 x 2, shown stretched: blurred, but figures and places can be told."""

import argparse
import os

import torch
import torch.nn.functional as F

from data import draw_sheet, load, to_bytes
from nets import Autoencoder, TextTower, UNet
from tokenizer import Tokenizer
from train_unet import ALPHA, trained

SHOW = ["a red dog sitting in a meadow", "a blue cat standing on a beach", "a gray elephant standing in the snow",
        "a green frog jumping in a meadow", "an orange cat lying down in an autumn park",
        "a yellow duck running in a pink studio", "a brown bear lying down in the snow",
        "a purple elephant sitting on a beach", "a blue dog running in a yellow studio",
        "a red frog sitting in an autumn park", "a yellow bear standing in a pink studio",
        "a green duck standing on a beach", "a purple cat sitting in a yellow studio",
        "a brown dog jumping on a beach", "an orange frog standing in the snow", "a red elephant running in a meadow"]


@torch.no_grad()
def ddim(net, text, empty, x, steps=50, guidance=5.0, loud=1.0, batch=16):
    """Latents from the noise x [n, 4, h, w]; `loud` is the noise's size (1/2 for latents averaged 2 x 2)."""
    net = net.bfloat16().to(memory_format=torch.channels_last)
    out = []
    for x, text in zip(x.split(batch), text.split(batch)):
        both = torch.cat([empty.expand_as(text), text]).bfloat16()
        jump, x = len(ALPHA) // steps, x * loud
        for i in reversed(range(steps)):
            t = i * jump + 1  # SD's steps_offset
            now, then = ALPHA[t], ALPHA[max(t - jump, 0)]
            free, told = net(torch.cat([x, x]).bfloat16().contiguous(memory_format=torch.channels_last),
                             torch.full((len(both),), t), both).float().chunk(2)
            noise = free + guidance * (told - free)
            clean = (x - loud * (1 - now).sqrt() * noise) / now.sqrt()
            x = then.sqrt() * clean + loud * (1 - then).sqrt() * noise
        out.append(x)
    return torch.cat(out)


@torch.no_grad()
def decode(vae, latents, batch=4):
    return torch.cat([vae.decode(z / vae.SCALE).clamp(-1, 1) for z in latents.split(batch)])


def from_state(path):
    """The averaged net of a training state, and whether it is one of the inner levels."""
    net, s = trained(path)
    print(f"step {int(s['step'])}, {s['minutes']:.1f} minutes")
    return net.eval(), s["options"]["inner"]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("texts", nargs="*")
    p.add_argument("--model", required=True)
    p.add_argument("--state")
    p.add_argument("--out", required=True)
    p.add_argument("--steps", type=int, default=50)
    p.add_argument("--guidance", type=float, default=5.0)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--columns", type=int, default=8)
    p.add_argument("--side", type=int, default=192, help="of a picture on the sheet")
    a = p.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", 1)))
    texts = a.texts or SHOW
    unet, inner = from_state(a.state) if a.state else (load(UNet(), f"{a.model}/unet").eval(), False)
    vae = load(Autoencoder(), f"{a.model}/vae").eval()
    tower = load(TextTower(), f"{a.model}/text_encoder", "model.safetensors", "text_model.").eval()
    with torch.no_grad():
        told = tower(Tokenizer(f"{a.model}/tokenizer")([*texts, ""]))
    side = 16 if inner else 32
    noise = torch.randn(len(texts), 4, side, side, generator=torch.Generator().manual_seed(a.seed))
    x = ddim(unet, told[:-1], told[-1:], noise, a.steps, a.guidance, 0.5 if inner else 1.0)
    if inner:
        x = F.interpolate(x, scale_factor=2.0, mode="bilinear")
    draw_sheet(a.out, to_bytes(decode(vae, x)), texts, a.columns, a.side)


if __name__ == "__main__":
    main()
