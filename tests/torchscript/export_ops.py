#!/usr/bin/env python3
"""An operator comes back as itself: the ATen calls of an export are those of its source.

    export_ops.py write DIR    modules of one operator each, as cases of test_import.c
    export_ops.py check DIR    what test_import.c (TDAG_TEST_KEEP=1) exported, compared

A case is written once as the source has it and, where PyTorch has several names for the
same kernel (or the source is a Python function around it), once as the export must have it.
Compared are the calls by operator and attributes, in any order; constants, prim:: and what
only looks at memory (views) do not count. The table of what differs is printed."""
import math
import os
import re
import sys
import warnings

import torch

from import_cases import B, F, I, P, U, write

warnings.filterwarnings("ignore")
NN = "torch.nn.functional."
# What comes back in other words: scatter along an axis as one over all axes.
KNOWN = ("torch.scatter",)
CASES = []  # text, inputs, the text that the export must be equal to


def case(text, *inputs, want=None):
    CASES.append((text, inputs, want or text))


# ---- element-wise ----
def elementwise():
    for f in ("neg reciprocal exp sin cos tan atan sinh cosh tanh asinh sign floor ceil round "
              "trunc abs relu sigmoid erf expm1 nn.functional.silu nn.functional.mish "
              "nn.functional.hardsigmoid nn.functional.hardswish nn.functional.logsigmoid "
              "nn.functional.gelu special.ndtr").split():
        case("torch.%s(x)" % f, F(3, 4))
    for f in "sqrt rsqrt log log1p".split():
        case("torch.%s(x)" % f, P(3, 4))
    for f in "asin acos atanh erfinv".split():
        case("torch.%s(x)" % f, U(3, 4))
    for f in ("lgamma digamma i0 special.i0e special.i1 special.i1e special.erfcx "
              "special.log_ndtr special.bessel_j0 special.bessel_j1 special.bessel_y0 "
              "special.bessel_y1 special.modified_bessel_k0 special.modified_bessel_k1 "
              "special.scaled_modified_bessel_k0 special.scaled_modified_bessel_k1 "
              "special.spherical_bessel_j0 special.airy_ai").split():
        case("torch.%s(x)" % f, P(3, 4))
    for k in "tuvw":
        for f in ("chebyshev_polynomial_", "shifted_chebyshev_polynomial_"):
            case("torch.special.%s%s(x, y)" % (f, k), F(3, 1), torch.tensor([0.0, 1, 4]))
    for f in "igamma igammac special.zeta".split():
        case("torch.%s(x, y)" % f, P(3, 4) + 1, P(4))
    case("torch.polygamma(1, x)", P(3))
    case("x * x", F(3, 4), want="torch.pow(x, 2)")
    case("x * x", B(3, 4), want="torch.logical_and(x, x)")
    for upper in (False, True):
        case("torch.linalg.solve_triangular(x, y, upper=%s)" % upper,
             torch.eye(3) + P(2, 3, 3), F(2, 3, 4))
        case("torch.linalg.solve_triangular(x, y, upper=%s, unitriangular=True)" % upper,
             P(3, 3), F(3, 1))
    for shape in (3, 3), (2, 5, 5):
        a = F(*shape)
        a = a @ a.mT + torch.eye(shape[-1])
        case("torch.linalg.cholesky(x)", a)
    for x, y in (F(3, 3), F(3, 2)), (F(2, 4, 4), F(2, 4, 1)), (F(4, 4), F(2, 4, 3)):
        x = x + 5 * torch.eye(x.shape[-1])
        case("torch.linalg.solve(x, y)", x, y, want="torch.linalg.solve_ex(x, y)[0]")
        case("torch.linalg.inv(x)", x, want="torch.linalg.inv_ex(x)[0]")
        case("torch.linalg.det(x)", x)
        case("torch.logdet(x)", x)
        case("torch.linalg.slogdet(x)[1]", x)
    case("torch.cholesky_solve(y, x)", a, F(2, 5, 3),
         want="a = torch.linalg.solve_triangular(x, y, upper=False)\n"
         "return torch.linalg.solve_triangular(x.transpose(-2, -1), a, upper=True)")
    case("torch.polygamma(4, x)", P(3).double())
    case("torch.acosh(x)", P(3) + 1)
    case("torch.special.ndtri(x)", P(5) / 2)
    case("torch.logical_not(x)", B(5))
    for f in "atan2 hypot logaddexp logaddexp2 xlogy special.xlog1py heaviside copysign fmax " \
             "fmin fmod".split():
        case("torch.%s(x, y)" % f, F(3, 4), F(4))
    for t in (torch.int64, torch.int32, torch.uint8):
        x, y = (torch.arange(12) * 21 % 100).view(3, 4).to(t), torch.tensor([0, 1, 3, 6]).to(t)
        for f in "and or xor left_shift right_shift".split():
            case("torch.bitwise_%s(x, y)" % f, x, y)
        case("torch.bitwise_and(x, 7)", x)
        case("torch.bitwise_right_shift(x, 3)", x)
        case("torch.remainder(x, 8)", x, want="torch.bitwise_and(x, 7)")
        case("torch.bitwise_left_shift(x, 3)", x, want="torch.mul(x, 8)")
    case("torch.nan_to_num(x, 1.0, 2.0, -3.0)", F(3).half())
    for f in ("hardshrink(x, 0.3)", "softshrink(x, 0.3)", "threshold(x, 0.1, -2.0)"):
        case(NN + f, F(3, 4))
    for f in "smooth_l1_loss huber_loss".split():
        case("torch.ops.aten.%s(x, y, 0, 0.5)" % f, F(3, 4), F(3, 4))
    for t in (F(9), F(9).double(), F(9).half(), F(9).bfloat16()):
        case("torch.frac(x)", t)
    case("torch.round(x, decimals=2)", F(5))
    for f in ("leaky_relu(x, 0.2)", "elu(x, 0.7)", "softplus(x, 2.0, 5.0)", "relu6(x)",
              "gelu(x, approximate='tanh')", "hardtanh(x, -0.5, 0.7)"):
        case(NN + f, F(3, 4))
    case(NN + "selu(x)", F(3, 4))
    case(NN + "celu(x, 1.3)", F(3, 4))
    case(NN + "prelu(x, y)", F(2, 3, 4), P(3))
    case(NN + "prelu(x, y)", F(2, 3, 4), P(1))
    for f in "add sub mul div pow remainder maximum minimum lt le gt ge eq ne".split():
        case("torch.%s(x, y)" % f, P(3, 4), P(4))
    for op in ("x + 2.5", "x - 2.5", "x * 2.5", "x / 2.5", "2.5 - x", "x ** 2", "x ** 3",
               "x ** 1.5", "torch.pow(2.0, x)", "x % 1.5", "x < 0.5", "x >= 0.5", "x == 0.5", "-x"):
        case(op, P(3, 4))
    case("torch.add(x, y, alpha=2)", F(3, 4), F(4), want="x + y * 2")
    case("x // y", I(5), I(5, low=1), want="torch.div(x, y, rounding_mode='floor')")
    for f in ("-0.5, 0.7", "0.25", "None, 0.25"):
        case("torch.clamp(x, %s)" % f, F(3, 4))
    case("torch.clamp(x, -2, 3)", I(9))
    case("x.masked_fill(y, -1.5)", F(3, 4), B(3, 4))
    case("x.masked_fill(y, float('-inf'))", F(3, 4), B(3, 4))
    case("torch.where(x, y, z)", B(3, 4), F(3, 4), F(4))
    case("x.to(torch.float64)", F(3))
    case("x.to(torch.int64)", F(3))
    # halves keep their kernels
    for f in ("silu", "gelu", "relu", "hardswish"):
        case(NN + f + "(x)", F(3, 4).bfloat16())


