#!/usr/bin/env python3
"""TorchScript files by way of tdag to .pt2 files, which torch.export loads and runs.

    check_cases.py TDAG CASES [--every N]

CASES is what import_cases.py wrote: modules of one or a few operators each, of which every
Nth is taken, with fixed sizes and with a free first one. Then the networks of this file,
at two sizes each; there a .pt2 must have all that the source had: names, structure, ties.

Exit status 77: this PyTorch cannot load such files."""
import argparse
import os
import re
import sys
import tempfile

import torch
from torch import nn

import exported
from exported import Failed, bounds
import commands
from models import load_safetensors

# A size of 1 that is free is not known to be 1: there squeeze() keeps it, as documented.
SQUEEZES = re.compile(r"squeeze_?\(\)")
NAMES = {torch.float32: "f32", torch.float64: "f64", torch.float16: "f16",
         torch.bfloat16: "bf16", torch.int64: "i64", torch.int32: "i32", torch.int16: "i16",
         torch.int8: "i8", torch.uint8: "u8", torch.bool: "bool"}


def spec(tensor, free, name=None):
    """f32[N=3,4], the axes of `free` {0: "N"} with their names."""
    dims = ["%s=%d" % (free[i], n) if i in free else str(n) for i, n in enumerate(tensor.shape)]
    return "%s%s[%s]" % (name + ":" if name else "", NAMES[tensor.dtype], ",".join(dims))


def convert(tdag, source, to, specs, *options):
    words = [word for s in specs for word in ("-i", s)]
    return commands.run(tdag, "convert", source, to, *words, *options, together=True)


# ---- one operator each ----

def close(got, want):
    if got.dtype != want.dtype or got.shape != want.shape:
        return bounds.wrong(got, want, 0, 0)
    atol = 3 * bounds.of_largest(want)
    return bounds.wrong(got, want, 10 * bounds.SHARE.get(want.dtype, 0.0), atol)


def check_case(tdag, stem, to, is_free):
    """None: tdag does not take it (test_import.c knows which); True: it is right."""
    inputs = list(load_safetensors(stem + ".in.safetensors").values())
    first = next((t.shape[0] for t in inputs if t.dim()), None)
    if is_free and (first is None or first < 2):
        return None
    free = [{0: "N"} if is_free and t.dim() and t.shape[0] == first else {} for t in inputs]
    made = convert(tdag, stem + ".pt", to, [spec(t, f) for t, f in zip(inputs, free)])
    if made.returncode != 0:
        return None
    want = list(load_safetensors(stem + ".out.safetensors").values())
    exported.compare("the program", exported.run(exported.load(to), inputs), want, close)
    return True


def check_cases(args, to):
    with open(os.path.join(args.cases, "manifest")) as f:
        lines = f.read().splitlines()
    done, refused, failed = 0, 0, []
    for i, line in enumerate(lines):
        number, how, text = line.split(" ", 2)
        if how == "refused" or i % args.every != 0:
            continue
        for is_free in (False,) if SQUEEZES.search(text) else (False, True):
            try:
                made = check_case(args.tdag, os.path.join(args.cases, number), to, is_free)
            except Exception as e:
                failed.append("%s%s %s: %s" % (number, ".N" if is_free else "", text[:100], e))
                continue
            done += made is not None
            refused += made is None
    return done, refused, failed


# ---- networks ----

class Perceptron(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(6, 8), nn.GELU(), nn.Linear(8, 6))
        self.tied = nn.Linear(6, 8)
        self.tied.weight = self.layers[0].weight
        self.register_buffer("scale", torch.tensor(0.5))
        self.register_buffer("counts", torch.arange(8))

    def forward(self, x):
        return self.layers(x) + self.tied(x)[..., :6] * self.scale


class Arranged(nn.Module):
    """Dicts, lists and tuples, in and out; one result twice, one that is an input."""
    def forward(self, x: dict[str, torch.Tensor]):
        a, b = x["a"], x["b"]
        s = a + b
        return {"sum": s, "again": s}, (s * 2, [a, b.sum()]), a


class Sizes(nn.Module):
    """Sizes computed from sizes."""
    def forward(self, x, y):
        n, c = x.size(0), x.size(1)
        z = torch.cat([x, y], 0).reshape(-1, c // 2)
        m = torch.arange(n * 2 + 1, device=x.device)
        pad = torch.nn.functional.pad(x, (0, n))
        return z[: n + 1], m, pad, x.new_zeros(n, n + c).flatten()


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
        self.words = nn.Embedding(11, 16)

    def forward(self, x):
        return self.layer(self.words(x))


class Twice(nn.Module):
    """A module that is called twice, one in a list."""
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList(nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.ReLU())
                                    for _ in range(2))
        self.norm = nn.BatchNorm2d(3)

    def forward(self, x):
        for block in self.blocks:
            x = self.norm(block(x))
        return x.mean((2, 3)), x.amax(1)


