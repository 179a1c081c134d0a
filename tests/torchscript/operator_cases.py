"""More cases of import_cases.py: operators by family, several attributes each."""
import math

import torch

NN = "torch.nn.functional."
REDUCTIONS = ("mean", "sum", "none")


def add(case, F, P, U, I, B, SPECIAL):
    losses(case, F, P, U, I, B)
    special(case, F, P, U, I, B, SPECIAL)
    matrices(case, F, P, I)
    order(case, F, P, I, B, SPECIAL)
    written(case, F, P, I, B)
    sampled(case, F, P)
    masked(case)
    bits(case)
    python(case)
    statistics(case)
    further(case)


def losses(case, F, P, U, I, B):
    for r in REDUCTIONS:
        for f in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "soft_margin_loss"):
            case("%s%s(x, y, reduction='%s')" % (NN, f, r), F(3, 4), F(3, 4))
        case("%skl_div(x, y, reduction='%s')" % (NN, r), F(3, 4), P(3, 4))
        case("%sbinary_cross_entropy(x, y, reduction='%s')" % (NN, r), P(3, 4) / 1.2,
             P(3, 4) / 1.2)
        case("%sbinary_cross_entropy_with_logits(x, y, reduction='%s')" % (NN, r),
             F(3, 4) * 20, P(3, 4) / 1.2)
        case("%spoisson_nll_loss(x, y, reduction='%s')" % (NN, r), F(3, 4), P(3, 4) * 5)
        case("%smargin_ranking_loss(x, y, z, 0.3, reduction='%s')" % (NN, r), F(4), F(4),
             I(4, low=0, high=2) * 2 - 1)
        case("%shinge_embedding_loss(x, y, 0.7, reduction='%s')" % (NN, r), F(3, 4),
             I(3, 4, low=-1, high=2))
        case("%scosine_embedding_loss(x, y, z, 0.2, reduction='%s')" % (NN, r), F(4, 5),
             F(4, 5), I(4, low=0, high=2) * 2 - 1)
        case("%striplet_margin_loss(x, y, z, 1.2, 2.0, 1e-6, False, reduction='%s')" % (NN, r),
             F(4, 5), F(4, 5), F(4, 5))
        case("%smulti_margin_loss(x, y, reduction='%s')" % (NN, r), F(4, 5),
             I(4, low=0, high=5))
        case("%smultilabel_margin_loss(x, y, reduction='%s')" % (NN, r), F(2, 4),
             torch.tensor([[3, 0, -1, 1], [2, -1, 0, 3]]))
        for shape in ((5,), (4, 5), (2, 5, 3), (2, 5, 3, 2)):
            target = I(*(shape[:1] + shape[2:] if len(shape) > 1 else ()), low=0, high=5)
            case("%snll_loss(x, y, reduction='%s')" % (NN, r), F(*shape), target)
            case("%scross_entropy(x, y, reduction='%s')" % (NN, r), F(*shape), target)
            case("%scross_entropy(x, y, z, ignore_index=1, reduction='%s')" % (NN, r),
                 F(*shape), target, P(5))
            case("%scross_entropy(x, y, reduction='%s', label_smoothing=0.2)" % (NN, r),
                 F(*shape), target)
            case("%scross_entropy(x, y, z, reduction='%s', label_smoothing=0.1)" % (NN, r),
                 F(*shape), F(*shape).softmax(-1), P(5))
    case("%ssmooth_l1_loss(x, y, beta=0.5)" % NN, F(3, 4), F(3, 4))
    case("%ssmooth_l1_loss(x, y, beta=0.0)" % NN, F(3, 4), F(3, 4))
    case("%shuber_loss(x, y, delta=0.5)" % NN, F(3, 4), F(3, 4))
    case("%smse_loss(x, y)" % NN, F(3, 4).half(), F(3, 4).half())
    case("%smse_loss(x, y)" % NN, F(0, 4), F(0, 4))
    case("%sl1_loss(x, y)" % NN, F(), F())
    case("%skl_div(x, y, log_target=True, reduction='batchmean')" % NN, F(3, 4), F(3, 4))
    case("%skl_div(x, y, reduction='none')" % NN, F(4), torch.tensor([0.0, 1.0, 0.5, math.nan]))
    case("%sbinary_cross_entropy(x, y, z)" % NN, torch.tensor([0.0, 1.0, 0.0, 1.0]),
         torch.tensor([0.0, 1.0, 1.0, 0.0]), P(4))
    case("%sbinary_cross_entropy_with_logits(x, y, z, pos_weight=w)" % NN, F(3, 4), P(3, 4),
         P(4), P(4))
    case("%spoisson_nll_loss(x, y, False, True)" % NN, P(3, 4), P(3, 4) * 5)
    case("%spoisson_nll_loss(x, y, True, True, reduction='none')" % NN, F(5),
         torch.tensor([0.0, 0.5, 1.0, 2.0, 9.0]))
    case("%scosine_embedding_loss(x, y, z)" % NN, F(5), F(5), torch.tensor(-1))
    case("%striplet_margin_loss(x, y, z, 0.5, 1.0, 1e-6, True)" % NN, F(4, 5), F(4, 5), F(4, 5))
    case("%smulti_margin_loss(x, y, 2, 0.5, z)" % NN, F(4, 5), I(4, low=0, high=5), P(5))
    case("%smulti_margin_loss(x, y)" % NN, F(5), torch.tensor(2))
    case("%smultilabel_margin_loss(x, y)" % NN, F(4), torch.tensor([3, 0, -1, 1]))
    case("%snll_loss(x, y, z, ignore_index=2)" % NN, F(4, 5), I(4, low=0, high=5), P(5))
    case("%snll_loss(x, y, ignore_index=2)" % NN, F(2, 5), torch.tensor([2, 2]))
    case("%scross_entropy(x, y, ignore_index=-100, label_smoothing=0.3)" % NN, F(3, 5),
         torch.tensor([0, -100, 4]))


