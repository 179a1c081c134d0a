"""More cases of import_cases.py: complex numbers, whose operands come as pairs [..., 2] and whose
results leave so. C(x) stands for torch.view_as_complex(x)."""
import torch

FFT = "torch.fft."
NORMS = ("backward", "ortho", "forward")


def add(case, F, P, I):
    def complex_case(text, *inputs):
        case(text.replace("C(", "torch.view_as_complex("), *inputs)
    parts(complex_case, F, P)
    arithmetic(complex_case, F, I)
    functions(complex_case, F, P)
    moved(complex_case, F, I)
    products(complex_case, F)
    reduced(complex_case, F)
    made(complex_case, F)
    written(complex_case, F)
    transforms(complex_case, F)
    frames(complex_case, F)


def parts(case, F, P):
    for text in ("torch.view_as_real(C(x))", "C(x)", "C(x).real", "C(x).imag", "C(x).conj()",
                 "torch.conj_physical(C(x))", "torch.resolve_conj(C(x).conj())", "C(x).abs()",
                 "torch.angle(C(x))", "torch.sgn(C(x))", "torch.is_complex(C(x))",
                 "torch.isreal(C(x))", "torch.isfinite(C(x))", "torch.isnan(C(x))",
                 "torch.isinf(C(x))", "C(x).mT.resolve_conj(), C(x).mH" if torch.__version__ >= "2"
                 else "C(x).t()", "C(x).conj().imag, torch.view_as_real(C(x).conj())"):
        case(text, F(3, 4, 2))
    case("torch.angle(C(x)), C(x).abs(), torch.isnan(C(x)), torch.isfinite(C(x))",
         torch.tensor([[0.0, 0.0], [-1.0, 0.0], [0.0, -2.0],
                       [float("inf"), 1.0], [float("nan"), 1.0], [-3.0, -4.0]]))
    case("torch.complex(x, y), torch.complex(x, z)", F(3, 4), F(3, 4), F(4))
    case("torch.polar(x, y)", P(3, 4), F(3, 4))
    case("torch.real(x), torch.conj(x)", F(3, 4))
    case("x.to(torch.complex64), x.to(torch.complex128)", F(3, 4))
    case("C(x).to(torch.complex128), C(x).type_as(C(y))", F(3, 2), F(1, 2))
    case("C(x).is_floating_point(), C(x).dim(), C(x).size(0), C(x).numel()", F(3, 4, 2))
    case("C(x)", F(3, 2).double())


def arithmetic(case, F, I):
    for op in ("+", "-", "*", "/"):
        case("C(x) %s C(y)" % op, F(3, 4, 2), F(4, 2))
        case("C(x) %s y, y %s C(x)" % (op, op), F(3, 4, 2), F(3, 1))
        case("C(x) %s 2.5, 2.5 %s C(x), C(x) %s 2" % (op, op, op), F(3, 4, 2))
        case("C(x) %s (1 + 2j), 1j %s C(x)" % (op, op), F(3, 4, 2))
        case("x %s 3j" % op, F(3, 4))
        case("C(x) %s y, y %s C(x)" % (op, op), F(3, 4, 2), I(3, 4, low=1, high=5))
        case("C(x) %s C(y)" % op, F(3, 2), F(3, 2).double())
    case("C(x) / C(y)", F(4, 2), torch.tensor([[1e-9, 2e-9], [1e9, -3e9], [0, 1], [2, 0]]))
    case("torch.add(C(x), C(y), alpha=2), torch.sub(C(x), y.sum(-1), alpha=3)", F(3, 2), F(3, 2))
    case("torch.rsub(C(x), C(y))", F(3, 2), F(3, 2))
    case("torch.addcmul(C(x), C(y), C(z), value=0.5)", F(3, 2), F(3, 2), F(3, 2))
    case("torch.addcdiv(C(x), C(y), C(z), value=2)", F(3, 2), F(3, 2), F(3, 2))
    case("torch.lerp(C(x), C(y), 0.3)", F(3, 2), F(3, 2))
    case("C(x) ** 2, C(x) ** 3, C(x) ** -1, C(x) ** 0, torch.square(C(x))", F(3, 4, 2))
    case("C(x) ** 0.5, C(x) ** 1.5, C(x) ** C(y)", F(3, 4, 2), F(3, 4, 2))
    case("C(x) ** x[..., 0]", F(3, 4, 2))
    case("-C(x), torch.reciprocal(C(x)), +C(x)", F(3, 4, 2))
    case("C(x) == C(y), C(x) != C(y), C(x) == x[..., 0]",
         torch.tensor([[1.0, 2], [1, 0], [3, 4]]), torch.tensor([[1.0, 2], [1, 1], [5, 4]]))