class Kinds(nn.Module):
    """Dtypes, constants, infinities, several results, an index."""
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(4, dtype=torch.bfloat16))
        self.table = torch.tensor([1, -2, 3, 4])

    def forward(self, x):
        v, i = x.max(1)
        top, at = torch.topk(x, 2)
        mask = torch.where(x > 0.5, x, torch.full_like(x, -float("inf")))
        low, high = x.clamp(max=0.5), x.clamp(min=0.25)
        return (v, i, top, at, mask.softmax(1), x[:, [0, 2]], (x.bfloat16() * self.scale).float(),
                x.long() % self.table, low, high, x.to(torch.float64).sum(), x.sort(0)[1])


class Default(nn.Module):
    """Arguments that are left out."""
    def forward(self, x, scale: float = 2.0, y: torch.Tensor | None = None):
        return x * scale if y is None else x + y


def F(*shape):
    return torch.rand(*shape)


def words(*shape):
    return torch.randint(0, 11, shape)


# module, compiled instead of traced, inputs at the first size and another one, free axes
NETWORKS = [
    (Perceptron, False, [F(3, 6)], [F(5, 6)], [{0: "batch"}]),
    (Perceptron, False, [F(2, 3, 6)], [F(4, 1, 6)], [{0: "batch", 1: "time"}]),
    (Arranged, True, [F(3, 4), F(3, 4)], [F(2, 4), F(2, 4)], [{0: "N"}, {0: "N"}]),
    (Sizes, False, [F(3, 4), F(3, 4)], [F(5, 6), F(5, 6)],
     [{0: "N", 1: "C"}, {0: "N", 1: "C"}]),
    (Sizes, False, [F(3, 4), F(3, 4)], None, [{}, {}]),
    (Attention, False, [words(2, 5)], [words(3, 8)], [{0: "batch", 1: "length"}]),
    (Twice, False, [F(2, 3, 6, 7)], [F(3, 3, 9, 5)], [{0: "N", 2: "H", 3: "W"}]),
    (Kinds, False, [F(3, 4)], [F(6, 4)], [{0: "N"}]),
    (Default, True, [F(3, 4)], [F(2, 4)], [{0: "N"}]),
]


def names_of(kind, inputs):
    return ["a", "b"] if kind is Arranged else [None] * len(inputs)


def result_of(kind, module, inputs):
    args = [dict(zip("ab", inputs))] if kind is Arranged else inputs
    with torch.no_grad():
        return exported.flat(module(*args))


def check_network(tdag, folder, kind, is_script, inputs, others, free):
    torch.manual_seed(1)
    module = kind().eval()
    source, to = (os.path.join(folder, "a" + end) for end in (".pt", ".pt2"))
    with torch.no_grad():
        made = torch.jit.script(module) if is_script else torch.jit.trace(module, tuple(inputs))
    torch.jit.save(made.eval(), source)
    specs = [spec(t, f, n) for t, f, n in zip(inputs, free, names_of(kind, inputs))]
    said = convert(tdag, source, to, specs)
    if said.returncode != 0:
        raise Failed(said.stdout)
    program = exported.check(to, inputs, result_of(kind, made, inputs), made.state_dict())
    if {n for n, _ in program.named_parameters()} != {n for n, _ in module.named_parameters(
            remove_duplicate=False)}:
        raise Failed("other parameters")
    symbols = {str(s) for s in program.range_constraints}
    if symbols != {name for f in free for name in f.values()}:
        raise Failed("the free sizes are %s" % symbols)
    if others is not None:
        exported.compare("at other sizes", exported.run(program, others),
                         result_of(kind, module, others))


def check_opaque(tdag, folder):
    """An operator that tdag does not know cannot be written, and is named."""
    source, to = (os.path.join(folder, "a" + end) for end in (".pt", ".opaque.pt2"))
    rounds = lambda x: torch.fake_quantize_per_tensor_affine(x, 0.5, 0, -4, 4)  # noqa: E731
    torch.jit.save(torch.jit.trace(rounds, F(4, 3, 3)), source)
    said = convert(tdag, source, to, ["f32[4,3,3]"], "--opaque")
    if said.returncode != 3 or "operator aten::fake_quantize_per_tensor_affine" not in said.stdout:
        raise Failed(said.stdout)
    if os.path.exists(to):
        raise Failed("a file is left")


def check_networks(args, folder):
    failed = []
    for network in NETWORKS:
        try:
            check_network(args.tdag, folder, *network)
        except Failed as e:
            failed.append("%s: %s" % (network[0].__name__, e))
    try:
        check_opaque(args.tdag, folder)
    except Failed as e:
        failed.append("an opaque operator: %s" % e)
    return failed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tdag")
    parser.add_argument("cases")
    parser.add_argument("--every", type=int, default=24)
    args = parser.parse_args()
    if not exported.LOADS:
        sys.exit(77)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="tdag-pt2-") as folder:
        failed = check_networks(args, folder)
        done, refused, wrong = check_cases(args, os.path.join(folder, "case.pt2"))
    for line in failed + wrong:
        print("FAILED", line)
    print("%d networks, %d cases, %d of them not taken, %d failed" % (
        len(NETWORKS), done, refused, len(failed) + len(wrong)))
    sys.exit(1 if failed or wrong else 0)


if __name__ == "__main__":
    main()
