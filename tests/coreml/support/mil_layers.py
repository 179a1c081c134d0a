"""The operators of mil_reference.py that are layers of networks: products, convolutions, pools,
norms, resizing, recurrences, attention, and weights that are stored in fewer bits."""
import itertools

import numpy as np
import torch
import torch.nn.functional as F

from mil_reference import channels, op, sigmoid


def tensor(x):
    return torch.from_numpy(np.ascontiguousarray(x, dtype=np.float64))


# Products.

@op("matmul")
def matmul(opset, x, y, transpose_x=False, transpose_y=False):
    x = np.swapaxes(x, -1, -2) if transpose_x and x.ndim > 1 else x
    y = np.swapaxes(y, -1, -2) if transpose_y and y.ndim > 1 else y
    return np.matmul(x, y)


@op("linear")
def linear(opset, x, weight, bias=0):
    return np.matmul(x, weight.T) + bias


@op("einsum")
def einsum(opset, values, equation):
    # An axis of 1 of one operand broadcasts.
    terms, sizes = equation.replace(" ", "").split("->")[0].split(","), {}
    for term, v in zip(terms, values):
        for letter, d in zip(term, v.shape):
            sizes[letter] = max(d, sizes.get(letter, 1))
    full = [np.broadcast_to(v, [sizes[letter] for letter in term])
            for term, v in zip(terms, values)]
    return np.einsum(equation.replace(" ", ""), *full)


@op("scaled_dot_product_attention")
def attention(opset, query, key, value, attn_mask=None):
    scores = np.matmul(query, np.swapaxes(key, -1, -2)) / np.sqrt(query.shape[-1])
    if attn_mask is not None:
        scores = np.where(attn_mask, scores, -np.inf) if attn_mask.dtype == bool else \
            scores + attn_mask
    e = np.exp(scores - scores.max(-1, keepdims=True))
    return np.matmul(e / e.sum(-1, keepdims=True), value)


# Windows.

def numbers(v, default, n):
    return [default] * n if v is None else [int(i) for i in np.reshape(v, -1)]


