"""Models of programs.py whose state is in dicts, or None before the first call."""
from typing import Dict, Optional

import torch
from torch import nn

from programs import lengths, model, several


@model("f32[5,3]", several(4, 5, 3))
class DictState(nn.Module):
    cache: Dict[str, torch.Tensor]
    counts: Dict[str, int]

    def __init__(self):
        super().__init__()
        self.cache = {"sum": torch.zeros(3), "max": torch.full((3,), -1e9), "one": torch.ones(3)}
        self.counts = {"calls": 0, "rises": 0}
        self.lin = nn.Linear(3, 3)

    def forward(self, x):
        y = self.lin(x)
        self.cache["sum"] = self.cache["sum"] + y.sum(0)
        self.counts["calls"] += 1
        if bool(y.max() > self.cache["max"].max()):
            self.cache["max"] = torch.maximum(self.cache["max"], y.amax(0))
            self.counts["rises"] += 1
        for i in range(int(self.counts["calls"])):
            self.cache["sum"] = self.cache["sum"] + self.cache["one"] * i
        return self.cache["sum"] / 2, self.cache["max"], self.counts["rises"]


@model("f32[2,3,C=4]", [several(1, 2, 3, c)[0] for c in (4, 1, 6, 4, 2)])
class Streaming(nn.Module):
    """Speech in pieces: the context of a convolution, a recurrent state, how many frames."""
    hidden: Optional[torch.Tensor]

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(3, 6, 3)
        self.gru = nn.GRU(6, 5, batch_first=True)
        self.register_buffer("context", torch.zeros(2, 3, 2))
        self.hidden = None
        self.frames = 0
        self.voiced = 0

    def forward(self, x):
        x = torch.cat([self.context, x], 2)
        self.context = x[:, :, -2:]
        y = torch.relu(self.conv(x)).transpose(1, 2)
        h = self.hidden
        if h is None:
            h = torch.zeros(1, 2, 5)
        y, h = self.gru(y, h)
        self.hidden = h
        self.frames += y.size(1)
        if bool(y.abs().mean() > 0.15):
            self.voiced += 1
        return y, self.frames, self.voiced


@model("f32[N=2,3]", lengths((3,), (2, 1, 3)))
class LazyCache(nn.Module):
    """A cache that grows from nothing, and is forgotten when it is long."""
    cache: Optional[torch.Tensor]

    def __init__(self):
        super().__init__()
        self.cache = None

    def forward(self, x):
        cache = self.cache
        if cache is not None:
            x = torch.cat([cache, x])
        self.cache = x
        return x.sum(0), x.size(0)


@model("f32[3]", several(5, 3))
class SometimesKept(nn.Module):
    last: Optional[torch.Tensor]

    def __init__(self):
        super().__init__()
        self.last = None

    def forward(self, x):
        last = self.last
        if bool(x.sum() > 0):
            self.last = x * 2
        if last is None:
            return x
        return x + last
