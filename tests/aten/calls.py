"""Calls that no model of the lists in tests/torchscript makes: record(recorder) makes them."""
import math

import torch

G = torch.Generator().manual_seed(31)


def F(*shape):
    return (torch.randn(shape, generator=G) * 512).round() / 512


def P(*shape):
    return ((torch.rand(shape, generator=G) + 0.125) * 512).round() / 512


def I(*shape, low=0, high=5):
    return torch.randint(low, high, shape, generator=G)


EDGES = torch.tensor([0.0, -0.0, 1.0, -1.0, 2.5, -2.5, 0.5, math.inf, -math.inf, math.nan])


def record(recorder):
    call = recorder.by_name
    for part in (elementwise, facts, texts, lists, shapes, windows, statistics, recurrent,
                 products, edges, forms, masks, picked, bits, python, copies, measures, further,
                 matrices, gradients):
        part(call)


def elementwise(call):
    for name in "frac exp2 special_exp2 special_round".split():
        for x in (EDGES, F(2, 3), F(0)):
            call("aten::" + name, x)
    for name in ("dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout"):
        call("aten::" + name, F(2, 3), 0.5, False)
        call("aten::" + name + "_", F(2, 3), 0.5, False)
    for dtype in (torch.float64, torch.int64, torch.bool, torch.float16, None):
        call("aten::_to_copy", EDGES[:7], dtype)
    call("aten::_cast_Float", I(4))
    call("aten::_cast_Long", F(4))
    call("aten::_autocast_to_full_precision", F(4), False, False)
    call("aten::_autocast_to_reduced_precision", F(4), False, False, torch.float16,
         torch.bfloat16)
    for x in (I(2, 3), F(2, 3), F(2, 3) > 0):
        call("aten::__iand__.Tensor", x, x)
        call("aten::__ixor__.Scalar", x, 3)


def facts(call):
    x = F(2, 3)
    for name in ("prim::is_cpu", "prim::is_cuda", "prim::requires_grad", "prim::is_sparse",
                 "prim::is_leaf", "aten::is_floating_point", "aten::is_complex",
                 "aten::is_contiguous", "aten::dim", "aten::numel", "prim::dtype",
                 "prim::device", "aten::is_nonzero", "aten::get_device"):
        call(name, F(1) if name.endswith("nonzero") else x)
    call("aten::is_nonzero", torch.tensor(0))
    for a, b in ((12, 18), (0, 5), (7, 0), (-4, 6)):
        call("aten::gcd.int", a, b)
    for other in (x, x + 1e-7, x + 1, EDGES[:1]):
        call("aten::equal", x, other)
        if other.dim() == 2:
            call("aten::allclose", x, other, 1e-5, 1e-8, False)
    call("aten::allclose", EDGES, EDGES, 1e-5, 1e-8, True)
    call("aten::requires_grad_", x, True)
    call("aten::is_contiguous.memory_format", x, torch.contiguous_format)
    for name in ("is_autocast_enabled", "is_autocast_cpu_enabled", "is_scripting",
                 "has_torch_function"):
        call("aten::" + name)
    with torch.enable_grad():  # as by default
        call("aten::is_grad_enabled")
    call("aten::has_torch_function", [x])
    call("prim::NumToTensor.Scalar", 3)
    call("prim::NumToTensor.Scalar", 2.5)
    call("prim::NumToTensor.bool", True)
    call("aten::FloatImplicit", torch.tensor(2.5))
    call("aten::IntImplicit", torch.tensor(3))
    call("aten::ScalarImplicit", torch.tensor(3))
    for lo, hi, step in ((0, 7, 2), (7, 0, -3), (0, 0, 1), (3, 1, 1)):
        call("aten::__range_length", lo, hi, step)
        call("aten::__irange_length", lo, hi, step)
    call("aten::__derive_index", 3, 1, 2)
    call("aten::__iderive_index", 3, 1, 2)