# ---- contractions ----
def contractions():
    for n in (1, 2, 3):
        x, space = F(2, 4, *[7, 6, 5][:n]), (2, 3, 2)[:n]
        name = "torch.conv%dd" % n
        for w, rest in ((F(6, 4, *space), "1, 0, 1, 1"), (F(6, 4, *space), "2, 1, 1, 1"),
                        (F(6, 2, *space), "1, 2, 2, 2"), (F(8, 1, *space), "2, 1, 2, 4"),
                        (F(5, 4, *[1] * n), "1, 0, 1, 1")):
            case("%s(x, y, z, %s)" % (name, rest), x, w, F(w.shape[0]))
            case("%s(x, y, None, %s)" % (name, rest), x, w)
        name = "torch.conv_transpose%dd" % n
        for w, rest in ((F(4, 6, *space), "1, 0, 0, 1, 1"), (F(4, 6, *space), "2, 1, 1, 1, 1"),
                        (F(4, 3, *space), "2, 0, 0, 2, 1"), (F(4, 1, *space), "3, 1, 2, 4, 2"),
                        (F(4, 6, *space), "1, 1, 0, 1, 2")):
            case("%s(x, y, z, %s)" % (name, rest), x, w, F(w.shape[1] * int(rest[9])))
            case("%s(x, y, None, %s)" % (name, rest), x, w)
    case("torch.conv2d(x, y, None, [2, 1], [1, 0], [1, 2], 1)", F(2, 4, 8, 7), F(6, 4, 3, 2))
    case("torch.conv2d(x, y, z, padding='same')", F(1, 2, 6, 5), F(3, 2, 3, 3), F(3),
         want="torch.conv2d(x, y, z, padding=1)")
    case("torch.conv2d(x, y, z, padding='valid')", F(1, 2, 6, 5), F(3, 2, 3, 3), F(3),
         want="torch.conv2d(x, y, z)")
    case("torch.conv2d(x, y)", F(2, 6, 5), F(3, 2, 3, 3))  # one image without a batch
    for lead in ((), (3,), (2, 3)):
        case(NN + "linear(x, y, z)", F(*lead, 5), F(4, 5), F(4))
        case(NN + "linear(x, y)", F(*lead, 5), F(4, 5))
    case("torch.matmul(x, y)", F(3, 5), F(5, 4))
    case("torch.matmul(x, y)", F(2, 3, 5), F(2, 5, 4))
    case("torch.matmul(x, y)", F(2, 3, 3, 5), F(2, 3, 5, 4))
    case("torch.matmul(x, y)", F(2, 3, 5), F(5, 4))
    case("torch.matmul(x, y)", F(3, 5), F(5))
    case("torch.matmul(x, y)", F(5), F(5))
    case("torch.mm(x, y)", F(3, 5), F(5, 4))
    case("torch.mv(x, y)", F(3, 5), F(5))
    case("torch.bmm(x, y)", F(2, 3, 5), F(2, 5, 4))
    case("torch.bmm(x, y.transpose(1, 2))", F(2, 3, 5), F(2, 4, 5))
    case("torch.matmul(x, y.t())", F(3, 5), F(4, 5))
    case("torch.addmm(x, y, z)", F(4), F(3, 5), F(5, 4))
    case("torch.addmm(x, y, z, beta=0.5, alpha=2.0)", F(3, 4), F(3, 5), F(5, 4))
    case("torch.baddbmm(x, y, z, beta=0.5, alpha=2.0)", F(2, 3, 4), F(2, 3, 5), F(2, 5, 4))
    for e, a, b in (("bij,bkj->bik", F(2, 3, 4), F(2, 5, 4)), ("bhqd,bhkd->bhqk",
                    F(2, 3, 4, 5), F(2, 3, 6, 5))):
        case("torch.einsum('%s', x, y)" % e, a, b)
    case("torch.einsum('abc,cde->abde', x, y)", F(2, 3, 4), F(4, 3, 2))
    # Which is quicker: sums of element-wise products, products of matrices, or einsum.
    case("torch.einsum('abc,ac->ab', x, y)", F(2, 3, 16), F(2, 16),
         want="(x * y.unsqueeze(1)).sum(2)")
    case("(x * y[:, None, None]).sum(0)", F(4, 6, 5), F(4))
    case("torch.einsum('abc,ab->ac', x, y)", F(9, 300, 200), F(9, 300))
    case("torch.einsum('abc,b->ac', x, y)", F(9, 30, 200), F(30))
    case("torch.einsum('abc,c->ab', x, y)", F(64, 128, 4), F(4))
    case("torch.einsum('abc,ac->ab', x, y)", F(64, 128, 4), F(64, 4))
    case("torch.matmul(x, y).sum(0)", F(3, 9, 8), F(3, 8, 5))
    case("torch.matmul(x, y).sum(0)", F(3, 9, 2), F(3, 2, 9),
         want="torch.einsum('abc,acd->bd', x, y)")
    case("torch.matmul(x, y)", F(4, 8, 4, 64), F(8, 64, 64),
         want="torch.bmm(x.transpose(0, 1).reshape(8, 16, 64), y)")
    for rows in ("x.unsqueeze(1)", "x.unsqueeze(1).expand(4, 8, 5, 64)",
                 "x.repeat(1, 8, 1).view(4, 8, 5, 64)"):
        case("torch.matmul(%s, y)" % rows, F(4, 5, 64), F(8, 64, 64),
             want="torch.bmm(x.reshape(1, 20, 64).expand(8, 20, 64), y)")
    case("torch.matmul(x, y)", F(4, 8, 64, 64), F(8, 64, 32))
    case("torch.matmul(x, y)", F(4, 8, 4, 64), F(64, 64))


