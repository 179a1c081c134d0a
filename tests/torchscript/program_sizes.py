"""Models of programs.py that compute with sizes as numbers: by float arithmetic, rounded to
sizes again, as bounds of slices and loops."""
import math

import torch
from torch import Tensor, nn

from programs import lengths, model, several


@model("f32[N=4,3]", lengths((3,), (1, 2, 5)))
class FloatSize(nn.Module):
    def forward(self, x):
        n = x.size(0)
        return x * (n / 2.0), x / math.sqrt(x.size(0)), x * n ** -0.5


@model("f32[B=2,D=4]", [several(1, n, d)[0] for n, d in ((2, 4), (3, 1), (1, 9))])
class ScaledDot(nn.Module):
    def forward(self, x):
        d = x.size(-1)
        scale = d ** -0.5
        s = torch.softmax((x @ x.t()) * scale, -1)
        y = s @ x
        if bool(y.sum() > 0):
            y = y * (1.0 / d)
        return y, d * 0.5


@model("f32[N=4,3] i64[]", [several(1, n, 3)[0] + (torch.tensor(k),)
                           for n, k in ((4, 3), (1, 1), (2, 0), (7, 5))])
class LrSchedule(nn.Module):
    def forward(self, x, k: Tensor):
        total = float(x.size(0))
        lr = 0.1
        for i in range(int(k)):
            lr = 0.1 * (1.0 - i / (total + 1.0))
            x = x - lr * x
        return x, lr


@model("f32[N=6,3]", lengths((3,), (1, 2, 5, 6, 8)))
class HalfCut(nn.Module):
    def forward(self, x):
        n = x.size(0)
        h = int(n * 0.5)
        c = math.ceil(n / 2)
        f = math.floor(n / 3)
        q = int(n * 0.3)
        return x[:h], x[:c], x[f:], x[:q].sum(0)


@model("f32[N=6]", lengths((), (1, 2, 5, 6)))
class PosEnc(nn.Module):
    def forward(self, x):
        n = x.size(0)
        pos = torch.arange(n).float()
        div = torch.exp(pos * (-math.log(10000.0) / n))
        t = torch.tensor([n / 2.0, 1.0])
        f = torch.full((2,), n / 4.0)
        y = x * div
        if n / 2.0 > 2.5:
            y = y * 2
        return y, t, f


@model("f32[N=6,2]", lengths((2,), (1, 2, 5, 6)))
class VarNorm(nn.Module):
    def forward(self, x):
        n = x.size(0)
        m = x.sum(0) / n
        v = ((x - m) ** 2).sum(0) / max(n - 1, 1)
        s = torch.sqrt(v + 1e-5) * math.sqrt(n)
        w = 0.0
        while float(s.sum()) > w and w < n * 1.5:
            w += 0.5 * n
        return s, w


@model("f32[3]", [(torch.tensor([k, 1.0, 0.5]),) for k in (0.0, 1.0, 4.0)])
class TensorsOfNumbers(nn.Module):
    """Numbers are computed as Python does, tensors made of them have the default dtype."""

    def forward(self, x):
        s = 0.25
        for i in range(int(x[0])):
            s = s * 1.5 + i
        return torch.full((2,), s) * x[:2], torch.arange(0.0, s), torch.tensor([s, 1.0])


@model("f32[N=4,3] i64[]", [several(1, n, 3)[0] + (torch.tensor(k),)
                           for n, k in ((4, 1), (1, 3), (5, -7), (3, 0), (0, 2))])
class RollByData(nn.Module):
    def forward(self, x, k: Tensor):
        n = int(k)
        return (torch.roll(x, n, 0), torch.roll(x, n), torch.roll(x, [n, 1], [0, 1]),
                torch.roll(x, [n, -n], [1, 1]))


@model("f32[N=4] i64[] i64[] f32[]",
       [several(1, n)[0] + (torch.tensor(a), torch.tensor(b), torch.tensor(c))
        for n, a, b, c in ((4, 7, 2, 1.5), (3, -7, 2, -0.75), (5, 7, -3, 2.0), (1, 0, 5, 3.0))])
