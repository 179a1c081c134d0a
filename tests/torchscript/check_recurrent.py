#!/usr/bin/env python3
"""Recurrent layers come back as one call, by the tdag command.

    check_recurrent.py TDAG

Each layer, traced and converted, has the calls that are stated and gives what its source gives;
so does it without its batch, and with one added again. What reads single steps, their cells or
one direction of the other order is written as what it is."""
import os
import re
import sys
import tempfile

import torch
from torch import nn

from models import commands

STEPS = ("linear", "addmv", "mv", "sigmoid", "tanh", "relu")
CALLS = ("lstm", "gru", "rnn_tanh", "rnn_relu") + STEPS


class Steps(nn.Module):
    """Of a layer what `reads` takes of its outputs and last states."""

    def __init__(self, layer, reads):
        super().__init__()
        self.layer, self.reads = layer, reads

    def forward(self, x):
        y, state = self.layer(x)
        return self.reads(y, *(state if isinstance(state, tuple) else (state,)))


class Given(nn.Module):
    """The states before the first steps come from outside, one by one."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x, h, c):
        y, (h, c) = self.layer(x, (torch.stack((h, h * 2)), torch.stack((c, -c))))
        return y, h, c


class Hand(nn.Module):
    """An LSTM of single products, as a person unrolls it, and each cell's state."""

    def __init__(self, keeps):
        super().__init__()
        self.ih, self.hh, self.keeps = nn.Linear(3, 16), nn.Linear(4, 16), keeps

    def forward(self, x):
        h = c = torch.zeros(x.shape[1], 4)
        products, hs, cs = self.ih(x), [], []
        for t in range(x.shape[0]):
            i, f, g, o = (products[t] + self.hh(h)).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            hs.append(h)
            cs.append(c)
        return (torch.stack(hs), torch.stack(cs)) if self.keeps else torch.stack(hs)


class Mirrored(nn.Module):
    """Backwards only: PyTorch has no call for it."""

    def __init__(self):
        super().__init__()
        self.ih, self.hh = nn.Linear(3, 4), nn.Linear(4, 4)

    def forward(self, x):
        h, products, out = torch.zeros(x.shape[1], 4), self.ih(x), []
        for t in reversed(range(x.shape[0])):
            h = torch.tanh(products[t] + self.hh(h))
            out.append(h)
        return torch.stack(out)


def all_of(y, *states):
    return (y,) + states


# name, module, inputs, calls of the export
CASES = [
    ("lstm", nn.LSTM(3, 4), [(5, 2, 3)], ["lstm"]),
    ("batch first", nn.LSTM(3, 4, batch_first=True), [(2, 5, 3)], ["lstm"]),
    ("without biases", nn.GRU(3, 4, bias=False), [(5, 2, 3)], ["gru"]),
    ("layers", nn.GRU(3, 4, 3), [(4, 2, 3)], ["gru"]),
    ("directions", nn.LSTM(3, 4, 2, bidirectional=True), [(3, 2, 3)], ["lstm"]),
    ("directions without biases", nn.RNN(3, 4, 2, bias=False, bidirectional=True), [(6, 2, 3)],
     ["rnn_tanh"]),
    ("relu", nn.RNN(3, 4, nonlinearity="relu"), [(5, 2, 3)], ["rnn_relu"]),
    ("a square", nn.GRU(4, 4, 2), [(4, 4, 4)], ["gru"]),
    ("unbatched", nn.LSTM(3, 4, 2), [(5, 3)], ["lstm"]),
    ("last states", Steps(nn.LSTM(3, 4, bidirectional=True), lambda y, h, c: h[1] + c[0]),
     [(5, 2, 3)], ["lstm"]),
    ("outputs", Steps(nn.GRU(3, 4, 2), lambda y, h: y * 2), [(5, 2, 3)], ["gru"]),
    ("single steps", Steps(nn.LSTM(3, 4), lambda y, h, c: (y[0], y[3] * 2, y[4], h)), [(5, 2, 3)],
     ["lstm"]),
    ("outputs changed in place", Steps(nn.GRU(3, 4), lambda y, h: (torch.relu(h[0]) + h[0], y)),
     [(5, 2, 3)], ["gru", "relu"]),
    ("given states", Given(nn.LSTM(3, 4, 2)), [(5, 2, 3), (2, 4), (2, 4)], ["lstm"]),
    ("two layers of different sizes", nn.Sequential(
        Steps(nn.LSTM(3, 4), lambda y, h, c: y), Steps(nn.LSTM(4, 5), all_of)), [(5, 2, 3)],
     ["lstm", "lstm"]),
    ("two layers with something between", nn.Sequential(
        Steps(nn.GRU(3, 4), lambda y, h: torch.neg(y)), Steps(nn.GRU(4, 4), all_of)), [(5, 2, 3)],
     ["gru", "gru"]),
    ("the outputs below are read as well", Steps(
        nn.GRU(3, 3), lambda y, h: (y, h)), [(5, 2, 3)], ["gru"]),
    ("by hand", Hand(False), [(5, 2, 3)], ["lstm"]),
    ("by hand, with all cells", Hand(True), [(2, 2, 3)], None),
    ("one step", nn.LSTM(3, 4), [(1, 2, 3)], None),
    ("backwards only", Mirrored(), [(4, 2, 3)], None),
    ("projected", nn.LSTM(3, 4, proj_size=2), [(4, 2, 3)], None),
    ("f64", nn.GRU(3, 4).double(), [(4, 2, 3)], ["gru"]),
]


