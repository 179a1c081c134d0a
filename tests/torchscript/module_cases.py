"""Whole modules as cases of import_cases.py: what a body of forward alone cannot say."""
import math
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


class Masked(nn.Module):
    """Attention in eval with the masks that its fast path takes: of padding and of future
    keys, bool, additive or a bias, alone and together; a padding mask alone makes an
    encoder's tensors nested."""

    def __init__(self, kind: str, padding: str, future: str):
        super().__init__()
        self.start = nn.Linear(16, 16)
        if kind.startswith("encoder"):
            layer = nn.TransformerEncoderLayer(16, 2, 24, batch_first=True,
                                               norm_first=kind == "encoder, norm first")
            self.part = nn.TransformerEncoder(layer, 2, nn.LayerNorm(16),
                                              enable_nested_tensor=kind == "encoder, nested",
                                              mask_check=False)
            self.forward = self.encoder
        else:
            self.part = nn.MultiheadAttention(16, 2, batch_first=True)
            self.forward = self.weighted if kind == "attention, weights" else self.attention
        self.padding, self.future = padding, future

    def masks(self, x, lengths):
        places = torch.arange(x.size(1))
        hide, none = torch.full((), -math.inf), torch.zeros(())
        padding: Optional[torch.Tensor] = None
        future: Optional[torch.Tensor] = None
        if self.padding != "":
            padding = places >= lengths[:, None]
            if self.padding == "additive":
                padding = torch.where(padding, hide, none)
        if self.future != "":
            future = places > places[:, None]
            if self.future == "additive":
                future = torch.where(future, hide, none)
            if self.future == "bias":
                future = (places - places[:, None]).clamp(0, 2) * 0.5
        return padding, future

    def encoder(self, x, lengths):
        padding, future = self.masks(x, lengths)
        return self.part(self.start(x), mask=future, src_key_padding_mask=padding)

    def attention(self, x, lengths):
        padding, future = self.masks(x, lengths)
        x = self.start(x)
        return self.part(x, x, x, attn_mask=future, key_padding_mask=padding,
                         need_weights=False)[0]

    def weighted(self, x, lengths):
        padding, future = self.masks(x, lengths)
        x = self.start(x)
        return self.part(x, x, x, attn_mask=future, key_padding_mask=padding)


class Sized(nn.Module):
    """Sizes, positions, branches and loops by numbers that buffers hold or make."""

    def __init__(self):
        super().__init__()
        self.register_buffer("kernel", torch.tensor(5))
        self.register_buffer("stride", torch.tensor([2.0, 3.0]))
        self.weight = nn.Parameter(torch.randn(4, 4, 5))

    def forward(self, x):
        left = self.kernel - self.stride.prod().floor().to(torch.int64) // 2
        total = int(self.kernel) - 1
        y = torch.nn.functional.pad(x, (int(left), total - int(left)))
        if bool(self.kernel > 3):
            y = y[:, :, int(self.kernel) // 4:]
        for i in range(int(self.stride.max())):
            y = y * (i + 1.5)
        if self.weight.abs().max().item() < 1e-9:
            y = y * 0.0
        return torch.nn.functional.conv1d(y, self.weight) * float(self.stride[1])


def masked(module_case, F):
    lengths = torch.tensor([5, 3, 1])
    forms = (("bool", ""), ("additive", ""), ("", "bool"), ("", "additive"), ("", "bias"),
             ("bool", "bool"))
    for kind in ("encoder, nested", "encoder", "encoder, norm first", "attention",
                 "attention, weights"):
        for padding, future in forms:
            module_case(Masked(kind, padding, future).eval(), F(3, 5, 16), lengths)
    for kind in ("encoder, nested", "attention"):  # a row of which nothing is there
        module_case(Masked(kind, "bool", "").eval(), F(3, 5, 16), torch.tensor([5, 0, 1]))
    beyond = F(3, 5, 16)
    beyond[1, 4] = math.nan
    module_case(Masked("encoder, nested", "bool", "").eval(), beyond, lengths)


def sized(module_case, F):
    module_case(Sized().eval(), F(2, 4, 9))


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
    masked(module_case, F)
    sized(module_case, F)
