#!/usr/bin/env python3
"""Models with symbolic dimensions: symbolic_models.py TDAG [NAME...]

Each model is traced at one size, imported with symbols, and then, at five other sizes:
the counters of the graph with numbers for its symbols (--at) equal those of a fresh import at
that size, at every level; the model exported once, with its dimensions open, computes what
PyTorch computes."""
import json
import os
import sys
import tempfile

import torch
import torch.nn.functional as F
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


class Halves(nn.Module):
    """Halved and doubled maps that meet again: right where the size is even."""

    def __init__(self):
        super().__init__()
        self.down, self.side = nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(3, 8, 1)
        self.up = nn.ConvTranspose2d(8, 8, 2, 2)

    def forward(self, x):
        return torch.cat([self.up(self.down(x)), self.side(x)], 1).mean((2, 3))


class UNet(nn.Module):
    """Three levels, by pooling and transposed convolutions, joined as they are."""

    def __init__(self, c=4, levels=3):
        super().__init__()
        self.first = nn.Conv2d(3, c, 3, padding=1)
        self.down = nn.ModuleList(nn.Conv2d(c, c, 3, padding=1) for _ in range(levels))
        self.up = nn.ModuleList(nn.ConvTranspose2d(c, c, 2, 2) for _ in range(levels))
        self.join = nn.ModuleList(nn.Conv2d(2 * c, c, 3, padding=1) for _ in range(levels))

    def grow(self, up, x, skip):
        return up(x)

    def forward(self, x):
        x, skips = self.first(x), []
        for down in self.down:
            skips.append(x)
            x = torch.relu(down(F.max_pool2d(x, 2)))
        for up, join in zip(self.up, self.join):
            skip = skips.pop()
            x = join(torch.cat([skip, self.grow(up, x, skip)], 1))
        return x


