"""Small networks with open sizes through Core ML: one package, which computes what PyTorch does
at three sizes, the model made of it too, and by way of .tdag to equal packages.

    check_flexible.py TDAG
"""
import os
import sys
import tempfile
from typing import List

import torch
import torch.nn as nn
import torch.nn.functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "torchscript"), os.path.join(HERE, "..", "support")]
import check_networks  # noqa: E402
import models  # noqa: E402
import packages  # noqa: E402


class Vocoder(nn.Module):
    """Weight norms, transposed convolutions, of which one has an output padding."""

    def __init__(self):
        super().__init__()
        norm = nn.utils.weight_norm
        self.first = norm(nn.Conv1d(4, 8, 7, padding=3))
        self.up = norm(nn.ConvTranspose1d(8, 4, 8, 4, padding=2))
        self.more = nn.ConvTranspose1d(4, 4, 5, 3, padding=1, output_padding=1)
        self.last = norm(nn.Conv1d(4, 1, 7))

    def forward(self, x):
        x = self.up(F.leaky_relu(self.first(x), 0.1))
        return torch.tanh(self.last(F.pad(self.more(x), (3, 3), mode="reflect")))


class Unet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.GroupNorm(2, 8)
        self.up = nn.ConvTranspose2d(8, 8, 3, stride=2, padding=1, output_padding=1)
        self.out = nn.Conv2d(16, 2, 1)

    def forward(self, x):
        a = F.mish(self.norm(self.down(x)))
        return self.out(torch.cat([self.up(F.max_pool2d(a, 2)), a], 1)).sigmoid()


class Grown(nn.Module):
    """What an output padding has beyond the padding."""

    def __init__(self):
        super().__init__()
        self.up = nn.ConvTranspose2d(4, 6, (4, 3), stride=(3, 2), padding=(1, 0),
                                     output_padding=(2, 1), groups=2)

    def forward(self, x):
        return self.up(x)


class Pools(nn.Module):
    def forward(self, x):
        return (F.max_pool2d(x, 3, 2, ceil_mode=True),
                F.avg_pool2d(x, (2, 3), ceil_mode=True),
                F.avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=False),
                F.adaptive_avg_pool2d(x, 1))


