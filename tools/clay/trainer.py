"""One training loop for every net here.

Workers are processes of one thread that share the weights and Adam's moments in memory. Each takes the weights as they
are, works out a gradient on its own batch, and applies it while it holds the lock; nobody waits for the slowest, which
matters on a machine that does other things too. A gradient is then about one step old, which does no harm here.
Weights and moments are float32; the net itself computes in bfloat16.

A task says what is trained:

    task.net(a)                a net with its start weights; only parameters that require gradients are trained
    task.open(a, random)       the data, once in each worker
    task.loss(net, a, random)  -> the loss to descend, {name: number} for the curve

STATE/state.pt has all that a restart needs, STATE/curve.csv the curve. Started again, a run goes on; a file STATE/stop
ends it early. The clock is the first worker's own computing time, which other programs on the machine do not eat, and
the rate follows it: a longer --minutes at a restart stretches what is left of it."""

import csv
import math
import os
import time

import torch
import torch.multiprocessing as mp

SHARED = ("weights", "m", "v", "average", "step")


class Flat:
    """The trained parameters of a net as one vector. Convolutions lie channels last, as the kernels like them."""

    ALIGN = 64

    def __init__(self, net):
        self.parameters = [(k, p) for k, p in net.named_parameters() if p.requires_grad]
        self.at, self.size = [], 0
        for _, p in self.parameters:
            self.at.append(self.size)
            self.size += -(-p.numel() // self.ALIGN) * self.ALIGN

    def view(self, flat, i):
        p = self.parameters[i][1]
        part = flat[self.at[i] : self.at[i] + p.numel()]
        if p.ndim == 4:
            o, c, h, w = p.shape
            return part.view(o, h, w, c).permute(0, 3, 1, 2)
        return part.view(p.shape)

    def gather(self):
        flat = torch.zeros(self.size, device=self.parameters[0][1].device)
        for i, (_, p) in enumerate(self.parameters):
            self.view(flat, i).copy_(p.detach())
        return flat

    def bind(self, flat, gradient):
        for i, (_, p) in enumerate(self.parameters):
            p.data, p.grad = self.view(flat, i), self.view(gradient, i)

    def spread(self, flat):
        """{key: tensor}"""
        return {k: self.view(flat, i).clone().contiguous() for i, (k, _) in enumerate(self.parameters)}


def add_options(p, lr, batch, decay=0.998):
    p.add_argument("--state", required=True, help="folder")
    p.add_argument("--minutes", type=float, required=True, help="of the first worker's computing; those before a restart count")
    p.add_argument("--batch", type=int, default=batch, help="of each worker")
    p.add_argument("--lr", type=float, default=lr)
    p.add_argument("--warm", type=float, default=0.03, help="share of the time in which the rate rises")
    p.add_argument("--flat", type=float, default=0.3, help="share of the time after which it falls; 1: never")
    p.add_argument("--decay", type=float, default=decay, help="of the average of the weights")
    p.add_argument("--clip", type=float, default=1.0, help="length that no gradient exceeds")
    p.add_argument("--workers", type=int, default=2)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--every", type=float, default=60, help="seconds between lines of the curve")
    p.add_argument("--save", type=float, default=3, help="minutes between saves")
    return p


def learning_rate(done, a):
    """Warm up, stay, then half a cosine down; `done` is the finished share of the training."""
    if done < a.warm:
        return a.lr * max(done, 1e-4) / a.warm
    fall = min(1, max(0, (done - a.flat) / (1 - a.flat))) if a.flat < 1 else 0
    return a.lr * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * fall)))


class Curve:
    """A line every so often: the means of what the workers reported since the last."""

    def __init__(self, a):
        self.a, self.last, path = a, time.time(), f"{a.state}/curve.csv"
        self.new = not os.path.exists(path)
        self.csv = csv.writer(open(path, "a", newline="", buffering=1))

    def write(self, shared, lock, names, minutes, lr):
        if time.time() - self.last < self.a.every:
            return
        with lock:
            sums, step = shared["sums"].clone(), int(shared["step"])
            shared["sums"].zero_()
        n, now = sums[0].item(), time.time()
        row = [minutes, step, step * self.a.batch, *(sums[1 : 1 + len(names)] / n).tolist(), lr,
               n * self.a.batch / (now - self.last)]
        if self.new:
            self.csv.writerow(["minutes", "step", "samples", *names, "lr", "samples_per_second"])
        self.csv.writerow([f"{v:.5g}" if isinstance(v, float) else v for v in row])
        self.last, self.new = now, False


