#!/usr/bin/env python3
"""Does a model without its batch, or with one added, run as fast as the model traced so?

    bench_axis.py TDAG [--models A,B] [--pairs N] [--folder DIR] [--check]

From each model (tests/torchscript/models.py) `TDAG debatch` removes the batch, and `TDAG batch`
gives it back. Without it, it is compared with the model traced at batch 1, with it with the
model traced at batch 2, the batch in front: both by PyTorch, on one thread, in turn. Small models make hardly more
than the calls themselves, so each has as many runs as take some milliseconds, and what one more
view costs is seen. Printed are the medians of the ratios, and their geometric means.
--check: exit status 1 if a mean is above MOST_MEAN, or a model above MOST. Exit status 77: no torchvision."""
import argparse
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time

import torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "torchscript"))
import models as made  # noqa: E402  (found through the line above)

BATCH, SECONDS = 2, 0.004
LONGEST = 4.0  # seconds of one comparison; a slow model's ratios need no more pairs
AXES = {"encoder_slow": 1, "gru": 1, "rnn": 1}  # of the batch, where that is not 0
MOST, MOST_MEAN = 1.15, 1.05
# What has no batch to remove, and why.
LEFT_OUT = {"graphs": "edges of one graph", "readme": "fixes the batch",
            "slice_assignment": "writes into single samples", "native_attention": "PyTorch 1.13 has no such operator"}


def resized(x, axis, size):
    if isinstance(x, dict):
        return {k: resized(v, axis, size) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return type(x)(resized(v, axis, size) for v in x)
    order = torch.arange(size) % x.shape[axis]
    return x.index_select(axis, order)


def without(x, axis):
    if isinstance(x, dict):
        return {k: without(v, axis) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return type(x)(without(v, axis) for v in x)
    return x.select(axis, 0)


def moved(x, axis, to=0):
    if isinstance(x, dict):
        return {k: moved(v, axis, to) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return type(x)(moved(v, axis, to) for v in x)
    return x.movedim(axis, to)


class Front(torch.nn.Module):
    """A model of another axis with the batch in front, where `TDAG batch` puts it."""

    def __init__(self, model, axis):
        super().__init__()
        self.model, self.axis = model, axis

    def forward(self, *inputs):
        return moved(self.model(*moved(inputs, 0, self.axis)), self.axis)


def specs(inputs, axis, size):
    words = []
    for key, x in made.named(inputs).items():
        dims = [size if i == axis else n for i, n in enumerate(x.shape)]
        name = "" if key.startswith("in") and key[2:].isdigit() else key + ":"
        words += ["-i", "%s%s[%s]" % (name, made.DTYPES[x.dtype].lower(),
                                      ",".join(str(d) for d in dims if d != ""))]
    return words


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        sys.exit("%s\n%s" % (" ".join(words), done.stderr))


def traced(model, inputs, path):
    torch.jit.trace(model, inputs, strict=False, check_trace=False).save(path)
    return torch.jit.load(path).eval()


def clock(model, inputs, times):
    start = time.thread_time()
    for _ in range(times):
        model(*inputs)
    return time.thread_time() - start


def compare(a, a_inputs, b, b_inputs, pairs):
    """The median of the ratios of neighbours."""
    for _ in range(2):  # the JIT profiles, then specialises
        a(*a_inputs)
        b(*b_inputs)
    once = max(clock(a, a_inputs, 1), 1e-6)
    times = max(1, round(SECONDS / once))
    ratios = []
    for _ in range(max(2, min(pairs, round(LONGEST / (4 * times * once))))):
        first, second = clock(a, a_inputs, times), clock(b, b_inputs, times)
        second, first = second + clock(b, b_inputs, times), first + clock(a, a_inputs, times)
        ratios.append(second / first)
    return statistics.median(ratios)


def bench(args, name, folder):
    axis = AXES.get(name, 0)
    paths = [os.path.join(folder, "%s.%s.pt" % (name, k)) for k in
             ("source", "one", "many", "single", "again")]
    graph = os.path.join(folder, name + ".tdag")
    torch.manual_seed(0)
    model, inputs = made.MODELS[name]()
    model = made.settle(model).eval()
    traced(model, inputs, paths[0])
    one, many = resized(inputs, axis, 1), resized(inputs, axis, BATCH)
    run(args.tdag, "debatch", paths[0], paths[3], *specs(inputs, axis, "N=3"), "--dim", "N")
    run(args.tdag, "debatch", paths[0], graph, *specs(inputs, axis, "N=3"), "--dim", "N")
    run(args.tdag, "batch", graph, paths[4], "--dim", "N=3")
    front = moved(many, axis)
    if axis != 0:
        front = tuple(x.contiguous() for x in front)
    pairs = [(traced(model, one, paths[1]), one, torch.jit.load(paths[3]).eval(), without(one, axis)),
             (traced(Front(model, axis) if axis else model, front, paths[2]), front,
              torch.jit.load(paths[4]).eval(), front)]
    ratios = [compare(*p, args.pairs) for p in pairs]
    for _ in range(3):  # once more, for longer: others use the machine as well
        ratios = [r if r <= 1.05 else min(r, compare(*p, 3 * args.pairs))
                  for r, p in zip(ratios, pairs)]
    print("%-30s without %.3f  with %.3f" % (name, *ratios), flush=True)
    return ratios


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tdag")
    parser.add_argument("--models", default=",".join(sorted(set(made.MODELS) - set(LEFT_OUT))))
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    try:
        made.torchvision()
    except ImportError as e:
        print("skipped: %s" % e)
        sys.exit(77)
    with torch.no_grad(), tempfile.TemporaryDirectory() as folder:
        ratios = [bench(args, name, folder) for name in args.models.split(",")]
    means = [math.exp(sum(map(math.log, r)) / len(r)) for r in zip(*ratios)]
    print("geometric means %.3f and %.3f (PyTorch %s)" % (*means, torch.__version__))
    slow = [name for name, r in zip(args.models.split(","), ratios)
            if max(r) > MOST]
    if slow:
        print("too slow: %s" % ", ".join(slow))
    if args.check and (max(means) > MOST_MEAN or slow):
        sys.exit(1)


if __name__ == "__main__":
    main()
