"""Programs of several operators for mil_cases.py: control flow, weights in every form, shapes that
are flexible, state, several functions, classes, lists."""
import os
import shutil

import numpy as np

import coremltools as ct
import mil_interpreter
from coremltools.converters.mil.mil import Function, Program, types
from mil_cases import Case, In, TARGETS, mb
from mil_rows import B, F, I, P, half
from tensors import save

COUNT = {}


def program(operator, inputs, text, opset="iOS15", expect="ok", **o):
    """A decorator: the function builds the outputs of the inputs."""
    def put(build):
        n = COUNT[operator] = COUNT.get(operator, 0) + 1
        Case("%s_program_%d" % (operator, n), operator, build, [In(x) for x in inputs], opset,
             expect, None, text, compared=False, **o)
        return build
    return put


def scalar(*value, dtype=np.int32):
    return np.array(value, dtype)


def first(x):
    """The number of a vector of one."""
    return mb.squeeze(x=x, axes=[0])


def kept(var):
    """What coremltools would take for a constant stays an operator."""
    var._sym_val = None
    return var


# Branches.

for flag in (0, 1):
    @program("cond", [scalar(flag), F(2, 3)], "one value, flag %d" % flag)
    def _(p, x):
        return mb.cond(pred=mb.cast(x=first(p), dtype="bool"),
                       _true_fn=lambda: mb.add(x=x, y=np.float32(1)),
                       _false_fn=lambda: mb.mul(x=mb.exp(x=x), y=np.float32(2)))

    @program("cond", [scalar(flag), F(2, 3), F(3)], "two values and weights, flag %d" % flag,
             "iOS16")
    def _(p, x, y):
        w = F(4, 3)
        return mb.cond(pred=mb.equal(x=first(p), y=np.int32(1)),
                       _true_fn=lambda: (mb.linear(x=x, weight=w, bias=F(4)),
                                         mb.reduce_sum(x=y, axes=[0])),
                       _false_fn=lambda: (mb.matmul(x=x, y=w, transpose_y=True),
                                          mb.reduce_max(x=y, axes=[0])))

for a, b in ((3.0, 1.0), (-1.0, 2.0), (-1.0, -2.0)):
    @program("cond", [scalar(a, dtype=np.float32), scalar(b, dtype=np.float32)],
             "nested, on data %g %g" % (a, b))
    def _(a, b):
        zero = np.float32(0)
        return mb.cond(
            pred=mb.greater(x=first(a), y=zero),
            _true_fn=lambda: mb.add(x=a, y=b),
            _false_fn=lambda: mb.cond(pred=mb.greater(x=first(b), y=zero),
                                      _true_fn=lambda: mb.mul(x=a, y=b),
                                      _false_fn=lambda: mb.sub(x=a, y=b)))


@program("cond", [F(2, 3)], "a branch that passes a value on", "iOS17")
def _(x):
    return mb.cond(pred=mb.less(x=mb.reduce_sum(x=x, axes=[0, 1]), y=np.float32(0)),
                   _true_fn=lambda: mb.identity(x=x), _false_fn=lambda: mb.relu(x=x))


# Loops.

for n in (0, 1, 4):
    @program("while_loop", [scalar(n), F(2, 3)], "as many rounds as an input says: %d" % n)
    def _(n, x):
        i, y = mb.while_loop(
            _cond=lambda i, y: mb.less(x=i, y=first(n)),
            _body=lambda i, y: (mb.add(x=i, y=np.int32(1)), mb.add(x=mb.mul(
                x=y, y=np.float32(0.5)), y=x)),
            loop_vars=(np.int32(0), mb.identity(x=x)))
        return y, i


@program("while_loop", [P(3)], "until the data is small")
def _(x):
    return mb.while_loop(
        _cond=lambda y: mb.greater(x=mb.reduce_max(x=y, axes=[0]), y=np.float32(0.1)),
        _body=lambda y: mb.real_div(x=y, y=np.float32(1.7)), loop_vars=(mb.identity(x=x),))


