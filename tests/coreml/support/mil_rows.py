"""The rows of mil_cases.py: case(operator, opset, operand=value, ...) is one package."""
import itertools

import numpy as np

from mil_cases import Case, In, mb

RANDOM = np.random.default_rng(12)
COUNT = {}


def F(*shape, scale=2.0, dtype=np.float32):
    return (RANDOM.standard_normal(shape) * scale).astype(dtype)


def P(*shape, dtype=np.float32):  # positive
    return (RANDOM.random(shape) * 2 + 0.1).astype(dtype)


def U(*shape, dtype=np.float32):  # inside of -1..1
    return (RANDOM.random(shape) * 1.8 - 0.9).astype(dtype)


def I(*shape, low=-5, high=6, dtype=np.int32):
    return RANDOM.integers(low, high, shape).astype(dtype)


def B(*shape):
    return RANDOM.random(shape) > 0.5


def distinct(*shape, dtype=np.float32):  # no ties
    n = int(np.prod(shape))
    return ((RANDOM.permutation(n) - n / 2) / 4).reshape(shape).astype(dtype)


def half(array):
    return array.astype(np.float16)


def text_of(v):
    if isinstance(v, In):
        return "input " + v.array.dtype.name + str(list(v.array.shape)).replace(" ", "")
    if isinstance(v, np.ndarray) and v.size > 6:
        return v.dtype.name + str(list(v.shape)).replace(" ", "")
    if isinstance(v, (list, tuple)) and any(isinstance(w, In) for w in v):
        return "(" + ", ".join(text_of(w) for w in v) + ")"
    return str(v).replace("\n", "")


def case(operator, opset="iOS15", expect="ok", tolerance=None, **operands):
    inputs, plan = [], {}
    for name, v in operands.items():
        many = v if isinstance(v, (list, tuple)) and any(isinstance(w, In) for w in v) else [v]
        at = []
        for w in many:
            at.append(len(inputs) if isinstance(w, In) else None)
            inputs += [w] if isinstance(w, In) else []
        plan[name] = (at, many, many is v)

    def build(*given):
        values = {name: [w if a is None else given[a] for a, w in zip(at, many)]
                  for name, (at, many, _) in plan.items()}
        return getattr(mb, operator)(**{name: tuple(v) if plan[name][2] else v[0]
                                        for name, v in values.items()})

    n = COUNT[operator] = COUNT.get(operator, 0) + 1
    Case("%s_%d" % (operator, n), operator, build, inputs, opset, expect, tolerance,
         ", ".join("%s=%s" % (k, text_of(v)) for k, v in operands.items()), operands=set(operands))


SPECIAL = np.array([0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, -1.5, 2.5, -2.5, 1e-3, 30.0, -30.0,
                    np.inf, -np.inf], dtype=np.float32)
LARGE = np.array([20.0, -20.0, 88.0, -88.0, 5.5, -5.5, 0.0, 1e-4], dtype=np.float32)

# Elementwise operators of one operand.
UNARY = {F: "abs atan ceil cos erf exp exp2 floor identity relu relu6 round sigmoid sign silu sin "
            "sinh cosh softplus softsign square tanh gelu tan",
         U: "acos asin atanh", P: "log rsqrt sqrt inverse"}
EVEN = "abs atan ceil erf floor identity relu relu6 round sign sigmoid tanh softsign".split()
for make, names in UNARY.items():
    for name in names.split():
        case(name, x=In(make(2, 3)))
        case(name, x=In(make(7)))
        case(name, x=In(make(1, 2, 3, 2, 2)))
        case(name, "iOS16", x=In(half(make(3, 4))))
        case(name, x=In(half(make(2, 5))))
        case(name, "iOS17", x=In(make(4, 2)))
        if name in EVEN:
            case(name, x=In(SPECIAL))
        if name in ("softplus", "sigmoid", "silu", "tanh", "gelu"):
            case(name, x=In(LARGE))
for name in ("abs", "sign", "square", "identity"):
    case(name, x=In(I(3, 4)))
case("exp2", x=In(I(3, 4, low=0)))
case("identity", x=In(B(2, 3)))
for name in ("inverse", "log", "rsqrt"):
    case(name, x=In(P(2, 3)), epsilon=np.float32(0.25))
    case(name, "iOS16", x=In(half(P(2, 3))), epsilon=np.float16(0.5))
    case(name, "iOS17", x=In(half(P(2, 3))), epsilon=np.float32(0.125))
case("inverse", x=In(P(4)), epsilon=np.float32(0))
case("inverse", x=In(P(4)), epsilon=np.float32(1e-3))
case("inverse", "iOS16", x=In(half(P(4))), epsilon=np.float16(1e-4))
for mode in ("EXACT", "TANH_APPROXIMATION", "SIGMOID_APPROXIMATION"):
    case("gelu", x=In(F(3, 4)), mode=mode)
    case("gelu", "iOS17", x=In(half(F(3, 4))), mode=mode)
case("logical_not", x=In(B(2, 3)))
case("logical_not", x=In(B(5)))
case("logical_not", "iOS17", x=In(B(2, 1, 3)))

# With parameters.
ONE_KIND = {"threshold": np.float16, "clip": np.float16}  # x and parameters share a dtype
ALPHA = {"elu": 1.5, "leaky_relu": 0.1, "threshold": 0.3, "thresholded_relu": 0.7}
for name, a in ALPHA.items():
    case(name, x=In(F(2, 3)), alpha=np.float32(a))
    case(name, x=In(SPECIAL[:-2]), alpha=np.float32(-0.5 if name[0] == "t" else a))
    case(name, "iOS16", x=In(half(F(3, 4))), alpha=np.float16(a))
    case(name, "iOS17", x=In(half(F(3, 4))), alpha=ONE_KIND.get(name, np.float32)(a))
    case(name, x=In(F(2, 3, 2, 2)), alpha=np.float32(a))
case("thresholded_relu", x=In(F(2, 3)), alpha=np.float32(-3))
case("threshold", x=In(I(3, 4)), alpha=np.int32(1))
BETA = {"clip": (-1.0, 1.5), "clamped_relu": (0.3, 1.2), "linear_activation": (2.0, -0.5),
        "scaled_tanh": (1.7, 0.6), "sigmoid_hard": (0.3, 0.4)}
for name, (a, b) in BETA.items():
    case(name, x=In(F(2, 3)), alpha=np.float32(a), beta=np.float32(b))
    case(name, "iOS16", x=In(half(F(3, 4))), alpha=np.float16(a), beta=np.float16(b))
    kind = ONE_KIND.get(name, np.float32)
    case(name, "iOS17", x=In(half(F(3, 4))), alpha=kind(a), beta=kind(b))
    case(name, x=In(F(2, 3, 2, 2, 2)), alpha=np.float32(a), beta=np.float32(b))
case("clip", x=In(F(9, scale=5)), alpha=np.float32(0), beta=np.float32(6))
case("clip", x=In(SPECIAL), alpha=np.float32(-np.inf), beta=np.float32(2))
case("sigmoid_hard", x=In(F(9, scale=5)), alpha=np.float32(1 / 6), beta=np.float32(0.5))
case("clamped_relu", x=In(F(9)), alpha=np.float32(-0.5), beta=np.float32(0.25))
for shape in ((2, 3, 4), (1, 3, 2, 2), (2, 3, 2, 1, 2)):  # one alpha, except in rank 4
    case("prelu", x=In(F(*shape)), alpha=U(3) if len(shape) == 4 else np.repeat(U(1), 3))
case("prelu", "iOS16", x=In(half(F(2, 3, 4, 1))), alpha=half(U(3)))
case("prelu", "iOS17", x=In(half(F(2, 3, 1, 4))), alpha=U(3))
case("prelu", "iOS17", x=In(F(1, 12, 4, 2)), alpha=U(12))
case("softplus_parametric", x=In(F(2, 3, 2, 2)), alpha=P(3), beta=P(3))
case("softplus_parametric", "iOS16", x=In(half(F(1, 3, 2, 2))), alpha=half(P(3)),
     beta=half(P(3)))
