"""Cases of import_cases.py that random operators (fuzz_operators.py) once found wrong, a
few of each kind, and what a method may do besides computing: views written in place,
containers, control flow."""
import math

import torch

NN = "torch.nn.functional."


def add(case, F, P, U, I, B, SPECIAL):
    arithmetic(case, F, I, B)
    positions(case, F, I, B)
    views(case, F, I, B)
    control(case, F, I, B)
    shapes_in_place(case)
    near_composites(case, F)


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


# What looks like an operator of PyTorch's, but has other ranks or axes than it takes.
def near_composites(case, F):
    x, w, y = F(2, 6, 4), F(5, 4), F(2, 6, 5)
    for e in ("y + x @ w.t()", "x @ w.t() + y", "(x @ w.t()) - y", "y * 0.5 + 2 * (x @ w.t())",
              "x @ w.t() + z", "torch.exp(x @ w.t() - (x ** 2).sum(-1, keepdim=True) / 2)",
              "x + torch.tanh(x) @ w.t()[:, :4]", "y[:, None] + x[:, None] @ w.t()",
              "torch.matmul(w, x.transpose(1, 2)) + y.transpose(1, 2)",
              "x[None] @ x[None].transpose(2, 3) + y[None, :, :, :1]",
              "y + torch.einsum('bsd,fd->bsf', x, w)", "y[0] + x[0] @ w.t()",
              "y[:, :1] + x @ x[:1].transpose(1, 2)[:, :, :5]"):
        case(e, x, y, F(2, 6, 1), w)
    for shape in ((4, 4, 5), (4, 4), (2, 4, 4)):
        for e in ("y[:, None, None]", "y[:, None]", "y", "y.reshape(1, 4, 1)", "y.sum()"):
            case("torch.where(x > 0, x, %s * x)" % e, F(*shape), F(4))
    case("%slayer_norm(x, [4]) * y + z" % NN, F(2, 3, 4), F(1), F(3, 1))
    case("%sgroup_norm(x, 2) * y" % NN, F(2, 4, 3), F(4, 1))
    case("(x - y) * torch.rsqrt(z + 1e-5)", F(3, 4), F(3, 4), F(3, 4).abs())


def positions(case, F, I, B):
    for where in ("x[y]", "x[:, y]", "x[y, z]", "x[1:, z, :]", "x[y, None, z]"):
        case(where, F(3, 4, 2), torch.tensor(-1), *([torch.tensor(2)] if "z" in where else []))
        case("v = x.clone()\nv[%s += 1\nv[%s = v[%s * 2\nreturn v" % ((where[2:],) * 3),
             F(3, 4, 2), torch.tensor(1), *([torch.tensor(-2)] if "z" in where else []))
    for mode in ("constant", "reflect", "replicate", "circular"):
        case(NN + "pad(x, [-1, 2], mode='%s')" % mode, F(2, 3, 5))
        case(NN + "pad(x, [2, -2], mode='%s')" % mode, F(2, 3, 5))
    case(NN + "pad(x, [-2, 3], mode='reflect')", F(2, 3, 5))
    case(NN + "pad(x, [1, 2, -1, -2], mode='replicate')", F(2, 3, 5))
    case(NN + "pad(x, [1, -2], mode='replicate')", F(2, 3, 2))
    case(NN + "pad(x, [2, 1, -1, 1], mode='replicate')", F(2, 3, 5, 4))
    for f in ("sort", "argsort", "msort"):
        case("torch.%s(x)" % f, F())
    case("torch.topk(x, 1)", F())
    case("torch.nan_to_num(x, 2.0, 5.0, -7.0)", torch.tensor([math.nan, math.inf, -math.inf, 1]))
    case("torch.nan_to_num(x, 2.0, None, -7.0)", I(3))
    case("torch.tensor([[1, 2], [3, 4], [5, 6]]) * x", F(2))
    case("torch.tensor([[[1.5], [2.0]]], dtype=torch.float64) + x", F(2, 1))
    case("y = x * torch.ones(torch.broadcast_shapes([3, 1], [4]))\nreturn y", F(4))
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