def texts(call):
    call("aten::lower", "AbC")
    call("aten::upper", "AbC")
    for word in ("bc", "x", ""):
        call("aten::endswith", "abc", word, 0, -1)
        call("aten::startswith", "abc", word, 0, -1)
        call("aten::find", "abcbc", word, 0, -1)
        if word:  # PyTorch counts for ever
            call("aten::count", "abcbc", word, 0, -1)
    call("aten::join", ", ", ["a", "b"])
    call("aten::join", "", [])
    call("aten::replace", "abcb", "b", "xx", -1)
    call("aten::split.str", "a,b,c", ",", -1)
    call("aten::strip", "  a ", " \n\t\f\v")
    call("aten::format", "{} and {}", 1, "b")
    call("aten::format", "{}", 2.5)
    call("aten::percentFormat", "%d of %s", 1, "b")
    call("aten::ord", "a")
    call("aten::chr", 97)
    call("aten::hex", 255)
    call("aten::oct", 8)
    call("aten::bin", 5)
    call("aten::warn", "careful", 2)
    for name in ("lt", "le", "gt", "ge", "eq", "ne"):
        call("aten::%s.str" % name, "a", "b")


def lists(call):
    for x in ([3, 1, 2], [], [1]):
        call("aten::extend.t", list(x), [7, 8])
        call("aten::append.t", list(x), 7)
        call("aten::clear.t", list(x))
        call("aten::reverse.t", list(x))
        call("aten::copy.t", list(x))
        call("aten::len.t", list(x))
        call("aten::mul.left_t", list(x), 2)
        call("aten::add.t", list(x), [4])
        call("aten::slice.t", list(x), None, None, 1)
        call("aten::slice.t", list(x), -2, 9, 2)
        call("aten::insert.t", list(x), 1, 9)
        call("aten::insert.t", list(x), -9, 9)
        call("aten::sort.int", list(x), False)
        call("aten::count.int", list(x), 1)
        call("aten::list.t", list(x))
    x = [3, 1, 2, 1]
    for i in (0, -1, 2):
        call("aten::Delete.t", list(x), i)
        call("aten::pop.t", list(x), i)
        call("aten::_set_item.t", list(x), i, 9)
        call("aten::__getitem__.t", list(x), i)
    call("aten::remove.int", list(x), 1)
    call("aten::index.list_int", list(x), 2)
    for name in ("max", "min", "sum"):
        call("aten::%s.int" % name if name == "sum" else "prim::%s.self_int" % name, list(x))
    d = {"a": 1, "b": 2}
    for name in ("keys", "values", "items", "dict", "copy", "clear"):
        call("aten::%s.%s" % (name, "Dict_str" if name in ("copy", "dict") else "str"), dict(d))
    call("aten::len.Dict_str", dict(d))
    for key in ("a", "z"):
        call("aten::get.str", dict(d), key)
        call("aten::get.default_str", dict(d), key, 7)
        call("aten::__contains__.str", dict(d), key)
        call("aten::setdefault.str", dict(d), key, 7)
        call("aten::_set_item.str", dict(d), key, 7)
    call("aten::pop.Dict_str", dict(d), "a")
    call("aten::pop.Dict_default_str", dict(d), "z", 5)
    call("aten::Delete.Dict_str", dict(d), "a")
    call("aten::update.str", dict(d), {"b": 3, "c": 4})
    call("aten::__getitem__.Dict_str", dict(d), "b")
    call("aten::values.int", {1: F(2), 2: F(2)})
    call("aten::__getitem__.Dict_int", {1: F(2), 2: F(2)}, 2)
    call("aten::eq.int_list", [1, 2], [1, 2])
    call("aten::ne.int_list", [1, 2], [1, 3])
    call("aten::any.int", [0, 2])
    call("aten::all.int", [0, 2])
    for v in ([True, True], [False, True], []):
        call("aten::all.bool", v)
        call("aten::any.bool", v)


def shapes(call):
    call("aten::_reshape_alias", F(2, 6), [3, 4], [4, 1])
    call("aten::numpy_T", F(2, 3))
    call("aten::numpy_T", F(2, 3, 4))
    call("aten::broadcast_to", F(3, 1), [2, 3, 4])
    call("aten::_infer_size", [3, 1], [2, 3, 4])
    for d in (1, 2, 3):
        for x in (F(), F(2), F(2, 3), F(2, 3, 4)):
            call("aten::atleast_%dd" % d, x)
        call("aten::atleast_%dd.Sequence" % d, [F(), F(2)])
    call("aten::constant_pad_nd", F(2, 3), [1, 2, 0, 1], 2.5)
    call("aten::constant_pad_nd", F(2, 3), [-1, 0], 0)
    for kind in ("reflection", "replication"):
        for x in (F(2, 5), F(2, 3, 5)):
            call("aten::%s_pad1d" % kind, x, [2, 1])
        for x in (F(2, 4, 5), F(2, 3, 4, 5)):
            call("aten::%s_pad2d" % kind, x, [2, 1, 1, 2])
        call("aten::%s_pad3d" % kind, F(1, 2, 3, 4, 5), [2, 1, 1, 2, 1, 1])
    call("aten::flipud", F(2, 3))
    call("aten::fliplr", F(2, 3))
    call("aten::empty.memory_format", [2, 3])
    call("aten::as_tensor.float", 2.5)
    call("aten::as_tensor.int", 2)
    call("aten::as_tensor.bool", True)
    call("aten::as_tensor.list", [1, 2, 3])
    call("aten::as_tensor", F(2, 3), torch.float64)
    call("aten::tensor", [1.5, 2.0], torch.float64)
    call("aten::tensor", [[1, 2], [3, 4]])
    call("aten::tensor.bool", True)


