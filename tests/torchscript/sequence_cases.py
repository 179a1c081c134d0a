"""More cases of import_cases.py: sequences of several lengths, histograms, segments."""
import math
from typing import List, Optional

import torch
from torch import nn
from torch.nn.utils import rnn

NN = "torch.nn.functional."
NEW = torch.__version__ >= "2"


class Packed(nn.Module):
    """A recurrent layer between packing and padding."""

    def __init__(self, layer, lengths: List[int], is_sorted: bool, total: Optional[int] = None):
        super().__init__()
        self.layer, self.is_sorted, self.total = layer, is_sorted, total
        self.original_name = "Packed"
        self.register_buffer("lengths", torch.tensor(lengths))

    def forward(self, x):
        first = self.layer.batch_first
        packed = rnn.pack_padded_sequence(x, self.lengths, batch_first=first,
                                          enforce_sorted=self.is_sorted)
        y, state = self.layer(packed)
        z, n = rnn.pad_packed_sequence(y, batch_first=first, padding_value=0.5,
                                       total_length=self.total)
        return z, n, state


class PackedByData(nn.Module):
    """The same of lengths that are an argument."""

    def __init__(self, layer, is_sorted: bool, total: int):
        super().__init__()
        self.layer, self.is_sorted, self.total = layer, is_sorted, total
        self.original_name = "PackedByData"

    def forward(self, x, lengths):
        packed = rnn.pack_padded_sequence(x, lengths, batch_first=self.layer.batch_first,
                                          enforce_sorted=self.is_sorted)
        y, state = self.layer(packed)
        z, n = rnn.pad_packed_sequence(y, batch_first=self.layer.batch_first,
                                       padding_value=0.5, total_length=self.total)
        return z, n, state


def layers():
    yield nn.LSTM(3, 4), [4, 2, 2], True, None
    yield nn.GRU(3, 4, batch_first=True), [2, 4, 1], False, None
    yield nn.LSTM(3, 4, 2, bidirectional=True, batch_first=True), [3, 1, 4], False, 6
    yield nn.GRU(3, 2, 2, bidirectional=True, bias=False), [5, 5, 3], True, 5
    yield nn.LSTM(3, 4, proj_size=2), [3, 2, 1], True, None
    yield nn.RNN(3, 4, nonlinearity="relu", bidirectional=True), [1, 1, 1], True, None


def modules(module_case, F):
    for layer, lengths, is_sorted, total in layers():
        x = F(3, 5, 3) if layer.batch_first else F(5, 3, 3)
        module_case(Packed(layer.eval(), lengths, is_sorted, total), x)
        module_case(PackedByData(layer.eval(), is_sorted, total or 5), x,
                    torch.tensor(lengths))


def add(case, F, P, I):
    """F(...): normal numbers; P(...): positive ones; I(...): integers."""
    packed(case, F)
    ctc(case, F, I)
    histograms(case, F, P)
    segments(case, F)
    positions(case, F)


def packed(case, F):
    case("a, b = torch._pack_padded_sequence(x, torch.tensor([3, 2]), False)\n"
         "return torch.tanh(a), b", F(4, 2, 3))
    case("a, b = torch._pack_padded_sequence(x, torch.tensor([3, 2]), True)\n"
         "return torch._pad_packed_sequence(a * 2, b, True, -1.0, 5)", F(2, 4, 3, 2))
    case("torch.nn.utils.rnn.pad_sequence([x, y], padding_value=2.5)", F(3, 2), F(5, 2))
    case("torch.nn.utils.rnn.pad_sequence([x, y, z], batch_first=True)", F(3), F(2), F(4))
    if NEW:
        case("torch.nn.utils.rnn.pad_sequence([x, y], True, 1.5, 'left')", F(3, 2), F(5, 2))