case("softplus_parametric", "iOS17", x=In(half(F(1, 3, 2, 2))), alpha=P(3), beta=-P(3))
case("softplus_parametric", x=In(F(1, 16, 2, 2)), alpha=F(16), beta=F(16))

# Casts.
for a, dtype in itertools.product((F(2, 3), half(F(2, 3)), I(2, 3), B(2, 3)),
                                  ("fp32", "fp16", "int32", "bool")):
    case("cast", x=In(a), dtype=dtype)
    case("cast", "iOS16", x=In(a), dtype=dtype)
case("cast", x=In(np.array([1.5, -1.5, 2.99, -2.99, 0.5, -0.5, 0, 7], np.float32)),
     dtype="int32")
case("cast", x=In(np.array([1.5, -1.5, 0.25, -0.0, 0.0, 1e-30], np.float32)), dtype="bool")
for dtype in ("int8", "uint8", "int16", "uint16"):
    case("cast", "iOS17", x=In(P(2, 3) * 20), dtype=dtype)
    case("cast", "iOS17", x=In(I(2, 3, low=0, high=100)), dtype=dtype)
    case("cast", "iOS17", x=In(I(2, 3, low=0, high=100, dtype=getattr(np, dtype))),
         dtype="fp32")
case("cast", "iOS26", x=In(I(2, 3, dtype=np.int8)), dtype="fp32")
case("cast", "iOS26", x=In(I(2, 3, dtype=np.int8)), dtype="int8")

# Elementwise operators of two operands.
PAIRS = [((2, 3), (2, 3)), ((2, 3), (3,)), ((2, 1, 4), (3, 1)), ((2, 3, 1, 2), (1, 3, 4, 1)),
         ((1,), (2, 2)), ((1, 2, 3, 2, 2), (2, 2))]
ARITHMETIC = "add sub mul maximum minimum real_div".split()
COMPARE = "equal not_equal less less_equal greater greater_equal".split()
for name in ARITHMETIC + COMPARE:
    whole = name in COMPARE
    make = (lambda *s: I(*s, low=-1, high=2).astype(np.float32)) if whole else F
    for s, t in PAIRS:
        y = P(*t) if name == "real_div" else make(*t)
        case(name, x=In(make(*s)), y=In(y))
    case(name, x=In(make(2, 3)), y=make(3) + np.float32(0.25 * (not whole)))
    case(name, x=make(2, 3), y=In(P(1)))
    case(name, x=In(make(2, 3)), y=np.float32(2))
    case(name, x=np.float32(2), y=In(P(2, 3)))
    case(name, "iOS16", x=In(half(make(2, 3))), y=In(half(P(3))))
    case(name, "iOS17", x=In(half(make(2, 12))), y=half(P(12)))
    if name != "real_div":
        case(name, x=In(I(2, 3)), y=In(I(3)))
        case(name, x=In(I(2, 3)), y=np.int32(2))
NEGATIVES = np.array([-7, -6, -1, 0, 1, 6, 7, 8])
DIVISORS = np.array([2, -3, 3, 5, -1, 4, -2, 3])
for name in ("floor_div", "mod"):
    case(name, x=In(I(2, 3)), y=In(I(2, 3, low=1)))
    case(name, x=In(NEGATIVES.astype(np.int32)), y=In(DIVISORS.astype(np.int32)))
    case(name, x=In(NEGATIVES.astype(np.int32)), y=np.int32(-3))
    case(name, x=In(NEGATIVES.astype(np.float32)), y=In(DIVISORS.astype(np.float32)))
    case(name, x=In(NEGATIVES.astype(np.float32)), y=np.float32(2.5))
    case(name, "iOS16", x=In(half(NEGATIVES)), y=In(half(DIVISORS)))
    case(name, x=In(F(2, 1, 3) + 0.03125), y=np.array([[0.5, 0.75, 4]], np.float32))
case("pow", x=In(P(2, 3)), y=In(F(3)))
case("pow", x=In(F(2, 3)), y=np.float32(2))
case("pow", x=In(F(2, 3)), y=np.float32(3))
case("pow", x=In(P(2, 3)), y=np.float32(-0.5))
case("pow", x=In(P(2, 3)), y=np.float32(0.5))
case("pow", x=np.float32(2), y=In(F(2, 3)))
case("pow", "iOS16", x=In(half(P(2, 3))), y=np.float16(1.5))
case("pow", "iOS17", x=In(I(2, 3)), y=In(I(2, 3, low=0, high=4)))
case("pow", x=In(I(2, 3)), y=np.int32(2))
for name in ("logical_and", "logical_or", "logical_xor"):
    case(name, x=In(B(2, 3)), y=In(B(2, 3)))
    case(name, x=In(B(2, 3)), y=In(B(3)))
    case(name, x=In(B(2, 1)), y=B(1, 4))
    case(name, "iOS17", x=In(B(2, 3)), y=True)
case("select", cond=In(B(2, 3)), a=In(F(2, 3)), b=In(F(2, 3)))
case("select", cond=In(B(2, 3)), a=F(2, 3), b=In(F(3)))
case("select", cond=In(B(2, 1)), a=In(F(2, 3)), b=In(F(2, 1)))
case("select", cond=In(B(2, 3)), a=In(F(2, 3)), b=np.float32(0))
case("select", cond=B(2, 3), a=In(F(2, 3)), b=In(F(2, 3)))
case("select", cond=In(B(2, 3)), a=In(I(2, 3)), b=In(I(1, 3)))
case("select", "iOS16", cond=In(B(2, 3)), a=In(half(F(2, 3))), b=In(half(F(2, 3))))
case("select", "iOS17", cond=In(B(2, 3)), a=In(B(2, 3)), b=In(B(2, 3)))

# Reductions.
for name in ("reduce_sum reduce_mean reduce_max reduce_min reduce_prod reduce_l1_norm "
             "reduce_l2_norm reduce_log_sum reduce_log_sum_exp reduce_sum_square").split():
    make = P if name in ("reduce_log_sum", "reduce_prod") else F
    case(name, x=In(make(2, 3)))
    case(name, x=In(make(2, 3, 4)), axes=[1])
    case(name, x=In(make(2, 3, 4)), axes=[-1], keep_dims=True)
    case(name, x=In(make(2, 3, 4)), axes=[0, -1])
    case(name, x=In(make(2, 3, 2, 2)), axes=[-2, -1], keep_dims=True)
    case(name, x=In(make(2, 3)), keep_dims=True)
    case(name, "iOS16", x=In(half(make(2, 3))), axes=[1])
    case(name, "iOS17", x=In(make(2, 1, 3, 1, 2)), axes=[2, 0])
for name in ("reduce_sum", "reduce_max", "reduce_min", "reduce_prod", "reduce_sum_square",
             "reduce_l1_norm"):
    case(name, x=In(I(2, 3)), axes=[1])
for name in ("reduce_argmax", "reduce_argmin"):
    case(name, x=In(distinct(2, 3)))
    case(name, x=In(distinct(2, 3, 4)), axis=1)
    case(name, x=In(distinct(2, 3, 4)), axis=-2, keep_dims=True)
    case(name, x=In(distinct(7, dtype=np.int32)), axis=0)
    case(name, "iOS16", x=In(distinct(2, 3, dtype=np.float16)), axis=0, keep_dims=True)
    case(name, "iOS17", x=In(distinct(2, 3)), axis=-1)
    case(name, "iOS17", x=In(distinct(2, 3)), axis=-1, output_dtype="uint16")
for axis, ascending in itertools.product((None, 0, 1, -2), (None, True, False)):
    o = {k: v for k, v in (("axis", axis), ("ascending", ascending)) if v is not None}
    case("argsort", x=In(distinct(2, 3, 4)), **o)