def special(case, F, P, U, I, B, SPECIAL):
    edges = torch.tensor([0.0, -0.0, 1.0, -1.0, 2.5, -1e30, math.inf, -math.inf, math.nan])
    x, y = edges.repeat_interleave(9), edges.repeat(9)
    for f in "atan2 hypot copysign fmax fmin xlogy logaddexp logaddexp2 isclose".split():
        case("torch.%s(x, y)" % f, x, y)
        case("torch.%s(x, y)" % f, F(3, 1) * 3, F(4))
        case("torch.%s(x, y)" % f, F(3, dtype=torch.float64), F(3, dtype=torch.float64))
    for f in "atan2 copysign fmax fmin xlogy isclose".split():
        case("torch.%s(x, y)" % f, I(6), I(6, low=1))
    case("torch.special.xlog1py(x, y)", x, y)
    case("torch.heaviside(x, y)", x, y)
    case("torch.heaviside(x, y)", I(5), I(5))
    case("torch.xlogy(x, 2.0)", F(4))
    case("torch.copysign(x, -1.0)", F(4))
    case("torch.ldexp(x, y)", F(6), I(6))
    case("torch.isclose(x, y, 0.1, 0.0, True)", x, y)
    case("torch.isclose(x, y, 0.0, 2.0)", I(9), I(9))
    for f in ("isposinf", "isneginf", "signbit", "deg2rad", "rad2deg", "sinc", "special.entr",
              "erfc"):
        case("torch.%s(x)" % f, SPECIAL)
        case("torch.%s(x)" % f, F(3, 4))
        case("torch.%s(x)" % f, I(5))
    gamma(case, F, P, I, edges)
    polynomials(case, F, P, I)
    windows(case, F)
    for d in (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8):
        low = 0 if d == torch.uint8 else -100
        bits = 8 * torch.tensor([], dtype=d).element_size()
        case("x << y", I(9, low=low, high=100, dtype=d), I(9, low=0, high=bits, dtype=d))
        case("x >> y", I(9, low=low, high=100, dtype=d), I(9, low=0, high=bits, dtype=d))
        case("x >> 2", I(9, low=low, high=100, dtype=d))
        case("x << 3", I(9, low=low, high=100, dtype=d))


def gamma(case, F, P, I, edges):
    """Gamma and Bessel functions; where PyTorch's own are noise, as at the poles of a
    trigamma, not."""
    names = ("lgamma digamma i0 special.i0e special.i1 special.i1e special.erfcx "
             "special.log_ndtr special.gammaln special.psi special.digamma "
             "special.spherical_bessel_j0 special.airy_ai special.bessel_j0 "
             "special.bessel_j1 special.bessel_y0 special.bessel_y1 "
             "special.modified_bessel_i0 special.modified_bessel_i1 "
             "special.modified_bessel_k0 special.modified_bessel_k1 "
             "special.scaled_modified_bessel_k0 special.scaled_modified_bessel_k1").split()
    for f in names:
        case("torch.%s(x)" % f, P(3, 4) * 8)
        case("torch.%s(x)" % f, torch.cat([edges[:5], edges[6:]]))
        case("torch.%s(x)" % f, P(5).double())
        case("torch.%s(x)" % f, I(5))
    for f in "lgamma_ digamma_ i0_".split():
        case("y = x.clone()\ny.%s()\nreturn y" % f, P(4))
    for n in (0, 1, 2, 3):
        case("torch.polygamma(%d, x)" % n, P(3, 4) * 4)
        x = F(7) * 3  # not beside a pole, where PyTorch's f32 loses digits
        case("torch.special.polygamma(%d, x)" % n, x.floor() + 0.25 + (x - x.floor()) / 2)
    case("x.clone().polygamma_(2)", P(4))
    for p in (1, 2, 5):
        case("torch.mvlgamma(x, %d)" % p, P(2, 3) + 2)
    case("torch.special.multigammaln(x, 2)", P(4).double() + 2)
    case("x.clone().mvlgamma_(3)", P() + 2)
    for f in "igamma igammac special.gammainc special.gammaincc".split():
        case("torch.%s(x, y)" % f, P(3, 1) * 5, P(4) * 5)
        case("torch.%s(x, y)" % f, edges[:7].repeat_interleave(7), edges[:7].repeat(7))
    case("x.clone().igamma_(y)", P(4), P(4))
    case("torch.special.zeta(x, y)", P(3, 1) * 5 + 1, P(4) * 5)
    case("torch.special.zeta(x, 2.5)", P(4) + 1)
    case("torch.special.zeta(2.0, x)", P(4))
    case("torch.special.zeta(x, y)", torch.tensor([2.0, 3.0, 2.5]), torch.tensor([-1.5, -0.25, -3.0]))


def polynomials(case, F, P, I):
    x = torch.tensor([[0.3], [1.0], [-1.0], [2.0], [-1.5], [0.0], [0.999]])
    n = torch.tensor([-1.0, -0.5, 0.0, 1.0, 2.0, 2.75, 3.0, 5.0])
    for f in ["%schebyshev_polynomial_%s" % (shift, k) for shift in ("", "shifted_")
              for k in "tuvw"] + ["hermite_polynomial_h", "hermite_polynomial_he",
                                  "laguerre_polynomial_l", "legendre_polynomial_p"]:
        f = "torch.special." + f
        case(f + "(x, y)", x, n)
        case(f + "(x, y)", F(3, dtype=torch.float64), I(3, high=9))
        case(f + "(x, 3)", x)
        case(f + "(x, -1)", F(2))
        case(f + "(x, -1e30)", F(2))
        case(f + "(x, 2.7)", F(2))
        case(f + "(x, 0)", F(2))
        case(f + "(0.5, x)", I(4))
    for f in ("hermite_polynomial_he", "laguerre_polynomial_l", "legendre_polynomial_p"):
        case("torch.special.%s(x, 70)" % f, P(3).double())


def windows(case, F):
    for n in (1, 2, 7):
        x = F(n)
        for f in "hann hamming blackman bartlett kaiser".split():
            f = "torch.%s_window" % f
            case("%s(%d) * x" % (f, n), x)
            case("%s(%d, False) * x" % (f, n), x)
            case("%s(x.size(0), periodic=True, dtype=torch.float64) * x" % f, x)
        case("torch.hamming_window(%d, True, 0.6) * x" % n, x)
        case("torch.hamming_window(%d, False, 0.6, 0.3) * x" % n, x)
        case("torch.kaiser_window(%d, True, 3.5) * x" % n, x)
        case("torch.kaiser_window(%d, False, 5.0) * x" % n, x)
    case("torch.hann_window(0) * x", F(0))


