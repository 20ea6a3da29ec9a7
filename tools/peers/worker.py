"""PyTorch's side of the comparison: the line protocol of bench-serve, see bench/serve.c.

    worker.py MODEL float32|bfloat16 THREADS

What a line asks for is computed once and answered with its seconds. Of an edit's step and of a further target's there is
no control here: they are plain passes over as many pictures as the original program computes.
"""

import resource
import sys
import time

import torch
from safetensors.torch import load_file

import nets

BATCH = {"guided step": 2, "edit step": 4}


class Worker:
    def __init__(self, folder, numbers):
        self.folder, self.type, self.net = folder, getattr(torch, numbers), {}

    def load(self, name):
        if name not in self.net:
            kinds = {"unet": (nets.UNet, "diffusion_pytorch_model"), "vae": (nets.VAE, "diffusion_pytorch_model"),
                     "text_encoder": (nets.Text, "model")}
            kind, stem = kinds[name]
            with torch.device("meta"):
                net = kind()
            weights = load_file(f"{self.folder}/{name}/{stem}.safetensors")
            weights.pop("text_model.embeddings.position_ids", None)
            net.load_state_dict({k: v.to(self.type) for k, v in weights.items()}, assign=True)
            self.net[name] = net.eval().to(memory_format=torch.channels_last)
        return self.net[name]

    def picture(self, n, c, h, w):
        return torch.randn(n, c, h, w).to(self.type).contiguous(memory_format=torch.channels_last)

    def prepare(self, w, h, work):
        """A function that does the work once."""
        if work in BATCH:
            n, net = BATCH[work], self.load("unet")
            x, t, text = self.picture(n, 4, h // 8, w // 8), torch.full((n,), 500.0), torch.randn(n, 77, 768)
            text = text.to(self.type)
            return lambda: net(x, t, text)
        if work == "decode":
            net, z = self.load("vae"), self.picture(1, 4, h // 8, w // 8)
            return lambda: net.decode(z)
        if work == "encode":
            net, x = self.load("vae"), self.picture(1, 3, h, w)
            return lambda: net.encode(x)
        if work == "text":
            net, ids = self.load("text_encoder"), torch.zeros(1, 77, dtype=torch.long)
            return lambda: net(ids)
        if work.startswith("train step"):
            return self.training(w, h)
        raise SystemExit(f"worker.py: no work {work!r}")

    def training(self, w, h):
        """One step of Custom Diffusion: a concept's row and its class's, keys and values of cross-attention and the
        tokens' vectors in training, float32 master weights; bfloat16 by autocast."""
        half, self.type = self.type == torch.bfloat16, torch.float32
        unet, text = self.load("unet"), self.load("text_encoder")
        unet.requires_grad_(False), text.requires_grad_(False)
        trained = [p for name, p in unet.named_parameters() if ".attn2.to_k" in name or ".attn2.to_v" in name]
        trained.append(text.text_model.embeddings["token_embedding"].weight)
        for p in trained:
            p.requires_grad_(True)
        adam = torch.optim.AdamW(trained, lr=1e-5)
        x, noise = self.picture(2, 4, h // 8, w // 8), self.picture(2, 4, h // 8, w // 8)
        t, ids = torch.tensor([300.0, 700.0]), torch.randint(0, 49000, (2, 77))

        def step():
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                y = unet(x, t, text(ids))
            ((y.float() - noise) ** 2).mean().backward()
            adam.step()
            adam.zero_grad()

        return step


def main():
    folder, numbers, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    torch.set_num_threads(threads)
    worker, jobs = Worker(folder, numbers), {}
    for line in sys.stdin:
        line = line.strip()
        if line == "about":
            level = torch.backends.cpu.get_cpu_capability()
            print(f"PyTorch {torch.__version__}, {numbers}, {threads} threads, {level}", flush=True)
        elif line == "memory":
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10, flush=True)
        else:
            w, h, work = line.split(" ", 2)
            if line not in jobs:
                jobs[line] = worker.prepare(int(w), int(h), work)
            with torch.inference_mode(not work.startswith("train step")):
                begun = time.perf_counter()
                jobs[line]()
                print(f"{time.perf_counter() - begun:.6f}", flush=True)


main()
