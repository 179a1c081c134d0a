"""Multiply-adds that a PyTorch model performs, counted from the shapes of the operators
that it dispatches. Nothing here comes from the library under test.

Operators that multiply and add count: convolutions, matrix products, attention, and a sum
over what a multiplication has just given. Run with gradients on, modules take their plain
paths (no fused encoder layer), so that each product is seen. A fused operator that comes
nevertheless and whose products are not known here is an error, not a zero."""
import math
import weakref

import torch
from torch.utils._python_dispatch import TorchDispatchMode


def conv(out, x, weight, bias, stride, padding, dilation, transposed, *rest):
    taps = math.prod(weight.shape[2:])
    # a weight is (C_out, C_in/groups, taps), transposed (C_in, C_out/groups, taps)
    return (x.numel() if transposed else out.numel()) * weight.shape[1] * taps


def product(out, a, b, *rest):
    return out.numel() * a.shape[-1]


def added_product(out, c, a, b, *rest):
    return product(out, a, b)


def added_batch(out, c, a, b, *rest):
    return a.shape[0] * a.shape[1] * a.shape[2] * b.shape[2]


def attention(out, q, k, v, *rest):
    rows = math.prod(q.shape[:-1])  # a key has q's width, a result v's
    return rows * k.shape[-2] * (q.shape[-1] + v.shape[-1])


def bilinear(out, x, weight, y, *rest):
    # per row and output feature: x · weight[o] gives a vector, then its product with y
    o, i, j = weight.shape
    return math.prod(x.shape[:-1]) * o * (i + 1) * j


def recurrent(out, x, w_ih, w_hh, *rest):
    return x.shape[0] * x.shape[1] * (w_ih.numel() + w_hh.numel())  # per step and row


FORMULAS = {
    "convolution": conv, "_convolution": conv, "mm": product, "bmm": product,
    "mv": product, "dot": product, "addmm": added_product, "baddbmm": added_product,
    "addmv": added_product, "addbmm": added_batch, "_trilinear": bilinear,
    "_addmm_activation": added_product, "mkldnn_rnn_layer": recurrent,
    "_scaled_dot_product_flash_attention_for_cpu": attention,
    "_scaled_dot_product_efficient_attention": attention,
    "_scaled_dot_product_flash_attention": attention,
}
FUSED = ("conv", "attention", "transformer", "lstm", "gru", "rnn", "linear", "mkldnn",
         "matmul", "cdist")
HARMLESS = ("upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d")


class Unknown(Exception):
    pass


class Counter(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.macs = 0
        self.products = {}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        name = str(func).split(".")[1]
        if name in FORMULAS:
            first = out[0] if isinstance(out, (tuple, list)) else out
            self.macs += FORMULAS[name](first, *args)
        elif name == "mul" and isinstance(args[1], torch.Tensor) and args[1].dim():
            self.products[id(out)] = weakref.ref(out)
        elif name == "sum" and self.products.get(id(args[0]), lambda: None)() is args[0]:
            self.macs += args[0].numel()
        elif name not in HARMLESS and any(word in name for word in FUSED):
            raise Unknown("macs.py cannot count " + str(func))
        return out


def count(model, inputs):
    """The multiply-adds of model(*inputs); the model is in eval mode."""
    try:
        with torch.enable_grad(), Counter() as counter:
            model(*inputs)
    except RuntimeError:  # it overwrites what a gradient would need
        with torch.no_grad(), Counter() as counter:
            model(*inputs)
    return counter.macs
