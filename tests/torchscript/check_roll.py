#!/usr/bin/env python3
"""Recurrent layers traced over 64 steps, rolled into loops, by the tdag command.

    check_roll.py TDAG

Each layer and direction is one loop over one cell, with the results of the trace by both engines
and, exported, by PyTorch; a loop collects its results in a list. It has under a tenth of the
unrolled one's nodes, exported, too, where the steps are those of no operator of PyTorch; and
unrolled again the model gives what it gave."""
import os
import re
import sys
import tempfile

import torch
from torch import nn

from models import commands, flat

STEPS, BATCH, WIDTH = 64, 3, 6


class Own(nn.Module):
    """A cell that no operator of PyTorch is."""

    def __init__(self, width, size, num_layers=1):
        super().__init__()
        self.cells = nn.ModuleList(nn.Linear(width + size if i == 0 else 2 * size, 2 * size)
                                   for i in range(num_layers))
        self.norm = nn.LayerNorm(size)
        self.size = size

    def forward(self, x):
        for cell in self.cells:
            h = torch.zeros(x.size(1), self.size)
            rows = []
            for row in x:
                a, b = cell(torch.cat([row, h], 1)).chunk(2, 1)
                h = self.norm(h + torch.tanh(a) * torch.sigmoid(b))
                rows.append(h)
            x = torch.stack(rows)
        return x, h


# kind, options
CASES = [(kind, dict(bidirectional=both, num_layers=layers, batch_first=first))
         for kind in ("LSTM", "GRU", "RNN")
         for both, layers, first in ((False, 1, False), (True, 1, True), (True, 2, False))]
CASES += [("LSTM", dict(proj_size=4, bidirectional=True, num_layers=2, batch_first=True)),
          ("LSTM", dict(num_layers=3)), ("Own", {}), ("Own", dict(num_layers=2)), ("RNN", dict(nonlinearity="relu", num_layers=2))]


def run(*words):
    done = commands.run(*words)
    assert done.returncode == 0, "%s: %s" % (" ".join(words), done.stderr)
    return done.stdout


def n_nodes(module):
    return len(list(str(module.inlined_graph).splitlines()))


def check_export(rolled, steps, is_own, x, want):
    loop, straight = torch.jit.load(rolled), torch.jit.load(steps)
    for have, expected in zip(flat(loop(x)), want):
        torch.testing.assert_close(have, expected, rtol=1e-4, atol=1e-5)
    assert not is_own or 10 * n_nodes(loop) < n_nodes(straight), n_nodes(loop)
    code = loop.code
    assert "torch.append" in code and "for " in code, code
    assert not re.search("scatter|index_put|index_copy", str(loop.inlined_graph))


def check(tdag, kind, options):
    torch.manual_seed(0)
    module = getattr(nn, kind, Own)(WIDTH, 8, **options).eval()
    x = torch.randn(*((BATCH, STEPS) if options.get("batch_first") else (STEPS, BATCH)), WIDTH)
    torch.jit.trace(module, x).save("trace.pt")
    shape = "f32[%s]" % ",".join(map(str, x.shape))
    run(tdag, "convert", "trace.pt", "trace.tdag", "-i", shape)
    run(tdag, "roll", "trace.tdag", "rolled.tdag")
    text = run(tdag, "show", "rolled.tdag")
    n = options.get("num_layers", 1) * (1 + options.get("bidirectional", False))
    assert len(re.findall(r" = loop limit ", text)) == n, text[-2000:]
    assert len(re.findall(r"^graph \w*_step\w* ", text, re.M)) == n
    run(tdag, "verify", "trace.tdag", "rolled.tdag", "--engine", "native,reference")
    run(tdag, "unroll", "rolled.tdag", "unrolled.tdag")
    steps = run(tdag, "show", "unrolled.tdag")
    assert "loop" not in steps.split("program")[-1]
    assert 10 * text.count("\n") < steps.count("\n"), (text.count("\n"), steps.count("\n"))
    run(tdag, "verify", "trace.tdag", "unrolled.tdag")
    run(tdag, "convert", "rolled.tdag", "rolled.pt")
    run(tdag, "convert", "unrolled.tdag", "steps.pt")
    with torch.no_grad():
        check_export("rolled.pt", "steps.pt", kind == "Own", x, flat(module(x)))


def main(tdag):
    failed = 0
    tdag = os.path.abspath(tdag)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for kind, options in CASES:
            try:
                check(tdag, kind, options)
            except AssertionError as e:
                print("%s %s: %s" % (kind, options, e))
                failed += 1
        os.chdir("/")
    print("%d cases, %d failed" % (len(CASES), failed))
    return 1 if failed else 0


sys.exit(main(*sys.argv[1:]))
