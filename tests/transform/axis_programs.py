"""Scripted models from which `tdag debatch` removes the batch though they loop or remember, and which
`tdag batch` gives it back; or that are refused, with the statement that depends on it.

    axis_programs.py TDAG

Expectations come from PyTorch: the original's results on a batch of 3, sample by sample, for two
lengths of the sequence; where there is state, over three calls."""
import os
import sys
import tempfile

import torch
from torch import Tensor, nn

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import bounds  # noqa: E402
from commands import run  # noqa: E402

B, WIDTH = 3, 6


class Recurrent(nn.Module):
    def __init__(self, kind, **options):
        super().__init__()
        self.inner = getattr(nn, kind)(WIDTH, 8, **options)

    def forward(self, x):
        return self.inner(x)


class Cell(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.GRUCell(WIDTH, WIDTH)

    def forward(self, x: Tensor):
        h = torch.zeros(x.size(1), x.size(2))
        rows = []
        for t in range(x.size(0)):
            h = self.inner(x[t], h)
            rows.append(h)
        return torch.stack(rows), h


class Decoder(nn.Module):
    """What it remembers, how far it is, is the same for all samples."""

    def __init__(self):
        super().__init__()
        self.inner = nn.GRUCell(WIDTH, WIDTH)
        self.register_buffer("places", torch.rand(64, WIDTH))
        self.register_buffer("at", torch.zeros(1, dtype=torch.long))

    def forward(self, x: Tensor):
        h = torch.zeros(x.size(1), x.size(2))
        for t in range(x.size(0)):
            h = self.inner(x[t] + self.places.index_select(0, self.at), h)
            self.at += 1
        return h


class Settles(nn.Module):
    """Runs until all samples are small."""

    def forward(self, x: Tensor):
        while bool((x.abs() > 0.5).any()):
            x = 0.5 * x
        return x


class Exits(nn.Module):
    def forward(self, x: Tensor):
        if bool(x.mean() > 0):
            return 2 * x
        return x


class Counts(nn.Module):
    """A step for each sample that is positive."""

    def forward(self, x: Tensor):
        y = torch.zeros(4)
        for _ in range(int((x[0, :, 0] > 0).sum())):
            y = y + 1
        return y.sum() + x


# name, module, axis of the batch, those of the outputs, calls
EQUAL = [("lstm", Recurrent("LSTM"), 1, (1, 1, 1), 1),
         ("gru", Recurrent("GRU"), 1, (1, 1), 1),
         ("lstm, two layers, both ways", Recurrent("LSTM", num_layers=2, bidirectional=True), 1,
          (1, 1, 1), 1),
         ("gru, batch first", Recurrent("GRU", batch_first=True, bidirectional=True), 0, (0, 1), 1),
         ("cell", Cell(), 1, (1, 0), 1),
         ("decoder", Decoder(), 1, (0,), 3)]
REFUSED = [("settles", Settles(), "(loop)"), ("exits", Exits(), "(if)"),
           ("counts", Counts(), "(loop)")]


def tensors(result):
    if isinstance(result, Tensor):
        return [result]
    return [t for part in result for t in tensors(part)]


def called(module, xs):
    with torch.no_grad():
        return [t for x in xs for t in tensors(module(x))]


def differs(what, got, want):
    for g, w in zip(got, want):
        wrong = bounds.few(g, w)
        if wrong:
            return "%s %s" % (what, wrong)
    return None


def spec(axis):
    dims = ["T=5", str(WIDTH)]
    if axis is not None:
        dims.insert(axis, "N=3")
    return "f32[%s]" % ",".join(dims)


def sequence(axis, n_calls, length):
    shape = [length, WIDTH]
    shape.insert(axis, B)
    return [torch.randn(shape) for _ in range(n_calls)]


def check_equal(tdag, module, axis, out, n_calls):
    torch.jit.script(module.eval()).save("whole.pt")
    for words in (["debatch", "whole.pt", "one.pt", "-i", spec(axis), "--dim", "N"],
                  ["batch", "one.pt", "many.pt", "-i", spec(None), "--dim", "N=3"]):
        done = run(tdag, *words)
        if done.returncode:
            return done.stderr.strip()
    for length in (5, 2):
        xs = sequence(axis, n_calls, length)
        whole = called(torch.jit.load("whole.pt"), xs)
        parts = [called(torch.jit.load("one.pt"), [x.select(axis, i) for x in xs])
                 for i in range(B)]
        many = called(torch.jit.load("many.pt"), [x.movedim(axis, 0) for x in xs])
        for i in range(B):
            want = [w.select(out[k % len(out)], i) for k, w in enumerate(whole)]
            bad = (differs("sample %d" % i, parts[i], want) or
                   differs("of the batch, sample %d" % i, [m[i] for m in many], want))
            if bad:
                return bad
    return None


def check_refused(tdag, module, where):
    torch.jit.script(module.eval()).save("whole.pt")
    done = run(tdag, "debatch", "whole.pt", "one.pt", "-i", spec(1), "--dim", "N")
    line = done.stderr.strip()
    if done.returncode != 3 or os.path.exists("one.pt") or where not in line or "N " not in line:
        return "exit status %d: %s" % (done.returncode, line)
    print(" ", line)
    return None


def main(tdag):
    tdag = os.path.abspath(tdag)
    torch.manual_seed(0)
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for rows, check in ((EQUAL, check_equal), (REFUSED, check_refused)):
            for name, *row in rows:
                bad = check(tdag, *row)
                for file in os.listdir():
                    os.remove(file)
                if bad:
                    print("FAILED %s: %s" % (name, bad))
                    failed += 1
        os.chdir("/")
    print("%d cases, %d failed" % (len(EQUAL) + len(REFUSED), failed))
    return 1 if failed else 0


sys.exit(main(*sys.argv[1:]))
