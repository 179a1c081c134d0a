#!/usr/bin/env python3
"""Random operators, shapes, attributes and values as cases of test_import.c.

    fuzz_operators.py DIR [--seed S] [--count N] [--only FAMILY,...]

writes what import_cases.py writes, for N draws. The seed is printed; the same seed draws
the same cases with the same PyTorch. A draw that PyTorch refuses is left out. With
TDAG_TEST_FUZZ=1 test_import counts and lists what the library refuses as unsupported;
every other difference fails."""
import argparse
import math
import random

import torch

from import_cases import write

NN = "torch.nn.functional."
FLOATS = (torch.float32,) * 4 + (torch.float64, torch.float16, torch.bfloat16)
INTS = (torch.int64, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)
SPECIAL = (0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, -2.5, math.inf, -math.inf, math.nan, 1e-40,
           -1e-42, 3e38, 100.0, -100.0, 2.0, -3.0)
R = random.Random()


def pick(*options):
    return R.choice(options)


def chance(p):
    return R.random() < p


def shape(low=0, high=4, least=1):
    """least: the smallest dimension of most shapes; some have zeros all the same."""
    sizes = [R.choice((1, 2, 3, 4, 5)) for _ in range(R.randint(low, high))]
    if sizes and least == 0 and chance(0.12):
        sizes[R.randrange(len(sizes))] = 0
    return [max(s, least) for s in sizes]


def floats(sizes, dtype=torch.float32, special=0.0):
    t = torch.randn(sizes, generator=G) * 2
    if special:
        mask = torch.rand(sizes, generator=G) < special
        t = torch.where(mask, torch.tensor([R.choice(SPECIAL) for _ in range(t.numel())])
                        .reshape(sizes), t)
    return t.to(dtype)


def ints(sizes, dtype=torch.int64, low=-6, high=7):
    if dtype == torch.uint8:
        low = max(low, 0)
    return torch.randint(low, high, sizes, generator=G).to(dtype)


def bools(sizes, p=0.5):
    return torch.rand(sizes, generator=G) < p


def values(sizes, special=0.3, kinds="fib"):
    kind = R.choice(kinds)
    if kind == "f":
        return floats(sizes, R.choice(FLOATS), special if chance(0.5) else 0)
    if kind == "i":
        return ints(sizes, R.choice(INTS))
    return bools(sizes)


def broadcastable(sizes):
    """Another shape that broadcasts with this one."""
    other = [1 if chance(0.3) else s for s in sizes]
    return other[R.randint(0, len(other)):] if chance(0.3) else other


def axis(rank):
    return R.randint(-max(rank, 1), max(rank, 1) - 1)


def axes(rank, least=0):
    n = R.randint(min(least, rank), rank)
    return [a - rank if chance(0.5) else a for a in R.sample(range(rank), n)]


def scalar(kind=None):
    kind = kind or pick("i", "f", "f", "b")
    if kind == "i":
        return str(R.choice((-3, -2, -1, 0, 1, 2, 3, 7)))
    if kind == "f":
        return R.choice(("-2.5", "-1.0", "-0.5", "0.0", "0.5", "1.0", "1.5", "2.0", "3.0"))
    return pick("True", "False")


def dtype(names="float32 float64 int64 int32 float16 bfloat16 bool uint8"):
    return "torch." + R.choice(names.split())


def nonzero(t):
    return t if t.dtype.is_floating_point else torch.where(t == 0, torch.ones_like(t), t)


def tame(t):
    """Without quotients so large that x - y*floor(x/y) cannot be right."""
    if not t.dtype.is_floating_point:
        return t
    large = (t.abs() > 1e6) | ((t.abs() < 1e-3) & (t != 0))
    return torch.where(large & t.isfinite(), torch.ones_like(t), t)


# ---- element-wise ----
def unary():
    f = R.choice(
        "neg abs sign sgn relu exp exp2 expm1 log log1p log2 log10 sin cos tan asin acos atan "
        "sinh cosh tanh asinh acosh atanh erf erfinv sqrt rsqrt floor ceil round trunc frac "
        "sigmoid reciprocal square isnan isinf isfinite logical_not bitwise_not nan_to_num "
        "special.ndtr special.ndtri special.logit special.expit erfc deg2rad rad2deg signbit "
        "isposinf isneginf special.entr sinc digamma lgamma positive".split())
    return "torch.%s(x)" % f, [values(shape(0, 3, 0))]


def activation():
    f = R.choice((
        "leaky_relu(x, %s)" % scalar("f"), "elu(x, %s)" % scalar("f"), "celu(x, 1.3)",
        "selu(x)", "gelu(x)", "gelu(x, approximate='tanh')", "softplus(x, %s, %s)" % (
            pick("0.5", "1.0", "2.0"), pick("5.0", "20.0", "0.0")), "silu(x)", "mish(x)",
        "hardtanh(x, -0.5, %s)" % pick("0.7", "3.0"), "relu6(x)", "hardswish(x)",
        "hardsigmoid(x)", "hardshrink(x, %s)" % pick("0.5", "0.0", "1.5"),
        "softshrink(x, %s)" % pick("0.5", "0.0", "1.5"), "logsigmoid(x)",
        "threshold(x, %s, %s)" % (scalar("f"), scalar("f")), "rrelu(x, 0.1, 0.4)",
        "tanhshrink(x)", "softsign(x)", "relu(x)", "glu(x, %d)" % axis(2)))
    kinds = "f" if not f.startswith(("relu", "hardtanh", "threshold")) else "fi"
    rare = 0.3 if not f.startswith(("gelu", "softshrink", "hardshrink")) else 0
    sizes = [4, 6] if f.startswith("glu") else shape(0, 3, 0)
    return NN + f, [values(sizes, rare, kinds)]