case("argsort", "iOS16", x=In(distinct(2, 5, dtype=np.float16)))
case("argsort", x=In(distinct(7, dtype=np.int32) * 4))
case("topk", x=In(distinct(2, 5)))
case("topk", x=In(distinct(2, 5)), k=3)
case("topk", x=In(distinct(4, 5)), k=2, axis=0, ascending=True)
case("topk", x=In(distinct(2, 5, 3)), k=5, axis=-2)
case("topk", "iOS16", x=In(distinct(2, 5)), k=3, return_indices=False)
case("topk", "iOS16", x=In(distinct(2, 5)), k=3, sort=True, ascending=True)
case("topk", "iOS16", x=In(distinct(2, 5, dtype=np.float16)), k=2)
case("topk", "iOS17", x=In(distinct(2, 5)), k=2, output_indices_dtype="uint16")
case("topk", "iOS17", x=In(distinct(2, 5, dtype=np.int32)), k=2, axis=1)
for axis, exclusive, reverse in itertools.product((0, 1, -1), (False, True), (False, True)):
    case("cumsum", x=In(F(2, 3, 2)), axis=axis, exclusive=exclusive, reverse=reverse)
case("cumsum", x=In(F(5)))
case("cumsum", x=In(I(3, 4)), axis=1)
case("cumsum", "iOS16", x=In(half(F(3, 4))), axis=1)
case("softmax", x=In(F(2, 3)))
case("softmax", x=In(F(2, 3, 4)), axis=0)
case("softmax", x=In(F(2, 3, 4)), axis=-2)
case("softmax", x=In(F(1, 2, 3, 2, 2)), axis=1)
case("softmax", x=In(F(6)), axis=0)
case("softmax", "iOS16", x=In(half(F(2, 3, 4))), axis=2)

# Shapes.
KINDS = (F, lambda *s: half(F(*s)), I, B)


def kinds(operator, of, **o):
    """The four dtypes, and the smaller integers from iOS17 on."""
    for make in KINDS:
        case(operator, "iOS16", x=In(make(*of)), **o)
    for dtype in (np.int8, np.uint8, np.int16, np.uint16):
        case(operator, "iOS17", x=In(I(*of, low=0, high=90, dtype=dtype)), **o)


for shape in ([6], [3, 2], [1, -1], [-1, 3, 1], [2, 1, 3, 1, 1]):
    case("reshape", x=In(F(2, 3)), shape=shape)
case("reshape", x=In(F(2, 3, 4)), shape=[0, -1, 2])
case("reshape", x=In(F(2, 3, 4)), shape=[-1, 0, 4])
case("reshape", x=In(F(1, 1)), shape=[1])
case("reshape", "iOS17", x=In(F(2, 50)), shape=[1, 0, -1, 0])
case("reshape", "iOS17", x=In(F(2, 3, 4)), shape=[-1, 0])
case("reshape", "iOS17", x=In(F(6)), shape=np.array([2, 3], np.int16))
kinds("reshape", (2, 3), shape=[3, -1])
case("reshape_like", "iOS16", x=In(F(6, 10)), ref_tensors=[In(F(2, 3, 4)), In(F(1, 5, 2))],
     begins=(0, 1), ends=(2, 0), end_masks=(False, True))
case("reshape_like", "iOS16", x=In(F(6)), ref_tensors=[In(F(2, 3))], begins=(0,), ends=(2,),
     end_masks=(False,))
case("reshape_like", "iOS17", x=In(I(4, 3)), ref_tensors=[In(F(2, 6))], begins=(0,),
     ends=(0,), end_masks=(True,))
for axis in (0, 1, 2, -1, -2):
    case("flatten2d", x=In(F(2, 3, 4)), axis=axis)
case("flatten2d", x=In(F(2, 3, 4)))
case("flatten2d", x=In(F(3)), axis=-1)
case("flatten2d", "iOS16", x=In(half(F(2, 3, 2, 2))))
case("flatten2d", x=In(I(2, 3, 2)))
for axes in ([0], [1], [-1], [0, 2], [-2], [0, -1], [3, 1]):
    case("expand_dims", x=In(F(2, 3)), axes=axes)
kinds("expand_dims", (2, 3), axes=[1])
case("squeeze", x=In(F(1, 2, 1, 3)))
case("squeeze", x=In(F(1, 2, 1, 3)), axes=[0])
case("squeeze", x=In(F(1, 2, 1, 3)), axes=[-2])
case("squeeze", x=In(F(1, 2, 1, 3)), axes=[0, 1])
case("squeeze", x=In(F(1, 2, 1)), axes=[-3, 2])
kinds("squeeze", (1, 3, 1), axes=[2])
for perm in ([1, 0, 2], [2, 0, 1], [-1, 0, 1], [0, -1, -2]):
    case("transpose", x=In(F(2, 3, 4)), perm=perm)
case("transpose", x=In(F(1, 2, 3, 2, 2)), perm=[4, 2, 0, 1, 3])
kinds("transpose", (2, 3), perm=[1, 0])
case("concat", values=[In(F(2, 3)), In(F(1, 3))], axis=0)
case("concat", values=[In(F(2, 3)), In(F(2, 1)), In(F(2, 2))], axis=-1)
case("concat", values=[In(F(2, 3, 2))], axis=1)
case("concat", values=[In(F(2, 3)), F(2, 3)], axis=1)
case("concat", values=[In(F(2, 3)), In(F(2, 3))], axis=0, interleave=True)
case("concat", values=[In(F(2, 3)), In(F(2, 3)), In(F(2, 3))], axis=1, interleave=True)
case("concat", values=[In(I(2, 3)), In(I(2, 3))], axis=-2)
case("concat", values=[In(B(2, 3)), In(B(2, 3))], axis=0)
case("concat", "iOS16", values=[In(half(F(2, 3))), In(half(F(2, 3)))], axis=0)
case("stack", values=[In(F(2, 3)), In(F(2, 3))], axis=0)
case("stack", values=[In(F(2, 3)), In(F(2, 3)), In(F(2, 3))], axis=-1)
case("stack", values=[In(F(3)), F(3)], axis=1)
case("stack", "iOS16", values=[In(half(F(3))), In(half(F(3)))], axis=-2)
case("stack", values=[In(I(3)), In(I(3))], axis=0)
case("split", x=In(F(4, 6)), num_splits=2, axis=0)
case("split", x=In(F(4, 6)), num_splits=3, axis=-1)
case("split", x=In(F(4, 6)), split_sizes=[1, 2, 3], axis=1)
case("split", x=In(F(4, 6)), num_splits=2, split_sizes=[3, 1], axis=-2)
case("split", x=In(I(4, 6)), num_splits=2, axis=1)
case("split", "iOS16", x=In(half(F(4, 6))), split_sizes=[2, 4], axis=1)
case("tile", x=In(F(2, 3)), reps=[2, 1])
case("tile", x=In(F(2, 3)), reps=[1, 3])
case("tile", x=In(F(1, 2, 1)), reps=[2, 3, 4])
case("tile", x=In(F(3)), reps=[2])
for make in KINDS:
    case("tile", "iOS16", x=In(make(2, 1)), reps=[1, 3])
case("reverse", x=In(F(2, 3)))
case("reverse", x=In(F(2, 3, 2)), axes=[1])
case("reverse", x=In(F(2, 3, 2)), axes=[0, -1])
kinds("reverse", (2, 3), axes=[-1])
case("reverse_sequence", x=In(F(2, 4)), lengths=[3, 2], seq_axis=1, batch_axis=0)
case("reverse_sequence", x=In(F(4, 2, 3)), lengths=[4, 0], seq_axis=0, batch_axis=1)
case("reverse_sequence", x=In(F(3, 4, 2)), lengths=In(np.array([1, 4, 2], np.int32)),
     seq_axis=-2)
case("reverse_sequence", "iOS17", x=In(I(2, 4)), lengths=[2, 4], seq_axis=1)

