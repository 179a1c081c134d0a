#!/usr/bin/env python3
"""Names and structures through five conversions in a row, by the tdag command.

    check_structures.py TDAG

Models with arguments and results of every structure: values, lists and dicts in front of others,
lists of tuples, named tuples in each other and of the same name. Each is converted from .pt to
.tdag, .pt, .pt2, .tdag and .pt again; .tdag and .pt2 files on the way have the arguments, fields
and weights of the first, PyTorch loads each .pt file, runs it as it runs the first one, gives
named tuples and the same state_dict, and refuses other values than the model was made with.
A .pt2 file is loaded by PyTorch 2.9 or later."""
import json
import os
import sys
import tempfile
from typing import Dict, List, NamedTuple, Optional, Tuple

import torch
from torch import nn

from models import commands, load_safetensors, save_safetensors, flat


class Inner(NamedTuple):
    left: torch.Tensor
    right: Tuple[torch.Tensor, int]


class Pair(NamedTuple):
    inner: Inner
    many: List[torch.Tensor]
    scale: float


class Values(nn.Module):
    def __init__(self):
        super().__init__()
        self.x = nn.Linear(4, 4)

    def forward(self, x, sr: int, scale: float, mode: str = "sum", flag: bool = False,
                mask: Optional[torch.Tensor] = None):
        y = self.x(x) * scale
        if sr == 16000:
            y = y[:, ::2]
        if mode == "sum":
            y = y.sum(1)
        return y, sr


class Lists(nn.Module):
    def forward(self, past: List[torch.Tensor], pairs: List[Tuple[torch.Tensor, torch.Tensor]],
                sizes: List[int], input, named: Dict[str, torch.Tensor]):
        y = input.reshape(sizes) * named["weight"]
        for p in past:
            y = y + p
        for a, b in pairs:
            y = y + a * b
        return {"y": y, "z": y + named["torch"]}


class Named(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(3))

    def forward(self, p: Pair, x):
        y = p.inner.left + p.inner.right[0] * p.inner.right[1] * p.scale + self.weight
        for t in p.many:
            y = y * t
        inner = Inner(y, (y + x, 7))
        return Pair(inner, [x, y, x + y], 1.5), [inner, Inner(x, (x, 7))]


class Optionals(nn.Module):
    def forward(self, first: Optional[torch.Tensor], x, second: Optional[Tuple[torch.Tensor, int]]):
        if first is None:
            first = x + 1
        if second is not None:
            x = x * second[1]
        return [first, x], (x,), None


ONE = torch.arange(3.0) + 1
INNER = Inner(ONE + 1, (ONE - 1, 2))
CASES = [
    (Values(), (torch.randn(2, 4), 16000, 0.5),
     ["sr=16000", "scale=0.5"], "(T, sr=16000, scale=0.5, mode=\"sum\", flag=False, mask=None)",
     "(T, 16000)", (1, 8000)),
    (Lists(), ([ONE, ONE + 2], [(ONE, ONE + 1)], [3, 1], ONE * 2,
               {"weight": ONE, "torch": ONE - 4}),
     ["past=[T, T]", "pairs=[(T, T)]", "sizes=[3, 1]", 'named={"weight": T, "torch": T}'],
     "(past=[T, T], pairs=[(T, T)], sizes=[3, 1], T, named={\"weight\": T, \"torch\": T})",
     "{\"y\": T, \"z\": T}", (2, [1, 3])),
    (Named(), (Pair(INNER, [ONE, ONE * 3], 0.25), ONE * 5),
     ["p=((T, (T, 2)), [T, T], 0.25)"],
     "(p=Pair(inner=Inner(left=T, right=(T, 2)), many=[T, T], scale=0.25), T)",
     "(Pair(inner=Inner(left=T, right=(T, 7)), many=[T, T, T], scale=1.5), "
     "[Inner(left=T, right=(T, 7)), Inner(left=T, right=(T, 7))])",
     (0, Pair(INNER, [ONE], 0.25))),
    (Optionals(), (None, ONE, (ONE, 3)), ["second=(T, 3)"],
     "(first=None, T, second=(T, 3))", "([T, T], (T,), None)", (0, ONE)),
]


