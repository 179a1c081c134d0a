#!/usr/bin/env python3
"""The TorchScript files that fuzzing begins with: seeds.py FOLDER writes them anew, with
the PyTorch at hand. Those in seeds/ are PyTorch 1.13's, fused.pt is 2.13's."""
import os
import sys
import zipfile
from typing import Dict, List, NamedTuple, Optional, Tuple

import torch
from torch import nn


class Convolution(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3, padding=1)
        self.norm = nn.BatchNorm2d(2)
        self.fc = nn.Linear(2, 3)

    def forward(self, x):
        y = torch.relu(self.norm(self.conv(x)))
        y = nn.functional.adaptive_avg_pool2d(y, 1).flatten(1)
        return torch.softmax(self.fc(y), -1)


class Point(NamedTuple):
    a: torch.Tensor
    b: int


def twice(x: torch.Tensor, k: int = 2) -> torch.Tensor:
    return x * k


class Control(nn.Module):
    names: Dict[str, int]
    __constants__ = ["scale"]

    def __init__(self):
        super().__init__()
        self.scale = 1.5
        self.names = {"a": 1, "b": 2}
        self.sizes = [1, 2, 3]
        self.layers = nn.ModuleList([nn.Linear(4, 4, bias=False) for _ in range(2)])
        self.register_buffer("seen", torch.zeros(1))

    def other(self, x, flag: bool):
        if flag:
            y = x + 1
        elif x.dim() > 3:
            y = x - 1
        else:
            y = x
        return y

    def forward(self, x, mask: Optional[torch.Tensor] = None) -> Dict[str, torch.Tensor]:
        parts: List[torch.Tensor] = []
        i = 0
        while i < len(self.sizes):
            parts.append(x * self.sizes[i])
            i += 1
        for j in range(2):
            if j == 1:
                continue
            parts.append(twice(x))
        for layer in self.layers:
            x = layer(x)
        p = Point(x, self.names["b"])
        if mask is not None:
            x = x.masked_fill(mask, 0.)
        y = torch.cat(parts, 0)
        y[1:, ::2] += p.a[0, 0]
        t = "no" if p.b > 2 else "yes"
        assert x.size(0) < 100, "large"
        return {"x": self.other(x, t == "yes"),
                "y": y[:, -1].to(torch.float64) * self.scale}


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(3, 2, batch_first=True)

    def forward(self, x: torch.Tensor,
                hx: Optional[Tuple[torch.Tensor, torch.Tensor]] = None):
        y, (h, c) = self.rnn(x, hx)
        return y, h, c


def save(folder, name, module):
    """Without the records that tell where on this machine the source stands."""
    path = os.path.join(folder, name + ".pt")
    torch.jit.save(module, path + ".all")
    with zipfile.ZipFile(path + ".all") as old, zipfile.ZipFile(path, "w") as new:
        for entry in old.infolist():
            if not entry.filename.endswith((".debug_pkl", "serialization_id")):
                new.writestr(zipfile.ZipInfo(entry.filename), old.read(entry),
                             entry.compress_type)
    os.remove(path + ".all")


def main(folder):
    torch.manual_seed(1)
    os.makedirs(folder, exist_ok=True)
    save(folder, "convolution",
         torch.jit.trace(Convolution().eval(), torch.zeros(1, 1, 4, 4)))
    save(folder, "fused", torch.jit.freeze(torch.jit.script(Convolution().eval())))
    save(folder, "control", torch.jit.script(Control().eval()))
    save(folder, "recurrent", torch.jit.script(Recurrent().eval()))


main(sys.argv[1])
