#!/usr/bin/env python3
"""Is `tdag info` a hundredth of a Python process that counts the same model's FLOPs?

    bench_info.py TDAG [--model NAME] [--size N] [--runs N] [--check]

The Python process runs FlopCounterMode where this PyTorch has it, else fvcore, which has to
be installed then. Both count a whole process, in turn, on one thread; the fastest of each
counts, in wall time and in processor time. --check: exit status 1 if the smaller ratio is
above a hundredth. Exit status 77: no counter or no torchvision in this Python."""
import argparse
import importlib.util
import os
import subprocess
import sys
import time

FLOP_COUNTER = """
import sys, torch
from torch.utils.flop_counter import FlopCounterMode
model, size = torch.jit.load(sys.argv[1]).eval(), int(sys.argv[2])
with torch.no_grad(), FlopCounterMode(display=False) as counter:
    model(torch.rand(1, 3, size, size))
print(counter.get_total_flops())
"""
FVCORE = """
import sys, torch, torchvision
from fvcore.nn import FlopCountAnalysis
model, size = getattr(torchvision.models, sys.argv[3])().eval(), int(sys.argv[2])
counter = FlopCountAnalysis(model, torch.rand(1, 3, size, size))
counter.unsupported_ops_warnings(False)
print(2 * counter.total())
"""


def has(module):
    try:
        return importlib.util.find_spec(module) is not None
    except ImportError:
        return False


def clock(command):
    """Wall seconds, processor seconds and what was printed."""
    before, start = os.times(), time.perf_counter()
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    wall, after = time.perf_counter() - start, os.times()
    spent = (after.children_user - before.children_user
             + after.children_system - before.children_system)
    return wall, spent, said.decode()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tdag")
    parser.add_argument("--model", default="resnet50")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    script = FLOP_COUNTER if has("torch.utils.flop_counter") else FVCORE
    if not has("torchvision") or (script == FVCORE and not has("fvcore")):
        print("skipped: this Python lacks torchvision or a counter of FLOPs")
        sys.exit(77)
    maker = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "torchscript",
                         "models.py")
    made = clock([sys.executable, "-W", "ignore", maker, "make", args.model, "--size",
                  str(args.size)])[2]
    path = made.strip().split("\n")[-1]
    ours = [args.tdag, "info", path, "-i", "f32[1,3,%d,%d]" % (args.size, args.size)]
    theirs = [sys.executable, "-W", "ignore", "-c", script, path, str(args.size),
              args.model]
    os.environ["OMP_NUM_THREADS"] = "1"
    a, b = [], []
    for _ in range(args.runs):
        a.append(clock(ours))
        b.append(clock(theirs))
    ratios = []
    for i, what in enumerate(("wall", "processor")):
        x, y = min(r[i] for r in a), min(r[i] for r in b)
        ratios.append(x / y)
        print("%-9s  tdag info %.3f s   Python with %s %.3f s   ratio %.3f"
              % (what, x, "fvcore" if script == FVCORE else "FlopCounterMode", y, x / y))
    if args.check and min(ratios) > 0.01:
        sys.exit(1)


if __name__ == "__main__":
    main()