def windows(call):
    x2, x3 = F(1, 2, 5, 6), F(1, 2, 3, 4, 4)
    call("aten::conv3d", x3, F(3, 2, 2, 2, 2), F(3), [1, 2, 1], [1, 0, 1])
    call("aten::convolution", F(1, 2, 6), F(3, 2, 3), F(3), [2], [1], [1], False, [0], 1)
    call("aten::convolution", x2, F(2, 1, 3, 3), None, [1, 2], [1, 0], [1, 1], False, [0, 0],
         2)
    call("aten::convolution", x2, F(2, 3, 2, 2), F(3), [2, 2], [1, 0], [1, 1], True, [1, 0], 1)
    call("aten::conv_transpose2d.input", F(1, 2, 3, 3), F(2, 2, 2, 2), F(2), [2, 2], [0, 1])
    call("aten::conv_transpose3d.input", F(1, 1, 2, 3, 2), F(1, 2, 2, 2, 2), F(2), [2, 1, 2])
    call("aten::max_pool3d", x3, [2, 2, 2])
    call("aten::max_pool1d_with_indices", F(1, 2, 7), 3, 2, 1)
    call("aten::max_pool2d_with_indices", x2, 2)
    call("aten::max_pool2d_with_indices", x2, [3, 2], [1, 2], [1, 0], [1, 2], True)
    call("aten::max_pool3d_with_indices", x3, 2)
    call("aten::adaptive_avg_pool3d", x3, [2, 2, 3])
    call("aten::adaptive_max_pool3d", x3, [1, 2, 2])


def statistics(call):
    x = F(3, 4)
    for name in ("std_mean", "var_mean"):
        call("aten::" + name, x)
        call("aten::%s.dim" % name, x, [0], False, True)
        call("aten::%s.correction" % name, x, [1], correction=2)
    for name in ("_softmax", "_log_softmax"):
        call("aten::" + name, x, 1, False)
        call("aten::" + name, x, -2, False)
    call("aten::frobenius_norm.dim", x, [0, 1])
    call("aten::frobenius_norm.dim", x, [1], True)
    call("aten::nll_loss_forward", F(4, 5), I(4), None, 1, -100)
    call("aten::nll_loss_forward", F(4, 5), I(4), P(5), 2, 3)
    call("aten::nll_loss2d_forward", F(2, 5, 2, 2), I(2, 2, 2), None, 1, -100)
    call("aten::rms_norm", x, [4], F(4), 1e-5)
    call("aten::rms_norm", x, [3, 4])
    call("aten::_native_batch_norm_legit_no_training", F(2, 3, 4), F(3), F(3), F(3), P(3), 0.1,
         1e-5)
    call("aten::_weight_norm", F(3, 4), P(3, 1), 0)
    call("aten::_index_put_impl_", F(4, 3), [I(2, high=4)], F(2, 3))
    call("aten::_embedding_bag", F(5, 3), I(6), torch.tensor([0, 2, 5]))


def gates(n, inputs, hidden):
    return [F(n * hidden, inputs), F(n * hidden, hidden), F(n * hidden), F(n * hidden)]


