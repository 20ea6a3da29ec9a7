"""Encode pictures and captions once, so that the UNet's training reads numbers only.

    python encode_latents.py --model MODEL --out OUT.pt FOLDER...

OUT.pt holds the latents (the encoder's mean times 0.18215, half precision) and, for each picture, where its figure is
([16, 16], shares) and which captions it has; for each caption, where it names the figure (-1: nowhere). OUT.pt.text holds
the text encoder's states, [captions, 77, width] in bfloat16, to be mapped. The last caption is the empty one."""

import argparse

import torch
import torch.nn.functional as F

from data import Pictures, full_caption, load
from nets import Autoencoder, TextTower
from tokenizer import Tokenizer


def main():
    a = argparse.ArgumentParser()
    a.add_argument("folders", nargs="+")
    a.add_argument("--model", required=True)
    a.add_argument("--out", required=True)
    a.add_argument("--batch", type=int, default=16)
    a.add_argument("--captions", type=int, default=2, help="of each picture: the longest; one more names everything")
    a = a.parse_args()
    torch.set_num_threads(1)
    pictures = Pictures(*a.folders)
    vae = load(Autoencoder(), f"{a.model}/vae").eval().bfloat16().to(memory_format=torch.channels_last)
    latents, places = [], []
    with torch.no_grad():
        for i in range(0, len(pictures), a.batch):
            x, figure = pictures.batch(range(i, min(len(pictures), i + a.batch)), mask=True)
            mean, _ = vae.encode(x.bfloat16().contiguous(memory_format=torch.channels_last))
            latents.append((mean.float() * vae.SCALE).half().contiguous())
            places.append(F.adaptive_avg_pool2d(figure, 16)[:, 0].half())
            if i // a.batch % 50 == 0:
                print(i, "of", len(pictures), flush=True)
    latents = torch.cat(latents)

    captions = [[full_caption(r["truth"]), *sorted(r["captions"], key=len)[-a.captions:]] for r in pictures.rows]
    number = {c: i for i, c in enumerate(sorted({c for row in captions for c in row}))}
    words = torch.tensor([[number[c] for c in row] for row in captions], dtype=torch.int32)
    tokenizer = Tokenizer(f"{a.model}/tokenizer")
    text = load(TextTower(), f"{a.model}/text_encoder", "model.safetensors", "text_model.").eval()
    tokens = tokenizer([*number, ""])
    naming = torch.isin(tokens, tokenizer(sorted({r["truth"]["species"] for r in pictures.rows}))[:, 1])
    names = torch.where(naming.any(1), naming.int().argmax(1), -1)
    with torch.no_grad(), open(a.out + ".text", "wb") as f:
        for part in tokens.split(256):
            f.write(text(part).bfloat16().view(torch.int16).numpy().tobytes())
    torch.save({"latents": latents, "places": torch.cat(places), "words": words, "names": names,
                "captions": [*number, ""]}, a.out)
    z = latents.float()
    print(list(latents.shape), len(number), "captions; mean", z.mean((0, 2, 3)).tolist(), "deviation",
          z.std((0, 2, 3)).tolist())


if __name__ == "__main__":
    main()