def binary():
    sizes = shape(0, 3, 0)
    x, y = values(sizes), values(broadcastable(sizes))
    if chance(0.15):
        y = values([])
    op = R.choice(("add", "sub", "mul", "div", "maximum", "minimum", "fmax", "fmin", "lt", "le",
                   "gt", "ge", "eq", "ne", "logical_and", "logical_or", "logical_xor",
                   "remainder", "fmod", "floor_divide", "bitwise_and", "bitwise_or",
                   "bitwise_xor", "pow", "atan2", "hypot", "xlogy", "logaddexp", "copysign",
                   "float_power", "heaviside", "rsub", "true_divide", "max", "min",
                   "bitwise_left_shift", "bitwise_right_shift", "logaddexp2"))
    if op in ("remainder", "fmod", "floor_divide", "div"):
        y = nonzero(y)
    if op in ("remainder", "fmod"):
        x, y = tame(x), tame(y)
    if op == "pow" and not x.dtype.is_floating_point:
        y = y.abs() if y.dtype not in (torch.uint8, torch.bool) else y
    if "shift" in op:
        y = y.abs() if y.dtype != torch.bool else y
        return "torch.%s(x, y)" % op, [ints(list(x.shape)), y]
    alpha = ""
    if op in ("add", "sub", "rsub") and chance(0.5):
        alpha = ", alpha=" + scalar()
    if op == "div" and chance(0.7):
        alpha = ", rounding_mode=" + pick("'floor'", "'trunc'", "None")
    return "torch.%s(x, y%s)" % (op, alpha), [x, y]


def with_number():
    n = scalar()
    nonzero = scalar() if n in ("0", "False", "0.0") else n
    if nonzero in ("0", "False", "0.0"):
        nonzero = "3"
    op = R.choice(("x + N", "N + x", "x - N", "N - x", "x * N", "x / N", "N / x", "x // Z",
                   "x % Z", "x == N", "x < N", "x >= N", "torch.remainder(x, Z)",
                   "torch.fmod(x, Z)", "torch.pow(x, N)", "x ** N", "torch.pow(N, x)",
                   "torch.rsub(x, N, alpha=Z)", "torch.add(x, N, alpha=Z)", "x & N", "x | N",
                   "x ^ N", "torch.div(x, Z, rounding_mode='floor')",
                   "torch.div(x, Z, rounding_mode='trunc')", "torch.float_power(x, N)",
                   "torch.float_power(N, x)", "torch.xlogy(x, N)", "x.add_(N)", "x.mul_(N)",
                   "x.div_(Z)", "x.sub_(N)", "x.clamp_(N)", "torch.remainder(Z, x)"))
    x = values(shape(0, 3, 0))
    if (op.endswith(", x)") or op.startswith("N /")) and not x.dtype.is_floating_point:
        x = x.abs() + 1 if x.dtype != torch.bool else x
    if "remainder" in op or "fmod" in op or "%" in op:
        x = tame(x)
    if op == "torch.remainder(Z, x)":
        x = nonzero(x)
    if op.startswith("x.") and op.endswith(")") and "_(" in op:
        op = "y = x.clone()\n" + op.replace("x.", "y.") + "\nreturn y"
    return op.replace("N", n).replace("Z", nonzero), [x]


def choice():
    sizes = shape(0, 3, 0)
    x = values(sizes)
    f = R.choice(("clamp", "clamp1", "clampt", "where", "wheres", "addcmul", "addcdiv", "lerp",
                  "lerps", "masked_fill", "isclose", "nan_to_num", "clip_max"))
    if f == "clamp":
        return "torch.clamp(x, %s, %s)" % (scalar(), scalar()), [x]
    if f == "clamp1":
        return "torch.clamp(x, min=%s)" % scalar(), [x]
    if f == "clip_max":
        return "torch.clip(x, max=%s)" % scalar(), [x]
    if f == "clampt":
        y, z = values(broadcastable(sizes)), values(broadcastable(sizes))
        return pick("torch.clamp(x, y, z)", "torch.clamp(x, min=y)", "torch.clamp(x, max=z + y)"
                    ) .replace("z + y", "y"), [x, y, z]
    if f == "where":
        return "torch.where(x, y, z)", [bools(sizes), values(broadcastable(sizes)),
                                        values(broadcastable(sizes))]
    if f == "wheres":
        return pick("torch.where(x, y, %s)" % scalar(), "torch.where(x, %s, y)" % scalar(),
                    "torch.where(x, %s, %s)" % (scalar("f"), scalar("f"))), [
                        bools(sizes), values(broadcastable(sizes))]
    if f in ("addcmul", "addcdiv"):
        return "torch.%s(x, y, z, value=%s)" % (f, scalar()), [
            x, floats(broadcastable(sizes), x.dtype) if x.dtype.is_floating_point else
            ints(sizes, x.dtype if x.dtype != torch.bool else torch.int64), values(sizes)]
    if f == "lerp":
        x = floats(sizes, R.choice(FLOATS))
        return "torch.lerp(x, y, z)", [x, floats(sizes, x.dtype), floats(sizes, x.dtype)]
    if f == "lerps":
        x = floats(sizes, R.choice(FLOATS))
        return "torch.lerp(x, y, %s)" % scalar("f"), [x, floats(sizes, x.dtype)]
    if f == "masked_fill":
        return "x.masked_fill(y, %s)" % pick(scalar(), "float('-inf')"), [
            x, bools(broadcastable(sizes))]
    if f == "isclose":
        return "torch.isclose(x, y, equal_nan=%s)" % pick("True", "False"), [
            floats(sizes, special=0.3), floats(sizes, special=0.3)]
    return "torch.nan_to_num(x, %s, %s, %s)" % (scalar("f"), pick("None", "5.0"),
                                                pick("None", "-7.0")), [x]


