"""Models of programs.py with values that are None or something, as data decides."""
from typing import Optional, Tuple

import torch
from torch import nn

from programs import counted, lengths, model, several


@model("f32[2,3] i64[]", counted((2, 3), (0, 1, 2, 4)))
class BestSoFar(nn.Module):
    def forward(self, x, n: torch.Tensor):
        best: Optional[torch.Tensor] = None
        for i in range(int(n)):
            y = x * (i - 1)
            if best is None:
                best = y
            else:
                best = torch.maximum(best, y)
        if best is None:
            return x
        return best


@model("f32[T=3,2,4]", lengths((2, 4), (0, 1, 3, 5)))
class LazyState(nn.Module):
    """An LSTM cell whose state is made at the first step."""

    def __init__(self):
        super().__init__()
        self.cell = nn.LSTMCell(4, 5)

    def forward(self, x):
        state: Optional[Tuple[torch.Tensor, torch.Tensor]] = None
        total = torch.zeros(2, 5)
        for t in range(x.size(0)):
            if state is None:
                state = (torch.zeros(2, 5), torch.ones(2, 5))
            h, c = self.cell(x[t], state)
            state = (h, c)
            total = total + h
        if state is not None:
            total = total * state[1]
        return total


@model("f32[3] f32[3]", [(torch.tensor(a), torch.tensor(b)) for a in ([1., 2, 3], [-1., -2, 1])
                          for b in ([1., 1, 1], [-4., 1, 1])])
class MaybeMask(nn.Module):
    def pick(self, x) -> Optional[torch.Tensor]:
        if bool(x.sum() > 0):
            return x * 2
        return None

    def forward(self, x, y):
        a, b = self.pick(x), self.pick(y)
        if a is None and b is None:
            return x - y
        if a is not None and b is not None:
            return a + b
        if a is not None:
            return a
        assert b is not None
        return b


@model("f32[4,3]", several(4, 4, 3))
class FirstPositive(nn.Module):
    def forward(self, x):
        found: Optional[torch.Tensor] = None
        where = -1
        for i in range(x.size(0)):
            one: Optional[torch.Tensor] = None
            if bool(x[i].sum() > 0):
                one = x[i]
            if found is None:
                found = one
                if one is not None:
                    where = i
        return where, found if found is not None else torch.zeros(3)


@model("f32[3] i64[]", counted((3,), (0, 1, 3)))
class MaybeNumber(nn.Module):
    def forward(self, x, n: torch.Tensor):
        last: Optional[int] = None
        for i in range(int(n)):
            if bool(x[i] > 0):
                last = i
        if last is None:
            return x, -1
        return x * last, last
