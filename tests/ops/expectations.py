"""Writes what PyTorch computes for cases of every core op, for test_expectations.c.

usage: expectations.py OUT      exit status 77: there is no PyTorch here

The file is a sequence of cases. A case is lines of text, each tensor line followed by the
tensor's bytes:
    case NAME OP N_INPUTS ULPS ATOL
    field NAME N VALUE...           one per field of the op's spec
    tensor DTYPE RANK DIM...        the inputs, then the result
A case that ends in the line "fail" instead of a result must be refused by evaluation.
ULPS 0 and ATOL 0 ask for the same bits (any NaN for a NaN)."""
import math
import random
import sys
import warnings

try:
    import numpy as np
    import torch
except ImportError:
    sys.exit(77)

warnings.filterwarnings("ignore")
torch.set_num_threads(1)
torch.manual_seed(7)
random.seed(7)

DTYPES = {"f64": torch.float64, "f32": torch.float32, "f16": torch.float16,
          "bf16": torch.bfloat16, "i64": torch.int64, "i32": torch.int32,
          "i16": torch.int16, "i8": torch.int8, "u8": torch.uint8, "bool": torch.bool}
CODES = {name: i + 1 for i, name in enumerate(DTYPES)}
NAMES = {t: n for n, t in DTYPES.items()}
FLOATS = ["f64", "f32", "f16", "bf16"]
HALVES = ["f16", "bf16"]
INTS = ["i64", "i32", "i16", "i8", "u8"]
REDUCTIONS = ["none", "sum", "product", "min", "max", "mean"]
SPECIALS = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.5, -2.5, 1e-3, -7.0, 3.0, 6e4, -6e4,
            math.inf, -math.inf, math.nan]

out = None


def raw(t):
    t = t.detach().contiguous()
    if t.dtype == torch.bfloat16:
        t = t.view(torch.int16)
    return t.numpy().tobytes()


def tensor(t):
    words = ["tensor", NAMES[t.dtype], str(t.dim())] + [str(n) for n in t.shape]
    out.write((" ".join(words) + "\n").encode() + raw(t))


def case(name, op, inputs, result, ulps=0, atol=0.0, **fields):
    """result None: evaluation must fail."""
    out.write(f"case {name} {op} {len(inputs)} {ulps} {float(atol).hex()}\n".encode())
    for key, value in fields.items():
        values = list(value) if isinstance(value, (list, tuple)) else [value]
        text = [v.hex() if isinstance(v, float) else str(int(v)) for v in values]
        out.write((" ".join(["field", key, str(len(values))] + text) + "\n").encode())
    for t in inputs:
        tensor(t)
    if result is None:
        out.write(b"fail\n")
    else:
        tensor(result)


def rand(dtype, *shape):
    """Random elements; floats with some specials among them."""
    if dtype in FLOATS:
        t = torch.randn(shape, dtype=torch.float64) * 3
        return t.to(DTYPES[dtype])
    if dtype == "bool":
        return torch.randint(0, 2, shape).bool()
    info = torch.iinfo(DTYPES[dtype])
    return torch.randint(max(info.min, -(2 ** 40)), min(info.max, 2 ** 40) + 1,
                         shape).to(DTYPES[dtype])


def with_specials(dtype, *shape):
    t = rand(dtype, *shape)
    if dtype in FLOATS and t.numel():
        flat = t.view(-1)
        for i in range(flat.numel()):
            if random.random() < 0.3:
                flat[i] = random.choice(SPECIALS)
    return t


def by_f32(f, *xs):
    """The rule for the half types: computed in f32, rounded once."""
    if xs[0].dtype in (torch.float16, torch.bfloat16):
        r = f(*[x.float() for x in xs])
        return r if r.dtype == torch.bool else r.to(xs[0].dtype)
    return f(*xs)


# ---- unary ----
def by_f64(f, x):
    """PyTorch's f64 function, rounded to x's dtype by way of f32: its f32 functions are
    off by units (sqrt), or overflow early (sinh(89) is inf), in one version or another."""
    return f(x) if x.dtype == torch.float64 else f(x.double()).float().to(x.dtype)


def gaussian(x):
    """torch.special.ndtr loses the lower tail by 1 + erf."""
    return 0.5 * torch.special.erfc(-x * math.sqrt(0.5))


