"""Writes the small TorchScript files that test_shim.c reads, into the folder given."""

import os
import sys
from typing import Dict, List, NamedTuple, Optional, Tuple

import torch
from torch import nn, Tensor


class Pair(NamedTuple):
    first: Tensor
    second: int


@torch.jit.script
def twice(x: Tensor, n: int = 2) -> Tensor:
    return x * n


class Inner(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.arange(12.0).reshape(3, 4))
        self.drop = nn.Dropout(0.9)

    def forward(self, x: Tensor) -> Tensor:
        return self.drop(x @ self.weight)


class Walk(nn.Module):
    """One of everything that a walk meets."""

    names: List[str]
    table: Dict[str, int]
    maybe: Optional[Tensor]
    empty: List[float]

    def __init__(self):
        super().__init__()
        self.inner = Inner()
        self.again = self.inner
        self.tied = self.inner.weight
        self.register_buffer("offset", torch.ones(4))
        self.whole = 7
        self.real = 0.5
        self.text = "text"
        self.flag = True
        self.names = ["a", "b"]
        self.table = {"one": 1, "two": 2}
        self.pair = (3, 4.5)
        self.maybe = None
        self.empty = []

    def forward(self, x: Tensor, n: int = 3, scale: Optional[float] = None) -> Tensor:
        y = twice(self.inner(x)) + self.again(x) + self.offset
        if n > 2:
            y = torch.add(y, 1, alpha=2)
        for i in range(n):
            y = y + i
        if scale is not None:
            y = y * scale
        return y

    @torch.jit.export
    def pairs(self, x: Tensor) -> Tuple[Pair, Dict[str, Tensor], List[Tensor]]:
        return Pair(x, 5), {"x": x}, [x, x + 1]

    @torch.jit.export
    def fail(self, x: Tensor) -> Tensor:
        return x.reshape(7, 11)


class Traced(nn.Module):
    """A traced network, with an input and what PyTorch made of it."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 5, 3, stride=2)
        self.norm = nn.BatchNorm2d(5)
        self.register_buffer("x", torch.rand(2, 3, 9, 9))
        self.register_buffer("y", torch.zeros(2, 5, 4, 4))

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.norm(self.conv(x)))


class Dtypes(nn.Module):
    def __init__(self):
        super().__init__()
        for name in (
            "float64 float32 float16 bfloat16 int64 int32 int16 int8 uint8 bool complex64"
        ).split():
            values = torch.tensor([1, 0, 1, 1]).to(getattr(torch, name))
            self.register_buffer("v_" + name, values)
        self.register_buffer("scalar", torch.tensor(2.5))
        self.register_buffer("nothing", torch.zeros(0, 3))
        self.register_buffer("turned", torch.arange(6.0).reshape(2, 3).t())
        self.register_buffer("tail", torch.arange(6.0)[2:])
        self.register_buffer(
            "quantized", torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8)
        )

    def forward(self, x: Tensor) -> Tensor:
        return x


def main(folder):
    torch.manual_seed(1)
    os.makedirs(folder, exist_ok=True)

    def path(name):
        return os.path.join(folder, name)

    torch.jit.script(Walk()).save(path("walk.pt"))  # saved in training mode
    traced = Traced().eval()
    with torch.no_grad():
        traced.y.copy_(traced(traced.x))
    torch.jit.trace(traced, traced.x.clone()).save(path("traced.pt"))
    torch.jit.script(Dtypes()).save(path("dtypes.pt"))
    torch.save({"a": torch.ones(2)}, path("state_dict.pt"))
    with open(path("traced.pt"), "rb") as f:
        data = f.read()
    with open(path("truncated.pt"), "wb") as f:
        f.write(data[: len(data) // 2])
    with open(path("text.pt"), "w") as f:
        f.write("This is not a model.\n")
    open(path("empty.pt"), "w").close()


main(sys.argv[1])
