#!/usr/bin/env python3
"""An exported model picks what its source picks among equal elements.

    ties.py TDAG

PyTorch's own order among equals is that of its algorithms: a selection picks others than a
sort, an unstable sort others than a stable one. Each case is traced on data with many equal
elements, all of a size in one module, converted, and must give the same values and positions,
element by element. They are also converted once more from what was exported."""
import os
import subprocess
import sys
import tempfile

import torch

SORTS = ["x.sort({d}, {f})", "x.sort(dim={d}, descending={f}, stable=True)",
         "(x.argsort({d}, {f}),)", "(x.sort({d}, {f})[1].narrow({d}, 0, {k}),)",
         "(torch.gather(x, {d}, x.argsort({d}, {f}).narrow({d}, 0, {k})),)"]
PICKS = ["x.topk({k}, {d}, {f}, {g})", "x.topk({k}, {d}, {f}, {g})[1:]",
         "x.topk({k}, {d}, {f}, {g})[:1]"]
OTHERS = ["x.kthvalue({k}, {d}, {f})", "x.kthvalue({k}, {d})[1:]", "x.median({d}, {f})",
          "x.mode({d}, {f})", "x.mode({d})[1:]", "x.max({d}, {f})", "x.min({d}, {f})",
          "(x.argmax({d}), x.argmin({d}, {f}))", "x.cummax({d})", "x.cummin({d})",
          "x.nanmedian({d}, {f})", "(x.msort(), x.argmax(), x.argmin())"]
UPDATES = ["(x.scatter({d}, i, x.flip({d})), x.scatter({d}, i, x.flip({d}), reduce='add'))",
           "(x.index_put((i.select({d}, 0).flatten() % x.shape[0],), x[:1]),)",
           "(x.index_copy({d}, x.argsort({d}).flatten()[:x.shape[{d}]] % x.shape[{d}], x),)"]
NOT_HALF = ("kthvalue", "median", "topk", "mode")  # in 1.13


def cases(n, levels, dtype):
    for shape, d in (((n,), 0), ((3, n), 1), ((n, 3), 0)):
        x = torch.randint(0, levels, shape).to(dtype)
        texts = {text.format(d=d, f=f, g=g, k=k): None
                 for text in SORTS + PICKS + OTHERS + UPDATES for f in (False, True)
                 for k in (1, n // 3, min(n, 20), n) if k for g in (False, True)}
        for text in texts:
            yield text, x


class All(torch.nn.Module):
    def __init__(self, todo):
        super().__init__()
        self.todo = [(eval("lambda x, i: " + text), j) for text, j in todo]  # noqa: S307

    def forward(self, *xs):
        n = len(xs) // 2
        return tuple(r for f, j in self.todo for r in f(xs[j], xs[n + j]))


def runs(text, x):
    try:
        results = eval("lambda x, i: " + text)(x, positions(x))  # noqa: S307
    except RuntimeError as e:
        assert "not implemented" in str(e), (text, e)
        return 0
    return len(results)


def positions(x):
    d = 0 if x.dim() == 1 or x.shape[0] > x.shape[1] else 1
    return torch.arange(x.numel()).reshape(x.shape) * 7 // 3 % x.shape[d]


def check(tdag, folder, name, found):
    """The number of results that were compared; the texts of those that differ."""
    inputs, todo, owners = [], [], []
    for text, x in found:
        count = runs(text, x)
        if count == 0:
            continue
        if not inputs or inputs[-1] is not x:
            inputs.append(x)
        todo.append((text, len(inputs) - 1))
        owners += [(text, x.shape)] * count
    args = tuple(inputs) + tuple(positions(x) for x in inputs)
    traced = torch.jit.trace(All(todo), args, check_trace=False)
    path = os.path.join(folder, name + ".pt")
    traced.save(path)
    want, wrong = traced(*args), []
    shapes = []
    for x in args:
        kind = {torch.float32: "f32", torch.int64: "i64", torch.float64: "f64",
                torch.bfloat16: "bf16"}[x.dtype]
        shapes += ["-i", "%s[%s]" % (kind, ",".join(map(str, x.shape)))]
    for step in range(2):
        to = os.path.join(folder, "%s.%d.pt" % (name, step))
        subprocess.run([tdag, "convert", path, to] + shapes, check=True)
        got = torch.jit.load(to)(*args)
        assert len(got) == len(want) == len(owners)
        wrong += [(owner, step) for a, b, owner in zip(want, got, owners)
                  if a.dtype != b.dtype or a.shape != b.shape or not torch.equal(a, b)]
        path = to
    return len(owners), wrong


def main():
    torch.manual_seed(3)
    torch.set_num_threads(1)
    total, failed = 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for n, levels, dtype in ((5, 2, torch.float32), (17, 3, torch.int64),
                                 (70, 4, torch.float32), (300, 9, torch.bfloat16),
                                 (1500, 20, torch.float64)):
            count, wrong = check(sys.argv[1], folder, "n%d" % n, cases(n, levels, dtype))
            total += count
            failed += len(wrong)
            for (text, shape), step in wrong[:20]:
                print("n %d %s %s: %s" % (n, tuple(shape), text, ("once", "twice")[step]))
    print("%d results, %d differ (PyTorch %s)" % (total, failed, torch.__version__))
    sys.exit(failed > 0 or total < 1000)


if __name__ == "__main__":
    main()