def convert():
    x = floats(shape(0, 3, 0), R.choice(FLOATS)) if chance(0.5) else values(shape(0, 3, 0), 0)
    if x.dtype.is_floating_point:  # bytes of what is out of range depend on the processor
        x = x.abs()
    return pick("x.to(%s)" % dtype(), "x.type_as(y)", "x.float()", "x.half().float()", "x.long()",
                "x.int()", "x.bool()", "x.double()", "x.to(y)", "torch.zeros_like(x)",
                "torch.full_like(x, %s)" % scalar(), "torch.ones_like(x, dtype=%s)" % dtype(),
                "x.new_full([2, 3], %s)" % scalar(), "torch.full([2], %s)" % scalar(),
                "x.new_ones([2], dtype=%s)" % dtype(), "x.to(%s, copy=True)" % dtype(),
                "torch.result_type(x, y) == torch.float32", "x.bfloat16()",
                "torch.tensor([1.5, 2]) + x", "torch.scalar_tensor(3) + x",
                "torch.arange(%s, %s, %s) + x.sum()" % (pick("0", "1.5", "-3"), pick("7", "6.0"),
                                                        pick("1", "2", "0.75")),
                "torch.linspace(-1, %s, %d) + x.sum()" % (scalar("f"), R.randint(1, 5)),
                "torch.eye(3, %d) + x.sum()" % R.randint(1, 4)), [x, values([2])]