UNARY = {"neg": torch.neg, "reciprocal": torch.reciprocal, "sqrt": torch.sqrt,
         "exp": torch.exp, "log": torch.log, "sin": torch.sin, "arcsin": torch.asin,
         "cos": torch.cos, "arccos": torch.acos, "tan": torch.tan, "arctan": torch.atan,
         "sinh": torch.sinh, "arcsinh": torch.asinh, "cosh": torch.cosh,
         "arccosh": torch.acosh, "tanh": torch.tanh, "arctanh": torch.atanh,
         "gaussian": gaussian,
         "inv_gaussian": torch.special.ndtri, "sign": torch.sign,
         "floor": torch.floor}
EXACT = {"neg", "reciprocal", "sqrt", "sign", "floor"}


def all_halves(dtype):
    bits = torch.from_numpy(np.arange(65536, dtype=np.uint16).view(np.int16).copy())
    return bits.view(DTYPES[dtype])


def unary():
    for op, f in UNARY.items():
        exact = op in EXACT
        for dtype in HALVES:
            x = all_halves(dtype)
            case(f"all_{dtype}", op, [x], by_f64(f, x), 0 if exact else 1)
        for dtype in ("f64", "f32"):
            t = DTYPES[dtype]
            x = torch.cat([torch.tensor(SPECIALS, dtype=t), rand(dtype, 800),
                           rand(dtype, 200) * 100, torch.rand(500, dtype=t)])
            ulps = 0 if exact else 1 if dtype == "f32" else 16
            if dtype == "f64" and op in ("sqrt", "gaussian", "inv_gaussian"):
                ulps = 1 if op == "sqrt" else 20000  # PyTorch's error, not ours
            case(f"random_{dtype}", op, [x], by_f64(f, x), ulps, 0 if exact else 1e-300)
        for shape in ((), (0,), (2, 0, 3), (2, 1, 3)):
            x = rand("f32", *shape).abs() + 1
            case("shape", op, [x], by_f64(f, x), 0 if exact else 1)
    for dtype in INTS:
        x = rand(dtype, 40)
        x[0] = torch.iinfo(x.dtype).min
        case("integer", "neg", [x], torch.neg(x))
        case("integer", "sign", [x], torch.sign(x))
        case("integer", "floor", [x], x)
    x = rand("bool", 9)
    case("bool", "sign", [x], torch.sign(x))


# ---- binary and where ----
SHAPES2 = [((3, 4), (3, 4)), ((3, 4), (4,)), ((3, 1), (1, 4)), ((), (2, 2)), ((5,), ()),
           ((), ()), ((0,), (1,)), ((2, 0, 3), (3,)), ((2, 1, 5, 1), (4, 1, 3)),
           ((2, 3, 1100), (3, 1)), ((1, 1100), (2, 1100))]


def add(x, y):
    return x | y if x.dtype == torch.bool else x + y


def multiply(x, y):
    return x & y if x.dtype == torch.bool else x * y


def floor_divide(x, y):
    return torch.div(x, y, rounding_mode="floor")


BINARY = {"add": add, "multiply": multiply, "less": torch.lt, "equal": torch.eq,
          "floor_divide": floor_divide}


def binary():
    for op, f in BINARY.items():
        for dtype in DTYPES:
            if op == "floor_divide" and dtype == "bool":
                continue
            for i, (a, b) in enumerate(SHAPES2):
                x, y = rand(dtype, *a), rand(dtype, *b)
                if op == "floor_divide" and dtype in INTS:
                    y = torch.where(y == 0, torch.ones_like(y), y)
                if op == "equal" and a == b:
                    y = torch.where(rand("bool", *a), x, y)
                case(f"{dtype}_{i}", op, [x, y], by_f32(f, x, y))
        for dtype in FLOATS:
            grid = torch.tensor(SPECIALS, dtype=DTYPES[dtype])
            x, y = grid[:, None], grid[None, :].contiguous()
            case(f"specials_{dtype}", op, [x, y], by_f32(f, x, y))


def where():
    for dtype in DTYPES:
        for c, a, b in (((3, 4),) * 3, ((4,), (3, 1), ()), ((), (2, 3), (3,)),
                        ((2, 0), (1,), (2, 1)), ((), (), ())):
            cond, x, y = rand("bool", *c), with_specials(dtype, *a), rand(dtype, *b)
            case(dtype, "where", [cond, x, y], torch.where(cond, x, y))


