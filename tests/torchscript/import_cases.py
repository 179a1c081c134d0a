#!/usr/bin/env python3
"""Small TorchScript files for test_import.c: one expression each, traced and compiled.

    import_cases.py DIR

writes DIR/N.pt, N.in.safetensors, N.out.safetensors, N.bounds (a line per output: how far its
elements may be off) and DIR/manifest with one line "N how text" per case. A case is the body of forward(self, x, y, ...); what this PyTorch
cannot compile or trace is left out."""
import copy
import math
import os
import sys
import warnings

import torch

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
import bounds  # noqa: E402
import complex_cases
import linalg_cases
import module_cases
import operator_cases
import parity_cases
import sequence_cases
from models import flat, save_safetensors

warnings.filterwarnings("ignore")
G = torch.Generator().manual_seed(7)


def F(*shape, dtype=torch.float32):
    return (torch.randn(shape, generator=G) * 2).to(dtype)


def P(*shape):  # positive
    return torch.rand(shape, generator=G) + 0.1


def U(*shape):  # inside -1..1
    return torch.rand(shape, generator=G) * 1.8 - 0.9


def I(*shape, low=-5, high=6, dtype=torch.int64):
    return torch.randint(low, high, shape, generator=G).to(dtype)


def B(*shape):
    return torch.rand(shape, generator=G) > 0.5


SPECIAL = torch.tensor([0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.5, -2.5, 1e-3, 30.0, -30.0,
                        100.0, -100.0, math.inf, -math.inf, math.nan])
DIVIDENDS = torch.tensor([-7, -6, -1, 0, 1, 6, 7, 8])
DIVISORS = torch.tensor([2, -3, 3, 5, -1, 4, -2, 3])
CASES = []


def case(text, *inputs):
    CASES.append((text, inputs))


# ---- element-wise ----
for f in ("neg abs sign relu exp sin cos tan atan sinh cosh tanh asinh erf floor ceil round "
          "trunc sigmoid reciprocal square isnan isinf isfinite logical_not expm1 "
          "nan_to_num").split():
    case("torch.%s(x)" % f, SPECIAL)
    case("torch.%s(x)" % f, F(3, 4))
for f in "sqrt rsqrt log log1p log2 log10".split():
    case("torch.%s(x)" % f, P(3, 4))
    case("torch.%s(x)" % f, SPECIAL)
for f in "asin acos atanh erfinv logit".split():
    case("torch.%s(x)" % f, U(3, 4))
case("torch.acosh(x)", P(3, 4) + 1)
case("torch.special.ndtr(x)", F(5))
case("torch.special.ndtri(x)", P(5) / 2)
for f in "neg abs sign relu floor ceil round exp sin sqrt sigmoid square".split():
    case("torch.%s(x)" % f, I(3, 4, low=1))
for f in ("leaky_relu(x, 0.2)", "elu(x, 0.7)", "celu(x, 1.3)", "selu(x)", "gelu(x)",
          "gelu(x, approximate='tanh')", "softplus(x)", "softplus(x, 2.0, 5.0)", "silu(x)",
          "mish(x)", "hardtanh(x, -0.5, 0.7)", "relu6(x)", "hardswish(x)", "hardsigmoid(x)",
          "hardshrink(x)", "softshrink(x)", "logsigmoid(x)", "threshold(x, 0.1, 20.0)",
          "rrelu(x)", "tanhshrink(x)", "softsign(x)"):
    case("torch.nn.functional.%s" % f, F(3, 4))
    # what gelu and softshrink do with inf and NaN changed between PyTorch's versions
    case("torch.nn.functional.%s" % f, SPECIAL[:-3] if "gelu" in f or "shrink" in f else SPECIAL)
case("torch.nn.functional.glu(x, 1)", F(3, 6))
case("torch.nn.functional.prelu(x, y)", F(2, 3, 4), P(3))
case("torch.nn.functional.normalize(x)", F(3, 4))
case("torch.nn.functional.normalize(x, 1.0, 0)", F(3, 4))

# ---- promotion ----
KINDS = {"f32": F(2, 3), "i64": I(2, 3, low=1), "i32": I(2, 3, low=1, dtype=torch.int32),
         "u8": I(2, 3, low=1, dtype=torch.uint8), "i8": I(2, 3, low=1, dtype=torch.int8),
         "bool": B(2, 3), "f64": F(2, 3, dtype=torch.float64), "f16": F(2, 3).half(),
         "bf16": F(2, 3).bfloat16(), "f32_0": F(), "i64_0": I(low=1), "f64_0": F().double()}
