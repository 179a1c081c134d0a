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
        for a, b in zip(module(x), export(x)):
            if a.shape != b.shape or not torch.equal(a, b):
                return "another result"
    return None


if __name__ == "__main__":
    os.makedirs(sys.argv[1], exist_ok=True)
    faults = [check(sys.argv[1], sys.argv[2], m) for m in (Noise(), Masks())]
    print(faults)
    sys.exit(1 if any(faults) else 0)