def recurrent(call):
    for name, n in (("rnn_tanh", 1), ("rnn_relu", 1), ("gru", 3)):
        weights = gates(n, 2, 3)
        call("aten::%s.input" % name, F(4, 2, 2), F(1, 2, 3), weights, True, 1, 0.0, False,
             False, False)
        call("aten::%s.input" % name, F(2, 4, 2), F(4, 2, 3),
             weights + gates(n, 2, 3) + gates(n, 6, 3) + gates(n, 6, 3), True, 2, 0.0, False,
             True, True)
        call("aten::%s_cell" % name, F(2, 2), F(2, 3), *weights)
        call("aten::%s_cell" % name, F(2, 2), F(2, 3), *weights[:2])
    weights = gates(4, 2, 3)
    call("aten::lstm.input", F(4, 2, 2), [F(1, 2, 3), F(1, 2, 3)], weights, True, 1, 0.0,
         False, False, False)
    call("aten::lstm.input", F(2, 4, 2), [F(2, 2, 3), F(2, 2, 3)],
         weights[:2] + gates(4, 2, 3)[:2], False, 1, 0.0, False, True, True)
    call("aten::lstm_cell", F(2, 2), [F(2, 3), F(2, 3)], *weights)


def products(call):
    call("aten::mv", F(3, 4), F(4))
    call("aten::addmv", F(3), F(3, 4), F(4), beta=0.5, alpha=2)
    q = F(1, 2, 4, 3)
    efficient = "aten::_scaled_dot_product_efficient_attention"
    call(efficient, q, q, q, None, False)
    call(efficient, q, 2 * q, -q, q[0, 0] @ q[0, 1].T, False)
    call(efficient, q, 2 * q, -q, None, True, 0.0, True, scale=0.5)
    x, n = F(2, 3, 4), 4
    call("aten::_native_multi_head_attention", x, x, x, n, 2, F(12, 4), F(12), F(4, 4), F(4))
    call("aten::_transformer_encoder_layer_fwd", x, n, 2, F(12, 4), F(12), F(4, 4), F(4),
         False, True, 1e-5, P(4), F(4), P(4), F(4), F(6, 4), F(6), F(4, 6), F(4))


def edges(call):
    """No elements, no axes, axes from the end, other dtypes."""
    for x in (torch.arange(4.0) - 2, torch.arange(3), torch.tensor(0.5)):
        call("aten::positive", x)  # and the others that do nothing
    for name in ("sum", "mean", "prod", "amax", "logsumexp", "argmax", "any", "all", "std"):
        for x in (F(2, 0), F(), F(2, 3)):
            call("aten::" + name, x)
            call("aten::%s.dim_int" % name, x, -1)
            call("aten::%s.dim" % name, x, -1)
            call("aten::%s.dim_IntList" % name, x, [-1], True)
            call("aten::" + name, x, [-1])
    for name in ("cumsum", "cumprod", "sort", "softmax.int", "log_softmax.int", "unbind.int"):
        for x in (F(0, 3), F(), F(2, 3)):
            call("aten::" + name, x, -1)
    for dtype in (torch.uint8, torch.int8, torch.int16, torch.int32, torch.float16,
                  torch.bfloat16, torch.float64, torch.bool):
        x, y = I(2, 3).to(dtype), I(3, low=1).to(dtype)
        for name in "add.Tensor sub.Tensor mul.Tensor div.Tensor remainder.Tensor " \
                    "pow.Tensor_Tensor eq.Tensor lt.Tensor maximum minimum".split():
            call("aten::" + name, x, y)
        for name in "sum prod neg abs sign relu square sqrt exp any cumsum".split():
            call("aten::" + name, *((x, 0) if name == "cumsum" else (x,)))
        call("aten::matmul", x, x.t())
        call("aten::where.self", x > 1, x, y)
        call("aten::add.Scalar", x, 2.5)
        call("aten::mul.Scalar", x, 2)


