"""selfsame beside PyTorch: the same work in turns, on the same machine, in the same run. Started by peers.sh.

    peers.py BUILD [--rows WORDS] [--repeat N] [--threads N]

Writes BUILD/../peers.json: {"machine": ..., "rows": [{"work", "dtype", "ours_s", "peer_s", "ratio", "goal"} ...]}.
Times are medians of at least five runs, after both sides have run once or twice to pack their weights; seconds of
selfsame and PyTorch alternate, so that what else the machine does meets both.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))

# Work, size, and the goals: times of PyTorch's with AMX, with bfloat16 but no AMX, in float32.
WORK = [
    ("guided step", 512, 512, (0.5, 0.8, 0.9)),
    ("guided step", 768, 768, (0.5, 0.8, 0.9)),
    ("guided step", 512, 768, (0.5, 0.8, 0.9)),
    ("edit step", 512, 512, (0.5, 0.8, 0.9)),
    ("further target", 512, 512, (1.05, 1.05, 1.05)),
    ("decode", 512, 512, (0.6, 0.8, 0.9)),
    ("encode", 512, 512, (0.6, 0.8, 0.9)),
    ("text", 512, 512, (1.0, 1.0, 1.0)),
]
TRAIN = [("train step", 512, 512, (0.5, 0.8, 0.8))]  # each in processes of its own
AVX2 = [("guided step", 512, 512), ("decode", 512, 512)]  # both sides held to it: no slower than PyTorch
MEANS = {"edit step": "masks on, against PyTorch's plain batch of 4",
         "further target": "against our own guided step"}


def flags():
    with open("/proc/cpuinfo") as f:
        for line in f:
            if line.startswith("flags"):
                return set(line.split())
    return set()


def processor():
    with open("/proc/cpuinfo") as f:
        for line in f:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return "unknown processor"


class Side:
    """One process that answers lines."""

    def __init__(self, command, threads, environment):
        env = dict(os.environ, OMP_NUM_THREADS=str(threads), OMP_WAIT_POLICY="passive", GOMP_SPINCOUNT="0",
                   KMP_BLOCKTIME="0", **environment)
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"peers: {self.process.args[0]} ended while it was asked for: {line}")
        return answer.strip()

    def seconds(self, line):
        return float(self.ask(line))

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def compare(ours, peer, line, against, repeat):
    """Times of both in turns, after two runs each that do not count."""
    for _ in range(2):
        ours.seconds(line)
        peer.seconds(against)
    a, b = [], []
    for _ in range(repeat):
        a.append(ours.seconds(line))
        b.append(peer.seconds(against))
    return a, b


def show(row, a, b, flop, peak):
    share = f"{100 * flop / row['ours_s'] / peak:4.0f} %" if flop and peak else "     "
    print(f"{row['work']:<46} {row['dtype']:<9} {row['ours_s']:8.3f} {row['peer_s']:8.3f} {row['ratio']:6.2f}x "
          f"{row['goal']:5.2f}x {'yes' if row['ratio'] <= row['goal'] else 'NO ':<4} {share}   "
          f"{min(a):.3f}-{max(a):.3f}, {min(b):.3f}-{max(b):.3f}", flush=True)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("build")
    p.add_argument("--model", required=True)
    p.add_argument("--rows", default="", help="only rows whose work and type contain one of these, comma between")
    p.add_argument("--repeat", type=int, default=5)
    p.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    p.add_argument("--out", required=True)
    o = p.parse_args()
    repeat = max(o.repeat, 5)
    wanted = [w.strip() for w in o.rows.split(",") if w.strip()]
    have = flags()
    kind = 0 if "amx_bf16" in have else 1 if "avx512_bf16" in have else 2
    name = ("AMX", "AVX512 with bfloat16", "float32 only")[kind]
    machine = {"processor": processor(), "class": name, "threads": o.threads}
    rows = []

    def chosen(title, dtype):
        return not wanted or any(w in f"{title} {dtype}" for w in wanted)

    # dtype, level that both are held to, rows
    runs = [("bfloat16", "auto", WORK)] if kind < 2 else []
    runs += [("float32", "auto", WORK), ("float32", "avx2", [(*w, (1.0, 1.0, 1.0)) for w in AVX2])]
    runs += ([("bfloat16", "auto", TRAIN)] if kind < 2 else []) + [("float32", "auto", TRAIN)]
    print(f"{machine['processor']}, {name}, {o.threads} threads; medians of {repeat}, in turns\n")
    print(f"{'work':<46} {'numbers':<9} {'selfsame':>8} {'PyTorch':>8} {'ratio':>7} {'goal':>6} {'met':<4} "
          f"{'peak':>6}   spread: ours, theirs", flush=True)
    for dtype, level, works in runs:
        todo = []
        for work, w, h, goal in works:
            title = f"{work} {w}x{h}" + (", " + MEANS[work] if work in MEANS else "")
            title = "text encoder" if work == "text" else title
            title += ", held to AVX2" if level != "auto" else ""
            if chosen(title, dtype):
                todo.append((title, work, w, h, goal[kind if dtype == "bfloat16" else 2]))
        if not todo:
            continue
        held = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"} if level != "auto" else {}
        ours = Side([f"{o.build}/bench-serve", o.model, dtype, str(o.threads), level], o.threads, {})
        peer = Side([sys.executable, f"{HERE}/worker.py", o.model, dtype, str(o.threads)], o.threads, held)
        machine["ours"] = ours.ask("about").rsplit("commit ", 1)[-1]
        machine["peer"] = peer.ask("about").split(",")[0]
        peak = [float(v) for v in ours.ask("peak").split()]
        for title, work, w, h, goal in todo:
            line = f"{w} {h} {work}"
            own = work == "further target"
            a, b = compare(ours, ours if own else peer, line, f"{w} {h} guided step" if own else line, repeat)
            flop = 0 if works is TRAIN else float(ours.ask("flop " + line))
            x, y = statistics.median(a), statistics.median(b)
            row = {"work": title, "dtype": dtype, "ours_s": x, "peer_s": y, "ratio": x / y, "goal": goal}
            rows.append(row)
            peak = [max(p_, float(v)) for p_, v in zip(peak, ours.ask("peak").split())]
            show(row, a, b, flop, peak[0])
        machine[f"{dtype} {level} flops" if level != "auto" else f"{dtype} flops"] = peak[0]
        machine["copy bytes per second"] = max(machine.get("copy bytes per second", 0), peak[1])
        for side, who in ((ours, "selfsame"), (peer, "PyTorch")):
            what = f"{who} {dtype}" + (" training" if works is TRAIN else "") + (" AVX2" if level != "auto" else "")
            machine[f"{what} peak memory"] = int(side.ask("memory"))
            side.close()
    if not rows:
        sys.exit(f"peers: no row contains any of: {o.rows}")
    with open(o.out, "w") as f:
        json.dump({"machine": machine, "rows": rows}, f, indent=1)
        f.write("\n")
    print("\n" + "\n".join(f"{k}: {v:.4g}" if isinstance(v, float) else f"{k}: {v}" for k, v in machine.items()))
    print(f"\nwritten to {o.out}; peak: share of the machine's largest measured arithmetic, {name}")


main()