def shapes_in_place(case):
    """What changes its shape in place does so wherever it is held, and its views do not."""
    def body(text, of="x * 1"):
        case("y = %s\n%s" % (of, text), torch.arange(6.0).reshape(2, 3) - 2)
    body("z = y\ny.unsqueeze_(0)\nz.add_(1)\nreturn y, z, y.dim()")
    body("z = y[0]\nw = y.view(3, 2)\ny.t_()\nz.mul_(2)\ny[2] = 5.0\nreturn y, z, w")
    body("z = y[:, 1]\ny.transpose_(0, 1)\nz.fill_(7.0)\nreturn y, z, y[1]")
    body("z = [y, y.t()]\ny.swapaxes_(0, 1)\nz[0][0].mul_(2)\nz[1].sub_(1)\nreturn y, z[0], z[1]")
    body("y.unsqueeze_(1).squeeze_()\nreturn y, y.unsqueeze(-1)", "x[1:2] * 2")
    body("y.squeeze_(1)\ny.swapdims_(0, 0)\nreturn y, y.size(0)", "x[1:2] * 2")
    body("y.as_strided_([3, 2], [1, 3])\nreturn y.mul_(2)", "x + 1")
    body("v = y.view(6)\nw = y[:, 1:]\nv.unsqueeze_(1).transpose_(0, 1)\ny.t_()\nw.t_()\nu = y[1]\n"
         "y.unsqueeze_(0)\nv.mul_(3)\nw.sub_(5)\nu.neg_()\ny.squeeze_()\nreturn y, v, w, u")
    body("for i in range(3):\n    y.unsqueeze_(0)\nreturn y.relu_(), y.dim()")
    body("z = y.detach()\nw = z\nz.unsqueeze_(0)\nz.add_(1)\nreturn y, z, w")
    case("x.unsqueeze_(0)\nreturn x + 1", torch.arange(4.0))
    case("y = torch.tensor([1.0, 2.0])\ny.unsqueeze_(0)\nreturn x + y", torch.arange(4.0).reshape(2, 2))