# ---- movement ----
def permute(x, order):
    case("permute", "permute", [x], x.permute(order) if order else x, order=order)


def movement():
    for dtype in DTYPES:
        permute(rand(dtype, 2, 3, 4), (2, 0, 1))
        permute(rand(dtype, 3, 5), (1, 0))
    permute(rand("f32"), ())
    permute(rand("f32", 2, 0, 3), (1, 2, 0))
    permute(rand("f32", 2, 3, 1, 4, 5), (4, 2, 0, 3, 1))
    permute(rand("f16", 2, 3, 4, 20), (1, 0, 2, 3))
    x = rand("i16", 2, 3, 4, 5)
    case("runs", "group", [x], x.reshape(6, 4, 5), runs=(2, 1, 1))
    case("all", "group", [x], x.reshape(120), runs=(4,))
    y = rand("bool")
    case("rank_0", "group", [y], y, runs=())
    case("split", "ungroup", [x.reshape(6, 20)], x, counts=(2, 2), factors=(2, 3, 4, 5))
    y = rand("f64", 0, 4)
    case("empty", "ungroup", [y], y.reshape(3, 0, 4), counts=(2, 1), factors=(3, 0, 4))
    y = rand("f64", 1, 3, 1)
    case("two", "squeeze", [y], y.reshape(3), axes=(0, 2))
    case("none", "squeeze", [y], y, axes=())
    case("two", "unsqueeze", [y.reshape(3)], y, axes=(0, 2))
    y = rand("f64")
    case("rank_0", "unsqueeze", [y], y.reshape(1), axes=(0,))


def parts():
    for dtype in DTYPES:
        x = with_specials(dtype, 4, 5, 6)
        case(dtype, "slice", [x], x[1:3, :, 2:6], start=(1, 0, 2), end=(3, 5, 6))
        case(dtype, "select", [x], x[:, 3:4], axis=1, index=3)
        y = with_specials(dtype, 1, 3, 1)
        case(dtype, "repeat", [y], y.expand(4, 3, 2), counts=(4, 1, 2))
    x = rand("f32", 4, 5)
    case("empty", "slice", [x], x[2:2], start=(2, 0), end=(2, 5))
    y = rand("f32")
    case("rank_0", "slice", [y], y, start=(), end=())
    case("rank_0", "repeat", [y], y, counts=())
    y = rand("f32", 1, 3)
    case("to_none", "repeat", [y], y.expand(0, 3), counts=(0, 1))
    y = rand("f32", 0, 1)
    case("of_none", "repeat", [y], y.expand(0, 7), counts=(1, 7))


def padded(x, before, after, mode, value):
    """np.pad knows every mode on any axes; bf16 goes by its bits."""
    bits = x.view(torch.int16) if x.dtype == torch.bfloat16 else x
    pairs = list(zip(before, after))
    if mode == 0:
        fill = torch.tensor(value, dtype=torch.float64).to(x.dtype)
        fill = fill.view(torch.int16) if x.dtype == torch.bfloat16 else fill
        r = np.pad(bits.numpy(), pairs, constant_values=fill.item())
    else:
        r = np.pad(bits.numpy(), pairs, mode=("", "reflect", "edge", "wrap")[mode])
    r = torch.from_numpy(r)
    return r.view(torch.bfloat16) if x.dtype == torch.bfloat16 else r