for a in KINDS:
    for b in ("f32", "i64", "u8", "bool", "f16", "f32_0", "i64_0", "f64_0"):
        case("x + y", KINDS[a], KINDS[b])
    case("x * 2", KINDS[a])
    case("x + 1.5", KINDS[a])
    case("x / 2", KINDS[a])
    case("x == y", KINDS[a], KINDS["f32"])
case("x * True", I(3))
case("torch.add(x, y, alpha=2)", F(3), F(3))
case("torch.add(x, y, alpha=3)", I(3), I(3))
case("torch.sub(x, y, alpha=0.5)", F(3), F(3))
case("torch.rsub(x, 4, alpha=2)", F(3))
case("torch.rsub(x, y)", F(3), F(3))
case("2 - x", I(3))
case("1.0 / x", P(3))
case("torch.div(x, y)", DIVIDENDS, DIVISORS)
for mode in ("trunc", "floor"):
    case("torch.div(x, y, rounding_mode='%s')" % mode, DIVIDENDS, DIVISORS)
    case("torch.div(x, y, rounding_mode='%s')" % mode, F(4, 4), F(4, 4))
    case("torch.div(x, 3, rounding_mode='%s')" % mode, DIVIDENDS)
    case("torch.div(x, y, rounding_mode='%s')" % mode, I(9, low=0, high=200,
                                                         dtype=torch.uint8),
         I(9, low=1, dtype=torch.uint8))
case("x // y", DIVIDENDS, DIVISORS)
case("torch.remainder(x, y)", DIVIDENDS, DIVISORS)
case("torch.fmod(x, y)", DIVIDENDS, DIVISORS)
case("torch.remainder(x, y)", F(9), F(9))
case("torch.fmod(x, y)", F(9), F(9))
case("torch.remainder(x, 3)", DIVIDENDS)
for e in ("2", "3", "0.5", "-0.5", "-1", "-2", "0", "1", "4", "1.7"):
    case("torch.pow(x, %s)" % e, P(6))
for e in ("2", "3", "0", "1"):
    case("x ** %s" % e, I(5))
    case("x ** %s" % e, F(5))
case("torch.pow(x, y)", P(5), F(5))
case("torch.pow(2, x)", F(5))
for op in ("<", "<=", ">", ">=", "==", "!="):
    case("x %s y" % op, I(9), I(9))
    case("x %s y" % op, SPECIAL, SPECIAL.flip(0))
    case("x %s 1.0" % op, I(9))
for f in "maximum minimum".split():
    case("torch.%s(x, y)" % f, SPECIAL, SPECIAL.roll(3))
    case("torch.%s(x, y)" % f, F(3, 1), I(4))
case("torch.max(x, y)", F(3), F(3))
for f in "logical_and logical_or logical_xor".split():
    case("torch.%s(x, y)" % f, I(6, low=-1, high=2), F(6).round())
for op in "&|^":
    case("x %s y" % op, B(6), B(6))
case("~x", B(6))
case("~x", I(6))
case("torch.clamp(x, -1, 1)", F(6))
case("torch.clamp(x, min=0)", I(6))
case("torch.clamp(x, min=0.5)", I(6))
case("torch.clamp(x, max=0.5)", SPECIAL)
case("torch.clamp(x, y, z)", F(6), F(6) - 2, F(6) + 2)
case("torch.where(x, y, z)", B(3, 4), F(4), F(3, 1))
case("torch.where(x, y, z)", B(3), F(3), I(3))
case("torch.where(x > 0, x, torch.tensor(0.0))", F(4))
case("torch.addcmul(x, y, z, value=0.5)", F(3), F(3), F(3))
case("torch.addcdiv(x, y, z, value=2.0)", F(3), F(3), P(3))
case("torch.lerp(x, y, 0.3)", F(3), F(3))
case("x.to(torch.int64)", F(6))
case("x.to(torch.float16)", F(6))
case("x.bool()", F(6))
for text in ("torch.nonzero(x)", "torch.masked_select(x, x > 0)", "x[x > 0]", "x[:, x[0] > 0]",
             "torch.where(x > 0)[0]", "torch.unique(x.flatten())", "x[x > 9].sum() + x"):
    case(text, F(3, 2))
