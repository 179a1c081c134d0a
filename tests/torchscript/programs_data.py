#!/usr/bin/env python3
"""Models that draw random numbers and models with results whose sizes data decides.

    programs_data.py make FOLDER
    programs_data.py check FOLDER TDAG

as programs.py does it for branches, loops and state. What is random is compared by what
does not depend on the numbers: sizes, sums of many, noise that is multiplied by 0."""
import sys

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import rnn

import programs
from programs import counted, lengths, model, several

programs.MODELS.clear()


def rows(n, *spread):
    """Tensors [n] whose elements above 0 are none, one, some and all."""
    out = [torch.full((n,), -1.0), torch.full((n,), -1.0), several(1, n)[0][0],
           several(1, n)[0][0].abs() + 0.1]
    out[1][n // 2] = 1.0
    return [(x,) for x in out]


def matrices(n, m):
    return [(x.reshape(n, m),) for (x,) in rows(n * m)]


# ---- sizes that data decides ----

def of_lengths(*lengths):
    return [several(1, len(n), 5, 3)[0] + (torch.tensor(n),) for n in lengths]


@model("f32[3,5,3] i64[3]", of_lengths([2, 5, 1], [4, 4, 3], [1, 1, 1]))
class PackedByData(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(3, 4, 2, batch_first=True, bidirectional=True)

    def forward(self, x, n: torch.Tensor):
        packed = rnn.pack_padded_sequence(x, n, batch_first=True, enforce_sorted=False)
        y, h = self.gru(packed)
        padded, lengths = rnn.pad_packed_sequence(y, batch_first=True, padding_value=-2.0)
        return padded, lengths, h


@model("f32[3,5,3] i64[3]", of_lengths([5, 5, 1], [4, 3, 3], [2, 1, 1]))
class PackedToTotal(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 4, proj_size=2)

    def forward(self, x, n: torch.Tensor):
        data, sizes = torch._pack_padded_sequence(torch.tanh(x), n, True)
        y, state = self.lstm(rnn.PackedSequence(data * 2, sizes, None, None))
        padded, lengths = rnn.pad_packed_sequence(y, total_length=6)
        return padded, lengths, state, sizes, y.data.shape[0]


@model("f32[N=6]", rows(6))
class Nonzero(nn.Module):
    def forward(self, x):
        at = (x > 0).nonzero()
        return at, at.size(0), torch.argwhere(x > 0)


@model("f32[5] f32[5,2]", [(torch.tensor(x), torch.arange(10.0).view(5, 2))
                           for x in ([1.0, -2, 3, 4, -5], [-1.0, -2, 3, 4, 5])])
class UnpackedRows(nn.Module):
    """Rows beyond the sample of a size that a run finds."""

    def forward(self, x, w):
        a, b, c = torch.unbind((x > 0).nonzero())
        return w[a[0]] + w[c[0]] * 2, b


@model("f32[3,4]", matrices(3, 4))
class NonzeroTuple(nn.Module):
    def forward(self, x):
        i, j = torch.where(x > 0)
        return x[i, j] * 2, i + j


@model("f32[3,4]", matrices(3, 4))
class MaskedSelect(nn.Module):
    def forward(self, x):
        y = torch.masked_select(x, x > 0)
        return y * y, y.sum()


@model("f32[3,4]", matrices(3, 4))
class IndexByMask(nn.Module):
    def forward(self, x):
        m = x[:, 0] > 0
        return x[m], x[m].sum(0), x[:, x[0] > 0].t(), x[x > 0]


@model("f32[6]", [(torch.tensor(x),) for x in ([1.0, -2, 3, -4, -5, 6], [-1.0, 2, 3, 4, -5, -6])])
class FixedByUse(nn.Module):
    """Sizes that a run finds, where the model takes one only: the run checks that."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 2)

    def forward(self, x):
        y = x[x > 0]
        at = (x > 0).nonzero().squeeze(1)
        z = torch.zeros(2, 3)
        z[1] = y
        return (y + torch.ones(3), y.view(3, 1), self.linear(y), z, torch.cat([y[None], z]),
                torch.zeros(6).index_add(0, at, torch.ones(3)), torch.where(y > 2, y, torch.ones(3)),
                torch.eye(3) @ y)


@model("f32[3,4]", matrices(3, 4))
class TwoMasks(nn.Module):
    def forward(self, x):
        m = x > 0
        a, b = x[m], (x * 3)[m]
        return a + b, torch.cat([a, x[~m], b])


@model("f32[5]", rows(5))
class PutByMask(nn.Module):
    def forward(self, x):
        y = x.clone()
        m = y > 0
        v = y[m].cumsum(0)
        y[m] = v
        z = torch.zeros_like(x)
        z[m] = 7.0
        return y, z


@model("f32[3,4]", matrices(3, 4))
class SelectionChanges(nn.Module):
    def forward(self, x):
        y = x[x > 0]
        y += 1
        z = y.sort()[0]
        y.mul_(2)
        return y, z


@model("f32[3,4]", matrices(3, 4))
class SelectionInBranch(nn.Module):
    def forward(self, x):
        y = x[x[:, 1] > 0]
        if bool(x.sum() > 0):
            y = y * 2
        else:
            y = torch.cat([y, x])
        return y


@model("f32[3,4]", matrices(3, 4))
class SelectionInLoop(nn.Module):
    def forward(self, x):
        y = x[0]
        for i in range(int(x[:, 0].gt(0).sum())):
            m = x[i] > 0
            y = y + x[i][m].sum() + m.nonzero().float().sum()
        return y


@model("i64[N=6]", [(torch.tensor(v),) for v in ([3, 1, 3, 3, 0, 1], [2], [5, 5], [4, 4, 1])])
class Unique(nn.Module):
    def forward(self, x):
        values, inverse, counts = torch.unique(x, return_inverse=True, return_counts=True)
        return values, inverse, counts, values[inverse] - x


@model("i64[N=6]", [(torch.tensor(v),) for v in ([3, 1, 3, 3, 0, 1], [2], [5, 5], [4, 4, 1])])
class UniqueConsecutive(nn.Module):
    def forward(self, x):
        values, counts = torch.unique_consecutive(x, return_counts=True)
        return values, counts


@model("i64[N=6]", [(torch.tensor(v),) for v in ([3, 1, 3, 3, 0, 1], [2], [5, 5], [0])])
class Bincount(nn.Module):
    def forward(self, x):
        return torch.bincount(x), torch.bincount(x, minlength=4), torch.bincount(x, x.float())


@model("f32[3,2] i64[3]", [several(1, 3, 2)[0] + (torch.tensor(v),)
                           for v in ([0, 0, 0], [0, 1, 0], [2, 0, 3])])
class RepeatInterleave(nn.Module):
    def forward(self, x, n):
        return x.repeat_interleave(n, 0), torch.repeat_interleave(n)


@model("f32[2,4] i64[]", counted((2, 4), (0, 1, 3)))
class SizesFromData(nn.Module):
    def forward(self, x, n: torch.Tensor):
        k = int(n)
        z = torch.zeros(k, 4) + x[0]
        return z, torch.arange(k) * 2, torch.arange(1, k + 2), x[:, :k], torch.ones(2, k + 1)


@model("f32[5,4] i64[]", counted((5, 4), (0, 1, 3, 5, 9, -2)))
class SliceByData(nn.Module):
    def forward(self, x, n: torch.Tensor):
        k = int(n)
        y = x.clone()
        y[:k] = 0
        return x[:k], x[k:], x[k:k + 2, 1:], x[-k:], y


@model("f32[5,4] i64[]", counted((5, 4), (1, 2, 5)))
class ReshapeByData(nn.Module):
    def forward(self, x, n: torch.Tensor):
        k = int(n)
        y = x.repeat(k, 1, 1).reshape(k, 20)
        return y.sum(0), y.view(k * 5, 4), x[:k].reshape(-1)


@model("f32[2,6]", several(3, 2, 6))
class SampledPadding(nn.Module):
    def forward(self, x):
        n = (x[0] > 0).sum()
        mask = torch.arange(6) < n
        return torch.where(mask, x, torch.zeros_like(x))[:, :int(n)]


@model("f32[7,4]", several(2, 7, 4) + several(1, 7, 4, scale=0))
class Experts(nn.Module):
    """Each row goes to its two best experts, by nonzero and index_add."""

    def __init__(self):
        super().__init__()
        self.gate = nn.Linear(4, 3)
        self.experts = nn.ModuleList([nn.Linear(4, 4) for _ in range(3)])

    def forward(self, x):
        weights, chosen = torch.topk(torch.softmax(self.gate(x), -1), 2)
        y = torch.zeros_like(x)
        for i, expert in enumerate(self.experts):
            row, slot = torch.where(chosen == i)
            y.index_add_(0, row, expert(x[row]) * weights[row, slot].unsqueeze(1))
        return y


# ---- random numbers ----

@model("f32[4]", several(3, 4))
class NoNoise(nn.Module):
    def forward(self, x):
        y = x + torch.randn_like(x) * 0 + torch.rand(4) * 0 + torch.randn(3, 4).sum(0) * 0
        y = y + x.clone().normal_(1.0, 2.0) * 0 + torch.empty(4).uniform_(2.0, 3.0) * 0
        return y + torch.randint(3, [4]) * 0 + torch.normal(x, x.abs() + 1) * 0


@model("f32[2]", several(2, 2))
class Statistics(nn.Module):
    """Means and variances of many numbers are near what they should be."""

    def forward(self, x):
        n = [100000]
        draws = [torch.rand(n) * 2, torch.randn(n) + 1, torch.empty(n).uniform_(-1.0, 3.0),
                 torch.empty(n).normal_(1.0, 2.0), torch.randint(0, 3, n).float(),
                 torch.full(n, 0.25).bernoulli() * 4, torch.empty(n).bernoulli_(0.5) * 2,
                 torch.empty(n).exponential_(2.0) * 2, torch.empty(n).geometric_(0.5) / 2,
                 torch.randint_like(torch.zeros(n), 1, 4) / 2, torch.empty(n).random_(0, 3),
                 torch.normal(torch.ones(n), 1.0)]
        means = torch.stack([d.mean() for d in draws])
        spread = torch.stack([d.std() for d in draws])
        want = torch.tensor([0.57735, 1.0, 1.1547, 2.0, 0.81650, 1.73205, 1.0, 1.0, 0.70711,
                             0.40825, 0.81650, 1.0])
        return (means - 1).abs() < 0.05, (spread - want).abs() < 0.05


@model("f32[5]", several(2, 5))
class Permutation(nn.Module):
    def forward(self, x):
        p = torch.randperm(5)
        return x[p].sort()[0], p.sort()[0], x[p][p.argsort()]


@model("f32[2,3]", [(torch.tensor([[0.0, 1, 0], [0, 0, 2.0]]),)])
class Multinomial(nn.Module):
    def forward(self, p):
        several_of = torch.multinomial(torch.ones(50), 50)
        return (torch.multinomial(p, 1), torch.multinomial(p, 4, replacement=True),
                several_of.sort()[0])


@model("f32[3]", several(3, 3))
class Gumbel(nn.Module):
    def forward(self, x):
        y = F.gumbel_softmax(x * 0, hard=True)
        return y.sum(), y.max()


@model("f32[1000,8]", several(1, 1000, 8))
class Dropouts(nn.Module):
    def __init__(self):
        super().__init__()
        self.drop = nn.Dropout(0.3)

    def forward(self, x):
        one = torch.ones_like(x)
        y = F.dropout(one, 0.3, True)
        a = F.alpha_dropout(torch.randn(100, 1000), 0.4, True)
        c = torch.feature_dropout(torch.ones(50, 40, 3), 0.5, True)
        r = F.rrelu(-one, 0.1, 0.5, True)
        return (self.drop(x), (y.mean() - 1).abs() < 0.05, y.max() > 1.42, a.mean().abs() < 0.1,
                (a.std() - 1).abs() < 0.1, (c.max(2)[0] - c.min(2)[0]).max(),
                r.max() <= -0.1, r.min() >= -0.5, (r.mean() + 0.3).abs() < 0.02)


@model("f32[4,2,3]", several(2, 4, 2, 3))
class LayersDropped(nn.Module):
    """Dropout between the layers of an LSTM: of all numbers nothing is left, of some the mean."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 4, 2)

    def forward(self, x):
        h = torch.zeros(2, 2, 4)
        wide, state = x[:, :1].expand(4, 4000, 3), torch.zeros(2, 4000, 4)
        weights = [w for w in self.lstm._flat_weights]
        all_of, _, _ = torch.lstm(x, [h, h], weights, True, 2, 1.0, True, False, False)
        none, _, _ = torch.lstm(wide, [state, state], weights, True, 2, 0.0, True, False, False)
        some, _, _ = torch.lstm(wide, [state, state], weights, True, 2, 0.2, True, False, False)
        return all_of, (some.mean(1) - none.mean(1)).abs().max() < 0.01, some.std(1).max() > 0.001


@model("f32[2,8]", several(3, 2, 8))
class Vae(nn.Module):
    """Its noise is scaled by what the encoder says, which is next to nothing here."""

    def __init__(self):
        super().__init__()
        self.encode = nn.Linear(8, 6)
        self.decode = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 8))
        with torch.no_grad():
            self.encode.weight[3:] = 0
            self.encode.bias[3:] = -60

    def forward(self, x):
        mean, log_variance = self.encode(x).chunk(2, -1)
        z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        return self.decode(z), mean


@model("f32[3] i64[]", counted((3,), (0, 1, 4)))
class NoiseInLoop(nn.Module):
    def forward(self, x, n: torch.Tensor):
        y = x
        for i in range(int(n)):
            e = torch.randn(3)
            y = y + (e - e) + torch.rand(1).lt(2) * 1
        return y


if __name__ == "__main__":
    torch.set_num_threads(1)
    if sys.argv[1] == "make":
        programs.make(sys.argv[2])
    else:
        sys.exit(1 if programs.check(sys.argv[2], sys.argv[3]) else 0)
