"""The recipe's long parts on a GPU, in ten minutes: renderers fill shards on the machine's other cores, and beside them
run, each a process of its own,

    python train_gpu.py vae   the autoencoder goes on from models/clay, on whole pictures
    python train_gpu.py clip  the judge of scores goes on, too
    python train_gpu.py unet  waits for the autoencoder, encodes each shard as it comes, and trains the UNet

Here a machine is rented by the minute, so `gpu.sh` starts all three at once and the clock decides: WORK/end holds the
second at which the UNet's rate is down and its weights are written. A gradient is a whole batch's, float32 weights and
moments lie beside a bfloat16 net as in trainer.py, and torch.compile fuses what is bound by memory.

Where the text says what the figure is, the figure's word must look at the figure, as with train_unet.py --masks."""

import argparse
import glob
import json
import os
import threading
import time

import numpy as np
import torch
import torch.nn.functional as F

from data import Pictures, draw_sheet, full_caption, load, save, to_bytes
from nets import Autoencoder, Clip, TextTower, UNet
from tokenizer import Tokenizer
from train_clip import normalise, top1_of_64
from train_reader import Reader, right
from train_unet import ALPHA, STEPS, Watched, unlike
from train_vae import Task as VaeTask
from train_vae import fold_scale, psnr
from trainer import Flat, learning_rate

SPECIES = ["dog", "cat", "bear", "elephant", "duck", "frog"]
MOST = 80  # shards that a process keeps whole
CAPTIONS = 9  # of a picture: the one that names everything, and eight drawn


