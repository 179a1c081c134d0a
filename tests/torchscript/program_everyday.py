"""Scripted models as people write them: searches, early returns of several values, enums,
objects, lists that are sorted and looked through, ranges of any step, caches that begin
as None. programs.py has the rest."""
import math
from enum import Enum
from typing import List, Optional, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from programs import model, several

t = torch.tensor


@model("f32[3,3]", [(torch.eye(3),), (torch.zeros(3, 3),), (-torch.eye(3),), (torch.eye(3)*5,)])
class ManyReturns(nn.Module):
    def forward(self, x):
        tr = x.trace()
        if tr < 0:
            return x, -1
        if tr == 0:
            return x + 1, 0
        for k in range(3):
            x = x @ x
            if x.max() > 20:
                return x, k
        return x * 2, 99


@model("f32[L=5]", [(torch.tensor(v),) for v in ([1., 2, 3, 4, 5], [5., 1], [3.], [])])
class BubbleSort(nn.Module):
    def forward(self, x):
        y = x.clone()
        n = y.size(0)
        for i in range(n):
            swapped = False
            for j in range(0, n - i - 1):
                if bool(y[j] > y[j + 1]):
                    tmp = y[j].clone()
                    y[j] = y[j + 1]
                    y[j + 1] = tmp
                    swapped = True
            if not swapped:
                break
        return y


@model("f32[N=4] i64[]", [(torch.randn(n), t(k)) for n, k in ((4, 2), (1, 1), (6, 3), (0, 1))])
class StepRange(nn.Module):
    def forward(self, x, st):
        s = x.new_zeros([])
        k = int(st)
        for i in range(0, x.size(0), k):
            s = s + x[i] * (i + 1)
        for i in range(x.size(0) - 1, -1, -k):
            s = s * 0.5 + x[i]
        return s


@model("i64[]", [(t(k),) for k in (0, 1, 10, 48)])
class Gcd(nn.Module):
    def forward(self, n):
        a, b = int(n), 36
        while b:
            a, b = b, a % b
        d = a // 5 if a > 5 else -a // 5
        return a, d, (-a) % 7, a ** 2, abs(-a), min(a, 4), max(a, 4, 9), -a // 2


class Mode(Enum):
    SUM = 1
    MEAN = 2


@model("f32[N=3,2]", [(torch.randn(n, 2),) for n in (3, 1, 4)])
class StrEnum(nn.Module):
    mode: Mode
    def __init__(self):
        super().__init__()
        self.mode = Mode.MEAN
        self.act = "tanh"
    def forward(self, x):
        if self.act == "relu":
            x = x.relu()
        elif self.act == "tanh":
            x = x.tanh()
        else:
            raise ValueError("unknown " + self.act)
        total = x.sum(0)
        if bool(total[0] > 0) and self.mode == Mode.MEAN:
            total = total / x.size(0)
        return total


@model("f32[N=3,2]", [(torch.randn(n, 2),) for n in (3, 1, 4)])
class Comprehension(nn.Module):
    rows = True

    def forward(self, x):
        sums = [float(r.sum()) for r in x]
        ks = [i * 2 for i in range(x.size(0))]
        big = max(sums)
        best = sums.index(big)
        return x[best], torch.tensor(ks), sum(ks), sorted(sums)


@model("f32[N=5,4]", [(torch.randn(n, 4),) for n in (5, 1, 8)])
class SizesArith(nn.Module):
    def forward(self, x):
        n = x.size(0)
        half = n // 2
        r = n % 3
        s = x.new_zeros([half + 1, 4])
        for i in range(half):
            s[i] = x[i] + x[n - 1 - i]
        if r == 0:
            s = s * 2
        elif r == 1:
            s = s + 1
        if bool(s.sum() > 0):
            return s[:half], n % 4
        return s, -n // 2