@program("while_loop", [F(4, 3)], "a known count, a row of x per round, rows written", "iOS16")
def _(x):
    def body(i, h, rows):
        row = mb.gather(x=x, indices=mb.expand_dims(x=i, axes=[0]), axis=0)
        h = mb.tanh(x=mb.add(x=row, y=h))
        return mb.add(x=i, y=np.int32(1)), h, mb.scatter(
            data=rows, indices=mb.expand_dims(x=i, axes=[0]), updates=h, axis=0, mode="update")
    return mb.while_loop(_cond=lambda i, h, rows: mb.less(x=i, y=np.int32(4)), _body=body,
                         loop_vars=(np.int32(0), np.zeros((1, 3), np.float32),
                                    np.zeros((4, 3), np.float32)))[1:]


@program("while_loop", [scalar(3), F(2, 2)], "a loop in a loop, a branch in it")
def _(n, x):
    def inner(i, y):
        return mb.add(x=i, y=np.int32(1)), mb.cond(
            pred=mb.equal(x=mb.mod(x=i, y=np.int32(2)), y=np.int32(0)),
            _true_fn=lambda: mb.add(x=y, y=x), _false_fn=lambda: mb.mul(x=y, y=np.float32(0.5)))

    def outer(j, y):
        return mb.add(x=j, y=np.int32(1)), mb.while_loop(
            _cond=lambda i, z: mb.less(x=i, y=j), _body=inner, loop_vars=(np.int32(0), y))[1]
    return mb.while_loop(_cond=lambda j, y: mb.less(x=j, y=first(n)), _body=outer,
                         loop_vars=(np.int32(0), mb.identity(x=x)))[1]


# Sizes.

ROWS = ct.Shape((ct.RangeDim(1, 12, default=3), 4))
MORE = [[F(1, 4)], [F(7, 4)], [F(12, 4)]]


@program("shape", [F(3, 4)], "of a flexible input", flexible={0: ROWS}, more=MORE)
def _(x):
    return mb.shape(x=x)


@program("shape", [F(3, 4)], "of a fixed input")
def _(x):
    return kept(mb.shape(x=x))


@program("fill", [F(3, 4)], "of a flexible size", "iOS16", flexible={0: ROWS}, more=MORE)
def _(x):
    return mb.add(x=x, y=mb.fill(shape=mb.shape(x=x), value=np.float32(1.5)))


for value in (np.float32(2.5), np.int32(3), True):
    @program("fill", [F(2, 3)], "of a fixed size, %s" % value, "iOS16")
    def _(x):
        y = kept(mb.fill(shape=[2, 3], value=value))
        return mb.add(x=mb.cast(x=y, dtype="fp32"), y=x)


@program("range_1d", [F(3, 4)], "to a flexible size", flexible={0: ROWS}, more=MORE)
def _(x):
    n = mb.gather(x=mb.shape(x=x), indices=np.int32(0), axis=0)
    return mb.range_1d(start=np.int32(0), end=n, step=np.int32(1)), mb.relu(x=x)


for a, b, c in ((0, 5, 1), (1, 8, 3), (5, 0, -2)):
    @program("range_1d", [F(1)], "%d %d %d" % (a, b, c))
    def _(x):
        return mb.mul(x=x, y=kept(mb.range_1d(start=np.float32(a), end=np.float32(b),
                                              step=np.float32(c))))


@program("reshape", [F(3, 4)], "by computed sizes", flexible={0: ROWS}, more=MORE)
def _(x):
    n = mb.slice_by_index(x=mb.shape(x=x), begin=[0], end=[1])
    return mb.reshape(x=x, shape=mb.concat(values=(n, np.array([2, -1], np.int32)), axis=0))


@program("matmul", [F(3, 4)], "rows against rows, flexible", flexible={0: ROWS}, more=MORE)
def _(x):
    return mb.softmax(x=mb.matmul(x=x, y=x, transpose_y=True), axis=-1)


@program("conv", [F(1, 2, 8, 8)], "an enumerated size", "iOS16", flexible={0: ct.EnumeratedShapes(
    [(1, 2, 8, 8), (1, 2, 12, 16), (1, 2, 5, 6)], default=(1, 2, 8, 8))},
    more=[[F(1, 2, 12, 16)], [F(1, 2, 5, 6)]])