class DivMod(nn.Module):
    def forward(self, x, a: Tensor, b: Tensor, c: Tensor):
        q, r = divmod(int(a), int(b))
        whole, part = divmod(float(c) * 2, float(c) - 4)
        half, odd = divmod(x.size(0), 2)
        mixed, left = divmod(int(a), float(c))
        return x * q + r, q, r, whole, part, half, odd, mixed, left


@model("f32[N=3,S=7,2]", [several(1, n, s, 2)[0] for n, s in ((3, 7), (1, 6), (4, 2), (2, 9))])
class OpenPieces(nn.Module):
    """Halves, even parts and steps of sizes that are symbols."""

    def forward(self, x):
        a, b = torch.chunk(x, 2, 1)
        p, q, r = torch.tensor_split(x, 3, 1)
        starts = torch.arange(0, x.size(0) * x.size(1), x.size(1))
        back = torch.arange(x.size(0), 0, -x.size(1))
        return torch.cat([b, a], 1) + x, a, torch.cat([r, p, q], 1) - x, q, starts + x[:, 0, 0], back


@model("f32[N=4,3]", lengths((3,), (4, 1, 2, 7)))
class FloatSteps(nn.Module):
    """Whole floats as bounds and steps of ranges of a symbol; open numbers as arguments."""

    def forward(self, x):
        n = x.size(0)
        i = torch.tensor([0, 0])
        return (torch.arange(n, -n, -1.0), torch.arange(0.0, n * 4, 2.0), torch.arange(-n, n, 3.0),
                x.masked_fill(x > 0, n / 4.0), x.index_add(0, i, torch.ones(2, 3), alpha=n))


@model("f32[N=1,3]", lengths((3,), (1, 2, 4)))
class OpenAlpha(nn.Module):
    """A factor that is 1 at the sample only."""

    def forward(self, x):
        i = torch.tensor([0, 0])
        return x.index_add(0, i, torch.ones(2, 3), alpha=x.size(0))


EVEN = [several(1, n, s, 4)[0] for n, s in ((3, 6), (1, 2), (4, 10))]


@model("f32[N=3,S=6,4]", EVEN)
class MatchedLetters(nn.Module):
    """Sizes that are equal where the source runs: of one letter."""

    def forward(self, x):
        y = torch.repeat_interleave(x[:, ::2], 2, 1) * 0.5
        mask = torch.sum(y, -1)
        return torch.einsum("nsd,nsd->nd", x, y), torch.einsum("nsd,nse,ns->de", x, y, mask)


if hasattr(nn.functional, "scaled_dot_product_attention"):
    @model("f32[N=3,S=6,4]", EVEN)
    class MatchedRows(nn.Module):
        """And of keys, values and masks."""

        def forward(self, x):
            y = torch.repeat_interleave(x[:, ::2], 2, 1) * 0.5
            m = torch.sum(y, -1)
            return (nn.functional.scaled_dot_product_attention(x, x, y, m.unsqueeze(1)),
                    nn.functional.scaled_dot_product_attention(x, y, x),
                    nn.functional.scaled_dot_product_attention(x, x, x, m.unsqueeze(2)))


@model("f32[N=2,H=6,W=8]",
       [several(1, *s)[0] for s in ((2, 6, 8), (1, 7, 7), (3, 4, 7), (4, 6, 5), (2, 3, 8), (2, 8, 2))])
class OpenLists(nn.Module):
    """Lists of sizes are compared item by item, as sizes are."""

    def forward(self, x):
        y = x * 2
        if x[:, ::2].repeat_interleave(2, 1).shape[1:] != x.shape[1:]:
            y = x - 1
        if list(x.shape) == [2, 6, 8]:
            y = y + 1
        if x.size(0) in (1, x.size(2) - 4):
            y = y * 2
        if x.size(1) not in [3, 4]:
            y = y - 3
        if [x.size(1), 5] != [x.size(2), 5] and x.shape[:1] + y.shape[2:] != [2, 8]:
            y = y / 4
        assert x.shape == y.shape and x.size(1) in (y.size(1), 1)
        if x.shape[1:] == [x.size(1), -1] or x.shape == x.shape[1:]:
            y = y * 100
        return x + y, max(x.shape[1:]) - min(x.shape[1:])
