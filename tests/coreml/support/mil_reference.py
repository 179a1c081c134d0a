"""What MIL operators compute, in numpy and PyTorch, without Core ML.

evaluate(operator, opset, operands, dtypes) is one operator. Operands are arrays (or strings,
None where one is left out, lists where it is a tuple) by their names in MIL; they are widened to
f64 and i64, and results are rounded once to their dtypes. The layers of networks are in
mil_layers.py. Written from the operators' documentation and the format's facts; where
coremltools computes constants itself, mil_cases.py compares both.

opset is a number: 15 to 18 and 26, as in iOS15.
"""
import numpy as np
import torch

REFERENCE = {}  # operator -> function(opset, **operands) -> result or list of results


def op(*names):
    def put(function):
        for name in names:
            REFERENCE[name] = function
        return function
    return put


def widen(x):
    if x is None or isinstance(x, str):
        return x
    if isinstance(x, (list, tuple)):
        return [widen(v) for v in x]
    x = np.asarray(x)
    if x.dtype.kind in "US":
        return str(x)
    if x.dtype == bool:
        return x
    return x.astype(np.float64 if x.dtype.kind == "f" else np.int64)


def narrow(x, dtype):
    with np.errstate(all="ignore"):
        x = np.asarray(x)
        if x.dtype.kind == "f" and np.dtype(dtype).kind in "iu":
            x = np.nan_to_num(np.trunc(x)).astype(np.int64)
        return np.ascontiguousarray(x.astype(dtype)).reshape(x.shape)


def evaluate(operator, opset, operands, dtypes):
    if operator not in REFERENCE:
        raise NotImplementedError("no reference for " + operator)
    with np.errstate(all="ignore"):
        result = REFERENCE[operator](opset, **{k: widen(v) for k, v in operands.items()
                                               if v is not None})
    results = result if isinstance(result, (list, tuple)) else [result]
    if len(results) != len(dtypes):
        raise ValueError("%s has %d results, not %d" % (operator, len(results), len(dtypes)))
    return [narrow(r, d) for r, d in zip(results, dtypes)]


def by_torch(function):
    return lambda x: function(torch.from_numpy(np.array(x, dtype=np.float64))).numpy()


def sigmoid(x):
    return by_torch(torch.sigmoid)(x)


# Elementwise.

for _name, _function in {
        "abs": np.abs, "acos": np.arccos, "asin": np.arcsin, "atan": np.arctan,
        "atanh": np.arctanh, "ceil": np.ceil, "cos": np.cos, "cosh": np.cosh,
        "erf": by_torch(torch.erf), "exp": np.exp, "exp2": np.exp2, "floor": np.floor,
        "identity": np.array, "logical_not": np.logical_not,
        "relu": lambda x: np.where(x > 0, x, np.where(np.isnan(x), x, 0.0)),
        "relu6": lambda x: np.clip(x, 0, 6),
        "round": np.round, "sigmoid": sigmoid, "sign": np.sign,
        "silu": lambda x: x * sigmoid(x), "sin": np.sin, "sinh": np.sinh,
        "softplus": lambda x: np.logaddexp(0, x), "softsign": lambda x: x / (1 + np.abs(x)),
        "sqrt": np.sqrt, "square": np.square, "tan": np.tan, "tanh": np.tanh}.items():
    REFERENCE[_name] = lambda opset, x, f=_function: f(x)

for _name, _function in {
        "add": np.add, "sub": np.subtract, "mul": np.multiply, "real_div": np.true_divide,
        "floor_div": np.floor_divide, "mod": np.mod, "pow": np.power,
        "maximum": np.maximum, "minimum": np.minimum, "equal": np.equal,
        "not_equal": np.not_equal, "less": np.less, "less_equal": np.less_equal,
        "greater": np.greater, "greater_equal": np.greater_equal,
        "logical_and": np.logical_and, "logical_or": np.logical_or,
        "logical_xor": np.logical_xor}.items():
    REFERENCE[_name] = lambda opset, x, y, f=_function: f(x, y)