# ---- windows ----
def windows():
    for mode in ("bilinear", "bicubic"):
        for rest in ("(4, 9)", "(4, 9), align_corners=True", "scale_factor=0.6"):
            case(NN + "interpolate(x, %s, mode='%s', antialias=True)" % (rest, mode),
                 F(2, 3, 7, 8))
    for n in (1, 2, 3):
        x = F(2, 3, *[8, 9, 7][:n])
        for rest in ("2", "3, 2, 1", "2, 1, 0, 2", "3, 2, 1, 1, True"):
            case("torch.max_pool%dd(x, %s)" % (n, rest), x)
            case("torch.nn.functional.max_pool%dd(x, %s, return_indices=True)" % (n, rest), x)
        for rest in ("2", "3, 2, 1", "3, 2, 1, False, False", "3, 2, 1, True, True"):
            rest = ", ".join(str([int(v)] * n) if v.isdigit() else v
                             for v in rest.split(", "))
            case("%savg_pool%dd(x, %s)" % (NN, n, rest), x)
        for f in ("avg", "max"):
            for out in (4, 3):
                case("%sadaptive_%s_pool%dd(x, %d)" % (NN, f, n, out), x)
            # to one element: as PyTorch itself computes the average
            case("%sadaptive_%s_pool%dd(x, 1)" % (NN, f, n), x, want="torch.%s(x, %s, True)" % (
                {"avg": "mean", "max": "amax"}[f], list(range(2, n + 2))))
    case(NN + "avg_pool2d(x, [3, 2], [2, 1], [1, 0], divisor_override=4)", F(2, 3, 8, 7))
    case(NN + "unfold(x, 3, 2, 1, 2)", F(2, 3, 9, 8))
    case(NN + "fold(x, [6, 5], 2, 1, 1, 2)", F(2, 12, 12))
    case("x.unfold(1, 3, 2)", F(2, 9))


