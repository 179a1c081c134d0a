"""Cases of import_cases.py that random operators (fuzz_operators.py) once found wrong, a
few of each kind, and what a method may do besides computing: views written in place,
containers, control flow."""
import math

import torch

NN = "torch.nn.functional."


def add(case, F, P, U, I, B, SPECIAL):
    arithmetic(case, F, I, B)
    positions(case, F, I, B)


def arithmetic(case, F, I, B):
    u8 = torch.uint8
    # numbers that do not fit the dtype wrap around
    case("x.new_full([2, 3], -2)", I(2, low=0, dtype=u8))
    case("torch.full([2], -2, dtype=torch.uint8) + x", I(2, low=0, dtype=u8))
    case("x.new_full([2], 9007199254740993)", I(2))
    case("torch.scalar_tensor(3) + x", I(2))
    case("torch.square(x)", B(3))
    case("torch.index_add(x, 0, y, z, alpha=-3)", I(3, low=0, dtype=u8), torch.tensor([1, 1]),
         I(2, low=0, dtype=u8))
    for e in ("2", "-0.5", "y", "3.0"):
        case("torch.float_power(x, %s)" % e, *([F(3).abs(), F(3)] if e == "y" else [F(3).abs()]))
    case("torch.float_power(-0.5, x)", I(3, low=0))
    case("torch.float_power(x, y)", I(3), I(3, low=0))
    case("torch.addcmul(x, y, z, value=-1.0)", I(3, dtype=torch.int16), I(3, dtype=torch.int16),
         B(3))
    case("torch.addcmul(x, y, z, value=2)", F(3).half(), F(3), F(3).half())
    for f in ("any", "all"):
        case("torch.%s(x)" % f, I(4, low=0, high=2, dtype=u8))
        case("torch.%s(x, 1, True)" % f, I(2, 4, low=0, high=3, dtype=u8))
        case("torch.%s(x, 0)" % f, F(0, 3))
        case("torch.%s(x)" % f, F(0))
        case("torch.%s(x, -2, True)" % f, B(3, 0, 2))
    for f in ("argmax", "argmin"):
        case("torch.%s(x, keepdim=True)" % f, F(2, 3))
        case("torch.%s(x, -1, True)" % f, F())
        case("torch.%s(x, 0)" % f.replace("arg", ""), B(4, 3))
    case("torch.remainder(x, 3.0)", torch.tensor([3e38, -3e30, 1.5, -0.0]).double() / 1e25)
    nan = torch.full((2, 3), math.nan)
    case("torch.addmm(x, y, z, beta=0)", nan, F(2, 4), F(4, 3))
    case("torch.addmm(x, y, z, beta=0, alpha=2)", nan[0], F(2, 4), F(4, 3))


def positions(case, F, I, B):
    case("torch.ravel(x)", F(2, 3, 4))
    case("torch.ravel(x)", F())
    case("torch.roll(x, [-2, 4], [1, -1])", F(3, 5))
    case("torch.roll(x, [2, 7, 1], [0, 0, 1])", F(4, 3))
    case("x.chunk(3, 1)", F(2, 0))
    case("torch.take_along_dim(x, y, 0)", F(4, 2), torch.tensor([[0], [2], [2]]))
    case("torch.take_along_dim(x, y, -1)", F(1, 3), torch.tensor([[0, 2], [1, 1]]))
    case("torch.gather(x, 0, y)", F(), torch.tensor([0, 0, 0]))
    case(NN + "local_response_norm(x, 3)", F(2, 2, 4, 2))
    case(NN + "local_response_norm(x, 5)", F(1, 3, 4))