# ---- movement ----
def move():
    sizes = shape(0, 5, 0)
    rank = len(sizes)
    x = values(sizes, 0.1)
    a, b = axis(rank), axis(rank)
    order = R.sample(range(rank), rank)
    total = x.numel()
    cut = R.randint(0, rank)
    flat = sizes[:cut] + ([-1] if total or chance(0.1) else [0])
    reps = [R.randint(0, 3) for _ in range(rank + R.randint(0, 1))]
    n = sizes[a] if rank else 1
    text = R.choice((
        "x.permute(%s)" % [o - rank if chance(0.3) else o for o in order],
        "x.transpose(%d, %d)" % (a, b), "x.movedim(%d, %d)" % (a, b), "x.squeeze()",
        "x.squeeze(%d)" % a, "x.unsqueeze(%d)" % axis(rank + 1), "x.reshape(%s)" % flat,
        "x.view(%s)" % flat, "x.flatten(%d)" % a, "x.flatten(%d, %d)" % (min(a, b), max(a, b)),
        "x.unflatten(%d, [%s, -1])" % (a, pick("1", str(n))), "torch.t(x)", "x.mT",
        "torch.roll(x, %s, %s)" % ([R.randint(-7, 7), R.randint(-7, 7)], [a, b]),
        "torch.roll(x, %d)" % R.randint(-9, 9), "torch.flip(x, %s)" % axes(rank),
        "x.repeat(%s)" % reps, "torch.tile(x, %s)" % [R.randint(0, 3) for _ in range(2)],
        "x.repeat_interleave(%d)" % R.randint(0, 3),
        "x.repeat_interleave(%d, %d)" % (R.randint(0, 3), a),
        "x.expand(%s)" % ([R.randint(0, 3)] + [pick(-1, s) for s in sizes]),
        "x.unsqueeze(0).expand(%s)" % ([R.randint(0, 3)] + sizes),
        "torch.narrow(x, %d, %d, %d)" % (a, pick(0, -1, n // 2), pick(0, 1, n - n // 2)),
        "x.select(%d, %d)" % (a, R.randint(-n, max(n - 1, 0))),
        "x.unbind(%d)" % a, "x.chunk(%d, %d)" % (R.randint(1, 5), a),
        "x.split(%d, %d)" % (R.randint(1, 4), a), "torch.tensor_split(x, %d, %d)" % (
            R.randint(1, 5), a), "torch.tensor_split(x, [1, 3], %d)" % a,
        "x.unfold(%d, %d, %d)" % (a, R.randint(1, 3), R.randint(1, 3)),
        pick("torch.tril(x, %d)", "torch.triu(x, %d)") % R.randint(-2, 2) if rank > 1 else "x",
        "torch.diagonal(x, %d, %d, %d)" % (R.randint(-2, 2), a, b), "torch.rot90(x, %d)" %
        R.randint(-3, 5), "torch.diag(x, %d)" % R.randint(-1, 1), "torch.ravel(x)",
        "torch.atleast_%dd(x)" % R.randint(1, 3), "x.adjoint()", "torch.diag_embed(x)",
        "torch.squeeze(x).unsqueeze(0)", "torch.kron(x, x)", "torch.hsplit(x, 2)",
        "torch.swapaxes(x, %d, %d)" % (a, b), "torch.fliplr(x)", "x.T",
        "x.as_strided(%s, %s, %d)" % ([2, 2], [R.randint(0, 3), R.randint(0, 3)],
                                      R.randint(0, 2)), "x.contiguous().clone()")
    )
    return text, [x]


def slicing():
    sizes = shape(1, 4, 0)
    parts, used = [], 0
    while used < len(sizes) and chance(0.85):
        kind = R.random()
        if kind < 0.15:
            parts.append("None")
            continue
        if kind < 0.3:
            n = max(sizes[used], 1)
            parts.append(str(R.randint(-n, n - 1)))
        else:
            ends = [pick("", str(R.randint(-7, 7))) for _ in range(2)]
            step = pick("", "", ":", ":2", ":3")
            parts.append(ends[0] + ":" + ends[1] + step)
        used += 1
    if used < len(sizes) and chance(0.3):
        parts.append("...")
    parts = parts or ["..."]
    text = "x[%s]" % ", ".join(parts)
    if chance(0.35):
        text = "y = x.clone()\ny[%s] %s %s\nreturn y" % (", ".join(parts), pick(
            "=", "+=", "*="), pick(scalar("i"), "1"))
    return text, [values(sizes, 0.1)]


def joining():
    sizes = shape(0, 4, 0)
    rank = len(sizes)
    f = pick("cat", "stack", "cat", "hstack", "vstack", "dstack", "broadcast_tensors", "meshgrid",
             "column_stack", "block_diag", "cartesian_prod")
    if f in ("cat",) and rank:
        a = axis(rank)
        others = []
        for _ in range(2):
            other = list(sizes)
            other[a] = R.randint(0, 3)
            others.append(values(other, 0.1))
        if chance(0.1):
            others[0] = torch.zeros(0)
        return "torch.cat([x, y, z], %d)" % a, [values(sizes, 0.1)] + others
    if f == "stack" or not rank:
        return "torch.stack([x, y], %d)" % axis(rank + 1), [values(sizes, 0.1),
                                                             values(sizes, 0.1)]
    if f == "broadcast_tensors":
        return "torch.broadcast_tensors(x, y)", [values(sizes), values(broadcastable(sizes))]
    if f == "meshgrid":
        return "torch.meshgrid([x, y], indexing='%s')" % pick("ij", "xy"), [
            floats([R.randint(0, 3)]), floats([R.randint(1, 4)])]
    return "torch.%s([x, y])" % f, [values(sizes, 0.1), values(sizes, 0.1)]


def padding():
    d = R.randint(1, 3)
    sizes = shape(2, 2) + [R.randint(2, 6) for _ in range(d)]
    if chance(0.3):
        sizes = sizes[1:]
    mode = pick("constant", "reflect", "replicate", "circular")
    n = 2 * (R.randint(1, len(sizes)) if mode == "constant" else d)
    pads = [R.randint(-2, 3) if chance(0.5) else R.randint(0, 1) for _ in range(n)]
    if mode == "circular":  # PyTorch leaves some elements unset where it crops
        pads = [abs(p) for p in pads]
    value = ", value=%s" % pick("float('-inf')", "1.5", "float('nan')", "-3.0", "2") \
        if mode == "constant" and chance(0.6) else ""
    return NN + "pad(x, %s, mode='%s'%s)" % (pads, mode, value), [values(sizes, 0.1)]


# ---- reductions ----
def reduction():
    sizes = shape(0, 4, 0)
    rank = len(sizes)
    x = values(sizes, 0.2)
    keep = pick("True", "False")
    typed = ", dtype=%s" % dtype("float32 float64 int64 int32") if chance(0.4) else ""
    f = R.choice("sum prod mean amax amin max min argmax argmin any all softmax log_softmax "
                 "logsumexp var std var_mean std_mean norm vector_norm cumsum cumprod median sort "
                 "topk kthvalue argsort nansum aminmax count_nonzero cummax cummin "
                 "logcumsumexp mode quantile nanmean msort softmin".split())
    a = axis(rank)
    if f in ("sum", "mean", "nansum", "nanmean"):
        if chance(0.3):
            return "torch.%s(x%s)" % (f, typed), [x]
        return "torch.%s(x, %s, %s%s)" % (f, pick(axes(rank), axes(rank, 1), a), keep,
                                          typed), [x]
    if f == "prod":
        return pick("torch.prod(x%s)" % typed, "torch.prod(x, %d, %s%s)" % (a, keep, typed)), [x]
    if f in ("amax", "amin"):
        return "torch.%s(x, %s, %s)" % (f, pick(axes(rank), a), keep), [x]
    if f in ("max", "min", "any", "all", "argmax", "argmin", "median"):
        return pick("torch.%s(x)" % f, "torch.%s(x, %d, %s)" % (f, a, keep),
                    "torch.%s(x, dim=%d)" % (f, a)), [x]
    if f in ("softmax", "log_softmax", "softmin"):
        typed = ", dtype=%s" % dtype("float32 float64") if chance(0.4) else ""
        if not typed and not x.dtype.is_floating_point:
            x = floats(sizes)
        return "%s%s(x, %d%s)" % (NN, f, a, typed), [x]
    if f == "logsumexp":
        return "torch.logsumexp(x, %s, %s)" % (pick(axes(rank, 1), a), keep), [x]
    if f in ("var", "std", "var_mean", "std_mean"):
        x = floats(sizes, R.choice(FLOATS))
        return pick("torch.%s(x, unbiased=%s)" % (f, keep), "torch.%s(x, %s, %s, %s)" % (
            f, axes(rank, 1), keep, pick("True", "False")), "torch.%s(x, %s, correction=%d)" % (
                f, axes(rank, 1), R.randint(0, 3))), [x]
    if f == "norm":
        return "torch.norm(x, %s, %s, %s)" % (pick("1.0", "2.0", "3.0", "float('inf')", "0.0",
                                                   "-1.0", "float('-inf')"), axes(rank, 1),
                                              keep), [floats(sizes, R.choice(FLOATS))]
    if f == "vector_norm":
        return "torch.linalg.vector_norm(x, %s, %s, %s)" % (
            pick("1", "2", "3", "float('inf')", "0"), pick("None", axes(rank, 1)), keep), [
                floats(sizes, R.choice(FLOATS))]
    if f in ("cumsum", "cumprod"):
        return "torch.%s(x, %d%s)" % (f, a, typed), [x]
    if f in ("sort", "argsort"):
        return "torch.%s(x, dim=%d, descending=%s)" % (f, a, keep) if f == "sort" else \
            "torch.argsort(x, %d, %s)" % (a, keep), [distinct(sizes)]
    if f == "topk":
        return "torch.topk(x, %d, %d, %s)" % (R.randint(0, sizes[a] if rank else 1), a, keep), [
            distinct(sizes)]
    if f == "kthvalue":
        return "torch.kthvalue(x, %d, %d, %s)" % (R.randint(1, max(sizes[a] if rank else 1, 1)),
                                                  a, keep), [distinct(sizes)]
    if f == "aminmax":
        return "torch.aminmax(x, dim=%d, keepdim=%s)" % (a, keep), [x]
    if f == "count_nonzero":
        return "torch.count_nonzero(x, dim=%d)" % a, [x]
    if f == "quantile":
        return "torch.quantile(x, 0.3, dim=%d, keepdim=%s)" % (a, keep), [floats(sizes)]
    if f == "msort":
        return "torch.msort(x)", [distinct(sizes)]
    return "torch.%s(x, dim=%d)" % (f, a), [x]


def distinct(sizes):
    n = math.prod(sizes)
    t = torch.tensor(R.sample(range(-n, n + 1), n)).reshape(sizes)
    return t.to(pick(torch.float32, torch.int64, torch.float64, torch.int32))


# ---- positions ----
def indexing():
    sizes = shape(1, 4)
    rank = len(sizes)
    picked, inputs, names = [], [], iter("yzw")
    common = shape(0, 2)
    for s in sizes:
        kind = R.random()
        if kind < 0.45 and len(inputs) < 3:
            picked.append(next(names))
            inputs.append(ints(broadcastable(common), low=-s, high=s))
        elif kind < 0.55 and len(inputs) == 0:
            picked.append(next(names))
            inputs.append(bools([s]))
        elif kind < 0.65:
            picked.append(str(R.randint(-s, s - 1)))
        else:
            picked.append(pick(":", "1:", ":-1"))
        if chance(0.1):
            picked.append("None")
    where = ", ".join(picked)
    text = R.choice(("x[%s]", "v = x.clone()\nv[%s] = 5\nreturn v",
                     "v = x.clone()\nv[%s] += 2\nreturn v")) % where
    return text, [values(sizes, 0.1)] + inputs


def positions():
    sizes = shape(1, 3)
    rank = len(sizes)
    a = axis(rank)
    n = sizes[a]
    x = values(sizes, 0.1)
    smaller = [R.randint(0, s) for s in sizes]
    smaller[a] = R.randint(0, 4)
    index = ints(smaller, low=0, high=n)
    src = floats(sizes).to(x.dtype) if x.dtype != torch.bool else bools(sizes)
    src = src.expand(sizes) if smaller[a] <= n else torch.cat([src] * 5, a)
    line = ints([R.randint(0, 4)], pick(torch.int64, torch.int32), low=0, high=n)
    lines = list(sizes)
    lines[a] = line.numel()
    f = R.choice((
        ("torch.gather(x, %d, y)" % a, [x, index]),
        ("torch.take_along_dim(x, y, %d)" % a, [x, index]),
        ("torch.index_select(x, %d, y)" % a, [x, line]),
        ("torch.take(x, y)", [x, ints([3], low=-n, high=n)]),
        ("torch.scatter(x, %d, y, %s)" % (a, scalar()), [x, torch.arange(n)[:smaller[a]].reshape(
            [-1 if i == a % rank else 1 for i in range(rank)]).expand(
                [min(smaller[a], n) if i == a % rank else s for i, s in enumerate(smaller)])]),
        ("torch.scatter_add(x, %d, y, z)" % a, [x, index, src]),
        ("torch.scatter(x, %d, y, z, reduce='%s')" % (a, pick("add", "multiply")),
         [x, index, src]),
        ("torch.scatter_reduce(x, %d, y, z, '%s', include_self=%s)" % (
            a, pick("sum", "prod", "mean", "amax", "amin"), pick("True", "False")),
         [x, index, src]),
        ("torch.index_add(x, %d, y, z, alpha=%s)" % (a, scalar("i")),
         [x, line, floats(lines).to(x.dtype)]),
        ("torch.index_copy(x, %d, y, z)" % a, [x, torch.randperm(n, generator=G),
                                               floats(sizes).to(x.dtype)]),
        ("torch.index_fill(x, %d, y, %s)" % (a, scalar()), [x, line.long()]),
        ("torch.index_put(x, [y], z, %s)" % pick("True", "False"),
         [x, torch.randperm(sizes[0], generator=G), floats(sizes[1:]).to(x.dtype)]),
        ("torch.index_put(x, [y], z, True)", [x, ints([4], low=-sizes[0], high=sizes[0]),
                                              floats([4] + sizes[1:]).to(x.dtype)]),
        ("x.masked_scatter(y, z)", [x, bools(broadcastable(sizes)), src]),
        (NN + "one_hot(x, %d)" % (n + 2), [ints(sizes, low=0, high=n)]),
        (NN + "embedding(x, y%s)" % pick("", ", padding_idx=0", ", padding_idx=-1"),
         [ints(sizes, pick(torch.int64, torch.int32), low=0, high=4), floats([4, 3])]),
        ("torch.bucketize(x, y)", [floats(sizes), torch.tensor([-1.0, 0, 2])]),
        ("torch.searchsorted(y, x)", [floats(sizes), torch.tensor([-1.0, 0, 2])]),
        ("torch.slice_scatter(x, y, %d, 1, 3)" % a, [x, x.narrow(a % rank, 0, min(
            2, max(n - 1, 0)))]),
        ("torch.select_scatter(x, y, %d, %d)" % (a, R.randint(-n, n - 1)),
         [x, x.select(a % rank, 0)])))
    return f


# ---- contractions and windows ----
def contraction():
    m, k, n, b = (R.choice((0, 1, 2, 3, 4, 5)) if chance(0.2) else R.randint(1, 5)
                  for _ in range(4))
    t = R.choice((torch.float32,) * 4 + (torch.float64, torch.int64, torch.bfloat16))

    def M(*sizes):
        return floats(list(sizes), t) if t.is_floating_point else ints(list(sizes), t)
    batch = shape(0, 2)
    return R.choice((
        ("x @ y", [M(*batch, m, k), M(*broadcastable(batch), k, n)]),
        ("x @ y", [M(k), M(*batch, k, n)]), ("x @ y", [M(*batch, m, k), M(k)]),
        ("x @ y", [M(k), M(k)]), ("torch.mm(x, y)", [M(m, k), M(k, n)]),
        ("torch.bmm(x, y)", [M(b, m, k), M(b, k, n)]),
        ("torch.addmm(x, y, z, beta=%s, alpha=%s)" % (scalar("i"), scalar("i")),
         [M(*pick([m, n], [n], [1, n], [m, 1], [])), M(m, k), M(k, n)]),
        ("torch.baddbmm(x, y, z, beta=%s, alpha=%s)" % (pick("1", "2", "-3"), scalar("i")),
         [M(b, m, n), M(b, m, k), M(b, k, n)]),
        ("torch.addbmm(x, y, z)", [M(m, n), M(b, m, k), M(b, k, n)]),
        ("torch.addmv(x, y, z)", [M(m), M(m, k), M(k)]),
        ("torch.addr(x, y, z)", [M(m, n), M(m), M(n)]),
        ("torch.outer(x, y)", [M(m), M(n)]), ("torch.mv(x, y)", [M(m, k), M(k)]),
        ("torch.inner(x, y)", [M(*batch, k), M(n, k)]),
        ("torch.tensordot(x, y, 1)", [M(m, k), M(k, n)]),
        ("torch.tensordot(x, y, [[0, 2], [1, 0]])", [M(m, b, k), M(k, m, n)]),
        ("torch.chain_matmul(x, y)", [M(m, k), M(k, n)]),
        ("torch.linalg.multi_dot([x, y, z])", [M(m, k), M(k, n), M(n, b)]),
        ("torch.cross(x, y, dim=-1)", [M(m, 3), M(m, 3)]),
        ("torch.cdist(x, y)", [M(m, k), M(n, k)]), ("torch.trace(x)", [M(m, k)]),
        (NN + "linear(x, y, z)", [M(*batch, k), M(n, k), M(n)]),
        (NN + "linear(x, y)", [M(*batch, k), M(*pick((n, k), (k,)))]),
        (NN + "bilinear(x, y, z)", [M(b, m), M(b, k), M(n, m, k)]),
        einsum(M), einsum(M), einsum(M)))


def einsum(M):
    letters = "abcd"
    size = {c: R.randint(1, 4) for c in letters}
    ellipsis = chance(0.3)
    terms, inputs = [], []
    for _ in range(R.randint(1, 3)):
        term = "".join(R.choice(letters) for _ in range(R.randint(0 if ellipsis else 1, 3)))
        dims = [size[c] for c in term]
        if ellipsis:
            at = R.randint(0, len(term))
            extra = pick([], [2], [1, 2], [3, 2])
            inputs.append(M(*dims[:at], *extra, *dims[at:]))
            term = term[:at] + "..." + term[at:]
        else:
            inputs.append(M(*dims))
        terms.append(term)
    used = sorted(set("".join(terms)) - {"."})
    out = R.sample(used, R.randint(0, len(used)))
    equation = ", ".join(terms) if chance(0.2) else ",".join(terms)
    if chance(0.75):
        equation += " -> " if chance(0.2) else "->"
        equation += "".join(out[:1]) + ("..." if ellipsis and chance(0.8) else "") + "".join(
            out[1:])
    return "torch.einsum('%s', [%s])" % (equation, ", ".join("xyz"[:len(inputs)])), inputs


def per_axis(d, low, high):
    if chance(0.5):
        return str(R.randint(low, high))
    return str([R.randint(low, high) for _ in range(d)])


def convolution():
    d, groups = R.randint(1, 3), pick(1, 1, 2, 3)
    cin, cout = groups * R.randint(1, 2), groups * R.randint(1, 2)
    kernel = [R.randint(1, 3) for _ in range(d)]
    sizes = [R.randint(3, 8) for _ in range(d)]
    batch = [] if chance(0.2) else [R.choice((1, 1, 2, 3, 0))]
    t = pick(torch.float32, torch.float32, torch.float64)
    stride, dilation = per_axis(d, 1, 3), per_axis(d, 1, 3)
    if chance(0.55):
        pad = pick(per_axis(d, 0, 3), "'same'", "'valid'")
        if pad == "'same'":
            stride = "1"
        inputs = [floats(batch + [cin] + sizes, t), floats([cout, cin // groups] + kernel, t)]
        text = "conv%dd(x, y, %s, %s, %s, %s, %d)" % (d, "z", stride, pad, dilation, groups)
    else:
        inputs = [floats(batch + [cin] + sizes, t), floats([cin, cout // groups] + kernel, t)]
        text = "conv_transpose%dd(x, y, z, %s, %s, %s, %d, %s)" % (
            d, stride, per_axis(d, 0, 2), per_axis(d, 0, 2), groups, dilation)
    if chance(0.6):
        inputs.append(floats([cout], t))
    else:
        text = text.replace("x, y, z", "x, y, None")
    return NN + text, inputs


def pooling():
    d = R.randint(1, 3)
    sizes = ([] if chance(0.2) else [R.randint(1, 2)]) + [R.randint(1, 3)] + [
        R.randint(7, 9) if chance(0.4) else R.randint(4, 8) for _ in range(d)]
    t = pick(torch.float32, torch.float64, torch.bfloat16)
    kernel, stride, pad = per_axis(d, 1, 4), pick("None", per_axis(d, 1, 3)), per_axis(d, 0, 2)
    ceil = pick("True", "False")
    f = R.choice(("avg", "max", "max", "maxi", "adaptive_avg", "adaptive_max", "lp",
                  "adaptive_maxi"))
    if f == "avg":
        text = "avg_pool%dd(x, %s, %s, %s, %s, %s%s)" % (
            d, kernel, stride, pad, ceil, pick("True", "False"),
            ", divisor_override=%d" % R.randint(1, 5) if d > 1 and chance(0.4) else "")
    elif f in ("max", "maxi"):
        text = "max_pool%dd(x, %s, %s, %s, %s, %s, return_indices=%s)" % (
            d, kernel, stride, pad, per_axis(d, 1, 2) if min(sizes[-d:]) > 6 else 1, ceil,
            f == "maxi")
    elif f == "lp":
        text = "lp_pool%dd(x, 2.0, %s, %s, %s)" % (min(d, 2), kernel, stride, ceil)
    else:
        size = [pick("None", str(R.randint(1, 9))) if d > 1 else str(R.randint(1, 9))
                for _ in range(d)]
        text = "%s_pool%dd(x, [%s]%s)" % (f.replace("maxi", "max"), d, ", ".join(size),
                                        ", True" if f.endswith("i") else "")
    return NN + text, [floats(sizes, t, 0.05 if f == "max" else 0)]


def folding():
    k, s = [R.randint(1, 3) for _ in range(2)], [R.randint(1, 3) for _ in range(2)]
    p, dil = [R.randint(0, 2) for _ in range(2)], [R.randint(1, 2) for _ in range(2)]
    sizes = [R.randint(3, 8) for _ in range(2)]
    blocks = [(n + 2 * a - b * (c - 1) - 1) // e + 1 for n, a, b, c, e in
              zip(sizes, p, dil, k, s)]
    batch = [] if chance(0.3) else [R.randint(1, 2)]
    if chance(0.5):
        return NN + "unfold(x, %s, %s, %s, %s)" % (k, dil, p, s), [
            floats(pick([1], [2], batch or [1]) + [2] + sizes)]
    return NN + "fold(x, %s, %s, %s, %s, %s)" % (sizes, k, dil, p, s), [
        floats(batch + [2 * k[0] * k[1], max(blocks[0] * blocks[1], 0)])]


def resample():
    d = R.randint(1, 3)
    sizes = [R.randint(1, 2), R.randint(1, 2)] + [R.randint(1, 7) for _ in range(d)]
    linear = ["linear", "bilinear", "trilinear"][d - 1]
    mode = pick("nearest", "nearest-exact", linear, linear, "area", "bicubic" if d == 2 else linear)
    if mode.startswith("nearest"):  # of one channel 2n elements are i/2, whatever the scale
        sizes[1] = 3
        sizes[2:] = [max(n, 2) for n in sizes[2:]]
    where = pick("size=%s" % [R.randint(1, 9) for _ in range(d)], "size=%d" % R.randint(1, 9),
                 "scale_factor=%s" % [round(R.uniform(0.4, 2.7), 2) for _ in range(d)],
                 "scale_factor=%s" % pick("2.0", "0.5", "1.5", "3.0", "0.7"))
    more = ""
    if mode in (linear, "bicubic"):
        more = ", align_corners=" + pick("True", "False", "None")
        if chance(0.15) and mode != "trilinear":
            more += ", antialias=True"
    if where.startswith("scale") and chance(0.5):
        more += ", recompute_scale_factor=" + pick("True", "False")
    if chance(0.1):
        return "torch.%s(x, %d)" % (pick("pixel_shuffle", "pixel_unshuffle", "channel_shuffle"), 2
                                    ), [floats([1, 4, 2, 4])]
    if chance(0.1):
        return NN + "grid_sample(x, y, mode='%s', padding_mode='%s', align_corners=%s)" % (
            pick("bilinear", "nearest", "bicubic"), pick("zeros", "border", "reflection"),
            pick("True", "False")), [floats([2, 2, 4, 5]), floats([2, 3, 3, 2]) / 2]
    return NN + "interpolate(x, %s, mode='%s'%s)" % (where, mode, more), [
        floats(sizes, pick(torch.float32, torch.float32, torch.float64))]


def norms():
    sizes = [R.randint(1, 3), R.randint(1, 2) * 2] + shape(0, 3)
    t = pick(torch.float32, torch.float32, torch.float64, torch.bfloat16)
    c = sizes[1]
    x = floats(sizes, t)
    eps = pick("1e-5", "1e-3", "0.1")

    def optional(text, *given):
        inputs = [x]
        names = iter("yzwv")
        out = []
        for g in given:
            if g is None:
                out.append("None")
            else:
                out.append(next(names))
                inputs.append(g)
        return text % tuple(out), inputs
    maybe = lambda n: floats(n, t) if chance(0.6) else None
    tail = sizes[R.randint(0, len(sizes) - 1):]
    mean, var = floats([c], t), torch.rand([c], generator=G).to(t) + 0.2
    return R.choice((
        lambda: optional(NN + "layer_norm(x, %s, %%s, %%s, %s)" % (tail, eps), maybe(tail),
                         maybe(tail)),
        lambda: optional(NN + "group_norm(x, %d, %%s, %%s, %s)" % (pick(1, 2, c), eps),
                         maybe([c]), maybe([c])),
        lambda: optional(NN + "batch_norm(x, %%s, %%s, %%s, %%s, False, 0.1, %s)" % eps, mean, var,
                         maybe([c]), maybe([c])),
        lambda: optional(NN + "batch_norm(x, %%s, %%s, %%s, %%s, True, 0.1, %s)" % eps, None, None,
                         maybe([c]), maybe([c])),
        lambda: optional(NN + "instance_norm(x, %%s, %%s, %%s, %%s, %s, 0.1, %s)" % (
            pick("True", "True"), eps), None, None, maybe([c]), maybe([c])),
        lambda: optional(NN + "instance_norm(x, %%s, %%s, %%s, %%s, False, 0.1, %s)" % eps, mean,
                         var, maybe([c]), maybe([c])),
        lambda: (NN + "normalize(x, %s, %d)" % (pick("1.0", "2.0", "3.0", "float('inf')"),
                                               axis(len(sizes))), [x]),
        lambda: optional(NN + "rms_norm(x, %s, %%s, %s)" % (tail, pick("None", eps)),
                         maybe(tail)),
        lambda: (NN + "local_response_norm(x, %d)" % R.randint(1, 4), [x]),
        lambda: (NN + "cosine_similarity(x, y, %d)" % axis(len(sizes)), [x, floats(
            broadcastable(sizes), t)]),
        lambda: (NN + "pairwise_distance(x, y, %s)" % pick("1.0", "2.0"), [x, floats(sizes, t)]),
        lambda: (NN + "prelu(x, y)", [x, floats(pick([1], [c]), t)]),
        lambda: ("torch.renorm(x, 2, 0, 1.0)", [x]),
    ))()


def attention():
    b, h, n, s, d, e = (R.randint(1, 3), R.randint(1, 2) * 2, R.randint(1, 5), R.randint(1, 5),
                        R.randint(1, 6), R.randint(1, 6))
    lead = pick([b, h], [b], [], [b, h])
    t = pick(torch.float32, torch.float32, torch.float64)
    q, k, v = floats(lead + [n, d], t), floats(lead + [s, d], t), floats(lead + [s, e], t)
    more, inputs = "", [q, k, v]
    gqa = len(lead) == 2 and chance(0.2)
    if gqa:
        inputs[1:] = [t[:, :1] for t in inputs[1:]]
    kind = R.random()
    if kind < 0.3:
        more = ", w"
        inputs.append(bools(pick([n, s], lead + [n, s], [1, s]), 0.8))
    elif kind < 0.5:
        more = ", w"
        inputs.append(floats(pick([n, s], lead + [n, s]), t))
    elif kind < 0.7:
        more = ", is_causal=True"
    if hasattr(torch, "export"):
        if chance(0.3):
            more += ", scale=%s" % pick("0.5", "1.0", "None")
        if gqa:
            more += ", enable_gqa=True"
    return NN + "scaled_dot_product_attention(x, y, z%s)" % more, inputs


FAMILIES = [unary, activation, binary, binary, with_number, choice, convert, move, move, slicing,
            joining, padding, reduction, reduction, indexing, positions, contraction, convolution,
            pooling, folding, resample, norms, attention]
G = torch.Generator()


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("folder")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--count", type=int, default=500)
    arguments.add_argument("--only")
    o = arguments.parse_args()
    R.seed(o.seed)
    G.manual_seed(o.seed)
    print("seed %d" % o.seed)
    families = [f for f in FAMILIES if not o.only or f.__name__ in o.only.split(",")]
    cases = []
    while len(cases) < o.count:
        try:
            cases.append(R.choice(families)())
        except Exception as e:  # an attribute that does not exist in this PyTorch
            print("no case: %s" % e)
    write(o.folder, cases, lambda i: (("compiled", "traced")[i % 2],))


if __name__ == "__main__":
    main()