def functions(case, F, P):
    for f in ("exp log sqrt rsqrt sin cos tan sinh cosh tanh sigmoid log2 log10 log1p expm1 "
              "square reciprocal abs neg").split():
        case("torch.%s(C(x))" % f, F(3, 4, 2))
    case("torch.exp2(C(x))", F(3, 2)) if torch.__version__ >= "2" else None
    case("torch.nn.functional.silu(C(x))", F(3, 2))
    case("torch.tanh(C(x)), torch.sqrt(C(x))",
         torch.tensor([[20.0, 0.3], [-20.0, 1.0], [0.0, 0.0], [-4.0, 0.0], [1e-20, 1e-20]]))


def moved(case, F, I):
    for text in ("reshape(4, 3)", "view(2, 6)", "flatten()", "permute(1, 0)", "transpose(0, 1)",
                 "t()", "unsqueeze(1)", "unsqueeze(0).squeeze(0)", "[1]", "[:, 1:3]", "[..., ::2]",
                 "expand(2, 3, 4)", "contiguous()", "clone()", "detach()", "flip(0)", "roll(1, 0)",
                 "repeat(2, 1)", "tile(2)", "movedim(0, 1)", "narrow(1, 1, 2)", "select(1, 2)",
                 "diagonal()", "triu()", "tril(-1)", "unfold(1, 2, 1)", "unbind(0)", "chunk(2, 1)",
                 "split(2, 1)", "tensor_split(3, 1)", "repeat_interleave(2, 1)", "swapaxes(0, 1)",
                 "masked_fill(x[..., 0] > 0, 0.5)", "masked_fill(x[..., 0] > 0, 1j)",
                 "rot90()", "unflatten(1, [2, 2])"):
        case("C(x)%s%s" % ("" if text[0] == "[" else ".", text), F(3, 4, 2))
    case("torch.cat([C(x), C(y)], 1), torch.stack([C(x), C(x)], 1)", F(3, 4, 2), F(3, 2, 2))
    case("torch.cat([C(x), y.to(torch.complex64)], 0)", F(3, 4, 2), F(1, 4))
    case("torch.nn.functional.pad(C(x), (1, 2)), torch.nn.functional.pad(C(x), (0, 1), value=2.0)",
         F(3, 4, 2))
    case("torch.where(y > 0, C(x), C(z)), torch.where(y > 0, C(x), 1.0)", F(3, 4, 2), F(3, 4),
         F(3, 4, 2)) if torch.__version__ >= "2" else None
    case("torch.gather(C(x), 1, y), torch.index_select(C(x), 1, y[0])", F(3, 4, 2),
         I(3, 4, low=0, high=4))
    case("C(x)[y], C(x)[:, y]", F(3, 4, 2), I(2, low=0, high=3))
    case("torch.scatter(C(x), 1, y, C(z)), torch.scatter_add(C(x), 1, y, C(z))", F(3, 4, 2),
         torch.tensor([[0, 2], [1, 3], [3, 0]]), F(3, 2, 2))
    case("torch.index_add(C(x), 1, y, C(z)), torch.index_copy(C(x), 1, y, C(z))", F(3, 4, 2),
         torch.tensor([2, 0]), F(3, 2, 2))
    case("torch.diag_embed(C(x)), torch.atleast_3d(C(x))", F(3, 4, 2))
    case("torch.fft.fftshift(C(x)), torch.fft.ifftshift(C(x), 1)", F(3, 5, 2))


