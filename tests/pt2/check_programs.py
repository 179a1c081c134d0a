#!/usr/bin/env python3
"""Programs of torch.export that draw random numbers and whose sizes data decides: read,
written as TorchScript and run by PyTorch.

    check_programs.py FOLDER TDAG"""
import os
import subprocess
import sys

import torch

if not hasattr(torch, "export"):
    sys.exit(77)


class Noise(torch.nn.Module):
    def forward(self, x):
        y = torch.nn.functional.dropout(torch.ones(10000), 0.25, True)
        return x + torch.randn_like(x) * 0, (y.mean() - 1).abs() < 0.1, y.max() > 1.3


class Masks(torch.nn.Module):
    def forward(self, x):
        return (x > 0).nonzero(), x[x > 0] * 2, torch.where(x > 0)[0] + 1


class Branch(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(3, 3)

    def forward(self, x):
        def inner(y):
            return torch.cond(y[0] > 2, lambda z: z + 1, lambda z: z * 3, (y,))
        y = torch.cond(x.sum() > 0, lambda y: self.layer(inner(y)), lambda y: y - 1, (x,))
        return y, y.sum()


class While(torch.nn.Module):
    def forward(self, x):
        from torch._higher_order_ops.while_loop import while_loop
        return while_loop(lambda i, y: (i < 5) & (y.sum() < 10), lambda i, y: (i + 1, y * 2),
                          (torch.zeros([], dtype=torch.long), x))


class Asserted(torch.nn.Module):
    """A check that fails has its sentence."""
    def forward(self, x):
        torch.ops.aten._assert_async.msg(x[0] > 0, "the first is positive")
        return x * 2,


def result_of(module, x):
    try:
        return [t.detach() for t in module(x)]
    except (RuntimeError, torch.jit.Error) as error:
        return str(error)


def check(folder, tdag, module):
    path = os.path.join(folder, type(module).__name__)
    inputs = [torch.tensor(v) for v in ([1.0, -2, 3], [-1.0, -1, -1], [1.0, 2, 3])]
    torch.export.save(torch.export.export(module, (inputs[0],), strict=False), path + ".pt2")
    done = subprocess.run([tdag, "convert", path + ".pt2", path + ".pt"],
                          capture_output=True, text=True)
    if done.returncode:
        return done.stderr
    export = torch.jit.load(path + ".pt")
    for x in inputs:
        want, got = result_of(module, x), result_of(export, x)
        if isinstance(want, str) or isinstance(got, str):
            if isinstance(want, str) and want in got:
                continue
            return "%s for %s" % (got, want)
        for a, b in zip(want, got):
            if a.shape != b.shape or not torch.allclose(a, b, rtol=1e-5):
                return "another result"
    return None


if __name__ == "__main__":
    os.makedirs(sys.argv[1], exist_ok=True)
    faults = [check(sys.argv[1], sys.argv[2], m)
              for m in (Noise(), Masks(), Branch(), While(), Asserted())]
    print(faults)
    sys.exit(1 if any(faults) else 0)