def forms(call):
    """What torch.export makes of operators when it decomposes them."""
    x = F(2, 3, 4, 4)
    for name in ("_unsafe_index.Tensor", "index.Tensor"):
        call("aten::" + name, x, [None, I(2, 1, high=3), I(5, high=4)])
    for name in ("_unsafe_index_put", "index_put"):
        call("aten::" + name, F(4, 3), [I(2, high=4)], F(2, 3), True)
    call("aten::empty_permuted", [0, 3], [1, 0], dtype=torch.float32)
    call("aten::native_channel_shuffle", x[:, :2], 2)
    call("aten::_cdist_forward", F(2, 3, 4), F(2, 5, 4), 2.0, None)
    call("aten::_cdist_forward", F(3, 4), F(5, 4), 1.0, 2)
    call("aten::_trilinear", F(3, 4), F(5, 4, 2), F(3, 2), [1, 3], [0], [1, 2], [2, 3])
    call("aten::_trilinear", F(3, 4), F(3, 4), F(3), [], [], [1], [0])
    call("aten::max_unpool2d", F(2, 3, 2, 2), torch.arange(4).reshape(2, 2).mul(3).expand(
        2, 3, 2, 2), [4, 5])
    call("aten::max_unpool2d", F(3, 1, 2), torch.tensor([[[1, 3]]]).expand(3, 1, 2), [2, 2])
    call("aten::max_unpool3d", F(2, 1, 1, 2), torch.tensor([[[[7, 2]]]]).expand(2, 1, 1, 2),
         [2, 2, 2], [2, 2, 2], [0, 0, 0])
    call("aten::_native_batch_norm_legit.no_stats", F(2, 3, 4), F(3), F(3), True, 0.1, 1e-5)
    call("aten::_native_batch_norm_legit", F(2, 3, 4), None, None, F(3), P(3), False, 0.1, 1e-5)
    call("aten::_batch_norm_no_update", F(2, 3, 4), F(3), None, F(3), P(3), 0.1, 1e-5)
    call("aten::_fused_rms_norm", F(3, 4), [4], F(4), 1e-5)
    call("aten::_fused_rms_norm", F(3, 4), [3, 4], None, None)
    call("aten::_weight_norm_interface", F(3, 4), P(3, 1), 0)
    call("aten::rrelu_with_noise", F(3, 4), P(3, 4), 0.25, 0.5, False)
    call("aten::rrelu_with_noise_functional", F(3, 4), P(3, 4), 0.25, 0.5, False)


def masks(call):
    """Of attention: where they are not 0, they hide."""
    x, n = F(2, 3, 4), 4
    call("aten::_nested_tensor_from_mask_left_aligned", x,
         torch.tensor([[True, False, False], [False, True, False]]))
    forms = ((torch.tensor([[0., 0, -math.inf], [0, -math.inf, -math.inf]]), 1),
             (torch.tensor([[0., 0.5, -math.inf]]).expand(3, 3), 0), (I(2, 2, 3, 3, high=2), 2))
    for mask, kind in forms:
        call("aten::_native_multi_head_attention", x, x, x, n, 2, F(12, 4), F(12), F(4, 4),
             F(4), mask, kind != 0, kind == 1, kind)


def picked(call):
    """Written where a mask says, of static shapes."""
    x, m = F(2, 3, 4), torch.tensor([[True, False, True], [False, False, True]])
    for values in (F(), F(4), F(3, 4), F(1, 4)):
        call("aten::index_put", x, [m], values)
        call("aten::index_put_", x, [m], values, True)
    call("aten::index_put", x, [None, m.t()[:, :1].expand(3, 4)], F())
    call("aten::index_put", x, [None, torch.ones(3, 4, dtype=torch.bool)], F(2, 1))
    call("aten::index_put", x, [m.to(torch.uint8)], F())


def bits(call):
    for dtype in (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8):
        low, high = torch.iinfo(dtype).min, torch.iinfo(dtype).max
        x, y = I(5, low=low, high=high).to(dtype), I(3, 1, low=low, high=high).to(dtype)
        for name in ("and", "or", "xor"):
            call("aten::bitwise_%s.Tensor" % name, x, y)
            for mask in (15, 85, high):
                call("aten::bitwise_%s.Scalar" % name, x, mask)
        call("aten::bitwise_not", x)
    call("aten::__lshift__.int", 3, 4)
    call("aten::__rshift__.int", -33, 4)
    for x, y in ((7, 2), (-7, 2), (7, -2)):
        call("aten::divmod.int", x, y)
    call("aten::divmod.float", 7.5, 2.0)
    call("aten::divmod.int_float", 7, 2.5)
    call("aten::divmod.float_int", -7.5, 2)