case("x.to(y)", I(6), F(2))
case("x.type_as(y)", F(6), I(2))
case("x.double().float()", F(6))

# ---- shapes ----
case("x.permute(2, 0, 1)", F(2, 3, 4))
case("x.permute(-1, 0, -2)", F(2, 3, 4))
case("x.transpose(0, -1)", F(2, 3, 4))
case("x.t()", F(2, 3))
case("x.t()", F(3))
case("x.mT", F(2, 3, 4))
case("x.movedim(0, -1)", F(2, 3, 4))
case("x.view(3, -1)", F(2, 3, 4))
case("x.view(x.size(0), -1)", F(2, 3, 4))
case("x / x.size(1) ** 0.5", F(2, 3))
case("x.transpose(0, 1).reshape(6, 4)", F(2, 3, 4))
case("x.reshape(-1)", F(2, 3, 4))
case("x.reshape([])", F(1, 1))
case("x.flatten()", F())
case("x.flatten(1)", F(2, 3, 4))
case("x.flatten(-2, -1)", F(2, 3, 4))
case("x.unflatten(1, [2, -1])", F(2, 6, 4))
case("x.squeeze()", F(1, 3, 1))
case("x.squeeze(0)", F(1, 3, 1))
case("x.squeeze(1)", F(1, 3, 1))
case("x.unsqueeze(-1)", F(2, 3))
case("x.unsqueeze(0)", F())
case("x[1]", F(3, 4))
case("x[-1, :, 1]", F(3, 4, 5))
case("x[:, 1:3]", F(3, 4))
case("x[:, -3:-1]", F(3, 4))
case("x[:, ::2]", F(3, 5))
case("x[:, 1::3]", F(3, 8))
case("x[-10:2]", F(4))
case("x[5:2]", F(8))
case("x[None, :, None]", F(4))
case("x[..., 0]", F(3, 4))
case("x.narrow(1, 1, 2)", F(3, 4))
case("x.select(1, -1)", F(3, 4))
case("x.split(2, 1)", F(3, 5))
case("x.split([1, 4], 1)", F(3, 5))
case("x.chunk(3, 1)", F(3, 7))
case("x.unbind(1)", F(3, 2))
case("x.expand(4, 3, -1)", F(3, 1) * 1)
case("x.expand_as(y)", F(3, 1), F(2, 3, 4))
case("x.repeat(2, 1, 3)", F(2, 3))
case("x.repeat_interleave(2, 1)", F(2, 3))
case("x.repeat_interleave(3)", F(2, 3))
case("torch.tile(x, [2])", F(2, 3))
case("x.unfold(1, 3, 2)", F(2, 8, 3))
case("torch.as_strided(x, [2, 3, 2], [1, 2, 3])", F(4, 4))
case("torch.as_strided(x, [x.size(0), 2], [x.size(1), 2], 1)", F(3, 5))
case("torch.as_strided(x, [x.size(0), 1, x.size(1)], [x.size(1), 7, 1])", F(3, 5))
case("torch.diagonal(x, 1, 0, 2)", F(3, 2, 5))
for offset in (5, -3, 9223372036854775807, -9223372036854775807):  # beyond all corners
    case("torch.diagonal(x, %d, 0, 2)" % offset, F(3, 2, 5))
case("torch.cat([x, y], 1)", F(2, 3), F(2, 4))
case("torch.cat([x, y], -1)", F(2, 3), I(2, 4))
case("torch.cat([x, y])", torch.zeros(0), F(2, 4))
case("torch.stack([x, y], 1)", F(2, 3), F(2, 3))
case("torch.stack([x, y], -1)", F(2, 3), F(2, 3))
case("torch.meshgrid([x, y], indexing='ij')", F(2), F(3))
case("torch.meshgrid([x, y], indexing='xy')", F(2), F(3))
case("torch.roll(x, [1, -2], [0, 1])", F(3, 5))
case("torch.roll(x, 4)", F(3, 5))
case("torch.flip(x, [0, -1])", F(3, 5))
case("torch.tril(x)", F(4, 4))
case("torch.triu(x, 1)", F(2, 3, 4))
case("torch.broadcast_tensors(x, y)", F(3, 1), F(4))
for mode in ("constant", "reflect", "replicate", "circular"):
    case("torch.nn.functional.pad(x, [2, 1], mode='%s')" % mode, F(2, 3, 5))
    case("torch.nn.functional.pad(x, [2, 1, 0, 3], mode='%s')" % mode, F(2, 3, 5, 6))
