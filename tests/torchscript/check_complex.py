#!/usr/bin/env python3
"""Networks with complex numbers and Fourier transforms through everything.

    check_complex.py TDAG

Each is traced, counted, exported and compared with PyTorch, by PyTorch and by both engines; then
its batch is removed, and what is left gives for one sample what the model gave for it."""
import json
import math
import os
import sys
import tempfile

import torch
from torch import nn

import models
from models import commands

BATCH = 2


class FNet(nn.Module):
    """Two blocks whose tokens are mixed by a transform over both axes."""

    def __init__(self, width=48):
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(4))
        self.up = nn.ModuleList(nn.Linear(width, 2 * width) for _ in range(2))
        self.down = nn.ModuleList(nn.Linear(2 * width, width) for _ in range(2))

    def forward(self, x):
        for i in range(2):
            x = self.norms[2 * i](x + torch.fft.fft(torch.fft.fft(x, dim=-1), dim=-2).real)
            y = self.down[i](nn.functional.gelu(self.up[i](x)))
            x = self.norms[2 * i + 1](x + y)
        return x


class Rotary(nn.Module):
    """Attention whose queries and keys are turned by a table of complex numbers."""

    def __init__(self, width=32, heads=2, longest=64):
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v = (nn.Linear(width, width) for _ in range(3))
        n = width // heads
        angles = torch.outer(torch.arange(longest).float(),
                             10000.0 ** (-torch.arange(0, n, 2).float() / n))
        self.register_buffer("freqs_cis", torch.polar(torch.ones_like(angles), angles))

    def turned(self, x):
        z = torch.view_as_complex(x.float().reshape(*x.shape[:-1], -1, 2))
        table = self.freqs_cis[:x.shape[1]].view(1, x.shape[1], 1, z.shape[-1])
        return torch.view_as_real(z * table).flatten(3).type_as(x)

    def forward(self, x):
        q, k, v = (f(x).unflatten(-1, (self.heads, -1)) for f in (self.q, self.k, self.v))
        q, k, v = (y.transpose(1, 2) for y in (self.turned(q), self.turned(k), v))
        scores = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]), -1)
        return (scores @ v).transpose(1, 2).flatten(2)


class LogMel(nn.Module):
    """The front end of a speech model."""

    def __init__(self, n_fft=400, hop=160, mels=20):
        super().__init__()
        self.n_fft, self.hop = n_fft, hop
        self.register_buffer("window", torch.hann_window(n_fft))
        self.register_buffer("mel", torch.rand(mels, n_fft // 2 + 1) / n_fft)

    def forward(self, x):
        z = torch.stft(x, self.n_fft, self.hop, window=self.window, return_complex=True)
        y = torch.clamp(self.mel @ z[..., :-1].abs() ** 2, min=1e-10).log10()
        return (torch.maximum(y, y.amax((1, 2), keepdim=True) - 8.0) + 4.0) / 4.0


class Vocoder(nn.Module):
    """Magnitudes and phases to a signal."""

    def __init__(self, width=16, n_fft=64, hop=16):
        super().__init__()
        self.n_fft, self.hop = n_fft, hop
        self.head = nn.Conv1d(width, n_fft + 2, 3, padding=1)
        self.register_buffer("window", torch.hann_window(n_fft))

    def forward(self, x):
        size, phase = self.head(x).chunk(2, 1)
        size = torch.exp(size).clip(max=1e2)
        z = size * (torch.cos(phase) + 1j * torch.sin(phase))
        return torch.istft(z, self.n_fft, self.hop, window=self.window)


class Complex(nn.Module):
    """A complex argument and result."""

    def forward(self, z, x):
        return torch.fft.ifft(torch.fft.fft(z) * torch.exp(1j * x)), z.abs()


NETWORKS = {"fnet": (FNet, (40, 48)), "rotary": (Rotary, (12, 32)), "log_mel": (LogMel, (1600,)),
            "vocoder": (Vocoder, (16, 20))}


def tdag(program, *words):
    made = commands.run(program, *words, together=True)
    if made.returncode != 0:
        sys.exit("tdag %s: exit status %d\n%s" % (" ".join(words), made.returncode,
                                                  made.stdout[-3000:]))
    return made.stdout


def check(program, name, folder):
    make, shape = NETWORKS[name]
    torch.manual_seed(0)
    x = torch.randn(BATCH, *shape)
    path, stem = os.path.join(folder, name + ".pt"), os.path.join(folder, name)
    with torch.no_grad():
        torch.jit.trace(make().eval(), (x,), check_trace=False).save(path)
        want = torch.jit.load(path)(x.clone())
    models.save_safetensors(stem + ".in.safetensors", {"in0": x})
    dims = ",".join(map(str, shape))
    given = ("-i", "f32[N=%d,%s]" % (BATCH, dims))
    report = json.loads(tdag(program, "info", path, *given, "--json"))
    if "N" not in json.dumps(report["totals"]):
        sys.exit("%s: its counts are no formulas of the batch" % name)
    export, single = stem + "_out.pt", stem + "_one.pt"
    tdag(program, "convert", path, export, *given)
    for engines in ("torch", "torch,native", "torch,reference"):
        tdag(program, "verify", path, export, "--in", stem + ".in.safetensors", "--engine",
             engines)
    tdag(program, "debatch", path, single, *given, "--dim", "N")
    one = torch.jit.load(single)(x[1])
    if not torch.allclose(one, want[1], rtol=1e-3, atol=1e-4 * float(want.abs().max())):
        sys.exit("%s without its batch is off by %g" % (name, (one - want[1]).abs().max()))


def check_inputs(program, folder):
    """An input that is complex: what PyTorch gets as such, the export gets as pairs."""
    path, export = os.path.join(folder, "z.pt"), os.path.join(folder, "z_out.pt")
    z = torch.randn(3, 10, dtype=torch.complex64)
    torch.jit.trace(Complex().eval(), (z, torch.randn(10))).save(path)
    given = ("-i", "f32[3,10,2]", "-i", "f32[10]", "--complex", "0")
    tdag(program, "convert", path, export, *given)
    for engines in ("torch", "torch,reference", "native,torch"):
        tdag(program, "verify", path, export, *given, "--engine", engines)


def main():
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        for name in NETWORKS:
            check(sys.argv[1], name, folder)
            print(name)
        check_inputs(sys.argv[1], folder)


if __name__ == "__main__":
    main()