def pad():
    def one(name, x, before, after, mode=0, value=0.0):
        case(name, "pad", [x], padded(x, before, after, mode, value), before=before,
             after=after, mode=mode, value=value)
    for dtype in DTYPES:
        for mode in range(4):
            one(f"{dtype}_{mode}", with_specials(dtype, 3, 4, 5), (2, 0, 1), (1, 3, 4),
                mode, 1.0)
    one("inf", rand("f16", 2, 3), (1, 1), (1, 0), 0, -math.inf)
    one("nan", rand("bf16", 2, 3), (1, 1), (0, 2), 0, math.nan)
    one("all_around", rand("f32", 4), (4,), (4,), 3)
    one("last", rand("f32", 4), (3,), (3,), 1)
    one("no_elements", rand("f32", 2, 0), (1, 2), (0, 1), 0, 4.0)
    one("rank_1_outer", rand("f32", 3, 1), (2, 0), (2, 0), 2)
    x = rand("f32", 2, 3, 8, 9)
    case("torch_reflect", "pad", [x], torch.nn.functional.pad(x, (2, 3, 4, 5), "reflect"),
         before=(0, 0, 4, 2), after=(0, 0, 5, 3), mode=1, value=0.0)
    case("torch_circular", "pad", [x],
         torch.nn.functional.pad(x, (2, 3, 4, 5), "circular"),
         before=(0, 0, 4, 2), after=(0, 0, 5, 3), mode=3, value=0.0)
    y = rand("f32")
    case("rank_0", "pad", [y], y, before=(), after=(), mode=0, value=1.0)


# ---- windows ----
def unfolded(x, kernel, stride):
    for axis, (k, s) in enumerate(zip(kernel, stride)):
        if x.shape[axis] == 0:
            continue
        x = x.unfold(axis, k, s).movedim(-1, axis + 1)
        x = x.flatten(axis, axis + 1)
    return x.contiguous()


def folded(x, kernel, stride):
    for axis, (k, s) in enumerate(zip(kernel, stride)):
        windows = x.shape[axis] // k
        y = x.movedim(axis, 0)
        r = torch.zeros((max((windows - 1) * s + k, 0),) + y.shape[1:], dtype=x.dtype)
        for w in range(windows):
            r[w * s:w * s + k] += y[w * k:w * k + k]
        x = r.movedim(0, axis)
    return x.contiguous()


WINDOWS = [((7,), (3,), (2,)), ((8,), (2,), (3,)), ((5, 6), (1, 2), (1, 2)), ((), (), ()),
           ((3, 9, 10), (1, 3, 3), (1, 2, 1)), ((4, 5), (4, 5), (1, 1)),
           ((2, 3, 12, 13), (1, 1, 3, 2), (1, 1, 2, 3)), ((0, 4), (1, 2), (1, 1)),
           ((9,), (1,), (3,)), ((2, 1100), (2, 1), (1, 1))]


def windows():
    for dtype in DTYPES:
        for i, (shape, k, s) in enumerate(WINDOWS):
            x = with_specials(dtype, *shape)
            case(f"{dtype}_{i}", "unfold", [x], unfolded(x, k, s), kernel=k, stride=s)
            y = unfolded(rand(dtype, *shape), k, s)
            wide = y.double() if dtype in FLOATS else y
            r = folded(wide, k, s).to(y.dtype)
            case(f"{dtype}_{i}", "fold", [y], r, slack(dtype), kernel=k,
                 stride=s)


# ---- reductions ----
def reduced(x, kind, axes):
    """Floats in f64, as a reduction of theirs may not round in between."""
    if not axes:
        return x
    t = x.double() if x.dtype.is_floating_point else x
    for axis in axes:
        n = t.shape[axis]
        if kind == "sum":
            t = t.sum(axis, keepdim=True, dtype=t.dtype)
        elif kind == "product":
            t = t.all(axis, keepdim=True) if t.dtype == torch.bool else t.prod(
                axis, keepdim=True, dtype=t.dtype)
        elif kind == "mean":
            t = t.mean(axis, keepdim=True)
        elif n == 0:
            low = -math.inf if x.dtype.is_floating_point else (
                0 if x.dtype == torch.bool else torch.iinfo(x.dtype).min)
            high = math.inf if x.dtype.is_floating_point else (
                1 if x.dtype == torch.bool else torch.iinfo(x.dtype).max)
            shape = list(t.shape)
            shape[axis] = 1
            t = torch.full(shape, low if kind == "max" else high, dtype=t.dtype)
        else:
            t = (t.amax if kind == "max" else t.amin)(axis, keepdim=True)
    return t.to(x.dtype)


def slack(dtype):
    """Units in the last place between two orders of accumulating in f64."""
    return 4000 if dtype == "f64" else 1 if dtype in FLOATS else 0


def allowed(kind, dtype):
    return not (kind == "mean" and dtype not in FLOATS or kind == "sum" and dtype == "bool")


