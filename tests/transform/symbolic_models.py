#!/usr/bin/env python3
"""Models with symbolic dimensions: symbolic_models.py TDAG [NAME...]

Each model is traced at one size, imported with symbols, and then, at five other sizes:
the counters evaluated there (--at) equal those of a fresh import at that size; the model
exported once, with its dimensions open, computes what PyTorch computes.

At the core level the counters are compared where all sizes are above 1 and the model is no
Fpn: a fresh import at size 1 leaves copies to size 1 away, and sizes that an Fpn needs to
agree are held to it by a slice. Neither is a kernel of any other level."""
import json
import os
import sys
import tempfile

import torch
from torch import nn

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", folder) for folder in ("torchscript", "support")]
import commands  # noqa: E402
import models  # noqa: E402

torch.set_num_threads(1)


class Bert(nn.Module):
    """An encoder with positions, a padding mask and a pooled token."""

    def __init__(self, d=32, heads=4):
        super().__init__()
        self.words, self.places = nn.Embedding(100, d), nn.Embedding(64, d)
        self.heads, self.norm = heads, nn.LayerNorm(d)
        self.q, self.k, self.v, self.o = (nn.Linear(d, d) for _ in range(4))
        self.mlp = nn.Sequential(nn.Linear(d, 2 * d), nn.GELU(), nn.Linear(2 * d, d))

    def forward(self, ids, mask):
        b, s = ids.shape
        x = self.norm(self.words(ids) + self.places(torch.arange(s))[None])

        def split(t):
            return t.view(b, s, self.heads, -1).transpose(1, 2)
        q, k, v = split(self.q(x)), split(self.k(x)), split(self.v(x))
        a = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
        a = a + (1.0 - mask[:, None, None, :].float()) * torch.finfo(torch.float32).min
        y = (a.softmax(-1) @ v).transpose(1, 2).reshape(b, s, -1)
        x = x + self.o(y)
        return x + self.mlp(x), torch.tanh(x[:, 0])