case("torch.nn.functional.pad(x, [1, 2, 3, 0], value=1.5)", F(3, 4))
case("torch.nn.functional.pad(x, [-1, 2, 1, -2])", F(3, 4))
case("torch.nn.functional.pad(x, [1, 1])", I(3))
case("torch.nn.functional.pixel_shuffle(x, 2)", F(2, 8, 3, 4))
case("torch.nn.functional.pixel_unshuffle(x, 2)", F(2, 2, 6, 4))
case("torch.channel_shuffle(x, 2)", F(2, 6, 3, 3))

# ---- reductions ----
for f in "sum prod mean amax amin".split():
    case("torch.%s(x)" % f if f[0] != "a" else "torch.%s(x, dim=[0, 1])" % f, F(3, 4))
    case("torch.%s(x, dim=1)" % f if f == "prod" else "torch.%s(x, dim=[1])" % f, F(3, 4))
    case("torch.%s(x, dim=%s, keepdim=True)" % (f, "-1" if f == "prod" else "[-1]"),
         F(3, 4))
case("torch.sum(x, dim=[0, 2])", F(2, 3, 4))
case("torch.sum(x)", I(3, dtype=torch.int8))
case("torch.sum(x, dim=0)", B(3, 2))
case("torch.sum(x, dim=0, dtype=torch.float32)", I(3, 2))
case("torch.mean(x, dim=[0], dtype=torch.float64)", F(3, 2))
case("torch.prod(x)", I(3, dtype=torch.int32))
case("torch.max(x)", SPECIAL)
case("torch.min(x)", I(5))
case("torch.max(x, 1)", F(3, 4))
case("torch.min(x, 0, True)", F(3, 4))
case("torch.argmax(x)", F(3, 4))
case("torch.argmax(x, None, True)", F(1, 2, 1, 1, 2, 1, 1, 1, 3))
case("torch.argmax(x, 1)", torch.tensor([[1.0, 3.0, 3.0], [2.0, 2.0, 1.0]]))
case("torch.argmin(x, 0, True)", F(3, 4))
case("torch.any(x)", B(3))
case("torch.any(x, 1)", B(3, 4))
case("torch.all(x, 0)", B(3, 4))
case("torch.all(x)", I(3))
case("torch.softmax(x, 1)", F(3, 4))
case("torch.softmax(x, -1, torch.float64)", F(3, 4))
case("torch.log_softmax(x, 0)", F(3, 4) * 30)
case("torch.logsumexp(x, [1])", F(3, 4))
case("torch.var(x)", F(3, 4))
case("torch.var(x, False)", F(3, 4))
case("torch.var(x, [1], True, True)", F(3, 4))
case("torch.std(x, [0], False)", F(3, 4))
case("torch.var_mean(x, [1])", F(3, 4))
case("torch.norm(x, 2.0, [1])", F(3, 4))
case("torch.linalg.vector_norm(x, 3.0, [1], True)", F(3, 4))
case("torch.linalg.norm(x)", F(3, 4))
case("torch.cumsum(x, 1)", F(3, 4))
case("torch.cumsum(x, 0)", B(3, 4))
case("torch.cumprod(x, -1)", F(3, 4))
case("torch.diff(x)", F(3, 4))
case("torch.sort(x, -1)", F(3, 4))
case("torch.sort(x, dim=0, descending=True)", F(3, 4))
case("torch.argsort(x, 1)", F(3, 4))
case("torch.topk(x, 2, 1)", F(3, 5))
case("torch.topk(x, 2, 1, False)", F(3, 5))
case("torch.median(x, 1)", F(3, 4))
case("torch.nn.functional.cosine_similarity(x, y)", F(3, 4), F(3, 4))
case("torch.nn.functional.pairwise_distance(x, y)", F(3, 4), F(3, 4))

# ---- factories ----
case("torch.arange(x.size(0)) + x", F(5))
case("torch.arange(0, 10, 3) + x", I(1))
case("torch.arange(1.0, 2.0, 0.25) + x", F(1))
case("torch.arange(5, 0, -2) + x", I(1))
case("torch.zeros(2, x.size(1)) + x", F(2, 3))
case("torch.full([2, 3], 1.5) + x", F(3))
case("torch.ones_like(x)", I(3))
case("x.new_zeros(2, 3)", F(1))
case("torch.linspace(0.0, 1.0, 5) + x", F(1))
case("torch.eye(3) + x", F(1))
case("torch.tensor([1, 2, 3]) + x", F(3))
case("x + torch.tensor(2.5)", F(3))