def reduce():
    for dtype in DTYPES:
        for kind in REDUCTIONS[1:]:
            if not allowed(kind, dtype):
                continue
            for i, (shape, axes) in enumerate((((3, 4, 5), (1,)), ((3, 4, 5), (0, 2)),
                                               ((3, 4, 5), (0, 1, 2)), ((), ()),
                                               ((2, 3), ()), ((0, 3), (0,)),
                                               ((0, 3), (1,)), ((2, 1300), (1,)),
                                               ((1300, 2), (0,)), ((2, 1, 3), (1,)))):
                x = rand(dtype, *shape)
                if dtype in FLOATS and i >= 7:
                    x = x / 8
                case(f"{dtype}_{kind}_{i}", "reduce", [x], reduced(x, kind, axes),
                     0 if kind in ("min", "max") else slack(dtype),
                     1e-12 if dtype == "f64" else 0, axes=axes,
                     kind=REDUCTIONS.index(kind))
            if dtype in FLOATS:
                x = with_specials(dtype, 40, 6)
                # the sign of a zero is not PyTorch's promise: see test_reduce.c
                x = torch.where(x == 0, torch.zeros_like(x), x)
                case(f"{dtype}_{kind}_specials", "reduce", [x], reduced(x, kind, (1,)),
                     slack(dtype), 1e-12, axes=(1,), kind=REDUCTIONS.index(kind))
    ones = torch.ones(70000, dtype=torch.float16)
    for kind, result in (("sum", math.inf), ("mean", 1.0)):  # PyTorch 2's; 1.13: NaN
        case("f16_ones", "reduce", [ones], torch.tensor([result]).half(), axes=(0,),
             kind=REDUCTIONS.index(kind))
    for dtype in HALVES:  # accumulation in f32
        x = torch.ones(5000, dtype=DTYPES[dtype])
        case(f"{dtype}_5000", "reduce", [x], x.sum().reshape(1), axes=(0,), kind=1)
    for dtype in ("f32", "f64"):
        x = rand(dtype, 3, 5000)
        case(f"{dtype}_native", "reduce", [x], x.sum(1, keepdim=True), 8,
             1e-3 if dtype == "f32" else 1e-11, axes=(1,), kind=1)


def scanned(x, kind, axis):
    t = x.double() if x.dtype.is_floating_point else x
    if x.dim() == 0 or x.numel() == 0:
        return x
    if t.dtype == torch.bool:
        t = t.to(torch.int64)
    if kind == "sum":
        t = t.cumsum(axis, dtype=t.dtype)
    elif kind == "product":
        t = t.cumprod(axis, dtype=t.dtype)
    else:
        t = (t.cummax if kind == "max" else t.cummin)(axis).values
    return t.to(x.dtype)


def scan():
    for dtype in DTYPES:
        for kind in REDUCTIONS[1:5]:
            if not allowed(kind, dtype):
                continue
            for shape, axis in (((3, 4, 5), 1), ((7,), 0), ((3, 4), 0), ((0, 3), 1),
                                ((3, 0), 1), ((2, 3, 600), 1)):
                x = rand(dtype, *shape)
                case(f"{dtype}_{kind}", "scan", [x], scanned(x, kind, axis),
                     slack(dtype), 1e-12 if dtype == "f64" else 0,
                     axis=axis, kind=REDUCTIONS.index(kind))
            if dtype in FLOATS:
                x = with_specials(dtype, 30, 6)
                x = torch.where(x == 0, torch.zeros_like(x), x)
                case(f"{dtype}_{kind}_specials", "scan", [x], scanned(x, kind, 1),
                     slack(dtype), 1e-12, axis=1, kind=REDUCTIONS.index(kind))


def argsort():
    for dtype in DTYPES:
        for shape, axis in (((3, 40), 1), ((40, 3), 0), ((2, 17, 3), 1), ((1,), 0),
                            ((0, 2), 0), ((2, 0), 0), ((100,), 0), ((1000,), 0)):
            x = with_specials(dtype, *shape)
            if dtype not in FLOATS and dtype != "bool":
                x = x % 11
            for down in (0, 1):
                r = torch.sort(x, dim=axis, descending=bool(down), stable=True).indices
                case(f"{dtype}_{down}", "argsort", [x], r, axis=axis, descending=down)


# ---- indexed ----
def indexed_shapes(n, batch, index, rest):
    lead = tuple(random.randint(1, 3) for _ in range(batch))
    return lead + (n,) + rest, lead + index