# The default epsilon of inverse, 1e-4, stands for the reciprocal.
REFERENCE["inverse"] = lambda opset, x, epsilon: \
    1 / (x + (0 if abs(epsilon - 1e-4) < 4e-8 else epsilon))

for _name, _function in {
        "log": np.log, "rsqrt": lambda x: 1 / np.sqrt(x)}.items():
    REFERENCE[_name] = lambda opset, x, epsilon, f=_function: f(x + epsilon)

for _name, _function in {
        "clip": lambda x, a, b: np.minimum(np.maximum(x, a), b),
        "clamped_relu": lambda x, a, b: np.minimum(b, np.where(x >= 0, x, a * x)),
        "linear_activation": lambda x, a, b: x * a + b,
        "scaled_tanh": lambda x, a, b: a * np.tanh(b * x),
        "sigmoid_hard": lambda x, a, b: np.minimum(np.maximum(a * x + b, 0), 1),
        "softplus_parametric": lambda x, a, b:
            channels(a, x) * np.logaddexp(0, channels(b, x) * x)}.items():
    REFERENCE[_name] = lambda opset, x, alpha, beta, f=_function: f(x, alpha, beta)

for _name, _function in {
        "elu": lambda x, a: np.where(x > 0, x, a * np.expm1(np.minimum(x, 0))),
        "leaky_relu": lambda x, a: np.where(x >= 0, x, a * x),
        "prelu": lambda x, a: np.where(x > 0, x, channels(a, x) * x),
        "threshold": np.maximum,
        "thresholded_relu": lambda x, a: np.where(x >= a, x, 0 * a)}.items():
    REFERENCE[_name] = lambda opset, x, alpha, f=_function: f(x, alpha)


def channels(vector, x):
    """A value per channel (axis 1), so that it broadcasts over x."""
    return np.reshape(vector, (-1,) + (1,) * (x.ndim - 2))


@op("gelu")
def gelu(opset, x, mode="EXACT"):
    if mode == "TANH_APPROXIMATION":
        return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x ** 3)))
    if mode == "SIGMOID_APPROXIMATION":
        return x * sigmoid(1.702 * x)
    return 0.5 * x * (1 + by_torch(torch.erf)(x / np.sqrt(2)))


@op("cast")
def cast(opset, x, dtype):
    if dtype == "bool":
        return x != 0
    kinds = {"fp16": np.float16, "fp32": np.float32}
    return narrow(x, kinds.get(dtype) or getattr(np, dtype))


@op("select")
def select(opset, cond, a, b):
    return np.where(cond, a, b)


@op("softmax")
def softmax(opset, x, axis=-1):
    e = np.exp(x - x.max(axis=int(axis), keepdims=True))
    return e / e.sum(axis=int(axis), keepdims=True)


# Reductions and orders.

def reduction(function):
    def reduce(opset, x, axes=None, keep_dims=False):
        axis = tuple(range(x.ndim)) if axes is None else \
            tuple(int(a) % x.ndim for a in np.atleast_1d(axes))
        return function(x, axis=axis, keepdims=bool(keep_dims))
    return reduce


def log_sum_exp(x, axis, keepdims):
    most = x.max(axis=axis, keepdims=True)
    r = np.log(np.exp(x - most).sum(axis=axis, keepdims=True)) + most
    return r if keepdims else r.squeeze(axis)


for _name, _function in {
        "reduce_sum": np.sum, "reduce_mean": np.mean, "reduce_max": np.max,
        "reduce_min": np.min, "reduce_prod": np.prod,
        "reduce_l1_norm": lambda x, **o: np.abs(x).sum(**o),
        "reduce_l2_norm": lambda x, **o: np.sqrt(np.square(x).sum(**o)),
        "reduce_log_sum": lambda x, **o: np.log(x.sum(**o)),
        "reduce_log_sum_exp": log_sum_exp,
        "reduce_sum_square": lambda x, **o: np.square(x).sum(**o)}.items():
    REFERENCE[_name] = reduction(_function)


@op("reduce_argmax", "reduce_argmin")
def arg(opset, x, axis=-1, keep_dims=False, output_dtype=None, function=np.argmax):
    r = function(x, axis=int(axis))
    return np.expand_dims(r, int(axis)) if keep_dims else r