def padding(kind, pad, sizes, kernel, strides):
    """Pairs of amounts; kernel is that of dilated windows."""
    if kind == "valid":
        return [(0, 0)] * len(sizes)
    if kind == "custom":
        pad = numbers(pad, 0, 2 * len(sizes))
        return list(zip(pad[::2], pad[1::2]))
    pairs = []
    for d, k, s in zip(sizes, kernel, strides):
        total = max((-(-d // s) - 1) * s + k - d, 0)
        less, more = total // 2, total - total // 2
        pairs.append((more, less) if kind == "same_lower" else (less, more))
    return pairs


@op("conv")
def conv(opset, x, weight, bias=None, strides=None, pad_type="valid", pad=None,
         dilations=None, groups=1):
    n = x.ndim - 2
    strides, dilations = numbers(strides, 1, n), numbers(dilations, 1, n)
    kernel = [(k - 1) * d + 1 for k, d in zip(weight.shape[2:], dilations)]
    x = np.pad(x, [(0, 0)] * 2 + padding(pad_type, pad, x.shape[2:], kernel, strides))
    function = (F.conv1d, F.conv2d, F.conv3d)[n - 1]
    return function(tensor(x), tensor(weight), None if bias is None else tensor(bias),
                    strides, 0, dilations, int(groups)).numpy()


@op("conv_quantized")
def conv_quantized(opset, x, weight, quantization_type, quant_scale, quant_bias, nbits=8, **o):
    if quantization_type != "linear":
        raise NotImplementedError("quantization by a table")
    scale, zero = (np.reshape(v, (-1,) + (1,) * (weight.ndim - 1))
                   for v in (quant_scale, quant_bias))
    return conv(opset, x, weight * scale + zero, **o)


@op("conv_transpose")
def conv_transpose(opset, x, weight, bias=None, pad=None, output_shape=None,
                   pad_type="valid", strides=None, dilations=None, groups=1):
    n = x.ndim - 2
    strides, dilations = numbers(strides, 1, n), numbers(dilations, 1, n)
    function = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[n - 1]
    y = function(tensor(x), tensor(weight), None, strides, 0, 0, int(groups),
                 dilations).numpy()
    kernel = [(k - 1) * d + 1 for k, d in zip(weight.shape[2:], dilations)]
    sizes = [int(d) for d in output_shape[2:]] if output_shape is not None else \
        [d * s for d, s in zip(x.shape[2:], strides)]
    if pad_type.startswith("same"):
        cuts = padding(pad_type, None, sizes, kernel, strides)
    else:
        cuts = padding(pad_type, pad, sizes, kernel, strides)
        if output_shape is None:
            sizes = [d - a - b for d, (a, b) in zip(y.shape[2:], cuts)]
    for i, (size, (before, _)) in enumerate(zip(sizes, cuts)):
        more = [(0, 0)] * y.ndim
        more[i + 2] = (0, max(0, before + size - y.shape[i + 2]))
        y = np.take(np.pad(y, more), np.arange(before, before + size), i + 2)
    return y if bias is None else y + channels(bias, y)


def windows(x, kernel_sizes, strides, pad_type, pad, ceil_mode, outside):
    """Windows of x in axis -1, and where they are inside of the padded x."""
    n = x.ndim - 2
    kernel, strides = numbers(kernel_sizes, 1, n), numbers(strides, 1, n)
    pads = padding(pad_type, pad, x.shape[2:], kernel, strides)
    x = np.pad(x, [(0, 0)] * 2 + pads, constant_values=outside)
    sizes, more = [], []
    for d, k, s, (before, after) in zip(x.shape[2:], kernel, strides, pads):
        size = (d - k + (s - 1 if ceil_mode else 0)) // s + 1
        if ceil_mode and (size - 1) * s >= d - after:
            size -= 1
        sizes.append(size)
        more.append((0, max(0, (size - 1) * s + k - d)))
    inside = np.pad(np.ones(x.shape[2:], bool), more)
    x = np.pad(x, [(0, 0)] * 2 + more, constant_values=outside)
    parts = [tuple(slice(o, o + (m - 1) * s + 1, s) for o, m, s in zip(at, sizes, strides))
             for at in itertools.product(*[range(k) for k in kernel])]
    return (np.stack([x[(slice(None),) * 2 + p] for p in parts], -1),
            np.stack([inside[p] for p in parts], -1))


@op("max_pool")
def max_pool(opset, x, kernel_sizes, pad_type, strides=None, pad=None, ceil_mode=False):
    return windows(x, kernel_sizes, strides, pad_type, pad, ceil_mode, -np.inf)[0].max(-1)


@op("l2_pool")
def l2_pool(opset, x, kernel_sizes, pad_type, strides=None, pad=None, ceil_mode=False):
    return np.sqrt(np.square(
        windows(x, kernel_sizes, strides, pad_type, pad, ceil_mode, 0)[0]).sum(-1))


@op("avg_pool")
def avg_pool(opset, x, kernel_sizes, pad_type, strides=None, pad=None, ceil_mode=False,
             exclude_padding_from_average=False):
    w, inside = windows(x, kernel_sizes, strides, pad_type, pad, ceil_mode, 0)
    if exclude_padding_from_average:
        inside = windows(np.ones((1, 1) + x.shape[2:]), kernel_sizes, strides, pad_type, pad,
                         ceil_mode, 0)[0][0, 0]
    return w.sum(-1) / inside.sum(-1)


# Norms.

@op("batch_norm")
def batch_norm(opset, x, mean, variance, gamma=None, beta=None, epsilon=1e-5):
    y = (x - channels(mean, x)) / np.sqrt(channels(variance, x) + epsilon)
    return affine_of(y, gamma, beta)


def affine_of(y, gamma, beta):
    y = y if gamma is None else y * channels(gamma, y)
    return y if beta is None else y + channels(beta, y)


@op("instance_norm")
def instance_norm(opset, x, gamma=None, beta=None, epsilon=1e-5):
    axes = tuple(range(2, x.ndim))
    y = (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + epsilon)
    return affine_of(y, gamma, beta)


@op("layer_norm")
def layer_norm(opset, x, axes=None, gamma=None, beta=None, epsilon=1e-5):
    axes = range(x.ndim) if axes is None else [int(a) % x.ndim for a in axes]
    axes = tuple(sorted(axes))
    shape = [d if i in axes else 1 for i, d in enumerate(x.shape)]
    y = (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + epsilon)
    y = y if gamma is None else y * gamma.reshape(shape)
    return y if beta is None else y + beta.reshape(shape)


@op("l2_norm")
def l2_norm(opset, x, epsilon=1e-6):
    return x / np.sqrt(np.square(x).sum((-3, -2, -1), keepdims=True) + epsilon)


@op("local_response_norm")
def local_response_norm(opset, x, size, alpha=1e-4, beta=0.75, k=1.0):
    half = int(size) // 2  # an even size has no middle: not used
    p = np.pad(np.square(x), [(0, 0), (half, half)] + [(0, 0)] * (x.ndim - 2))
    total = sum(p[:, i:i + x.shape[1]] for i in range(int(size)))
    return x / (k + alpha / size * total) ** beta


# Resizing.

def grid(mode, size, to, start=0.0, end=None):
    """Where in [start, end] of an axis the samples lie, as resize_bilinear tells it."""
    i, span = np.arange(to, dtype=np.float64), (size - 1.0 if end is None else end - start)
    if mode in ("STRICT_ALIGN_CORNERS", "ALIGN_CORNERS"):
        if to == 1:
            return np.array([start + (span / 2 if mode == "ALIGN_CORNERS" else 0)])
        return start + i * span / (to - 1)
    if mode == "DEFAULT":
        return start + i * (span + 1) / to
    if mode == "OFFSET_CORNERS":
        delta = max(1.0, span) / to
        return start + delta * (0.5 + i)
    return start + (i + 0.5) * (span + 1) / to - 0.5  # UNALIGN_CORNERS


def sampled(x, axis, at, nearest=False):
    n = x.shape[axis]
    at = np.clip(at, 0, n - 1)
    if nearest:
        return np.take(x, np.floor(at + 0.5).astype(int), axis)
    low = np.floor(at).astype(int)
    part = (at - low).reshape([-1 if i == axis % x.ndim else 1 for i in range(x.ndim)])
    return np.take(x, low, axis) * (1 - part) + \
        np.take(x, np.minimum(low + 1, n - 1), axis) * part


@op("resize_bilinear")
def resize_bilinear(opset, x, target_size_height=1, target_size_width=1,
                    sampling_mode="DEFAULT"):
    x = sampled(x, -2, grid(sampling_mode, x.shape[-2], int(target_size_height)))
    return sampled(x, -1, grid(sampling_mode, x.shape[-1], int(target_size_width)))


@op("upsample_bilinear")
def upsample_bilinear(opset, x, scale_factor_height=1, scale_factor_width=1,
                      align_corners=True, half_pixel_centers=None):
    half = not align_corners if half_pixel_centers is None else half_pixel_centers
    mode = "STRICT_ALIGN_CORNERS" if align_corners else \
        "UNALIGN_CORNERS" if half else "DEFAULT"
    h, w = (int(np.floor(d * s)) for d, s in
            zip(x.shape[-2:], (scale_factor_height, scale_factor_width)))
    return resize_bilinear(opset, x, h, w, mode)


def nearest(x, h, w):
    for axis, to in ((-2, h), (-1, w)):
        x = np.take(x, np.arange(to) * x.shape[axis] // to, axis)
    return x


@op("upsample_nearest_neighbor")
def upsample_nearest_neighbor(opset, x, scale_factor_height=1, scale_factor_width=1):
    return nearest(x, *(int(np.floor(d * s)) for d, s in
                        zip(x.shape[-2:], (scale_factor_height, scale_factor_width))))


@op("resize_nearest_neighbor")
def resize_nearest_neighbor(opset, x, target_size_height, target_size_width):
    return nearest(x, int(target_size_height), int(target_size_width))


@op("resize")
def resize(opset, x, shape, resized_dims, interpolation_mode="LINEAR",
           sampling_mode="DEFAULT"):
    for axis in range(-int(resized_dims), 0):
        to = int(shape[axis]) or x.shape[axis]
        x = sampled(x, axis, grid(sampling_mode, x.shape[axis], to),
                    interpolation_mode == "NEAREST_NEIGHBOR")
    return x


@op("crop_resize")
def crop_resize(opset, x, roi=None, boxes=None, box_indices=None, target_height=1,
                target_width=1, normalized_coordinates=False, spatial_scale=1.0,
                box_coordinate_mode="CORNERS_HEIGHT_FIRST", sampling_mode="DEFAULT",
                pad_value=0.0):
    rows = boxes if roi is None else roi.reshape(roi.shape[0], -1)
    patches = []
    for n, row in enumerate(rows):
        of = x if roi is not None else \
            x[int(n if box_indices is None else box_indices[n])][None]
        if len(row) == 5:
            of, row = x[int(row[0])][None], row[1:]
        row = row * spatial_scale
        if "WIDTH_FIRST" in box_coordinate_mode:
            row = row[[1, 0, 3, 2]]
        if box_coordinate_mode.startswith("CENTER"):
            row = np.concatenate([row[:2] - row[2:] / 2, row[:2] + row[2:] / 2])
        if normalized_coordinates:
            row = row * np.tile(np.array(x.shape[-2:]) - 1, 2)
        of = sampled(of, -2, grid(sampling_mode, 0, int(target_height), row[0], row[2]))
        patches.append(sampled(of, -1, grid(sampling_mode, 0, int(target_width), row[1],
                                            row[3])))
    return np.stack(patches) if roi is not None else np.concatenate(patches)


@op("affine")
def affine(opset, x, transform_matrix, output_height, output_width, **_):
    matrix = np.broadcast_to(transform_matrix, (x.shape[0], 6)).reshape(-1, 2, 3)
    at = F.affine_grid(tensor(matrix), [x.shape[0], x.shape[1], int(output_height),
                                        int(output_width)], align_corners=True)
    return F.grid_sample(tensor(x), at, align_corners=True).numpy()


@op("resample")
def resample(opset, x, coordinates, sampling_mode, padding_mode, padding_value,
             coordinates_mode, align_corners):
    at = np.array(coordinates, dtype=np.float64)
    size = np.array([x.shape[3], x.shape[2]], dtype=np.float64)
    if coordinates_mode == "unnormalized":  # to the center of pixels
        at = 2 * at / (size - 1) - 1
        align_corners = True
    elif coordinates_mode == "normalized_zero_to_one":
        at = 2 * at - 1
    mode = {"constant": "zeros", "border": "border", "symmetric": "reflection",
            "reflection": "reflection"}[padding_mode]
    if mode == "reflection" and bool(align_corners) != (padding_mode == "reflection"):
        raise NotImplementedError("reflection about the other border")
    shift = padding_value if padding_mode == "constant" else 0
    return F.grid_sample(tensor(x - shift), tensor(at), sampling_mode, mode,
                         bool(align_corners)).numpy() + shift


# Recurrences. A reversed one gives its sequence in the order in which it was computed.

ACTIVATIONS = {"sigmoid": sigmoid, "tanh": np.tanh, "scaled_tanh": np.tanh,
               "relu": lambda x: np.maximum(x, 0), "linear": lambda x: x,
               "hard_sigmoid": lambda x: np.clip(0.2 * x + 0.5, 0, 1),
               "sigmoid_hard": lambda x: np.clip(0.2 * x + 0.5, 0, 1)}


def steps(x, direction, step, *state):
    """The sequence of the first state, and the last states."""
    rows = []
    for row in x[::-1] if direction == "reverse" else x:
        state = step(row, *state)
        rows.append(state[0])
    return np.stack(rows), state


@op("rnn")
def rnn(opset, x, initial_h, weight_ih, weight_hh, bias=0, direction="forward",
        output_sequence=False, activation="tanh"):
    f = ACTIVATIONS[activation]
    rows, (h,) = steps(x, direction, lambda v, h: (
        f(v @ weight_ih.T + h @ weight_hh.T + bias),), initial_h)
    return [rows if output_sequence else h[None], h]


@op("gru")
def gru(opset, x, initial_h, weight_ih, weight_hh, bias=None, direction="forward",
        output_sequence=False, recurrent_activation="sigmoid", activation="tanh",
        reset_after=False, input_bias=None):
    f, g = ACTIVATIONS[recurrent_activation], ACTIVATIONS[activation]
    wr, wo, wz = np.split(weight_ih, 3)
    ur, uo, uz = np.split(weight_hh, 3)
    none = np.zeros(weight_hh.shape[0])
    br, bo, bz = np.split(none if bias is None else bias, 3)
    ir, io, iz = np.split(none if input_bias is None else input_bias, 3)

    def step(v, h):
        r = f(v @ wr.T + ir + h @ ur.T + br)
        z = f(v @ wz.T + iz + h @ uz.T + bz)
        inner = r * (h @ uo.T + bo) if reset_after else (r * h) @ uo.T + bo
        return ((1 - z) * g(v @ wo.T + io + inner) + z * h,)

    rows, (h,) = steps(x, direction, step, initial_h)
    return [rows if output_sequence else h[None], h]


def lstm_one(x, h, c, w, u, bias, peephole, direction, f, cell, g, clip):
    peeps = [0, 0, 0] if peephole is None else np.split(peephole, 3)

    def step(v, h, c):
        i, forget, o, z = np.split(v @ w.T + h @ u.T + (0 if bias is None else bias), 4, -1)
        z = cell(z)
        if clip is not None:
            z = np.clip(z, -clip, clip)
        new = f(forget + peeps[1] * c) * c + f(i + peeps[0] * c) * z
        return f(o + peeps[2] * new) * g(new), new

    return steps(x, direction, step, h, c)


@op("lstm")
def lstm(opset, x, initial_h, initial_c, weight_ih, weight_hh, bias=None, peephole=None,
         weight_ih_back=None, weight_hh_back=None, bias_back=None, peephole_back=None,
         direction="forward", output_sequence=False, recurrent_activation="sigmoid",
         cell_activation="tanh", activation="tanh", clip=None):
    how = [ACTIVATIONS[a] for a in (recurrent_activation, cell_activation, activation)] + \
        [clip]
    if direction != "bidirectional":
        rows, (h, c) = lstm_one(x, initial_h, initial_c, weight_ih, weight_hh, bias, peephole,
                                direction, *how)
        return [rows if output_sequence else h[None], h, c]
    n = weight_hh.shape[1]
    there, (h, c) = lstm_one(x, initial_h[:, :n], initial_c[:, :n], weight_ih, weight_hh, bias,
                             peephole, "forward", *how)
    back, (hb, cb) = lstm_one(x, initial_h[:, n:], initial_c[:, n:], weight_ih_back,
                              weight_hh_back, bias_back, peephole_back, "reverse", *how)
    h, c = np.concatenate([h, hb], -1), np.concatenate([c, cb], -1)
    return [np.concatenate([there, back[::-1]], -1) if output_sequence else h[None], h, c]


# Weights in fewer bits.

def along(vector, x, axis):
    if np.ndim(vector) == 0:
        return vector
    return np.reshape(vector, [-1 if i == int(axis) % x.ndim else 1 for i in range(x.ndim)])


@op("quantize")
def quantize(opset, input, scale, output_dtype, zero_point=0, axis=0):
    y = np.round(input / along(scale, input, axis)) + along(zero_point, input, axis)
    limits = np.iinfo(output_dtype)
    return np.clip(y, limits.min, limits.max)


@op("dequantize")
def dequantize(opset, input, scale, zero_point=0, axis=0):
    return along(scale, input, axis) * (input - along(zero_point, input, axis))


@op("constexpr_affine_dequantize")
def constexpr_affine_dequantize(opset, quantized_data, zero_point, scale, axis):
    return dequantize(opset, quantized_data, scale, zero_point, axis)


@op("constexpr_cast")
def constexpr_cast(opset, source_val, output_dtype):
    return source_val


def unpacked(data, bits, count):
    """Numbers of some bits out of bytes, the lowest bits first."""
    return np.unpackbits(data.astype(np.uint8), bitorder="little")[:bits * count] \
        .reshape(count, bits) @ (1 << np.arange(bits))


@op("constexpr_lut_to_dense")
def constexpr_lut_to_dense(opset, indices, lut, shape=None, vector_axis=None):
    if shape is not None:
        at = unpacked(indices, int(np.log2(lut.size)), int(np.prod(shape)))
        return lut[at].reshape([int(d) for d in shape])
    rank = indices.ndim
    for axis in range(rank):
        lut = np.repeat(lut, indices.shape[axis] // lut.shape[axis], axis)
    at = indices[..., None, None]
    picked = np.take_along_axis(lut, np.broadcast_to(at, at.shape[:-1] + lut.shape[-1:]),
                                rank)[..., 0, :]
    if lut.shape[-1] == 1:
        return picked[..., 0]
    axis = int(vector_axis) % rank
    moved = np.moveaxis(picked, -1, axis + 1)
    return moved.reshape(moved.shape[:axis] + (-1,) + moved.shape[axis + 2:])


@op("constexpr_sparse_to_dense")
def constexpr_sparse_to_dense(opset, nonzero_data, mask, shape=None):
    if shape is not None:
        mask = unpacked(mask, 1, int(np.prod(shape))).reshape([int(d) for d in shape])
    y = np.zeros(mask.shape, nonzero_data.dtype)
    y[mask != 0] = nonzero_data
    return y


@op("constexpr_blockwise_shift_scale")
def constexpr_blockwise_shift_scale(opset, data, scale, offset=None):
    for axis in range(data.ndim):
        times = data.shape[axis] // scale.shape[axis]
        scale = np.repeat(scale, times, axis)
        offset = None if offset is None else np.repeat(offset, times, axis)
    return scale * (data if offset is None else data - offset)


@op("constexpr_lut_to_sparse")
def constexpr_lut_to_sparse(opset, indices_mask, indices_nonzero_data, lut, vector_axis=None):
    indices = constexpr_sparse_to_dense(opset, indices_nonzero_data, indices_mask)
    dense = constexpr_lut_to_dense(opset, indices, lut, None, vector_axis)
    mask = indices_mask
    if lut.shape[-1] > 1:
        mask = np.repeat(mask, lut.shape[-1], int(vector_axis))
    return [mask, dense[mask != 0]]


@op("constexpr_sparse_blockwise_shift_scale")
def constexpr_sparse_blockwise_shift_scale(opset, data_mask, nonzero_data, scale, offset=None):
    data = constexpr_sparse_to_dense(opset, nonzero_data, data_mask)
    dense = constexpr_blockwise_shift_scale(opset, data, scale, offset)
    return [data_mask, dense[data_mask != 0]]