def structures(path):
    """Those of a .tdag file's forward, and the names of its inputs and weights."""
    with open(path, "rb") as f:
        size = int.from_bytes(f.read(8), "little")
        method = json.loads(json.loads(f.read(size))["__metadata__"]["tdag"])
    nodes = method["graphs"][0]["nodes"]
    names = [n.get("name", "") for n in nodes if n["op"] in ("input", "parameter", "buffer")]
    return method["methods"][0]["inputs"], method["methods"][0]["outputs"], sorted(names)


class Check:
    def __init__(self, tdag):
        self.tdag, self.failures = tdag, []

    def expect(self, right, *what):
        if not right:
            self.failures.append(" ".join(str(w) for w in what))

    def run(self, *words):
        done = commands.run(self.tdag, *words)
        self.expect(done.returncode == 0, "tdag", words, done.stderr)
        return done.returncode == 0

    def same_names(self, path, case, first):
        module, _, _, takes, gives, _ = case
        have = structures(path)
        self.expect(have[:2] == (takes, gives), path, have[:2])
        if first:
            self.expect(have[2] == first[2], path, have[2], first[2])
        return have

    def same_module(self, path, case, want):
        module, args, _, _, _, (wrong, other) = case
        made = torch.jit.load(path)
        have = made(*args)
        self.expect(str(have) == str(want) or kind(have) == kind(want) and all(
            torch.allclose(a, b) for a, b in zip(flat(have), flat(want))), path, have, want)
        self.expect(list(made.state_dict()) == list(module.state_dict()), path, "weights")
        bad = list(args)
        bad[wrong] = other
        try:
            made(*bad)
            self.expect(False, path, "takes another value")
        except (torch.jit.Error, RuntimeError) as e:
            self.expect("the model was not made for" in str(e), path, e)

    def convert(self, case):
        module, args, values, *_ = case
        name = type(module).__name__
        torch.jit.script(module.eval()).save(name + ".pt")
        want = torch.jit.load(name + ".pt")(*args)
        save_safetensors("in.safetensors", {"in%d" % i: t for i, t in enumerate(flat(args))})
        given = ["--like", "in.safetensors"] + [w for v in values for w in ("-i", v)]
        steps = ["1.tdag", "2.pt", "3.pt2", "4.tdag", "5.pt", "6.pt2", "7.tdag"]
        before, first = name + ".pt", None
        for step in steps:
            path = name + "." + step
            words = given if before.endswith(".pt") else []
            if not self.run("convert", before, path, *words):
                return
            if path.endswith(".tdag"):
                first = self.same_names(path, case, first)
            if path.endswith(".pt"):
                self.same_module(path, case, want)
            if path.endswith(".pt2") and hasattr(torch, "export"):
                torch.export.load(path)
            before = path
        for path in (name + ".1.tdag", name + ".5.pt", before):
            self.run("verify", name + ".pt", path, "--in", "in.safetensors",
                     *(w for v in values for w in ("-i", v)))


def kind(value):
    """A value's structure with the names of tuples and fields."""
    if isinstance(value, torch.Tensor):
        return "T"
    if isinstance(value, dict):
        return {k: kind(v) for k, v in value.items()}
    if hasattr(value, "_fields"):
        return type(value).__name__, value._fields, [kind(v) for v in value]
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [kind(v) for v in value]
    return value


def main():
    torch.manual_seed(0)
    c = Check(os.path.abspath(sys.argv[1]))
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for case in CASES:
            c.convert(case)
        os.chdir("/")
    for failure in c.failures:
        print(failure[:2000])
    return 1 if c.failures else 0


if __name__ == "__main__":
    sys.exit(main())
