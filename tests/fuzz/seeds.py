#!/usr/bin/env python3
"""The files that fuzzing begins with: seeds.py FOLDER writes them anew, with the PyTorch at
hand. The TorchScript files in seeds/ are PyTorch 1.13's, fused.pt and the .pt2 files 2.13's."""
import json
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


class Program(nn.Module):
    """Sizes, lists, tuples, optional values, numbers, a literal, a graph in a graph."""

    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv1d(2, 4, 3, padding=1), nn.Linear(4, 4)
        self.fc.tied = self.fc.weight
        self.register_buffer("scale", torch.rand(4, 3).t()[1:], persistent=True)
        self.register_buffer("part", torch.arange(4), persistent=False)

    def forward(self, d, pair, scale=2.0, flag=None):
        x, (y, z) = d["x"], pair
        a = self.conv(x).mean(-1)
        with torch.no_grad():
            b = torch.stack(self.fc(a).split([1, 3], 1)[1].unbind(1), 0) * scale
        n = x.shape[0] * 2 + 1
        c = torch.cat([z.expand(n // 2, -1), y[:, [0, 2, 1, 1]]])[: n % 7]
        w = torch.tensor([1.0, float("inf")])
        return {"b": b + self.scale.sum(), "c": [c * self.part, (a, None)]}, w, 3, scale


class Branch(nn.Module):
    def forward(self, x):
        return torch.cond(x.sum() > 0, lambda x: x + 1, lambda x: x * x.shape[0], (x,))


def strip(value):
    """A program without what tells where on this machine the source stands."""
    if isinstance(value, list):
        return [strip(v) for v in value]
    if not isinstance(value, dict):
        return value
    left = {"metadata": {k: v for k, v in value["metadata"].items() if k == "nn_module_stack"}} \
        if "target" in value else {}
    return {**{k: strip(v) for k, v in value.items()}, **left}


def lean(text):
    program = strip(json.loads(text))
    program["guards_code"] = []
    node = program["graph_module"]["graph"]["nodes"][-1]
    node["metadata"]["stack_trace"] = 'File "net.py", line 7, in forward\n  x + 1\n'
    return json.dumps(program, separators=(",", ":")).encode()


def save_program(folder, name, program):
    path = os.path.join(folder, name + ".pt2")
    torch.export.save(program, path + ".all")
    with zipfile.ZipFile(path + ".all") as old, zipfile.ZipFile(path, "w") as new:
        for entry in old.infolist():
            data = old.read(entry)
            if "/models/" in entry.filename:
                data = lean(data)
            if "/sample_inputs/" in entry.filename:
                data = b""
            if not entry.filename.endswith("serialization_id"):
                new.writestr(zipfile.ZipInfo("a" + entry.filename[entry.filename.index("/"):]),
                             data, zipfile.ZIP_DEFLATED if data[:1] == b"{" else 0)
    os.remove(path + ".all")


def save_programs(folder):
    free = torch.export.Dim.DYNAMIC
    x, pair = {"x": torch.rand(3, 2, 5)}, (torch.rand(3, 4), torch.rand(1, 4))
    program = torch.export.export(Program().eval(), (x, pair), dynamic_shapes=(
        {"x": {0: free}}, ({0: free}, None)))
    save_program(folder, "program", program)
    save_program(folder, "decomposed", program.run_decompositions())
    save_program(folder, "branch", torch.export.export(Branch(), (torch.rand(2, 3),)))
    save_program(folder, "network", torch.export.export(
        Convolution().eval(), (torch.zeros(1, 1, 4, 4),)))


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
    if hasattr(torch, "export"):
        save_programs(folder)


main(sys.argv[1])
