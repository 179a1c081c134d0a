#!/usr/bin/env python3
"""Scripted models with branches, loops and state that tensor data decides.

    programs.py make FOLDER            NAME.pt and NAME.calls.safetensors of each
    programs.py check FOLDER TDAG      exports each and runs it in PyTorch

Calls are made one after the other on one module: c0.in0 ..., c0.out0 ..., c1.in0 ...; the
file `index` has a line for each model: its name and the types of its inputs."""
import json
import os
import struct
import subprocess
import sys
import time

import torch
from torch import nn

MODELS = []


def model(types, calls):
    def add(cls):
        MODELS.append((cls, types.split(), calls))
        return cls
    return add


def several(n, *shape, scale=1.0):
    generator = torch.Generator().manual_seed(len(MODELS))
    return [(torch.randn(*shape, generator=generator) * scale,) for _ in range(n)]


def counted(shape, counts):
    return [several(1, *shape)[0] + (torch.tensor(k),) for k in counts]


def lengths(shape, sizes):
    return [several(1, n, *shape)[0] for n in sizes]


@model("f32[3,4]", several(4, 3, 4))
class Branch(nn.Module):
    def forward(self, x):
        if bool(x.sum() > 0):
            y = x * 2
        else:
            y = -x
        return y + 1


@model("f32[3] f32[3]", [a + b for a, b in zip(several(6, 3), several(6, 3, scale=2))])
class AndOr(nn.Module):
    def forward(self, x, y):
        if bool(x.sum() > 0) and bool(y.sum() > 0):
            z = x + y
        elif bool(x.sum() > 0) or bool(y[0] > 0):
            z = x - y
        else:
            z = x * y
        return z


@model("f32[3]", [(torch.tensor([1.0, 1, 1]),), (torch.tensor([4.0, 9, 2]),),
                  (torch.tensor([0.1, 100, 5]),)])
class Newton(nn.Module):
    def forward(self, x):
        y, n = x, 0
        while bool((y * y - x).abs().max() > 1e-4):
            y = 0.5 * (y + x / y)
            n = n + 1
        return y, n