def ctc(case, F, I):
    def log_probs(*shape):
        return F(*shape).log_softmax(-1)

    t = torch.tensor
    for i, r in enumerate(("none", "mean", "sum")):
        for zero in (True, False):
            case("torch.ctc_loss(x, y, [6, 4, 6], [2, 3, 0], 0, %d, %s)" % (i, zero),
                 log_probs(6, 3, 5), I(3, 3, low=1, high=5))
            case("%sctc_loss(x, y, z, w, 2, '%s', %s)" % (NN, r, zero), log_probs(4, 2, 5),
                 t([[1, 1, 3], [0, 4, 4]]), t([4, 4]), t([3, 3]))  # the first does not fit
    case("%sctc_loss(x, y, z, w, reduction='none')" % NN, log_probs(6, 3, 5),
         t([1, 2, 3, 3, 1]), t([6, 5, 3]), t([2, 0, 3]))  # one after the other
    case("torch.ctc_loss(x, y, [6, 5], [1, 2])", log_probs(6, 2, 5), t([4, 1, 2]))
    case("%sctc_loss(x, y, z, w, reduction='none')" % NN, log_probs(6, 5), t([1, 2, 2]), t(6),
         t(3)) if NEW else None
    case("%sctc_loss(x, y, z, w)" % NN, log_probs(7, 2, 4).double(), I(2, 3, low=1, high=4),
         t([7, 6]), t([3, 2], dtype=torch.int32).long())
    case("torch.ctc_loss(x, y, [1, 1], [1, 0], 0, 0)", log_probs(1, 2, 4),
         t([[2], [1]]))
    case("torch.ctc_loss(x, y, [3], [2])", torch.full((3, 1, 4), -math.inf), t([[2, 1]]))
    case("return torch._ctc_loss(x, y, [5, 4], [2, 1])[0]", log_probs(5, 2, 4),
         t([[1, 1], [2, 3]]))


def histograms(case, F, P):
    edges = torch.tensor([-2.0, -0.5, 0, 0.25, 3])
    for x in (F(3, 7), F(40), torch.tensor([0.0, 1, 1, 0.5, -0.5]), torch.ones(4), F(0)):
        case("torch.histogram(x, 5)", x)
        case("torch.histogram(x, 4, range=(-1.0, 1.0))", x)
        case("torch.histogram(x, y)", x, edges)
    case("torch.histogram(x, 7, density=True)", F(30).double())
    case("torch.histogram(x, 3, weight=y)", F(12), P(12))
    case("torch.histogram(x, y, weight=z, density=True)", F(12), edges, P(12))
    case("torch.histogram(x, y)", edges, edges)
    x = F(12, 2)
    case("a, b = torch.histogramdd(x, [3, 4])\nreturn a, b[0], b[1]", x)
    case("a, b = torch.histogramdd(x, 3, density=True)\nreturn a, b[0], b[1]", x)
    case("a, b = torch.histogramdd(x, [3, 2], range=[-1.0, 1.0, -2.0, 2.0], weight=y)\n"
         "return a, b[0], b[1]", x, P(12))
    case("a, b = torch.histogramdd(x, [y, z])\nreturn a, b[0], b[1]", F(3, 4, 2), edges,
         edges[1:])


def segments(case, F):
    t = torch.tensor
    for reduce in ("sum", "mean", "max", "min", "prod"):
        case("torch.segment_reduce(x, '%s', lengths=y)" % reduce, F(6, 2), t([2, 0, 3, 1]))
        case("torch.segment_reduce(x, '%s', lengths=y, axis=1, unsafe=True)" % reduce,
             F(2, 5, 3), t([[2, 3], [4, 1]]))
        case("torch.segment_reduce(x, '%s', lengths=y, initial=1.5)" % reduce, F(4).double(),
             t([0, 4]))
        if NEW:
            case("torch.segment_reduce(x, '%s', offsets=y)" % reduce, F(6), t([0, 2, 2, 6]))
    case("torch.segment_reduce(x, 'max', lengths=y)", t([1.0, math.nan, -math.inf, 3]),
         t([2, 2]))


def positions(case, F):
    if not NEW:
        return
    for shape in ((3, 4), (5,), (2, 3, 2), ()):
        x = F(*shape)
        for size in (0, 2, 15):
            case("torch.nonzero_static(x > 0, size=%d)" % size, x)
        case("torch.nonzero_static(x.round(), size=4, fill_value=7)", x)
    case("torch.nonzero_static(x, size=3)", F(0, 2))


REFUSED = [
    ("torch._pad_packed_sequence(x, (x[:2, 0] * 0).long() + torch.tensor([2, 1]), False, 0.0, -1)",
     "aten::_pad_packed_sequence: batch_sizes that depend on tensor data"),
]