def python(call):
    """Dicts, lists and texts."""
    d = {"a": 1, "b": 2}
    for key in ("a", "c"):
        call("aten::pop.Dict_default_str", dict(d), key, 7)
        call("aten::setdefault.str", dict(d), key, 7)
    call("aten::pop.Dict_str", dict(d), "b")
    call("aten::popitem.str", dict(d))
    call("aten::update.str", dict(d), {"b": 5, "c": 6})
    call("aten::clear.str", dict(d))
    call("aten::Delete.Dict_str", dict(d), "a")
    call("aten::remove.int", [3, 1, 2, 1], 1)
    call("aten::remove.str", ["a", "b"], "b")
    call("aten::index.list_int", [3, 1, 2, 1], 1)
    call("aten::index.list_str", ["a", "b"], "b")
    for text, by in (("a.b.c", "."), ("..", "."), ("", "."), ("abc", "bc")):
        for most in (-1, 0, 1):
            call("aten::split.str", text, by, most)
        call("aten::replace", text, by, "-+")
    call("aten::split.str", " a  b ", None)
    for name in ("strip", "lstrip", "rstrip"):
        call("aten::" + name, " a b ")
        call("aten::" + name, "xxaxx", "x")
    for name in ("isdigit", "isalpha", "isalnum"):
        for text in ("", "12", "ab", "a1", "a-1"):
            call("aten::" + name, text)


def copies(call):
    """Twins of views."""
    x = F(2, 3, 4)
    for name in ("alias", "detach", "lift_fresh"):
        call("aten::%s_copy" % name, x)
    call("aten::as_strided_copy", x, [3, 2], [4, 12], 1)
    call("aten::_reshape_alias_copy", x, [6, 4], [4, 1])
    call("aten::diagonal_copy", x, 1, 1, 2)
    call("aten::expand_copy", F(3, 1), [2, 3, 4])
    call("aten::narrow_copy", x, 1, 1, 2)
    call("aten::permute_copy", x, [2, 0, 1])
    call("aten::select_copy.int", x, 1, -1)
    call("aten::slice_copy.Tensor", x, 2, 1, 4, 2)
    call("aten::split_copy.Tensor", x, 2, 1)
    call("aten::split_with_sizes_copy", x, [1, 3], 2)
    call("aten::squeeze_copy", F(1, 3, 1))
    call("aten::squeeze_copy.dim", F(1, 3, 1), 0)
    call("aten::squeeze.dims", F(1, 3, 1), [])
    call("aten::t_copy", F(2, 3))
    call("aten::transpose_copy.int", x, 0, 2)
    call("aten::unbind_copy.int", x, 1)
    call("aten::unfold_copy", x, 2, 2, 1)
    call("aten::unsqueeze_copy", x, 1)
    call("aten::view_copy", x, [6, -1])


def measures(call):
    """Statistics, integrals, all results of norms and pools."""
    x = F(3, 6)
    holes = torch.where(F(3, 6) > 1, torch.tensor(math.nan), F(3, 6))
    for name in ("quantile", "nanquantile"):
        for how in ("linear", "lower", "higher", "midpoint", "nearest"):
            call("aten::%s.scalar" % name, holes, 0.3, 1, True, interpolation=how)
            call("aten::" + name, holes, torch.tensor([0.25, 1.0]), 0, interpolation=how)
    for dim in (0, 1):
        call("aten::mode", I(4, 7, high=3), dim, dim == 1)
    for name in ("cov", "corrcoef"):
        call("aten::" + name, x)
        call("aten::" + name, x[0])
    call("aten::cov", x, correction=0, fweights=I(6, low=1, high=4), aweights=P(6))
    for name in ("trapezoid", "trapz", "cumulative_trapezoid"):
        for form in (".dx", ".x"):
            call("aten::" + name + form, x, *((x + 1,) if form == ".x" else (0.5,)))
    for order in (1, 2):
        call("aten::gradient.scalarint", x, 0.5, 1, edge_order=order)
        call("aten::gradient.array", x, dim=[0, 1], edge_order=order)
    call("aten::nextafter", EDGES[:, None], EDGES)
    call("aten::logspace", -1, 2, 7, 10.0)
    call("aten::_safe_softmax", torch.tensor([[0.0, 1], [-math.inf, -math.inf]]), 1)
    call("aten::_chunk_cat", [F(3, 4), F(2, 4)], 0, 2)
    for name in ("max.dim", "min.dim", "median.dim"):
        call("aten::" + name, F(), 0)
    call("aten::index_add", F(), 0, torch.tensor(0), F())
    call("aten::index_fill.int_Scalar", F(), 0, torch.tensor(0), 2.5)
    call("aten::max_pool2d_with_indices", F(2, 5, 6), [3, 2], [2], [1], [1], True)
    call("aten::adaptive_max_pool2d", F(2, 4, 6), [2, 3])
    call("aten::native_layer_norm", F(2, 3, 4), [3, 4], None, None, 1e-5)
    call("aten::native_group_norm", F(2, 4, 5), None, None, 2, 4, 5, 2, 1e-5)
    call("aten::native_batch_norm", F(4, 3, 5), None, None, None, None, True, 0.1, 1e-5)
    call("aten::native_batch_norm", F(4, 3), F(3), F(3), F(3), P(3), False, 0.1, 1e-5)
    call("aten::_fused_rms_norm", F(3, 4), [4], F(4), 1e-5)
    call("aten::tensor_split.tensor_indices_or_sections", F(2, 5), torch.tensor([1, 3]), 1)