def work(rank, task, a, shared, lock):
    torch.set_num_threads(1)
    net = task.net(a).train()
    flat = Flat(net)
    weights, gradient = torch.zeros(flat.size, dtype=torch.bfloat16), torch.zeros(flat.size, dtype=torch.bfloat16)
    net.bfloat16()
    flat.bind(weights, gradient)
    random = torch.Generator().manual_seed(a.seed + 1000 * rank + 7 * int(shared["step"]))
    task.open(a, random)
    curve = Curve(a) if rank == 0 else None
    begin, spent, saved = time.process_time(), float(shared["minutes"]), time.time()
    while not shared["end"] and not os.path.exists(f"{a.state}/stop"):
        minutes = spent + (time.process_time() - begin) / 60
        if rank == 0 and minutes >= a.minutes:
            shared["end"].fill_(1)
            break
        with lock:
            weights.copy_(shared["weights"])
        gradient.zero_()
        loss, numbers = task.loss(net, a, random)
        loss.backward()
        g = gradient.float()
        norm = g.norm()
        if not torch.isfinite(norm):
            continue
        g *= (a.clip / (norm + 1e-6)).clamp(max=1)
        numbers = {"loss": loss, **numbers, "gradient": norm}
        if rank == 0:
            shared["minutes"].fill_(minutes)
        lr = learning_rate(float(shared["minutes"]) / a.minutes, a)
        with lock:
            shared["step"] += 1
            k = float(shared["step"])
            torch._fused_adamw_([shared["weights"]], [g], [shared["m"]], [shared["v"]], [], [torch.tensor(k)], lr=lr,
                                beta1=0.9, beta2=0.99, weight_decay=0.01, eps=1e-8, amsgrad=False, maximize=False)
            shared["average"].lerp_(shared["weights"], 1 - min(a.decay, (1 + k) / (10 + k)))
            shared["sums"][: 1 + len(numbers)] += torch.tensor([1.0, *(float(v.detach()) for v in numbers.values())])
        if rank == 0:
            curve.write(shared, lock, list(numbers), minutes, lr)
            if time.time() - saved > 60 * a.save:
                saved = time.time()
                store(a, flat, shared, lock, minutes)
    if rank == 0:
        store(a, flat, shared, lock, minutes)


def store(a, flat, shared, lock, minutes):
    with lock:
        s = {k: shared[k].clone() for k in SHARED}
    torch.save({**s, "minutes": minutes, "net": flat.spread(s["average"]), "options": vars(a)}, f"{a.state}/state.new")
    os.replace(f"{a.state}/state.new", f"{a.state}/state.pt")


def train(task, a):
    os.makedirs(a.state, exist_ok=True)
    net = task.net(a)
    flat = Flat(net)
    weights = flat.gather()
    shared = {"weights": weights, "m": torch.zeros_like(weights), "v": torch.zeros_like(weights),
              "average": weights.clone(), "step": torch.zeros(1), "minutes": torch.zeros(1), "end": torch.zeros(1),
              "sums": torch.zeros(16)}
    print(f"{sum(p.numel() for _, p in flat.parameters) / 1e6:.2f} M weights are trained, "
          f"of {sum(p.numel() for p in net.parameters()) / 1e6:.2f} M", flush=True)
    if os.path.exists(f"{a.state}/state.pt"):
        s = torch.load(f"{a.state}/state.pt")
        if s["weights"].shape != weights.shape:
            raise SystemExit(f"{a.state} holds a run of {len(s['weights'])} numbers, this net has {len(weights)}")
        for k in SHARED:
            shared[k].copy_(s[k])
        shared["minutes"].fill_(s["minutes"])
        print(f"going on from step {int(s['step'])}", flush=True)
    for v in shared.values():
        v.share_memory_()
    mp.spawn(work, (task, a, shared, mp.get_context("spawn").Lock()), a.workers)


def averaged(net, path, prefix=""):
    """Fills net with the averaged weights of a state, whose names begin with the prefix; returns net and the state."""
    s = torch.load(f"{path}/state.pt")
    found = net.load_state_dict({k.removeprefix(prefix): v for k, v in s["net"].items() if k.startswith(prefix)},
                                strict=False)
    if found.unexpected_keys:
        raise SystemExit(f"{path} has {found.unexpected_keys[0]}, which this net has not")
    lacking = [k for k, _ in net.named_parameters() if k in found.missing_keys]
    if lacking:
        raise SystemExit(f"{path} has no {lacking[0]}: it trained only a part, which --start puts into a whole")
    return net, s