# ---- reductions and norms ----
def reductions():
    for f in "softmax log_softmax".split():
        for d in (0, 1, 2):
            case("torch.%s(x, %d)" % (f, d), F(2, 3, 4))
        case("torch.%s(x, -1)" % f, F(2, 3, 4), want="torch.%s(x, 2)" % f)
    for dims in ("1", "[0, 2]", "[0, 1, 2]"):
        for keep in (False, True):
            for f in "sum mean amax amin logsumexp std var".split():
                case("torch.%s(x, dim=%s, keepdim=%s)" % (f, dims, keep), F(2, 3, 4))
    for f in "std var".split():
        case("torch.%s(x, 1, unbiased=False)" % f, F(2, 3, 4))
        case("torch.%s(x, [1], correction=2)" % f, F(2, 5, 4))
        case("torch.%s(x)" % f, F(2, 5), want="torch.%s(x, [0, 1])" % f)
        case("torch.%s(x, 1)" % f, F(2, 5).bfloat16())
        case("torch.%s(x, 1)" % f, F(2, 5).half())
        case("torch.%s(x, 1)" % f, F(2, 5).double())
        case("torch.%s_mean(x, 1)" % f, F(2, 5),
             want="return torch.%s(x, 1), torch.mean(x, 1)" % f)
    for f in "sum mean amax amin".split():
        case("torch.%s(x)" % f.replace("a", "" if f[0] == "a" else "a", 1), F(3, 4),
             want="torch.%s(x, [0, 1])" % f)
    for t in (torch.float32, torch.float64, torch.float16, torch.bfloat16):
        x = torch.where(F(2, 3, 4) > 1, F(2, 3, 4), torch.tensor(math.nan)).to(t)
        case("torch.nansum(x, [0, 2], True)", x)
        case("torch.nansum(x)", x, want="torch.nansum(x, [0, 1, 2])")
    for n in (2, 12, 67, 96, 128):
        for norm in ("None", "'ortho'", "'forward'"):
            z, half = "torch.view_as_complex(x)", n // 2 + 1
            for f in "fft ifft".split():
                case("torch.view_as_real(torch.fft.%s(%s, %d, norm=%s))" % (f, z, n, norm),
                     F(3, n, 2))
            for f in "rfft ihfft".split():
                end = ".resolve_conj()" if f == "ihfft" else ""
                case("torch.view_as_real(torch.fft.%s(x, %d, norm=%s)%s)" % (f, n, norm, end),
                     F(2, 3, n).double())
            for f in "irfft hfft".split():
                case("torch.fft.%s(%s, %d, norm=%s)" % (f, z, n, norm), F(3, half, 2))
    case("torch.view_as_real(torch.view_as_complex(x).conj() * torch.view_as_complex(y))",
         F(3, 4, 2), F(3, 4, 2))
    for d in (-1, 0, 2):
        case("torch.diag_embed(x, %d)" % d, F(2, 3))
        case("torch.diag(x, %d)" % d, F(3), want="torch.diag_embed(x, %d)" % d)
    case("torch.view_as_complex(x).abs()", F(3, 4, 2))
    case("torch.view_as_complex(x).abs()", F(3, 4, 2).double())
    for p in ("0.0", "1.0", "2.0", "3.0", "2.5", "float('inf')"):
        mode = "'donot_use_mm_for_euclid_dist'"
        case("torch.cdist(x, y, %s, %s)" % (p, mode), F(5, 3), F(4, 3))
        case("torch.cdist(x, y, %s, %s)" % (p, mode), F(2, 5, 3), F(4, 3).double().float())
        case("torch.cdist(x, y, %s, %s)" % (p, mode), F(2, 1, 5, 3).double(),
             F(3, 4, 3).double())
        case("torch.pdist(x, %s)" % p, F(5, 3))
    for f in "mul div".split():
        z = "torch.view_as_real(torch.%s(torch.view_as_complex(x), torch.view_as_complex(y)))" % f
        case(z, F(3, 4, 2), F(3, 4, 2))
        case(z, F(2, 3, 4, 2).double(), F(4, 2).double())
        case(z, F(3, 2, 4).transpose(1, 2), F(1, 4, 2))
        case("torch.view_as_real(torch.%s(torch.complex(x, y), torch.complex(y, x)))" % f,
             F(3, 4), F(3, 4))
    for f in "prod any all".split():
        case("torch.%s(x)" % f, F(3, 4) if f == "prod" else B(3, 4))
    for f in "prod any all".split():
        case("torch.%s(x, 1, True)" % f, F(3, 4) if f == "prod" else B(3, 4))
    for f in "max min".split():
        for keep in (False, True):
            case("torch.%s(x, 1, %s)" % (f, keep), F(3, 4))
            case("torch.%s(x, 0, %s)[0]" % (f, keep), F(3, 4),
                 want="torch.a%s(x, 0, %s)" % (f, keep))
            case("torch.%s(x, 0, %s)[1]" % (f, keep), F(3, 4),
                 want="torch.arg%s(x, 0, %s)" % (f, keep))
        case("torch.arg%s(x, 1)" % f, F(3, 4))
        case("torch.arg%s(x, 0, True)" % f, F(3, 4))
    for p in ("2.0", "1.0", "float('inf')"):
        case("torch.linalg.vector_norm(x, %s, 1)" % p, F(3, 4))
    case("torch.norm(x, 2.0, 1)", F(3, 4), want="torch.linalg.vector_norm(x, 2.0, 1)")
    case(NN + "normalize(x, 2.0, 1)", F(3, 4),
         want="x / torch.linalg.vector_norm(x, 2.0, 1, True).clamp_min(1e-12)")
    for w in (True, False):
        args = "y, z" if w else "None, None"
        more = (F(4), F(4)) if w else ()
        case(NN + "layer_norm(x, [4], %s, 1e-5)" % args, F(2, 3, 4), *more)
        more = (F(3, 4), F(3, 4)) if w else ()
        case(NN + "layer_norm(x, [3, 4], %s, 1e-3)" % args, F(2, 3, 4), *more)
        for g in (1, 2, 6):
            more = (F(6), F(6)) if w else ()
            case(NN + "group_norm(x, %d, %s, 1e-5)" % (g, args), F(2, 6, 4, 3), *more)
        # without weights it is the layer norm of every channel
        case(NN + "instance_norm(x, None, None, %s)" % args, F(2, 6, 4, 3), *more,
             want=None if w else NN + "layer_norm(x, [4, 3])")
        for shape in ((5, 6), (5, 6, 4), (5, 6, 4, 3)):
            if w:
                case(NN + "batch_norm(x, y, z, w, v, False, 0.1, 1e-3)", F(*shape), F(6), P(6),
                     F(6), F(6))
            else:
                case(NN + "batch_norm(x, y, z, None, None, False, 0.1, 1e-3)", F(*shape), F(6),
                     P(6))
    if hasattr(torch, "rms_norm"):
        case("torch.rms_norm(x, [4], y, 1e-6)", F(2, 3, 4), F(4))
        case("torch.rms_norm(x, [3, 4], None, 1e-6)", F(2, 3, 4))
    if hasattr(torch.nn.functional, "scaled_dot_product_attention"):
        q, k = F(2, 3, 4, 8), F(2, 3, 5, 8)
        sdpa = NN + "scaled_dot_product_attention(x, y, z%s)"
        case(sdpa % "", q, k, k, want=sdpa % ", scale=%r" % (1 / math.sqrt(8)))
        case(sdpa % ", scale=0.3", q, k, k)
        case(sdpa % ", w, scale=0.5", q, k, k, F(4, 5))
        case(sdpa % ", w, scale=0.5", q, k, k, B(4, 5))
        case(sdpa % ", is_causal=True, scale=0.5", q, q, q)