def further(call):
    """Backward operators, and what remains of small families."""
    y = F(3, 4).softmax(1)
    call("aten::_softmax_backward_data", F(3, 4), y, 1, torch.float32)
    call("aten::_log_softmax_backward_data", F(3, 4), y.log(), 1, torch.float32)
    for name in ("sigmoid_backward", "tanh_backward"):
        call("aten::" + name, F(3, 4), P(3, 4))
    call("aten::threshold_backward", EDGES, EDGES, 0)
    call("aten::native_dropout_backward", F(3, 4), F(3, 4) > 0, 2.0)
    for name in ("mH", "matrix_H", "adjoint"):
        call("aten::" + name, F(2, 3))
    call("aten::diagflat", F(2, 2), 1)
    call("aten::as_strided_scatter", F(3, 4), F(2, 3), [2, 3], [4, 1], 1)
    for name in ("fft_fftshift", "fft_ifftshift"):
        call("aten::" + name, F(3, 4))
        call("aten::" + name, F(3, 5), [1])
    for name in ("isreal", "angle", "conj_physical"):
        call("aten::" + name, EDGES)
    call("aten::frexp.Tensor", torch.cat([EDGES, torch.tensor([8.0, 0.125, 3e-42, 2**-126])]))
    call("aten::frexp.Tensor", torch.ldexp(F(40), I(40, low=-120, high=120)))
    call("aten::sum_to_size", F(2, 3, 4), [3, 1])
    call("aten::linalg_vecdot", F(2, 3), F(3))
    for r in (1, 2, 3):
        for again in (False, True):
            call("aten::combinations", F(4), r, again)
    for reduce in ("prod", "mean", "amax"):
        call("aten::index_reduce", F(), 0, torch.tensor(0), F(), reduce)
    call("aten::native_dropout", F(2, 3), 0.5, False)
    call("aten::_adaptive_avg_pool2d", F(2, 4, 5), [2, 3])
    call("aten::_adaptive_avg_pool3d", F(2, 4, 5, 2), [2, 3, 2])
    call("aten::_pdist_forward", F(4, 3), 2.0)
    call("aten::linalg_diagonal", F(2, 3, 4), offset=1)
    call("aten::_scaled_dot_product_attention", F(2, 3, 4), F(2, 5, 4), F(2, 5, 4))
    call("aten::adaptive_max_pool2d", F(2, 5, 7), [2, 3])
    call("aten::adaptive_max_pool3d", F(2, 5, 7, 3), [2, 3, 2])
    at = torch.tensor([[[3, 0, 19], [7, 7, 2]]] * 2)
    call("aten::max_pool2d_with_indices_backward", F(2, 2, 3), F(2, 4, 5), [2], [2], [0], [1],
         False, at)
    call("aten::adaptive_max_pool2d_backward", F(2, 2, 3), F(2, 4, 5), at)
    call("aten::max_pool3d_with_indices_backward", F(2, 1, 2, 3), F(2, 2, 4, 5), [2], [2], [0],
         [1], False, at[:, None])
    call("aten::adaptive_max_pool3d_backward", F(2, 1, 2, 3), F(2, 2, 4, 5), at[:, None])
    call("aten::narrow.Tensor", F(2, 6), 1, torch.tensor(-4), 3)
    at, mask = torch.tensor([[0, 9], [-3, 2]]), torch.tensor([[1, 0], [1, 1]]) > 0
    call("aten::_unsafe_masked_index", F(3, 4), mask, [at, None], 2.5)
    call("aten::_unsafe_masked_index_put_accumulate", F(3, 4), mask, [at, at], F(2, 2))
    call("aten::_batch_norm_with_update", F(4, 3, 5), F(3), F(3), F(3), P(3), 0.1, 1e-5)
    call("aten::index_select", F(), 0, torch.tensor([0]))
    call("aten::unfold", F(), 0, 1, 1)
    call("aten::unfold", F(2, 3), 1, 0, 1)
    call("aten::_native_batch_norm_legit", F(4, 3, 5), F(3), F(3), F(3), P(3), True, 0.1, 1e-5)
    call("aten::dot", F(4), F(4))
    call("aten::empty_strided", [2, 3], [3, 1])
    call("aten::new_empty_strided", F(2), [2, 3], [3, 1])


