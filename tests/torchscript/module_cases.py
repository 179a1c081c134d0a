"""Whole modules as cases of import_cases.py: what a body of forward alone cannot say."""
from typing import Dict, List, Optional

import torch
from torch import nn


class Shared(nn.Module):
    """One submodule under two names, lists and dicts of modules, iteration."""

    def __init__(self):
        super().__init__()
        self.a = nn.Linear(4, 4)
        self.b = self.a
        self.steps = nn.ModuleList([nn.Linear(4, 4), nn.ReLU(), self.a])
        self.heads = nn.ModuleDict({"x": nn.Linear(4, 2), "y": nn.Linear(4, 3)})
        self.blocks = nn.Sequential(nn.Sequential(nn.Linear(4, 4), nn.Tanh()), nn.Identity())
        self.scale: float = 0.5
        self.kind: str = "sum"

    def forward(self, x):
        y = self.a(x) + self.b(x)
        for i, step in enumerate(self.steps):
            y = step(y) * (i + 1)
        y = self.blocks(y) * self.scale
        outs: Dict[str, torch.Tensor] = {}
        for name, head in self.heads.items():
            outs[name] = head(y)
        if self.kind == "sum":
            outs["sum"] = y.sum()
        return outs


class Constant(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("table", torch.arange(12.0).reshape(3, 4))
        self.register_buffer("hidden", torch.ones(4) * 2, persistent=False)
        self.plain = torch.tensor([1.0, 2.0, 3.0, 4.0])
        self.none: Optional[torch.Tensor] = None
        self.sizes: List[int] = [1, 4]

    def forward(self, x):
        y = x * self.table[1] + self.hidden
        if self.none is not None:
            y = y * self.none
        return y.view(-1, self.sizes[1]) + self.plain


class Methods(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(4, 4)

    def half(self, x, n: int = 2):
        return self.inner(x)[:, : x.size(1) // n]

    def forward(self, x):
        return self.half(x) + self.half(x, n=2) * 2


class View(nn.Module):
    """Writes to a view of a parameter's product, never to the parameter."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.ones(3, 4))

    def forward(self, x):
        y = self.w * x
        y[0] += self.w[1]
        y.t()[1].mul_(2)
        return y


def add(module_case, F):
    torch.manual_seed(3)
    module_case(Shared(), F(2, 4))
    module_case(Constant(), F(3, 4))
    module_case(Methods(), F(2, 4))
    module_case(View(), F(3, 4))
    for make in (Shared, Constant, Methods, View):
        made = torch.jit.script(make().eval())
        inputs = (F(3, 4),)
        module_case(torch.jit.freeze(made), *inputs)
    conv = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(),
                         nn.Linear(4 * 16, 5)).eval()
    module_case(conv, F(2, 3, 6, 6))
    module_case(torch.jit.freeze(torch.jit.script(conv)), F(2, 3, 6, 6))
    with torch.no_grad():
        traced = torch.jit.trace(conv, F(2, 3, 6, 6))
    module_case(torch.jit.freeze(traced), F(2, 3, 6, 6))