# Slices.
X = (4, 5, 6)
case("slice_by_index", x=In(F(*X)), begin=[1, 0, 2], end=[3, 5, 4])
case("slice_by_index", x=In(F(*X)), begin=[-3, 1, -4], end=[-1, -1, 6])
case("slice_by_index", x=In(F(*X)), begin=[0, 1, 0], end=[4, 5, 6], stride=[2, 3, 1])
case("slice_by_index", x=In(F(*X)), begin=[2, 1, 3], end=[0, 0, 4],
     end_mask=[True, True, False], begin_mask=[False, True, True])
case("slice_by_index", x=In(F(*X)), begin=[1, 0, 2], end=[2, 5, 4],
     squeeze_mask=[True, False, False])
case("slice_by_index", x=In(F(*X)), begin=[-1, 2, 0], end=[0, 0, 6],
     squeeze_mask=[True, True, False])
case("slice_by_index", x=In(F(*X)), begin=[1, 2, -2], end=[2, 3, -1],
     squeeze_mask=[True, True, True])
case("slice_by_index", x=In(F(*X)), begin=[3, 4, 0], end=[0, 1, 6], stride=[-1, -2, 1])
case("slice_by_index", x=In(F(*X)), begin=[0, 4, 0], end=[0, 0, 6], stride=[-1, -1, 1],
     begin_mask=[True, False, False], end_mask=[True, True, False])
case("slice_by_index", x=In(F(*X)), begin=[0, 0, 0], end=[100, 5, 6])
case("slice_by_index", x=In(F(*X)), begin=In(np.array([1, 0, 2], np.int32)), end=[3, 5, 4],
     end_mask=[False, True, True], expect="any")
case("slice_by_index", "iOS17", x=In(F(*X)), begin=np.array([1, 0, 2], np.int16),
     end=np.array([3, 5, 4], np.int16))
kinds("slice_by_index", (4, 3), begin=[1, 0], end=[3, -1])
case("slice_by_size", x=In(F(*X)), begin=[1, 0, 2], size=[2, 5, 3])
case("slice_by_size", x=In(F(*X)), begin=[-3, 1, 0], size=[2, -1, -1])
case("slice_by_size", x=In(I(4, 5)), begin=[0, 2], size=[4, 1])
case("slice_by_size", x=In(F(4, 5)), begin=In(np.array([1, 2], np.int32)), size=[2, 3])
case("slice_by_size", "iOS17", x=In(half(F(4, 5))), begin=np.array([0, 2], np.int8),
     size=np.array([1, 2], np.int8))
case("slice_update", "iOS18", x=In(F(4, 5)), update=In(F(2, 5)), begin=[1, 0], end=[3, 5])
case("slice_update", "iOS18", x=In(F(4, 5)), update=In(F(2, 2)), begin=[0, 1], end=[4, 5],
     stride=[2, 2])
case("slice_update", "iOS18", x=In(F(4, 5)), update=In(F(4, 2)), begin=[0, -2], end=[0, 0],
     begin_mask=[True, False], end_mask=[True, True])
case("slice_update", "iOS18", x=In(F(4, 5)), update=In(F(5)), begin=[2, 0], end=[3, 5],
     squeeze_mask=[True, False])
case("slice_update", "iOS18", x=In(I(4, 5)), update=In(I(1, 3)), begin=[1, 1], end=[2, 4])
case("slice_update", "iOS18", x=In(half(F(1, 4, 5))), update=In(half(F(1, 1, 5))),
     begin=In(np.array([0, 2, 0], np.int32)), end=In(np.array([1, 3, 5], np.int32)),
     expect="any")
case("sliding_windows", x=In(F(7)), axis=0, size=3)
case("sliding_windows", x=In(F(2, 7)), axis=1, size=3, stride=2)
case("sliding_windows", x=In(F(2, 6, 3)), axis=-2, size=2, stride=2)
case("sliding_windows", x=In(I(5, 2)), axis=0, size=4)
case("sliding_windows", "iOS16", x=In(half(F(2, 7))), axis=-1, size=3, stride=3)
case("sliding_windows", "iOS17", x=In(I(2, 7, dtype=np.int16)), axis=1, size=2)
case("pad", x=In(F(2, 3)), pad=[1, 2])
case("pad", x=In(F(2, 3)), pad=[1, 0, 0, 2])
case("pad", x=In(F(2, 3)), pad=[0, 1, 2, 0], constant_val=np.float32(1.5))
case("pad", x=In(F(2, 3, 4)), pad=[1, 2, 3, 1], mode="reflect")
case("pad", x=In(F(2, 3, 4)), pad=[1, 2], mode="reflect")
case("pad", x=In(F(2, 3, 4)), pad=[2, 1, 3, 2], mode="replicate")
case("pad", x=In(F(1, 2, 3, 4)), pad=[0, 0, 0, 0, 1, 1, 2, 2])
case("pad", "iOS16", x=In(half(F(2, 3))), pad=[1, 1, 1, 1], constant_val=np.float16(-2))
case("pad", "iOS17", x=In(half(F(2, 3))), pad=[0, 1], constant_val=np.float16(0))
for shape, o in (((1, 2, 5, 6), ([1, 1], [2, 1])), ((2, 5, 6), ([0, 2], [3, 0])),
                 ((1, 1, 2, 4, 4), ([1, 0], [0, 1]))):
    case("crop", x=In(F(*shape)), crop_height=o[0], crop_width=o[1])
case("crop", "iOS16", x=In(half(F(1, 2, 5, 6))), crop_height=[2, 1], crop_width=[0, 0])
for o in ({}, {"lower": 0}, {"upper": 0}, {"lower": 1, "upper": 0}, {"lower": 0, "upper": 2},
          {"lower": -1, "upper": 1}):
    case("band_part", x=In(F(4, 5)), **o)
case("band_part", x=In(F(2, 3, 3)), lower=0, upper=0)
case("band_part", x=In(I(3, 4)), lower=-1, upper=0)
case("band_part", "iOS16", x=In(half(F(2, 4, 3))), lower=1, upper=1)
for n in (2, 3):
    case("depth_to_space", x=In(F(1, 2 * n * n, 2, 3)), block_size=n)
    case("space_to_depth", x=In(F(2, 2, 2 * n, 3 * n)), block_size=n)
    case("pixel_shuffle", x=In(F(2, 2 * n * n, 2, 3)), upscale_factor=n)
    case("pixel_unshuffle", "iOS16", x=In(F(1, 2, 2 * n, 3 * n)),
         downscale_factor=np.uint32(n))
case("depth_to_space", "iOS16", x=In(half(F(1, 8, 2, 3))), block_size=2)
case("space_to_depth", "iOS16", x=In(half(F(1, 2, 4, 6))), block_size=2)
case("pixel_shuffle", "iOS16", x=In(half(F(1, 8, 2, 3))), upscale_factor=2)
case("pixel_unshuffle", "iOS16", x=In(half(F(1, 2, 4, 6))), downscale_factor=np.uint32(2))
for shape, block, pads in (((1, 2, 4, 6), [2, 2], [[0, 0], [0, 0]]),
                           ((2, 1, 3, 5), [2, 3], [[1, 0], [0, 1]]),
                           ((1, 1, 4, 4), [1, 2], [[0, 0], [1, 1]])):
    case("space_to_batch", x=In(F(*shape)), block_shape=block, paddings=pads)
for shape, block, crops in (((4, 2, 2, 3), [2, 2], [[0, 0], [0, 0]]),
                            ((6, 1, 2, 2), [2, 3], [[1, 0], [0, 2]]),
                            ((2, 1, 4, 3), [1, 2], [[0, 0], [1, 1]])):
    case("batch_to_space", x=In(F(*shape)), block_shape=block, crops=crops)
case("space_to_batch", "iOS16", x=In(half(F(1, 2, 4, 6))), block_shape=[2, 2],
     paddings=[[0, 0], [0, 0]])
case("batch_to_space", "iOS16", x=In(half(F(4, 2, 2, 3))), block_shape=[2, 2],
     crops=[[0, 0], [0, 0]])