def views(case, F, I, B):
    """What is written through a view is seen by all that share its memory."""
    def body(text, *inputs):
        case(text + "\nreturn y, z", *inputs)
    body("y = x * 1\nz = y[1:].t()[0]\nz.add_(10)", F(3, 4))
    body("y = x * 1\nz = y.view(-1)[2:].view(2, 5)\nz[0].mul_(3)\ny[0, 2] = 7.0", F(3, 4))
    body("y = x * 1\nz = y.transpose(0, 1)\nz.t()[1].copy_(x[0])", F(3, 4))
    body("y = x * 1\nz = y.permute(2, 0, 1)[1]\nz[:, 1].zero_()\ny[0].fill_(4.0)", F(3, 4, 2))
    body("y = x * 1\nz = y.chunk(2, 1)[1].unsqueeze(0)\nz.mul_(2)\nz[0, 0].sub_(1)", F(3, 4))
    body("y = x * 1\nz = y[:, 1:3]\nz.copy_(z.flip([0]))", F(3, 4))
    body("y = x * 1\nz = y[0]\ny[1:] = z\nz += 1", F(3, 4))
    body("y = x * 1\nz = y.reshape(4, 3)\nz += 1", F(3, 4))
    body("y = x * 1\nz = y.t().reshape(12)\nz += 1", F(3, 4))
    body("y = x * 1\nz = y.t().contiguous()\nz += 1", F(3, 4))
    body("y = x * 1\nz = y.contiguous()\nz += 1", F(3, 4))
    body("y = x * 1\nz = y.to(torch.float32)\nz += 1", F(3))
    body("y = x * 1\nz = y.float()\nz += 1", F(3))
    body("y = x * 1\nz = y.flatten()\nz[5] = 9.0", F(3, 4))
    body("y = x * 1\nz = y.squeeze(1)\nz *= 2", F(3, 1))
    body("y = x * 1\nz = y.expand(2, 3)\ny += 1", F(3))
    body("y = x * 1\nz = y.diagonal()\nz.fill_(5.0)", F(3, 3))
    body("y = x * 1\nz = y.unfold(0, 2, 1)\ny += 1", F(5))
    body("y = x * 1\nz = y.narrow(1, 1, 2)\nz.clamp_(-0.5, 0.5)", F(3, 4))
    body("y = x * 1\nz = y.unbind(0)[1]\nz.masked_fill_(z > 0, 7.0)", F(3, 4))
    body("y = x * 1\nz = y.split([1, 3], 1)[1]\nz.index_fill_(1, torch.tensor([0, 2]), 3.0)",
         F(3, 4))
    body("y = x * 1\nz = y[:, None]\nz[..., 0] += 5", F(3, 4))
    body("y = x * 1\nz = y[::2]\nz[:, ::2] = 1.5\nz.neg_()", F(5, 4))
    body("y = x * 1\nz = y.detach()\nz.add_(1)", F(3))
    body("y = x * 1\nz = y.view_as(y)\nz.add_(1)", F(3))
    body("y = x * 1\nz = y.as_strided([2, 2], [4, 1], 1)\nz.add_(1)", F(3, 4))
    body("y = x * 1\nz = y[1:].t().as_strided([2, 2], [1, 3])\nz.mul_(2)", F(3, 4))
    body("y = x * 1\nz = y.view(2, 6)[:, ::2][1].as_strided([3, 2], [2, 1])\nz.add_(1)", F(3, 4))
    body("y = x * 1\nz = y[1].as_strided([2, 3], [2, 1]).as_strided([2], [3])\nz.neg_()", F(3, 4))
    body("y = x * 1\nz = y.t()[2].as_strided([2, 2], [1, 5], 0)\nz.zero_()", F(3, 4))
    body("y = x.view(2, 4, 3)\nz = y.as_strided([2, 3, 4, 2], [12, 3, 1, 3])", F(2, 12))
    body("y = x * 1\nz = y.swapaxes(0, 1)\nz.index_put_([torch.tensor([0, 2])], y[:, 1])", F(3, 4))
    body("y = x * 1\nz = y[1]\nz[torch.tensor([0, -1])] += 2", F(3, 4))
    body("y = x * 1\nz = y[:2]\nz[z < 0] = 0.0", F(3, 4))
    body("y = x * 1\nz = y[1]\ny = y + 1\nz.mul_(2)", F(3, 4))
    body("y = x * 1\nz = y\ny += 1\ny = y * 2\nz -= 3", F(3))
    body("y = x * 1\nz = y.add_(1).mul_(2)[0].sub_(5)", F(3, 4))
    body("y = [x * 1, x * 2]\nz = y[0]\ny[0] += 1\ny[1][0] = z[1]", F(3))
    body("y = x * 1\nz = y[0]\nfor i in range(3):\n    z += i\n    y[i] = z * 2", F(3, 4))
    body("y = torch.zeros_like(x)\nz = y[1:-1, 1:-1]\nz.copy_(x[:-2, 2:])\nz += x[2:, :-2]", F(5, 5))
    body("y = x * 1\nz = torch.zeros(2, 4)\nz.copy_(y[1])\ny[0].copy_(torch.tensor(3.0))", F(3, 4))
    body("y = x * 1\nz = y.mul(2)\ntorch.add(x, x, out=z)", F(3))
    body("y = x.to(torch.int64)\nz = y[0]\nz += 3\ny[1] = x[1]", F(3, 2) * 3)
    body("y = x.half()\nz = y[0]\nz.add_(x[1])", F(3, 2))
    body("y = x * 1\nz = y.lerp_(x + 1, 0.5)\nz.addcmul_(x, x, value=0.5).div_(3)", F(3))
    body("y = x * 1\nz = y.scatter_(0, torch.tensor([[0, 1]]), 5.0)\nz.triu_()", F(3, 2))
    case("x.add_(1)\nreturn x", F(3))  # the input itself
    case("y = x\ny.mul_(2)\nreturn x + y", F(3))
    case("y = x[0]\ny += 1\nreturn x", F(3, 4))
    case("x[1] = x[0]\ny = x.t()\ny[0] = 1.0\nreturn x, y", F(3, 4))
    case("return x, x", F(3))
    case("return x, x + 0, x", F(3))
    case("return x", F(3))
    case("return x.t(), y", F(3, 2), F(2))
    case("return y + 1", F(3), F(2))
    case("return torch.ones(2)", F(3))
    case("a = x + 1\nreturn a, a, [a, a]", F(3))