# ---- joining and moving ----
def moves():
    for axis in (0, 1):
        case("torch.cat([x, y], %d)" % axis, F(3, 3), F(3, 3))
        case("torch.cat([x, y, z], %d)" % axis, F(2, 2), F(2, 2), F(2, 2))
        case("torch.stack([x, y], %d)" % axis, F(3, 4), F(3, 4))
    case("torch.stack([x, y], 2)", F(3, 4), F(3, 4))
    case("torch.split(x, 2, 1)", F(3, 5))
    case("torch.chunk(x, 3, 0)", F(6, 2))
    case("torch.unbind(x, 0)", F(3, 2))
    case("x.permute(2, 0, 1)", F(2, 3, 4))
    case("x.transpose(0, 1)", F(2, 3))
    case("x[:, 1:3]", F(2, 5))
    case("x[1]", F(2, 5))
    case("x[:, ::2]", F(2, 5))
    case("x.expand(4, 3)", F(1, 3))
    case("x.unsqueeze(1).squeeze(0)", F(1, 3))
    case("torch.roll(x, 2, 1)", F(3, 5))
    case("torch.roll(x, [1, -1], [0, 1])", F(3, 5))
    case("torch.flip(x, [0])", F(3, 5))
    case("torch.flip(x, [0, 1])", F(3, 5))
    case("x.repeat(2, 3)", F(3, 5))
    case("x.repeat_interleave(3, 1)", F(3, 5),
         want="x.unsqueeze(2).expand(3, 5, 3).flatten(1)")
    # A tile that is split again is no copy; one that is split in another way, read twice or a result is.
    case("x.repeat(4, 1).view(4, 3, 5) + y", F(3, 5), F(4, 1, 1),
         want="x.unsqueeze(0).expand(4, 3, 5) + y")
    case("x.repeat(2, 1, 3).view(2, 2, 1, 3, 5) * y", F(2, 1, 5), F(3, 1),
         want="x.unsqueeze(0).unsqueeze(3).expand(2, 2, 1, 3, 5) * y")
    case("x.repeat(2, 4, 1, 3).view(2, 4, 3, 3, 5) * y", F(1, 3, 5), F(3, 1),
         want="x.unsqueeze(2).expand(2, 4, 3, 3, 5) * y")
    case("x.repeat(4, 1).view(3, 4, 5) + y", F(3, 5), F(4, 1))
    case("x.repeat(4, 1).view(4, 3, 5)", F(3, 5))
    case("(lambda y: torch.sin(y) * torch.cos(y))(x.repeat(4, 1).view(4, 3, 5))", F(3, 5))
    case("torch.triu(x, 1)", F(4, 4))
    case("torch.tril(x)", F(4, 4))
    case(NN + "pad(x, [1, 2])", F(2, 3, 5))
    case(NN + "pad(x, [1, 2, 0, 3], value=-1.5)", F(2, 3, 5))
    for mode in "reflect replicate circular".split():
        case(NN + "pad(x, [1, 2], mode='%s')" % mode, F(2, 3, 5))
        case(NN + "pad(x, [1, 2, 2, 0], mode='%s')" % mode, F(2, 3, 5, 4))
    case(NN + "pad(x, [1, 2, 1, 0, 2, 1], mode='replicate')", F(1, 2, 3, 5, 4))
    case(NN + "pad(x, [1, 0, 0, 1, 1, 1], mode='reflect')", F(1, 2, 3, 5, 4).bfloat16())
    for n, linear in ((1, "linear"), (2, "bilinear"), (3, "trilinear")):
        x = F(1, 2, *[4, 5, 3][:n])
        forms = ["mode='nearest'", "mode='nearest-exact'"]
        forms += ["mode='%s', align_corners=%s" % (linear, a) for a in (True, False)]
        forms += ["mode='bicubic', align_corners=%s" % a for a in (True, False) if n == 2]
        for form in forms:
            sized = NN + "interpolate(x, size=%s, " + form + ")"
            case(sized % [7, 6, 5][:n], x)
            case(NN + "interpolate(x, scale_factor=2.0, %s)" % form, x,
                 want=sized % [8, 10, 6][:n])
            case(NN + "interpolate(x, scale_factor=1.7, %s)" % form, x,
                 want=sized % [6, 8, 5][:n] if "True" in form else None)
    case(NN + "pixel_shuffle(x, 2)", F(1, 8, 3, 4))
    case(NN + "pixel_unshuffle(x, 2)", F(2, 3, 4, 6))
    case("x.view(1, 2, 2, 2, 3, 4).permute(0, 1, 4, 2, 5, 3).reshape(1, 2, 6, 8)",
         F(1, 8, 3, 4), want=NN + "pixel_shuffle(x, 2)")
    case("x.view(2, 3, 2, 2, 3, 2).permute(0, 1, 3, 5, 2, 4).reshape(2, 12, 2, 3)",
         F(2, 3, 4, 6), want=NN + "pixel_unshuffle(x, 2)")
    case("x.view(2, 2, 3, 2).permute(0, 2, 1, 3).reshape(6, 4)", F(24))  # of no channels


