"""Writes what PyTorch computes for cases of every composite and of the sugar around them,
for test_expectations.c.

usage: expectations.py OUT      exit status 77: there is no PyTorch here

The file is a sequence of cases. A case is lines of text, each tensor line followed by the
tensor's bytes:
    case NAME COMPOSITE N_INPUTS ULPS ATOL      @NAME: sugar
    symbols N SIZE SAMPLE ...       sizes that become symbols in a second run, and the
                                    samples that it is built with
    field NAME N VALUE...           one per field of the spec; missing ones are 0
    tensor DTYPE RANK DIM...        the inputs ("none": left out), then the result; then
                                    what each element may be off, for the reference engine
                                    and for the native one ("none": it is ATOL)
ULPS 0 and ATOL 0 ask for the same bits (any NaN for a NaN).

What is rounded on the way comes from PyTorch's f64 kernels and is rounded once
(support/bounds.py says why). What is exact comes from its kernels for the dtype; half types
by way of f32, for PyTorch 1.13 lacks most of those on the CPU."""
import math
import os
import random
import sys
import warnings

try:
    import numpy as np
    import torch
    import torch.nn.functional as F
except ImportError:
    sys.exit(77)

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from bounds import Sums, exact  # noqa: E402

warnings.filterwarnings("ignore")
torch.set_num_threads(1)
torch.manual_seed(11)
random.seed(11)

DTYPES = {"f64": torch.float64, "f32": torch.float32, "f16": torch.float16,
          "bf16": torch.bfloat16, "i64": torch.int64, "i32": torch.int32,
          "i16": torch.int16, "i8": torch.int8, "u8": torch.uint8, "bool": torch.bool}
NAMES = {t: n for n, t in DTYPES.items()}
FLOATS = ["f64", "f32", "f16", "bf16"]
HALVES = ["f16", "bf16"]
INTS = ["i64", "i32", "i16", "i8", "u8"]
SPECIALS = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.5, -2.5, 1e-3, -7.0, 3.0, 6e4, -6e4,
            math.inf, -math.inf, math.nan]

out = None


def raw(t):
    t = t.detach().contiguous()
    if t.dtype == torch.bfloat16:
        t = t.view(torch.int16)
    return t.numpy().tobytes()


def tensor(t):
    if t is None:
        out.write(b"none\n")
        return
    words = ["tensor", NAMES[t.dtype], str(t.dim())] + [str(n) for n in t.shape]
    out.write((" ".join(words) + "\n").encode() + raw(t))


def value(v):
    return v if isinstance(v, str) else v.hex() if isinstance(v, float) else str(int(v))


def case(name, op, inputs, result, ulps=0, atol=0.0, symbols="all", **fields):
    """result: a tensor, or Sums, whose bounds are then allowed, too. symbols: a dict of size
    to sample; a list of sizes that are their own samples; "all": every size of the inputs
    above 1; None: none."""
    if symbols == "all":
        symbols = sorted({n for t in inputs if t is not None for n in t.shape if n > 1})
    if not isinstance(symbols, dict):
        symbols = {n: n for n in symbols or []}
    out.write(f"case {name} {op} {len(inputs)} {ulps} {float(atol).hex()}\n".encode())
    pairs = [str(v) for pair in symbols.items() for v in pair]
    out.write((" ".join(["symbols", str(len(symbols))] + pairs) + "\n").encode())
    for key, v in fields.items():
        values = list(v) if isinstance(v, (list, tuple)) else [v]
        text = [value(v) for v in values]
        out.write((" ".join(["field", key, str(len(values))] + text) + "\n").encode())
    for t in inputs:
        tensor(t)
    sums = isinstance(result, Sums)
    tensor(result.value() if sums else result)
    for any_order in (False, True):
        tensor(result.bound(any_order) if sums else None)


def rand(dtype, *shape):
    if dtype in FLOATS:
        return (torch.randn(shape, dtype=torch.float64) * 3).to(DTYPES[dtype])
    if dtype == "bool":
        return torch.randint(0, 2, shape).bool()
    info = torch.iinfo(DTYPES[dtype])
    return torch.randint(max(info.min, -(2 ** 40)), min(info.max, 2 ** 40) + 1,
                         shape).to(DTYPES[dtype])


def with_specials(dtype, *shape, among=SPECIALS, share=0.2):
    t = rand(dtype, *shape)
    if dtype in FLOATS and t.numel():
        flat = t.view(-1)
        for i in range(flat.numel()):
            if random.random() < share:
                flat[i] = random.choice(among)
    return t


def by_f32(f, *xs):
    """The rule for the half types: computed in f32, rounded once."""
    if xs[0].dtype not in (torch.float16, torch.bfloat16):
        return f(*xs)
    wide = [x if x is None or not x.dtype.is_floating_point else x.float() for x in xs]
    return f(*wide).to(xs[0].dtype)


def all_halves(dtype):
    bits = torch.from_numpy(np.arange(65536, dtype=np.uint16).view(np.int16).copy())
    return bits.view(DTYPES[dtype])


def ulps_of(dtype, f32=16, f64=64):
    """Units allowed to a result that is not exact; a half is one rounding off at most."""
    return {"f64": f64, "f32": f32}.get(dtype, 1)


# ---- element-wise ----
# name: function, fields, (ulps of f32, atol of f32); None: exact
def elu(x, alpha, scale, input_scale):
    """1.13's own takes exp(x) - 1, which loses the digits near 0."""
    return torch.where(x > 0, x * scale,
                       torch.expm1(x * input_scale) * (alpha * scale))


SELU = (1.6732632423543772848170429916717, 1.0507009873554804934193349852946)


def by_f64(f):
    return lambda x: f(x.double()).to(x.dtype)


UNARY = [
    ("rsqrt", torch.rsqrt, {}, (2, 0)),
    ("trunc", torch.trunc, {}, None),
    ("frac", torch.frac, {}, None),
    ("ceil", torch.ceil, {}, None),
    ("round", torch.round, {"decimals": 0}, None),
    ("abs", torch.abs, {}, None),
    ("log1p", torch.log1p, {}, (4, 0)),
    ("expm1", torch.expm1, {}, (6, 0)),
    ("erf", torch.erf, {}, (4, 1.5e-7)),
    ("erfinv", torch.erfinv, {}, (64, 2e-6)),
    ("relu", torch.relu, {}, None),
    ("sigmoid", torch.sigmoid, {}, (4, 1e-38)),
    ("log_sigmoid", F.logsigmoid, {}, (4, 1e-38)),
    ("silu", F.silu, {}, (6, 1e-36)),
    ("mish", F.mish, {}, (8, 1e-36)),
    ("hardsigmoid", F.hardsigmoid, {}, (2, 1e-38)),
    ("hardswish", F.hardswish, {}, (2, 1e-36)),
    ("leaky_relu", lambda x: F.leaky_relu(x, 0.01), {"value": 0.01}, None),
    ("leaky_relu", lambda x: F.leaky_relu(x, -0.3), {"value": -0.3}, (0, 1e-45)),
    ("elu", lambda x: elu(x, 1, 1, 1), {"alpha": 1.0, "scale": 1.0, "input_scale": 1.0}, (6, 0)),
    ("elu", lambda x: elu(x, 0.7, 1, 1), {"alpha": 0.7, "scale": 1.0, "input_scale": 1.0},
     (8, 0)),
    ("elu", lambda x: elu(x, *SELU, 1), {"alpha": SELU[0], "scale": SELU[1], "input_scale": 1.0},
     (8, 0)),
    ("elu", lambda x: elu(x, 1.5, 1, 1 / 1.5), {"alpha": 1.5, "scale": 1.0,
                                                "input_scale": 1 / 1.5}, (8, 0)),
    ("gelu", F.gelu, {"tanh": 0}, (16, 4e-7)),
    ("gelu", lambda x: F.gelu(x, approximate="tanh"), {"tanh": 1}, (16, 4e-7)),
    ("softplus", F.softplus, {"beta": 1.0, "threshold": 20.0}, (6, 1e-38)),
    ("softplus", lambda x: F.softplus(x, 2.5, 3.0), {"beta": 2.5, "threshold": 3.0},
     (6, 1e-38)),
    ("clamp", lambda x: torch.clamp(x, -1, 1.5),
     {"has_min": 1, "has_max": 1, "min": -1.0, "max": 1.5}, None),
    ("clamp", lambda x: torch.clamp(x, 2, -1),
     {"has_min": 1, "has_max": 1, "min": 2.0, "max": -1.0}, None),
    ("clamp", lambda x: torch.clamp(x, min=0.5), {"has_min": 1, "min": 0.5}, None),
    ("clamp", lambda x: torch.clamp(x, max=0.5), {"has_max": 1, "max": 0.5}, None),
    ("pow_int", lambda x: x ** 2, {"exponent": 2}, (0, 0)),
    ("pow_int", lambda x: x ** 3, {"exponent": 3}, (2, 0)),
    ("pow_int", by_f64(lambda x: x ** 4), {"exponent": 4}, (4, 0)),
    ("pow_int", lambda x: x ** -1, {"exponent": -1}, (2, 0)),
    ("pow_int", lambda x: x ** -2, {"exponent": -2}, (4, 1e-44)),
    ("pow_int", lambda x: x ** 0, {"exponent": 0}, (0, 0)),
    ("pow_int", by_f64(lambda x: x ** 11), {"exponent": 11}, (16, 1e-40)),
]