# ---- positions ----
case("x[y]", F(5, 3), I(4, low=-5, high=5))
case("x[:, y]", F(3, 5), I(2, 2, low=-5, high=5))
case("x[y, z]", F(4, 5, 2), I(3, low=0, high=4), I(3, low=0, high=5))
case("x[y, :, z]", F(4, 2, 5), I(3, low=0, high=4), I(3, low=-5, high=5))
case("x[:, y, z]", F(2, 4, 5), I(3, 1, low=0, high=4), I(2, low=0, high=5))
case("torch.index_select(x, 1, y)", F(3, 5), I(4, low=0, high=5))
case("torch.gather(x, 1, y)", F(3, 5), I(3, 2, low=0, high=5))
case("torch.gather(x, 0, y)", F(3, 5), I(2, 4, low=0, high=3))
case("torch.nn.functional.embedding(x, y)", I(2, 3, low=0, high=5), F(5, 4))
case("torch.nn.functional.one_hot(x, 6)", I(2, 3, low=0, high=6))
case("torch.masked_fill(x, y, -1.0)", F(3, 4), B(4))
case("torch.scatter(x, 1, y, z)", F(3, 5), torch.tensor([[0, 2], [1, 4]]), F(2, 2))
case("torch.scatter(x, 1, y, 2.0)", F(3, 5), torch.tensor([[0, 2], [1, 4]]))
case("torch.scatter_add(x, 0, y, z)", F(3, 5), I(2, 4, low=0, high=3), F(3, 5))
case("torch.index_add(x, 1, y, z, alpha=2)", F(3, 5), I(4, low=0, high=5), F(3, 4))
case("torch.index_copy(x, 0, y, z)", F(4, 5), torch.tensor([2, 0]), F(2, 5))
case("torch.index_fill(x, 0, y, 6.0)", F(4, 5), torch.tensor([2, 0]))
case("torch.index_put(x, [y], z, True)", F(4, 2), I(6, low=-4, high=4), F(6, 2))
case("x.masked_scatter(y, z)", F(3, 4), B(3, 4), F(12))

# ---- in place and views ----
case("y = x.clone()\ny += 1\nreturn y", F(3))
case("y = x * 1\nz = y[1]\nz.mul_(2)\nreturn y", F(3, 4))
case("y = x * 1\ny[:, 1:3] = 0\nreturn y", F(3, 4))
case("y = x * 1\ny[:, ::2] = 7.0\nreturn y", F(3, 5))
case("y = x * 1\ny[0] = y[1]\nreturn y", F(3, 4))
case("y = x * 1\ny.t()[0] = 5.0\nreturn y", F(3, 4))
case("y = x * 1\nz = y.view(-1)\nz[3:6].add_(10)\nreturn y, z", F(3, 4))
case("y = x * 1\nz = y[:, 0]\ny.mul_(3)\nreturn z", F(3, 4))
case("y = x * 1\nz = y.transpose(0, 1).reshape(-1)\nz.zero_()\nreturn y", F(3, 4))
case("y = x * 1\nz = y.reshape(-1)\nz.fill_(2.0)\nreturn y", F(3, 4))
case("z = torch.zeros(3, 4)\nz[:, :2].copy_(x)\nreturn z", F(3, 2))
case("z = torch.zeros(3, 4)\nz.copy_(x)\nreturn z", I(4))
case("z = x.clone()\nz[y] = 9.0\nreturn z", F(5, 2), torch.tensor([1, -1]))
case("z = x.clone()\nz[y] = 0.0\nreturn z", F(3, 4), B(3, 4))
case("v = x.clone()\nv[:, y] = z\nreturn v", F(3, 5), torch.tensor([1, 3]), F(2))
case("z = x.clone()\nz.masked_fill_(y, -1.0)\nreturn z", F(3, 4), B(3, 4))
case("z = torch.relu_(x + 0)\nz.sigmoid_().clamp_(0.5, 0.7)\nreturn z", F(3, 4))
case("y = x + 0\nfor i in range(3):\n    y[i] = y[i] * i + 1\nreturn y", F(3, 2))
case("a, b = (x + 0).chunk(2)\na += b\nreturn a, b", F(4, 2))
case("y = x + 0\na, b = y.split(2)\na += b\nreturn y", F(4, 2))
case("y = x.expand(3, 4) + 0\ny[1, 1:3] *= 2\nreturn y", F(4))
case("y = x + 0\ny.unsqueeze(0).squeeze().neg_()\nreturn y", F(4))