class Attn(nn.Module):
    k: Optional[Tensor]
    v: Optional[Tensor]
    def __init__(self, d=8, h=2):
        super().__init__()
        self.h = h
        self.qkv = nn.Linear(d, 3*d)
        self.o = nn.Linear(d, d)
        self.k = None
        self.v = None
    def forward(self, x):
        B, L, D = x.shape
        q, k, v = self.qkv(x).view(B, L, 3, self.h, D // self.h).permute(2, 0, 3, 1, 4).unbind(0)
        pk, pv = self.k, self.v
        if pk is not None and pv is not None:
            k = torch.cat([pk, k], 2)
            v = torch.cat([pv, v], 2)
        self.k = k
        self.v = v
        s = q @ k.transpose(-1, -2) / (D // self.h) ** 0.5
        mask = torch.ones(L, k.size(2), dtype=torch.bool).tril(k.size(2) - L)
        s = s.masked_fill(~mask, float('-inf'))
        return self.o((s.softmax(-1) @ v).transpose(1, 2).reshape(B, L, D))


@model("f32[1,L=3,8]", [(torch.randn(1, l, 8),) for l in (3, 1, 1, 2)])
class GrowingCaches(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([Attn(), Attn()])
    def forward(self, x):
        for b in self.blocks:
            x = x + b(x)
        return x


@model("f32[3,3] i64[]", [(torch.randn(3, 3), t(k)) for k in (0, 1, 2, 7)])
class PowerBySquare(nn.Module):
    def forward(self, a, n):
        r = torch.eye(3)
        k = int(n)
        while k > 0:
            if k & 1 == 1:
                r = r @ a
            a = a @ a
            k = k >> 1
        return r


@model("i64[N=6]", [(t(v),) for v in ([1, 1, 0, 2, 2, 2], [5], [0, 0])])
class RunLength(nn.Module):
    def forward(self, ids):
        vals: List[int] = []
        runs: List[int] = []
        prev = -1
        for i in range(ids.size(0)):
            c = int(ids[i])
            if c == prev:
                runs[-1] += 1
            else:
                vals.append(c)
                runs.append(1)
            prev = c
        return torch.tensor(vals), torch.tensor(runs)


@model("f32[N=4]", [(torch.tensor(v),) for v in ([3., 1, 2, 0], [1.], [2., 2])])
class ArgSortInsertion(nn.Module):
    def forward(self, x):
        order: List[int] = []
        for i in range(x.size(0)):
            at = 0
            for j in order:
                if bool(x[j] < x[i]):
                    at += 1
            order.insert(at, i)
        return torch.tensor(order)


@model("f32[T=5,3] f32[3,3]", [(torch.randn(n, 3), torch.randn(3, 3)) for n in (5, 1, 2)])
class Viterbi(nn.Module):
    def forward(self, em, tr):
        score = em[0]
        back: List[Tensor] = []
        for k in range(1, em.size(0)):
            m = score[:, None] + tr
            score, bp = m.max(0)
            score = score + em[k]
            back.append(bp)
        best = int(score.argmax())
        path = [best]
        for bp in back[::-1]:
            best = int(bp[best])
            path.append(best)
        path.reverse()
        return score.max(), torch.tensor(path)


@model("f32[3] i64[]", [(torch.randn(3), t(k)) for k in (0, 1, 4)])
class NumbersOfData(nn.Module):
    def forward(self, x, n):
        a = 1.0
        b = int(n)
        for i in range(b):
            a = a / 2 + b // (i + 1) + (b - 1) % 3 + 2 ** i
        c = math.sqrt(a) + math.floor(a) - math.ceil(a / 3) + round(a) + math.exp(-a) + math.log(a+1)
        return x * a + c, a, int(a), float(b) / 7, b / 7


@torch.jit.script
class Acc:
    def __init__(self, x: Tensor):
        self.total = x
        self.count = 0

    def push(self, y: Tensor):
        self.total = self.total + y
        self.count += 1


@model("f32[3] i64[]", [(torch.randn(3), t(k)) for k in (0, 1, 4)])
class ObjectState(nn.Module):
    def forward(self, x, n):
        st = Acc(x)
        for i in range(int(n)):
            st.push(x * i)
        return st.total, st.count


@model("f32[N=6,4] f32[N=6]", [(torch.rand(n, 4)*10, torch.rand(n)) for n in (6, 1, 3)])
class GreedyNms(nn.Module):
    def forward(self, boxes, scores):
        boxes = torch.cat([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], 1)
        order = scores.argsort(descending=True)
        keep: List[int] = []
        while order.numel() > 0:
            i = int(order[0])
            keep.append(i)
            rest = order[1:]
            lt = torch.max(boxes[i, :2], boxes[rest, :2])
            rb = torch.min(boxes[i, 2:], boxes[rest, 2:])
            wh = (rb - lt).clamp(min=0)
            inter = wh[:, 0] * wh[:, 1]
            area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
            iou = inter / (area[i] + area[rest] - inter)
            order = rest[iou <= 0.5]
        return torch.tensor(keep)


@model("f32[N=4,3] i64[]",
       [(torch.randn(n, 3), t(k)) for n, k in ((4, 0), (4, 2), (1, 1), (3, 5))])
class ViewInLoop(nn.Module):
    """A row that a loop writes in place is one of the whole."""

    def forward(self, x, k):
        y = x.clone()
        row = y[0]
        for i in range(int(k)):
            row += 1
            y[-1] *= 2
        z = y.view(-1)
        z[0] = 100
        return y.clone(), row * 1


@model("f32[3] i64[]", [(torch.randn(3), t(k)) for k in (0, 1, 3, 2)])
class BufferInLoop(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("total", torch.zeros(3))

    def forward(self, x, n):
        h = self.total
        for i in range(int(n)):
            h += x
        return h * 1, self.total * 2


@model("f32[3] i64[]", [(torch.randn(3), t(k)) for k in (0, 1, 3)])
class FreshInLoop(nn.Module):
    """What a loop replaces may be written in place before, if nobody else sees it."""

    def forward(self, x, n):
        h = torch.zeros(3)
        for i in range(int(n)):
            h += x
            h = h.tanh()
        return h


@model("f32[N=4,3]", [(torch.randn(n, 3),) for n in (4, 1, 9)])
class Batches(nn.Module):
    def __init__(self):
        super().__init__()
        self.l = nn.Linear(3, 2)

    def forward(self, x):
        n = x.size(0)
        out = torch.zeros(n, 2)
        for b in range((n + 3) // 4):
            s = b * 4
            e = min(s + 4, n)
            out[s:e] = self.l(x[s:e])
        return out, n > 3


@model("f32[3]", several(4, 3))
class Tally(nn.Module):
    """A list of numbers that lives between calls, counted up where data says."""

    def __init__(self):
        super().__init__()
        self.lo: float = 1e9
        self.tally = [0, 0, 0]

    def forward(self, x):
        m = float(x.mean())
        self.lo = min(self.lo, m)
        k = 0 if m < 0 else (1 if m < 0.5 else 2)
        self.tally[k] += 1
        return x - self.lo, self.tally[0], self.tally[k]