# Made of numbers; operands that would be folded away are inputs.
case("fill_like", "iOS16", ref_tensor=In(F(2, 3)), value=np.float32(1.5))
case("fill_like", "iOS16", ref_tensor=In(F(2, 3)))
case("fill_like", "iOS16", ref_tensor=In(I(3)), value=np.int32(4))
case("fill_like", "iOS16", ref_tensor=In(F(2)), value=np.float16(0.5))
for o in ({}, {"axis": 0}, {"axis": 1}, {"axis": -2}, {"on_value": 2.5, "off_value": -1.0},
          {"on_value": np.int32(3), "off_value": np.int32(1)}):
    o = {k: np.float32(v) if isinstance(v, float) else v for k, v in o.items()}
    case("one_hot", indices=In(I(2, 3, low=0, high=4)), one_hot_vector_size=4, **o)
case("one_hot", indices=In(I(5, low=0, high=3)), one_hot_vector_size=3,
     on_value=np.float16(1), off_value=np.float16(0))

# Indices.
for axis, shape in ((0, (3,)), (1, (2,)), (-1, (2, 2)), (-2, (1,))):
    n = (4, 5, 6)[axis]
    case("gather", x=In(F(4, 5, 6)), indices=In(I(*shape, low=0, high=n)), axis=axis)
    case("gather", x=In(F(4, 5, 6)), indices=I(*shape, low=-n, high=n), axis=axis)
    case("gather", "iOS17", x=In(F(4, 5, 6)), indices=I(*shape, low=0, high=n), axis=axis,
         validate_indices=True)
case("gather", x=In(F(4, 5)), indices=In(I(3, low=-4, high=4)))
case("gather", x=In(F(4, 5)), indices=np.int32(2), axis=1)
case("gather", x=In(F(4, 5)), indices=np.int32(-1), axis=0)
case("gather", x=F(9, 5), indices=In(I(2, 3, low=0, high=9)), axis=0)
case("gather", "iOS16", x=In(F(2, 4, 5)), indices=In(I(2, 3, low=0, high=4)), axis=1,
     batch_dims=1)
case("gather", "iOS16", x=In(F(2, 3, 4, 5)), indices=In(I(2, 3, 2, low=0, high=5)), axis=3,
     batch_dims=2)
case("gather", "iOS17", x=In(F(2, 4, 5)), indices=In(I(2, 3, low=0, high=5)), axis=-1,
     batch_dims=1)
case("gather", "iOS17", x=In(half(F(4, 5))), indices=In(I(3, low=0, high=4, dtype=np.uint16)))
case("gather", x=In(I(4, 5)), indices=In(I(3, low=0, high=4)))
for axis in (0, 1, -1):
    n = (4, 5)[axis]
    shape = [4, 5]
    shape[axis] = 3
    case("gather_along_axis", x=In(F(4, 5)), indices=In(I(*shape, low=0, high=n)), axis=axis)
    case("gather_along_axis", x=In(I(4, 5)), indices=I(*shape, low=-n, high=n), axis=axis)
    case("gather_along_axis", "iOS17", x=In(half(F(4, 5))),
         indices=In(I(*shape, low=0, high=n)), axis=axis, validate_indices=True)
case("gather_along_axis", x=In(F(2, 3)), indices=In(I(2, 3, low=0, high=2)))
case("gather_nd", x=In(F(4, 5)), indices=In(I(3, 2, low=0, high=4)))
case("gather_nd", x=In(F(4, 5, 2)), indices=I(2, 3, 1, low=0, high=4))
case("gather_nd", x=In(I(4, 5, 2)), indices=In(I(3, 2, low=0, high=4)))
case("gather_nd", x=In(F(4, 5)), indices=I(3, 2, low=-4, high=4))
case("gather_nd", "iOS16", x=In(F(2, 4, 5)), indices=In(I(2, 3, 1, low=0, high=4)),
     batch_dims=1)
case("gather_nd", "iOS17", x=In(half(F(2, 4, 5))), indices=In(I(2, 2, low=0, high=2)),
     validate_indices=True)
MODES = ("update", "add", "sub", "mul", "div", "max", "min")
for mode in MODES:
    few = RANDOM.permutation(4)[:3].astype(np.int32) if mode == "update" else \
        I(3, low=0, high=4)
    case("scatter", data=In(F(4, 5)), indices=In(few), updates=In(P(3, 5)), mode=mode)
    case("scatter", "iOS17", data=In(F(5, 4)), indices=few, updates=In(P(5, 3)), axis=-1,
         mode=mode)
    at = np.stack([RANDOM.permutation(4)[:2] for _ in range(5)], 1).astype(np.int32)
    at = at if mode == "update" else I(2, 5, low=0, high=4)
    case("scatter_along_axis", data=In(F(4, 5)), indices=In(at), updates=In(P(2, 5)), axis=0,
         mode=mode)
    case("scatter_along_axis", "iOS17", data=In(F(5, 4)), indices=In(at.T.copy()),
         updates=In(P(5, 2)), axis=-1, mode=mode, validate_indices=True)
    nd = np.array([[0, 1], [2, 3], [3, 0]], np.int32)
    nd = nd if mode == "update" else I(3, 2, low=0, high=2)
    case("scatter_nd", data=In(F(4, 5)), indices=In(nd), updates=In(P(3)), mode=mode)
    case("scatter_nd", "iOS17", data=In(F(4, 5)), indices=few[:, None].copy(),
         updates=In(P(3, 5)), mode=mode)
for name, at, updates in (("scatter", I(3, low=-4, high=4), F(3, 5)),
                          ("scatter_along_axis", I(2, 5, low=-4, high=4), F(2, 5)),
                          ("scatter_nd", I(3, 2, low=-4, high=4), F(3))):
    case(name, data=In(F(4, 5)), indices=at, updates=In(updates))
    case(name, "iOS16", data=In(half(F(4, 5))), indices=np.abs(at) % 4,
         updates=In(half(updates)))
    case(name, data=In(I(4, 5)), indices=np.abs(at) % 4, updates=In(updates.astype(np.int32)))

# Products.
for s, t, o in (((2, 3), (3, 4), {}), ((3, 2), (3, 4), {"transpose_x": True}),
                ((2, 3), (4, 3), {"transpose_y": True}),
                ((3, 2), (4, 3), {"transpose_x": True, "transpose_y": True}),
                ((2, 2, 3), (3, 4), {}), ((2, 1, 2, 3), (3, 3, 4), {}), ((3,), (3, 4), {}),
                ((1, 2, 2, 3), (1, 2, 5, 3), {"transpose_y": True})):
    case("matmul", x=In(F(*s)), y=In(F(*t)), **o)
case("matmul", x=In(F(2, 2, 3)), y=F(3, 4))
case("matmul", x=F(2, 3), y=In(F(3, 4)))
case("matmul", "iOS16", x=In(half(F(2, 3))), y=In(half(F(3, 4))))
case("matmul", x=In(I(2, 3)), y=In(I(3, 4)))
for s in ((3,), (2, 3), (2, 4, 3), (1, 2, 4, 3)):
    case("linear", x=In(F(*s)), weight=F(5, 3), bias=F(5))
case("linear", x=In(F(2, 3)), weight=F(5, 3))
case("linear", x=In(F(2, 12)), weight=F(16, 12), bias=F(16))
case("linear", "iOS16", x=In(half(F(2, 12))), weight=half(F(16, 12)), bias=half(F(16)))
case("linear", "iOS17", x=In(half(F(2, 12))), weight=F(16, 12), bias=F(16))
case("einsum", values=[In(F(1, 2, 3, 4)), In(F(1, 4, 3, 2))], equation="nchw,nwhu->nchu")
case("einsum", values=[In(F(2, 2, 3, 4)), In(F(1, 4, 3, 2))], equation="nchw,nwhu->nchu")
case("einsum", values=[In(F(2, 3, 4)), In(F(4, 3, 5))], equation="chw,whr->chr")
case("einsum", values=[In(F(1, 2, 3, 4)), In(F(1, 4, 3, 2))], equation="abcd,adce->abce")
case("einsum", "iOS16", values=[In(half(F(2, 3, 4))), In(half(F(4, 1, 5)))],
     equation="chw,whr->chr")
