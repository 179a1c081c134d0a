#!/usr/bin/env python3
"""Layers over sequences of any length, which are loops, come back as calls.

    check_loops.py TDAG

Each model, scripted and converted with a symbolic length, has the calls that are stated and
gives what its source gives at other lengths, with its gradient; loops that are no such layer
stay loops and give the same."""
import os
import re
import sys
import tempfile
from typing import List

import torch
from torch import Tensor, nn

from models import commands

CALLS = ("lstm", "gru", "rnn_tanh", "rnn_relu")


class Layer(nn.Module):
    def __init__(self, layer, **options):
        super().__init__()
        self.layer = layer(3, 4, **options)

    def forward(self, x):
        return self.layer(x)


class Cell(nn.Module):
    """A loop over a cell, as people write it."""

    def __init__(self, bias: bool = True):
        super().__init__()
        self.cell = nn.LSTMCell(3, 4, bias=bias)

    def forward(self, x):
        h = torch.zeros(x.size(1), 4)
        c = torch.ones(x.size(1), 4)
        out: List[Tensor] = []
        for t in range(x.size(0)):
            h, c = self.cell(x[t], (h, c))
            out.append(h)
        return torch.stack(out), c


class GatedCell(nn.Module):
    """The state before comes from outside; only the outputs are wanted."""

    def __init__(self, last: bool = False):
        super().__init__()
        self.cell, self.last = nn.GRUCell(3, 4), last

    def forward(self, x):
        h = x[0, :, :1].expand(x.size(1), 4)
        out: List[Tensor] = []
        for t in range(x.size(0)):
            h = self.cell(x[x.size(0) - 1 - t] if self.last else x[t], h)
            out.append(h)
        return torch.stack(out)


class OtherRounds(nn.Module):
    """All rows but the last one."""

    def __init__(self):
        super().__init__()
        self.cell = nn.RNNCell(3, 4)

    def forward(self, x):
        h = torch.zeros(x.size(1), 4)
        out: List[Tensor] = [h]
        for t in range(x.size(0) - 1):
            h = self.cell(x[t], h)
            out.append(h)
        return torch.stack(out)


class Changed(nn.Module):
    """The state is written otherwise than it is given."""

    def __init__(self):
        super().__init__()
        self.cell = nn.RNNCell(3, 4)

    def forward(self, x):
        h = torch.zeros(x.size(1), 4)
        out: List[Tensor] = []
        for t in range(x.size(0)):
            h = self.cell(x[t], h)
            out.append(h)
            h = h * 0.5
        return torch.stack(out)


class Both(nn.Module):
    """The inputs' product is wanted, too."""

    def __init__(self):
        super().__init__()
        self.ih, self.hh = nn.Linear(3, 4), nn.Linear(4, 4)

    def forward(self, x):
        products = self.ih(x)
        h = torch.zeros(x.size(1), 4)
        out: List[Tensor] = []
        for t in range(x.size(0)):
            h = torch.tanh(products[t] + self.hh(h))
            out.append(h)
        return torch.stack(out), products


CASES = {
    "lstm": (Layer(nn.LSTM), "lstm"),
    "two_layers": (Layer(nn.LSTM, num_layers=2), "lstm lstm"),
    "two_ways": (Layer(nn.LSTM, bidirectional=True), "lstm lstm"),
    "projected": (Layer(nn.LSTM, proj_size=2), "lstm"),
    "without_bias": (Layer(nn.RNN, bias=False), "rnn_tanh"),
    "gru_without_bias": (Layer(nn.GRU, bias=False, bidirectional=True), "gru gru"),
    "lstm_without_bias": (Layer(nn.LSTM, bias=False), "lstm"),
    "gru": (Layer(nn.GRU, num_layers=2, bidirectional=True), "gru gru gru gru"),
    "tanh": (Layer(nn.RNN), "rnn_tanh"),
    "relu": (Layer(nn.RNN, nonlinearity="relu"), "rnn_relu"),
    "cell": (Cell(), "lstm"),
    "cell_without_bias": (Cell(bias=False), "lstm"),
    "gru_cell": (GatedCell(), "gru"),
    "gru_cell_backwards": (GatedCell(last=True), "gru"),
    "other_rounds": (OtherRounds(), ""),
    "changed": (Changed(), ""),
    "both": (Both(), ""),
}


def flat(value):
    return [value] if torch.is_tensor(value) else [t for v in value for t in flat(v)]


def run(model, x):
    """The results, and the gradient of the sum of all."""
    x = x.clone().requires_grad_()
    results = flat(model(x))
    (sum(t.sum() for t in results) + x.sum()).backward()
    return [t.detach() for t in results] + [x.grad]


def calls_of(model):
    graph = model.graph.copy()
    torch._C._jit_pass_inline(graph)
    names = re.findall(r"= aten::(\w+)", str(graph))
    return " ".join(n for n in names if n in CALLS)


def check(tdag, name, model, calls):
    torch.jit.script(model.eval()).save("source.pt")
    done = commands.run(tdag, "convert", "source.pt", "out.pt", "-i", "f32[T=5,N=2,3]")
    if done.returncode:
        return [f"{name}: {done.stderr}"]
    exported, failures = torch.jit.load("out.pt"), []
    if calls_of(exported) != calls:
        failures.append(f"{name}: calls '{calls_of(exported)}', expected '{calls}'")
    for rows in (1, 3, 200):
        x = torch.randn(rows, 3, 3)
        for of, to in zip(run(model, x), run(exported, x)):
            if of.shape != to.shape or not torch.allclose(of, to, rtol=1e-3, atol=1e-4):
                failures.append(f"{name}: other values at {rows} rows")
    return failures


def main():
    torch.manual_seed(6)
    tdag, failures = os.path.abspath(sys.argv[1]), []
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for name, (model, calls) in CASES.items():
            failures += check(tdag, name, model, calls)
        os.chdir("/")
    print("\n".join(failures) or f"{len(CASES)} models")
    return 1 if failures else 0


sys.exit(main())
