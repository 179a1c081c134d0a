"""Real models: of each the batch is removed, and the result compared with the original on each
sample of a batch of 3; its kernels are those of batch 1, or fewer; with a batch added again it
equals the original on the whole batch.

    axis_models.py TDAG MODEL...      of tests/torchscript/models.py, or bert or gpt
"""
import json
import os
import sys
import tempfile

import torch
import torch.nn.functional as F
from torch import nn

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", folder) for folder in ("torchscript", "support")]
import bounds  # noqa: E402
import commands  # noqa: E402
import models  # noqa: E402

B = 3


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def attend(self, x, mask):
        b, s, e = x.shape
        q, k, v = self.qkv(x).view(b, s, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        a = torch.matmul(q, k.transpose(-1, -2)) / (e // self.heads) ** 0.5
        a = torch.softmax(a + mask, -1)
        return self.out(torch.matmul(a, v).transpose(1, 2).reshape(b, s, e))


class Bert(nn.Module):
    """Token, position and type embeddings, a padding mask, norms behind, a pooler."""

    def __init__(self, width=32, heads=4, layers=2):
        super().__init__()
        self.tokens, self.places = nn.Embedding(50, width), nn.Embedding(16, width)
        self.types, self.norm = nn.Embedding(2, width), nn.LayerNorm(width)
        self.blocks = nn.ModuleList([Block(width, heads) for _ in range(layers)])
        self.pooler = nn.Linear(width, width)
        self.register_buffer("place_ids", torch.arange(16).unsqueeze(0))

    def forward(self, ids, keep):
        types = torch.zeros(ids.shape, dtype=torch.long)
        where = self.place_ids[:, :ids.shape[1]].expand(ids.shape[0], -1)
        x = self.norm(self.tokens(ids) + self.types(types) + self.places(where))
        mask = (1.0 - keep[:, None, None, :].to(x.dtype)) * torch.finfo(x.dtype).min
        for block in self.blocks:
            x = block.norm1(x + block.attend(x, mask))
            x = block.norm2(x + block.down(F.gelu(block.up(x))))
        return x, torch.tanh(self.pooler(x[:, 0]))


class Gpt(nn.Module):
    """Causal, norms in front, the head tied to the embedding, logits of the last id."""

    def __init__(self, width=32, heads=4, layers=2):
        super().__init__()
        self.tokens, self.places = nn.Embedding(50, width), nn.Embedding(16, width)
        self.blocks = nn.ModuleList([Block(width, heads) for _ in range(layers)])
        self.norm = nn.LayerNorm(width)
        self.register_buffer("bias", torch.ones(1, 1, 16, 16).tril().bool())

    def forward(self, ids):
        b, s = ids.shape
        x = self.tokens(ids) + self.places(torch.arange(s)).unsqueeze(0)
        mask = torch.full((s, s), -1e9).masked_fill(self.bias[0, 0, :s, :s], 0.0)
        for block in self.blocks:
            x = x + block.attend(block.norm1(x), mask)
            x = x + block.down(F.gelu(block.up(block.norm2(x)), approximate="tanh"))
        logits = torch.matmul(self.norm(x), self.tokens.weight.t())
        last = (ids > 0).long().cumsum(-1).argmax(-1)
        return logits, logits[torch.arange(b), last]


OWN = {"bert": (Bert, [((B, 7), 50), ((B, 7), 2)]), "gpt": (Gpt, [((B, 7), 50)])}
# where the batch is in inputs and in each output, where that is not axis 0
AXES = {"encoder_slow": (1, [1]), "gru": (1, [1, 1]), "rnn": (1, [1, 1]),
        "lstm": (0, [0, 1, 1])}


def own(name, folder):
    make, shapes = OWN[name]
    torch.manual_seed(0)
    model = make().eval()
    inputs = [torch.randint(0, most, shape) for shape, most in shapes]
    path = os.path.join(folder, name + ".pt")
    with torch.no_grad():
        torch.jit.trace(model, tuple(inputs), check_trace=False).save(path)
    return path, inputs


def cached(name, axis):
    root = os.environ.get("TDAG_MODEL_CACHE",
                          os.path.expanduser("~/.cache/tdagger/models"))
    folder = os.path.join(root, "torch-" + torch.__version__.split("+")[0])
    os.makedirs(folder, exist_ok=True)
    path = models.make(name, False, folder)
    with open(path[:-3] + ".in.safetensors", "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
    inputs = []
    torch.manual_seed(1)
    for key in sorted(k for k in header if k != "__metadata__"):
        shape = list(header[key]["shape"])
        shape[axis] = B
        inputs.append(torch.rand(*shape))
    return path, inputs


def specs(inputs, axis, size):
    words = []
    for t in inputs:
        dims = ["%s" % (size if i == axis else n) for i, n in enumerate(t.shape)]
        words += ["-i", "%s[%s]" % ("i64" if t.dtype == torch.int64 else "f32",
                                    ",".join(d for d in dims if d))]
    return words


def run(*args):
    done = commands.run(*args)
    if done.returncode:
        sys.exit("%s\n%s" % (" ".join(args), done.stderr))
    return done.stdout


def kernels(tdag, path, words=()):
    """What the kernels of a model count."""
    return json.loads(run(tdag, "info", path, *words, "--json"))["totals"]["kernel"]


def check_kernels(name, got, want):
    """Without its batch a model has the kernels that it has at batch 1, or better ones:
    sums of products over what was a batch axis take an addend in, and zeros go."""
    if got["macs"] != want["macs"]:
        sys.exit("%d multiply-adds, not %d" % (got["macs"], want["macs"]))
    worse = ["%s: %d, not %d" % (key, got[key], want[key]) for key in want
             if got[key] > want[key]]
    if worse:
        sys.exit("%s without its batch has more: %s" % (name, ", ".join(worse)))


def check(what, got, want):
    for k, (g, w) in enumerate(zip(got, want)):
        wrong = bounds.network(g, w)
        if wrong:
            sys.exit("%s: output %d %s" % (what, k, wrong))
    if len(got) != len(want):
        sys.exit("%s: %d outputs, not %d" % (what, len(got), len(want)))


def check_model(tdag, name):
    axis, out = AXES.get(name, (0, None))
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        path, inputs = own(name, folder) if name in OWN else cached(name, axis)
        single = os.path.join(folder, "single.pt")
        again = os.path.join(folder, "again.pt")
        run(tdag, "debatch", path, single, *specs(inputs, axis, "N=%d" % B), "--dim", "N")
        whole = models.flat(torch.jit.load(path).eval()(*inputs))
        whole = bounds.all_better(whole, lambda: models.flat(
            torch.jit.load(path).eval().double()(*models.doubled(inputs))))
        out = out or [0] * len(whole)
        one = torch.jit.load(single).eval()
        for i in range(B):  # with gradients recorded, for which the JIT compiles the third otherwise
            with torch.enable_grad():
                got = [t.detach() for t in models.flat(one(*[t.select(axis, i) for t in inputs]))]
            check("sample %d" % i, got, [w.select(a, i) for w, a in zip(whole, out)])
        graph = os.path.join(folder, "single.tdag")
        run(tdag, "debatch", path, graph, *specs(inputs, axis, "N=%d" % B), "--dim", "N")
        want = kernels(tdag, path, specs(inputs, axis, 1))
        check_kernels(name, kernels(tdag, graph), want)
        run(tdag, "batch", single, again, *specs(inputs, axis, ""), "--dim", "N=%d" % B)
        got = models.flat(torch.jit.load(again).eval()(
            *[t.movedim(axis, 0) for t in inputs]))
        check("the batch", got, [w.movedim(a, 0) for w, a in zip(whole, out)])
    print("%s: equal, %d kernels" % (name, want["nodes"]), flush=True)


def main():
    tdag, *names = sys.argv[1:]
    torch.set_num_threads(1)
    failed = 0
    for name in names:
        try:
            check_model(tdag, name)
        except SystemExit as e:
            print("FAILED %s: %s" % (name, e), flush=True)
            failed += 1
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