REFERENCE["reduce_argmin"] = lambda opset, **o: arg(opset, function=np.argmin, **o)


def order(x, axis, ascending):
    return np.argsort(x if ascending else -x, axis=int(axis), kind="stable")


@op("argsort")
def argsort(opset, x, axis=-1, ascending=False):
    return order(x, axis, ascending)


@op("topk")
def topk(opset, x, k=1, axis=-1, ascending=False, sort=True, return_indices=True,
         output_indices_dtype=None):
    indices = np.take(order(x, axis, ascending), np.arange(int(k)), axis=int(axis))
    values = np.take_along_axis(x, indices, axis=int(axis))
    return [values, indices] if return_indices else values


@op("cumsum")
def cumsum(opset, x, axis=0, exclusive=False, reverse=False):
    axis = int(axis)
    y = np.flip(x, axis) if reverse else x
    r = np.cumsum(y, axis=axis)
    if exclusive:
        r = r - y
    return np.flip(r, axis) if reverse else r


# Shapes.

@op("shape")
def shape(opset, x):
    return np.array(x.shape, dtype=np.int64)


@op("reshape")
def reshape(opset, x, shape):
    target = [int(d) for d in shape]
    at = x.ndim - len(target)  # CoreML7: zeros are counted from the right
    for i, d in enumerate(target):
        if d == 0:
            j = i + (at if opset >= 17 else 0)
            target[i] = x.shape[j] if 0 <= j < x.ndim else 1
    return x.reshape(target)


@op("reshape_like")
def reshape_like(opset, x, ref_tensors, begins, ends, end_masks):
    dims = []
    for r, begin, end, mask in zip(ref_tensors, begins, ends, end_masks):
        dims += r.shape[int(begin):] if mask else r.shape[int(begin):int(end)]
    return x.reshape(dims)


@op("flatten2d")
def flatten2d(opset, x, axis=1):
    return x.reshape(int(np.prod(x.shape[:int(axis)])), -1)


@op("expand_dims")
def expand_dims(opset, x, axes):
    return np.expand_dims(x, tuple(int(a) for a in np.atleast_1d(axes)))


@op("squeeze")
def squeeze(opset, x, axes=None):
    axes = range(x.ndim) if axes is None else [int(a) % x.ndim for a in np.atleast_1d(axes)]
    return x.reshape([d for i, d in enumerate(x.shape) if i not in axes or d != 1])


@op("transpose")
def transpose(opset, x, perm):
    return np.transpose(x, [int(p) for p in perm])


@op("concat")
def concat(opset, values, axis, interleave=False):
    axis = int(axis)
    if values[0].ndim == 0:
        return np.array(values)
    if not interleave:
        return np.concatenate(values, axis)
    axis %= values[0].ndim
    r = np.stack(values, axis + 1)
    return r.reshape(r.shape[:axis] + (-1,) + r.shape[axis + 2:])


@op("stack")
def stack(opset, values, axis):
    return np.stack(values, int(axis))


@op("split")
def split(opset, x, axis, num_splits=None, split_sizes=None):
    if split_sizes is None:
        return np.split(x, int(num_splits), int(axis))
    return np.split(x, np.cumsum(split_sizes)[:-1], int(axis))


@op("tile")
def tile(opset, x, reps):
    return np.tile(x, [int(r) for r in reps])


@op("reverse")
def reverse(opset, x, axes=None):
    return np.flip(x, None if axes is None else tuple(int(a) for a in np.atleast_1d(axes)))


@op("reverse_sequence")
def reverse_sequence(opset, x, lengths, seq_axis=0, batch_axis=0):
    r = np.moveaxis(x.copy(), (int(batch_axis), int(seq_axis)), (0, 1))
    for row, n in zip(r, lengths):
        row[:int(n)] = row[:int(n)][::-1].copy()
    return np.moveaxis(r, (0, 1), (int(batch_axis), int(seq_axis)))


