"""More cases of import_cases.py: factorisations of matrices, of numbers that stay the same
whatever cases there are."""
import torch

L = "torch.linalg."
NEW = torch.__version__ >= "2"
G = torch.Generator().manual_seed(23)


def F(*shape):
    return torch.randn(shape, generator=G) * 2


def add(case):
    def definite(*shape):
        x = F(*shape)
        return x @ x.mT / 4 + torch.eye(shape[-1])

    def low(m, n, rank):
        """Of that rank, in f32 as in f64."""
        return F(m, rank).mul(2).round() @ F(rank, n).mul(2).round() / 4

    elimination(case, F)
    systems(case, F, definite)
    definite_ones(case, F, definite)
    reflections(case, F)
    values(case, F, low, definite)
    functions(case, F)


SINGULAR = torch.tensor([[[1.0, 2, 0], [3, 1, 0], [4, 4, 0]], [[0, 0, 0], [0, 0, 0], [0, 0, 0]],
                         [[0, 1, 0], [0, 0, 1], [1, 0, 0]], [[2, 0, 0], [0, -2, 0], [0, 0, 3]]])
SHAPES = ((1, 1), (4, 4), (2, 5, 3), (2, 3, 5), (0, 0), (3, 0), (0, 3), (0, 3, 3), (2, 2, 3, 3))


def elimination(case, F):
    for shape in SHAPES:
        case(L + "lu_factor_ex(x)", F(*shape))
        case(L + "lu(x)", F(*shape))
        case("torch.lu_unpack(*torch.linalg.lu_factor(x))", F(*shape))
    case(L + "lu_factor_ex(x)", SINGULAR)
    case(L + "lu_factor(x)", F(9, 9).double())
    case(L + "lu_factor(x)", torch.tensor([[1.0, -1, 2], [-1, 1, 3], [1, 2, -1]]))  # ties
    case("torch._lu_with_info(x)", F(3, 3))
    case("a, b = torch.linalg.lu_factor(x)\nreturn torch.lu_unpack(a, b, False)[0]", F(3, 4))
    case("a, b = torch.linalg.lu_factor(x)\nreturn torch.lu_unpack(a, b, True, False)", F(4, 3))
    for f in ("torch.det(x)", "torch.logdet(x)", "torch.slogdet(x)", L + "det(x)",
              L + "slogdet(x)"):
        for x in (SINGULAR, F(4, 4), F(1, 1), F(0, 0), F(2, 0, 0), F(5, 5).double()):
            case(f, x)


def systems(case, F, definite):
    for f in (L + "inv(x)", "torch.inverse(x)", L + "inv_ex(x)"):
        for shape in ((1, 1), (4, 4), (2, 3, 3), (0, 0), (2, 0, 0)):
            case(f, F(*shape) + torch.eye(shape[-1]) * 4)
    case(L + "inv(x)", F(12, 12).double() + torch.eye(12) * 9)
    case("return " + L + "inv_ex(x)[1]", SINGULAR)
    for a, b in (((4, 4), (4,)), ((4, 4), (4, 3)), ((2, 3, 3), (3, 2)), ((2, 3, 3), (2, 3)),
                 ((3, 3), (2, 3, 2)), ((2, 1, 3, 3), (4, 3, 1)), ((0, 0), (0, 2)),
                 ((3, 3), (3, 0))):
        case(L + "solve(x, y)", F(*a) + torch.eye(a[-1]) * 8, F(*b))
    case(L + "solve(x, y, left=False)", F(2, 3, 3), F(2, 4, 3))
    if NEW:
        case(L + "solve_ex(x, y)", F(2, 3, 3), F(2, 3, 4))
        case("return " + L + "solve_ex(x, y)[1]", SINGULAR, F(4, 3, 1))
    for left in (True, False):
        for adjoint in (True, False):
            case("a, b = torch.linalg.lu_factor(x)\nreturn torch.linalg.lu_solve(a, b, y, left=%s, "
                 "adjoint=%s)" % (left, adjoint), F(2, 4, 4), F(2, 4, 4))
    case("a, b = torch.linalg.lu_factor(x)\nreturn torch.lu_solve(y, a, b)", F(3, 3), F(2, 3, 2))
    for upper in (True, False):
        for turned in (True, False):
            case("torch.triangular_solve(x, y, %s, %s)" % (upper, turned), F(2, 3, 2),
                 definite(2, 3, 3))
    case("torch.triangular_solve(x, y, unitriangular=True)", F(3, 2), definite(2, 3, 3))
    for n in (-1, -2, -5):
        case(L + "matrix_power(x, %d)" % n, F(2, 3, 3) / 2 + torch.eye(3) * 3)
    case(L + "tensorinv(x)", F(2, 3, 6))
    case(L + "tensorinv(x, ind=1)", F(6, 2, 3))
    case(L + "tensorsolve(x, y)", F(2, 3, 6), F(2, 3))
    case(L + "tensorsolve(x, y, dims=[0])", F(4, 2, 2), F(2, 2))