def _(x):
    return mb.relu(x=mb.conv(x=x, weight=F(3, 2, 3, 3), pad_type="custom", pad=[1, 1, 1, 1]))


@program("avg_pool", [F(2, 2, 8, 10)], "batch, height and width flexible", "iOS17",
         flexible={0: ct.Shape((ct.RangeDim(1, 4, default=2), 2, ct.RangeDim(4, 32, default=8),
                                ct.RangeDim(4, 32, default=10)))},
         more=[[F(1, 2, 4, 9)], [F(4, 2, 17, 32)]])
def _(x):
    return mb.avg_pool(x=x, kernel_sizes=[2, 2], strides=[2, 2], pad_type="valid")


# Weights in every form.

def const_of(array, opset="iOS15"):
    def build(x):
        w = mb.const(val=array)
        w = w if array.dtype == np.float32 else mb.cast(x=w, dtype="fp32")
        return mb.add(x=x, y=w)
    program("const", [F(*(array.shape or (2,)))], "%s %s" % (array.dtype.name, list(array.shape)),
            opset)(build)


for array in (F(3), F(2, 8), F(), half(F(3)), half(F(20)), I(3), I(40), B(3), B(20)):
    const_of(array)
for dtype in (np.int8, np.uint8, np.int16, np.uint16):
    const_of(I(3, low=0, high=90, dtype=dtype), "iOS17")
    const_of(I(3, 20, low=0, high=90, dtype=dtype), "iOS17")
    const_of(I(3, 20, low=0, high=90, dtype=dtype), "iOS18")
const_of(I(40), "iOS18")
const_of(np.array([np.inf, -np.inf, 1e-45, -0.0, 3e38, 1e-38], np.float32))
const_of(half(np.array([np.inf, 6e-8, -0.0, 65504])))


@program("const", [F(4, 12)], "two constants of one value, and one used twice")
def _(x):
    w = F(12, 12)
    v = mb.const(val=w)
    return mb.matmul(x=mb.matmul(x=x, y=v), y=mb.sub(x=v, y=w.copy()))


def weights(operator, opset, of, **o):
    """The weights are used as such, and by a linear if they are a matrix."""
    text = ", ".join("%s %s" % (k, list(np.shape(v)) or v) for k, v in o.items())

    @program(operator, [F(*of)], text, opset)
    def _(x):
        w = getattr(mb, operator)(**o)
        if isinstance(w, (list, tuple)):  # sparse
            w = mb.constexpr_sparse_to_dense(mask=w[0], nonzero_data=w[1])
        kind = np.dtype(types.nptype_from_builtin(w.dtype))
        return mb.add(x=mb.cast(x=x, dtype="fp16") if kind == np.float16 else x, y=w)


def sub_byte(bits, *shape, signed=False):
    kind = {1: types.np_uint1_dtype, 2: types.np_uint2_dtype, 3: types.np_uint3_dtype,
            4: types.np_int4_dtype if signed else types.np_uint4_dtype,
            6: types.np_uint6_dtype, 8: np.dtype(np.uint8)}[bits]
    low = -(1 << (bits - 1)) if signed else 0
    return I(*shape, low=low, high=low + (1 << bits)).astype(kind)


for dtype, zero, axis in ((np.int8, np.int8(3), 0), (np.uint8, np.uint8(100), 1),
                          (np.int8, I(4, dtype=np.int8), 0),
                          (np.uint8, I(6, low=90, high=120, dtype=np.uint8), 1),
                          (np.uint8, I(4, low=90, high=120, dtype=np.uint8), -2)):
    for kind in (np.float32, np.float16):
        n = np.shape(zero)
        weights("constexpr_affine_dequantize", "iOS16", (4, 6), quantized_data=I(
            4, 6, low=0, high=120, dtype=dtype), zero_point=zero,
            scale=P(*n).astype(kind) if n else kind(0.0625), axis=np.int32(axis))
weights("constexpr_cast", "iOS16", (2, 12), source_val=half(F(2, 12)), output_dtype="fp32")
weights("constexpr_cast", "iOS16", (3,), source_val=half(F(3)), output_dtype="fp32")