class Shards:
    """What the renderers have finished so far, on the GPU: pictures as bytes, the figures' places, words.

    A thread looks for new shards; take() hands them over, where they are not kept whole."""

    def __init__(self, folders, tokenizer, keep=True):
        self.folders, self.tokenizer, self.keep = folders, tokenizer, keep
        self.seen, self.new, self.lock, self.words = set(), [], threading.Lock(), {}
        self.rgb, self.mask, self.ids = [], [], []
        threading.Thread(target=self.look, daemon=True).start()

    def look(self):
        while True:
            found = sorted({p for f in self.folders for p in glob.glob(f + "/*.jsonl")} - self.seen)
            for path in found[: MOST - len(self.seen)] if self.keep else found:
                shard = self.read(path)
                self.seen.add(path)
                with self.lock:
                    self.new.append(shard)
            time.sleep(0.5)

    def read(self, path):
        with open(path) as f:
            rows = [json.loads(line) for line in f]
        rgb = np.fromfile(path.replace(".jsonl", ".rgb"), np.uint8).reshape(len(rows), 256, 256, 3)
        mask = np.fromfile(path.replace(".jsonl", ".mask"), np.uint8).reshape(len(rows), 256, 256)
        texts = [[full_caption(r["truth"]), *r["captions"]] for r in rows]
        for t in {t for row in texts for t in row} - self.words.keys():
            self.words[t] = self.tokenizer([t])[0].to(torch.int16)
        ids = torch.stack([torch.stack([self.words[t] for t in row]) for row in texts])
        return [path, *(x.to(a_device()) for x in (torch.from_numpy(rgb), torch.from_numpy(mask), ids))]

    def take(self):
        with self.lock:
            new, self.new = self.new, []
        if self.keep:
            for _, rgb, mask, ids in new:
                self.rgb.append(rgb), self.mask.append(mask), self.ids.append(ids)
        return new

    def wait(self, shards):
        while len(self.rgb if self.keep else self.new) < shards:
            time.sleep(0.2)
            if self.keep:
                self.take()

    def batch(self, n):
        """Pictures [n, 256, 256, 3] and masks [n, 256, 256] in bytes, token numbers [n, 77], from shards of one size."""
        at = np.random.randint(len(self.rgb), size=min(n, 16))  # a few shards, several pictures of each
        each = -(-n // len(at))
        parts = [(self.rgb[i], self.mask[i], self.ids[i], torch.randint(len(self.rgb[i]), (each,), device=a_device()))
                 for i in at]
        rgb, mask, ids = (torch.cat([p[k][p[3]] for p in parts])[:n] for k in range(3))
        return rgb, mask, ids[torch.arange(n, device=a_device()), draw_caption(n)].long()


def draw_caption(n):
    """Which caption of each of n pictures: every other time the one that names everything."""
    which = torch.randint(1, CAPTIONS, (n,), device=a_device())
    return torch.where(torch.rand(n, device=a_device()) < 0.5, 0, which)


def a_device():
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def to_floats(rgb):
    return rgb.permute(0, 3, 1, 2).float().div(127.5).sub(1)


class Descent:
    """AdamW on float32 weights for a bfloat16 net."""

    def __init__(self, net, lr, begin, end, decay=0.998, clip=1.0):
        self.flat = Flat(net)
        self.weights = self.flat.gather()
        self.m, self.v, self.average = (torch.zeros_like(self.weights), torch.zeros_like(self.weights), self.weights.clone())
        self.half, self.gradient = self.weights.bfloat16(), torch.zeros_like(self.weights, dtype=torch.bfloat16)
        net.bfloat16()
        self.flat.bind(self.half, self.gradient)
        self.rate = argparse.Namespace(lr=lr, warm=0.03, flat=0.3)
        self.begin, self.end, self.decay, self.clip, self.steps = begin, end, decay, clip, 0
        self.sums, self.last = {}, time.time()

    def done(self):
        return (time.time() - self.begin) / (self.end() - self.begin)

    def step(self, loss, numbers):
        loss.backward()
        self.steps += 1
        g = self.gradient.float()
        norm = g.norm()
        g = torch.nan_to_num(g) * torch.where(norm.isfinite(), (self.clip / (norm + 1e-6)).clamp(max=1), 0)
        torch._fused_adamw_([self.weights], [g], [self.m], [self.v], [], [torch.tensor(float(self.steps), device=g.device)],
                            lr=learning_rate(self.done(), self.rate), beta1=0.9, beta2=0.99, weight_decay=0.01, eps=1e-8,
                            amsgrad=False, maximize=False)
        self.average.lerp_(self.weights, 1 - min(self.decay, (1 + self.steps) / (10 + self.steps)))
        self.half.copy_(self.weights)
        self.gradient.zero_()
        for k, x in {"loss": loss, **numbers, "gradient": norm}.items():
            self.sums[k] = self.sums.get(k, 0) + x.detach().float()

    def said(self, every=100, **more):
        """A line of the curve."""
        if self.steps % every:
            return
        now = time.time()
        means = " ".join(f"{k} {float(x) / every:.4f}" for k, x in self.sums.items())
        print(f"{now - self.begin:6.1f} s, step {self.steps}: {means}; {every / (now - self.last):.2f} steps a second",
              *(f"{k} {v}" for k, v in more.items()), flush=True)
        self.sums, self.last = {}, now

    def averaged(self, net):
        """Puts the averaged weights, in float32, into the net."""
        net.load_state_dict(self.flat.spread(self.average), strict=False)
        return net


def ready(net):
    return net.to(a_device()).to(memory_format=torch.channels_last)


def after(seconds):
    """An end that is so many seconds away."""
    end = time.time() + seconds
    return lambda: end


# ---- the autoencoder

def train_vae(a):
    shards = Shards([f"{a.work}/data/{k}*" for k in ("small", "full")], Tokenizer(f"{a.start}/tokenizer"))
    vae = ready(load(Autoencoder(), f"{a.start}/vae"))
    d = Descent(vae.train(), a.vae_lr, time.time(), after(a.vae_seconds))
    shards.wait(2)
    while d.done() < 1:
        shards.take()
        rgb, mask, _ = shards.batch(a.vae_batch)
        x = to_floats(rgb).contiguous(memory_format=torch.channels_last)
        noise = torch.randn(len(x), 4, 32, 32, device=x.device, dtype=torch.bfloat16)
        y, mean, logvar = vae(x.bfloat16(), noise)
        d.step(*VaeTask.error(x, y.float(), mean.float(), logvar.float(), mask[:, None].float() / 255, 1e-4))
        d.said(shards=len(shards.rgb))
    vae = d.averaged(Autoencoder().to(a_device())).eval()
    pictures = Pictures(f"{a.work}/data/small0")
    fold_scale(vae, pictures)
    test, old = Pictures(f"{a.work}/data/test"), load(Autoencoder(), f"{a.start}/vae").to(a_device()).eval()
    before, after_it = psnr(old, test), psnr(vae, test)
    print(f"{before:.2f} to {after_it:.2f} dB on pictures never seen", flush=True)
    save(vae if after_it > before else old, f"{a.work}/vae.new", vae.config(256))
    os.rename(f"{a.work}/vae.new", f"{a.work}/model/vae")


# ---- CLIP

def train_clip(a):
    tokenizer = Tokenizer(f"{a.start}/tokenizer")
    shards = Shards([f"{a.work}/data/small*"], tokenizer)
    clip = ready(load(Clip(), f"{a.start}/clip", "model.safetensors"))
    d = Descent(clip.train(), 6e-4, time.time(), after(a.clip_seconds))
    shards.wait(2)
    mean, std = (torch.tensor(x, device=a_device())[:, None, None] for x in (Clip.MEAN, Clip.STD))
    while d.done() < 1:
        shards.take()
        rgb, _, ids = shards.batch(a.clip_batch)
        ids = ids[:, : int((ids == ids.max()).int().argmax(1).max()) + 1]
        x = F.interpolate(to_floats(rgb), size=128, mode="bicubic", antialias=True)
        x = (((x + 1) / 2 - mean) / std).bfloat16().contiguous(memory_format=torch.channels_last)
        image, text = clip.image(x).float(), clip.text(ids).float()
        logits = clip.logit_scale.float().clamp(max=4.6).exp() * image @ text.T
        twins = (ids[:, None] == ids[None]).all(-1) & ~torch.eye(len(ids), dtype=torch.bool, device=x.device)
        logits, right_one = logits.masked_fill(twins, -1e4), torch.arange(len(ids), device=x.device)
        pairs = (F.cross_entropy(logits, right_one) + F.cross_entropy(logits.T, right_one)) / 2
        d.step(pairs, {"hit": (logits.argmax(1) == right_one).float().mean()})
        d.said(shards=len(shards.rgb))
    clip = d.averaged(Clip()).eval()
    save(clip, f"{a.work}/clip.new", clip.config(), "model.safetensors")
    os.rename(f"{a.work}/clip.new", f"{a.work}/model/clip")
    test = Pictures(f"{a.work}/data/test")
    n = len(test) // 64 * 64
    x = F.interpolate(test.batch(range(n)), size=128, mode="bicubic", antialias=True)
    print(f"top-1 of 64: {top1_of_64(clip, x, [full_caption(r['truth']) for r in test.rows[:n]], tokenizer):.3f}", flush=True)


# ---- the UNet

class Latents:
    """Encoded shards. Places: where the figure is, [n, 16, 16]; ids: the captions' token numbers."""

    def __init__(self):
        self.count, self.paths = 0, set()
        self.latents = self.places = self.ids = None

    @torch.no_grad()
    def add(self, encode, scale, room, path, rgb, mask, ids):
        n = len(rgb)
        if path in self.paths:
            return
        self.paths.add(path)
        if self.latents is None:
            make = lambda *shape, dtype: torch.zeros(shape, dtype=dtype, device=rgb.device)  # noqa: E731
            self.latents, self.places = make(room, 4, 32, 32, dtype=torch.float16), make(room, 16, 16, dtype=torch.float16)
            self.ids = make(room, *ids.shape[1:], dtype=torch.int16)
        if self.count + n > room:
            return
        here = slice(self.count, self.count + n)
        x = to_floats(rgb).bfloat16().contiguous(memory_format=torch.channels_last)
        self.latents[here] = torch.cat([encode(p)[0] for p in x.split(125)]).float() * scale
        self.places[here] = F.avg_pool2d(mask[:, None].float() / 255, 16)[:, 0]
        self.ids[here] = ids
        self.count += n

    def batch(self, n):
        at = torch.randint(self.count, (n,), device=a_device())
        return self.latents[at].float(), self.places[at].float(), self.ids[at, draw_caption(n)].long()


def warm(run, a, text):
    """Compile, on nonsense, while others are still at work."""
    began = time.time()
    x = torch.randn(a.batch, 4, 32, 32, device=a_device(), dtype=torch.bfloat16).contiguous(memory_format=torch.channels_last)
    t = torch.randint(STEPS, (a.batch,), device=a_device())
    for _ in range(3):
        guess, maps = run(x, t, text, torch.zeros_like(t))
        (guess.float().square().mean() + 0 * sum(m.mean() for m in maps)).backward()
    print(f"compiled in {time.time() - began:.0f} s", flush=True)


def train_unet(a):
    tokenizer = Tokenizer(f"{a.start}/tokenizer")
    shards = Shards([f"{a.work}/data/small*"], tokenizer, keep=False)
    tower = load(TextTower(), f"{a.start}/text_encoder", "model.safetensors", "text_model.").to(a_device()).eval()
    unet = ready(load(UNet(), f"{a.start}/unet"))
    end = lambda: float(open(f"{a.work}/end").read())  # noqa: E731
    d = Descent(unet.train(), a.lr, time.time(), end)
    run = Watched(unet)
    empty = tokenizer([""]).to(a_device())
    if a.relay:
        run = torch.compile(run) if not a.eager else run
        with torch.no_grad():
            text = tower(empty).bfloat16().expand(a.batch, -1, -1).contiguous()
        warm(run, a, text)
        d.gradient.zero_()
    latents = Latents()
    while not os.path.exists(f"{a.work}/model/vae"):
        time.sleep(0.3)
    vae = ready(load(Autoencoder(), f"{a.work}/model/vae")).bfloat16().eval()
    if a.relay:
        take_over(d, latents, a)
    shards.wait(2)
    for shard in shards.take():
        latents.add(vae.encode, vae.SCALE, a.room, *shard)
    print(f"{latents.count} pictures to begin with", flush=True)
    names = torch.tensor([tokenizer([s])[0, 1] for s in SPECIES], device=a_device())
    alpha, snr = ALPHA.to(a_device()), (ALPHA / (1 - ALPHA)).to(a_device())
    weight = snr.clamp(max=5) / snr
    spread = torch.arange(a.batch, device=a_device())
    d.last = time.time()
    d.begin = d.begin if a.relay else d.last
    while d.done() < 1:
        if d.steps % 20 == 0:
            for shard in shards.take():
                latents.add(vae.encode, vae.SCALE, a.room, *shard)
            if not a.relay and os.path.exists(f"{a.work}/relay"):
                return hand_over(d, latents, a)
        x, places, ids = latents.batch(a.batch)
        ids[torch.rand(a.batch, device=x.device) < 0.1] = empty
        is_name = (ids[:, :, None] == names).any(-1)
        with torch.no_grad():
            text = tower(ids).bfloat16()
        t = ((spread + torch.rand(a.batch, device=x.device)) / a.batch * STEPS).long()
        noise, keep = torch.randn_like(x), alpha[t].view(-1, 1, 1, 1)
        noisy = (keep.sqrt() * x + (1 - keep).sqrt() * noise).bfloat16()
        guess, maps = run(noisy.contiguous(memory_format=torch.channels_last), t, text, is_name.int().argmax(1))
        error = (guess.float() - noise).square().mean((1, 2, 3))
        masks = unlike(maps, places, is_name.any(1) * alpha[t].sqrt())
        d.step((weight[t] * error).mean() + a.masks * masks, {"mse": error.mean(), "masks": masks})
        d.said(pictures=latents.count)
        if d.steps % 1000 == 0:
            store(d, a)
    store(d, a)
    judge(a)


HANDED = ("weights", "m", "v", "average", "steps", "begin")


def hand_over(d, latents, a):
    torch.save({"descent": {k: getattr(d, k) for k in HANDED}, "latents": vars(latents)}, f"{a.work}/handed.new")
    os.rename(f"{a.work}/handed.new", f"{a.work}/handed")
    print(f"handed over at step {d.steps}", flush=True)


def take_over(d, latents, a):
    open(f"{a.work}/relay", "w").close()
    while not os.path.exists(f"{a.work}/handed"):
        time.sleep(0.1)
    state = torch.load(f"{a.work}/handed", map_location=a_device(), weights_only=False)
    for k, x in state["descent"].items():
        setattr(d, k, x)
    vars(latents).update(state["latents"])
    d.half.copy_(d.weights)


def store(d, a):
    """The averaged weights as a checkpoint, and the last ones, to go on from."""
    save(d.averaged(UNet()), f"{a.work}/unet.new", UNet().config(32))
    os.system(f"rm -rf {a.work}/model/unet && mv {a.work}/unet.new {a.work}/model/unet")
    print(f"stored step {d.steps}, {d.steps * a.batch} samples", flush=True)


@torch.no_grad()
def judge(a, n=192, steps=50, guidance=5.0):
    """Held-out captions drawn and read; a sheet."""
    torch.manual_seed(0)
    pictures, tokenizer = Pictures(f"{a.work}/data/new"), Tokenizer(f"{a.start}/tokenizer")
    rows = pictures.rows[:n]
    texts = [full_caption(r["truth"]) for r in rows]
    tower = load(TextTower(), f"{a.start}/text_encoder", "model.safetensors", "text_model.").to(a_device()).eval()
    unet = ready(load(UNet(), f"{a.work}/model/unet")).bfloat16().eval()
    vae = ready(load(Autoencoder(), f"{a.work}/model/vae")).eval()
    told, empty = tower(tokenizer(texts).to(a_device())), tower(tokenizer([""]).to(a_device()))
    both = torch.cat([empty.expand_as(told), told]).bfloat16()
    x, alpha, jump = torch.randn(len(texts), 4, 32, 32).to(a_device()), ALPHA.to(a_device()), STEPS // steps
    for i in reversed(range(steps)):
        t = i * jump + 1
        now, then = alpha[t], alpha[max(t - jump, 0)]
        free, told = unet(torch.cat([x, x]).bfloat16().contiguous(memory_format=torch.channels_last),
                          torch.full((len(both),), t, device=x.device), both).float().chunk(2)
        noise = free + guidance * (told - free)
        x = then.sqrt() * (x - (1 - now).sqrt() * noise) / now.sqrt() + (1 - then).sqrt() * noise
    drawn = torch.cat([vae.decode(z / vae.SCALE).clamp(-1, 1).cpu() for z in x.split(32)])
    values = json.load(open(f"{a.start}/readers/config.json"))["values"]
    reader = load(Reader(values), f"{a.start}/readers", "attributes.safetensors").eval()
    print("held-out captions, drawn:", {k: round(v, 3) for k, v in right(reader, drawn, rows).items()}, flush=True)
    draw_sheet(f"{a.work}/model/sheet.png", to_bytes(drawn[:48]), texts[:48], 8, 160)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("part", choices=["vae", "clip", "unet"])
    p.add_argument("--work", required=True, help="folder: data/ is what the renderers fill, model/ what is made")
    p.add_argument("--start", required=True, help="the model to go on from")
    p.add_argument("--vae-seconds", type=float, default=75)
    p.add_argument("--vae-batch", type=int, default=16)
    p.add_argument("--vae-lr", type=float, default=5e-4)
    p.add_argument("--clip-seconds", type=float, default=45)
    p.add_argument("--clip-batch", type=int, default=512)
    p.add_argument("--batch", type=int, default=256)
    p.add_argument("--lr", type=float, default=8e-4)
    p.add_argument("--masks", type=float, default=0.01, help="how much attention that is no mask of the figure costs")
    p.add_argument("--room", type=int, default=80000, help="pictures at most")
    p.add_argument("--relay", action="store_true", help="compile, then go on with what an eager process began")
    p.add_argument("--eager", action="store_true", help="without torch.compile")
    a = p.parse_args()
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    torch.manual_seed(1)
    np.random.seed(1)
    {"vae": train_vae, "clip": train_clip, "unet": train_unet}[a.part](a)


if __name__ == "__main__":
    main()
