"""Models of programs.py whose lists grow, shrink or are merged as data decides."""
from typing import List, Tuple

import torch
from torch import Tensor, nn

from programs import counted, lengths, model, several


@model("f32[3] i64[]", counted((3,), (1, 2, 7)))
class AppendStack(nn.Module):
    def forward(self, x, n: torch.Tensor):
        rows = []
        for _ in range(int(n)):
            x = torch.tanh(x * 1.5)
            rows.append(x)
        return torch.stack(rows), torch.stack(rows, 1), len(rows)


@model("f32[2,3] i64[]", counted((2, 3), (0, 1, 5)))
class AppendToSome(nn.Module):
    def forward(self, x, n: torch.Tensor):
        rows = [x, x * 2]
        for i in range(int(n)):
            rows.append(rows[-1] + rows[0] * i)
        return torch.cat(rows), torch.cat(rows, 1), rows[0], rows[-1]


@model("f32[4,3]", [several(1, 4, 3, scale=s)[0] for s in (1, 2, 3)]
       + [(torch.ones(4, 3),), (-torch.ones(4, 3),)])
class AppendIf(nn.Module):
    def forward(self, x):
        rows = [torch.zeros(3)]
        for i in range(x.size(0)):
            if bool(x[i].sum() > 0):
                rows.append(x[i])
        if bool(x.sum() > 3):
            rows.append(x[0] * 10)
        return torch.stack(rows), len(rows)