def slices(x, begin, end, stride=None, begin_mask=None, end_mask=None, squeeze_mask=None):
    r = []
    for i in range(x.ndim):
        b, e = int(begin[i]), int(end[i])
        s = 1 if stride is None else int(stride[i])
        if squeeze_mask is not None and squeeze_mask[i]:
            r.append(0 if begin_mask is not None and begin_mask[i] else b)
            continue
        b = None if begin_mask is not None and begin_mask[i] else b
        e = None if end_mask is not None and end_mask[i] else e
        r.append(slice(b, e, s))
    return tuple(r)


@op("slice_by_index")
def slice_by_index(opset, x, **o):
    return x[slices(x, **o)]


@op("slice_update")
def slice_update(opset, x, update, **o):
    r = x.copy()
    r[slices(x, **o)] = update
    return r


@op("slice_by_size")
def slice_by_size(opset, x, begin, size):
    starts = [int(b) + (d if b < 0 else 0) for b, d in zip(begin, x.shape)]
    return x[tuple(slice(b, None if n == -1 else b + int(n)) for b, n in zip(starts, size))]


@op("sliding_windows")
def sliding_windows(opset, x, axis, size, stride=1):
    axis = int(axis) % x.ndim
    n = (x.shape[axis] - int(size)) // int(stride) + 1
    at = np.arange(n)[:, None] * int(stride) + np.arange(int(size))
    return np.take(x, at, axis)


@op("pad")
def pad(opset, x, pad, mode="constant", constant_val=0):
    pairs = np.reshape(pad, (-1, 2)).tolist()
    pairs = [[0, 0]] * (x.ndim - len(pairs)) + pairs
    if mode == "constant":
        return np.pad(x, pairs, constant_values=constant_val)
    return np.pad(x, pairs, {"reflect": "reflect", "replicate": "edge"}[mode])


@op("crop")
def crop(opset, x, crop_height, crop_width):
    (t, b), (l, r) = (np.reshape(c, 2).tolist() for c in (crop_height, crop_width))
    return x[..., t:x.shape[-2] - b, l:x.shape[-1] - r]