# ---- reading by index, order ----
def indexed():
    at = torch.tensor([2, 0, 1])
    case(NN + "embedding(x, y)", I(2, 3, low=0, high=6), F(6, 4))
    for axis in (0, 1):
        case("torch.index_select(x, %d, y)" % axis, F(4, 5), at,
             want=None if axis else "torch.embedding(x, y)")
        case("torch.gather(x, %d, y)" % axis, F(3, 3), torch.tensor([[0, 2, 1], [1, 1, 0]]))
        case("torch.cumsum(x, %d)" % axis, F(3, 4))
        case("torch.cumprod(x, %d)" % axis, F(3, 4))
        for down in (False, True):
            case("torch.sort(x, dim=%d, descending=%s)" % (axis, down), F(3, 4))
            case("torch.sort(x, dim=%d, descending=%s, stable=True)" % (axis, down), F(3, 4))
            case("torch.argsort(x, dim=%d, descending=%s)" % (axis, down), F(3, 4),
                 want="torch.sort(x, dim=%d, descending=%s)[1]" % (axis, down))
        case("torch.topk(x, 2, %d)" % axis, F(3, 4))
        case("torch.topk(x, 2, %d, sorted=False)" % axis, F(3, 4))
        for keep in (False, True):
            case("torch.kthvalue(x, 2, %d, %s)" % (axis, keep), F(3, 4))
            for f in "mode median nanmedian".split():
                case("torch.%s(x, %d, %s)" % (f, axis, keep), F(3, 4))
        for f in "cummax cummin".split():
            case("torch.%s(x, %d)" % (f, axis), F(3, 4))
        case(NN + "cosine_similarity(x, y, %d)" % axis, F(3, 4), F(3, 4))
        case("torch.scatter(x, %d, y, z)" % axis, F(3, 4), torch.tensor([[0, 2], [1, 0]]),
             F(2, 2))
    case("torch.topk(x, 2, 1, False)", F(3, 4))
    case("x[y]", F(4, 5), at)
    case("x[:, y]", F(2, 4, 5), at - 2)
    case("x[y]", F(4, 5), torch.tensor([[1, -2], [0, -4]]))


# ---- what a person wrote by hand is the operator ----
def by_hand():
    x = F(3, 4)
    case(NN + "glu(x, 1)", x)
    case(NN + "glu(x, 0)", F(4, 4))
    case("x[:, :2] * torch.sigmoid(x[:, 2:])", x, want=NN + "glu(x, 1)")
    for text in ("x * torch.sigmoid(x)", "torch.sigmoid(x) * x", "x / (1 + torch.exp(-x))"):
        case(text, x, want=NN + "silu(x)")
    for text in ("(1 + torch.exp(-x)).reciprocal()", "torch.exp(-x).add(1).reciprocal()"):
        case(text, x, want="torch.sigmoid(x)")
    for text in ("0.5 * x * (1 + torch.erf(x / math.sqrt(2.0)))",
                 "x * 0.5 * (1.0 + torch.erf(x / 1.4142135623730951))",
                 "x * (torch.erf(x * 0.7071067811865476) + 1) * 0.5",
                 "x * torch.special.ndtr(x)"):
        case(text, x, want=NN + "gelu(x)")
    for text in ("0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))",
                 "0.5 * x * (1 + torch.tanh(0.7978845608028654 * (x + 0.044715 * torch.pow(x, 3))))",
                 "x * 0.5 * (1 + torch.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)))",
                 "0.5 * x * (1 + torch.tanh(x * 0.7978845608 * (1 + 0.044715 * x * x)))"):
        case(text, x, want=NN + "gelu(x, approximate='tanh')")
    for text in ("x * torch.nn.functional.relu6(x + 3) / 6",):
        case(text, x, want=NN + "hardswish(x)")
    case("torch.nn.functional.relu6(x + 3) / 6", x, want=NN + "hardsigmoid(x)")
    case("x * torch.tanh(torch.nn.functional.softplus(x))", x, want=NN + "mish(x)")
    for text in ("e = torch.exp(x - x.amax(1, True))\nreturn e / e.sum(1, True)",
                 "e = (x - x.max(1, True)[0]).exp()\nreturn e / torch.sum(e, 1, keepdim=True)"):
        case(text, x, want="torch.softmax(x, 1)")
    case("m = x.amax(1, True)\nreturn x - m - torch.log(torch.exp(x - m).sum(1, True))", x,
         want="torch.log_softmax(x, 1)")
    case("((x - x.mean(1, True)) ** 2).mean(1)", x, want="torch.var(x, 1, unbiased=False)")
    norms(F(2, 3, 8), F(8), F(8))
    products()


def norms(x, w, b):
    layer = NN + "layer_norm(x, [8], y, z, 1e-5)"
    mean, var = "m = x.mean(-1, True)\n", "v = x.var(-1, unbiased=False, keepdim=True)\n"
    squares = "v = (x - m).pow(2).mean(-1, True)\n"
    for v in (var, squares, "v = ((x - m) * (x - m)).mean(-1, keepdim=True)\n"):
        for end in ("(x - m) / torch.sqrt(v + 1e-5) * y + z", "(x - m) * torch.rsqrt(v + 1e-5) * y + z",
                    "y * ((x - m) / (v + 1e-5).sqrt()) + z"):
            case(mean + v + "return " + end, x, w, b, want=layer)
    case(mean + var + "return (x - m) / torch.sqrt(v + 1e-5)", x, want=NN + "layer_norm(x, [8])")
    if hasattr(torch, "rms_norm"):
        for text in ("x * torch.rsqrt(x.pow(2).mean(-1, True) + 1e-6) * y",
                     "y * (x * torch.rsqrt((x * x).mean(-1, keepdim=True) + 1e-6))",
                     "x / torch.sqrt(x.pow(2).mean(-1, True) + 1e-6) * y"):
            case(text, x, w, want="torch.rms_norm(x, [8], y, 1e-6)")


