"""Models of programs.py whose results are lists of a length that a run tells, and slices
beyond the end."""
import math
from typing import List

import torch
from torch import nn

from programs import counted, lengths, model, several


@model("f32[3] i64[]", counted((3,), (1, 2, 5)))
class ListResult(nn.Module):
    rows = True

    def forward(self, x, n: torch.Tensor):
        out: List[torch.Tensor] = []
        for i in range(int(n)):
            x = torch.tanh(x) + i
            out.append(x)
        return out


@model("f32[3] i64[]", counted((3,), (1, 2, 5)))
class ListsOfNumbers(nn.Module):
    rows = True

    def forward(self, x, n: torch.Tensor):
        whole: List[int] = []
        parts: List[float] = []
        signs: List[bool] = []
        for i in range(int(n)):
            whole.append(i * 3)
            parts.append(float(x[i % 3]))
            signs.append(bool(x[i % 3] > 0))
        return {"x": x, "y": x}, (whole, parts), signs, len(whole)


@model("f32[N=4,3] i64[]", [(several(1, n, 3)[0][0], torch.tensor(n)) for n in (1, 2, 6)])
class Unbound(nn.Module):
    rows = True

    def forward(self, x, n: torch.Tensor):
        rows = torch.unbind(x)
        numbers: List[int] = torch.arange(int(n)).tolist()
        total = 0
        for k in numbers:
            total += k
        return rows, numbers, rows[-1] * total


@model("f32[4,4] f32[]", [(torch.eye(4) * 2 + .1, torch.tensor(1e-3)),
                          (torch.ones(4, 4) + torch.eye(4), torch.tensor(1e-5)),
                          (several(1, 4, 4)[0][0], torch.tensor(1e9))])
class PowerIteration(nn.Module):
    """A raise, a limit of rounds, and the residuals on the way."""
    rows = True

    def forward(self, a, tolerance):
        v, eigenvalue = torch.ones(4) / 2, torch.zeros([])
        history: List[float] = []
        for _ in range(50):
            w = a @ v
            norm = w.norm()
            if float(norm) == 0.0:
                break
            w = w / norm
            new = w @ a @ w
            history.append(float((new - eigenvalue).abs()))
            eigenvalue, v = new, w
            if history[-1] < float(tolerance):
                break
        return eigenvalue, v, len(history), history


@model("f32[6,3] i64[]", counted((6, 3), (0, 1, 2, 5, 7)))
class SlicesBeyond(nn.Module):
    def forward(self, x, n: torch.Tensor):
        k = int(n)
        y = x[:, k:k + 1]
        return y.sum(1), x[k:k + 4].sum(0), x[-k - 3:], x[k:].sum(), x[:-k].sum(0)


@model("f32[T=6,3]", lengths((3,), (1, 2, 6, 7)))
class WindowsBeyond(nn.Module):
    def forward(self, x):
        y, i = torch.zeros(3), 0
        while i < 8:
            y = y + x[i:i + 2].sum(0) * (i + 1)
            i = i + 1
            if bool(y.sum() > 30):
                break
        return y


@model("f32[4] f32[]", [several(1, 4)[0] + (torch.tensor(v),) for v in (0.0, 1.5, -2.0, 0.3)])
class PythonNumbers(nn.Module):
    """Numbers of data are Python's: f64, and numbers again whatever is done to them."""

    def forward(self, x, t):
        a = float(t)
        b = math.exp(a) if a < 1 else math.sqrt(a)
        d = abs(a) ** 0.5 + max(a, 0.5) + min(a, 2.0) + round(a)
        c: List[float] = [a, b, d]
        c.sort()
        return (x * b, d, a // 0.7 + a % 0.7, math.atan2(a, 2.0), math.isnan(a), c[0], c[2],
                math.pow(a, 2), math.copysign(a, -1.0))


@model("f32[4] f32[]", [several(1, 4)[0] + (torch.tensor(v),) for v in (0.0, 1.5, -2.0, 0.3)])
class NearNumbers(nn.Module):
    """As near to each other as f64 alone tells them apart."""

    def forward(self, x, t):
        return x * ((float(t) * 3.3 + 1e9) - 1e9)