@model("f32[N=4,3]", lengths((3,), (1, 2, 6)))
class AppendRows(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.LSTMCell(3, 5)

    def forward(self, x):
        h, c = torch.zeros(1, 5), torch.zeros(1, 5)
        rows = []
        for i in range(x.size(0)):
            h, c = self.cell(x[i:i + 1], (h, c))
            rows.append(h)
        return torch.cat(rows, 0), c


@model("i64[]", [(torch.tensor(k),) for k in (1, 6, 7, 27)])
class Collatz(nn.Module):
    def forward(self, n):
        k = int(n)
        steps: List[int] = [k]
        while k != 1:
            if k % 2 == 0:
                k = k // 2
            else:
                k = 3 * k + 1
            steps.append(k)
        return torch.tensor(steps), len(steps), steps[-1]


@model("f32[5]", [several(1, 5, scale=s)[0] for s in (0, 0.1, 1, 4)])
class FloatList(nn.Module):
    def forward(self, x):
        norms: List[float] = []
        while float(x.norm()) > 0.5:
            norms.append(float(x.norm()))
            x = x * 0.5
        total = 0.0
        for v in norms:
            total += v
        return x * total, len(norms)


@model("f32[3] i64[]", counted((3,), (0, 1, 4)))
class PushPop(nn.Module):
    def forward(self, x, n: torch.Tensor):
        rows = [x, x + 1]
        for i in range(int(n)):
            rows.append(x * i)
            rows.insert(0, x - i)
        last = rows.pop()
        first = rows.pop(0)
        rows.extend([x, x])
        rows.reverse()
        rows[1] = x * 5
        return torch.stack(rows), last, first, torch.stack(rows[1:])


@model("f32[N=5,2]", lengths((2,), (1, 2, 5)))
class Reversed(nn.Module):
    def forward(self, x):
        rows = []
        for i in range(x.size(0)):
            rows = [x[i]] + rows
        back = []
        while len(rows) > 0:
            back.append(rows.pop() * 2)
        return torch.stack(back)


@model("f32[3] i64[]", counted((3,), (1, 2, 5)))
class TwoLists(nn.Module):
    def forward(self, x, n: torch.Tensor):
        a, b = [], []
        for _ in range(int(n)):
            x = x * 0.5
            a.append(x)
            b.append(x.sum())
        return (torch.stack(a) * torch.stack(b)[:, None]).sum(0)


@model("f32[3] i64[]", counted((3,), (1, 3)))
class ListOfLists(nn.Module):
    def forward(self, x, n: torch.Tensor):
        out = []
        for i in range(int(n)):
            inner = []
            for j in range(int(n)):
                inner.append(x * i + j)
            out.append(torch.stack(inner).sum(0))
        return torch.stack(out)


@model("f32[3] i64[]", counted((3,), (1, 2, 40)))
class StopEarly(nn.Module):
    def forward(self, x, n: torch.Tensor):
        rows = [x]
        for _ in range(int(n)):
            y = rows[len(rows) - 1] * 0.7
            rows.append(y)
            if bool(y.abs().max() < 0.1):
                break
        return torch.stack(rows)


@model("f32[3] i64[]", counted((3,), (1, 2, 5)))
class TupleList(nn.Module):
    def forward(self, x, n: Tensor):
        pairs: List[Tuple[Tensor, Tensor]] = []
        for i in range(int(n)):
            pairs.append((x * i, (x + i).sum()))
        a = torch.zeros(3)
        b = torch.zeros(())
        for p, q in pairs:
            a = a + p
            b = b + q
        return a, b, len(pairs)


@model("f32[3] i64[]", counted((3,), (1, 2, 5)))
class TupleListMixed(nn.Module):
    def forward(self, x, n: Tensor):
        beams: List[Tuple[float, Tensor]] = [(0.0, x)]
        for i in range(int(n)):
            s, h = beams[-1]
            h = torch.tanh(h + 1)
            beams.append((s + float(h.sum()), h))
        best = beams[0][0]
        out = beams[0][1]
        for i in range(len(beams)):
            sc, h = beams[i]
            if sc > best:
                best = sc
                out = h
        return out, best, torch.stack([h for s, h in beams])


@model("f32[5]", [several(1, 5, scale=s)[0] for s in (0.1, 1, 4)] + [(torch.ones(5),), (-torch.ones(5),)])
class TupleListIf(nn.Module):
    def forward(self, x):
        found: List[Tuple[int, float]] = []
        for i in range(5):
            if bool(x[i] > 0):
                found.append((i, float(x[i])))
        s = 0.0
        k = 0
        for i, v in found:
            s += v * i
            k += i
        return s, k, len(found)


@model("f32[N=3,2]", [(torch.arange(6.0).view(3, 2),)])
class UnpackSym(nn.Module):
    def forward(self, x):
        a, b, c = x.unbind(0)
        return a + b * c


@model("f32[4]", several(3, 4))
class UnpackRun(nn.Module):
    def forward(self, x):
        m = torch.nonzero(torch.topk(x, 2)[0] > -100)
        i, j = m.unbind(0)
        return x[int(i)], x[int(j)]


@model("f32[N=3,2] i64[]", [several(1, n, 2)[0] + (torch.tensor(k),) for n, k in ((3, 2), (3, 5), (1, 3), (2, 0))])
class SliceBeyond(nn.Module):
    def forward(self, x, n: Tensor):
        s = torch.zeros(2)
        for i in range(int(n)):
            s = s + x[i:i + 1].sum(0) + 1
        return s


@model("f32[N=4,3] i64[]", [several(1, n, 3)[0] + (torch.tensor(k),) for n, k in ((4, 3), (3, 1), (6, 0), (7, 5))])
class RaggedCat(nn.Module):
    def forward(self, x, n: Tensor):
        parts: List[Tensor] = [x[:0]]
        for i in range(int(n)):
            parts.append(x[:i + 1] * i)
        return torch.cat(parts)


@model("f32[6,3]", several(4, 6, 3))
class RaggedMasks(nn.Module):
    def forward(self, x):
        keep: List[Tensor] = []
        for k in range(3):
            m = x[:, k] > 0
            if bool(m.any()):
                keep.append(x[m])
        if len(keep) == 0:
            return x[:0]
        return torch.cat(keep, 0)


@model("f32[N=6]", lengths((), (1, 2, 6, 7)))
class MergeSort(nn.Module):
    def forward(self, x):
        n = x.size(0)
        w = 1
        while w < n:
            parts: List[Tensor] = []
            i = 0
            while i < n:
                seg = x[i:i + 2 * w]
                parts.append(torch.sort(seg)[0])
                i += 2 * w
            x = torch.cat(parts)
            w *= 2
        return x


@model("f32[T=4,5]", lengths((5,), (1, 2, 6)))
class CRFDecodeSym(nn.Module):
    def __init__(self):
        super().__init__()
        self.trans = nn.Parameter(torch.randn(5, 5))

    def forward(self, e):
        score = e[0]
        back: List[Tensor] = []
        for t in range(1, e.size(0)):
            s, i = (score.unsqueeze(1) + self.trans).max(0)
            score = s + e[t]
            back.append(i)
        best = int(score.argmax())
        tags: List[int] = [best]
        for i in range(len(back)):
            best = int(back[len(back) - 1 - i][best])
            tags.append(best)
        return score.max(), torch.tensor(tags)


@model("f32[S=8,4]", lengths((4,), (2, 4, 8)))
class ChunksOfTwo(nn.Module):
    def forward(self, x):
        outs: List[Tensor] = []
        state = torch.zeros(4)
        for i in range(0, x.size(0), 2):
            c = x[i:i + 2]
            state = torch.tanh(state + c.sum(0))
            outs.append(c + state)
        return torch.cat(outs), state


@model("f32[3] i64[]", counted((3,), (0, 1, 2, 5)))
class TwoArmLists(nn.Module):
    def forward(self, x, n: Tensor):
        a: List[Tensor] = [x]
        b: List[Tensor] = [x * 2]
        for i in range(int(n)):
            if i % 2 == 0:
                a.append(x * i)
                y = a
            else:
                b.append(x - i)
                y = b
            if len(y) > 2:
                y = [x]
        if bool(x.sum() > 0):
            b.append(x)
            z = b
        else:
            z = a
        return torch.stack(a), torch.stack(z)


@model("f32[4,3]", several(5, 4, 3))
class TuplesInWhile(nn.Module):
    def forward(self, x):
        q: List[Tuple[int, Tensor]] = [(0, x[0])]
        out = torch.zeros(3)
        k = 0
        while len(q) > 0 and k < 12:
            d, v = q.pop(0)
            out = out + v * d
            if d < 3 and bool(v.sum() > 0):
                q.append((d + 1, x[d]))
                if bool(v[0] > 0):
                    q.insert(0, (d + 2, v * 0.5))
            k += 1
        return out, k, len(q)


@model("f32[B=2,4,3]", lengths((4, 3), (1, 2, 4)))
class RaggedPerSample(nn.Module):
    def forward(self, x):
        parts: List[Tensor] = []
        counts: List[int] = []
        for b in range(x.size(0)):
            s = x[b]
            m = s[s[:, 0] > 0]
            parts.append(m)
            counts.append(m.size(0))
        allp = torch.cat(parts)
        last = parts[x.size(0) - 1]
        return allp, last, torch.tensor(counts)


@model("f32[N=4]", lengths((), (4, 1, 0, 6)))
class ReversedNumbers(nn.Module):
    def forward(self, x):
        places: List[int] = []
        for i in range(x.size(0)):
            if bool(x[i] > 0):
                places.append(i)
        places.reverse()
        return torch.tensor(places), x.flip(0), len(places)


@model("f32[N=4]", lengths((), (4, 1, 2, 6)))
class TailOfSome(nn.Module):
    """The rows behind the first of a list and of a selection that may be empty."""

    def forward(self, x):
        rows: List[Tensor] = []
        for v in x:
            if bool(v > 0):
                rows.append(v * 2)
        tail = rows[1:]
        total = torch.zeros(())
        for v in tail:
            total = total + v
        return total, len(tail), x[x > 0][1:], x[x > 0][:-1].size(0)