# ---- control flow, containers ----
case("y = x\nfor i in range(4):\n    if i % 2 == 0:\n        y = y + i\n"
     "    else:\n        y = y * i\nreturn y", F(3))
case("y = [x, x + 1]\ny.append(x * 2)\nreturn torch.cat(y[1:])", F(3))
case("i = 0\nwhile i < 3:\n    x = x * 2\n    i += 1\nreturn x", F(3))
case("return {'a': x, 'b': (x + 1, [x * 2])}", F(3))
case("return x, None, 3, 'text', 1.5", F(3))
case("if x.dim() == 2 and x.shape[1] > 3:\n    return x + 1\nreturn x", F(3, 4))
case("n = x.shape[0] * x.shape[1] // 2\nreturn x.reshape(n, 2)", F(3, 4))
case("h = int(x.shape[0] * 1.5)\nreturn x.new_ones(h)", F(3, 4))
case("s = x.size()\nreturn x.view(s[0], s[1] * s[2]) + len(s)", F(2, 3, 4))
case("return x * float(x.numel()) + x.shape[-1] / 3", F(2, 3))

# ---- contractions ----
case("x @ y", F(3, 4), F(4, 5))
case("x @ y", F(4), F(4))
case("x @ y", F(2, 3, 4), F(4))
case("x @ y", F(4), F(2, 4, 3))
case("x @ y", F(2, 1, 3, 4), F(5, 4, 2))
case("torch.mm(x, y)", F(3, 4), F(4, 5))
case("torch.bmm(x, y)", F(2, 3, 4), F(2, 4, 5))
case("torch.addmm(x, y, z, beta=0.5, alpha=2.0)", F(5), F(3, 4), F(4, 5))
case("torch.baddbmm(x, y, z)", F(2, 3, 5), F(2, 3, 4), F(2, 4, 5))
case("torch.outer(x, y)", F(3), F(4))
case("torch.nn.functional.linear(x, y, z)", F(2, 3, 4), F(5, 4), F(5))
case("torch.nn.functional.linear(x, y)", F(4), F(5, 4))
for e, s in (("ij,jk->ik", [(2, 3), (3, 4)]), ("bij,bjk->bik", [(2, 3, 4), (2, 4, 5)]),
             ("...ij,jk->...ik", [(2, 5, 3, 4), (4, 6)]), ("ii->i", [(3, 3)]),
             ("ij->", [(2, 3)]), ("i,j", [(2,), (3,)]), ("ij,jk,kl->il", [(2, 3), (3, 4), (4, 5)]),
             ("bcxd,bcyd->bcxy", [(2, 3, 4, 5), (2, 3, 6, 5)]), ("ijk->kji", [(2, 3, 4)]),
             ("...a,...a->...", [(2, 3), (4, 2, 3)])):
    names = "xyz"[:len(s)]
    case("torch.einsum('%s', [%s])" % (e, ", ".join(names)), *[F(*k) for k in s])
