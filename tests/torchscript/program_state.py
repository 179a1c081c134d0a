"""Models of programs.py whose state is in dicts, or None before the first call."""
from typing import Dict, List, Optional, Tuple

import torch
from torch import Tensor, nn

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


@model("f32[2,3]", several(4, 2, 3))
class DictEmpty(nn.Module):
    cache: Dict[str, Tensor]

    def __init__(self):
        super().__init__()
        self.cache = {}

    def forward(self, x):
        if "k" in self.cache:
            y = x + self.cache["k"]
        else:
            y = x
        self.cache["k"] = y
        return y


@model("f32[2,3]", several(4, 2, 3))
class DictEmptyGrow(nn.Module):
    cache: Dict[str, Tensor]

    def __init__(self):
        super().__init__()
        self.cache = {}

    def forward(self, x):
        if "k" not in self.cache:
            self.cache["k"] = x
            self.cache["n"] = torch.zeros(1)
        else:
            self.cache["k"] = torch.cat([self.cache["k"], x])
            self.cache["n"] = self.cache["n"] + 1
        return self.cache["k"].sum(0), self.cache["n"]


@model("f32[2,3]", several(4, 2, 3))
class ListOtherSizes(nn.Module):
    def __init__(self):
        super().__init__()
        self.h: List[Tensor] = [torch.zeros(2, 3), torch.zeros(3)]

    def forward(self, x):
        a = self.h[0] + x
        b = self.h[1] + x.sum(0)
        self.h = [a, b]
        return a, b


@model("f32[2,3]", several(4, 2, 3))
class ListOtherSizesSet(nn.Module):
    def __init__(self):
        super().__init__()
        self.h: List[Tensor] = [torch.zeros(2, 3), torch.zeros(3)]

    def forward(self, x):
        self.h[0] = self.h[0] + x
        self.h[1] += x.sum(0)
        return self.h[0], self.h[1]


@model("f32[2,3]", several(4, 2, 3))
class TupleState(nn.Module):
    state: Tuple[Tensor, Tensor]

    def __init__(self):
        super().__init__()
        self.state = (torch.zeros(2, 3), torch.zeros(3))

    def forward(self, x):
        a, b = self.state
        a = a + x
        b = b * 0.5 + x.mean(0)
        self.state = (a, b)
        return a @ b


@model("f32[1,4]", several(4, 1, 4))
class LayerCaches(nn.Module):
    def __init__(self):
        super().__init__()
        self.keys: List[Tensor] = [torch.zeros(0, 4), torch.zeros(0, 4)]
        self.lin = nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4)])

    def forward(self, x):
        for i, l in enumerate(self.lin):
            k = torch.cat([self.keys[i], l(x)])
            self.keys[i] = k
            x = x + torch.softmax(x @ k.t(), -1) @ k
        return x


@model("f32[2,2]", several(5, 2, 2))
class OptTupleState(nn.Module):
    hidden: Optional[Tuple[Tensor, Tensor]]

    def __init__(self):
        super().__init__()
        self.hidden = None
        self.cell = nn.LSTMCell(2, 3)

    def forward(self, x):
        hid = self.hidden
        if hid is None:
            hid = (torch.zeros(2, 3), torch.zeros(2, 3))
        h, c = self.cell(x, hid)
        self.hidden = (h, c)
        return h


@model("f32[2,3]", several(6, 2, 3))
class PartsInBranch(nn.Module):
    def __init__(self):
        super().__init__()
        self.h: List[Tensor] = [torch.zeros(2, 3), torch.zeros(3)]
        self.t: Tuple[int, float] = (0, 1.0)

    def forward(self, x):
        if bool(x.sum() > 0):
            self.h[0] = self.h[0] + x
            self.t = (self.t[0] + 1, self.t[1] * 0.5)
        else:
            self.h = [x, self.h[1] + x[0]]
        n, f = self.t
        return self.h[0] * f, self.h[1], n


@model("f32[2,3] i64[]", [several(1, 2, 3)[0] + (torch.tensor(k),) for k in (0, 2, 1, 3)])
class PartsInLoop(nn.Module):
    def __init__(self):
        super().__init__()
        self.h: List[Tensor] = [torch.zeros(2, 3), torch.ones(3)]

    def forward(self, x, n: Tensor):
        for i in range(int(n)):
            self.h[0] = self.h[0] * 0.5 + x
            self.h[1] = self.h[1] + self.h[0].sum(0)
        return self.h[0], self.h[1]


@model("f32[2,3]", several(5, 2, 3))
class SetThenAppend(nn.Module):
    def __init__(self):
        super().__init__()
        self.h: List[Tensor] = [torch.zeros(2, 3)]

    def forward(self, x):
        self.h[0] = self.h[0] + x
        if len(self.h) < 4:
            self.h.append(x)
        return torch.stack(self.h).sum(0), len(self.h)