def packed(values, bits):
    flat = ((values.reshape(-1, 1) >> np.arange(bits)) & 1).astype(np.uint8).ravel()
    return np.packbits(flat, bitorder="little")


for bits in (1, 2, 4, 6, 8):
    for kind in (np.float32, np.float16):
        weights("constexpr_lut_to_dense", "iOS16", (5, 7), indices=packed(
            I(5, 7, low=0, high=1 << bits), bits), lut=F(1 << bits).astype(kind),
            shape=np.array([5, 7], np.uint32))
for kind in (np.float32, np.float16):
    mask = B(5, 7)
    weights("constexpr_sparse_to_dense", "iOS16", (5, 7), nonzero_data=F(int(mask.sum()))
            .astype(kind), mask=packed(mask.astype(np.int32), 1),
            shape=np.array([5, 7], np.uint32))
for bits in (1, 2, 3, 4, 6, 8):
    weights("constexpr_lut_to_dense", "iOS18", (4, 6), indices=sub_byte(bits, 4, 6),
            lut=F(1, 1, 1 << bits, 1))
    weights("constexpr_lut_to_dense", "iOS18", (4, 6), indices=sub_byte(bits, 4, 6),
            lut=half(F(2, 1, 1 << bits, 1)))
weights("constexpr_lut_to_dense", "iOS18", (4, 12), indices=sub_byte(4, 4, 6),
        lut=F(2, 3, 16, 2), vector_axis=np.int32(1))
weights("constexpr_lut_to_dense", "iOS18", (12, 6), indices=sub_byte(2, 4, 6),
        lut=F(1, 1, 4, 3), vector_axis=np.int32(-2))
mask = B(4, 6)
weights("constexpr_sparse_to_dense", "iOS18", (4, 6), nonzero_data=F(int(mask.sum())),
        mask=mask.astype(types.np_uint1_dtype))
for data in (I(4, 6, dtype=np.int8), sub_byte(4, 4, 6), sub_byte(4, 4, 6, signed=True),
             sub_byte(8, 4, 6)):
    for s in ((4, 1), (1, 1), (2, 3), (4, 6)):
        weights("constexpr_blockwise_shift_scale", "iOS18", (4, 6), data=data, scale=P(*s))
        weights("constexpr_blockwise_shift_scale", "iOS18", (4, 6), data=data,
                scale=half(P(*s)), offset=data[:s[0], :s[1]].copy())
weights("constexpr_blockwise_shift_scale", "iOS18", (4, 6), data=sub_byte(4, 4, 6),
        scale=P(4, 2), offset=F(4, 2))
ones = int(mask.sum())
weights("constexpr_lut_to_sparse", "iOS18", (4, 6), indices_mask=mask.astype(
    types.np_uint1_dtype), indices_nonzero_data=sub_byte(2, ones), lut=F(1, 1, 4, 1))
weights("constexpr_sparse_blockwise_shift_scale", "iOS18", (4, 6), data_mask=mask.astype(
    types.np_uint1_dtype), nonzero_data=I(ones, dtype=np.int8), scale=P(4, 1))
weights("constexpr_sparse_blockwise_shift_scale", "iOS18", (4, 6), data_mask=mask.astype(
    types.np_uint1_dtype), nonzero_data=sub_byte(4, ones), scale=P(2, 1),
    offset=sub_byte(4, 2, 1))


@program("constexpr_affine_dequantize", [F(1, 3, 6, 6)], "weights of a convolution", "iOS16")
def _(x):
    w = mb.constexpr_affine_dequantize(quantized_data=I(4, 3, 3, 3, dtype=np.int8),
                                       zero_point=np.zeros(4, np.int8), scale=P(4),
                                       axis=np.int32(0))
    return mb.conv(x=x, weight=w, bias=F(4))


@program("constexpr_blockwise_shift_scale", [F(2, 32)], "weights of a linear in int4", "iOS18")
def _(x):
    w = mb.constexpr_blockwise_shift_scale(data=sub_byte(4, 16, 32, signed=True),
                                           scale=P(16, 4))
    return mb.linear(x=x, weight=w)


# Names, inputs and outputs.