def products():
    x, w, b = F(3, 5), F(4, 5), F(4)
    for text in ("x @ y.t() + z", "torch.matmul(x, y.transpose(0, 1)).add(z)",
                 "z + torch.mm(x, y.t())"):
        case(text, x, w, b, want="torch.addmm(z, x, y.t())")
    case("(x.unsqueeze(1) * y).sum(-1) + z", x, w, b, want=NN + "linear(x, y, z)")
    case("(x.unsqueeze(2) * y.unsqueeze(0)).sum(1)", F(3, 5), F(5, 4), want="torch.matmul(x, y)")
    image, kernel = F(2, 4, 7, 6), F(5, 4, 3, 2)
    for text in ("u = %sunfold(x, [3, 2])\nreturn (y.view(5, -1) @ u).view(2, 5, 5, 5)",
                 "u = %sunfold(x, [3, 2])\n"
                 "return torch.einsum('ok,bkl->bol', y.view(5, -1), u).view(2, 5, 5, 5)",
                 "u = %sunfold(x, [3, 2]).transpose(1, 2).matmul(y.view(5, -1).t())\n"
                 "return u.transpose(1, 2).reshape(2, 5, 5, 5)",
                 "u = %sunfold(x, [3, 2]).transpose(1, 2).matmul(y.view(5, -1).t())\n"
                 "return u.view(2, 5, 5, 5).permute(0, 3, 1, 2)"):
        case(text % NN, image, kernel, want="torch.conv2d(x, y)")
    case("u = %sunfold(x, [3, 2], [2, 1], [1, 0], [1, 2])\n"
         "return (y.view(5, -1) @ u).view(2, 5, 5, 3)" % NN, image, kernel,
         want="torch.conv2d(x, y, None, [1, 2], [1, 0], [2, 1])")
    case("x.mean([2, 3])", image, want="torch.mean(x, [2, 3])")
    if hasattr(torch.nn.functional, "scaled_dot_product_attention"):
        q, k = F(2, 3, 4, 8), F(2, 3, 5, 8)
        sdpa = NN + "scaled_dot_product_attention(x, y, z%s, scale=%r)"
        scale = 1 / math.sqrt(8)
        case("torch.softmax((x * %r) @ y.transpose(-2, -1), -1) @ z" % scale, q, k, k,
             want=sdpa % ("", scale))


# ---- the calls of a file ----
# These look at memory that is there, or say nothing: no work.
VIEWS = set("""view reshape flatten unflatten squeeze unsqueeze permute transpose t expand
    expand_as view_as slice select narrow split split_with_sizes chunk unbind contiguous detach
    alias movedim size dim len Int ScalarImplicit NumToTensor __getitem__ format dropout
    feature_dropout warn item Float Bool swapaxes numpy_T unfold lift_fresh""".split())
FORMS = {  # names of the same kernel
    "special_expit": "sigmoid", "true_divide": "div", "multiply": "mul", "subtract": "sub",
    "mm": "matmul", "bmm": "matmul", "mv": "matmul", "dot": "matmul", "dropout_": "dropout",
    "special_softmax": "softmax", "baddbmm": "addmm", "concat": "cat", "special_erfinv": "erfinv",
    "special_log1p": "log1p", "special_expm1": "expm1", "special_erf": "erf",
    "special_round": "round", "special_i0": "i0",
}


def literal(value):
    """A constant argument as Python has it; None for what is computed."""
    node = value.node()
    if node.kind() == "prim::Constant":
        kept = value.toIValue()
        return ("tensor",) if isinstance(kept, torch.Tensor) and kept.dim() else kept
    if node.kind() == "prim::ListConstruct":
        return [literal(v) for v in node.inputs()]
    return ("tensor",)


def call(node):
    """(operator, attributes by name)."""
    name = node.kind().split("::")[1]
    schema = torch._C.parse_schema(node.schema())
    args = {}
    for argument, value in zip(schema.arguments, node.inputs()):
        args[argument.name] = literal(value)
        rank = None
        first = next(iter(node.inputs())).type()
        if first.kind() == "TensorType":
            rank = first.dim()
        if argument.name in ("dim", "dims") and rank:  # counted from the first axis
            v = args[argument.name]
            if isinstance(v, list):
                args[argument.name] = [d % rank for d in v]
            elif isinstance(v, int) and not isinstance(v, bool):
                args[argument.name] = v % rank
    if name.endswith("_") and not name.endswith("__"):
        name = name[:-1]
    return canonical(FORMS.get(name, name), args)


def number(v):
    if isinstance(v, torch.Tensor):
        return number(v.item())
    if isinstance(v, list):
        return [number(d) for d in v]
    if isinstance(v, float) and math.isfinite(v):
        return int(v) if v == int(v) else float("%.6g" % v)
    return v