def products(case, F):
    case("C(x) @ C(y), torch.mm(C(x), C(y))", F(3, 4, 2), F(4, 5, 2))
    case("torch.matmul(C(x), C(y)), torch.bmm(C(x), C(y))", F(2, 3, 4, 2), F(2, 4, 5, 2))
    case("torch.mv(C(x), C(y))", F(3, 4, 2), F(4, 2))
    case("torch.outer(C(x), C(y))", F(4, 2), F(4, 2))
    if torch.__version__ >= "2":  # 0 in some builds of 1.13
        case("torch.dot(C(x), C(y)), torch.vdot(C(x), C(y))", F(4, 2), F(4, 2))
    case("torch.einsum('bij,bjk->bik', C(x), C(y)), torch.einsum('bij->bji', C(x))", F(2, 3, 4, 2),
         F(2, 4, 5, 2))
    case("torch.nn.functional.linear(C(x), C(y), C(z))", F(2, 3, 2), F(4, 3, 2), F(4, 2))
    case("torch.nn.functional.linear(C(x), C(y))", F(2, 3, 2), F(4, 3, 2))
    case("torch.addmm(C(x), C(y), C(z), beta=2, alpha=0.5)", F(3, 5, 2), F(3, 4, 2), F(4, 5, 2))
    case("torch.baddbmm(C(x), C(y), C(z))", F(2, 3, 5, 2), F(2, 3, 4, 2), F(2, 4, 5, 2))
    case("torch.tensordot(C(x), C(y), 1), torch.kron(C(x), C(y))", F(3, 4, 2), F(4, 5, 2))
    case("torch.linalg.vecdot(C(x), C(y))", F(3, 4, 2), F(3, 4, 2))
    case("torch.nn.functional.conv1d(C(x), C(y), C(z), padding=1)", F(2, 3, 7, 2), F(4, 3, 3, 2),
         F(4, 2))


def reduced(case, F):
    for text in ("sum()", "sum(0)", "sum(-1, keepdim=True)", "mean()", "mean(1)", "prod(1)",
                 "prod()", "prod(0, keepdim=True)", "cumsum(1)", "norm()", "std()", "var(1)",
                 "diff()", "sum(dtype=torch.complex128)"):
        case("C(x).%s" % text, F(3, 5, 2))
    case("torch.linalg.vector_norm(C(x)), torch.linalg.vector_norm(C(x), 1, 1)", F(3, 5, 2))
    case("torch.trace(C(x))", F(4, 4, 2))


def made(case, F):
    case("torch.zeros(3, dtype=torch.complex64) + x, torch.ones(3, dtype=torch.complex128) * x",
         F(3))
    case("torch.full([3], 1 + 2j) * x", F(3))
    case("torch.zeros_like(C(x)), torch.ones_like(C(x)), torch.full_like(C(x), 2.0)", F(3, 2))
    case("C(x).new_zeros([2]), C(x).new_ones([2, 1]) * C(x)", F(3, 2))
    case("torch.eye(3, dtype=torch.complex64) @ C(x)", F(3, 2, 2))
    case("torch.view_as_real(C(x).new_full([2], 1.5))", F(3, 2))


def written(case, F):
    case("z = C(x).clone()\nz[0] = 0\nz[:, 1] *= 2\nreturn z", F(3, 4, 2))
    case("z = C(x).clone()\nz.real.mul_(2)\nreturn z", F(3, 4, 2))
    case("z = C(x).clone()\nz.imag.zero_()\nz[1].add_(1j)\nreturn z", F(3, 4, 2))
    case("z = C(x) * 1\ntorch.view_as_real(z)[..., 1] = 3\nreturn z", F(3, 4, 2))
    case("y = x.clone()\nz = torch.view_as_complex(y)\nz.mul_(1j)\nreturn y, z", F(3, 4, 2))
    case("z = C(x) * 1\nw = z.conj()\nw.add_(2j)\nreturn z, w", F(3, 4, 2))
    case("z = C(x) * 1\nw = z.t()\nw[0].mul_(C(x)[:, 1])\nreturn z, w", F(3, 4, 2))
    case("z = C(x) * 1\nz.unsqueeze_(0)\nz.mul_(2)\nreturn z", F(3, 4, 2))
    case("z = C(x) * 1\nz.copy_(x[..., 0])\nreturn z", F(3, 4, 2))