for d, sp in ((1, (9,)), (2, (9, 8)), (3, (6, 5, 4))):
    k = (3,) * d
    for args in ("", ", None, 2", ", z, 2, 1, 2", ", z, 1, 'same'", ", z, 1, 1, 1, 2"):
        g = 2 if args.endswith("1, 2") and "z, 1, 1" in args else 1
        case("torch.nn.functional.conv%dd(x, y%s)" % (d, args), F(2, 4, *sp),
             F(6, 4 // g, *k), *([F(6)] if "z" in args else []))
    case("torch.nn.functional.conv%dd(x, y)" % d, F(4, *sp), F(6, 4, *k))
    for args in ("", ", None, 2", ", z, 2, 1, 1", ", z, 2, 1, 1, 2", ", z, 1, 0, 0, 1, 2"):
        g = 2 if args in (", z, 2, 1, 1, 2", ) else 1
        case("torch.nn.functional.conv_transpose%dd(x, y%s)" % (d, args), F(2, 4, *sp),
             F(4, 6 // g, *k), *([F(6)] if "z" in args else []))
    for args in ("3", "3, 2", "3, 2, 1", "3, 2, 1, 1, True", "2, 3, 1, 1, True"):
        case("torch.nn.functional.max_pool%dd(x, %s)" % (d, args), F(2, 3, *sp))
    for args in ("3", "3, 2", "3, 2, 1", "3, 2, 1, True", "3, 2, 1, True, False"):
        case("torch.nn.functional.avg_pool%dd(x, %s)" % (d, args), F(2, 3, *sp))
    case("torch.nn.functional.adaptive_avg_pool%dd(x, %s)" % (d, [2, 3, 4][:d] if d > 1 else 2),
         F(2, 3, *sp))
    case("torch.nn.functional.adaptive_max_pool%dd(x, %s)" % (d, [1] * d if d > 1 else 1),
         F(2, 3, *sp))
    case("torch.nn.functional.batch_norm(x, y, z, w, v)", F(2, 4, *sp), F(4), P(4), F(4), F(4))
    case("torch.nn.functional.batch_norm(x, None, None, y, z, True)", F(2, 4, *sp), F(4), F(4))
    case("torch.nn.functional.instance_norm(x)", F(2, 4, *sp))
    case("torch.nn.functional.group_norm(x, 2, y, z)", F(2, 4, *sp), F(4), F(4))
    linear = ["linear", "bilinear", "trilinear"][d - 1]
    for mode in ("nearest", "nearest-exact", linear):
        case("torch.nn.functional.interpolate(x, scale_factor=2.0, mode='%s')" % mode,
             F(2, 2, *sp))
        case("torch.nn.functional.interpolate(x, size=%s, mode='%s')" % ([5, 7, 3][:d], mode),
             F(2, 2, *sp))
    case("torch.nn.functional.interpolate(x, scale_factor=1.7, mode='%s', align_corners=True)"
         % linear, F(2, 2, *sp))
case("torch.nn.functional.interpolate(x, scale_factor=1.5, mode='bicubic')", F(1, 2, 5, 6))
case("torch.nn.functional.unfold(x, [2, 3], 1, 1, 2)", F(2, 3, 7, 8))
case("torch.nn.functional.fold(x, [7, 8], [2, 3], 1, 1, 2)", F(2, 18, 16))
case("torch.nn.functional.layer_norm(x, [4], y, z, 1e-3)", F(2, 3, 4), F(4), F(4))
case("torch.nn.functional.layer_norm(x, [3, 4])", F(2, 3, 4))
case("torch.nn.functional.scaled_dot_product_attention(x, y, z)", F(2, 3, 4, 8),
     F(2, 3, 5, 8), F(2, 3, 5, 6))
case("torch.nn.functional.scaled_dot_product_attention(x, x, x, None, 0.0, True)",
     F(2, 3, 4, 8))
case("torch.nn.functional.scaled_dot_product_attention(x, x, x, y)", F(2, 3, 4, 8), B(4, 4))
complex_cases.add(case, F, P, I)
operator_cases.add(case, F, P, U, I, B, SPECIAL)
linalg_cases.add(case)
sequence_cases.add(case, F, P, I)
parity_cases.add(case, F, P, U, I, B, SPECIAL)
# Of axes whose sizes are symbols in test_at.c.
case("a, b = x.chunk(2, 1)\nreturn torch.cat([b, a], 1) + x, a", F(3, 7))
case("a, b = x.chunk(2, 1)\nreturn a * torch.sigmoid(b)", F(3, 6))
case("a, b, c = x.tensor_split(3, 1)\nreturn torch.cat([c, a, b], 1) - x, b", F(3, 8))
case("torch.arange(0, x.numel(), x.size(1)) + x[:, 0], torch.arange(x.size(0), 0, -x.size(1))",
     F(5, 3))


def module_case(module, *inputs):
    CASES.append((module, inputs))


module_cases.add(module_case, F)
sequence_cases.modules(module_case, F)
ARGUMENTS = "xyzwv"


# What cannot be imported, with one input f32[3,2], and words of the reason.
REFUSED = [
    ("torch.fake_quantize_per_tensor_affine(x, 0.1, 0, 0, 255)", "quantization"),
    # positions that are not computed: as an output, by an operator, written in place
    ("torch.embedding_bag(x, torch.arange(2), torch.zeros(1, dtype=torch.int64))[2]",
     "aten::embedding_bag, of which a result other than the first is used ("),
    ("torch.embedding_bag(x, torch.arange(2), torch.zeros(1, dtype=torch.int64))[2].shape[0] * x",
     "aten::embedding_bag, of which a result"),
    ("x.mul_(torch.embedding_bag(x, torch.arange(2), torch.zeros(1, dtype=torch.int64))[2][0])",
     "aten::embedding_bag, of which a result"),
] + linalg_cases.REFUSED + sequence_cases.REFUSED


def body(text):
    lines = text.split("\n") if "return " in text else ["return " + text]
    return "\n".join("        " + line for line in lines)


def classes(folder, cases):
    """A module file with one class per case: compiling needs source that can be read."""
    lines = ["import math", "from typing import Dict, List, Optional", "import torch",
             "from torch import Tensor"]
    for i, (text, inputs) in enumerate(cases):
        if not isinstance(text, str):
            continue
        arguments = "".join(", %s: Tensor" % a for a in ARGUMENTS[:len(inputs)])
        lines += ["class M%d(torch.nn.Module):" % i, "    def forward(self%s):" % arguments,
                  body(text)]
    with open(os.path.join(folder, "cases_source.py"), "w") as f:
        f.write("\n".join(lines) + "\n")
    sys.path.insert(0, folder)
    return __import__("cases_source")


def compiled(made, inputs):
    return torch.jit.script(made)


def traced(made, inputs):
    if isinstance(made, torch.jit.ScriptModule):
        raise TypeError("compiled already")
    copies = tuple(t.clone() for t in inputs)
    return torch.jit.trace(made, copies, check_trace=False, strict=False)


def in_f64(made, inputs):
    """Asks the module's operators from Python, as a graph names the dtypes it was traced
    with."""
    kinds = {t.dtype for t in inputs if t.is_floating_point()}
    if kinds != {torch.float32} or isinstance(made, torch.jit.ScriptModule):
        return []
    return flat(copy.deepcopy(made).double()(*[bounds.wide(t).clone() for t in inputs]))


def write(folder, cases, ways=lambda i: ("compiled", "traced"), refused=()):
    """ways(i): how case i is made into TorchScript. refused: as REFUSED, traced."""
    os.makedirs(folder, exist_ok=True)
    for name in os.listdir(folder):  # of an earlier run, when cases had other numbers
        if name.endswith(".refused"):
            os.remove(os.path.join(folder, name))
    torch.set_num_threads(1)
    source = classes(folder, cases + [(text, (None,)) for text, _ in refused])
    makers = {"compiled": compiled, "traced": traced}
    lines, skipped = [], 0
    for i, (text, inputs) in enumerate(cases):
        module = None if isinstance(text, str) else text
        if module is not None:
            text = getattr(module, "original_name", type(module).__name__)
        made = module or getattr(source, "M%d" % i)().eval()
        for how in ways(i):
            n = str(len(lines))
            stem = os.path.join(folder, n)
            try:
                with torch.no_grad():
                    torch.jit.save(makers[how](made, inputs).eval(), stem + ".pt")
                    loaded = torch.jit.load(stem + ".pt").eval()
                    result = bounds.all_better(flat(loaded(*[t.clone() for t in inputs])),
                                               lambda: in_f64(made, inputs))
                save_safetensors(stem + ".out.safetensors",
                                 {"out%d" % k: t for k, t in enumerate(result)})
            except Exception as e:
                if os.environ.get("TDAG_VERBOSE"):
                    why = [line for line in str(e).split("\n") if line.strip()]
                    print("left out: %s %r: %s" % (how, text, why[0] if why else e))
                skipped += 1
                continue
            with open(stem + ".bounds", "w") as f:
                f.writelines("%s\n" % bounds.of_largest(t).hex() for t in result)
            save_safetensors(stem + ".in.safetensors",
                             {"in%d" % k: t for k, t in enumerate(inputs)})
            lines.append("%s %s %s" % (n, how, text.replace("\n", "; ")))
    for i, (text, words) in enumerate(refused):
        n, made = str(len(lines)), getattr(source, "M%d" % (len(cases) + i))()
        torch.jit.save(torch.jit.trace(made.eval(), F(3, 2), check_trace=False),
                       os.path.join(folder, n + ".pt"))
        with open(os.path.join(folder, n + ".refused"), "w") as f:
            f.write(words + "\n")
        lines.append("%s refused %s" % (n, text))
    with open(os.path.join(folder, "manifest"), "w") as f:
        f.write("\n".join(lines) + "\n")
    print("%d cases, %d left out" % (len(lines), skipped))


if __name__ == "__main__":
    write(sys.argv[1], CASES, refused=REFUSED)