def canonical(name, args):
    """One spelling for calls that PyTorch sends to the same kernel in the same way."""
    args = {k: number(v) for k, v in args.items() if v != ("tensor",)}
    for k in ("benchmark", "deterministic", "cudnn_enabled", "cudnn_enable",
              "allow_tf32", "momentum", "out",
              "memory_format", "non_blocking", "copy", "layout", "device", "pin_memory",
              "sparse", "scale_grad_by_freq", "padding_idx", "sparse_grad", "path"):
        args.pop(k, None)
    if name in ("convolution", "_convolution"):
        n = len(args["stride"])
        name = "conv%s%dd" % ("_transpose" if args.pop("transposed") else "", n)
    if name.startswith("conv") and "transpose" not in name:
        args.pop("output_padding", None)
    if name == "relu6":
        name, args = "hardtanh", {"min_val": 0, "max_val": 6}
    if name in ("clamp", "clamp_min", "clamp_max", "hardtanh"):
        low, high = (args.get(a, args.get(b)) for a, b in (("min", "min_val"),
                                                          ("max", "max_val")))
        name, args = "clamp", {"min": low, "max": high}
    if name in ("selu", "celu", "elu"):
        a, scale = args.get("alpha", 1.0), args.get("scale", 1.0)
        inner = args.get("input_scale", 1.0)
        if name == "selu":
            a, scale = 1.6732632423543772, 1.0507009873554805
        if name == "celu":
            inner = 1 / a
        name, args = "elu", {"alpha": number(float(a)), "scale": number(float(scale)),
                             "input_scale": number(float(inner))}
    if "stride" in args and args["stride"] == []:
        args["stride"] = args["kernel_size"]
    if name in ("add", "sub", "rsub") and args.get("alpha") == 1:
        args.pop("alpha")
    if name == "_softmax":
        args.pop("half_to_float", None)
    if name in ("var", "std"):
        if "unbiased" in args:
            args["correction"] = int(args.pop("unbiased"))
        elif args.get("correction", 1) is None:
            args["correction"] = 1
        args.setdefault("keepdim", False)
    if name == "linalg_vector_norm":
        args["ord"] = float(args["ord"])
    if name in ("sum", "mean", "prod", "amax", "amin", "softmax", "log_softmax", "cumsum",
                "cumprod", "linalg_vector_norm"):
        args.pop("dtype", None)
    if isinstance(args.get("dim"), list) and len(args["dim"]) == 1:
        args["dim"] = args["dim"][0]
    if name == "pad" and args.get("mode") == "constant":
        name = "constant_pad_nd"
        args.pop("mode")
    if name == "constant_pad_nd" and args.get("value") is None:
        args["value"] = 0
    if name in ("reflection_pad1d", "reflection_pad2d", "reflection_pad3d", "replication_pad1d",
                "replication_pad2d", "replication_pad3d"):
        args["mode"] = "reflect" if name.startswith("refl") else "replicate"
        args["pad"] = args.pop("padding")
        name = "pad"
    if name == "pad":
        args.pop("value", None)
    if "scale_factors" in args:  # upsample_*.vec
        scales, size = args.pop("scale_factors"), args.pop("output_size")
        args["output_size"] = size
        for i, letter in enumerate(({1: ("",), 2: ("_h", "_w"), 3: ("_d", "_h", "_w")})
                                   [int(name.replace("_aa", "")[-2])]):
            args["scales" + letter] = scales[i] if scales else None
    if any(args.get("scales" + k) for k in ("", "_d", "_h", "_w")):
        args.pop("output_size", None)
    if name == "embedding":
        args = {}
    if name == "linear" and "bias" in args:  # of a vector it is a matmul
        name, args = "matmul", {}
    if name == "addmv" and args.get("alpha") == args.get("beta") == 1:
        name, args = "linear", {}
    if name in ("gt", "ge") and "other" not in args:  # the operands change places
        name = {"gt": "lt", "ge": "le"}[name]
    if name == "sort" and args.get("stable") in (None, False, "None", "False"):
        args.pop("stable", None)
    if name == "einsum":  # any letters
        letters = {}
        for c in args["equation"]:
            if c.isalpha():
                letters.setdefault(c, "abcdefghijklmnopqrstuvwxyz"[len(letters)])
        args["equation"] = "".join(letters.get(c, c) for c in args["equation"])
    return name, args


def calls(path):
    """Every ATen call of a file, with the modules and methods it calls inlined."""
    graph = torch.jit.load(path).eval().graph.copy()
    torch._C._jit_pass_inline(graph)
    found = []

    def walk(block):
        for node in block.nodes():
            for inner in node.blocks():
                walk(inner)
            if node.kind().startswith("aten::"):
                name, args = call(node)
                if name not in VIEWS:
                    found.append("%s(%s)" % (name, ", ".join(
                        "%s=%s" % (k, args[k]) for k in sorted(args))))
    walk(graph)
    return sorted(found)


def write_cases(folder):
    for name in os.listdir(folder) if os.path.isdir(folder) else ():
        if name.endswith(".export.pt"):
            os.remove(os.path.join(folder, name))
    wants = [(want, inputs) for text, inputs, want in CASES if want != text]
    write(folder, [(text, inputs) for text, inputs, _ in CASES] + wants,
          ways=lambda i: ("traced",))


def portable(source):
    """An export serves PyTorch 1.13 as well, which has no rms_norm: it has its parts."""
    made = []
    for call in source:
        match = re.fullmatch(r"rms_norm\(eps=([^,]+), normalized_shape=\[([^]]*)\]"
                             r"(, weight=None)?\)", call)
        if match is None:
            made.append(call)
            continue
        axes = list(range(-len(match[2].split(",")), 0))
        made += ["add(other=%s)" % match[1], "pow(exponent=2)", "rsqrt()", "mul()",
                 "mean(dim=%s, keepdim=True)" % (axes if len(axes) > 1 else axes[0])]
        made += [] if match[3] else ["mul()"]
    return sorted(made)


def check(folder):
    wanted = {}  # by text, in the order of the cases
    for text, _, want in CASES:
        text, want = text.replace("\n", "; "), want.replace("\n", "; ")
        wanted.setdefault(text, []).append(want)
    with open(os.path.join(folder, "manifest")) as f:
        rows = [line.split(" ", 2) for line in f.read().split("\n")[:-1]]
    first = {text: n for n, _, text in reversed(rows)}
    differ = []
    for n, _, text in rows:
        want = wanted.get(text, [text])
        want = want.pop(0) if len(want) > 1 else want[0]
        source = calls(os.path.join(folder, (n if want == text else first[want]) + ".pt"))
        export = os.path.join(folder, n + ".export.pt")
        made = calls(export) if os.path.exists(export) else ["no export"]
        if (made != portable(source)) != (text.split("(")[0] in KNOWN):
            differ.append((text, "; ".join(source), "; ".join(made)))
    for text, source, made in differ:
        print("%s\n    source: %s\n    export: %s" % (text, source or "-", made or "-"))
    print("%d operators, %d come back as something else" % (len(rows), len(differ)))
    return 1 if differ or len(rows) < 300 else 0


def main():
    for family in (elementwise, contractions, windows, reductions, moves, indexed, by_hand):
        family()
    if sys.argv[1] == "write":
        write_cases(sys.argv[2])
        return 0
    return check(sys.argv[2])


if __name__ == "__main__":
    sys.exit(main())