def matrices(case, F, P, I):
    case("torch.kron(x, y)", F(2, 3), F(4, 2))
    case("torch.kron(x, y)", F(3), F(2, 2))
    case("torch.kron(x, y)", I(2, 2), F(2))
    case("torch.cross(x, y, 1)", F(4, 3), F(4, 3))
    case("torch.linalg.cross(x, y)", F(4, 3), F(1, 3))
    case("torch.linalg.cross(x, y, dim=0)", F(3, 2), F(3, 2))
    case("torch.tensordot(x, y, dims=2)", F(2, 3, 4), F(3, 4, 5))
    case("torch.tensordot(x, y, dims=([0, 2], [1, 0]))", F(2, 3, 4), F(4, 2, 5))
    case("torch.inner(x, y)", F(2, 3, 4), F(5, 4))
    case("torch.inner(x, y)", F(4), F(4))
    case("torch.inner(x, y)", F(4), F())
    case("torch.vdot(x, y)", F(4), F(4))
    case("torch.linalg.multi_dot([x, y, z])", F(2, 3), F(3, 4), F(4, 5))
    case("torch.linalg.multi_dot([x, y, z])", F(3), F(3, 4), F(4))
    case("torch.chain_matmul(x, y, z)", F(2, 3), F(3, 4), F(4, 5))
    for n in (0, 1, 2, 5):
        case("torch.matrix_power(x, %d)" % n, F(2, 3, 3))
    case("torch.addbmm(x, y, z)", F(3, 5), F(2, 3, 4), F(2, 4, 5))
    case("torch.addbmm(x, y, z, beta=0.0, alpha=2.0)", F(3, 5) * math.nan, F(2, 3, 4),
         F(2, 4, 5))
    case("torch.addr(x, y, z, beta=0.5, alpha=2.0)", F(3, 4), F(3), F(4))
    case("torch.nn.functional.bilinear(x, y, z, w)", F(3, 4), F(3, 5), F(2, 4, 5), F(2))
    case("torch.nn.functional.bilinear(x, y, z)", F(2, 3, 4), F(2, 3, 5), F(2, 4, 5))
    for p in ("0.0", "1.0", "2.0", "3.0", "float('inf')"):
        case("torch.cdist(x, y, p=%s)" % p, F(4, 3), F(5, 3))
        case("torch.dist(x, y, %s)" % p, F(4, 3), F(4, 3))
        case("torch.pdist(x, %s)" % p, F(5, 3))
    case("torch.cdist(x, y)", F(2, 30, 3), F(2, 4, 3))
    case("torch.cdist(x, y)", F(2, 3, 4, 3), F(3, 5, 3))
    for upper in (True, False):
        for left in (True, False):
            for unit in (True, False):
                case("torch.linalg.solve_triangular(x, y, upper=%s, left=%s, unitriangular=%s)"
                     % (upper, left, unit), F(2, 4, 4) / 4 + torch.eye(4) * 2,
                     F(2, 4, 4))
    case("torch.linalg.solve_triangular(x, y, upper=False)", P(3, 3), F(2, 3, 2))
    case("torch._grouped_mm(x, y, z)", F(6, 16).bfloat16(), F(3, 16, 8).bfloat16(),
         torch.tensor([2, 2, 6], dtype=torch.int32))
    for d in (-2, -1, 0, 1, 3):
        case("torch.diag(x, %d)" % d, F(3))
        case("torch.diag(x, %d)" % d, F(3, 4))
        case("torch.diag_embed(x, %d)" % d, F(2, 3))
    case("torch.diag_embed(x, 1, 0, 2)", F(2, 3))
    case("torch.diag_embed(x)", torch.tensor([math.inf, math.nan, 1.0]))
    case("torch.trace(x)", F(3, 4))
    case("torch.trace(x)", I(3, 3, dtype=torch.int32))
    case("torch.diagonal_scatter(x, y)", F(3, 4), F(3))
    case("torch.diagonal_scatter(x, y, -1, 2, 0)", F(3, 4, 5), F(4, 3))
    for f in "tril_indices triu_indices".split():
        for a in ("3, 4", "4, 3, 1", "3, 3, -2", "2, 2, 5"):
            case("torch.%s(%s) + x" % (f, a), I(1))
    for k in range(-1, 4):
        case("torch.rot90(x, %d, [0, 1])" % k, F(2, 3))
        case("torch.rot90(x, %d, [2, 0])" % k, F(2, 3, 4))
    for f in "hstack vstack dstack column_stack row_stack".split():
        case("torch.%s([x, y])" % f, F(3), F(3))
        case("torch.%s([x, y])" % f, F(2, 3), I(2, 3))
        case("torch.%s([x, y])" % f, F(), F())
    case("torch.hstack([x, y])", F(2, 3, 4), F(2, 1, 4))
    case("torch.block_diag(x, y, z)", F(2, 3), F(4), F())
    case("torch.cartesian_prod(x, y, z)", F(2), F(3), F(2))
    case("torch.combinations(x)", F(4))
    case("torch.combinations(x, 2, True)", F(4))
    for f in "hsplit vsplit dsplit".split():
        case("torch.%s(x, 2)" % f, F(4, 6, 2))
        case("torch.%s(x, [1, 3])" % f, F(4, 6, 2))
    case("torch.hsplit(x, 3)", F(6))
    case("torch.tensor_split(x, [2, 5, 3], 1)", F(2, 6))
    case("torch.tensor_split(x, 4, -1)", F(2, 6))
    case("torch.tensor_split(x, [-2])", F(5))


def order(case, F, P, I, B, SPECIAL):
    ties = torch.tensor([[1.0, 3.0, 3.0, 2.0, 3.0], [5.0, 1.0, 5.0, 0.0, 6.0]])
    for f in "cummax cummin".split():
        case("torch.%s(x, 1)" % f, F(3, 5))
        case("torch.%s(x, 0)" % f, SPECIAL)
        case("torch.%s(x, -1)" % f, ties)
        case("torch.%s(x, 0)" % f, I(6))
        case("torch.%s(x, 0)" % f, F())
    for n in (1, 2, 5, 8):
        case("torch.logcumsumexp(x, 1)", F(3, n) * 30)
    case("torch.logcumsumexp(x, 0)", torch.tensor([-math.inf, -math.inf, 1.0, math.inf, 2.0]))
    case("torch.logcumsumexp(x, 0)", torch.tensor([1000.0, -1000.0, math.nan, 2.0]))
    for k in (1, 3, 5):
        case("torch.kthvalue(x, %d)" % k, F(3, 5))
    case("torch.kthvalue(x, 2, 0, True)", F(3, 5))
    case("torch.kthvalue(x, 1)", F())
    holes = torch.tensor([[1.0, math.nan, 3.0], [math.nan, math.nan, math.nan],
                          [2.0, 5.0, -1.0]])
    case("torch.median(x, 1)", torch.tensor([[1.0, 4, 7], [2, 5, 0], [9, -1, math.nan]]))
    for f in "median nanmedian nansum nanmean".split():
        case("torch.%s(x)" % f, holes)
        case("torch.%s(x, 1)" % f, F(3, 5))
        case("torch.%s(x, 0, True)" % f, holes)
    case("torch.nanmean(x, 1)", holes)
    case("torch.nansum(x)", I(4))
    case("torch.nansum(x, 0, dtype=torch.float64)", holes)
    case("torch.count_nonzero(x)", I(3, 4, low=-1, high=2))
    case("torch.count_nonzero(x, 1)", SPECIAL.reshape(4, 4))
    case("torch.count_nonzero(x, [0, 1])", B(2, 3))
    case("torch.aminmax(x)", F(3, 4))
    case("torch.aminmax(x, dim=1, keepdim=True)", F(3, 4))
    case("torch.aminmax(x, dim=0)", I(3, 4))
    for right in (True, False):
        for n in (1, 2, 3, 7, 8):
            grid = torch.arange(n) * 2.0
            case("torch.searchsorted(x, y, right=%s)" % right, grid,
                 torch.tensor([[-1.0, 0.0, 1.0, 2.0], [3.0, 99.0, math.nan, 6.0]]))
        case("torch.searchsorted(x, y, right=%s)" % right, F(2, 6).sort(-1)[0], F(2, 4))
        case("torch.bucketize(x, y, right=%s)" % right, I(3, 4), torch.tensor([-3, 0, 0, 2]))
        case("torch.bucketize(x, y, out_int32=True, right=%s)" % right, F(9), F(5).sort()[0])
    case("torch.searchsorted(x, 1.5)", torch.tensor([0.0, 1.0, 2.0]))
    case("torch.searchsorted(x, y, sorter=z)", torch.tensor([3.0, 1.0, 2.0]), F(4),
         torch.tensor([1, 2, 0]))
    case("torch.searchsorted(x, y)", F(0), F(3))
    case("torch.isin(x, y)", I(3, 4), torch.tensor([1, -2, 5]))
    case("torch.isin(x, y, invert=True)", ties, torch.tensor([[3.0], [0.0]]))
    case("torch.isin(x, y)", torch.tensor([1.0, math.nan]), torch.tensor([math.nan, 2.0]))
    case("torch.isin(x, 3)", I(9))
    case("torch.isin(x, y)", I(4), I(0))
    case("torch.histc(x, 4, -1.0, 1.0)", U_edges())
    case("torch.histc(x, 7)", F(50))
    case("torch.histc(x, 3)", torch.ones(5))