def transforms(case, F):
    for n in (1, 2, 3, 5, 8, 12, 30, 64, 67, 74, 96, 100, 131, 202, 210, 243, 256, 480):
        case(FFT + "fft(C(x)), torch.fft.ifft(C(x))", F(2, n, 2))
        case(FFT + "fft(x), torch.fft.rfft(x), torch.fft.ihfft(x)", F(2, n))
        case(FFT + "irfft(C(x), %d), torch.fft.hfft(C(x), %d)" % (n, n), F(2, n // 2 + 1, 2))
    for norm in NORMS:
        for f in "fft ifft rfft irfft hfft ihfft".split():
            real = f in ("rfft", "ihfft")
            z = "x" if real else "C(x)"
            shape = (3, 4, 6) if real else (3, 4, 6, 2)
            case("%s%s(%s, norm='%s')" % (FFT, f, z, norm), F(*shape))
            case("%s%s(%s, 5, 0, '%s')" % (FFT, f, z, norm), F(*shape))
            case("%s%s(%s, 9, 1)" % (FFT, f, z), F(*shape))
            for many in "2n":
                case("%s%s%s(%s, norm='%s')" % (FFT, f, many, z, norm), F(*shape))
            case("%s%s2(%s, (3, 8), (2, 0))" % (FFT, f, z), F(*shape))
            case("%s%sn(%s, s=(5, 4))" % (FFT, f, z), F(*shape))
            case("%s%sn(%s, dim=(0, -2), norm='%s')" % (FFT, f, z, norm), F(*shape))
    case(FFT + "fft(x), torch.fft.ifft(x), torch.fft.irfft(x), torch.fft.fft2(x), torch.fft.ifftn(x)",
         F(4, 6))
    case(FFT + "fft(x)", F(12).double())
    case(FFT + "fft(x)", F(12).long())
    case(FFT + "fft(torch.fft.fft(x, dim=-1), dim=-2).real", F(2, 12, 20))
    case(FFT + "irfft(torch.fft.rfft(x, n=32) * torch.fft.rfft(y, n=32), n=32)[..., :16]",
         F(2, 16), F(16))
    case(FFT + "fftfreq(7) + x, torch.fft.fftfreq(8, 0.5)[:7] + x", F(7))
    case(FFT + "rfftfreq(7, 2.0) + x, torch.fft.rfftfreq(6) + x", F(4))
    low = "torch.ops.aten._fft_"
    for by in (0, 1, 2):
        case("%sr2c(x, [1, 2], %d, True), %sr2c(x, [2], %d, False)" % (low, by, low, by),
             F(2, 3, 6))
        case("%sc2c(C(x), [1], %d, True), %sc2c(C(x), [0, 1], %d, False)" % (low, by, low, by),
             F(2, 6, 2))
        case("%sc2r(C(x), [1], %d, 7)" % (low, by), F(2, 4, 2))


def frames(case, F):
    window = torch.hann_window(16)
    for how in ("16", "16, 5", "16, 4, 10, window=y[:10]", "16, 4, window=y, normalized=True",
                "16, 4, window=y, onesided=False", "16, 4, window=y, center=False",
                "16, 8, window=y, pad_mode='constant'"):
        case("torch.stft(x, %s, return_complex=True)" % how, F(2, 50), window)
    case("torch.stft(x, 20, 5, window=y, return_complex=True).abs() ** 2", F(50),
         torch.hann_window(20))
    case("torch.stft(x, 16, 4, window=y, return_complex=False)", F(2, 50), window)
    case("torch.stft(C(x), 16, 4, window=y, onesided=False, return_complex=True)", F(2, 50, 2),
         window)
    for how in ("16, 4, window=y", "16, 4, window=y, length=45", "16, 4, window=y, length=70",
                "16, 8, window=y, normalized=True", "16, 4, 10, window=y[:10] + 0.1",
                "16, 5, window=y, center=True", "16, 4", "16, 4, window=y + 0.1, center=False"):
        case("torch.istft(C(x), %s)" % how, F(2, 9, 12, 2), window)
    case("torch.istft(C(x), 16, 4, window=y)", F(9, 12, 2), window)
    case("torch.istft(C(x), 16, 4, window=y, onesided=False)", F(2, 16, 12, 2), window)
    case("torch.istft(C(x), 16, 4, window=y, onesided=False, return_complex=True)",
         F(2, 16, 12, 2), window)
    case("torch.istft(torch.stft(x, 16, 4, window=y, return_complex=True), 16, 4, window=y, "
         "length=48)", F(2, 48), window)


REFUSED = [
    ("torch.fft.fft(x).asin().real", "aten::asin with self = a complex tensor"),
    ("torch.complex(x, x).cumprod(0)", "aten::cumprod with self = a complex tensor"),
    ("torch.complex(x.half(), x.half()).real", "complex numbers of half precision"),
]
