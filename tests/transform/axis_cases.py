"""Small models from which `tdag debatch` removes the batch, and which `tdag batch` gives
it back; or that mix samples and are refused, with the node that does.

Expectations come from PyTorch: the original's results on a batch of 3, sample by sample.
"""
import os
import sys
import tempfile

import torch
import torch.nn.functional as F
from torch import nn

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import bounds  # noqa: E402
from commands import run  # noqa: E402

B = 3


class Case(nn.Module):
    """Its work is in a submodule, so that messages have a module path to name."""

    def __init__(self, function, make):
        super().__init__()
        self.inner = make()
        self.function = function

    def forward(self, *x):
        return self.function(self.inner, *x)


class Inner(nn.Module):
    def __init__(self, function, **parts):
        super().__init__()
        self.function = function
        for name, part in parts.items():
            if isinstance(part, torch.Tensor):
                part = nn.Parameter(part)
            setattr(self, name, part)

    def forward(self, *x):
        return self.function(self, *x)


EQUAL, REFUSED = [], []


def case(inputs, axis=0, out=None, at_one=False, **parts):
    """inputs: per input a shape with B where the batch is; i64 ones as (shape, limit)."""
    def add(function):
        EQUAL.append((function.__name__, function, inputs, axis,
                      axis if out is None else out, at_one, parts))
        return function
    return add


def mixes(why, *inputs, **parts):
    def add(function):
        REFUSED.append((function.__name__, function, inputs or ((B, 5),), why, parts))
        return function
    return add


# ---- an operator with an axis of its own, which other axes are as large as ----
SLOPES = torch.linspace(-0.5, 0.9, 4)


def prelu(m, x):
    return F.prelu(x - 0.5, m.w)


for shape in ((B, 4), (B, 4, 4), (B, 4, 5), (B, 4, 6, 5), (B, 4, 4, 5), (B, 4, 4, 4)):
    case([shape], w=SLOPES)(prelu)
    case([shape], w=SLOPES[:1] - 0.25)(prelu)


@case([(B, 4, 4, 5)], w=SLOPES)
def leaky_of_rows(m, x):
    x = x - 0.5
    return torch.where(x > 0, x, m.w[:, None] * x)


@case([(B, 4, 4, 4)], w=SLOPES)
def leaky_of_columns(m, x):
    x = x - 0.5
    return torch.where(x > 0, x, m.w * x)


@case([(4, B, 4)], axis=1, w=SLOPES)
def leaky_of_the_first_axis(m, x):
    x = x - 0.5
    return torch.where(x > 0, x, m.w[:, None, None] * x)


@case([(B, 4, 4, 4)])
def gated_channels(m, x):
    return F.glu(x, 1) + F.glu(x.transpose(1, 2), 1)


@case([(B, 4, 4, 4)], norm=nn.GroupNorm(2, 4), last=nn.LayerNorm(4))
def norms_of_cubes(m, x):
    return m.last(F.instance_norm(m.norm(x)) + x)


@case([(B, 4, 4)])
def resized_rows(m, x):
    return F.interpolate(x, 7, mode="linear") + F.interpolate(
        x[:, None], (4, 7), mode="bicubic", align_corners=True)[:, 0]


@case([(B, 4, 4)], conv=nn.Conv1d(4, 4, 3, padding=1))
def rows_of_a_square(m, x):
    return m.conv(x) + F.max_pool1d(m.conv(x.transpose(1, 2)), 3, 1, 1)


# ---- broadcast constants ----
@case([(B, 4)])
def zeros_of_batch(m, x):
    return torch.cat([torch.zeros(x.shape[0], 2), x], 1) + torch.ones(x.shape[0], 1)


@case([(B, 5, 8)], token=torch.rand(1, 1, 8), place=torch.rand(1, 6, 8))
def class_token(m, x):
    return torch.cat([m.token.expand(x.shape[0], -1, -1), x], 1) + m.place


