"""What a test may hold a float result against, whatever the processor and PyTorch.

PyTorch's f32 kernels sum in an order, and with a rounding or none between product and sum,
that depend on the processor and on the library that they ask. So they are no yardstick for
the last digits: expected values come from the same operator on the same numbers in f64,
rounded once (exact, better), and what may lie between that and a correct result follows from
the terms of its sums (Sums), or is a share of the largest element where nobody looks into what
was computed: one operator (of_largest), a few of them (few), a network (network)."""
import math

import torch

# Largest relative error of one rounding to nearest.
ROUNDING = {torch.float64: 2.0 ** -53, torch.float32: 2.0 ** -24, torch.float16: 2.0 ** -11,
            torch.bfloat16: 2.0 ** -8}
# Of one operator's largest element, or of 1.
SHARE = {torch.float64: 1e-6, torch.float32: 2e-5, torch.float16: 2e-3, torch.bfloat16: 2e-2}
HALVES = (torch.float16, torch.bfloat16)


def wide(t):
    return t.double() if isinstance(t, torch.Tensor) and t.is_floating_point() else t


def exact(f, *xs):
    """f in f64, rounded once to the dtype of the first operand."""
    return f(*[wide(x) for x in xs]).to(xs[0].dtype)


def largest(t):
    t = wide(t.detach().byte() if t.dtype == torch.bool else t.detach())
    return t[t.isfinite()].abs().max().item() if t.isfinite().any() else 0.0


def of_largest(t):
    """What every element of a result of one operator may be off."""
    return SHARE.get(t.dtype, 0.0) * max(1.0, largest(t) if t.dtype in SHARE else 0.0)


def better(have, wider):
    """A result in f32, or what f64 gave for it where that is the same thing in more digits:
    some operators ask for the dtype, or have no f64."""
    if have.dtype != torch.float32 or wider.dtype != torch.float64 or \
            have.shape != wider.shape:
        return have
    rounded = wider.float()
    near = torch.allclose(rounded, have, rtol=0, atol=50 * of_largest(have), equal_nan=True)
    return rounded if near else have


def wrong(got, want, rtol, atol):
    """In words, None if it is the same type and close."""
    if got.dtype != want.dtype or got.shape != want.shape:
        return "is %s %s, not %s %s" % (got.dtype, tuple(got.shape), want.dtype,
                                        tuple(want.shape))
    if not torch.is_floating_point(want):
        return None if torch.equal(got, want) else "differs"
    got, want = got.double(), want.double()
    if torch.allclose(got, want, rtol=rtol, atol=atol, equal_nan=True):
        return None
    apart = (got - want).abs()
    return "differs by %g of %g" % (apart[~apart.isnan()].max(), largest(want))


def few(got, want):
    return wrong(got, want, 1e-5, 1e-6)


def network(got, want):
    return wrong(got, want, 1e-4, 2e-5 * largest(want))


def all_better(have, wide):
    """A list of results by what wide() gives for them, if it can."""
    try:
        with torch.no_grad():
            wider = wide()
    except Exception:
        return have
    return [better(a, b) for a, b in zip(have, wider)] if len(have) == len(wider) else have


class Sums:
    """A result of f, a sum of products of one element of each operand: its exact value, and
    per element how many terms it has, the sum of their sizes and that of their squares.
    stages: how often each term is rounded before the sum, even if sums are wide: once, the
    product."""

    def __init__(self, f, *xs, stages=1):
        self.dtype = xs[0].dtype
        self.exact = f(*[wide(x) for x in xs])
        self.n = f(*[torch.ones_like(wide(x)) for x in xs])
        self.size = f(*[wide(x).abs() for x in xs])
        self.squares = f(*[wide(x) ** 2 for x in xs]) * stages

    def round_value(self):
        """What follows takes the sum as a value of its own."""
        self.squares = self.squares + self.exact ** 2
        if self.dtype in HALVES:
            self.exact = wide(self.value())

    def scaled(self, by):
        self.round_value()
        self.exact, self.size = self.exact * by, self.size * abs(by)
        self.squares = self.squares * by ** 2
        return self

    def plus(self, term):
        """term: of the same dtype, or None."""
        if term is not None:
            self.round_value()
            self.exact, self.size = self.exact + wide(term), self.size + wide(term).abs()
            self.squares, self.n = self.squares + wide(term) ** 2, self.n + 1
        return self

    def value(self):
        return self.exact.to(self.dtype)

    def bound(self, any_order):
        """How far a result may be off; of a half, besides the rounding of the result.

        Each term is rounded by at most half a unit, to either side, so that n errors grow
        like the root of the sum of their squares: three times that is allowed. Summed in
        f32 in any order, each partial sum is rounded, too. They can be as large as the sum
        of all sizes: the root of n times that. Halves are multiplied and summed in f32. An
        f64 value is no more exact than what it is compared with."""
        unit = ROUNDING[torch.float32 if self.dtype in HALVES else self.dtype]
        terms = 3 * self.squares.sqrt()
        if any_order or self.dtype == torch.float64:
            terms = terms + self.n.sqrt() * self.size
        if self.dtype == torch.float64:
            terms = 2 * terms
        return unit * (terms + 2 * self.exact.abs())