# Their f32 kernels are one or two operations that every processor rounds alike; or, the
# last, round beta * x first, which the exponential makes many times as large.
BY_F32 = {"rsqrt", "hardsigmoid", "hardswish", "leaky_relu", "pow_int", "softplus"}


def unary():
    for i, (op, f, fields, close) in enumerate(UNARY):
        ulps, atol = close or (0, 0)
        rule = exact if close and op not in BY_F32 else by_f32
        for dtype in HALVES:
            x = all_halves(dtype)
            # one rounding to the half, of a value that may be a bit off
            case(f"all_{dtype}_{i}", op, [x], rule(f, x), 1 if close else 0,
                 atol * 4, None, **fields)
        for dtype in ("f64", "f32"):
            t = DTYPES[dtype]
            x = torch.cat([torch.tensor(SPECIALS, dtype=t), rand(dtype, 400),
                           rand(dtype, 200) * 30, torch.rand(200, dtype=t) * 2 - 1,
                           torch.rand(100, dtype=t) * 1e-6])
            slack = (ulps, atol) if dtype == "f32" else (ulps * 4, atol * 1e-8)
            case(f"random_{dtype}_{i}", op, [x], rule(f, x), *slack, **fields)
        for shape in ((), (0,), (2, 0, 3), (2, 1, 3)):
            x = torch.rand(shape) * 0.9
            case(f"shape_{i}", op, [x], rule(f, x), ulps, atol, **fields)
    for dtype in INTS:
        x = rand(dtype, 40) % 50
        x[0] = torch.iinfo(x.dtype).min
        for op in ("trunc", "ceil", "round", "abs"):
            extra = {"decimals": 0} if op == "round" else {}
            case(f"{dtype}", op, [x], torch.abs(x) if op == "abs" else x, **extra)
        case(f"{dtype}", "relu", [x], torch.relu(x))
        case(f"{dtype}", "clamp", [x], torch.clamp(x, 3, 20), has_min=1, has_max=1,
             min=3.0, max=20.0)
        case(f"{dtype}", "pow_int", [x], x ** 3, exponent=3)
        case(f"{dtype}", "logical_not", [x], torch.logical_not(x))
    for dtype in ["bool"] + FLOATS:
        x = with_specials(dtype, 5, 40)
        case(dtype, "logical_not", [x], torch.logical_not(x))
        mask = rand("bool", 5, 1)
        v = 1.0 if dtype == "bool" else -math.inf
        case(dtype, "masked_fill", [x, mask], x.masked_fill(mask, v), value=v)
    for decimals in (1, 2, -1, -2, 3):
        x = rand("f32", 300) * 40
        case(f"decimals_{decimals}", "round", [x],
             torch.round(x, decimals=decimals), 2, 0, decimals=decimals)
    for shape, n in (((2, 3, 4), 3), ((2, 3, 4), 1), ((5,), 1), ((2, 6), 6),
                     ((2, 3, 4, 5), 3)):
        for dtype in FLOATS:
            x, w = with_specials(dtype, *shape), rand(dtype, n)
            case(dtype, "prelu", [x, w], by_f32(F.prelu, x, w))


# ---- special functions ----
def polygamma(n):
    """Of f64: the first terms one by one, for PyTorch's zeta stops early below zero, and its
    trigamma has few digits."""
    def f(x):
        y = torch.special.zeta(torch.tensor(n + 1.0).double(), x + 40)
        y = torch.where(x == math.inf, torch.zeros_like(x), y)
        for k in range(40):
            y = y + (x + k) ** (-n - 1)
        y = torch.where((x <= 0) & (x.floor() == x), torch.full_like(x, math.inf), y)
        return math.factorial(n) * (-1) ** (n + 1) * y
    return f


SP = torch.special
SPECIAL = {"lgamma": torch.lgamma, "digamma": torch.digamma, "erfcx": SP.erfcx,
           "log_ndtr": SP.log_ndtr, "i0": SP.i0, "i0e": SP.i0e, "i1": SP.i1, "i1e": SP.i1e,
           "bessel_j0": SP.bessel_j0, "bessel_j1": SP.bessel_j1, "bessel_y0": SP.bessel_y0,
           "bessel_y1": SP.bessel_y1, "modified_bessel_k0": SP.modified_bessel_k0,
           "modified_bessel_k1": SP.modified_bessel_k1,
           "scaled_modified_bessel_k0": SP.scaled_modified_bessel_k0,
           "scaled_modified_bessel_k1": SP.scaled_modified_bessel_k1,
           "spherical_bessel_j0": SP.spherical_bessel_j0, "airy_ai": SP.airy_ai}


# By mpmath with 30 digits: PyTorch's kernels of these are within 1e-5.
EXACT = {
    "bessel_j0": {0.125: 0.9960975630419852, 1.5: 0.5118276717359181,
                  2.25: 0.08274985128873404, 5.0625: -0.15691789894737626,
                  40.5: -0.05358267563226295, 700.0: -0.006288272465068767,
                  -7.0: 0.3000792705195556},
    "bessel_j1": {0.125: 0.062378009134494684, 1.5: 0.5579365079100996,
                  2.25: 0.5483783566469601, 5.0625: -0.33392472902494025,
                  40.5: 0.11269052994059431, 700.0: 0.029489824084030333,
                  -7.0: 0.004682823482345833},
    "bessel_y0": {0.125: -1.3896806251438405, 1.5: 0.38244892379775886,
                  2.25: 0.5200647624572783, 5.0625: -0.3170959204910404,
                  40.5: 0.11334331437420168, 700.0: 0.02949430818089382},
    "bessel_y1": {0.125: -5.199936112534775, 1.5: -0.4123086269739113,
                  2.25: 0.02719205773801714, 5.0625: 0.126600500066479,
                  40.5: 0.05498584250054305, 700.0: 0.00630934142145256},
    "airy_ai": {-20.5: -0.04462568039701191, -6.0: -0.3291451736298231,
                -4.5: 0.2921527810559595, -2.0: 0.22740742820168558,
                1.75: 0.05056988080579487, 2.25: 0.023654658557747447,
                9.0: 2.47116843087249e-09},
}


def special_points(dtype):
    t = DTYPES[dtype]
    poles = torch.arange(-5, 6, dtype=torch.float64)
    near = torch.cat([poles + 1e-3, poles - 1e-3, poles + 0.5])
    return torch.cat([torch.tensor(SPECIALS, dtype=torch.float64), poles, near,
                      torch.randn(60).double() * 3, torch.rand(60).double() * 60,
                      10 ** (torch.rand(40).double() * 30 - 28)]).to(t)


def special_case(op, f, xs, order=None):
    """Within 1e-12 of f64, relative or near a zero absolute."""
    dtype = NAMES[xs[0].dtype]
    want = f(*[x.double() for x in xs]).to(xs[0].dtype)
    ulps = {"f64": 5000, "f32": 2}.get(dtype, 1)
    fields = {} if order is None else {"order": order}
    # PyTorch's igamma has 1e-9 near x = a; the terms of a polygamma cancel at zeros
    atol = {"airy_ai": 1e-5, "igamma": 1e-9, "igammac": 1e-9,
            "polygamma": 1e-15 * math.factorial(order or 0) * 2 ** (order or 0)}.get(op, 1e-12)
    case(f"special_{dtype}", op, xs, want, ulps, 1e-6 if op[:7] == "bessel_" else atol, **fields)