def control(case, F, I, B):
    """Python as TorchScript has it; what hangs on shapes only is settled at import."""
    x34 = F(3, 4)
    case("n = 0\nwhile x.size(0) * (n + 1) < 20 and n < 9:\n    n += 1\nreturn x * n", x34)
    case("y = x\nwhile y.size(0) > 1:\n    y = y[::2] + y[1::2].sum()\nreturn y", F(8, 3))
    case("y = x\nfor i in range(x.size(0)):\n    if i == 2:\n        break\n"
         "    if i == 0:\n        continue\n    y = y + x[i]\nreturn y", x34)
    case("for i in range(3, -1, -2):\n    x = x * i - 1\nreturn x", x34)
    case("if x.dim() > 3:\n    return x\nif x.size(-1) == 4:\n    return x * 2\nreturn x * 3", x34)
    case("y: Optional[Tensor] = None\nif y is None:\n    y = x\nelse:\n    y = y * 2\nreturn y", x34)
    case("y: Optional[Tensor] = x\nif x.size(0) > 5:\n    y = None\n"
         "if y is not None:\n    return y + 1\nreturn x", x34)
    case("mode = 'mean'\nif mode == 'sum':\n    return x.sum()\nelif mode in ['mean', 'avg']:\n"
         "    return x.mean()\nreturn x", x34)
    case("assert x.size(0) == 3, 'three rows'\nassert x.dim() == 2\nreturn x + 1", x34)
    case("if x.size(0) != 3:\n    raise RuntimeError(f'not 3 but {x.size(0)}')\nreturn x + 1", x34)
    case("return torch.stack([x[i] * i for i in range(x.size(0))])", x34)
    case("return torch.cat([t for t in x.unbind(1)])", x34)
    case("y = torch.cat([x[:, 1:], x[:, :1]], 1); return torch.cat([y[:, 1:], y[:, :1]], 1)",
         x34)
    case("y = x * 2; y[:, 1:] = x[:, 1:]; y[:, :1] = 0; return y[:, :2], y[:, 2:]", x34)
    case("s = [x.size(1), x.size(0), 2]\ns.sort()\nreturn x.reshape(s[0], s[1] * s[2] // 2)", x34)
    case("s = sorted([5, x.size(0), 4])\nreturn x * s[0] + min(s) - max(s) + sum(s)", x34)
    case("return x * max(x.size(0), x.size(1)) + min(2.5, float(x.size(0)))", x34)
    case("return x[: int(x.size(1) / 2.0)] * int(2.9) + float(int(-1.5))", x34)
    case("return x * round(2.5) + abs(-3) + 7 // 2 - -7 // 2 + 7 % -3 + 2 ** 3 + divmod(7, 2)[1]", x34)
    case("return x * math.sqrt(x.size(0)) + math.floor(2.7) + math.ceil(2.1) + math.pi", x34)
    case("y = torch.zeros(x.size(0), dtype=x.dtype, device=x.device)\nreturn y + x[:, 0]", x34)
    case("return torch.arange(x.size(1), device=x.device).to(x.dtype) * x", x34)
    case("if x.dtype == torch.float32:\n    return x.new_zeros(2, x.size(0))\nreturn x", x34)
    case("if x.is_floating_point() and not x.is_cuda:\n    return x + 1\nreturn x", x34)
    case("return x.new_full((4,), 2) + x", x34)
    case("return torch.full_like(x, x.size(0), dtype=torch.int64)", x34)
    case("d = {'a': x, 'b': x + 1}\nd['c'] = d['a'] * d['b']\nreturn [d[k] for k in d.keys()]", x34)
    case("d = {'a': x}\ny = x\nfor k, v in d.items():\n    y = y + v\nif 'z' in d:\n    y = y * 0\n"
         "return y", x34)
    case("d: Dict[str, Tensor] = {}\nd['out'] = x\nd['aux'] = x * 2\nreturn d", x34)
    case("a, (b, c) = x, (x + 1, [x, x * 3])\nreturn a * b, c[1], len(c)", x34)
    case("y: List[Tensor] = []\nfor i, t in enumerate(x.unbind(0)):\n    y.append(t * i)\n"
         "for a, b in zip(y, y[1:]):\n    y[0] = y[0] + a * b\nreturn y", x34)
    case("h, w = x.shape\nreturn x.view(w, h) + h", x34)
    case("b, r = x.shape[0], x.shape[1:]\nreturn x * b + r[0] + len(r)", x34)
    case("return x.view(list(x.shape[:-1]) + [2, -1])", x34)
    case("s = 'ab' + str(x.size(0))\nif s == 'ab3' and s.startswith('a'):\n    return x\nreturn -x",
         x34)
    case("n = 1\nfor d in x.shape:\n    n *= d\nreturn x.reshape(n)", x34)
    case("y = x\nfor _ in range(2):\n    for j in range(y.dim()):\n        y = y.sum(j, True) + y\n"
         "return y", x34)
    case("t = (x, x * 2)\nreturn t[0] + t[-1] + len(t)", x34)
    case("ok = x.size(0) > 1 and (x.size(1) < 3 or not x.is_cuda)\nreturn x + 1 if ok else x", x34)
    case("n = torch.tensor(x.size(0))\nreturn x[:, : int(n)] * n", x34)
    case("n = torch.tensor(x.shape[0] * 2)\nreturn torch.ones(int(n.item()) // 2, 4) + x", x34)
    case("y = x.numel()\nif y % 2 == 0 and bool(y):\n    return x / y\nreturn x", x34)
    case("return x.sum(dim=(0, 1), keepdim=True) + x.size()[1] + x.ndim", x34)
    case("a: List[int] = [0] * x.dim()\na[0] = 2\nb = a + [1]\nb.insert(0, 3)\nb.pop()\n"
         "return x.repeat(b[0], b[1])", x34)
    case("p = [1, 1]\nreturn torch.nn.functional.pad(x, p + p[::-1])", x34)
    case("with torch.no_grad():\n    y = x * 2\nreturn y", x34)
    case("print(x.size(0))\nreturn x + 1", x34)