class Gpt(nn.Module):
    """A decoder block with a causal mask that is cut out of a buffer."""

    def __init__(self, d=32, heads=4):
        super().__init__()
        self.words, self.norm = nn.Embedding(100, d), nn.LayerNorm(d)
        self.heads = heads
        self.qkv, self.o = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.register_buffer("causal", torch.tril(torch.ones(64, 64)).bool()[None, None])
        self.head = nn.Linear(d, 100, bias=False)

    def forward(self, ids):
        b, s = ids.shape
        x = self.words(ids)
        q, k, v = self.qkv(self.norm(x)).split(x.shape[-1], dim=2)
        q, k, v = (t.view(b, s, self.heads, t.shape[-1] // self.heads).transpose(1, 2)
                   for t in (q, k, v))
        a = (q @ k.transpose(-2, -1)) * 0.35
        a = a.masked_fill(~self.causal[:, :, :s, :s], float("-inf")).softmax(-1)
        y = (a @ v).transpose(1, 2).contiguous().view(b, s, -1)
        return self.head(x + self.o(y))


class Fpn(nn.Module):
    """Halved and doubled maps that meet again: right where the size is even."""

    def __init__(self):
        super().__init__()
        self.down, self.side = nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(3, 8, 1)
        self.up = nn.ConvTranspose2d(8, 8, 2, 2)

    def forward(self, x):
        return torch.cat([self.up(self.down(x)), self.side(x)], 1).mean((2, 3))


class Fixed(nn.Module):
    """The trace writes the batch size down."""

    def forward(self, x):
        return x + torch.zeros(2, 5)


def fixed_sizes_are_told(tdag, folder):
    path = os.path.join(folder, "fixed.pt")
    torch.jit.save(torch.jit.trace(Fixed(), torch.rand(2, 5)), path)
    status, text = run(tdag, "info", path, "-i", "f32[N=2,5]")
    wanted = ("aten::add", "symbolic_models.py:", "dims N and 2 at axis 0")
    if status != 3 or not all(w in text for w in wanted):
        return ["exit %d: %s" % (status, text)]
    return []


def tokens(*shape):
    return torch.randint(0, 2, shape)


# name: (model, inputs as -i with symbols, sizes to try)
SENTENCES = [{"N": n, "S": s} for n, s in ((1, 9), (3, 4), (5, 1), (2, 63), (4, 17))]
BATCHES = [{"N": n} for n in (1, 2, 5, 7, 4)]
PICTURES = [{"N": n, "H": h, "W": w}
            for n, h, w in ((1, 64, 64), (3, 96, 64), (2, 128, 160), (1, 65, 97), (4, 71, 64))]
CASES = {
    "bert": (Bert, ["i64[N=2,S=7]", "i64[N,S]"], SENTENCES),
    "gpt": (Gpt, ["i64[N=2,S=7]"], SENTENCES),
    "encoder": ("encoder", ["f32[N=2,S=7,16]"], SENTENCES),
    "fpn": (Fpn, ["f32[N=2,3,H=16,W=20]"],
            [{"N": n, "H": h, "W": w} for n, h, w in
             ((1, 8, 8), (2, 30, 6), (5, 2, 2), (3, 64, 12), (1, 18, 40))]),
    "unet": ("unet", ["f32[N=2,3,32,32]"], BATCHES),
    "resnet18": ("resnet18", ["f32[N=2,3,H=64,W=80]"], PICTURES),
    "resnet50": ("resnet50", ["f32[N=2,3,H=64,W=80]"], PICTURES),
    "vit_b_16": ("vit_b_16", ["f32[N=2,3,224,224]"], [{"N": n} for n in (1, 3, 4)]),
    "swin_t": ("swin_t", ["f32[N=2,3,64,64]"], BATCHES),
}


def spec_parts(spec):
    dtype, dims = spec[:-1].split("[")
    return dtype, [d.split("=") for d in dims.split(",")]


def example(spec, sizes):
    dtype, dims = spec_parts(spec)
    shape = [sizes.get(d[0], 0) if not d[0].isdigit() else int(d[0]) for d in dims]
    return tokens(*shape) if dtype == "i64" else torch.rand(*shape)


def concrete(spec, sizes):
    dtype, dims = spec_parts(spec)
    return "%s[%s]" % (dtype, ",".join(str(sizes.get(d[0], d[0])) for d in dims))


def run(*args):
    done = commands.run(*args, together=True)
    return done.returncode, done.stdout


def totals(tdag, *args):
    status, text = run(tdag, "info", *args, "--json")
    if status != 0:
        raise AssertionError("tdag info %s: %s" % (" ".join(args), text))
    found = json.loads(text)["totals"]
    return {k: v for k, v in found.items() if isinstance(v, int)} | {
        level: found[level] for level in ("core", "kernel", "fused")}


def declared(specs):
    sizes = {}
    for spec in specs:
        sizes.update({d[0]: int(d[1]) for d in spec_parts(spec)[1] if len(d) == 2})
    return sizes


def check(tdag, name, folder):
    model, specs, tried = CASES[name]
    torch.manual_seed(0)
    model = model() if isinstance(model, type) else models.MODELS[model]()[0]
    model = models.settle(model).eval()
    path, again = (os.path.join(folder, name + end) for end in (".pt", ".again.pt"))
    with torch.no_grad():
        made = torch.jit.trace(model, tuple(example(s, declared(specs)) for s in specs),
                               strict=False, check_trace=False)
    torch.jit.save(made, path)
    symbolic = [w for s in specs for w in ("-i", s)]
    status, text = run(tdag, "convert", path, again, *symbolic)
    if status != 0:
        return ["export: " + text]
    wrong = []
    for sizes in tried:
        at = ",".join("%s=%d" % kv for kv in sizes.items())
        fixed = [w for s in specs for w in ("-i", concrete(s, sizes))]
        a, b = (totals(tdag, path, *symbolic, "--at", at), totals(tdag, path, *fixed))
        if name == "fpn" or min(sizes.values()) == 1:
            del a["core"], b["core"]
        if a != b:
            wrong.append("counters at %s: %s, not %s" % (at, a, b))
        status, text = run(tdag, "verify", path, again, *fixed)
        if status != 0:
            wrong.append("verify at %s: %s" % (at, text))
    return wrong


def main():
    tdag, names = sys.argv[1], sys.argv[2:] or sorted(CASES)
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for name in ["fixed"] + names:
            wrong = (fixed_sizes_are_told(tdag, folder) if name == "fixed"
                     else check(tdag, name, folder))
            print("%s: %s" % (name, "; ".join(wrong) or "as told"))
            passed, failed = passed + (not wrong), failed + bool(wrong)
    print("%d passed, %d failed" % (passed, failed))
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