@model("f32[T=3,2,4]", lengths((2, 4), (0, 1, 3, 7)))
class CellOverTime(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.LSTMCell(4, 5)

    def forward(self, x):
        h, c = torch.zeros(x.size(1), 5), torch.zeros(x.size(1), 5)
        for i in range(x.size(0)):
            h, c = self.cell(x[i], (h, c))
        return h


@model("f32[T=3,2,4]", lengths((2, 4), (1, 3, 7)))
class LongShortTerm(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.LSTM(4, 5)

    def forward(self, x):
        return self.layers(x)[0]


@model("f32[T=3,2,4]", lengths((2, 4), (1, 3, 7)))
class GatedUnits(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.GRU(4, 5, 2, bidirectional=True)

    def forward(self, x):
        return self.layers(x)[0]


@model("f32[T=3,2,4]", lengths((2, 4), (0, 1, 3, 7)))
class PartOfThePast(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Linear(4, 4)

    def forward(self, x):
        a, b = torch.zeros(x.size(1), 4), torch.zeros(x.size(1), 2)
        for i in range(x.size(0)):
            part = a[:, 1:3]
            a = torch.tanh(self.weight(a) + x[i])
            b = part
        return a, b


@model("f32[3,4] i64[]", counted((3, 4), (0, 1, 3)))
class InPlace(nn.Module):
    def forward(self, x, n: torch.Tensor):
        y = torch.zeros_like(x)
        for i in range(int(n)):
            if bool(x[i].sum() > 0):
                y[i] = x[i] * 2
            else:
                y[i] += 1
        return y


@model("f32[2,4] i64[]", counted((2, 4), (0, 1, 4)))
class Grows(nn.Module):
    def forward(self, x, n: torch.Tensor):
        y = x
        for i in range(int(n)):
            y = torch.cat([y, x * i], 0)
        return y


@model("f32[1,4]", several(1, 1, 4, scale=0) + several(2, 1, 4) + several(2, 1, 4, scale=9))
class EarlyExit(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.head = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 3)

    def forward(self, x):
        x = torch.relu(self.a(x))
        y = torch.softmax(self.head(x), -1)
        if bool(y.max() > 0.6):
            return y
        return torch.softmax(self.head(torch.relu(self.b(x))), -1)


@model("f32[N=4,3]", lengths((3,), (0, 1, 4, 9)))
class BreakContinue(nn.Module):
    def forward(self, x):
        y, k = torch.zeros(3), 0
        for i in range(x.size(0)):
            if bool(x[i].sum() > 2):
                break
            if bool(x[i].sum() < 0):
                continue
            y = y + x[i]
            k += 1
        return y, torch.tensor(k)


@model("f32[N=4,3]", lengths((3,), (0, 1, 4, 9)))
class ReturnInLoop(nn.Module):
    def forward(self, x):
        for i in range(x.size(0)):
            if bool(x[i].sum() > 1):
                return x[i] * 10
        return x.sum(0)


@model("f32[3] i64[]", [(x[0].abs(), torch.tensor(k)) for x, k in zip(several(3, 3), (0, 1, 5))]
       + [(-torch.ones(3), torch.tensor(2))])
class LoopInIfInLoop(nn.Module):
    def forward(self, x, n: torch.Tensor):
        y = x
        if bool(x.sum() > 0):
            for i in range(int(n)):
                if bool(y[0] > 1):
                    for _ in range(i):
                        y = y * 0.5
                else:
                    y = y + 1
        return y


@model("f32[3]", [several(1, 3, scale=s)[0] for s in (0, 1, 100, 1e5)])
class WhileBoth(nn.Module):
    def forward(self, x):
        n, h = 0, x
        while n < 10 and bool(h.abs().sum() > 0.5):
            h = h * 0.5
            n += 1
        return h, n


@model("f32[3,4] i64[]", counted((3, 4), (0, 1, 20)))
class Sinkhorn(nn.Module):
    def forward(self, cost, n: torch.Tensor):
        k = torch.exp(-cost)
        u, v = torch.ones(cost.size(0)), torch.ones(cost.size(1))
        for _ in range(int(n)):
            u = 1 / (k @ v)
            v = 1 / (k.t() @ u)
        return u[:, None] * k * v[None]


@model("f32[2,3] i64[]", counted((2, 3), (0, 1, 5)))
class RungeKutta(nn.Module):
    def __init__(self):
        super().__init__()
        self.f = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 3))

    def forward(self, y, n: torch.Tensor):
        k = int(n)
        h = 1.0 / max(k, 1)
        for _ in range(k):
            a = self.f(y)
            b = self.f(y + h / 2 * a)
            c = self.f(y + h / 2 * b)
            d = self.f(y + h * c)
            y = y + h / 6 * (a + 2 * b + 2 * c + d)
        return y


@model("f32[2,3]", [several(1, 2, 3, scale=s)[0] for s in (0, 1, 3)])
class AdaptiveTime(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell, self.halt = nn.GRUCell(3, 3), nn.Linear(3, 1)

    def forward(self, x):
        h, total = torch.zeros_like(x), torch.zeros(x.size(0), 1)
        out, n = torch.zeros_like(x), 0
        while bool((total < 1).any()) and n < 8:
            h = self.cell(x, h)
            p = torch.sigmoid(self.halt(h))
            running = (total < 1).float()
            out = out + running * p * h
            total = total + running * p
            n += 1
        return out, n


@model("i64[S=3]", [(torch.arange(k),) for k in (1, 3, 6)])
class Greedy(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.out = nn.Embedding(11, 8), nn.Linear(8, 11)

    def forward(self, ids):
        n = 0
        while n < 12:
            token = self.out(self.embed(ids).mean(0)).argmax().reshape(1)
            ids = torch.cat([ids, token])
            n += 1
            if bool(token[0] == 3):
                break
        return ids


@model("f32[3]", several(3, 3))
class Numbers(nn.Module):
    def forward(self, x):
        high, low = x.max().item(), float(x.min())
        return x * high + low, int(x[0].abs() * 3), high > low


@model("f32[3]", several(4, 3))
class Counter(nn.Module):
    def __init__(self):
        super().__init__()
        self.n = 0

    def forward(self, x):
        self.n = self.n + 1
        return x * self.n


@model("f32[3,4]", several(4, 3, 4))
class RunningMean(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(4))
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))

    def forward(self, x):
        self.calls += 1
        self.mean.mul_(0.9).add_(x.mean(0) * 0.1)
        return x - self.mean, self.calls


@model("f32[T=3,4]", lengths((4,), (3, 2, 0, 1)))
class WritesInLoop(nn.Module):
    """State that a loop alone reads and writes, in place and as `+=` does."""

    def __init__(self):
        super().__init__()
        self.register_buffer("n", torch.zeros(1))
        self.register_buffer("sums", torch.zeros(4))

    def forward(self, x):
        y = torch.zeros(4)
        for t in range(x.size(0)):
            y = y + self.n * x[t] + self.sums
            self.n += 1
            self.sums.add_(x[t])
        return y


@model("f32[3]", several(6, 3))
class RingBuffer(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("rows", torch.zeros(4, 3))
        self.at = 0

    def forward(self, x):
        self.rows[self.at] = x
        self.at = (self.at + 1) % 4
        return self.rows.sum(0), self.rows.clone()


@model("f32[1,4]", several(5, 1, 4))
class FixedCache(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("keys", torch.zeros(8, 4))
        self.length = 0
        self.q = nn.Linear(4, 8)

    def forward(self, x):
        q, k = self.q(x).chunk(2, -1)
        self.keys[self.length] = k[0]
        self.length += 1
        scores = (q @ self.keys.t()).masked_fill(torch.arange(8) >= self.length, -1e9)
        return torch.softmax(scores, -1) @ self.keys


@model("f32[1,2,N=5]", [several(1, 1, 2, n)[0] for n in (5, 1, 2, 7)])
class StreamingConvolution(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(2, 3, 3)
        self.register_buffer("context", torch.zeros(1, 2, 2))

    def forward(self, x):
        y = torch.cat([self.context, x], 2)
        self.context = y[:, :, -2:]
        return self.conv(y)


@model("f32[2]", several(3, 2))
class StateInBranch(nn.Module):
    def __init__(self):
        super().__init__()
        self.n = 0
        self.register_buffer("last", torch.zeros(2))

    def forward(self, x):
        if bool(x.sum() > 0):
            self.n += 1
            self.last.copy_(x)
        else:
            self.n = 0
        return self.last * self.n


@model("f32[5,3]", several(4, 5, 3))
class ReturnWritten(nn.Module):
    def forward(self, x):
        acc = torch.zeros(3)
        for i in range(5):
            r = x[i]
            for j in range(3):
                if bool(r[j] < -1.5):
                    return acc
            acc += r
        return acc


@model("f32[3] f32[3]", [a + b for a, b in zip(several(4, 3), several(4, 3, scale=2))])
class ArmWrites(nn.Module):
    def forward(self, x, z):
        w = x.clone()
        if bool(z.sum() > 0):
            y = w.add_(1)
        else:
            y = z
        return y, w


@model("f32[3] f32[3]", [a + b for a, b in zip(several(4, 3), several(4, 3, scale=2))])
class ArmWritesViews(nn.Module):
    def forward(self, x, z):
        w = x.clone()
        if bool(z.sum() > 0):
            w[1:] += 1
            y = (w[:2], 1)
        else:
            w[0] = 5
            y = (z[:2], 2)
        return y[0] * 2, w, y[1]


@model("f32[3] f32[3]", [a + b for a, b in zip(several(4, 3), several(4, 3, scale=2))])
class ReturnsWrite(nn.Module):
    def forward(self, x, z):
        w = x.clone()
        if bool(z.sum() > 0):
            w += z
            return w
        w *= 2
        if bool(w.sum() > 0):
            w -= 1
            return w + z
        return w


# The other kinds, a file each.
sys.modules.setdefault("programs", sys.modules[__name__])
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import program_decided  # noqa: E402,F401
import program_decoders  # noqa: E402,F401
import program_everyday  # noqa: E402,F401
import program_lists  # noqa: E402,F401
import program_optional  # noqa: E402,F401
import program_results  # noqa: E402,F401
import program_sizes  # noqa: E402,F401
import program_state  # noqa: E402,F401
import program_structures  # noqa: E402,F401

# ---- files ----

NAMES = {torch.float32: "F32", torch.int64: "I64", torch.bool: "BOOL", torch.float64: "F64"}


def save(path, tensors):
    head, data = {}, b""
    for name, t in tensors.items():
        raw = t.contiguous().numpy().tobytes()
        head[name] = {"dtype": NAMES[t.dtype], "shape": list(t.shape),
                      "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(head).encode()
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


def flat(result, rows=False):
    """Tensors; numbers count as such, and lists, where those are rows."""
    if isinstance(result, torch.Tensor):
        return [result]
    if isinstance(result, (bool, int, float)):
        dtype = torch.float64 if isinstance(result, float) else None
        return [torch.tensor(result, dtype=dtype)]
    if rows and isinstance(result, list):
        return [torch.stack([t for item in result for t in flat(item)])]
    if isinstance(result, dict):
        result = result.values()
    return [t for item in result for t in flat(item, rows)]


def spell(result):
    """The types of a result."""
    if isinstance(result, dict):
        return {k: spell(v) for k, v in result.items()}
    if isinstance(result, (tuple, list)):
        return [spell(v) for v in result]
    return type(result).__name__


def make_one(cls):
    torch.manual_seed(0)
    module = torch.jit.script(cls().eval())
    return torch.jit.freeze(module) if getattr(cls, "frozen", False) else module


def make(folder):
    os.makedirs(folder, exist_ok=True)
    make_methods(folder)
    with open(os.path.join(folder, "index"), "w") as index:
        for cls, types, calls in MODELS:
            module, tensors, rows = make_one(cls), {}, getattr(cls, "rows", False)
            module.save(os.path.join(folder, cls.__name__ + ".pt"))
            for i, inputs in enumerate(calls):
                for k, t in enumerate(inputs):
                    tensors["c%d.in%d" % (i, k)] = t.clone()
                for k, t in enumerate(flat(module(*[t.clone() for t in inputs]), rows)):
                    tensors["c%d.out%d" % (i, k)] = t.detach().clone()
            save(os.path.join(folder, cls.__name__ + ".calls.safetensors"), tensors)
            index.write(" ".join([cls.__name__] + types) + "\n")


class TwoMethods(nn.Module):
    """forward reads what remember has written; both use one layer."""

    def __init__(self):
        super().__init__()
        self.register_buffer("memory", torch.zeros(0, 4))
        self.layer = nn.Linear(4, 4)

    @torch.jit.export
    def remember(self, x):
        self.memory = torch.cat([self.memory, self.layer(x)])
        return self.memory.size(0)

    def forward(self, x):
        return torch.softmax(self.layer(x) @ self.memory.t(), -1) @ self.memory


def make_methods(folder):
    """Calls of both, one after the other."""
    torch.manual_seed(0)
    module, tensors = torch.jit.script(TwoMethods().eval()), {}
    for i in range(6):
        x = torch.randn(1, 4)
        y = module(x) if i % 2 else module.remember(x)
        tensors["c%d.in0" % i], tensors["c%d.out0" % i] = x, flat(y)[0].detach().clone()
    fresh = torch.jit.script(TwoMethods().eval())
    fresh.load_state_dict({k: v for k, v in module.state_dict().items() if k != "memory"}, strict=False)
    fresh.save(os.path.join(folder, "methods.pt"))
    save(os.path.join(folder, "methods.calls.safetensors"), tensors)


def compare(source, export, calls):
    for i, inputs in enumerate(calls):
        want, got = source(*[t.clone() for t in inputs]), export(*[t.clone() for t in inputs])
        if spell(want) != spell(got):
            return "call %d: %s for %s" % (i, spell(got), spell(want))
        want, got = flat(want), flat(got)
        if len(want) != len(got):
            return "call %d: %d results for %d" % (i, len(got), len(want))
        for a, b in zip(want, got):
            if a.shape != b.shape or not torch.allclose(a.double(), b.double(), rtol=1e-4,
                                                        atol=1e-5):
                return "call %d: another result" % i
    return None


def check_linear(path):
    """Appends take linear time: four times as many less than twelve times as long, by the
    fastest runs, of which there are more while it looks otherwise."""
    module, best = torch.jit.load(path), {}
    module(torch.ones(3), torch.tensor(10))
    for _ in range(6):
        for n in (10000, 40000):
            start = time.process_time()
            module(torch.ones(3), torch.tensor(n))
            spent = time.process_time() - start
            best[n] = min(best.get(n, spent), spent)
        if best[40000] <= 12 * best[10000]:
            return False
    print("appends: %.2f s for 10,000, %.2f s for 40,000" % (best[10000], best[40000]))
    return True


def check_methods(folder, tdag):
    """Both methods by the command, to .tdag, to .pt and back, and one of them alone."""
    both = [w for m in ("forward", "remember") for w in ("--method", m, "-i", "f32[1,4]")]

    def path(name):
        return os.path.join(folder, name)

    def run(*words):
        ran = subprocess.run([tdag, *words], capture_output=True, text=True)
        return ran.returncode, ran.stdout + ran.stderr

    steps = [run("convert", path("methods.pt"), path("m.tdag"), *both),
             run("convert", path("m.tdag"), path("m.pt")),
             run("convert", path("m.pt"), path("n.tdag"), *both),
             run("diff", path("m.tdag"), path("n.tdag")),
             run("convert", path("m.tdag"), path("one.txt"), "--method", "remember"),
             run("info", path("methods.pt"), *both)]
    page, text = steps[-1][1], open(path("one.txt")).read()
    if any(status for status, _ in steps) or "forward" in text or \
            page.count("parameters ") != 1 or page.count("\nmethod ") != 2:
        print("methods: %s" % steps)
        return 1
    again = torch.jit.load(path("m.pt"))
    source = torch.jit.load(path("methods.pt"))
    x = torch.ones(1, 4)
    same = [source.remember(x), source.remember(x)] == [again.remember(x), again.remember(x)]
    return not (same and torch.allclose(source(x), again(x)))


# Models whose exported file cannot be read again; a list that only shrinks.
NOT_READ_AGAIN = {
    "TwoArmLists": "a list changed by a name that data decides",
    "Determinant": "sizes that a run finds, which do not fit at their samples",
}


def read_again(tdag, name, path, arguments):
    """Why an exported file is not read as any other file is; None: it is."""
    ran = subprocess.run([tdag, "convert", path + ".out.pt", path + ".again.tdag"] + arguments,
                         capture_output=True, text=True)
    if name in NOT_READ_AGAIN:
        return None if ran.returncode else "is read again, but listed"
    return ran.stderr if ran.returncode else None


def check(folder, tdag):
    failed = 0
    for cls, types, calls in MODELS:
        path = os.path.join(folder, cls.__name__)
        arguments = [a for t in types for a in ("-i", t)]
        why = None
        for to in ("txt", "tdag"):  # through both forms, then out
            ran = subprocess.run([tdag, "convert", path + ".pt", path + "." + to] + arguments,
                                 capture_output=True, text=True)
            why = why or (ran.returncode and ran.stderr)
            ran = subprocess.run([tdag, "convert", path + "." + to, path + ".out.pt"],
                                 capture_output=True, text=True)
            why = why or (ran.returncode and ran.stderr)
            if not why:
                try:
                    why = compare(make_one(cls), torch.jit.load(path + ".out.pt"), calls)
                except RuntimeError as error:
                    why = str(error)
        why = why or read_again(tdag, cls.__name__, path, arguments)
        if why:
            failed += 1
            print("%s: %s" % (cls.__name__, why))
    if any(m[0].__name__ == "AppendStack" for m in MODELS):
        failed += check_methods(folder, tdag)
        failed += check_linear(os.path.join(folder, "AppendStack.out.pt"))
    print("%d of %d programs agree" % (len(MODELS) - failed, len(MODELS)))
    return failed


if __name__ == "__main__":
    torch.set_num_threads(1)
    if len(sys.argv) > 3 + (sys.argv[1] == "check"):  # these alone
        MODELS[:] = [m for m in MODELS if m[0].__name__ in sys.argv[3:]]
    if sys.argv[1] == "make":
        make(sys.argv[2])
    else:
        sys.exit(1 if check(sys.argv[2], sys.argv[3]) else 0)
