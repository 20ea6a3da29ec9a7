"""Pictures on disk, weights on disk, sheets for people: what the scripts share.

`selfsame clay dataset` fills a folder with shards: NNNNN.rgb and NNNNN.mask are raw bytes, NNNNN.jsonl has a line a picture
with its captions and its truth."""

import glob
import json
import math
import os

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from safetensors.torch import load_file, save_file


class Pictures:
    def __init__(self, *folders):
        """Folders of shards, or patterns of them."""
        self.rows, self.at, self.rgb, self.mask = [], [], [], []
        for path in sorted(p for f in folders for p in glob.glob(f + "/*.jsonl")):
            rows, base = [json.loads(line) for line in open(path)], path[: -len(".jsonl")]
            side = math.isqrt(os.path.getsize(base + ".mask") // len(rows))
            self.rgb.append(np.memmap(base + ".rgb", np.uint8, "r").reshape(-1, side, side, 3))
            self.mask.append(np.memmap(base + ".mask", np.uint8, "r").reshape(-1, side, side))
            self.at += [(len(self.rgb) - 1, i) for i in range(len(rows))]
            self.rows += rows
        if not self.rows:
            raise SystemExit(f"there are no shards in {' or '.join(folders)}")
        self.side = side

    def __len__(self):
        return len(self.rows)

    def batch(self, indices, box=None, mask=False):
        """[n, 3, h, w] in [-1, 1], of a crop (x, y, side) if given; with mask also the figure, [n, 1, h, w] in [0, 1]."""
        x, y, s = box or (0, 0, self.side)
        at = [self.at[i] for i in indices]
        rgb = np.stack([self.rgb[a][b, y : y + s, x : x + s] for a, b in at])
        rgb = torch.from_numpy(rgb).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)
        if not mask:
            return rgb
        m = np.stack([self.mask[a][b, y : y + s, x : x + s] for a, b in at])
        return rgb, torch.from_numpy(m)[:, None].float().div_(255)


PHRASES = {"meadow": "in a meadow", "beach": "on a beach", "snow": "in the snow", "desert": "in a desert",
           "forest": "in a forest", "city": "on a city street", "night sky": "under a starry sky",
           "kitchen": "in a kitchen", "blue studio": "in a blue studio", "pink studio": "in a pink studio",
           "yellow studio": "in a yellow studio", "autumn park": "in an autumn park",
           "lying": "lying down", "arms up": "with arms up"}


def full_caption(t):
    """What the small world's captions can say about a picture, all of it: colour, species, action, place."""
    marking = "" if t["marking"] == "plain" else t["marking"] + " "
    name = f"{marking}{t['color']} {t['species']}"
    return (f"{'an' if name[0] in 'aeiou' else 'a'} {name} {PHRASES.get(t['action'], t['action'])} "
            f"{PHRASES[t['place']]}")


# ---- weights

def load(net, folder, file="diffusion_pytorch_model.safetensors", prefix=""):
    """Fills net from a folder of the diffusers layout, in float32; shards are joined, the keys' prefix is dropped."""
    index = f"{folder}/{file}.index.json"
    files = sorted(set(json.load(open(index))["weight_map"].values())) if os.path.exists(index) else [file]
    state = {k: v for f in files for k, v in load_file(f"{folder}/{f}").items()}
    net.load_state_dict({k.removeprefix(prefix): v.float() if v.is_floating_point() else v for k, v in state.items()})
    return net


def save(net, folder, config, file="diffusion_pytorch_model.safetensors", prefix="", shard=15_000_000):
    """Float16, in files of less than `shard` bytes, as diffusers cuts them."""
    os.makedirs(folder, exist_ok=True)
    state = {prefix + k: (v.half() if v.is_floating_point() else v).contiguous() for k, v in net.state_dict().items()}
    parts, size = [{}], 0
    for k, v in state.items():
        if size + v.nbytes > shard - 200_000:  # the header needs room too
            parts.append({})
            size = 0
        parts[-1][k] = v
        size += v.nbytes
    stem, end = file.rsplit(".", 1)
    names = [f"{stem}-{i + 1:05d}-of-{len(parts):05d}.{end}" for i in range(len(parts))] if len(parts) > 1 else [file]
    for old in glob.glob(f"{folder}/{stem}*"):
        os.remove(old)
    for name, part in zip(names, parts):
        save_file(part, f"{folder}/{name}", metadata={"format": "pt"})
    if len(parts) > 1:
        index = {"metadata": {"total_size": sum(v.nbytes for v in state.values())},
                 "weight_map": {k: name for name, part in zip(names, parts) for k in part}}
        write_json(index, f"{folder}/{file}.index.json")
    write_json(config, f"{folder}/config.json")


def write_json(what, path):
    with open(path, "w") as f:
        json.dump(what, f, indent=2)
        f.write("\n")


# ---- sheets

def to_bytes(x):
    return ((x.float().clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()


def draw_sheet(path, pictures, captions, columns=8, side=128):
    """Pictures (bytes [n, h, w, 3]) with their captions in small letters below."""
    font, line, foot = ImageFont.load_default(10), 11, 36
    rows = math.ceil(len(pictures) / columns)
    sheet = Image.new("RGB", (columns * (side + 4) + 4, rows * (side + foot) + 4), (250, 250, 250))
    pen = ImageDraw.Draw(sheet)
    for i, (picture, caption) in enumerate(zip(pictures, captions)):
        x, y = 4 + i % columns * (side + 4), 4 + i // columns * (side + foot)
        sheet.paste(Image.fromarray(picture).resize((side, side), Image.BICUBIC), (x, y))
        lines = [""]
        for word in caption.split():
            longer = f"{lines[-1]} {word}".strip()
            lines = [*lines[:-1], longer] if font.getlength(longer) <= side or not lines[-1] else [*lines, word]
        for k, text in enumerate(lines[:3]):
            pen.text((x, y + side + 1 + k * line), text, fill=(40, 40, 40), font=font)
    sheet.save(path)