def blocks(x, b):
    """[n, c, h, w] as [n, c, h / b, b, w / b, b]."""
    n, c, h, w = x.shape
    return x.reshape(n, c, h // b[0], b[0], w // b[1], b[1])


@op("space_to_depth")
def space_to_depth(opset, x, block_size):
    b, (n, c, h, w) = int(block_size), x.shape
    return blocks(x, (b, b)).transpose(0, 3, 5, 1, 2, 4).reshape(n, c * b * b, h // b, w // b)


@op("depth_to_space")
def depth_to_space(opset, x, block_size):
    b, (n, c, h, w) = int(block_size), x.shape
    r = x.reshape(n, b, b, c // (b * b), h, w)
    return r.transpose(0, 3, 4, 1, 5, 2).reshape(n, c // (b * b), h * b, w * b)


@op("pixel_shuffle")
def pixel_shuffle(opset, x, upscale_factor):
    f, (n, c, h, w) = int(upscale_factor), x.shape
    r = x.reshape(n, c // (f * f), f, f, h, w)
    return r.transpose(0, 1, 4, 2, 5, 3).reshape(n, c // (f * f), h * f, w * f)


@op("pixel_unshuffle")
def pixel_unshuffle(opset, x, downscale_factor):
    f, (n, c, h, w) = int(downscale_factor), x.shape
    return blocks(x, (f, f)).transpose(0, 1, 3, 5, 2, 4).reshape(n, c * f * f, h // f, w // f)


@op("space_to_batch")
def space_to_batch(opset, x, block_shape, paddings):
    x = np.pad(x, [[0, 0], [0, 0]] + np.array(paddings).tolist())
    b, (n, c, h, w) = [int(v) for v in block_shape], x.shape
    r = blocks(x, b).transpose(3, 5, 0, 1, 2, 4)
    return r.reshape(n * b[0] * b[1], c, h // b[0], w // b[1])


@op("batch_to_space")
def batch_to_space(opset, x, block_shape, crops):
    b, (n, c, h, w) = [int(v) for v in block_shape], x.shape
    n //= b[0] * b[1]
    r = x.reshape(b[0], b[1], n, c, h, w).transpose(2, 3, 4, 0, 5, 1)
    return crop(opset, r.reshape(n, c, h * b[0], w * b[1]), *crops)


@op("band_part")
def band_part(opset, x, lower=-1, upper=-1):
    m, n = np.ogrid[:x.shape[-2], :x.shape[-1]]
    keep = ((lower < 0) | (m - n <= lower)) & ((upper < 0) | (n - m <= upper))
    return np.where(keep, x, np.zeros((), x.dtype))


# Made of numbers.

@op("fill")
def fill(opset, shape, value=0.0):
    return np.full([int(d) for d in shape], value)


@op("fill_like")
def fill_like(opset, ref_tensor, value=0.0):
    return np.full(ref_tensor.shape, value)


@op("range_1d")
def range_1d(opset, start, end, step):
    return np.arange(start, end, step)


@op("one_hot")
def one_hot(opset, indices, one_hot_vector_size, axis=-1, on_value=1, off_value=0):
    axis = int(axis) % (indices.ndim + 1)
    hot = np.expand_dims(indices, axis) == \
        np.arange(int(one_hot_vector_size)).reshape([-1] + [1] * (indices.ndim - axis))
    return np.where(hot, on_value, off_value)


@op("non_zero")
def non_zero(opset, x):
    return np.argwhere(x)


# Drawn numbers, where the distribution leaves no choice.

def certain(holds, shape, value):
    if not holds:
        raise NotImplementedError("random numbers")
    return np.full([int(d) for d in shape], value)


@op("random_uniform")
def random_uniform(opset, shape, low=0.0, high=1.0, seed=-1):
    return certain(low == high, shape, low)


@op("random_normal")
def random_normal(opset, shape, mean=0.0, stddev=1.0, seed=-1):
    return certain(stddev == 0, shape, mean)


@op("random_bernoulli")
def random_bernoulli(opset, shape, prob=0.5, seed=-1):
    return certain(prob in (0, 1), shape, prob)


@op("random_categorical")
def random_categorical(opset, x, mode="logits", size=1, seed=-1):
    if mode != "probs" or not ((x == 0) | (x == x.max(-1, keepdims=True))).all():
        raise NotImplementedError("random numbers")
    return np.repeat(x.argmax(-1)[..., None], int(size), -1)


# Indices.

@op("gather")
def gather(opset, x, indices, axis=0, batch_dims=0, validate_indices=False):
    axis, batch = int(axis) % x.ndim, int(batch_dims)
    if batch:
        return np.stack([gather(opset, a, i, axis - 1, batch - 1)
                         for a, i in zip(x, indices)])
    return np.take(x, indices, axis)


@op("gather_along_axis")
def gather_along_axis(opset, x, indices, axis=0, validate_indices=False):
    return np.take_along_axis(x, indices, int(axis))


@op("gather_nd")
def gather_nd(opset, x, indices, batch_dims=0, validate_indices=False):
    if batch_dims:
        return np.stack([gather_nd(opset, a, i, int(batch_dims) - 1)
                         for a, i in zip(x, indices)])
    return x[tuple(np.moveaxis(indices, -1, 0))]


def write_at(data, at, updates, mode):
    r = data.copy()
    if mode == "update":
        r[at] = updates
    else:
        {"add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.true_divide,
         "max": np.maximum, "min": np.minimum}[mode].at(r, at, updates)
    return r


@op("scatter")
def scatter(opset, data, indices, updates, axis=0, mode="add", validate_indices=False):
    axis = int(axis) % data.ndim
    return write_at(data, (slice(None),) * axis + (indices,), updates, mode)


@op("scatter_along_axis")
def scatter_along_axis(opset, data, indices, updates, axis=0, mode="add",
                       validate_indices=False):
    at = list(np.indices(indices.shape, sparse=True))
    at[int(axis) % data.ndim] = indices
    return write_at(data, tuple(at), updates, mode)


@op("scatter_nd")
def scatter_nd(opset, data, indices, updates, mode="add", validate_indices=False):
    return write_at(data, tuple(np.moveaxis(indices, -1, 0)), updates, mode)


import mil_layers  # noqa: E402,F401 (adds its operators)