def U_edges():
    return torch.tensor([-1.0, -0.5, 0.0, 0.5, 0.999, 1.0, 1.001, -7.0, 0.25])


def written(case, F, P, I, B):
    index = torch.tensor([[0, 2, 0, 1], [2, 2, 1, 0]])
    for r in "sum prod mean amax amin".split():
        for own in (True, False):
            case("torch.scatter_reduce(x, 0, y, z, '%s', include_self=%s)" % (r, own), F(3, 4),
                 index, F(2, 4))
            case("torch.scatter_reduce(x, 0, y, z, '%s', include_self=%s)" % (r, own),
                 I(3, 4), index, I(2, 4))
            if r != "sum":
                case("torch.index_reduce(x, 1, y, z, '%s', include_self=%s)" % (r, own),
                     F(3, 4), torch.tensor([0, 3, 0]), F(3, 3))
    case("torch.take(x, y)", F(3, 4), torch.tensor([[0, -1], [5, 11]]))
    case("torch.put(x, y, z)", F(3, 4), torch.tensor([0, -1, 5]), F(3))
    case("torch.put(x, y, z, True)", F(3, 4), torch.tensor([5, -1, 5]), F(3))
    case("torch.select_scatter(x, y, 1, -1)", F(3, 4), F(3))
    case("torch.slice_scatter(x, y, 1, 1, 3)", F(3, 4), F(3, 2))
    case("torch.slice_scatter(x, y, 0, -5, 100, 2)", F(5, 2), F(3, 2))
    case("torch.renorm(x, 2.0, 0, 1.5)", F(3, 4))
    case("torch.renorm(x, 1.0, 1, 2.0)", F(3, 4, 2))
    case("z = x.clone()\ntorch.embedding_renorm_(z, y, 1.0, 2.0)\nreturn z", F(6, 4),
         torch.tensor([[0, 3], [3, 1]]))
    bags = torch.tensor([0, 2, 2, 5])
    for mode in "sum mean max".split():
        case("torch.nn.functional.embedding_bag(x, y, z, mode='%s')" % mode,
             I(7, low=0, high=6), F(6, 4), bags)
        case("torch.nn.functional.embedding_bag(x, y, mode='%s')" % mode,
             I(3, 4, low=0, high=6), F(6, 4))
        case("torch.nn.functional.embedding_bag(x, y, z, mode='%s', include_last_offset=True)"
             % mode, I(7, low=0, high=6), F(6, 4), torch.tensor([0, 3, 7]))
        case("torch.nn.functional.embedding_bag(x, y, z, mode='%s', padding_idx=2)" % mode,
             torch.tensor([2, 1, 2, 0, 5, 2]), F(6, 4), torch.tensor([0, 2, 3]))
    case("torch.nn.functional.embedding_bag(x, y, z, mode='sum', per_sample_weights=w)",
         I(7, low=0, high=6), F(6, 4), bags, F(7))
    case("torch.native_layer_norm(x, [4], y, z, 1e-5)[0]", F(2, 3, 4), F(4), F(4))
    case("torch.native_group_norm(x, y, z, 2, 4, 6, 2, 1e-5)[0]", F(2, 4, 2, 3), F(4), F(4))
    case("torch.native_batch_norm(x, y, z, w, v, False, 0.1, 1e-5)[0]", F(2, 4, 3), F(4), F(4),
         F(4), P(4))
    case("torch._scaled_dot_product_attention_math(x, y, z)[0]", F(2, 3, 4, 8), F(2, 3, 5, 8),
         F(2, 3, 5, 8))
    case("torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(x, y, z)[0]",
         F(2, 3, 4, 8), F(2, 3, 5, 8), F(2, 3, 5, 8))


def sampled(case, F, P):
    for align in (True, False):
        for padding in "zeros border reflection".split():
            for mode in "bilinear nearest bicubic".split():
                case("%sgrid_sample(x, y, '%s', '%s', %s)" % (NN, mode, padding, align),
                     F(2, 3, 4, 5), F(2, 6, 3, 2))
            for mode in "bilinear nearest".split():
                case("%sgrid_sample(x, y, '%s', '%s', %s)" % (NN, mode, padding, align),
                     F(2, 2, 3, 4, 5), F(2, 2, 3, 2, 3))
            case("%sgrid_sample(x, y, 'bilinear', '%s', %s)" % (NN, padding, align),
                 F(1, 1, 1, 3), F(1, 4, 4, 2) * 3)
        case("%saffine_grid(x, [2, 3, 4, 5], %s)" % (NN, align), F(2, 2, 3))
        case("%saffine_grid(x, [2, 3, 1, 4, 5], %s)" % (NN, align), F(2, 3, 4))
        case("%sgrid_sample(y, %saffine_grid(x, [2, 3, 4, 5], %s), align_corners=%s)"
             % (NN, NN, align, align), F(2, 2, 3), F(2, 3, 4, 5))
        for mode in "bilinear bicubic".split():
            for size in ([3, 4], [9, 20], [1, 1], [7, 2]):
                case("%sinterpolate(x, size=%s, mode='%s', antialias=True, align_corners=%s)"
                     % (NN, size, mode, align), F(2, 2, 7, 9))
    for mode in "bilinear bicubic".split():
        case("%sinterpolate(x, scale_factor=0.4, mode='%s', antialias=True)" % (NN, mode),
             F(1, 2, 11, 8))