def gathered(x, index, batch):
    if batch == 0:
        return x[index.long()]
    return torch.stack([gathered(a, i, batch - 1) for a, i in zip(x, index)])


def scattered(x, index, update, batch, mode):
    r = x.clone()
    if batch > 0:
        for b in range(x.shape[0]):
            r[b] = scattered(x[b], index[b], update[b], batch - 1, mode)
        return r
    flat = update.reshape((index.numel(),) + tuple(x.shape[1:]))
    for at, u in zip(index.reshape(-1).tolist(), flat):
        if mode == 0:
            r[at] = u
        elif mode == 1:
            r[at] = r[at] | u if r.dtype == torch.bool else r[at] + u
        elif mode == 2:
            r[at] = r[at] & u if r.dtype == torch.bool else r[at] * u
        else:
            r[at] = (torch.minimum if mode == 3 else torch.maximum)(r[at], u)
    return r


def indexed():
    cases = [(7, 0, (5,), (3,)), (7, 1, (4,), ()), (5, 2, (2, 3), (2, 2)), (6, 0, (), (4,)),
             (6, 1, (), ()), (4, 0, (0,), (3,)), (4, 0, (3,), (0,)), (9, 0, (600,), ())]
    for dtype in DTYPES:
        for i, (n, batch, index, rest) in enumerate(cases):
            xs, js = indexed_shapes(n, batch, index, rest)
            x = with_specials(dtype, *xs)
            j = torch.randint(0, n, js)
            j = j.int() if i % 2 else j
            r = gathered(x, j, batch)
            case(f"{dtype}_{i}", "gather", [x, j], r, batch=batch)
            for mode in range(5):
                x, u = rand(dtype, *xs), rand(dtype, *r.shape)
                if i == 7 and dtype in FLOATS:
                    x, u = x / 4, u / 4
                wide = dtype in FLOATS and mode in (1, 2)
                a, b = (x.double(), u.double()) if wide else (x, u)
                case(f"{dtype}_{i}_{mode}", "scatter", [x, j, u],
                     scattered(a, j, b, batch, mode).to(x.dtype), slack(dtype) if wide else 0,
                     1e-12 if wide else 0, batch=batch, mode=mode)
    x, u = rand("f32", 4, 3), rand("f32", 1, 3)
    for bad in (-1, 4, 2 ** 40):
        j = torch.tensor([bad])
        case("out_of_range", "gather", [x, j], None, batch=0)
        for mode in range(5):
            case("out_of_range", "scatter", [x, j, u], None, batch=0, mode=mode)


# ---- conversion and generation ----
def convert():
    for source in DTYPES:
        for target in DTYPES:
            x = rand(source, 3, 300)
            if source in FLOATS and target in INTS:  # in range: else C leaves it open
                x = x.abs() if target == "u8" else x
            if source in FLOATS and target in FLOATS + ["bool"]:
                x = with_specials(source, 3, 300)
            # f64 to a half rounds once here, by way of f32 in PyTorch
            double_rounding = source == "f64" and target in HALVES
            case(f"{source}_{target}", "convert", [x], x.to(DTYPES[target]),
                 1 if double_rounding else 0, dtype=CODES[target])
    for dtype in HALVES:
        x = all_halves(dtype)
        for target in ("f64", "f32", "bool"):
            case(f"all_{dtype}_{target}", "convert", [x], x.to(DTYPES[target]),
                 dtype=CODES[target])
    big = torch.tensor([2 ** 24 + 1, 2 ** 53 + 1, -(2 ** 63), 2 ** 63 - 1, 65504, 65520])
    for target in DTYPES:
        case(f"big_{target}", "convert", [big], big.to(DTYPES[target]),
             dtype=CODES[target])


def iota():
    for dtype in FLOATS + INTS:
        for n in (0, 1, 5, 100, 1000):
            r = torch.arange(n).to(DTYPES[dtype])
            case(f"{dtype}_{n}", "iota", [], r, n=n, dtype=CODES[dtype])


def main():
    global out
    with open(sys.argv[1], "wb") as out:
        for group in (unary, binary, where, movement, parts, pad, windows, reduce, scan,
                      argsort, indexed, convert, iota):
            group()


main()
