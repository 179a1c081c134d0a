#!/usr/bin/env python3
"""What does the proof of an export cost?

    bench_check.py TDAG [--models A,B] [--rounds N] [--check]

`TDAG convert` writes each model (tests/torchscript/models.py) with its proof and with
--no-check, in turn. Printed is the processor time of the fastest run of each, and their ratio.
--check: exit status 1 if the geometric mean is above 1.2. Exit status 77: no torchvision."""
import argparse
import math
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "torchscript"))
import models as made  # noqa: E402  (found through the line above)

STANDARD = ("resnet18,mobilenet_v2,densenet121,efficientnet_b0,swin_t,unet,bert,gpt,llama,"
            "translator,graphs")


def seconds(command):
    process = subprocess.Popen(command)
    _, status, used = os.wait4(process.pid, 0)
    assert status == 0, command
    return used.ru_utime + used.ru_stime


def bench(args, name, out):
    path = made.make(name, False, made.folder_of())
    command = [args.tdag, "convert", path, out, "--like",
               made.stem_of(path) + ".in.safetensors"]
    with_proof, without = [], []
    for _ in range(args.rounds):
        without.append(seconds(command + ["--no-check"]))
        with_proof.append(seconds(command))
    ratio = min(with_proof) / min(without)
    print("%-20s %8.1f ms %8.1f ms   %.2f"
          % (name, min(without) * 1e3, min(with_proof) * 1e3, ratio), flush=True)
    return ratio


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tdag")
    parser.add_argument("--models", default=STANDARD)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    try:
        made.torchvision()
    except ImportError as e:
        print("skipped: %s" % e)
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out.pt")
        ratios = [bench(args, name, out) for name in args.models.split(",")]
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    print("geometric mean %.3f, largest %.3f" % (mean, max(ratios)))
    if args.check and mean > 1.2:
        sys.exit(1)


if __name__ == "__main__":
    main()