def flat(x):
    return [x] if isinstance(x, torch.Tensor) else [t for y in x for t in flat(y)]


def run(*words):
    done = commands.run(*words)
    if done.returncode:
        sys.exit("%s: %d\n%s" % (" ".join(words), done.returncode, done.stderr))


def calls(path):
    graph = torch.jit.load(path).graph.copy()
    torch._C._jit_pass_inline(graph)
    names = [n.rstrip("_") for n in re.findall(r"= aten::(\w+)", str(graph))]
    return [n for n in names if n in CALLS]


def check(tdag, name, module, inputs, want):
    failures = []

    def differs(path, given, wanted, axis=None):
        got = flat(torch.jit.load(path).eval()(*given))
        wrong = len(got) != len(wanted) or any(
            a.shape != b.shape or not torch.allclose(a, b, 1e-4, 1e-5)
            for a, b in zip(got, wanted))
        if wrong:
            failures.append("%s: %s gives something else" % (name, path))
        made = calls(path)
        if want is not None and made != want:
            failures.append("%s: %s has %s" % (name, path, made))
        if want is None and any(c not in STEPS for c in made):
            failures.append("%s: %s has %s" % (name, path, made))

    dtype = next(module.parameters()).dtype
    given = [torch.randn(s, dtype=dtype) for s in inputs]
    wanted = flat(module(*given))
    torch.jit.trace(module, tuple(given), check_trace=False).save("source.pt")
    kind = "f64" if dtype == torch.float64 else "f32"
    spec = [w for s in inputs for w in ("-i", "%s[%s]" % (kind, ",".join(map(str, s))))]
    run(tdag, "convert", "source.pt", "out.pt", *spec)
    differs("out.pt", given, wanted)
    if len(inputs) > 1 or len(inputs[0]) < 3 or isinstance(module, (Hand, Mirrored)):
        return failures
    axis = 0 if getattr(module, "batch_first", False) else 1
    shape = ["N=2" if i == axis else str(n) for i, n in enumerate(inputs[0])]
    spec = ["-i", "%s[%s]" % (kind, ",".join(shape))]
    one = given[0].select(axis, 0)
    wanted = [t.squeeze(axis if t.shape[axis] == 1 else 0) if t.dim() > 1 else t
              for t in flat(module(given[0].narrow(axis, 0, 1)))]
    run(tdag, "debatch", "source.pt", "single.pt", *spec, "--dim", "N")
    run(tdag, "debatch", "source.pt", "single.tdag", *spec, "--dim", "N")
    run(tdag, "batch", "single.tdag", "again.pt", "--dim", "N=2")
    differs("single.pt", [one], [w.reshape(g.shape) for w, g in zip(
        wanted, flat(torch.jit.load("single.pt")(one)))])
    many = torch.stack([given[0].select(axis, i) for i in range(2)])
    each = [flat(torch.jit.load("single.pt")(x)) for x in many]
    differs("again.pt", [many], [torch.stack(t) for t in zip(*each)])
    return failures


def main():
    torch.manual_seed(0)
    tdag, failures = os.path.abspath(sys.argv[1]), []
    with torch.no_grad(), tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for name, module, inputs, want in CASES:
            failures += check(tdag, name, module.eval(), inputs, want)
        os.chdir("/")
    for failure in failures:
        print(failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