@case([(B, 5, 8)], place=torch.rand(5, 8))
def repeated_positions(m, x):
    return x + m.place.unsqueeze(0).repeat(x.shape[0], 1, 1)


@case([(B, 6)])
def full_like(m, x):
    return torch.where(x > 0.5, torch.full_like(x, 2), x.new_zeros(x.shape))


@case([(B, 4)])
def first_of_equal_rows(m, x):
    rows = torch.arange(4.0).expand(x.shape[0], 4)
    return x * rows[0] + rows.max(0)[0]


# ---- merged axes ----
@case([(B, 5, 8)])
def heads_in_batch(m, x):
    b, s, e = x.shape
    q = x.view(b, s, 2, 4).transpose(1, 2).reshape(b * 2, s, 4)
    y = torch.bmm(torch.softmax(torch.bmm(q, q.transpose(1, 2)), -1), q)
    return y.view(b, 2, s, 4).transpose(1, 2).reshape(b, s, e)


@case([(B, 5, 8)])
def zeros_for_baddbmm(m, x):
    b, s, e = x.shape
    q = x.view(b, s, 2, 4).transpose(1, 2).reshape(b * 2, s, 4)
    y = torch.baddbmm(torch.zeros(b * 2, s, s), q, q.transpose(1, 2), beta=1, alpha=0.5)
    return y.view(b, 2, s, s)


@case([(5, B, 8)], axis=1)
def batch_behind_and_merged(m, x):
    s, b, e = x.shape
    y = x.reshape(s * b, e) + torch.zeros(s * b, e)
    return y.view(s, b, 2, 4).permute(1, 2, 0, 3).reshape(b * 2, s, 4).view(
        b, 2, s, 4).permute(2, 0, 1, 3).reshape(s, b, e)


@case([(B, 5, 8)], linear=nn.Linear(8, 3))
def flat_tokens(m, x):
    return m.linear(x.reshape(-1, 8)).view(x.shape[0], -1, 3)


@case([(B, 4, 6)])
def split_in_two(m, x):
    b = x.shape[0]
    y = torch.stack([x, x * 2], 1).view(b * 2, 4, 6).cumsum(-1)
    return y.view(b, 2, 4, 6).sum(1)