@model("f32[2,3] i64[]", [several(1, 2, 3)[0] + (torch.tensor(k),) for k in (0, 1, 1, 0, 2)])
class DictByKey(nn.Module):
    cache: Dict[int, Tensor]

    def __init__(self):
        super().__init__()
        self.cache = {}

    def forward(self, x, k: Tensor):
        if int(k) == 0:
            if 0 in self.cache:
                y = self.cache[0] + x
            else:
                y = x
            self.cache[0] = y
        else:
            self.cache[1] = x * 2
            y = self.cache[1]
        return y, len(self.cache)


@model("f32[2,3]", several(5, 2, 3))
class DictClearing(nn.Module):
    cache: Dict[str, Tensor]

    def __init__(self):
        super().__init__()
        self.cache = {}

    def forward(self, x):
        if "a" in self.cache and bool(x.sum() > 0):
            old = self.cache["a"]
            self.cache["a"] = old * 0.5
            return old + x
        self.cache["a"] = x
        return x


@model("f32[2,3]", several(4, 2, 3))
class OptPair(nn.Module):
    st: Optional[Tuple[Tensor, int]]

    def __init__(self):
        super().__init__()
        self.st = None

    def forward(self, x):
        s = self.st
        if s is not None:
            h, n = s
            h = h + x
            n = n + 1
        else:
            h, n = x, 0
        if bool(h.sum() > 3):
            self.st = None
        else:
            self.st = (h, n)
        return h, n


class Settings(nn.Module):
    """Attributes and buffers that arms set before anything has read them."""
    last: Optional[Tensor]
    kept: List[Tensor]

    def __init__(self):
        super().__init__()
        self.n, self.last, self.kept = 1, None, [torch.ones(3)]
        self.register_buffer("a", torch.zeros(3))
        self.register_buffer("b", torch.ones(3))


@model("f32[3]", several(6, 3))
class SetInArm(Settings):
    def forward(self, x):
        if bool(x[0] > 0):
            self.n = 5
            self.last = x
            self.kept = [x, x * 2]
        y = self.last
        if y is not None:
            x = x + y
        self.n += 1
        return x * self.n, torch.stack(self.kept).sum(0)


@model("f32[3]", several(6, 3))
class SetOnTheWay(Settings):
    def forward(self, x):
        self.n = 3
        if bool(x[0] > 0):
            self.n = 1
        x = x * self.n
        for i in range(int(x[1].abs() * 3)):
            self.a = x * i
        self.n = 4
        return x + self.n, self.a


@model("f32[3]", several(7, 3))
class SetOrWritten(Settings):
    """One arm gives the buffer another tensor, the other writes the one that there is."""

    def forward(self, x):
        old = self.a
        if bool(x[0] > 0.5):
            self.a = self.a + x
        elif bool(x[1] > 0):
            self.a.mul_(2).add_(1)
            self.b = self.a * 2
        else:
            self.a.zero_()
        return self.a + self.b, old * 1


class Adds(nn.Module):
    def __init__(self, sums):
        super().__init__()
        self.register_buffer("sums", sums)

    def forward(self, x):
        self.sums += x
        return self.sums * 1


class Looks(Adds):
    def forward(self, x):
        return self.sums * x


@model("f32[3]", several(5, 3))
class SharedMemory(nn.Module):
    """Two modules write the buffer that a third one reads, which has no other tensor."""

    def __init__(self):
        super().__init__()
        sums = torch.zeros(3)
        self.look, self.first, self.second = Looks(sums), Adds(sums), Adds(sums)

    def forward(self, x):
        if bool(x[0] > 0):
            y = self.first(x)
        else:
            y = self.second(x * 2)
        return y, self.look(x)


class CacheLayer(nn.Module):
    """The last rows of keys and values, none at first."""
    k: Optional[torch.Tensor]
    v: Optional[torch.Tensor]

    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(4, 12)
        self.k = None
        self.v = None

    def forward(self, x):
        q, k, v = self.qkv(x).chunk(3, -1)
        if self.k is not None and self.v is not None:
            old_k, old_v = self.k, self.v
            assert old_k is not None and old_v is not None
            k, v = torch.cat([old_k, k]), torch.cat([old_v, v])
        if k.size(0) > 3:
            k, v = k[-3:], v[-3:]
        self.k, self.v = k, v
        return torch.softmax(q @ k.t() / 2, -1) @ v


@model("f32[1,4]", several(5, 1, 4))
class LayersWithCaches(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([CacheLayer(), CacheLayer()])

    def forward(self, x):
        for layer in self.layers:
            x = x + layer(x)
        return x
