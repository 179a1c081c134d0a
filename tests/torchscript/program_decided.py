"""Models of programs.py in which data decides a string, is looked for in a list or dict, or
tells whether tensors are equal, and sizes that have to fit to each other."""
from typing import List

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from programs import lengths, model, several

t = torch.tensor


@model("i64[]", [(t(k),) for k in (0, 1, 2, 5, 9)])
class InKnown(nn.Module):
    def __init__(self):
        super().__init__()
        self.weights = {1: 2.0, 5: 3.0}

    def forward(self, x):
        k = int(x)
        y = 0.0
        if k in [1, 2, 5]:
            y += 1
        if k in self.weights:
            y += self.weights[k]
        known = [9, 2, 5, 2, 1, 0]
        return y, known.index(k), known.count(k)


@model("i64[]", [(t(k),) for k in (0, 1, 2)])
class ListsEqual(nn.Module):
    def forward(self, k):
        a, y = [int(k), 2], 0
        if a == [1, 2]:
            y = 1
        if a != [int(k * k), 2]:
            y += 2
        return y, (int(k), 1) == (1, 1), (int(k), 1) != (1, 1)


@model("i64[] f32[4]", [(t(k), several(1, 4)[0][0]) for k in (1, 2, 0)])
class Modes(nn.Module):
    """A string that data decides is compared, passed on and looked for."""

    def act(self, x: Tensor, kind: str):
        if kind == "relu":
            return F.relu(x)
        elif kind == "gelu":
            return F.gelu(x)
        raise RuntimeError("unknown " + kind)

    def forward(self, k, x):
        mode = "soft"
        if k == 1:
            mode = "hard"
        elif k == 2:
            mode = "none"
        x = self.act(x, "relu" if bool(k > 1) else "gelu")
        if mode in ["soft", "hard"]:
            x = x + 1
        gains = {"soft": 1.0, "hard": 2.0, "none": 3.0}
        if mode != "hard" and mode != "none":
            return torch.softmax(x, 0), mode == "none"
        return x * gains[mode], mode == "none"


@model("i64[] f32[4]", [(t(k), several(1, 4)[0][0]) for k in (0, 1, 3, 5)])
class ModesInLoop(nn.Module):
    def forward(self, k, x):
        state, n = "idle", 0
        all: List[str] = []
        for i in range(int(k)):
            if state == "idle":
                state = "go"
            elif state == "go" and bool(x.sum() > 0):
                state = "stop"
            else:
                state = "idle"
            all.append(state)
            x = x.roll(1) - .1
        for s in all:
            if s == "go":
                n += 1
        return x, state == "stop", n


@model("i64[] f32[4]", [(t(k), several(1, 4)[0][0]) for k in (0, 1, 2, 0)])
class ModeKept(nn.Module):
    """... and lives between calls."""

    def __init__(self):
        super().__init__()
        self.mode = "start"

    def forward(self, k, x):
        if self.mode == "start":
            x = x + 1
        elif self.mode == "run":
            x = x * 2
        if k > 1:
            self.mode = "run"
        return x


@model("f32[3,3]", [(torch.eye(3),), (torch.ones(3, 3),), (torch.zeros(3, 3),)])
class Fixpoint(nn.Module):
    """Reachability: until nothing changes."""

    def forward(self, x):
        seen, n = (x > 0.5).float(), 0
        while True:
            grown = ((seen @ seen + seen) > 0).float()
            n += 1
            if torch.equal(grown, seen):
                break
            seen = grown
        return seen, n, torch.allclose(seen, x), torch.allclose(seen, x, atol=2.0)


@model("f32[3,3]", [(torch.eye(3) * 2,), several(1, 3, 3)[0], (torch.zeros(3, 3),),
                    (torch.eye(3).flip(0) + 1,)])
class Determinant(nn.Module):
    """Elimination with pivots: rows are swapped, parts of them written by a part of another
    that data tells."""

    def forward(self, a):
        m, sign = a.clone(), 1.0
        for k in range(3):
            p = int(m[k:, k].abs().argmax()) + k
            if m[p, k] == 0:
                return torch.zeros(())
            if p != k:
                row = m[k].clone()
                m[k] = m[p]
                m[p] = row
                sign = -sign
            for i in range(k + 1, 3):
                m[i, k:] -= m[i, k] / m[k, k] * m[k, k:]
        return m.diagonal().prod() * sign


@model("f32[N=5,3]", lengths((3,), (5, 12, 1, 9)))
class FourthFound(nn.Module):
    """An item behind the sample of a size that a run finds."""

    def forward(self, x):
        rows = x[x[:, 0] > 0]
        if rows.size(0) > 3:
            return rows[3] * 2
        return rows.sum(0)


class Leaf(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 3)

    def forward(self, x, deep: bool):
        if deep and bool(x.sum() > 0):
            return torch.tanh(self.layer(x)), 1
        return self.layer(x), 0


class Pair(nn.Module):
    def __init__(self):
        super().__init__()
        self.leaves = nn.ModuleList([Leaf(), Leaf()])

    def forward(self, x, deep: bool):
        n = 0
        for leaf in self.leaves:
            x, m = leaf(x, deep)
            n += m
        return x, n


@model("f32[3] bool[]", [(3 * x, t(b)) for (x,), b in zip(several(4, 3), (True, False, True, True))])
class Tree(nn.Module):
    """Counts that branches of several levels give, summed up."""

    def __init__(self):
        super().__init__()
        self.first = Pair()
        self.rest = nn.ModuleDict({"x": Pair(), "y": Pair()})

    def forward(self, x, deep):
        x, n = self.first(x, bool(deep))
        for name, pair in self.rest.items():
            if not (name == "x" and n > 1):
                x, k = pair(x, n > 0)
                n += k
        return x, n