# Of their own, so that what other cases draw stays as it is.
OWN = torch.Generator().manual_seed(11)


def drawn(*shape):
    return torch.randn(shape, generator=OWN)


def drawn_ints(*shape, low=-5, high=6, dtype=torch.int64):
    return torch.randint(low, high, shape, generator=OWN).to(dtype)


def masked(case, F=drawn, I=drawn_ints):
    """Reads and writes where a mask says, of static shapes."""
    m = torch.tensor([[True, False, True], [False, False, True]])
    for body in ("y = x.clone(); y[z] = 2.5; return y",
                 "y = x.clone(); y[z] = w; return y",
                 "y = x.clone(); y[z] = (x * 2 + 1)[z]; return y",
                 "y = x.clone(); y[z] = torch.tanh(x[z] * 3 - w) ** 2; return y",
                 "y = x.clone(); y[z] += 1; return y",
                 "y = x.clone(); y[z] *= w; return y",
                 "y = x * 0; t = x[z]; t.mul_(2); t += 1; y[z] = t; return y",
                 "y = x.clone(); y[y[:, :, 0] > 0] = x[x[:, :, 0] > 0] * 2; return y",
                 "return torch.index_put(x, [z], w, accumulate=True)"):
        case(body.replace("; ", "\n"), F(2, 3, 4), F(), m, F(4))
    case("y = x.clone()\ny[z] = w\nreturn y", F(2, 3), F(), m, F(3))
    case("y = x.clone()\ny[z] = w\nreturn y", F(2, 3, 4), F(), m, F(3, 4))
    case("y = x.clone()\ny[z] = w\nreturn y", F(2, 3, 4), F(), m, F(1, 4))
    case("y = x.clone()\ny[:, z] = w\nreturn y", F(5, 2, 3), F(), m, F())
    case("y = x.clone()\ny[:, z] = w\nreturn y", F(5, 2, 3), F(), m, F(5, 1))
    case("y = x.clone()\ny[:, z] = w\nreturn y", F(5, 2, 3, 2), F(), m, F(5, 3, 2))
    case("y = x.clone()\ny[:, z] = w\nreturn y", F(5, 2, 3), F(), m, F(3))
    case("y = x.clone()\ny[:, z] = x[:, z].exp()\nreturn y", F(5, 2, 3), F(), m)
    case("y = x.clone()\ny[1:, z] = -x[1:, z]\nreturn y", F(5, 2, 3), F(), m)
    case("y = x.clone()\ny[:, 1, z] = 3\nreturn y", F(5, 2, 3), F(), m[0])
    case("y = x.clone()\ny[z] = w\nreturn y", I(2, 3), F(), m, I(3, dtype=torch.int32))
    case("y = x.clone()\ny[y > 1] = 0\nreturn y", I(2, 3))
    case("y = x.clone()\ny[z] = 7\nreturn y", F(4), F(), torch.tensor(True))
    case("y = x.clone()\ny[z == 2] = x[z == 2].double().sigmoid().float()\nreturn y",
         F(6), F(), torch.tensor([2, 1, 2, 3, 2, 1]))


def bits(case):
    """and, or, xor, not and shifts of integers, of numbers known and not."""
    for dtype, low, high in ((torch.int64, -2**63, 2**63 - 1), (torch.int32, -2**31, 2**31),
                             (torch.int16, -2**15, 2**15), (torch.int8, -128, 128),
                             (torch.uint8, 0, 256)):
        edges = torch.tensor([low, low + 1, high - 1, 0, 1, 7, 100]).to(dtype)
        x = torch.cat([drawn_ints(2, 13, low=low, high=high, dtype=dtype),
                       edges.expand(2, 7)], 1)
        y = torch.cat([drawn_ints(13, low=low, high=high, dtype=dtype), edges.flip(0)])
        case("x & y, x | y, x ^ y, ~x", x, y)
        for mask in (15, 0, 1, 127, 128, 240, 0x55, 90, -1 & 255):
            case("x & %d, x | %d, x ^ %d" % (mask, mask, mask), x)
        if dtype != torch.uint8:
            case("x & -16, x | -1, x ^ -128, x & -128", x)
        case("x >> 4 & 15, (x << 4) ^ x", x)
    case("x & y", drawn_ints(3) > 0, drawn_ints(3, dtype=torch.uint8))
    case("y = x.clone()\ny |= 3\ny ^= z\ny &= 13\nreturn y", drawn_ints(5), drawn(),
         drawn_ints(5))
    case("torch.bitwise_and(6, x), torch.bitwise_or(x, y), torch.bitwise_xor(x, y)",
         drawn_ints(2, 3), drawn_ints(dtype=torch.int32))
    # int4 weights as they are packed, two in a byte
    case("w = torch.stack([x & 15, x >> 4], -1).flatten(1)\n"
         "return torch.nn.functional.linear(y, (w - 8).to(torch.float32) * z)",
         drawn_ints(6, 4, low=0, high=256, dtype=torch.uint8), drawn(3, 8), drawn(6, 1))
    case("n = 1 << (x.size(0) + 1)\nreturn x * (n >> 2) + (n & 6) + (n | 1) + (n ^ 5)",
         drawn(3))