class Masked(nn.Module):
    """Integers and truths."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(20, 8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, ids, mask):
        x = self.embed(ids)
        y, _ = self.attention(x, x, x, key_padding_mask=~mask)
        return y.masked_fill(~mask[..., None], 0), mask.logical_not(), ids + 1


class Recurrent(nn.Module):
    """Loops over a length, with a batch: sequences that only a run has are as long as the input."""

    def __init__(self):
        super().__init__()
        self.both = nn.LSTM(4, 6, bidirectional=True)
        self.gru = nn.GRU(4, 5, batch_first=True)

    def forward(self, x):
        return self.both(x)[0], self.gru(x)[0]


class Kernels(nn.Module):
    """Convolutions, dilated, by weights that are computed."""

    def __init__(self):
        super().__init__()
        self.two = nn.Linear(6, 4 * 3 * 3 * 2)
        self.one = nn.Linear(6, 4 * 2 * 3)

    def forward(self, x, z):
        weight, one = self.two(z).reshape(4, 3, 3, 2), self.one(z).reshape(4, 2, 3)
        y = F.conv2d(x, weight, padding=(2, 0), dilation=(2, 3), stride=(1, 2))
        return y, F.conv1d(y.mean(2), one, padding=4, dilation=4, groups=2)


class Zeroes(nn.Module):
    """Biases that are not learnt yet, slopes by channel, roots of -0, empty rows."""

    def __init__(self):
        super().__init__()
        self.line = nn.Linear(6, 4)
        nn.init.zeros_(self.line.bias)
        self.slopes = nn.ModuleList([nn.PReLU(4) for _ in range(3)])
        for i, slope in enumerate(self.slopes):
            slope.weight.data = torch.tensor([0.25, -0.5, i, 1.5])

    def forward(self, x):
        y = self.slopes[0](self.line(x).transpose(1, 2))
        a, b, c = self.slopes
        z = a(y[:, :, 0]) + b(y).amax(2) + c(y[..., None, None]).amax((2, 3, 4))
        return z, torch.rsqrt(F.relu(y) * -1), torch.cat([y[..., :0].exp(), y, y[..., 3:3]], 2)


class Rows(nn.Module):
    """A list that begins without rows, of an open batch."""
    scripted = True

    def __init__(self):
        super().__init__()
        self.cell = nn.Linear(9, 5)

    def forward(self, x):
        h = torch.zeros(x.shape[0], 5)
        rows: List[torch.Tensor] = []
        for t in range(x.shape[1]):
            h = torch.tanh(self.cell(torch.cat([x[:, t], h], 1)))
            rows.append(h)
        return torch.stack(rows, 1)


class Listener(nn.Module):
    """Frames are left out twice, so that nothing tells how many there are but their sizes."""
    def __init__(self):
        super().__init__()
        self.fewer = nn.Sequential(nn.Conv2d(1, 4, 3, 2), nn.ReLU(), nn.Conv2d(4, 4, 3, 2))
        self.attention = nn.MultiheadAttention(8, 2)
        self.register_buffer("places", torch.randn(50, 8))

    def forward(self, x):
        y = self.fewer(x.unsqueeze(1))
        y = y.transpose(1, 2).flatten(2).transpose(0, 1)
        y = y + self.places[:y.shape[0]].view(y.shape[0], 2, -1).flatten(1).unsqueeze(1)
        last = torch.full((y.shape[1],), y.shape[0]).unsqueeze(1)
        mask = torch.arange(y.shape[0])[None] >= last
        return y + self.attention(y, y, y, key_padding_mask=mask, need_weights=False)[0]


def floats(*sizes):
    return lambda *open_sizes: [torch.randn([open_sizes[s] if s < 0 else s for s in sizes])]


def masked(b, t):
    return [torch.randint(0, 20, (b, t)), torch.arange(t)[None].expand(b, t) < t - 1]


def kernels(b, h):
    return [torch.randn(b, 3, h, 11), torch.randn(6)]


# The module, the types with symbols, what makes inputs, and open sizes, the first ones those of the
# trace.
NETWORKS = [
    (Vocoder, ["f32[1,4,T=12]"], floats(1, 4, -1), [(12,), (5,), (30,)]),
    (Unet, ["f32[1,3,H=16,W=16]"], floats(1, 3, -2, -1), [(16, 16), (8, 24), (32, 6)]),
    (Grown, ["f32[2,4,H=5,W=5]"], floats(2, 4, -2, -1), [(5, 5), (3, 8), (9, 4)]),
    (Pools, ["f32[2,4,H=11,W=13]"], floats(2, 4, -2, -1), [(11, 13), (8, 8), (17, 6)]),
    (Recurrent, ["f32[T=3,N=2,4]"], floats(-2, -1, 4), [(3, 2), (5, 1), (2, 4)]),
    (Kernels, ["f32[B=2,3,H=7,11]", "f32[6]"], kernels, [(2, 7), (1, 5), (3, 9)]),
    (Zeroes, ["f32[B=2,T=5,6]"], floats(-2, -1, 6), [(2, 5), (1, 3), (4, 7)]),
    (Rows, ["f32[B=2,T=5,4]"], floats(-2, -1, 4), [(2, 5), (1, 3), (4, 7)]),
    (Listener, ["f32[1,T=40,11]"], floats(1, -1, 11), [(40,), (31,), (64,)]),
    (Masked, ["i64[B=2,T=6]", "bool[B=2,T=6]"], masked, [(2, 6), (1, 3), (3, 9)]),
]


def save(path, prefix, tensors):
    models.save_safetensors(path, {"%s%d" % (prefix, i): t for i, t in enumerate(tensors)})


def check(program, row, folder):
    module, types, make, sizes = row
    torch.manual_seed(1)
    given, want, result, pt, package, back = [os.path.join(folder, f) for f in (
        "in.safetensors", "want.safetensors", "out.safetensors", "a.pt", "a.mlpackage", "b.pt")]
    model = module().eval()
    with torch.no_grad():
        traced = torch.jit.script(model) if hasattr(module, "scripted") else torch.jit.trace(
            model, tuple(make(*sizes[0])), check_trace=False)
    traced.save(pt)
    how = [word for t in types for word in ("-i", t)]
    check_networks.tdag(program, "convert", pt, package, *how)
    check_networks.tdag(program, "convert", package, back)
    for size in sizes:
        inputs = make(*size)
        with torch.no_grad():
            out = model(*inputs)
        out = list(out) if isinstance(out, tuple) else [out]
        save(given, "in", inputs)
        save(want, "out", out)
        for path in (package, back):
            check_networks.tdag(program, "run", path, "--in", given, "--out", result)
            check_networks.compare("%s at %s" % (os.path.basename(path), list(size)), result,
                                   want)
            found = models.load_safetensors(result)
            if [t.dtype for t in found.values()] != [t.dtype for t in out]:
                raise check_networks.Failed("a result has another dtype")
    check_networks.check_again(program, package, folder)
    if any(b"reduce_sum" in b for b in packages.bytes_of(package).values()):
        raise check_networks.Failed("a product is written as multiplications and sums")


def main():
    torch.set_num_threads(1)
    bad = 0
    for row in NETWORKS:
        with tempfile.TemporaryDirectory(prefix="tdag-coreml-") as folder:
            try:
                check(sys.argv[1], row, folder)
                print("ok", row[0].__name__, flush=True)
            except check_networks.Failed as e:
                bad += 1
                print("bad %s: %s" % (row[0].__name__, e), flush=True)
    sys.exit(bad > 0)


main()