case("scaled_dot_product_attention", "iOS18", query=In(F(1, 4, 6)), key=In(F(1, 5, 6)),
     value=In(F(1, 5, 3)))
case("scaled_dot_product_attention", "iOS18", query=In(F(1, 2, 4, 6)), key=In(F(1, 2, 5, 6)),
     value=In(F(1, 2, 5, 6)), attn_mask=In(F(4, 5)))
case("scaled_dot_product_attention", "iOS18", query=In(F(2, 2, 4, 6)), key=In(F(2, 2, 4, 6)),
     value=In(F(2, 2, 4, 6)), attn_mask=In(np.tril(np.ones((1, 1, 4, 4), bool))))
case("scaled_dot_product_attention", "iOS18", query=In(half(F(1, 2, 4, 6))),
     key=In(half(F(1, 2, 4, 6))), value=In(half(F(1, 2, 4, 6))), attn_mask=half(F(1, 2, 4, 4)))

# Convolutions.
C1, C2, C3 = (1, 3, 9), (2, 4, 7, 8), (1, 2, 5, 4, 6)
case("conv", x=In(F(*C1)), weight=F(4, 3, 3), pad_type="valid")
case("conv", x=In(F(*C1)), weight=F(4, 3, 3), bias=F(4), pad_type="custom", pad=[2, 1],
     strides=[2])
case("conv", x=In(F(*C2)), weight=F(6, 4, 3, 3), bias=F(6), pad_type="custom",
     pad=[1, 1, 1, 1])
case("conv", x=In(F(*C2)), weight=F(6, 2, 3, 2), groups=2, pad_type="custom",
     pad=[0, 1, 2, 0], strides=[2, 1])
case("conv", x=In(F(*C2)), weight=F(8, 1, 3, 3), groups=4, dilations=[2, 1],
     pad_type="valid")
case("conv", x=In(F(*C2)), weight=F(6, 4, 3, 3))
case("conv", x=In(F(*C2)), weight=F(6, 4, 1, 1), strides=[2, 2])
for kind, strides in itertools.product(("same", "same_lower"), ([1, 1], [2, 2], [3, 2])):
    opset = "iOS15" if kind == "same" else "iOS16"
    case("conv", opset, x=In(F(*C2)), weight=F(2, 4, 3, 2), pad_type=kind, strides=strides)
case("conv", x=In(F(*C3)), weight=F(3, 2, 3, 2, 3), bias=F(3), pad_type="custom",
     pad=[1, 1, 0, 1, 1, 0], strides=[1, 1, 2])
case("conv", x=In(F(*C3)), weight=F(2, 1, 2, 2, 2), groups=2, dilations=[2, 1, 3])
case("conv", x=In(F(1, 2, 5, 5)), weight=In(F(3, 2, 3, 3)), pad_type="custom",
     pad=[1, 1, 1, 1])
case("conv", "iOS16", x=In(half(F(*C2))), weight=half(F(3, 4, 2, 2)), bias=half(F(3)))
case("conv", "iOS17", x=In(half(F(*C2))), weight=F(3, 4, 2, 2), bias=F(3))
case("conv", "iOS17", x=In(F(1, 2, 5, 5)), weight=In(F(3, 2, 3, 3)), bias=In(F(3)))
case("conv_quantized", x=In(F(1, 3, 5, 5)), weight=I(4, 3, 3, 3, low=0, high=255,
     dtype=np.uint8), quantization_type="linear", nbits=8, quant_scale=P(4) / 50,
     quant_bias=F(4), expect="any")
T1, T2 = (1, 3, 5), (2, 4, 3, 4)
case("conv_transpose", x=In(F(*T1)), weight=F(3, 2, 3))
case("conv_transpose", x=In(F(*T1)), weight=F(3, 2, 3), bias=F(2), strides=[2],
     pad_type="custom", pad=[1, 0])
case("conv_transpose", x=In(F(*T2)), weight=F(4, 3, 3, 3), strides=[2, 2],
     pad_type="custom", pad=[1, 1, 1, 1])
case("conv_transpose", x=In(F(*T2)), weight=F(4, 3, 3, 3), bias=F(3), strides=[2, 2],
     pad_type="custom", pad=[1, 1, 1, 1], output_shape=[2, 3, 6, 8])
case("conv_transpose", x=In(F(*T2)), weight=F(4, 2, 3, 2), groups=2, dilations=[2, 1],
     strides=[1, 2])
case("conv_transpose", x=In(F(*T2)), weight=F(4, 3, 4, 4), strides=[2, 2], pad_type="same")
case("conv_transpose", x=In(F(*T2)), weight=F(4, 3, 3, 3), strides=[2, 2], pad_type="same")
case("conv_transpose", x=In(F(*T2)), weight=F(4, 3, 3, 3), pad_type="same",
     output_shape=[2, 3, 3, 4])
case("conv_transpose", x=In(F(1, 2, 3, 2, 3)), weight=F(2, 2, 2, 2, 2), strides=[1, 2, 1])
case("conv_transpose", "iOS16", x=In(half(F(*T2))), weight=half(F(4, 3, 2, 2)),
     strides=[2, 2])
case("conv_transpose", "iOS17", x=In(F(*T2)), weight=In(F(4, 3, 2, 2)), strides=[2, 2])

# Pools.
POOLS = [((1, 2, 9), [3], {}), ((1, 2, 9), [2], {"strides": [2]}),
         ((2, 3, 7, 8), [3, 2], {"strides": [2, 1]}),
         ((2, 3, 7, 8), [3, 3], {"pad_type": "custom", "pad": [1, 1, 1, 1], "strides": [2, 2]}),
         ((2, 3, 7, 8), [3, 3], {"pad_type": "custom", "pad": [0, 1, 1, 0]}),
         ((2, 3, 7, 8), [3, 3], {"pad_type": "same", "strides": [2, 2]}),
         ((2, 3, 7, 8), [2, 2], {"pad_type": "same"})]
CEIL = [((2, 3, 7, 8), [3, 3], {"strides": [2, 2], "ceil_mode": True}),
        ((2, 3, 7, 8), [2, 2], {"strides": [2, 2], "ceil_mode": True, "pad_type": "custom",
                                "pad": [1, 1, 1, 1]}),
        ((2, 3, 7, 8), [3, 3], {"strides": [2, 3], "ceil_mode": True, "pad_type": "custom",
                                "pad": [1, 1, 0, 0]})]
VOLUME = [((1, 2, 5, 4, 6), [2, 3, 2], {}),
          ((1, 2, 5, 4, 6), [2, 2, 2], {"pad_type": "custom", "pad": [1, 0, 1, 1, 0, 1],
                                        "strides": [2, 2, 1]})]
for name in ("max_pool", "avg_pool", "l2_pool"):
    for shape, kernel, o in POOLS + (CEIL + VOLUME if name != "l2_pool" else []):
        o = dict({"pad_type": "valid"}, **o)
        case(name, x=In(F(*shape)), kernel_sizes=kernel, **o)
        if name == "avg_pool" and o["pad_type"] != "valid":
            case(name, x=In(F(*shape)), kernel_sizes=kernel, exclude_padding_from_average=True,
                 **o)
    case(name, "iOS16", x=In(half(F(1, 2, 5, 6))), kernel_sizes=[2, 2], pad_type="valid",
         strides=[2, 2])
    case(name, "iOS16", x=In(F(1, 2, 5, 6)), kernel_sizes=[2, 2], pad_type="same_lower",
         strides=[2, 2])