def python(case, F=drawn, I=drawn_ints):
    """What scripts do with lists, dicts and texts."""
    for body in (
            "d = {'a': x, 'b': x * 2}; y = d.pop('a'); return y + len(d), d",
            "d = {'a': x, 'b': x * 2}; y = d.pop('c', x * 3); return y + len(d), d",
            "d = {'a': x}; d.update({'b': x + 1, 'a': x - 1}); return d",
            "d = {'a': x}; y = d.setdefault('a', x + 1) + d.setdefault('b', x + 2); "
            "return y, d",
            "d = {'a': x, 'b': x * 2}; del d['a']; return d",
            "d = {'a': x}; d.clear(); d['z'] = x; return d",
            "d = {1: x, 2: x * 2}; d[1] = x * 3; y = d.pop(2); return y, d[1]",
            "l = [3, 1, 2, 1]; l.remove(1); return x * l[0] + l[1] + l.index(1) * len(l)",
            "l = ['a', 'b', 'c']; l.remove('b'); return x + len(l) * l.index('c')",
            "l = [1.5, 2.5]; return x * l.index(2.5) + l.count(1.5)",
            "l = [x, x + 1, x + 2]; del l[1]; return torch.stack(l)",
            "s = 'conv1.weight.data'.split('.'); return x * len(s) + len(s[1])",
            "s = ' a  b '.split(); return x * len(s) + len(s[0])",
            "s = 'a,b,c'.split(',', 1); return x * len(s) + len(s[1])",
            "s = '%d-%s %% %i' % (x.size(0), 'ab', 7); return x * len(s) + (s == '2-ab % 7')",
            "s = '%d' % 12345; return x * len(s)",
            "s = '%s' % 'abc'; return x * len(s)",
            "return x * math.log10(250.0) + math.log10(100)",
            "out: List[Tensor] = []; \nif x.size(0) > 1:\n    out.append(x); \n    out.append(-x)"
            "; return torch.stack(out)",
            "out: List[Tensor] = []; \nif x.size(0) > 5:\n    out.append(x); \nelse:\n"
            "    out += [x, x * 2]; return torch.stack(out, 1)",
            "out: List[Tensor] = []; \nfor i in range(3):\n    if i != 1:\n        "
            "out.append(x * i); return torch.stack(out) if len(out) > 0 else x",
            "out = [x]; y = out; out += [x + 1]; return y",
            "l = [1, 2]; k = l; l *= 2; return x * len(k) + k[3]",
            "a = [x]; b = a + [x * 2]; a = a + b; c = [x] * 2; a.extend(c); n = [1, 2]; "
            "n += [3]; n[0] += 5; return a + [x * n[0], x * n[2], x * len(n)]",
            "shape = [x.shape[0]]; shape += [2, 2]; s = ['a']; s += ['b']; "
            "return x.view(shape) * len(s)",
            "s = '  ab '.strip(); return x * len(s) + len('a-b-c'.replace('-', '+-'))",
            "return x * int('abc'.isalpha()) + int('12'.isdigit()) * 2 + 'abcab'.find('ca')",
            "l = [x, x * 2]; m = l.copy(); m.pop(); l.insert(0, -x); l.reverse(); "
            "return torch.cat(l + m)",
    ):
        case(body.replace("; \n", "\n").replace("; ", "\n"), F(2, 4))


def statistics(case, F=drawn, I=drawn_ints):
    """Quantiles, modes, covariances, integrals; what copies; other results."""
    x, ties = F(3, 5), I(4, 7, low=0, high=3)
    holes = torch.where(F(3, 5) > 1, torch.tensor(math.nan), F(3, 5))
    for how in ("linear", "lower", "higher", "midpoint", "nearest"):
        for f in ("quantile", "nanquantile"):
            case("torch.%s(x, 0.3, 1, interpolation='%s')" % (f, how), x)
            case("torch.%s(x, y, 0, True, interpolation='%s')" % (f, how), holes,
                 torch.tensor([0.0, 0.4, 1.0]))
            case("torch.%s(x, y, interpolation='%s')" % (f, how), holes, torch.tensor([0.5]))
    case("torch.quantile(x, 0.5, -1, True)", F(2, 3, 4))
    case("torch.quantile(x, 0.5)", F())
    for dim in (0, 1, -1):
        case("torch.mode(x, %d)" % dim, ties)
        case("torch.mode(x, %d, True)" % dim, F(3, 4))
    case("torch.mode(x)", F())
    for f in ("cov", "corrcoef"):
        case("torch.%s(x)" % f, F(3, 6))
        case("torch.%s(x)" % f, F(6))
    case("torch.cov(x, correction=0)", F(3, 6))
    case("torch.cov(x, fweights=y)", F(3, 6), I(6, low=1, high=4))
    case("torch.cov(x, aweights=y)", F(3, 6), F(6).abs() + 0.1)
    case("torch.cov(x, correction=2, fweights=y, aweights=z)", F(3, 6), I(6, low=1, high=4),
         F(6).abs() + 0.1)
    for f in ("trapezoid", "cumulative_trapezoid"):
        case("torch.%s(x)" % f, F(3, 5))
        case("torch.%s(x, dx=0.5, dim=0)" % f, F(3, 5))
        case("torch.%s(x, y, dim=0)" % f, F(3, 5), F(3))
        case("torch.%s(x, y)" % f, F(3, 5), F(3, 5))
    for order in (1, 2):
        case("torch.gradient(x, spacing=0.5, edge_order=%d)" % order, F(4, 5))
        case("torch.gradient(x, dim=[1], edge_order=%d)" % order, F(4, 5))
        case("torch.gradient(x, spacing=[0.5, 2.0], dim=[0, 1], edge_order=%d)" % order,
             F(4, 5))
    edges = torch.tensor([0.0, -0.0, 1.0, -1.0, 1.5, 2**-126, 2**-149, 3e-39, 3.4028234663852886e38,
                          math.inf, -math.inf, math.nan, 1 + 2**-23, 2 - 2**-23, 2**-125])
    case("torch.nextafter(x, y)", edges[:, None], edges)
    case("torch.nextafter(x, y)", F(40), F(40))
    case("torch.logspace(-1, 2, 7)", F(1))
    case("torch.logspace(0.5, 3, 4, 2.0) * x", F(4))
    case("x.squeeze(())", F(1, 3, 1)) if torch.__version__ >= "2" else None
    for f in ("max", "min", "median"):
        case("torch.%s(x, 0)" % f, F())
        case("torch.%s(x, -1, True)" % f, F())
    zero = torch.tensor(0)
    case("x.index_add(0, y, z)", F(), zero, F())
    case("x.index_add(0, y, z, alpha=2)", F(3), torch.tensor(1), F())
    case("x.index_fill(0, y, 2.5)", F(), zero)
    case("x.index_copy(0, y, z)", F(), zero[None], F(1))
    pool = NN + "max_pool2d(x, %s, return_indices=True)"
    for how in ("2", "3, 2, 1", "(2, 3), 1, (0, 1), (2, 1)", "3, 2, 1, 1, True"):
        case(pool % how, F(2, 3, 7, 8))
    case(NN + "max_pool1d(x, 3, 2, return_indices=True)", F(2, 3, 9))
    case(NN + "max_pool3d(x, 2, return_indices=True)", F(1, 2, 4, 5, 4))
    case(NN + "max_pool2d(x, 2, return_indices=True)", I(1, 4, 4, low=0, high=2).float())
    case(NN + "adaptive_max_pool2d(x, (2, 3), return_indices=True)", F(2, 3, 4, 9))
    case("a, b = %smax_pool2d(x, 2, return_indices=True)\n"
         "return %smax_unpool2d(a, b, 2, output_size=[7, 8])" % (NN, NN), F(2, 3, 7, 8))
    case("torch.native_layer_norm(x, [4], y, None, 1e-5)", F(2, 3, 4), F(4))
    case("torch.native_group_norm(x, None, None, 2, 4, 5, 2, 1e-5)", F(2, 4, 5))
    case("torch.native_batch_norm(x, None, None, None, None, True, 0.1, 1e-5)", F(4, 3, 5))
    case("torch.native_batch_norm(x, None, None, y, z, False, 0.1, 1e-5)", F(4, 3, 5), F(3),
         F(3).abs() + 0.1)
    if torch.__version__ < "2":
        return
    case("y = x.clone()\na = torch.view_copy(x, [4, 3])\na += 1\nreturn a, x", F(3, 4))
    case("torch.split_copy(x, 2, 1)", F(3, 5))
    case("torch.tensor_split(x, torch.tensor([1, 3]), 1)", F(2, 5))
    case("torch.tensor_split(x, torch.tensor(2), 1)", F(2, 5))
    case("torch.narrow(x, 1, torch.tensor(2), 2)", F(2, 5))
    case("torch.ops.aten._safe_softmax(x, 1)", torch.tensor([[0.0, 1], [-math.inf, -math.inf]]))
    case("torch.ops.aten._chunk_cat([x, y], 0, 2)", F(3, 4), F(2, 4))