def matrices(call):
    """Factorisations that others are made of."""
    x = F(3, 3) + 4 * torch.eye(3)
    call("aten::_linalg_solve_ex", x, F(3, 2))
    call("aten::_linalg_solve_ex", x, F(2, 3), left=False)
    call("aten::_linalg_svd", F(4, 3))
    call("aten::_linalg_svd", F(3, 4), compute_uv=False)
    call("aten::svd", F(2, 3, 4), compute_uv=False)
    call("aten::_linalg_eigh", x, "U")
    call("aten::_linalg_eigh", x, compute_v=False)
    call("aten::symeig", x)
    call("aten::_ctc_loss", F(5, 2, 4).log_softmax(2), torch.tensor([[1, 1], [2, 3]]), [5, 4],
         [2, 1])
    call("aten::_pack_sequence", F(3, 2), torch.tensor([2, 1]), None, None)
    call("aten::nonzero_static", F(3, 4) > 0, size=5)
    call("aten::_linalg_check_errors", torch.zeros(2, dtype=torch.int32), "inv", is_matrix=False)


def gradients(call):
    g, x = F(10), torch.tensor([0.0, -0.0, 1.0, -0.75, 2.5, -2.875, 30.0, -30.0, 0.5, -0.25])
    call("aten::leaky_relu_backward", g, x, 0.25, False)
    for is_result in (False, True):
        call("aten::elu_backward", g, 0.75, 1.25, 0.875, is_result, x)
    call("aten::gelu_backward", g, x)
    call("aten::gelu_backward", g, x, approximate="tanh")
    for name in "silu mish hardswish hardsigmoid".split():
        call("aten::%s_backward" % name, g, x)
    call("aten::softplus_backward", g, x, 2.0, 5.0)
    call("aten::hardtanh_backward", g, x, -0.75, 2.5)
    call("aten::log_sigmoid_backward", g, x, torch.exp(-x.abs()))
    call("aten::hardshrink_backward", g, x, 0.5)
    call("aten::softshrink_backward", g, x, 0.5)
    for reduction in (1, 2):
        call("aten::mse_loss_backward", g, x, F(10), reduction)
    call("aten::slice_backward", F(3, 3), [3, 7], 1, 1, 6, 2)
    call("aten::select_backward", F(3), [3, 7], 1, -2)
    call("aten::diagonal_backward", F(3), [3, 4], 1, 0, 1)
    call("aten::embedding_dense_backward", F(2, 3, 4), I(2, 3), 5, 2, False)
    call("aten::embedding_backward", F(2, 3, 4), I(2, 3), 5, -1, False, False)
    call("aten::_adaptive_avg_pool2d_backward", F(2, 3, 4), F(2, 7, 8))
    call("aten::_adaptive_avg_pool3d_backward", F(1, 2, 3, 2), F(1, 4, 5, 2))
    call("aten::avg_pool2d_backward", F(2, 3, 3), F(2, 4, 5), [3, 2], [2, 2], [1, 1], False, True,
         None)
    call("aten::avg_pool3d_backward", F(1, 2, 2, 3), F(1, 4, 4, 6), [2], [2], [0], False, True,
         None)
    x = F(2, 4, 5)
    y, mean, rstd = torch.native_layer_norm(x, [5], None, None, 1e-5)
    call("aten::native_layer_norm_backward", F(2, 4, 5), x, [5], mean, rstd, F(5), F(5), [True] * 3)
    y, mean, rstd = torch.native_group_norm(x, None, None, 2, 4, 5, 2, 1e-5)
    call("aten::native_group_norm_backward", F(2, 4, 5), x, mean, rstd, F(4), 2, 4, 5, 2,
         [True] * 3)
    call("aten::convolution_backward", F(2, 4, 4), F(2, 6, 8), F(4, 3, 3), [0], [2], [1], [1],
         False, [0], 2, [True] * 3)
