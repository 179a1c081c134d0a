#!/usr/bin/env python3
"""Modules that several others share, by the tdag command.

    check_shared.py TDAG

A file whose activation is one object counts by module as the file with an activation of its own
at each place, traced, compiled and exported; its modules are extracted, and it is split along
them. Sizes by module sum up where a block with weights is shared."""
import json
import os
import sys
import tempfile

import torch
from torch import nn

from models import commands


class Conv(nn.Module):
    def __init__(self, n, m, act):
        super().__init__()
        self.conv = nn.Conv2d(n, m, 3, padding=1)
        self.bn = nn.BatchNorm2d(m)
        self.act = act

    def forward(self, x):
        return self.act(self.bn(self.conv(x)))


class Other(nn.Module):
    def __init__(self, n, m, act):
        super().__init__()
        self.conv = nn.Conv2d(n, m, 3, padding=1)
        self.nonlinearity = act

    def forward(self, x):
        return self.nonlinearity(self.conv(x))


class Net(nn.Module):
    """The activation by the same name, by another one, behind and inside of a Sequential."""

    def __init__(self, make):
        super().__init__()
        self.body = nn.Sequential(Conv(3, 4, make()), Conv(4, 5, make()),
                                  nn.Sequential(Other(5, 6, make()), make()))
        self.last = make()

    def forward(self, x):
        return self.last(self.body(x) * 2)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)
        self.act = nn.ReLU()

    def forward(self, x):
        return self.act(self.linear(x))


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        block = Block()
        self.blocks = nn.ModuleList([block, block])
        self.act = block.act
        self.deep = nn.Sequential(nn.Sequential(block))

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.act(self.deep(x))


class Check:
    def __init__(self, tdag):
        self.tdag, self.failures = tdag, []

    def run(self, *words):
        done = commands.run(self.tdag, *words)
        if done.returncode != 0:
            self.failures.append("tdag %s: %s" % (" ".join(words), done.stderr))
        return done.stdout

    def modules(self, path, spec):
        page = json.loads(self.run("info", path, *spec, "--json", "--level", "core") or "{}")
        rows = page.get("by_module", [])
        self.sums(path, {row["module"]: row for row in rows})
        return {row["module"]: [row[k] for k in ("nodes", "flops", "parameters", "hash")]
                for row in rows}

    def sums(self, path, rows):
        for name, row in rows.items():
            below = [rows[n]["flops"] for n in rows if n != "" and n != name and
                     (n.rpartition(".")[0] == name)]
            if row["flops"] != row["self"]["flops"] + sum(below):
                self.failures.append("%s: %s is not the sum of its parts" % (path, name))

    def same(self, kind, one, other, spec):
        have, want = self.modules(one, spec), self.modules(other, spec)
        if have != want:
            self.failures.append("%s: counts by module differ: %s, %s" % (kind, have, want))

    def parts(self, kind, path, spec):
        for module in ("body.0.act", "body.1.act", "body.2.0.nonlinearity", "last", "body.2"):
            self.run("extract", path, "part.txt", *spec, "--module", module)
            shown = self.run("show", "part.txt", "--raised")
            if "silu" not in shown:
                self.failures.append("%s: %s is not its activation: %s" % (kind, module, shown[:400]))
        parts = self.run("split", path, "part.txt", *spec, "--module",
                         "body.0.act,body.1.conv,last").split()
        self.run("compose", *parts, "whole.txt")
        self.run("verify", "whole.txt", path)


def forms(name, module, x):
    """Ways to save a module: the file, and what says its inputs."""
    spec = ("-i", "f32[%s]" % ",".join(str(n) for n in x.shape))
    with torch.no_grad():
        torch.jit.trace(module, x).save(name + ".trace.pt")
        torch.jit.script(module).save(name + ".script.pt")
        made = {"traced": (name + ".trace.pt", *spec),
                "by the shim": (name + ".trace.pt", *spec, "--reader", "shim"),
                "compiled": (name + ".script.pt", *spec)}
        if [int(n) for n in torch.__version__.split(".")[:2]] >= [2, 9]:
            torch.export.save(torch.export.export(module, (x,)), name + ".pt2")
            made["exported"] = (name + ".pt2",)
    return made


def main():
    torch.manual_seed(0)
    c = Check(os.path.abspath(sys.argv[1]))
    one, x = nn.SiLU(), torch.randn(1, 3, 8, 8)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        separate = forms("separate", Net(nn.SiLU).eval(), x)
        for kind, (path, *spec) in forms("shared", Net(lambda: one).eval(), x).items():
            c.same(kind, path, separate[kind][0], spec)
            c.parts(kind, path, spec)
        for path, *spec in forms("tied", Tied().eval(), torch.randn(2, 4)).values():
            c.modules(path, spec)
        os.chdir("/")
    for failure in c.failures:
        print(failure)
    return 1 if c.failures else 0


if __name__ == "__main__":
    sys.exit(main())