class PaddedUNet(UNet):
    """The same for any size: what an odd size lacks is padded."""

    def grow(self, up, x, skip):
        x = F.interpolate(x, scale_factor=2.0, mode="nearest")
        h, w = skip.shape[2] - x.shape[2], skip.shape[3] - x.shape[3]
        return F.pad(x, [w // 2, w - w // 2, h // 2, h - h // 2])


class Pyramid(nn.Module):
    """Four levels, each added to the doubled one below it."""

    def __init__(self, c=8, levels=4):
        super().__init__()
        self.down = nn.ModuleList(nn.Conv2d(3 if i == 0 else c, c, 3, 2, 1)
                                  for i in range(levels))
        self.side = nn.ModuleList(nn.Conv2d(c, c, 1) for _ in range(levels))

    def forward(self, x):
        maps = []
        for down in self.down:
            x = torch.relu(down(x))
            maps.append(x)
        out = [self.side[-1](maps[-1])]
        for side, x in zip(self.side[-2::-1], maps[-2::-1]):
            out.append(side(x) + F.interpolate(out[-1], scale_factor=2.0, mode="bilinear",
                                               align_corners=False))
        return tuple(out)


class Detector(nn.Module):
    """Three levels, up and down again, whose cells stand in one list."""

    def __init__(self, c=8):
        super().__init__()
        self.down = nn.ModuleList(nn.Conv2d(3 if i == 0 else c, c, 3, 2, 1) for i in range(5))
        self.join = nn.ModuleList(nn.Conv2d(2 * c, c, 1) for _ in range(4))
        self.again = nn.ModuleList(nn.Conv2d(c, c, 3, 2, 1) for _ in range(2))
        self.head = nn.ModuleList(nn.Conv2d(c, 6, 1) for _ in range(3))

    def forward(self, x):
        maps = []
        for down in self.down:
            x = F.silu(down(x))
            maps.append(x)
        a, b, c = maps[2:]

        def meet(join, x, y):
            return join(torch.cat([x, y], 1))
        b = meet(self.join[0], F.interpolate(c, scale_factor=2.0), b)
        a = meet(self.join[1], F.interpolate(b, scale_factor=2.0), a)
        b = meet(self.join[2], self.again[0](a), b)
        c = meet(self.join[3], self.again[1](b), c)
        cells = [head(x).flatten(2).transpose(1, 2) for head, x in zip(self.head, (a, b, c))]
        return torch.cat(cells, 1)


class Windows(nn.Module):
    """Attention in windows of a map that is padded to whole ones and cut again."""

    def __init__(self, size=4, c=8):
        super().__init__()
        self.size, self.qkv, self.out = size, nn.Linear(c, 3 * c), nn.Linear(c, c)

    def forward(self, x):
        n, h, w, c = x.shape
        s = self.size
        y = F.pad(x, (0, 0, 0, (s - w % s) % s, 0, -h % s))
        rows, columns = y.shape[1] // s, y.shape[2] // s
        y = y.view(n, rows, s, columns, s, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, s * s, c)
        q, k, v = self.qkv(y).chunk(3, -1)
        y = self.out(torch.softmax(q @ k.transpose(1, 2) * 0.3, -1) @ v)
        y = y.view(n, rows, columns, s, s, c).permute(0, 1, 3, 2, 4, 5)
        return x + y.reshape(n, rows * s, columns * s, c)[:, :h, :w, :]


class Chunks(nn.Module):
    """Attention in chunks of 64 tokens, the last of them padded."""

    def forward(self, x):
        n, s, c = x.shape
        y = F.pad(x, (0, 0, 0, -s % 64)).view(n, -1, 64, c)
        y = torch.softmax(y @ y.transpose(-1, -2), -1) @ y
        return x + y.reshape(n, -1, c)[:, :s]


class Gates(nn.Module):
    """Halves of a symbolic axis, and a ramp over it that may be one step long."""

    def forward(self, x):
        y = F.glu(x, 1)
        return y * torch.linspace(1.0, 2.0, y.shape[1]) + y.shape[1] / x.shape[0]


class Rolls(nn.Module):
    """Shifts by more than sizes have, the whole of the traced ones among them."""

    def forward(self, x):
        y = x.roll((2, -3), (1, 2)) * x.roll(7, 1)
        return y + y.roll(-6) + y[:, ::2].roll(2, 1).sum(1, keepdim=True)


class Halos(nn.Module):
    """Blocks that see a rim of their neighbours, of maps that are padded to whole blocks."""

    def __init__(self, block=4, rim=1):
        super().__init__()
        self.block, self.rim = block, rim
        self.q, self.kv = nn.Conv2d(3, 8, 1), nn.Conv2d(3, 16, 1)

    def forward(self, x):
        b = self.block
        h, w = x.shape[2:]
        x = F.pad(x, (0, (b - w % b) % b, 0, (b - h % b) % b))
        n, rows, columns = x.shape[0], x.shape[2] // b, x.shape[3] // b
        q = self.q(x).view(n, 8, rows, b, columns, b).permute(0, 2, 4, 3, 5, 1)
        kv = F.unfold(self.kv(x), b + 2 * self.rim, stride=b, padding=self.rim)
        k, v = kv.view(n, 16, (b + 2 * self.rim) ** 2, -1).permute(0, 3, 2, 1).split(8, -1)
        y = (q.reshape(n, -1, b * b, 8) @ k.transpose(-1, -2)).softmax(-1) @ v
        y = y.view(n, rows, columns, b, b, 8).permute(0, 5, 1, 3, 2, 4)
        return y.reshape(n, 8, rows * b, columns * b)[:, :, :h, :w]


class Shifted(nn.Module):
    """Maps that are padded to whole windows, shifted to and fro and cut again."""

    def __init__(self):
        super().__init__()
        self.mix = nn.Conv2d(3, 3, 4, 4)

    def forward(self, x):
        h, w = x.shape[2:]
        y = F.pad(x, (0, (4 - w % 4) % 4, 0, (4 - h % 4) % 4)).roll((-2, -2), (2, 3))
        y = F.interpolate(self.mix(y), size=y.shape[2:]) * y
        return x + y.roll((2, 2), (2, 3))[:, :, :h, :w]


class PooledWindows(nn.Module):
    """Windows whose rows are pooled, put together by a batch and channels that are counted anew."""

    def __init__(self):
        super().__init__()
        self.mix, self.scale = nn.Linear(3, 8), nn.Parameter(torch.rand(8))

    def forward(self, x):
        x = self.mix(x.permute(0, 2, 3, 1))
        n, h, w, c = x.shape
        y = F.pad(x, (0, 0, 0, (4 - w % 4) % 4, 0, (4 - h % 4) % 4))
        y = y.view(n, y.shape[1] // 4, 4, y.shape[2] // 4, 4, c).permute(0, 1, 3, 2, 4, 5)
        y = F.max_pool2d(y.reshape(-1, 4, 4, c).permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)
        x = F.max_pool2d(x.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)
        h, w = x.shape[1:3]
        rows, columns = h + (2 - h % 2) % 2, w + (2 - w % 2) % 2
        n = y.shape[0] // (rows * columns // 2 // 2)
        y = y.view(n, rows // 2, columns // 2, 2, 2, -1).permute(0, 1, 3, 2, 4, 5)
        y = y.contiguous().view(n, rows, columns, -1)[:, :h, :w]
        return x + y * self.scale


class Fitted(nn.Module):
    """Maps that are halved, doubled and padded to the size that they had, by -1 where it is odd."""

    def __init__(self):
        super().__init__()
        self.down, self.up = nn.Conv2d(3, 4, 3, 2, 1), nn.Conv2d(7, 4, 3, padding=1)

    def forward(self, x):
        y = F.interpolate(self.down(x), scale_factor=2.0)
        h, w = x.size(2) - y.size(2), x.size(3) - y.size(3)
        y = F.pad(y, [w // 2, w - w // 2, h // 2, h - h // 2])
        return self.up(torch.cat([y, x], 1)) + F.pad(y, [w, -w, h, -h], mode="replicate")


class Pieces(nn.Module):
    """As many pieces as they are unpacked into, and scales of halves."""

    def forward(self, x):
        a, b, c = x.split(4, 1)
        y = torch.cat([c, a * 2, b], 1) + x
        a, b, c = y.chunk(3, 1)
        y = torch.cat([b, c, a.relu()], 1) * y
        rows = torch.ones_like(y[:, ::2]).cumsum(1)
        return rows / (rows[:, -1:] + 1), F.interpolate(y[:, None], scale_factor=1.5, mode="bilinear")


def other_pieces_are_told(tdag, folder):
    """Of thirteen rows there are four pieces, which PyTorch does not unpack into three."""
    path, again = (os.path.join(folder, "pieces" + end) for end in (".pt", ".again.pt"))
    torch.jit.save(torch.jit.trace(Pieces(), torch.rand(2, 11, 6)), path)
    status, text = run(tdag, "convert", path, again, "-i", "f32[N=2,S=11,K=6]")
    if status != 0:
        return [text]
    wrong = []
    for rows in (13, 8):
        for file in (path, again):
            try:
                torch.jit.load(file)(torch.rand(2, rows, 6))
                wrong.append("%s runs with %d rows" % (file, rows))
            except RuntimeError:
                pass
        status, text = run(tdag, "info", again, "-i", "f32[2,%d,6]" % rows)
        if status != 3:
            wrong.append("%d rows: exit %d: %s" % (rows, status, text))
    return wrong


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


TOLD = {"fixed": fixed_sizes_are_told, "other pieces": other_pieces_are_told}


class Patches(nn.Module):
    """Sizes that the source fixes, so that a reshape of open axes is right at some sizes only."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, stride=2, padding=1)

    def forward(self, x):
        y = self.conv(x)
        y = y.reshape(x.shape[0], 4, 4, 2, 4, 2).permute(0, 1, 3, 5, 2, 4)
        y = y.reshape(x.shape[0], 4, 4, 16)
        context = (y * y[:, :1].softmax(-1)).sum(-1, keepdim=True)
        return y.relu() * context.expand_as(y)


def tokens(*shape):
    return torch.randint(0, 2, shape)


# name: (model, inputs as -i with symbols, sizes to try, and those to compare results at only)
SENTENCES = [{"N": n, "S": s} for n, s in ((1, 9), (3, 4), (5, 1), (2, 63), (4, 17))]
BATCHES = [{"N": n} for n in (1, 2, 5, 7, 4)]
PICTURES = [{"N": n, "H": h, "W": w}
            for n, h, w in ((1, 64, 64), (3, 96, 64), (2, 128, 160), (1, 65, 97), (4, 71, 64))]
ANY = [{"N": n, "H": h, "W": w}
       for n, h, w in ((1, 8, 9), (2, 13, 31), (5, 16, 16), (3, 33, 12), (2, 10, 47))]
EIGHTHS = [{"N": n, "H": 16 * h, "W": 16 * w}
           for n, h, w in ((1, 1, 2), (3, 4, 1), (2, 3, 3), (4, 2, 5), (1, 5, 1))]
THIRTIES = [{"N": n, "H": 32 * h, "W": 32 * w}
            for n, h, w in ((1, 1, 2), (3, 4, 1), (2, 3, 3), (4, 2, 5), (1, 5, 1))]
CASES = {
    "bert": (Bert, ["i64[N=2,S=7]", "i64[N,S]"], SENTENCES),
    "gpt": (Gpt, ["i64[N=2,S=7]"], SENTENCES),
    "encoder": ("encoder", ["f32[N=2,S=7,16]"], SENTENCES),
    "halves": (Halves, ["f32[N=2,3,H=16,W=20]"],
               [{"N": n, "H": h, "W": w} for n, h, w in
                ((1, 8, 8), (2, 30, 6), (5, 2, 2), (3, 64, 12), (1, 18, 40))]),
    "three_levels": (UNet, ["f32[N=2,3,H=16,W=24]"], EIGHTHS),
    "three_levels_padded": (PaddedUNet, ["f32[N=2,3,H=16,W=24]"], ANY),
    "pyramid": (Pyramid, ["f32[N=2,3,H=32,W=48]"], EIGHTHS),
    "detector": (Detector, ["f32[N=2,3,H=64,W=32]"], THIRTIES),
    "windows": (Windows, ["f32[N=2,H=8,W=12,8]"], ANY),
    "windows_of_seven": (lambda: Windows(7), ["f32[N=2,H=14,W=12,8]"], ANY),
    # at S=2 the ramp has one step, which an import knows to be its start
    "gates": (Gates, ["f32[N=2,S=8]"],
              [{"N": n, "S": s} for n, s in ((1, 4), (3, 4), (2, 10), (5, 16), (2, 6))],
              [{"N": 3, "S": 2}]),
    "rolls": (Rolls, ["f32[N=2,S=4,H=3]"],
              [{"N": n, "S": s, "H": h} for n, s, h in
               ((1, 2, 5), (3, 9, 2), (2, 4, 3), (1, 13, 8), (2, 3, 4))]),
    "patches": (Patches, ["f32[N=2,3,H=16,W=16]"],
                [{"N": n, "H": h, "W": w} for n, h, w in ((1, 16, 16), (5, 15, 16), (3, 15, 15))]),
    "halos": (Halos, ["f32[N=2,3,H=8,W=12]"], ANY),
    "shifted": (Shifted, ["f32[N=2,3,H=8,W=12]"], ANY),
    "pooled_windows": (PooledWindows, ["f32[N=2,3,H=16,W=24]"], EIGHTHS),
    "fitted": (Fitted, ["f32[N=2,3,H=8,W=12]"], ANY),
    "pieces": (Pieces, ["f32[N=2,S=11,K=6]"],
               [{"N": n, "S": s, "K": k} for n, s, k in
                ((1, 9, 6), (3, 12, 5), (2, 11, 8), (4, 10, 12), (1, 12, 16))]),
    "chunks": (Chunks, ["f32[N=2,S=70,8]"], SENTENCES),
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
    model, specs, tried, *rest = CASES[name]
    other = rest[0] if rest else []
    torch.manual_seed(0)
    model = models.MODELS[model]()[0] if isinstance(model, str) else model()
    model = models.settle(model).eval()
    path, again, graph = (os.path.join(folder, name + end)
                          for end in (".pt", ".again.pt", ".tdag"))
    with torch.no_grad():
        made = torch.jit.trace(model, tuple(example(s, declared(specs)) for s in specs),
                               strict=False, check_trace=False)
    torch.jit.save(made, path)
    symbolic = [w for s in specs for w in ("-i", s)]
    status, text = run(tdag, "convert", path, again, *symbolic)
    if status != 0:
        return ["export: " + text]
    status, text = run(tdag, "convert", path, graph, *symbolic)
    if status != 0:
        return ["as a graph: " + text]
    wrong = []
    for sizes in tried + other:
        at = ",".join("%s=%d" % kv for kv in sizes.items())
        fixed = [w for s in specs for w in ("-i", concrete(s, sizes))]
        a, b = (totals(tdag, graph, "--at", at), totals(tdag, path, *fixed))
        if a != b and sizes not in other:
            wrong.append("counters at %s: %s, not %s" % (at, a, b))
        status, text = run(tdag, "verify", path, again, *fixed)
        if status != 0:
            wrong.append("verify at %s: %s" % (at, text))
    return wrong


def main():
    tdag, names = sys.argv[1], sys.argv[2:] or sorted(CASES)
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for name in sorted(TOLD) + names:
            wrong = (TOLD[name](tdag, folder) if name in TOLD
                     else check(tdag, name, folder))
            print("%s: %s" % (name, "; ".join(wrong) or "as told"))
            passed, failed = passed + (not wrong), failed + bool(wrong)
    print("%d passed, %d failed" % (passed, failed))
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