# Norms.
for shape in ((2, 3, 4), (2, 3, 2, 2), (1, 3, 2, 1, 2)):
    case("batch_norm", x=In(F(*shape)), mean=F(3), variance=P(3), gamma=F(3), beta=F(3))
    case("batch_norm", x=In(F(*shape)), mean=F(3), variance=P(3), epsilon=np.float32(1e-3))
case("batch_norm", x=In(F(2, 3, 4)), mean=F(3), variance=P(3), beta=F(3))
case("batch_norm", "iOS16", x=In(half(F(2, 3, 4))), mean=half(F(3)), variance=half(P(3)),
     gamma=half(F(3)), epsilon=np.float16(1e-3))
case("batch_norm", "iOS17", x=In(half(F(2, 3, 4))), mean=F(3), variance=P(3), gamma=F(3))
case("batch_norm", x=In(F(1, 12, 4)), mean=F(12), variance=P(12), gamma=F(12), beta=F(12))
for shape in ((2, 3, 4), (2, 3, 4, 2)):
    case("instance_norm", x=In(F(*shape)))
    case("instance_norm", x=In(F(*shape)), gamma=F(3), beta=F(3), epsilon=np.float32(1e-3))
case("instance_norm", "iOS16", x=In(half(F(2, 3, 4))), gamma=half(F(3)),
     epsilon=np.float16(1e-3))
case("instance_norm", "iOS17", x=In(half(F(2, 3, 4))), gamma=F(3), beta=F(3))
case("layer_norm", x=In(F(2, 3, 4)), axes=[0, 1, 2])
case("layer_norm", x=In(F(2, 3, 4)), axes=[-1])
case("layer_norm", x=In(F(2, 3, 4)), axes=[2], gamma=F(4), beta=F(4))
case("layer_norm", x=In(F(2, 3, 4)), axes=[1, 2], gamma=F(3, 4), beta=F(3, 4),
     epsilon=np.float32(1e-3))
case("layer_norm", x=In(F(2, 3, 4)), axes=[-2, -1], gamma=F(3, 4))
case("layer_norm", x=In(F(2, 3, 2, 2)), axes=[1], gamma=F(3), beta=F(3))
case("layer_norm", "iOS16", x=In(half(F(2, 3, 4))), axes=[-1], gamma=half(F(4)),
     beta=half(F(4)), epsilon=np.float16(1e-3))
case("layer_norm", "iOS17", x=In(half(F(2, 3, 4))), axes=[-1], gamma=F(4))
for shape in ((2, 3, 4), (2, 3, 2, 2), (2, 1, 3, 2, 2)):
    case("l2_norm", x=In(F(*shape)))
    case("l2_norm", x=In(F(*shape)), epsilon=np.float32(0.5))
case("l2_norm", "iOS16", x=In(half(F(2, 3, 4))), epsilon=np.float16(0.25))
case("local_response_norm", x=In(F(2, 6, 4)), size=3)
case("local_response_norm", x=In(F(1, 6, 3, 2)), size=5, alpha=np.float32(0.1),
     beta=np.float32(0.5), k=np.float32(2))
case("local_response_norm", x=In(F(1, 6, 3, 2)), size=1, alpha=np.float32(1))
case("local_response_norm", "iOS16", x=In(half(F(1, 6, 3))), size=3, alpha=np.float16(0.5),
     beta=np.float16(0.75), k=np.float16(1))

# Resizing.
for o in ({"scale_factor_height": 2, "scale_factor_width": 3}, {"scale_factor_width": 2}, {},
          {"scale_factor_height": np.float32(1.5), "scale_factor_width": np.float32(0.5)}):
    case("upsample_nearest_neighbor", x=In(F(1, 2, 4, 6)), **o)
    for align in (True, False, None):
        more = {} if align is None else {"align_corners": align}
        case("upsample_bilinear", x=In(F(1, 2, 4, 6)), **o, **more)
        case("upsample_bilinear", "iOS16", x=In(F(2, 4, 6)), **o, **more)
        if align is False:
            case("upsample_bilinear", "iOS16", x=In(F(1, 2, 4, 6)), half_pixel_centers=False,
                 **o, **more)
            case("upsample_bilinear", "iOS16", x=In(F(1, 2, 4, 6)), half_pixel_centers=True,
                 **o, **more)
case("upsample_nearest_neighbor", "iOS16", x=In(half(F(1, 2, 4, 6))), scale_factor_height=2)
case("upsample_nearest_neighbor", x=In(F(2, 3, 4)), scale_factor_height=2)
case("upsample_bilinear", "iOS16", x=In(half(F(1, 2, 4, 6))), scale_factor_height=2,
     align_corners=False)
SAMPLING = ("STRICT_ALIGN_CORNERS", "ALIGN_CORNERS", "UNALIGN_CORNERS", "DEFAULT",
            "OFFSET_CORNERS")
for mode, (h, w) in itertools.product(SAMPLING, ((7, 5), (2, 9), (1, 1), (4, 6))):
    if (h, w) != (1, 1) or mode != "OFFSET_CORNERS":
        case("resize_bilinear", x=In(F(1, 2, 4, 6)), target_size_height=h, target_size_width=w,
             sampling_mode=mode)
    if (h, w) == (1, 1) or mode == "ALIGN_CORNERS":
        continue
    case("resize", "iOS17", x=In(F(1, 2, 4, 6)), shape=[h, w], resized_dims=np.uint32(2),
         sampling_mode=mode)
    at = {"DEFAULT": ((8, 12), (2, 3)), "UNALIGN_CORNERS": ((8, 12), (12, 18))}
    for size in at.get(mode, ()):
        case("resize", "iOS17", x=In(F(1, 2, 4, 6)), shape=list(size),
             resized_dims=np.uint32(2), interpolation_mode="NEAREST_NEIGHBOR",
             sampling_mode=mode, expect="ok" if mode == "UNALIGN_CORNERS" else "any")
case("resize_bilinear", x=In(F(2, 3, 4)), target_size_height=6)
case("resize_bilinear", "iOS16", x=In(half(F(1, 2, 4, 6))), target_size_height=8,
     target_size_width=3)
for h, w in ((8, 12), (2, 3), (4, 18), (6, 9)):
    case("resize_nearest_neighbor", x=In(F(1, 2, 4, 6)), target_size_height=h,
         target_size_width=w)
case("resize_nearest_neighbor", "iOS16", x=In(half(F(2, 4, 6))), target_size_height=8,
     target_size_width=6)
case("resize", "iOS17", x=In(F(1, 2, 4, 6)), shape=[1, 8, 0], resized_dims=np.uint32(2))
case("resize", "iOS17", x=In(F(2, 4, 6)), shape=[9], resized_dims=np.uint32(1))
case("resize", "iOS17", x=In(half(F(1, 2, 4, 6))), shape=[6, 7], resized_dims=np.uint32(2),
     sampling_mode="UNALIGN_CORNERS")
ROI = np.array([[1.0, 1.0, 3.0, 4.0], [0.0, 2.0, 2.5, 5.0]], np.float32)
for mode in SAMPLING:
    case("crop_resize", "iOS17", x=In(F(2, 3, 5, 6)), boxes=In(ROI), box_indices=[0, 1],
         target_height=3, target_width=4, sampling_mode=mode)
case("crop_resize", x=In(F(1, 3, 5, 6)), roi=In(ROI.reshape(2, 1, 4, 1, 1)), target_height=2,
     target_width=2)
case("crop_resize", x=In(F(1, 3, 5, 6)), roi=(ROI * 2).reshape(2, 1, 4, 1, 1), target_height=2,
     target_width=2, spatial_scale=np.float32(0.5))
case("crop_resize", "iOS16", x=In(F(1, 3, 5, 6)), roi=In(ROI[:, [1, 0, 3, 2]]
     .reshape(2, 1, 4, 1, 1)), target_height=2, target_width=3, sampling_mode="ALIGN_CORNERS",
     box_coordinate_mode="CORNERS_WIDTH_FIRST")