@program("identity", [F(2, 3), I(2)], "inputs that are outputs")
def _(a, b):
    return a, b, mb.relu(x=a)


@program("relu", [F(2, 3), F(2)], "an input without use")
def _(a, b):
    return mb.relu(x=a)


@program("gelu", [half(F(2, 16))], "a block in f16", "iOS16")
def _(x):
    h = mb.linear(x=x, weight=half(F(16, 16)), bias=half(F(16)))
    h = mb.layer_norm(x=mb.gelu(x=h), axes=[-1], gamma=half(F(16)), beta=half(F(16)),
                      epsilon=np.float16(1e-3))
    return mb.add(x=h, y=x), mb.cast(x=h, dtype="fp32")


@program("cast", [I(2, 3, dtype=np.int8), half(F(2, 3)), F(2, 3), I(2, 3)],
         "inputs of each dtype", "iOS26")
def _(a, b, c, d):
    f = mb.add(x=mb.cast(x=a, dtype="fp32"), y=mb.cast(x=b, dtype="fp32"))
    return mb.add(x=f, y=c), mb.cast(x=d, dtype="int8"), mb.mul(x=d, y=d)


# Lists and classes.

@program("make_list", [F(3)], "written and read")
def _(x):
    ls = mb.make_list(init_length=2, dynamic_length=False, elem_shape=(3,))
    ls = mb.list_write(ls=ls, index=0, value=x)
    return mb.list_read(ls=mb.list_write(ls=ls, index=1, value=x), index=0)


@program("list_gather", [F(2, 3)], "")
def _(x):
    ls = mb.make_list(init_length=2, dynamic_length=False, elem_shape=(3,))
    ls = mb.list_scatter(ls=ls, indices=[0, 1], value=x)
    return mb.list_gather(ls=ls, indices=[1, 0, 1])


@program("list_length", [F(3)], "")
def _(x):
    ls = mb.make_list(init_length=1, dynamic_length=True, elem_shape=(3,))
    return kept(mb.list_length(ls=mb.list_write(ls=ls, index=1, value=x)))


for name in ("list_write", "list_read", "list_scatter"):
    @program(name, [F(3)], "")
    def _(x):
        ls = mb.make_list(init_length=1, dynamic_length=False, elem_shape=(3,))
        ls = mb.list_scatter(ls=ls, indices=[0], value=mb.expand_dims(x=x, axes=[0]))
        return mb.list_read(ls=mb.list_write(ls=ls, index=0, value=x), index=0)


@program("make_list", [scalar(3), F(4)], "written in a loop")
def _(n, x):
    def body(i, ls):
        row = mb.mul(x=x, y=mb.cast(x=i, dtype="fp32"))
        return mb.add(x=i, y=np.int32(1)), mb.list_write(ls=ls, index=i, value=row)
    ls = mb.make_list(init_length=5, dynamic_length=False, elem_shape=(4,))
    ls = mb.list_scatter(ls=ls, indices=np.arange(5, dtype=np.int32), value=F(5, 4))
    ls = mb.while_loop(_cond=lambda i, ls: mb.less(x=i, y=first(n)), _body=body,
                       loop_vars=(np.int32(0), ls))[1]
    return mb.list_gather(ls=ls, indices=np.arange(5, dtype=np.int32)), \
        mb.list_read(ls=ls, index=first(n))


@program("classify", [F(1, 3)], "three names", expect="any",
         classifier_config=ct.ClassifierConfig(["a", "b", "c"]))
def _(x):
    return mb.softmax(x=x, axis=-1)


@program("classify", [F(1, 3)], "three numbers", "iOS16", expect="any",
         classifier_config=ct.ClassifierConfig([4, 5, 6]))
def _(x):
    return mb.softmax(x=x, axis=-1)


# State and several functions: made here whole.

def convert(made, path):
    shutil.rmtree(path, ignore_errors=True)
    ct.convert(made, convert_to="mlprogram", minimum_deployment_target=TARGETS["iOS18"],
               compute_precision=ct.precision.FLOAT32, pass_pipeline=ct.PassPipeline.EMPTY,
               skip_model_load=True).save(path)