@case([(B, 8, 4, 4)])
def channel_shuffle(m, x):
    b, c, h, w = x.shape
    return x.view(b, 2, c // 2, h, w).transpose(1, 2).contiguous().view(b, c, h, w)


@case([(B, 8, 8, 6)], qkv=nn.Linear(6, 6))
def shifted_windows(m, x):
    b, h, w, c = x.shape
    x = torch.roll(x, (-2, -2), (1, 2))
    y = x.view(b, h // 4, 4, w // 4, 4, c).permute(0, 1, 3, 2, 4, 5)
    y = y.reshape(b * 4, 16, c)
    mask = x.new_zeros((h, w))
    mask[:6, :] = 1
    mask = mask.view(h // 4, 4, w // 4, 4).permute(0, 2, 1, 3).reshape(4, 16)
    mask = mask.unsqueeze(1) - mask.unsqueeze(2)
    a = torch.matmul(m.qkv(y), y.transpose(1, 2))
    a = a.view(b, 4, 16, 16) + mask.unsqueeze(0)
    y = torch.matmul(torch.softmax(a.view(-1, 16, 16), -1), y)
    y = y.view(b, h // 4, w // 4, 4, 4, c).permute(0, 1, 3, 2, 4, 5).reshape(b, h, w, c)
    return torch.roll(y, (2, 2), (1, 2))


# ---- indexed ----
@case([((B, 5), 7)], table=nn.Embedding(7, 4), place=nn.Embedding(9, 4))
def embeddings(m, ids):
    where = torch.arange(ids.shape[1]).unsqueeze(0).expand(ids.shape[0], -1)
    return m.table(ids) + m.place(where)


@case([(B, 5, 4), ((B, 3, 4), 5)])
def gather_with_batch(m, x, index):
    return torch.gather(x, 1, index)


@case([(B, 5, 4), ((B,), 5)])
def row_of_each(m, x, index):
    return x[torch.arange(x.shape[0]), index]


@case([(B, 5, 4), ((B, 5), 9)])
def row_of_largest(m, x, ids):
    return x[torch.arange(x.shape[0]), ids.argmax(-1)]


@case([(B, 5, 4), ((B, 2), 5)])
def rows_by_flat_index(m, x, index):
    b, s, c = x.shape
    index = index.argsort(-1)
    flat = (torch.arange(b) * s).unsqueeze(1) + index
    return x.reshape(b * s, c)[flat.view(-1)].view(b, 2, c)


@case([(B, 5), ((B, 1), 5)])
def scatter_with_batch(m, x, index):
    return torch.zeros(x.shape[0], 5).scatter_(1, index, 1.0) * x


@case([(B, 5, 4), ((B,), 5)])
def put_row_of_each(m, x, index):
    y = x.clone()
    y[torch.arange(x.shape[0]), index] = x[:, 0]
    return y


@case([(B, 6)])
def top_k(m, x):
    values, where = x.topk(2, -1)
    return values, where


# ---- windows, contractions, norms ----
@case([(B, 3, 6, 6)])
def unfold_fold(m, x):
    return F.fold(F.unfold(x, 3, stride=2, padding=1) * 2, (6, 6), 3, stride=2, padding=1)


@case([(B, 2, 5, 4), (B, 2, 6, 4)])
def einsum_attention(m, q, k):
    return torch.einsum("bhqd,bhkd->bhqk", q, k)


@case([(B, 3, 4), (4, B, 5)], axis=[0, 1], out=2)
def einsum_batch_behind(m, x, y):
    return torch.einsum("bij,jbk->ikb", x, y)


@case([(B, 4, 6, 6)], conv=nn.Conv2d(4, 6, 3, padding=1, groups=2),
      norm=nn.GroupNorm(2, 6), up=nn.ConvTranspose2d(6, 2, 2, stride=2))
def conv_group_norm(m, x):
    return F.max_pool2d(m.up(F.gelu(m.norm(m.conv(x)))), 2)


@case([(B, 4, 6)], conv=nn.Conv1d(4, 6, 3), norm=nn.BatchNorm1d(6))
def conv1d(m, x):
    return F.adaptive_avg_pool1d(m.norm.eval()(m.conv(x)), 2)


@case([(B, 4, 6, 6)], norm=nn.InstanceNorm2d(4))
def instance_norm_resize(m, x):
    return F.interpolate(m.norm(x), size=(9, 9), mode="bilinear", align_corners=False)


@case([(B, 7, 9)])
def pools_of_channels(m, x):
    """Without their channels these have fewer axes than PyTorch pools."""
    y = F.adaptive_max_pool2d(x, (3, 4)).flatten(1)
    z = F.adaptive_avg_pool2d(x, (2, 3)).flatten(1)
    return torch.cat([y, z, F.adaptive_max_pool1d(y, 5)], 1)


@case([(B, 8, 4, 4)])
def pixel_shuffle(m, x):
    return F.pixel_shuffle(x, 2)


@case([(B, 5, 8)], layer=nn.LayerNorm(8))
def attention_with_masks(m, x):
    x = m.layer(x)
    keep = x[:, :, 0] > -1
    mask = torch.zeros(x.shape[0], 1, 1, 5).masked_fill(~keep[:, None, None, :], -1e9)
    causal = torch.full((5, 5), float("-inf")).triu(1)
    q = x.view(x.shape[0], 5, 2, 4).transpose(1, 2)
    a = torch.softmax(q @ q.transpose(-1, -2) + mask + causal, -1)
    return (a @ q).transpose(1, 2).reshape(x.shape[0], 5, 8)


@case([(B, 5, 4)], lstm=nn.LSTM(4, 3, 2, batch_first=True), out=[0, 1, 1])
def lstm_states(m, x):
    b = x.shape[0]
    y, (h, c) = m.lstm(x, (torch.zeros(2, b, 3), torch.ones(2, b, 3)))
    return y, h, c


# ---- always right at one ----
@case([(B, 5)], at_one=True)
def first_sample(m, x):
    return x[0] * 2 + x


@case([(B, 5)], at_one=True)
def centered(m, x):
    return x - x.mean(0)


@case([(B, 5)], at_one=True)
def divided_by_size(m, x):
    return (x / x.shape[0]).flip(0) + torch.arange(x.shape[0]).unsqueeze(1)


@case([(B, 5)], at_one=True)
def square_of_size(m, x):
    return torch.matmul(torch.softmax(x @ x.t(), -1), x)


@case([(B, 5)], at_one=True)
def padded_batch(m, x):
    return F.pad(x, (0, 0, 1, 1)).sum(0, keepdim=True) + x


@case([(B, 5)], at_one=True)
def baked_in(m, x):
    return x.reshape(1, 5).softmax(-1) + x.mean(0, keepdim=True)


@case([(B, 4, 6)], at_one=True)
def baked_in_and_split(m, x):
    y = x.view(1, 2, 2, 6).transpose(1, 2).reshape(4, 6).view(1, 4, 6)
    return torch.cat([y, x.flip(0)], 1)


# ---- refused ----
@mixes("reduce")
def mean_of_batch(m, x):
    return x - x.mean(0)


@mixes("reduce", (B, 4, 3))
def batch_norm_in_training(m, x):
    return F.batch_norm(x, None, None, training=True)


@mixes("reduce")
def softmax_of_batch(m, x):
    return torch.softmax(x, 0)


@mixes("select")
def first_for_all(m, x):
    return x + x[0]


@mixes("slice")
def differences(m, x):
    return x[1:] - x[:-1]


@mixes("pad")
def flipped(m, x):
    return x.flip(0) + x


@mixes("scan")
def running_sum(m, x):
    return x.cumsum(0)


@mixes("argsort")
def sorted_batch(m, x):
    return x.sort(0)[1]


@mixes("multiply")
def attention_across_batch(m, x):
    return torch.softmax(x @ x.t(), -1) @ x


@mixes("reduce")
def gram(m, x):
    return x.t() @ x


@mixes("ungroup")
def interleaved(m, x):
    return x.reshape(5, x.shape[0])


@mixes("reduce")
def size_as_number(m, x):
    return x / x.shape[0]


@mixes("pad")
def twice(m, x):
    return torch.cat([x, x], 0)


@mixes("multiply", (B, 5))
def permuted_samples(m, x):
    return x[torch.arange(x.shape[0] - 1, -1, -1).abs()]


@mixes("convert")
def position_as_number(m, x):
    return x * torch.arange(x.shape[0]).unsqueeze(1)


# ---- running ----
def tensor_of(shape, generator):
    if isinstance(shape[0], tuple):
        return torch.randint(0, shape[1], shape[0], generator=generator)
    return torch.rand(*shape, generator=generator)


def spec_of(t, axis):
    dims = ",".join("N=%d" % n if i == axis else str(n) for i, n in enumerate(t.shape))
    return ["-i", "%s[%s]" % ("i64" if t.dtype == torch.int64 else "f32", dims)]


def flat(result):
    return [result] if isinstance(result, torch.Tensor) else list(result)


def trace(function, parts, inputs, path):
    torch.manual_seed(1)
    model = Case(lambda inner, *x: inner(*x), lambda: Inner(function, **parts)).eval()
    with torch.no_grad():
        torch.jit.trace(model, tuple(inputs), check_trace=False).save(path)
        result = flat(torch.jit.load(path).eval()(*inputs))
        return bounds.all_better(result, lambda: flat(model.double()(*map(bounds.wide, inputs))))


def per_input(axis, n):
    return axis if isinstance(axis, list) else [axis] * n


def compare(name, what, got, want):
    for g, w in zip(got, want):
        wrong = bounds.few(g, w)
        if wrong:
            return "%s: %s %s" % (name, what, wrong)
    return None


def check_equal(tdag, folder, row):
    name, function, shapes, axis, out, at_one, parts = row
    generator = torch.Generator().manual_seed(0)
    inputs = [tensor_of(s, generator) for s in shapes]
    axes = per_input(axis, len(inputs))
    path, single = os.path.join(folder, "a.pt"), os.path.join(folder, "b.pt")
    again = os.path.join(folder, "c.pt")
    if at_one: # what it is traced with may be baked in
        inputs = [t.narrow(a, 0, 1) for t, a in zip(inputs, axes)]
    whole = trace(function, parts, inputs, path)
    specs = [word for t, a in zip(inputs, axes) for word in spec_of(t, a)]
    done = run(tdag, "debatch", path, single, *specs, "--dim", "N",
               *(["--at-one"] if at_one else []))
    if done.returncode:
        return "%s: %s" % (name, done.stderr.strip())
    one = torch.jit.load(single).eval()
    with torch.no_grad():
        outs = per_input(out, len(whole))
        results = []
        for i in range(1 if at_one else B):
            got = flat(one(*[t.select(a, i) for t, a in zip(inputs, axes)]))
            bad = compare(name, "sample %d" % i, got,
                          [w.select(a, i) for w, a in zip(whole, outs)])
            if bad:
                return bad
            results.append(got)
        specs = [word for t, a in zip(inputs, axes)
                 for word in spec_of(t.select(a, 0), None)]
        done = run(tdag, "batch", single, again, *specs, "--dim", "N=%d" % B)
        if done.returncode:
            return "%s: %s" % (name, done.stderr.strip())
        many = torch.jit.load(again).eval()
        got = flat(many(*[t.movedim(a, 0) for t, a in zip(inputs, axes)]))
        return compare(name, "the batch", got,
                       [torch.stack([r[k] for r in results]) for k in range(len(whole))])


def check_refused(tdag, folder, row):
    name, function, shapes, why, parts = row
    generator = torch.Generator().manual_seed(0)
    inputs = [tensor_of(s, generator) for s in shapes]
    path, single = os.path.join(folder, "a.pt"), os.path.join(folder, "b.pt")
    trace(function, parts, inputs, path)
    specs = [word for t in inputs for word in spec_of(t, 0)]
    done = run(tdag, "debatch", path, single, *specs, "--dim", "N")
    print("  %-24s %s" % (name, done.stderr.strip()))
    line = done.stderr.strip()
    if done.returncode != 3 or line.count("\n") or os.path.exists(single):
        return "%s: exit status %d: %s" % (name, done.returncode, line)
    for word in ("N", " %s " % why, "node ", "module inner"):
        if word not in line:
            return "%s: no %r in: %s" % (name, word, line)
    return None


def main():
    tdag, chosen = sys.argv[1], sys.argv[2:]
    torch.set_num_threads(1)
    step = int(os.environ.get("TDAG_CASES_STEP", 1))  # every nth case of each kind
    n_cases, failures = 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for rows, check in ((EQUAL, check_equal), (REFUSED, check_refused)):
            for row in rows[::step]:
                if chosen and row[0] not in chosen:
                    continue
                n_cases += 1
                bad = check(tdag, folder, row)
                for file in os.listdir(folder):
                    os.remove(os.path.join(folder, file))
                if bad:
                    failures += 1
                    print("FAILED", bad)
    print("%d cases, %d failed" % (n_cases, failures))
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