def further(case, F=drawn, I=drawn_ints):
    """What remains of small families."""
    edges = torch.tensor([0.0, -0.0, 1.0, -1.0, 2.5, 1e-40, 8.0, 3.4e38, math.inf, -math.inf,
                          math.nan, 0.125])
    case("torch.frexp(x)", edges)
    case("torch.frexp(x)", torch.ldexp(F(60), I(60, low=-120, high=120)))
    case("torch.isreal(x), torch.angle(x)", edges)
    case("torch.diagflat(x, 1)", F(2, 2))
    case("x.mH, x.adjoint()", F(2, 3, 4)) if torch.__version__ >= "2" else None
    case("torch.as_strided_scatter(x, y, [2, 3], [4, 1], 1)", F(3, 4), F(2, 3))
    case("torch.fft.fftshift(x), torch.fft.ifftshift(x, [1])", F(3, 5))
    case("x.sum_to_size(3, 1)", F(2, 3, 4))
    case("torch.linalg.vecdot(x, y)", F(2, 3), F(3))
    for r in (1, 2, 3):
        for again in (False, True):
            case("torch.combinations(x, %d, %s)" % (r, again), F(4))
    case("torch.index_reduce(x, 0, y, z, 'mean')", F(), torch.tensor(0), F())
    case("torch._softmax_backward_data(x, y, 1, torch.float32)", F(3, 4), F(3, 4).softmax(1))
    pools(case, F)
    picks(case, F, I)
    backward(case, F, I)
    narrow_dtypes(case, F, I)


def pools(case, F):
    """Positions of maxima: the first one of equal elements, the last one of NaN."""
    x = F(2, 3, 7, 8).round()
    x[0, 0, 1:4, 2] = math.nan
    x[1, 2] = -math.inf
    flags = "return_indices=True"
    for sizes in ("5", "(3, 4)", "(7, None)", "1"):
        case("%sadaptive_max_pool2d(x, %s, %s)" % (NN, sizes, flags), x)
    case("%sadaptive_max_pool1d(x, 5, %s)" % (NN, flags), x[0])
    case("%sadaptive_max_pool3d(x, (2, 3, 5), %s)" % (NN, flags), x)
    for how in ("3, 2, 1", "(2, 3), (1, 2), (1, 1), (2, 1), True"):
        case("%smax_pool2d_with_indices(x, %s)" % (NN, how), x)
    case("torch.ops.aten.max_pool2d_with_indices_backward(x, y, [2], [2], [0], [1], False, "
         "torch.nn.functional.max_pool2d_with_indices(y, 2)[1])", F(2, 3, 3, 4), x)
    case("torch.ops.aten.max_pool3d_with_indices_backward(x, y, [2], [1], [0], [1], False, "
         "torch.nn.functional.max_pool3d_with_indices(y, 2, 1)[1])", F(2, 2, 6, 7), x)
    case("torch.ops.aten.adaptive_max_pool2d_backward(x, y, "
         "torch.nn.functional.adaptive_max_pool2d_with_indices(y, (3, 5))[1])",
         F(2, 3, 3, 5), x)


def picks(case, F, I):
    """Parts by positions that depend on data, and of what has no axes."""
    case("x.narrow(1, y, 3)", F(2, 6), torch.tensor(2))
    case("x.narrow(-1, y, 3)", F(2, 6), torch.tensor(-4))
    case("x.narrow(1, torch.tensor(2), 3)", F(2, 6))
    case("x.narrow(1, y, 0), x.narrow(1, y, 6)", F(2, 6), torch.tensor(0))
    case("torch.index_select(x, 0, y)", F(), torch.tensor([0]))
    case("torch.index_select(x, -1, y)", F(), torch.tensor(0))
    case("x.unfold(0, 1, 2), x.unfold(-1, 0, 1)", F())
    case("x.unfold(1, 0, 2), x.unfold(0, 3, 1)", F(3, 4))
    for loss in ("multi_margin_loss", "multilabel_margin_loss"):
        for r in REDUCTIONS:
            case("%s%s(x, y, reduction='%s')" % (NN, loss, r), F(), torch.tensor(0))
    case("torch.linalg.diagonal(x, offset=1)", F(2, 3, 4))
    if not hasattr(torch.ops.aten, "_unsafe_masked_index"):
        return
    x, at, mask = F(3, 4), torch.tensor([[0, 9], [-3, 2]]), torch.tensor([[1, 0], [1, 1]]) > 0
    case("torch.ops.aten._unsafe_masked_index(x, z, [y, None], 2.5)", x, at, mask)
    case("torch.ops.aten._unsafe_masked_index(x, z, [None, y], 0)", x, at, mask)
    case("torch.ops.aten._unsafe_masked_index_put_accumulate(x, z, [y, y], w)", x, at, mask,
         F(2, 2))
    case("torch.ops.aten._batch_norm_with_update(x, y, z, torch.zeros(3), torch.ones(3), 0.1,"
         " 1e-5)", F(4, 3, 5), F(3), F(3))