def definite_ones(case, F, definite):
    for upper in (True, False):
        for shape in ((1, 1), (5, 5), (2, 3, 3), (0, 0), (2, 0, 0)):
            case(L + "cholesky(x, upper=%s)" % upper, definite(*shape))
        case(L + "cholesky(x, upper=%s)" % upper, definite(4, 4).triu())
        case("torch.cholesky(x, %s)" % upper, definite(2, 4, 4).double())
        case(L + "cholesky_ex(x, upper=%s)" % upper, definite(3, 3))
        case("torch.cholesky_solve(y, torch.linalg.cholesky(x, upper=%s), %s)" % (upper, upper),
             definite(2, 4, 4), F(2, 4, 3))
        case("torch.cholesky_inverse(torch.linalg.cholesky(x, upper=%s), %s)" % (upper, upper),
             definite(2, 4, 4))
    case("return %scholesky_ex(x)[1]" % L, torch.stack(
        [torch.eye(3), torch.diag(torch.tensor([1.0, -1, 1])), torch.zeros(3, 3), SINGULAR[0]]))


def reflections(case, F):
    zeros = torch.tensor([[0.0, 1, 2], [0, 0, 3], [0, 4, 0], [0, 5, 6]])
    for mode in ("reduced", "complete", "r"):
        for shape in SHAPES:
            case(L + "qr(x, '%s')" % mode, F(*shape))
        case(L + "qr(x, '%s')" % mode, zeros)
    case(L + "qr(x)", F(7, 4).double() * 1e-200)
    case(L + "qr(x)", F(7, 4) * 1e25)
    case("torch.qr(x)", F(4, 3))
    case("torch.qr(x, False)", F(4, 3))
    for shape in ((4, 3), (3, 4), (2, 3, 3), (1, 1), (3, 1), (1, 3), (0, 0), (3, 0)):
        case("torch.geqrf(x)", F(*shape))
    for k in (0, 1, 2, 3):
        case(L + "householder_product(x, y)", F(2, 5, 3), F(2, k).abs())
    case("torch.orgqr(x, y)", F(4, 4), F(3).abs())
    for left in (True, False):
        for turned in (True, False):
            case("torch.ormqr(x, y, z, %s, %s)" % (left, turned), F(2, 4, 3), F(2, 3).abs(),
                 F(2, 4, 4))