def special():
    for dtype in FLOATS:
        for op, f in SPECIAL.items():
            special_case(op, f, [special_points(dtype)])
        for n in (1, 2, 3, 6):
            special_case("polygamma", polygamma(n), [special_points(dtype)], order=n)
        a = torch.tensor([0.0, 1, -1, math.inf, 2.5, 0.125, 7.75, 30, 200], dtype=torch.float64)
        x = torch.tensor([0.0, -0.0, 1, -1, math.inf, 30, 2.5, -2.5, 0.125, 8.5, 190, 3e4],
                         dtype=torch.float64)
        a, x = a.to(DTYPES[dtype]).view(-1, 1), x.to(DTYPES[dtype])
        for op, f in (("igamma", torch.igamma), ("igammac", torch.igammac)):
            special_case(op, f, [a, x])
        # where x is infinite PyTorch's has infinity times 0
        some = torch.where(torch.isinf(a), torch.full_like(a, 3), a)
        special_case("zeta", SP.zeta, [some, torch.where(torch.isinf(x), x.sign() * 4.25, x)])
        a = torch.rand(40, dtype=torch.float64) * 12
        x = torch.cat([a[:20] * torch.rand(20).double() * 2, torch.rand(20).double() * 20])
        a, x = a.to(DTYPES[dtype]), x.to(DTYPES[dtype])
        special_case("igamma", torch.igamma, [a, x])
        special_case("igammac", torch.igammac, [a, x])
        special_case("zeta", SP.zeta, [a + 1.5, x])
        special_case("zeta", SP.zeta, [a.float().round().to(a.dtype) + 2, -x - 0.25])
        x = torch.cat([torch.tensor([1.0, -1, 0, 0.5, -0.75, 2, -2, 0.999]),
                       torch.randn(20) * 1.5]).to(DTYPES[dtype]).view(-1, 1)
        n = torch.tensor([-2.0, -1, -0.5, 0, 1, 2, 2.75, 5, 6]).to(DTYPES[dtype])
        for k in "tuvw":
            for op in ("chebyshev_polynomial_", "shifted_chebyshev_polynomial_"):
                special_case(op + k, getattr(SP, op + k), [x, n])
    for op, values in EXACT.items():
        x, y = [torch.tensor(list(v), dtype=torch.float64) for v in (values, values.values())]
        case("exact", op, [x], y, 0, 1e-10 if op == "airy_ai" else 1e-15)
        case("exact", op, [x.float()], y.float(), 1, 0)
    for shape in ((), (0,), (2, 0, 3), (2, 1, 3)):
        special_case("lgamma", torch.lgamma, [torch.rand(shape)])
        special_case("i0e", SP.i0e, [torch.rand(shape)])
        special_case("igamma", torch.igamma, [torch.rand(shape), torch.rand(())])


SHAPES2 = [((3, 4), (3, 4)), ((3, 4), (4,)), ((3, 1), (1, 4)), ((), (2, 2)), ((5,), ()),
           ((0,), (1,)), ((2, 1, 5, 1), (4, 1, 3))]

BINARY = {"sub": (torch.sub, 0, True), "div": (torch.div, 2, False),
          "maximum": (torch.maximum, None, True), "minimum": (torch.minimum, None, True),
          "not_equal": (torch.ne, 0, True), "less_equal": (torch.le, 0, True)}


def binary():
    for op, (f, ulps, ints) in BINARY.items():
        for dtype in FLOATS + (INTS if ints else []):
            for i, (a, b) in enumerate(SHAPES2):
                x, y = rand(dtype, *a), rand(dtype, *b)
                if a == b:
                    y = torch.where(rand("bool", *a), x, y)
                r = f(x, y)
                case(f"{dtype}_{i}", op, [x, y], r, ulps or 0)
        for dtype in FLOATS:
            grid = torch.tensor(SPECIALS, dtype=DTYPES[dtype])
            x, y = grid[:, None], grid[None, :].contiguous()
            # maximum and minimum: the sign of a zero is not PyTorch's promise
            case(f"specials_{dtype}", op, [x, y], f(x, y), 1 if ulps is None else ulps)
    for dtype in FLOATS:
        grid = torch.tensor(SPECIALS + [2.0, -2.0, -3.0, 0.25], dtype=DTYPES[dtype])
        x, y = grid[:, None], grid[None, :].contiguous()
        r = exact(torch.pow, x, y)
        case(f"specials_{dtype}", "pow", [x, y], r, {"f32": 128, "f64": 1000}.get(dtype, 1))
        x, y = rand(dtype, 30, 1).abs(), rand(dtype, 30) / 2
        case(f"random_{dtype}", "pow", [x, y], exact(torch.pow, x, y),
             {"f32": 32, "f64": 64}.get(dtype, 1))
        x, y = rand(dtype, 30, 1) * 4, rand(dtype, 30)
        y = torch.where(y == 0, torch.ones_like(y), y)
        case(f"random_{dtype}", "remainder", [x, y], exact(torch.remainder, x, y),
             2, {"f64": 1e-13, "f32": 4e-6, "f16": 0.02, "bf16": 0.2}[dtype])
    for dtype in INTS:
        x, y = rand(dtype, 30, 1), rand(dtype, 20) % 17
        y = torch.where(y == 0, torch.ones_like(y), y)
        case(dtype, "remainder", [x, y], torch.remainder(x, y))


# What is computed in the operands' own dtype: function, whether integers are taken.
PLAIN = {"atan2": (torch.atan2, False), "hypot": (torch.hypot, False),
         "logaddexp": (torch.logaddexp, False), "logaddexp2": (torch.logaddexp2, False),
         "xlogy": (torch.xlogy, False), "xlog1py": (SP.xlog1py, False),
         "copysign": (torch.copysign, False), "heaviside": (torch.heaviside, True),
         "fmax": (torch.fmax, True), "fmin": (torch.fmin, True),
         "fmod": (torch.fmod, True)}
LOSSES = {"smooth_l1": lambda x, y, v: F.smooth_l1_loss(x, y, reduction="none", beta=v),
          "huber": lambda x, y, v: F.huber_loss(x, y, reduction="none", delta=v)}


