"""Models of programs.py whose branches and loops carry structures."""
from typing import Dict, List, NamedTuple, Optional, Tuple

import torch
from torch import nn

from programs import counted, lengths, model, several


@model("f32[2,3] i64[]", counted((2, 3), (0, 1, 4)))
class DictCarried(nn.Module):
    def forward(self, x, n: torch.Tensor):
        state = {"h": x, "sum": torch.zeros(2, 3)}
        for _ in range(int(n)):
            state["h"] = torch.tanh(state["h"])
            state["sum"] = state["sum"] + state["h"]
        return state


@model("f32[2,3] i64[]", counted((2, 3), (0, 1, 4)))
class DictReplaced(nn.Module):
    def step(self, s: Dict[str, torch.Tensor]) -> Dict[str, torch.Tensor]:
        return {"a": s["b"], "b": s["a"] + s["b"]}

    def forward(self, x, n: torch.Tensor):
        s = {"a": x, "b": x * 0.5}
        for _ in range(int(n)):
            s = self.step(s)
        return s["a"], s["b"]


class Pair(NamedTuple):
    h: torch.Tensor
    c: torch.Tensor


@model("f32[T=3,2,4]", lengths((2, 4), (0, 1, 5)))
class TupleCarried(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.LSTMCell(4, 4)

    def forward(self, x):
        state = (torch.zeros(2, 4), torch.zeros(2, 4))
        for i in range(x.size(0)):
            state = self.cell(x[i], state)
        return state


@model("f32[3] i64[]", counted((3,), (0, 1, 4)))
class NamedCarried(nn.Module):
    def forward(self, x, n: torch.Tensor):
        p = Pair(x, x * 2)
        for i in range(int(n)):
            p = Pair(p.c, p.h + i)
        return p


@model("f32[3] i64[]", counted((3,), (0, 1, 4)))
class OptionalCarried(nn.Module):
    def forward(self, x, n: torch.Tensor):
        last: Optional[torch.Tensor] = None
        y = x
        if last is None:
            last = x
        for _ in range(int(n)):
            if last is not None:
                y = y + last
                last = y * 0.5
        return y


@model("f32[3]", several(4, 3))
class EarlyStructures(nn.Module):
    def forward(self, x) -> Tuple[torch.Tensor, Dict[str, torch.Tensor]]:
        if bool(x[0] > 0):
            return x * 2, {"a": x}
        if bool(x[1] > 0):
            return -x, {"a": x + 1}
        return x, {"a": x - 1}


@model("f32[2,4]", [several(1, 2, 4, scale=s)[0] for s in (0, 1, 5)])
class ExitByLayer(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(4, 4) for _ in range(3)])
        self.heads = nn.ModuleList([nn.Linear(4, 3) for _ in range(3)])

    def forward(self, x):
        y = x.new_zeros(2, 3)
        n = 0
        for layer, head in zip(self.layers, self.heads):
            x = torch.relu(layer(x))
            y = torch.softmax(head(x), -1)
            n += 1
            if bool(y.max() > 0.45):
                return y, n
        return y, n


@model("f32[5,4]", several(3, 5, 4))
class DenseExperts(nn.Module):
    def __init__(self):
        super().__init__()
        self.gate = nn.Linear(4, 3)
        self.experts = nn.ModuleList([nn.Linear(4, 4) for _ in range(3)])

    def forward(self, x):
        weight, which = torch.softmax(self.gate(x), -1).max(-1)
        y = torch.zeros_like(x)
        for i, expert in enumerate(self.experts):
            mask = which == i
            if bool(mask.any()):
                y = y + torch.where(mask[:, None], expert(x), torch.zeros_like(x))
        return y * weight[:, None]


@model("f32[T=4,2,3]", lengths((2, 3), (1, 2, 6)))
class ScriptedLSTM(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(3, 4, 2)

    def forward(self, x):
        y, (h, c) = self.rnn(x)
        return y, h, c


@model("f32[T=4,2,3]", lengths((2, 3), (1, 2, 6)))
class ScriptedGRU(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(3, 4, bidirectional=True)

    def forward(self, x):
        return self.rnn(x)


@model("f32[2,3]", several(3, 2, 3))
class ForkWait(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(3, 3), nn.Linear(3, 3)

    def forward(self, x):
        later = torch.jit.fork(self.a, x)
        y = self.b(x)
        if bool(y.sum() > 0):
            y = y * 2
        return torch.jit.wait(later) + y


@model("f32[N=4,3]", lengths((3,), (0, 1, 5)))
class LoopOverRows(nn.Module):
    def forward(self, x):
        y = torch.zeros(3)
        for row in x:
            y = torch.tanh(y + row)
        return y


@model("f32[N=4,3] f32[N=4,3]", [a + b for a, b in zip(lengths((3,), (0, 1, 5)), lengths((3,), (0, 1, 5)))])
class ZipRows(nn.Module):
    def forward(self, x, z):
        y = torch.zeros(3)
        for i, (a, b) in enumerate(zip(x, z)):
            y = y * 0.5 + a * b * i
        return y


@model("f32[N=8,3]", lengths((3,), (1, 4, 9)))
class SteppedRange(nn.Module):
    def forward(self, x):
        y = torch.zeros(3)
        for i in range(1, x.size(0), 3):
            y = y + x[i]
        for i in range(x.size(0) - 1, -1, -2):
            y = torch.tanh(y + x[i])
        return y


@model("f32[2,3] i64[]", counted((2, 3), (0, 1, 3)))
class RightSides(nn.Module):
    def forward(self, x, n: torch.Tensor):
        rows = [x]
        k = int(n)
        if k > 0 and bool(rows[k - k].sum() * 0 == 0) and bool((x / k).sum() != 0):
            rows.append(x / k)
        y = rows[-1]
        while k > 0 and bool(y.norm() < 50):
            y, k = y * 2, k - 1
        return y, k, k == 0 or bool(y.sum() > 0)


@model("f32[3] i64[]", counted((3,), (0, 1, 6)))
class TupleRotation(nn.Module):
    def forward(self, x, n: torch.Tensor):
        a, b, c = x, x + 1, x + 2
        for _ in range(int(n)):
            a, b, c = b, c, a + b
        return a, b, c


@model("f32[4,3]", several(3, 4, 3))
class FrozenBranch(nn.Module):
    frozen = True

    def __init__(self):
        super().__init__()
        self.norm, self.out = nn.BatchNorm1d(3), nn.Linear(3, 2)

    def forward(self, x):
        y = self.norm(x)
        if bool(y.sum() > 0):
            y = y * 2
        return self.out(y)


@model("f32[3] i64[]", counted((3,), (0, 1, 5)))
class ListOfFixedLength(nn.Module):
    def forward(self, x, n: torch.Tensor):
        states = [x, x * 2, x * 3]
        for i in range(int(n)):
            states[0] = states[1] + states[2]
            states[2] = states[0] * 0.25
        return states
