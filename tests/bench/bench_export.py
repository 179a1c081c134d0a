#!/usr/bin/env python3
"""Does an exported model run as fast as the TorchScript it came from?

    bench_export.py TDAG [--models A,B] [--size N] [--pairs N] [--folder DIR] [--check]

Each model is made (tests/torchscript/models.py, bench_models.py), converted by `TDAG convert`, and both files run
on one thread without gradients, after the runs in which the JIT profiles and specialises.
What is measured is the thread's own time, so that others' turns do not count. Runs are
interleaved, in the order a b b a, so that what else the machine does meets both alike. Printed are the fastest run of each and the ratio of the fastest runs beside the
median of the ratios of neighbours; the smaller of the two counts, because noise only adds.
--check: exit status 1 if the geometric mean is above 1.03 or one model is above 1.1, after
up to three more measurements of the models that are above 1.05. Exit status 77: no torchvision."""
import argparse
import math
import os
import statistics
import subprocess
import sys
import time

import torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "torchscript"))
import models as made  # noqa: E402  (found through the line above)
from bench_models import MODELS as HERE  # noqa: E402

VISION = "vit_b_16 swin_t convnext_tiny resnet50 densenet121 mobilenet_v3_large efficientnet_b0"
STANDARD = ",".join(VISION.split() + list(HERE))


def convert(tdag, path, inputs, out):
    shapes = []
    for x in inputs:
        dtype = made.DTYPES[x.dtype].lower()
        shapes += ["-i", "%s[%s]" % (dtype, ",".join(map(str, x.shape)))]
    subprocess.run([tdag, "convert", path, out] + shapes, check=True)


def clock(model, inputs):
    start = time.thread_time()
    model(*inputs)
    return time.thread_time() - start


def compare(source, export, inputs, pairs):
    """Seconds of the fastest runs, and the median ratio of neighbours."""
    for _ in range(4):
        source(*inputs)
        export(*inputs)
    a, b, ratios = [], [], []
    for i in range(pairs):
        first, second = (source, export) if i % 2 == 0 else (export, source)
        s, t = clock(first, inputs), clock(second, inputs)
        if i % 2:
            s, t = t, s
        a.append(s)
        b.append(t)
        ratios.append(t / s)
    return min(a), min(b), statistics.median(ratios)


def differs(source, export, inputs):
    """The largest difference, relative to the largest value."""
    pairs = list(zip(made.flat(source(*inputs)), made.flat(export(*inputs))))
    assert pairs
    return max(((x - y).abs().max() / x.abs().max().clamp_min(1e-30)).item()
               for x, y in pairs)


def source_of(args, name):
    """The path of a traced model, and its inputs."""
    if name not in HERE:
        path = made.make(name, False, args.folder, args.size)
        _, inputs = made.MODELS[name]()
        return path, tuple(made.resized(x, args.size) for x in inputs)
    torch.manual_seed(0)
    maker, *inputs = HERE[name]
    model, inputs = made.settle(maker()).eval(), tuple(make() for make in inputs)
    path = os.path.join(args.folder, "bench_%s.pt" % name)
    torch.jit.trace(model, inputs, check_trace=False).save(path)
    return path, inputs


def bench(args, name):
    path, inputs = source_of(args, name)
    out = path[:-len(".pt")] + ".export.pt"
    convert(args.tdag, path, inputs, out)
    source, export = torch.jit.load(path).eval(), torch.jit.load(out).eval()
    a, b, median = compare(source, export, inputs, args.pairs)
    ratio = min(b / a, median)
    for _ in range(3 if args.check else 0):  # others use the machine as well
        if ratio <= 1.05:
            break
        again = compare(source, export, inputs, args.pairs)
        if min(again[1] / again[0], again[2]) < ratio:
            a, b, median = again
            ratio = min(b / a, median)
    print("%-20s %9.2f ms %9.2f ms   min %.3f  median %.3f   differs %.1e"
          % (name, a * 1e3, b * 1e3, b / a, median, differs(source, export, inputs)),
          flush=True)
    return ratio


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tdag")
    parser.add_argument("--models", default=STANDARD)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--folder")
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    if args.folder is None:
        args.folder = os.path.join(os.environ.get(
            "TDAG_MODEL_CACHE", os.path.expanduser("~/.cache/tdagger/models")),
            "torch-" + torch.__version__.split("+")[0])
    os.makedirs(args.folder, exist_ok=True)
    torch.set_num_threads(1)
    try:
        made.torchvision()
    except ImportError as e:
        print("skipped: %s" % e)
        sys.exit(77)
    with torch.no_grad():
        ratios = [bench(args, name) for name in args.models.split(",")]
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    print("geometric mean %.3f, largest %.3f (PyTorch %s)"
          % (mean, max(ratios), torch.__version__))
    if args.check and (mean > 1.03 or max(ratios) > 1.1):
        sys.exit(1)


if __name__ == "__main__":
    main()