case("crop_resize", "iOS17", x=In(F(2, 3, 5, 6)), boxes=np.array(
     [[0.5, 0.5, 0.5, 0.5], [0.4, 0.6, 0.25, 0.25]], np.float32), target_height=3,
     target_width=3, normalized_coordinates=True, sampling_mode="STRICT_ALIGN_CORNERS",
     box_coordinate_mode="CENTER_SIZE_HEIGHT_FIRST")
for matrix in ([[1, 0, 0, 0, 1, 0]], [[0.8, 0.3, 0.1, -0.2, 0.9, -0.1]]):
    case("affine", x=In(F(2, 3, 5, 6)), transform_matrix=In(np.array(matrix, np.float32)),
         output_height=4, output_width=5, sampling_mode="bilinear", padding_mode="constant",
         padding_value=np.float32(0), coordinates_mode="normalized_minus_one_to_one",
         align_corners=True, expect="any")
case("affine", x=In(F(1, 3, 5, 6)), transform_matrix=np.array(matrix, np.float32),
     output_height=5, output_width=6, sampling_mode="bilinear", padding_mode="constant",
     padding_value=np.float32(0), coordinates_mode="normalized_minus_one_to_one",
     align_corners=True, expect="any")
for o in ({"padding_mode": "constant", "align_corners": True},
          {"padding_mode": "constant", "align_corners": False},
          {"padding_mode": "border", "align_corners": True},
          {"padding_mode": "border", "align_corners": False, "sampling_mode": "nearest"},
          {"padding_mode": "reflection", "align_corners": True},
          {"padding_mode": "symmetric", "align_corners": False},
          {"padding_mode": "constant", "align_corners": False, "padding_value": 2.5},
          {"padding_mode": "constant", "align_corners": True,
           "coordinates_mode": "normalized_zero_to_one"},
          {"padding_mode": "border", "align_corners": True,
           "coordinates_mode": "unnormalized"}):
    o = dict({"sampling_mode": "bilinear", "padding_value": 0.0,
              "coordinates_mode": "normalized_minus_one_to_one"}, **o)
    o["padding_value"] = np.float32(o["padding_value"])
    at = P(2, 4, 3, 2) * 2 if o["coordinates_mode"] == "unnormalized" else \
        F(2, 4, 3, 2, scale=0.7)
    case("resample", x=In(F(2, 3, 5, 6)), coordinates=In(at), expect="any", **o)

# Recurrences: x is [sequence, batch, features].
S = (5, 2, 3)
for o in ({}, {"output_sequence": True}, {"direction": "reverse", "output_sequence": True},
          {"direction": "reverse"}, {"activation": "relu"}, {"activation": "sigmoid"}):
    case("rnn", x=In(F(*S)), initial_h=In(F(2, 4)), weight_ih=U(4, 3), weight_hh=U(4, 4), **o)
case("rnn", x=In(F(*S)), initial_h=F(2, 4), weight_ih=U(4, 3), weight_hh=U(4, 4), bias=U(4),
     output_sequence=True)
for o in ({}, {"output_sequence": True}, {"direction": "reverse", "output_sequence": True},
          {"activation": "relu", "recurrent_activation": "tanh"},
          {"recurrent_activation": "hard_sigmoid", "output_sequence": True}):
    if o.get("recurrent_activation") != "hard_sigmoid":
        case("gru", x=In(F(*S)), initial_h=In(F(2, 4)), weight_ih=U(12, 3), weight_hh=U(12, 4),
             **o)
    case("gru", "iOS17", x=In(F(*S)), initial_h=In(F(2, 4)), weight_ih=U(12, 3),
         weight_hh=U(12, 4), bias=U(12), **o)
case("gru", "iOS18", x=In(F(*S)), initial_h=In(F(2, 4)), weight_ih=U(12, 3),
     weight_hh=U(12, 4), bias=U(12), input_bias=U(12), reset_after=True,
     output_sequence=True)
case("gru", "iOS18", x=In(F(*S)), initial_h=In(F(2, 4)), weight_ih=U(12, 3),
     weight_hh=U(12, 4), bias=U(12), reset_after=False)
L1 = {"initial_h": In(F(2, 4)), "initial_c": In(F(2, 4)), "weight_ih": U(16, 3),
      "weight_hh": U(16, 4)}
L2 = {"initial_h": In(F(2, 8)), "initial_c": In(F(2, 8)), "weight_ih": U(16, 3),
      "weight_hh": U(16, 4), "weight_ih_back": U(16, 3), "weight_hh_back": U(16, 4)}
for o in ({}, {"output_sequence": True}, {"direction": "reverse", "output_sequence": True},
          {"bias": U(16), "output_sequence": True}, {"bias": U(16), "peephole": U(12)},
          {"activation": "relu", "cell_activation": "sigmoid", "bias": U(16)},
          {"recurrent_activation": "hard_sigmoid", "output_sequence": True},
          {"activation": "linear", "cell_activation": "scaled_tanh"}):
    case("lstm", x=In(F(*S)), **L1, **o)
for o in ({}, {"output_sequence": True},
          {"output_sequence": True, "bias": U(16), "bias_back": U(16)},
          {"output_sequence": True, "peephole": U(12), "peephole_back": U(12)}):
    case("lstm", x=In(F(*S)), direction="bidirectional", **L2, **o)
case("lstm", "iOS17", x=In(F(*S)), **L1)
case("lstm", x=In(F(*S)), **L1, clip=np.float32(0.5), expect="any")

# Numbers in fewer bits.
for dtype in ("int8", "uint8"):
    kind = getattr(np, dtype)
    case("quantize", "iOS17", input=In(F(2, 3)), scale=np.float32(0.05), output_dtype=dtype)
    case("quantize", "iOS17", input=In(F(2, 3)), scale=P(3) / 20, zero_point=np.array(
        [3, 5, 9], kind), axis=1, output_dtype=dtype)
    case("quantize", "iOS17", input=In(half(F(2, 3))), scale=np.float16(0.0625),
         zero_point=kind(7), output_dtype=dtype)
    case("dequantize", "iOS17", input=In(I(2, 3, low=0, high=90, dtype=kind)),
         scale=np.float32(0.05))
    case("dequantize", "iOS17", input=In(I(2, 3, low=0, high=90, dtype=kind)), scale=P(2),
         zero_point=np.array([3, 5], kind), axis=0)
    case("dequantize", "iOS17", input=In(I(2, 3, low=0, high=90, dtype=kind)),
         scale=half(P(3)), zero_point=kind(7) * np.ones(3, kind), axis=-1)
case("dequantize", "iOS26", input=In(I(2, 3, low=-90, high=90, dtype=np.int8)),
     scale=np.float32(0.05))

# Drawn numbers: of distributions that leave no choice, so that they can be compared.
TWO = np.array([2, 3], np.int32)
case("random_uniform", expect="any", shape=In(TWO), low=np.float32(1.5), high=np.float32(1.5))
case("random_normal", expect="any", shape=In(TWO), mean=np.float32(-2), stddev=np.float32(0))
for prob in (0, 1):
    case("random_bernoulli", expect="any", shape=In(TWO), prob=np.float32(prob))
case("random_categorical", expect="any", x=In(np.array([[0, 1, 0], [0, 0, 1]], np.float32)),
     mode="probs", size=2)
case("non_zero", expect="any", x=In(F(2, 3)))
case("non_zero", expect="any", x=In(np.array([[0, 1, 0], [2, 0, -3]], np.int32)))
case("non_maximum_suppression", expect="refused", boxes=In(P(1, 6, 4)), scores=In(P(1, 6, 2)),
     iou_threshold=np.float32(0.5), score_threshold=np.float32(0.1), max_boxes=3)
case("non_maximum_suppression", "iOS17", expect="refused", boxes=In(P(1, 6, 4)),
     scores=In(P(1, 6, 2)), iou_threshold=np.float32(0.5), max_boxes=3,
     per_class_suppression=True)