def backward(case, F, I):
    """Gradients as they stand in exported graphs."""
    aten = "torch.ops.aten."
    edges = torch.tensor([0.0, -0.0, 1.0, -0.7, 2.5, -2.9, 30.0, -30.0, 0.5, -0.25])
    for call in ("gelu_backward(x, y)", "gelu_backward(x, y, approximate='tanh')",
                 "silu_backward(x, y)", "mish_backward(x, y)", "elu_backward(x, 0.7, 1.3, 0.9, "
                 "False, y)", "elu_backward(x, 0.7, 1.3, 0.9, True, y)",
                 "leaky_relu_backward(x, y, 0.2, False)", "hardtanh_backward(x, y, -0.7, 2.5)",
                 "hardsigmoid_backward(x, y)", "hardswish_backward(x, y)",
                 "softplus_backward(x, y, 2.0, 5.0)",
                 "log_sigmoid_backward(x, y, torch.exp(-torch.abs(y)))",
                 "hardshrink_backward(x, y, 0.4)", "softshrink_backward(x, y, 0.4)",
                 "mse_loss_backward(x, y, z, 1)", "mse_loss_backward(x, y, z, 2)"):
        case(aten + call, F(10), edges, *([F(10)] if "z" in call else []))
    case(aten + "gelu_backward(x, y)", F(10).half(), edges.half())
    case(aten + "slice_backward(x, [3, 7], 1, 1, 6, 2)", F(3, 3))
    case(aten + "slice_backward(x, [7, 3], 0, -4, 9223372036854775807, 1)", F(4, 3))
    case(aten + "select_backward(x, [3, 7], 1, -2)", F(3))
    case(aten + "diagonal_backward(x, [3, 4], 1, 0, 1)", F(3))
    case(aten + "embedding_dense_backward(x, y, 5, 2, False)", F(2, 3, 4), I(2, 3, low=0, high=5))
    case(aten + "_adaptive_avg_pool2d_backward(x, y)", F(2, 3, 3, 4), F(2, 3, 7, 8))
    for how in ("[3, 2], [2, 2], [1, 1], False, True, None",
                "[3, 2], [2, 2], [1, 1], False, False, None",
                "[3, 2], [2, 2], [1, 1], True, True, None",
                "[3, 2], [2, 2], [1, 1], True, False, 5"):
        case("%savg_pool2d_backward(torch.nn.functional.avg_pool2d(x, %s) * 2, x, %s)"
             % (aten, how, how), F(2, 3, 4, 5))
    case(aten + "avg_pool3d_backward(x, y, [2, 2, 2], [2, 2, 2], [0, 0, 0], False, True, None)",
         F(1, 2, 2, 2, 3), F(1, 2, 4, 4, 6))
    for weight in ("z", "None"):
        case("%snative_layer_norm_backward(x, y, [4], torch.native_layer_norm(y, [4], None, None,"
             " 1e-5)[1], torch.native_layer_norm(y, [4], None, None, 1e-5)[2], %s, None, [True, "
             "True, True])[0]" % (aten, weight), F(2, 3, 4), F(2, 3, 4), F(4))
        case("%snative_group_norm_backward(x, y, torch.native_group_norm(y, None, None, 2, 4, 5,"
             " 2, 1e-5)[1], torch.native_group_norm(y, None, None, 2, 4, 5, 2, 1e-5)[2], %s, 2, "
             "4, 5, 2, [True, True, True])[0]" % (aten, weight), F(2, 4, 5), F(2, 4, 5), F(4))
    case(aten + "native_layer_norm_backward(x, y, [4], torch.native_layer_norm(y, [4], None, None,"
         " 1e-5)[1], torch.native_layer_norm(y, [4], None, None, 1e-5)[2], z, z, [True, True, "
         "True])", F(2, 3, 4), F(2, 3, 4), F(4))
    case(aten + "native_group_norm_backward(x, y, torch.native_group_norm(y, None, None, 2, 4, 5,"
         " 2, 1e-5)[1], torch.native_group_norm(y, None, None, 2, 4, 5, 2, 1e-5)[2], z, 2, 4, 5,"
         " 2, [True, True, True])", F(2, 4, 5), F(2, 4, 5), F(4))
    for how, g, x, w in (
            ("[1, 1], [0, 0], [1, 1], False, [0, 0], 1", F(2, 6, 4, 5), F(2, 4, 6, 7),
             F(6, 4, 3, 3)),
            ("[2, 3], [1, 2], [2, 1], False, [0, 0], 2", F(2, 6, 3, 4), F(2, 4, 7, 9),
             F(6, 2, 3, 3)),
            ("[2, 2], [0, 1], [1, 1], False, [0, 0], 4", F(3, 4, 3, 4), F(3, 4, 8, 7),
             F(4, 1, 3, 2))):
        case("%sconvolution_backward(x, y, z, [0], %s, [True, True, True])" % (aten, how), g, x, w)
    case(aten + "convolution_backward(x, y, z, [0], [2], [1], [1], False, [0], 2, [True, True, "
         "True])", F(2, 4, 4), F(2, 6, 8), F(4, 3, 3))


def narrow_dtypes(case, F, I):
    """What other dtypes than f32 do in their own way."""
    u8 = I(3, 4, low=0, high=256, dtype=torch.uint8)
    case("torch.einsum('ij->i', x), x.sum_to_size(3, 1)", u8)
    case("torch.tensordot(x, y, ([0, 1], [1, 0]))", u8, u8.t().contiguous()[:, :, None])
    case("torch.diff(x)", I(9, low=0, high=2).bool())
    case("torch.nn.functional.max_pool2d(x, 3, 2, 1, return_indices=True)", u8[None])
    case("torch.nn.functional.rms_norm(x, [4])", F(3, 4).half() * 300) \
        if hasattr(torch.nn.functional, "rms_norm") else None
    case("x * torch.rsqrt((x.float() * x.float()).mean(-1, True) + 1e-6).half()",
         F(3, 4).half() * 300)
    for loss in ("margin_ranking_loss", "cosine_embedding_loss"):
        case("%s%s(x, y, z)" % (NN, loss), I(3, 4), I(3, 4), I(3, low=0, high=2) * 2 - 1
             if loss[0] == "c" else I(3, 4))
    case("torch.nn.functional.pairwise_distance(x, y)", I(3, 4), I(3, 4))
    case("torch.nn.functional.triplet_margin_loss(x, y, x + 1)", I(3, 4), I(3, 4))
    case("torch.nn.functional.poisson_nll_loss(x, y)", I(3, 4), I(3, 4, low=0))
    case("torch.cov(x, aweights=y)", F(2, 5).half(), F(5).abs())
    for dtype in (torch.float64, torch.float16, torch.bfloat16):
        x = torch.tensor([0.0, -0.0, 1.0, -1.5, 1e-5, 60000.0, math.inf, math.nan]).to(dtype)
        case("torch.frexp(x)", x)
        if dtype != torch.float16:
            case("torch.nextafter(x, y)", x, x.flip(0))
    case("torch.frexp(x)", torch.ldexp(F(40).double(), I(40, low=-1060, high=1000)))
    case("torch.nextafter(x, y)", torch.ldexp(F(40).double(), I(40, low=-1060, high=1000)),
         F(40).double())