def values(case, F, low, definite):
    samples = [F(1, 1), F(4, 3), F(2, 3, 5), low(5, 4, 2), SINGULAR, F(0, 3), F(2, 0, 0),
               F(5, 1), F(5, 5).double(), definite(4, 4), torch.ones(4, 4), F(4, 4) * 1e-20,
               F(3, 4) * 1e15]
    for x in samples:
        case(L + "svdvals(x)", x)
    for x in samples[:3]:
        case("return torch.svd(x)[1], %ssvd(x)[1]" % L, x)
    swap = torch.tensor([[0.0, 1], [1, 0]])
    for x in (F(1, 1), F(4, 4), F(2, 5, 5), swap, SINGULAR, F(0, 0), F(5, 5).double(),
              definite(3, 3)):
        for side in "LU":
            case(L + "eigvalsh(x, '%s')" % side, x)
        case("return %seigh(x)[0]" % L, x)
    for x in (low(5, 4, 2), F(4, 3), low(3, 5, 1), F(0, 3), F(0, 3, 3), torch.zeros(3, 3),
              low(4, 4, 2).double(), F(2, 3, 3)):
        case(L + "matrix_rank(x)", x)
        case(L + "pinv(x)", x)
    case(L + "matrix_rank(x, atol=0.5)", torch.diag(torch.tensor([3.0, 0.6, 0.4])))
    case(L + "matrix_rank(x, rtol=0.19)", torch.diag(torch.tensor([3.0, 0.6, 0.4])))
    case(L + "matrix_rank(x, tol=y)", F(2, 3, 3), torch.tensor([0.5, 2]))
    case(L + "matrix_rank(x @ x.mT, hermitian=True)", low(4, 4, 2))
    case(L + "pinv(x @ x.mT, hermitian=True)", F(4, 2))
    case(L + "pinv(x, rtol=0.19)", torch.diag(torch.tensor([3.0, 0.6, 0.4])))
    case(L + "pinv(x, atol=y)", F(2, 3, 4), torch.tensor([0.5, 3]))
    case("torch.pinverse(x)", F(4, 3))
    for x, y in ((F(5, 3), F(5, 2)), (F(3, 5), F(3, 2)), (F(5, 3), F(5)), (F(2, 4, 3), F(2, 4, 2)),
                 (F(2, 4, 3), F(2, 4)), (F(5, 3).double(), F(5, 2).double())):
        case("torch.linalg.lstsq(x, y)", x, y)
    case("torch.linalg.lstsq(x, y, driver='gels')", F(5, 3), F(5, 2))
    for driver in ("gelsd", "gelss"):
        case("a = torch.linalg.lstsq(x, y, driver='%s')\nreturn a[0], a[2], a[3]" % driver,
             F(5, 3), F(5, 2))
        case("torch.linalg.lstsq(x, y, driver='%s')" % driver, F(3, 5), F(3, 2))


def functions(case, F):
    for p in ("'fro'", "'nuc'", "1", "-1", "2", "-2", "float('inf')", "-float('inf')"):
        case(L + "matrix_norm(x, %s)" % p, F(2, 3, 4))
        case(L + "matrix_norm(x, %s, dim=(2, 0), keepdim=True)" % p, F(3, 2, 4))
        case(L + "norm(x, %s)" % p, F(3, 4))
        case(L + "norm(x, %s, dim=(0, 2))" % p, F(3, 2, 3).double())
        case(L + "cond(x, %s)" % p, F(2, 3, 3) + 6 * torch.eye(3))
    case(L + "cond(x)", F(2, 3, 5))
    case(L + "cond(x, 1)", SINGULAR)
    case("torch.norm(x, 'nuc')", F(3, 4))
    case(L + "matrix_norm(x, dtype=torch.float64)", F(3, 4))
    for x in (F(3, 3), F(2, 4, 4) / 8, F(1, 1), F(0, 0), torch.zeros(3, 3), F(3, 3).double() / 8,
              torch.stack([torch.eye(2) * 1e-6, torch.tensor([[0.0, 300], [-300, 0]]).div(8)]),
              torch.tensor([[0.0, 1000], [0, 0]])):
        case(L + "matrix_exp(x)", x)
        case("torch.matrix_exp(x)", x)
    case(L + "vander(x)", F(2, 4))
    case(L + "vander(x, N=6)", F(3))
    case(L + "vander(x, N=2)", torch.arange(4))
    case("torch.vander(x)", F(3))
    case("torch.vander(x, 4, increasing=True)", F(3))
    if NEW:
        case(L + "diagonal(x, offset=1)", F(2, 3, 4))
    case(L + "diagonal(x, offset=-1, dim1=0)", F(2, 3, 4))


WHY_VECTORS = ": vectors whose signs are not determined"
REFUSED = [
    ("torch.linalg.svd(x)[0]", "aten::linalg_svd" + WHY_VECTORS),
    ("torch.linalg.eigh(x @ x.t())[1]", "aten::linalg_eigh" + WHY_VECTORS),
    ("torch.linalg.inv(x.repeat(22, 33) + torch.eye(66))", "aten::linalg_inv of matrices of 66 x 66,"
     " more than 64"),
    ("torch.linalg.svdvals(x.repeat(6, 9))", "aten::linalg_svdvals of matrices of 18 x 18, more than"
     " 16"),
]