def of_state(shape, states, build, opset="iOS18"):
    given = {"in0": mb.placeholder(shape=shape, dtype=types.fp32)}
    given.update({name: mb.state_tensor_placeholder(shape=s, dtype=types.fp16)
                  for name, s in states.items()})
    with Function(given, opset_version=TARGETS[opset]) as f:
        out = build(*[f.inputs[name] for name in given])
        out.set_name("out0")
        f.set_outputs([out])
    made = Program()
    made.add_function("main", f)
    return made


def accumulate(x, total):
    new = mb.add(x=mb.read_state(input=total), y=mb.cast(x=x, dtype="fp16"))
    return mb.cast(x=mb.mul(x=mb.coreml_update_state(state=total, value=new),
                            y=np.float16(2)), dtype="fp32")


def window(x, cache, count):
    """The last rows, and how many calls there were."""
    old = mb.read_state(input=cache)
    tail = mb.slice_by_index(x=old, begin=[1, 0], end=[4, 3])
    rows = mb.coreml_update_state(state=cache, value=mb.concat(
        values=(tail, mb.cast(x=x, dtype="fp16")), axis=0))
    n = mb.coreml_update_state(state=count, value=mb.add(
        x=mb.read_state(input=count), y=np.float16(1)))
    mean = mb.real_div(x=mb.reduce_sum(x=rows, axes=[0], keep_dims=True), y=n)
    return mb.cast(x=mean, dtype="fp32")


def unread(x, last):
    """Reads before it writes, and does not read again."""
    out = mb.add(x=mb.cast(x=mb.read_state(input=last), dtype="fp32"), y=x)
    mb.coreml_update_state(state=last, value=mb.cast(x=x, dtype="fp16"))
    return out


STATES = {"accumulate": ((2, 3), {"total": (2, 3)}, accumulate),
          "window": ((1, 3), {"cache": (4, 3), "count": (1,)}, window),
          "unread": ((2,), {"last": (2,)}, unread)}


def write_state_case(folder, name):
    shape, states, build = STATES[name]
    made, stem = of_state(shape, states, build), os.path.join(folder, "state_" + name)
    held = {n: np.zeros(s, np.float16) for n, s in states.items()}
    for step in range(3):
        inputs = {"in0": F(*shape)}
        save(stem + (".io%d.safetensors" % step if step else ".io.safetensors"),
             {**inputs, **mil_interpreter.run(made, inputs, states=held)})
    convert(made, stem + ".mlpackage")
    return "state_%s read_state iOS18 ok 0.004 called with io, io1, io2; state is zero at first" \
        % name


def write_functions(folder):
    """Two functions with weights in common."""
    stem, w = os.path.join(folder, "functions"), F(12, 12)
    desc = ct.utils.MultiFunctionDescriptor()
    for name, last in (("plain", mb.identity), ("bent", mb.tanh)):
        with Function({"in0": mb.placeholder(shape=(2, 12), dtype=types.fp32)},
                      opset_version=TARGETS["iOS18"]) as f:
            out = last(x=mb.linear(x=f.inputs["in0"], weight=w, bias=F(12)))
            out.set_name("out0")
            f.set_outputs([out])
        made = Program()
        made.add_function("main", f)
        inputs = {"in0": F(2, 12)}
        save("%s.%sio.safetensors" % (stem, "" if name == "plain" else name + "."),
             {**inputs, **mil_interpreter.run(made, inputs)})
        convert(made, "%s.%s.mlpackage" % (stem, name))
        desc.add_function("%s.%s.mlpackage" % (stem, name), "main", name)
    desc.default_function_name = "plain"
    shutil.rmtree(stem + ".mlpackage", ignore_errors=True)
    ct.utils.save_multifunction(desc, stem + ".mlpackage")
    for name in ("plain", "bent"):
        shutil.rmtree("%s.%s.mlpackage" % (stem, name))
    return "functions linear iOS18 ok 1e-05 default plain; bent has functions.bent.io"


def write(folder, pattern):
    import re
    lines = [write_state_case(folder, name) for name in STATES
             if re.search(pattern, "state_" + name)]
    if re.search(pattern, "functions"):
        lines.append(write_functions(folder))
    return lines