def bits():
    for dtype in INTS:
        t = DTYPES[dtype]
        info = torch.iinfo(t)
        grid = torch.tensor([info.min, info.max, info.max - 1, info.min // 2, 0, 1, 2, 15, 16,
                             info.max // 3, info.max // 7])
        grid = torch.cat([grid, grid // 3 - int(info.min < 0)]).to(t)
        x, y = grid[:, None], grid[None, :].contiguous()
        for op in ("bitwise_and", "bitwise_or", "bitwise_xor"):
            case(dtype, op, [x, y], getattr(torch, op)(x, y))
        y = torch.arange(info.bits, dtype=t)
        case(dtype, "bitwise_left_shift", [x, y], torch.bitwise_left_shift(x, y))
        case(dtype, "bitwise_right_shift", [x, y], torch.bitwise_right_shift(x, y))


def plain():
    for op, (f, ints) in PLAIN.items():
        for dtype in FLOATS:
            grid = torch.tensor(SPECIALS + [2.0, -2.0, -3.0, 0.25], dtype=DTYPES[dtype])
            x, y = grid[:, None], grid[None, :].contiguous()
            if op == "fmod":  # of numbers of one order, whose quotient is exact enough
                x, y = rand(dtype, 30, 1) * 4, rand(dtype, 30).abs() + 1
            case(f"plain_{dtype}", op, [x, y], exact(f, x, y), ulps_of(dtype),
                 {"f64": 1e-13, "f32": 4e-6, "f16": 0.02, "bf16": 0.2}[dtype])
        for i, (a, b) in enumerate(SHAPES2 * ints):
            x, y = rand("i64", *a) % 40, rand("i64", *b) % 5 + 1
            case(f"i64_{i}", op, [x, y], f(x, y))
    for dtype in FLOATS:
        x = torch.cat([torch.tensor(SPECIALS, dtype=DTYPES[dtype]), rand(dtype, 60)])
        y = x.flip(0) + x.roll(3)
        for v in (0.25, 2.0):
            for op, f in (("hardshrink", F.hardshrink), ("softshrink", F.softshrink)):
                r = torch.where(x.isnan(), x, by_f32(lambda x: f(x, v), x))
                case(dtype, op, [x], r, value=v)
            case(dtype, "threshold", [x], by_f32(lambda x: F.threshold(x, v, -1.5), x),
                 threshold=v, value=-1.5)
            for op, f in LOSSES.items():
                case(dtype, op, [x, y], by_f32(lambda x, y: f(x, y, v), x, y),
                     ulps_of(dtype, 4, 4), value=v)
        r = torch.nan_to_num(x, 0.5, 7.0, -9.0)
        case(dtype, "nan_to_num", [x], r, nan=0.5, posinf=7.0, neginf=-9.0)


# ---- contractions ----
def contraction(name, op, inputs, sums, symbols="all", **fields):
    """Sums have their own bounds; besides them a half may be rounded to its neighbour."""
    half = sums.dtype in (torch.float16, torch.bfloat16)
    case(name, op, inputs, sums, int(half), 0, symbols, **fields)


def matmul():
    shapes = [((3, 4), (4, 5)), ((4,), (4, 5)), ((3, 4), (4,)), ((4,), (4,)),
              ((2, 3, 4), (4, 5)), ((2, 3, 4), (2, 4, 5)), ((3, 4), (2, 4, 5)),
              ((6, 1, 3, 4), (2, 4, 5)), ((2, 3, 4), (4,)), ((4,), (2, 4, 5)),
              ((2, 0), (0, 3)), ((0, 4), (4, 3)), ((3, 70), (70, 2))]
    for dtype in FLOATS:
        for i, (a, b) in enumerate(shapes):
            x, y = rand(dtype, *a), rand(dtype, *b)
            contraction(f"{dtype}_{i}", "matmul", [x, y], Sums(torch.matmul, x, y))
        for shape in ((5, 4), (4,), (2, 3, 4), (2, 0, 4)):
            x, w, bias = rand(dtype, *shape), rand(dtype, 6, 4), rand(dtype, 6)
            contraction(dtype, "linear", [x, w], Sums(F.linear, x, w))
            contraction(dtype + "_bias", "linear", [x, w, bias],
                        Sums(F.linear, x, w).plus(bias))
        for alpha, beta in ((1.0, 1.0), (0.5, 2.0), (1.0, 0.0), (2.0, 1.0)):
            for lead in ((), (3,)):
                a, b = rand(dtype, *lead, 4, 5), rand(dtype, *lead, 5, 6)
                c = rand(dtype, 6) if not lead else rand(dtype, 3, 4, 6)
                # 1.13's baddbmm of beta 0 reads what it has not written; for halves the
                # sum and its products with alpha and beta are values of their own
                r = Sums(torch.matmul, a, b)
                r = r if alpha == 1 else r.scaled(alpha)
                r = r.plus(exact(lambda c: beta * c, c)) if beta else r
                contraction(dtype, "addmm", [c, a, b], r, alpha=alpha, beta=beta)
    x, y = rand("f32", 2, 3), rand("f32", 3, 4)
    x[0, 0], y[1, 2] = math.inf, math.nan
    contraction("specials", "matmul", [x, y], Sums(torch.matmul, x, y))
    for dtype in ("i64", "i32"):
        x, y = rand(dtype, 3, 4) % 100, rand(dtype, 4, 5) % 100
        case(dtype, "matmul", [x, y], torch.matmul(x, y))
    for equation in ("ij,jk->ik", "bij,bjk->bik", "i,j->ij", "ij,ij->", "ij,ij->j",
                     "bhqd,bhkd->bhqk", "bqhd,bkhd->bhqk", "ijk,kl->ijl", "abc,cd->adb",
                     "ij,->ij", "ab,cd->dbca", "ij,kl->il", "AbC,Cb->bA"):
        sizes = {c: random.randint(2, 5) for c in "abcdijklbhqkdAC"}
        left, right = equation.split("->")[0].split(",")
        for dtype in ("f32", "f16"):
            x = rand(dtype, *[sizes[c] for c in left])
            y = rand(dtype, *[sizes[c] for c in right])
            contraction(dtype, "einsum", [x, y],
                        Sums(lambda x, y: torch.einsum(equation, x, y), x, y),
                        equation=equation)


def conv():
    for nd in (1, 2, 3):
        f = (F.conv1d, F.conv2d, F.conv3d)[nd - 1]
        ft = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[nd - 1]
        for i in range(40 if nd < 3 else 12):
            dtype = "f32" if i < 30 else random.choice(["f64", "f16", "bf16"])
            groups = random.choice([1, 1, 2, 3])
            n, cg, og = random.randint(1, 3), random.randint(1, 3), random.randint(1, 3)
            k = [random.randint(1, 3) for _ in range(nd)]
            s = [random.randint(1, 3) for _ in range(nd)]
            d = [random.randint(1, 2) for _ in range(nd)]
            p = [random.randint(0, 2) for _ in range(nd)]
            size = [random.randint(5, 8) + 5 * (a == 0) for a in range(nd)]
            x = rand(dtype, n, cg * groups, *size)
            w = rand(dtype, og * groups, cg, *k)
            bias = rand(dtype, og * groups) if i % 2 else None
            used = {cg * groups, cg, og * groups, *k}
            symbols = [v for v in set(size) | {n} if v not in used and v > 1]
            shaped = None if bias is None else bias.reshape((-1,) + (1,) * nd)
            r = Sums(lambda x, w: f(x, w, None, s, p, d, groups), x, w).plus(shaped)
            contraction(f"{dtype}_{i}", "conv", [x, w, bias], r, symbols, stride=s,
                        dilation=d, before=p, after=p, groups=groups)
            w = rand(dtype, cg * groups, og, *k)
            o = [random.randint(0, max(a, b) - 1) for a, b in zip(s, d)]
            used = {cg * groups, og, og * groups, *k}
            symbols = [v for v in set(size) | {n} if v not in used and v > 1]
            # each tap is rounded before they are summed
            r = Sums(lambda x, w: ft(x, w, None, s, p, o, groups, d), x, w, stages=2)
            r = r.plus(shaped)
            ulps, atol = (3, 0.25) if dtype in HALVES else (0, 0)
            case(f"{dtype}_{i}", "conv_transpose", [x, w, bias], r, ulps, atol, symbols,
                 stride=s, dilation=d, padding=p, output_padding=o, groups=groups)
    x, w = rand("f32", 1, 2, 7), rand("f32", 3, 2, 3)
    contraction("uneven", "conv", [x, w],
                Sums(lambda x, w: F.conv1d(F.pad(x, (1, 2)), w), x, w), [7], stride=[1],
                dilation=[1], before=[1], after=[2], groups=1)
    for i in range(20):
        k, d, p, s = ([random.randint(1, 3) for _ in range(2)] for _ in range(4))
        p = [v - 1 for v in p]
        size = [random.randint(7, 9), random.randint(10, 13)]
        x = rand("f32", 2, 3, *size)
        y = F.unfold(x, k, d, p, s)
        case(f"{i}", "im2col", [x], y, symbols=size, kernel=k, dilation=d, padding=p,
             stride=s)
        y = rand("f32", *y.shape)
        case(f"{i}", "col2im", [y], exact(lambda y: F.fold(y, size, k, d, p, s), y), 8,
             1e-6, None, kernel=k, dilation=d, padding=p, stride=s, output=size)


# ---- windows ----
def pools():
    for nd in (1, 2, 3):
        fmax = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[nd - 1]
        favg = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[nd - 1]
        for i in range(60 if nd < 3 else 20):
            dtype = "f32" if i % 3 else random.choice(FLOATS)
            k = [random.randint(1, 4) for _ in range(nd)]
            s = [random.randint(1, 5) for _ in range(nd)]
            d = [random.randint(1, 2) for _ in range(nd)]
            p = [random.randint(0, v // 2) for v in k]
            size = [random.randint(8, 13) + 6 * a for a in range(nd)]
            ceil = i % 2
            x = with_specials(dtype, 2, 3, *size, among=[math.inf, -math.inf, math.nan],
                              share=0.02 if i % 4 == 0 else 0)
            free = {v: v + 7 * (i % 3) for v in size}
            r = by_f32(lambda x: fmax(x, k, s, p, d, bool(ceil)), x)
            case(f"{dtype}_{i}", "max_pool", [x], r, 0, 0, free, kernel=k, stride=s,
                 padding=p, dilation=d, ceil_mode=ceil)
            if i % 4 == 1:
                at = fmax(x.float(), k, s, p, d, bool(ceil), return_indices=True)[1]
                for op, v in (("max_pool_with_index", r), ("max_pool_position", at)):
                    case(f"{dtype}_{i}", op, [x], v, 0, 0, free, kernel=k, stride=s,
                         padding=p, dilation=d, ceil_mode=ceil)
            include = random.randint(0, 1)
            divisor = random.choice([0, 0, 0, 5]) if nd > 1 else 0
            more = (divisor or None,) if nd > 1 else ()
            r = exact(lambda x: favg(x, k, s, p, bool(ceil), bool(include), *more), x)
            case(f"{dtype}_{i}", "avg_pool", [x], r,
                 {"f64": 200, "f32": 40}.get(dtype, 1),
                 {"f64": 1e-14, "f32": 1e-6}.get(dtype, 1e-4), free, kernel=k,
                 stride=s, padding=p, dilation=[1] * nd, ceil_mode=ceil,
                 count_include_pad=include, divisor=divisor)
        for i in range(30 if nd < 3 else 10):
            dtype = "f32" if i % 3 else random.choice(FLOATS)
            size = [random.randint(2, 12) for _ in range(nd)]
            o = [random.choice([1, random.randint(1, 13), n]) for n in size]
            if i % 5 == 0:
                o = [random.choice([v for v in range(1, n + 1) if n % v == 0])
                     for n in size]
            x = with_specials(dtype, 2, 3, *size, among=[math.inf, -math.inf, math.nan],
                              share=0.01 if i % 4 == 0 else 0)
            fa = (F.adaptive_avg_pool1d, F.adaptive_avg_pool2d,
                  F.adaptive_avg_pool3d)[nd - 1]
            fm = (F.adaptive_max_pool1d, F.adaptive_max_pool2d,
                  F.adaptive_max_pool3d)[nd - 1]
            free = {v: v + 5 * (i % 2) for v in set(size) if v > 3}
            case(f"{dtype}_{i}", "adaptive_avg_pool", [x], exact(lambda x: fa(x, o), x),
                 {"f64": 200, "f32": 40}.get(dtype, 1),
                 {"f64": 1e-14, "f32": 1e-6}.get(dtype, 1e-4), free, output=o)
            case(f"{dtype}_{i}", "adaptive_max_pool", [x], by_f32(lambda x: fm(x, o), x),
                 0, 0, free, output=o)
            at = fm(x.float(), o, return_indices=True)
            case(f"{dtype}_{i}", "adaptive_max_pool_position", [x], at[1], 0, 0, free,
                 output=o)
            case(f"{dtype}_{i}", "adaptive_max_pool_with_index", [x],
                 by_f32(lambda x: fm(x, o), x), 0, 0, free, output=o)
    for dtype in ("i64", "i32"):
        x = rand(dtype, 1, 2, 7, 7)
        r = F.max_pool2d(x.double(), 3, 2, 1).to(x.dtype)
        case(dtype, "max_pool", [x], r, kernel=[3, 3], stride=[2, 2], padding=[1, 1],
             dilation=[1, 1])
    # a window that would start in the right padding is dropped
    x = rand("f32", 1, 1, 4)
    case("dropped", "max_pool", [x], F.max_pool1d(x, 2, 3, 1, ceil_mode=True),
         kernel=[2], stride=[3], padding=[1], dilation=[1], ceil_mode=1)


# ---- softmax and friends ----
def below_largest(x, axis):
    """Softmax is of these; they are rounded before the exponential sees them."""
    if not x.numel():
        return x
    x = x.float() if NAMES[x.dtype] in HALVES else x
    return x - x.amax(axis, keepdim=True)


def softmaxes():
    for dtype in FLOATS:
        close = {"f64": (200, 1e-300), "f32": (24, 1e-38)}.get(dtype, (1, 1e-7))
        for shape, axis in (((3, 5), 1), ((3, 5), 0), ((2, 4, 6), 1), ((7,), 0),
                            ((2, 300), 1), ((2, 0), 0), ((3, 1), 1)):
            for x in (rand(dtype, *shape), rand(dtype, *shape) * 30,
                      with_specials(dtype, *shape)):
                r = exact(lambda x: x.softmax(axis), below_largest(x, axis)).to(x.dtype)
                case(dtype, "softmax", [x], r, *close, axis=axis)
                # near 0 the difference of two numbers of size |x|
                case(dtype, "log_softmax", [x], exact(lambda x: x.log_softmax(axis), x),
                     close[0], {"f64": 1e-12, "f32": 2e-5}.get(dtype, 1e-5), axis=axis)
                if 0 not in shape:
                    case(dtype, "logsumexp", [x],
                         exact(lambda x: x.logsumexp(axis), x), close[0],
                         {"f64": 1e-13, "f32": 1e-6}.get(dtype, 1e-5), axes=[axis])
        x = rand(dtype, 3, 4, 5)
        case(dtype + "_keep", "logsumexp", [x],
             exact(lambda x: x.logsumexp((0, 2), True), x), 24, 0, axes=[0, 2], keep=1)
    x = torch.full((2, 4), -math.inf)
    x[0, 1] = 3
    for op, f in (("softmax", torch.softmax), ("log_softmax", torch.log_softmax)):
        case("minus_inf", op, [x], exact(lambda x: f(x, 1), x), 4, axis=1)
    for name, y in (("minus_inf", x), ("inf", -x), ("empty", rand("f32", 3, 0))):
        case(name, "logsumexp", [y], exact(lambda y: y.logsumexp(1), y), 4, axes=[1])


# ---- norms ----
def variance(x, axes, correction, keep):
    """torch.var of any correction, also of versions that know 0 and 1 only."""
    n = 1
    for a in axes:
        n *= x.shape[a]
    t = x.double()
    total = ((t - t.mean(axes, keepdim=True)) ** 2).sum(axes, keepdim=keep)
    return (total / max(n - correction, 0)).to(x.dtype)


def norm_close(dtype):
    return {"f64": (512, 1e-13), "f32": (128, 4e-6), "f16": (1, 2e-3),
            "bf16": (1, 2e-2)}[dtype]


def norms():
    for dtype in FLOATS:
        close = norm_close(dtype)
        for shape, axes in (((3, 5), (1,)), ((3, 4, 5), (0, 2)), ((2, 3), (0, 1)),
                            ((3, 1), (1,)), ((2, 200), (1,)), ((4, 0), (1,))):
            x = rand(dtype, *shape) + 5
            for unbiased in (0, 1):
                case(dtype, "var", [x], exact(lambda x: x.var(axes, bool(unbiased)), x),
                     *close, axes=axes, correction=float(unbiased))
                case(dtype, "std", [x], exact(lambda x: x.std(axes, bool(unbiased)), x),
                     *close, axes=axes, correction=float(unbiased))
            for correction, keep in ((2, 1), (0.5, 0), (7, 1)):
                case(dtype, "var", [x],
                     exact(lambda x: variance(x, axes, correction, bool(keep)), x),
                     *close, axes=axes, correction=float(correction), keep=keep)
            for p in (0.0, 1.0, 2.0, math.inf, -math.inf, 3.0, 0.5, 2.5, -1.0):
                x = rand(dtype, *shape)
                if 0 in shape and (p < 0 or p == math.inf):
                    continue
                f = lambda x: torch.linalg.vector_norm(x, p, axes, True)
                case(f"{dtype}_{p}", "vector_norm", [x], exact(f, x), close[0], 0,
                     axes=axes, p=p, keep=1)
        x = with_specials(dtype, 40, 3)
        for p in (0.0, 1.0, 2.0, math.inf, -math.inf):
            case(f"{dtype}_{p}_specials", "vector_norm", [x],
                 exact(lambda x: torch.linalg.vector_norm(x, p, 1), x), close[0], 0,
                 axes=[1], p=p)
        for p, axis, shape in ((2.0, 1, (4, 6)), (1.0, 0, (4, 6)), (2.0, 2, (2, 3, 5)),
                               (math.inf, 1, (3, 4))):
            x = rand(dtype, *shape)
            x[0] = 0 if dtype not in HALVES else x[0]
            norm = exact(lambda x: torch.linalg.vector_norm(x, p, axis, True), x)
            r = x / norm.clamp_min(1e-12) if dtype not in HALVES else x / norm
            case(dtype, "normalize", [x], r, close[0] if dtype not in HALVES else 2, 0,
                 axes=[axis], p=p, eps=1e-12)
            y = rand(dtype, *shape)
            r = exact(lambda x, y: F.cosine_similarity(x, y, axis, 1e-6), x, y)
            case(dtype, "cosine_similarity", [x, y], r, 64 if dtype not in HALVES else 1,
                 {"f64": 1e-14, "f32": 1e-6}.get(dtype, 0), axis=axis, eps=1e-6)
        for shape, n in (((4, 8), 1), ((2, 3, 4), 2), ((2, 3, 16), 1), ((5,), 1),
                         ((2, 1), 1)):
            last = shape[len(shape) - n:]
            for affine in (0, 1, 2):
                x = rand(dtype, *shape) + 2
                w = rand(dtype, *last) if affine else None
                b = rand(dtype, *last) if affine > 1 else None
                f = lambda x, w, b: F.layer_norm(x, last, w, b, 1e-5)
                close2 = (close[0], close[1] * 20)
                case(f"{dtype}_{affine}", "layer_norm", [x, w, b], exact(f, x, w, b),
                     *close2, n_axes=n, eps=1e-5)
                axes = tuple(range(len(shape) - n, len(shape)))
                g = lambda x, w: (x * torch.rsqrt((x * x).mean(axes, True) + 1e-6)
                                  * (1 if w is None else w))
                case(f"{dtype}_{affine}", "rms_norm", [x, w], exact(g, x, w), *close2,
                     n_axes=n, eps=1e-6)
        for shape, groups in (((2, 6, 5), 3), ((2, 6, 4, 5), 1), ((3, 8), 4),
                              ((1, 6, 2, 3, 4), 2)):
            x = rand(dtype, *shape)
            w, b = rand(dtype, shape[1]), rand(dtype, shape[1])
            keep_c = [v for v in set(shape) if v != shape[1] and v > 1]
            for w, b in ((w, b), (None, None)):
                f = lambda x, w, b: F.group_norm(x, groups, w, b, 1e-5)
                case(dtype, "group_norm", [x, w, b], exact(f, x, w, b), close[0],
                     close[1] * 20, keep_c, groups=groups, eps=1e-5)
                if len(shape) > 2:
                    f = lambda x, w, b: F.instance_norm(x, None, None, w, b, eps=1e-5)
                    case(dtype, "instance_norm", [x, w, b], exact(f, x, w, b),
                         close[0], close[1] * 20, eps=1e-5)
            mean, var = rand(dtype, shape[1]), rand(dtype, shape[1]).abs()
            for w, b in ((rand(dtype, shape[1]), rand(dtype, shape[1])), (None, None)):
                f = lambda x, m, v, w, b: F.batch_norm(x, m, v, w, b, False, 0.1, 1e-5)
                case(dtype, "batch_norm", [x, mean, var, w, b],
                     exact(f, x, mean, var, w, b), close[0], close[1] * 20, eps=1e-5)
    x = torch.full((1, 4), 300.0).half()  # its square is inf in f16
    case("f16_300", "rms_norm", [x], torch.ones(1, 4).half(), n_axes=1, eps=1e-6)
    for dtype in HALVES:  # f32 statistics
        x, s = rand(dtype, 2, 3, 4), [rand("f32", 3).abs() for _ in range(4)]
        r = exact(lambda x, *s: F.batch_norm(x, *s, False, 0.1, 1e-5), x, *s)
        case("mixed", "batch_norm", [x] + s, r, 1, 1e-2, eps=1e-5)


# ---- attention ----
def attended(q, k, v, mask, scale, causal):
    s = (q * scale) @ k.transpose(-1, -2)
    if causal:
        s = s.masked_fill(torch.ones(s.shape[-2:]).triu(1).bool(), -math.inf)
    if mask is not None:
        s = s.masked_fill(~mask, -math.inf) if mask.dtype == torch.bool else s + mask
    p = s.softmax(-1)
    if mask is not None:  # PyTorch's _safe_softmax
        p = p.masked_fill((s == -math.inf).all(-1, keepdim=True), 0)
    return p @ v


def attention():
    def one(name, q, k, v, mask, scale, causal, native=True):
        r = exact(lambda *a: attended(*a, scale, causal), q, k, v, mask)
        real = getattr(F, "scaled_dot_product_attention", None)
        if native and real is not None:
            r = exact(lambda q, k, v, m: real(q, k, v, m, 0.0, bool(causal),
                                               scale=scale), q, k, v, mask)
        dtype = NAMES[q.dtype]
        close = {"f64": (512, 1e-12), "f32": (64, 1e-5)}.get(dtype, (1, 1e-3))
        case(name, "attention", [q, k, v, mask], r, *close, scale=scale, causal=causal)
    for dtype in FLOATS:
        q, k, v = rand(dtype, 2, 3, 5, 8), rand(dtype, 2, 3, 7, 8), rand(dtype, 2, 3, 7, 4)
        one(dtype, q, k, v, None, 8 ** -0.5, 0)
        one(dtype + "_causal", q, k, v, None, 0.3, 1)
        one(dtype + "_bool", q, k, v, torch.rand(5, 7) < 0.7, 0.2, 0)
        one(dtype + "_dead", q, k, v, torch.rand(2, 1, 5, 7) < 0.2, 0.2, 0)
        one(dtype + "_float", q, k, v, rand(dtype, 2, 1, 5, 7), 0.2, 0)
        one(dtype + "_2d", q[0, 0], k[0, 0], v[0, 0], None, 0.2, 0)
        one(dtype + "_3d", q[0], k[0], v[0], None, 0.2, 1)
    q = rand("f32", 1, 2, 4, 6)
    one("both", q, q, q, torch.rand(4, 4) < 0.6, 0.4, 1, False)


# ---- joining and moving ----
def joins():
    for dtype in DTYPES:
        for shapes, axis in (([(2, 3), (4, 3)], 0), ([(2, 3), (2, 1), (2, 4)], 1),
                             ([(2, 3)], 0), ([(2, 0), (2, 3)], 1), ([(5,)] * 5, 0),
                             ([(2, 2, 2)] * 7, 1)):
            v = [with_specials(dtype, *s) for s in shapes]
            case(dtype, "concat", v, torch.cat(v, axis), axis=axis)
        for n, axis in ((1, 0), (3, 2), (2, 1)):
            v = [with_specials(dtype, 2, 3) for _ in range(n)]
            case(dtype, "stack", v, torch.stack(v, axis), axis=axis)
        x = with_specials(dtype, 4, 5, 6)
        for shifts, axes in (((1,), (0,)), ((-2, 3), (1, 2)), ((7,), (1,)), ((-13,), (2,)),
                             ((0,), (0,)), ((5,), (1,))):
            case(dtype, "roll", [x], torch.roll(x, shifts, axes), shifts=shifts, axes=axes)
        for axes in ((0,), (0, 2), (), (1, 0, 2)):
            case(dtype, "flip", [x], torch.flip(x, axes), axes=axes)
        for axis, n in ((0, 2), (1, 3), (2, 1), (2, 0)):
            case(dtype, "repeat_interleave", [x], torch.repeat_interleave(x, n, axis),
                 axis=axis, count=n)
        y = with_specials(dtype, 2, 1, 3)
        for counts in ((1, 1, 1), (2, 3, 4), (2, 1, 2, 1), (3, 1, 1, 1, 2), (1, 0, 2)):
            case(dtype, "tile", [y], y.repeat(counts), counts=counts)
        for shape in ((4, 5), (2, 5, 3), (1, 1)):
            for diagonal in (0, 1, -2, 7, -7):
                z = with_specials(dtype, *shape)
                if dtype == "bf16":
                    bits = z.view(torch.int16)
                    up = torch.triu(bits, diagonal).view(torch.bfloat16)
                    low = torch.tril(bits, diagonal).view(torch.bfloat16)
                else:
                    up, low = torch.triu(z, diagonal), torch.tril(z, diagonal)
                case(dtype, "triu", [z], up, diagonal=diagonal)
                case(dtype, "tril", [z], low, diagonal=diagonal)
    for axes in ((0,), (1,)):
        x = rand("f32", 0, 1)
        case("empty", "flip", [x], torch.flip(x, axes), axes=axes)
        case("empty", "roll", [x], torch.roll(x, [2], axes), shifts=[2], axes=axes)


# ---- upsample ----
def samples():
    ways = [(0, "bilinear"), (1, "nearest"), (2, "bicubic")]
    for code, mode in ways:
        for pad, padding in enumerate(("zeros", "border", "reflection")):
            for align in (0, 1):
                for nd in (2, 3) if code < 2 else (2,):
                    x, grid = rand("f32", 2, 6, *[5, 4, 3][:nd]), rand("f32", 2, *[3, 5, 2][:nd], nd)
                    r = F.grid_sample(x, grid * 0.7, mode, padding, bool(align))
                    case(f"{mode}_{nd}d", "grid_sample", [x, grid * 0.7], r, 32, 1e-4, [5, 6],
                         mode=code, padding=pad, align_corners=align)


def bags():
    for code, mode in enumerate(("sum", "mean", "max")):
        for padding in (-1, 2):
            for end in (0, 1):
                for dtype in ("f32", "f64"):
                    w, i = rand(dtype, 6, 4), torch.tensor([3, 2, 2, 5, 0, 1, 3])
                    off = torch.tensor([0, 3, 3, 5] + [7] * end)
                    scales = [rand(dtype, 7)] if mode == "sum" and padding < 0 else []
                    r = F.embedding_bag(i, w, off, mode=mode, include_last_offset=bool(end),
                                        padding_idx=padding if padding >= 0 else None,
                                        per_sample_weights=scales[0] if scales else None)
                    case(dtype, "embedding_bag", [w, i, off] + scales, r, 8, 1e-6, [7],
                         mode=code, padding=padding, has_end=end)


def upsamples():
    modes = (["nearest"] * 3, ["nearest-exact"] * 3, ["linear", "bilinear", "trilinear"],
             [None, "bicubic", None])
    for code, names in enumerate(modes):
        for nd in (1, 2, 3):
            if names[nd - 1] is None:
                continue
            for i in range(40 if nd == 2 else 24 if nd == 1 else 8):
                dtype = "f64" if i % 5 == 4 else "f32"
                size = [random.randint(1, 12) for _ in range(nd)]
                x = rand(dtype, 1, 2, *size)
                align = bool(code >= 2 and i % 2)
                kw = {"mode": names[nd - 1]}
                if code >= 2:
                    kw["align_corners"] = align
                if i % 3 == 2:
                    scales = [random.choice([2.0, 3.0, 0.5, random.uniform(0.3, 4)])
                              for _ in range(nd)]
                    scales = [max(s, 1.01 / n) for s, n in zip(scales, size)]
                    o = [int(math.floor(n * s)) for n, s in zip(size, scales)]
                    # here PyTorch's kernels disagree, some ignore the scale
                    if code == 0 and any(m == n and s != 1 or m == 2 * n and s != 2
                                         for n, m, s in zip(size, o, scales)):
                        continue
                    r = F.interpolate(x, scale_factor=scales, recompute_scale_factor=False,
                                      **kw)
                else:
                    scales = [0.0] * nd
                    o = [random.randint(1, 30) for _ in size]
                    if i % 4 == 0:
                        o = [n * random.randint(1, 7) for n in size]
                    r = F.interpolate(x, size=o, **kw)
                assert list(r.shape[2:]) == o
                close = (0, 0) if code < 2 else (
                    (64, 4e-5) if dtype == "f32" else (64, 1e-12))
                symbols = [v for v in set(size) if v > 2] if code < 2 or dtype == "f32" \
                    else None
                case(f"{dtype}_{i}_{nd}d", "upsample", [x], r, *close, symbols, mode=code,
                     align_corners=align, output=o,
                     **{f"scale{a}": scales[a] for a in range(nd)})
    x = rand("f32", 1, 2, 19)
    case("same_size", "upsample", [x], F.interpolate(x, scale_factor=1.05, mode="linear"),
         symbols=None, mode=2, output=[19], scale0=1.05)
    for n in range(1, 60, 7):
        for m in range(1, 130, 3):
            x = torch.arange(float(n)).reshape(1, 1, n)
            case("grid", "upsample", [x], F.interpolate(x, size=m), mode=0, output=[m])
            case("grid", "upsample", [x], F.interpolate(x, size=m, mode="nearest-exact"),
                 mode=1, output=[m])
    for dtype in HALVES:
        x = rand(dtype, 1, 2, 5, 6)
        f = lambda x: F.interpolate(x, size=(9, 4), mode="bilinear", align_corners=False)
        case(dtype, "upsample", [x], by_f32(f, x), 1, 1e-3, mode=2, output=[9, 4])
        case(dtype, "upsample", [x], by_f32(lambda x: F.interpolate(x, size=(9, 4)), x),
             mode=0, output=[9, 4])
    x = rand("u8", 1, 2, 5, 6)
    case("u8", "upsample", [x], F.interpolate(x, size=(10, 9)), mode=0, output=[10, 9])


def antialiased():
    for dtype in FLOATS:
        for i, (n, out) in enumerate((((9, 12), (4, 5)), ((5, 4), (8, 4)), ((6, 6), (3, 9)))):
            for cubic in (0, 1):
                x = rand(dtype, 2, 3, *n)
                r = by_f32(lambda x: F.interpolate(
                    x, out, mode=("bilinear", "bicubic")[cubic], antialias=True), x)
                case(f"{dtype}_{i}", "upsample_aa", [x], r, ulps_of(dtype),
                     {"f64": 1e-13, "f32": 1e-6}.get(dtype, 0), None, cubic=cubic,
                     height=out[0], width=out[1], scale_h=n[0] / out[0], scale_w=n[1] / out[1])


# ---- indexing and order ----
def indexing():
    for dtype in DTYPES:
        w = with_specials(dtype, 9, 4)
        for shape in ((5,), (2, 3), (), (0,)):
            i = torch.randint(0, 9, shape)
            case(dtype, "embedding", [w, i], w[i])
            case(dtype, "embedding", [w, i.int()], w[i])
        x = with_specials(dtype, 3, 4, 5)
        for axis in range(3):
            i = torch.randint(0, x.shape[axis], (6,))
            case(dtype, "index_select", [x, i], torch.index_select(x, axis, i), axis=axis)
            i = torch.randint(0, x.shape[axis], ())
            case(dtype, "index_select", [x, i], torch.index_select(x, axis, i), axis=axis)
            for shape in ((6,), (2, 3), (), (0,)):
                n = x.shape[axis]
                i = torch.randint(-n, n, shape)
                case(dtype, "index", [x, i], x[(slice(None),) * axis + (i,)], axis=axis)
            for shape in ((3, 4, 5), (2, 3, 2), (3, 4, 0)):
                s = list(shape)
                s[axis] = 7
                i = torch.randint(0, x.shape[axis], s)
                case(dtype, "take_along", [x, i], torch.gather(x, axis, i), axis=axis)
        for n in range(9) if dtype != "bool" else ():
            y = with_specials(dtype, 2, n).sort(-1)[0]
            z = with_specials(dtype, 2, 5)
            for right in (False, True):
                for s, v in ((y, z), (y[0], z), (y[0], z[1, 2])):
                    case(dtype, "searchsorted", [s, v],
                         torch.searchsorted(s, v, right=right), right=int(right))
        for upper in (False, True) if dtype in ("f32", "f64") else ():
            for unit in (False, True):
                for n in (1, 2, 4):
                    a = torch.eye(n, dtype=z.dtype) * 2 + torch.rand(3, n, n, dtype=z.dtype) / 4
                    y = torch.rand(3, n, 2, dtype=z.dtype) + 1
                    case(dtype, "solve_triangular", [a, y], torch.linalg.solve_triangular(
                        a, y, upper=upper, unitriangular=unit), ulps=32, symbols=[3],
                         upper=int(upper), unit=int(unit))
        for n in (1, 2, 5) if dtype in ("f32", "f64") else ():
            a = torch.rand(3, n, n, dtype=z.dtype) + 1
            a = a + a.mT + 16 * torch.eye(n, dtype=z.dtype)
            y = torch.rand(3, n, 2, dtype=z.dtype)
            s = torch.tril(torch.ones(n, n, dtype=z.dtype)).fliplr() * torch.arange(1, n + 1)
            case(dtype, "solve", [a, y], torch.linalg.solve(a, y), ulps=128, symbols=[3])
            case(dtype, "solve", [s, y], torch.linalg.solve(s, y), ulps=128, symbols=[3])
            case(dtype, "solve", [a], torch.linalg.inv(a), ulps=128, symbols=[3])
            for kind, f in enumerate((torch.linalg.det, lambda a: torch.linalg.slogdet(a)[1],
                                      torch.logdet)):
                for x in a, s, a - 2, torch.zeros(n, n, dtype=z.dtype):
                    case(dtype, "det", [x], f(x), ulps=256,
                         symbols=[3] if x.dim() > 2 else None, kind=kind)
            case(dtype, "cholesky", [a], torch.linalg.cholesky(a), ulps=32, symbols=[3])
        for axis in range(3):
            for keep in (0, 1):
                y = with_specials(dtype, 3, 4, 5, share=0.5)
                if dtype == "bool":
                    continue
                case(dtype, "argmax", [y], y.argmax(axis, bool(keep)), axis=axis,
                     keep=keep)
                case(dtype, "argmin", [y], y.argmin(axis, bool(keep)), axis=axis,
                     keep=keep)
                # the sign of a zero among extremes is not PyTorch's promise
                y = torch.where(y == 0, torch.zeros_like(y), y)
                case(dtype, "max_with_index", [y], y.max(axis, bool(keep)).values,
                     axis=axis, keep=keep)
                case(dtype, "min_with_index", [y], y.min(axis, bool(keep)).values,
                     axis=axis, keep=keep)
            for down in (0, 1):
                y = with_specials(dtype, 3, 4, 5)
                r = torch.sort(y, dim=axis, descending=bool(down), stable=True)
                case(dtype, "sort", [y], r.values, axis=axis, descending=down)
                case(dtype, "@sort", [y], r.indices, axis=axis, descending=down)
                for k in (0, 2, y.shape[axis]):  # the engines are stable
                    more = dict(axis=axis, descending=down, order=2, k=k)
                    case(dtype, "topk", [y], r.values.narrow(axis, 0, k), **more)
                    case(dtype, "topk_positions", [y], r.indices.narrow(axis, 0, k), **more)
            for keep in (0, 1):
                y = with_specials(dtype, 3, 4, 5)
                r = torch.sort(y, dim=axis, stable=True)
                for i in (0, 2):
                    v, at = (part.narrow(axis, i, 1) if keep else part.select(axis, i)
                             for part in r)
                    case(dtype, "kthvalue", [y], v, axis=axis, index=i, keep=keep)
                    case(dtype, "kth_position", [y], at, axis=axis, index=i, keep=keep)
                y = torch.tensor([[[2, 7, 1, 7, 0], [3, 3, 3, 2, 2], [5, 1, 5, 1, 9],
                                   [8, 6, 4, 2, 0]]] * 3).to(y.dtype)
                v = torch.mode(y, axis, bool(keep)).values
                last = (y == torch.mode(y, axis, True).values).to(torch.uint8).flip(axis)
                last = y.shape[axis] - 1 - last.argmax(axis, bool(keep))
                case(dtype, "mode", [y], v, axis=axis, keep=keep)
                case(dtype, "mode_position", [y], last, axis=axis, keep=keep)
                middles(dtype, axis, keep)
            y = with_specials(dtype, 3, 4, 5)
            y = torch.where(y == 0, torch.zeros_like(y), y)
            for op in ("cummax", "cummin"):
                v, at = getattr(torch, op)(y.double(), axis)
                case(dtype, op, [y], v.to(y.dtype), axis=axis)
                case(dtype, op + "_position", [y], at, axis=axis)
    x = torch.tensor([[1.0, 3, 3, 2], [math.nan, 1, math.nan, math.inf],
                      [-math.inf] * 4, [math.inf] * 4])
    for op, f in (("argmax", torch.argmax), ("argmin", torch.argmin)):
        case("ties", op, [x], f(x, 1), axis=1)


def middles(dtype, axis, keep):
    """The engines are stable; of numbers that f64 holds."""
    y = with_specials(dtype, 3, 4, 5, share=0.5)
    y = torch.where(y == 0, torch.zeros_like(y), y).double().to(DTYPES[dtype])
    wide, more = y.double(), dict(axis=axis, keep=keep)
    order = torch.sort(wide, dim=axis, stable=True).indices
    n = y.shape[axis] - wide.isnan().sum(axis, True)
    middle = torch.gather(order, axis, (n - 1).clamp(min=0) // 2)
    whole = torch.where(wide.isnan().any(axis, True), wide.argmax(axis, True),
                        order.narrow(axis, (y.shape[axis] - 1) // 2, 1))
    for op, at in (("median", whole), ("nanmedian", middle)):
        v = torch.gather(y, axis, at)
        if not keep:
            v, at = v.squeeze(axis), at.squeeze(axis)
        case(dtype, op, [y], v, **more)
        case(dtype, op + "_position", [y], at, **more)


# ---- sugar ----
def sugar():
    for shape, new in (((2, 3, 4), (6, 4)), ((2, 3, 4), (24,)), ((24,), (2, 3, 4)),
                       ((6, 4), (2, 3, 4)), ((6, 4), (3, 8)), ((6, 4), (4, 6)), ((), (1, 1)),
                       ((1, 1), ()), ((2, 1, 3), (2, 3)), ((2, 3), (1, 2, 1, 3, 1)),
                       ((0, 4), (4, 0)), ((0, 4), (2, 0, 3)), ((2, 3, 4, 5), (6, 20)),
                       ((2, 3, 4, 5), (2, 12, 5)), ((4, 1, 6), (2, 2, 3, 2)),
                       ((5,), (5,)), ((2, 6, 1), (1, 4, 3)), ((0,), (0, 0))):
        x = rand("f32", *shape)
        case("sugar", "@reshape", [x], x.reshape(new), symbols=None, shape=new)
    for shape, new in (((3, 1), (3, 4)), ((4,), (2, 3, 4)), ((), (2, 2)), ((1,), (0,)),
                       ((2, 3), (2, 3)), ((1, 1), (5, 1, 3))):
        x = rand("f32", *shape)
        case("sugar", "@expand", [x], x.expand(new), symbols=None, shape=new)
    for dtype in ("f32", "bool", "i64"):
        for axis, start, end, step in ((0, 0, 4, 1), (0, 1, 3, 1), (1, 0, 5, 2),
                                       (1, 1, 5, 3), (2, 2, 6, 2), (2, 3, 3, 1),
                                       (1, 4, 5, 9), (2, 0, 6, 5)):
            x = with_specials(dtype, 4, 5, 6)
            at = [slice(None)] * 3
            at[axis] = slice(start, end, step)
            case(dtype, "@stride", [x], x[tuple(at)], axis=axis, start=start, end=end,
                 step=step)
            y = with_specials(dtype, *x[tuple(at)].shape)
            r = x.clone()
            r[tuple(at)] = y
            case(dtype, "@slice_assign", [x, y], r, symbols=None, axis=axis, start=start,
                 end=end, step=step)
        case(dtype, "@select", [x], x[:, 3], axis=1, start=3)
    for axis in range(3):
        x = rand("f32", 4, 0, 6)
        case("sugar", "@size", [x], torch.tensor(x.shape[axis]), symbols={4: 9, 6: 3},
             axis=axis)


def complexes():
    for dtype in ("f32", "f64"):
        for shape in ((), (3, 4)):
            v = [rand(dtype, *shape) for _ in range(2)] + [rand(dtype, 4) for _ in range(2)]
            x, y = torch.complex(*v[:2]), torch.complex(*v[2:])
            # a difference of products: near 0 it is off by what they are
            close = 1e-15 if dtype == "f64" else 1e-6
            case(dtype, "complex_multiply", v, torch.view_as_real(x * y), 4, close)
            case(dtype, "complex_divide", v, torch.view_as_real(x / y), 8, 16 * close)


def diagonals():
    for dtype in ("f32", "f64", "f16", "i64", "bool"):
        for s in ((4,), (2, 3), (2, 1, 5)):
            for d in (-2, 0, 3):
                x = rand(dtype, *s)
                case(dtype, "diag_embed", [x], torch.diag_embed(x, d), diagonal=d)


def distances():
    for dtype, close in (("f32", 24), ("f64", 200)):
        for p in (0.0, 1.0, 2.0, math.inf, 3.0):
            for s, t in (((5, 3), (4, 3)), ((2, 5, 3), (1, 4, 3))):
                x, y = rand(dtype, *s), rand(dtype, *t)
                case(f"{dtype}_{p}", "cdist", [x, y],
                     torch.cdist(x, y, p, "donot_use_mm_for_euclid_dist"), close, value=p)
            x = rand(dtype, 6, 3)
            case(f"{dtype}_{p}", "pdist", [x], torch.pdist(x, p), close, symbols=[3], value=p)
        x = with_specials(dtype, 3, 4, 5, among=[math.nan, 0.0, math.inf])
        for axes, keep in (([1], 0), ([0, 2], 1), ([0, 1, 2], 0)):
            case(dtype, "nansum", [x], torch.nansum(x, axes, bool(keep)), 0,
                 {"f32": 1e-5, "f64": 1e-14}[dtype], axes=axes, keep=keep)


def transforms():
    real = torch.view_as_real
    for dtype in ("f32", "f64"):
        for n in (1, 2, 5, 16, 31, 67, 96, 100, 128, 257):
            for name, scale in (("backward", 1.0), ("ortho", n ** -0.5), ("forward", 1.0 / n)):
                # an error of each of n summands
                close = {"f32": 1e-6, "f64": 4e-15}[dtype] * n
                x, z = rand(dtype, 3, n), rand(dtype, 2, n, 2)
                half, c = rand(dtype, 3, n // 2 + 1, 2), torch.view_as_complex
                inverse = {"backward": "forward", "forward": "backward"}.get(name, name)
                for op, v, f, g in (
                        ("rfft", x, lambda x, m: real(torch.fft.rfft(x, norm=m)),
                         lambda x, m: real(torch.fft.ihfft(x, norm=m).resolve_conj())),
                        ("fft", z, lambda z, m: real(torch.fft.fft(c(z), norm=m)),
                         lambda z, m: real(torch.fft.ifft(c(z), norm=m))),
                        ("irfft", half, lambda z, m: torch.fft.hfft(c(z), n, norm=m),
                         lambda z, m: torch.fft.irfft(c(z), n, norm=m))):
                    case(dtype, op, [v], f(v, name), 4, close, symbols=None, n=n, scale=scale)
                    case(dtype, op, [v], g(v, inverse), 4, close, symbols=None, n=n,
                         scale=scale, inverse=1)


def main():
    global out
    with open(sys.argv[1], "wb") as out:
        for group in (unary, special, binary, plain, bits, matmul, conv, pools, softmaxes, norms, attention,
                      joins, samples, bags, upsamples, antialiased, indexing, sugar,
                      complexes, distances, transforms, diagonals):
            group()


main()
