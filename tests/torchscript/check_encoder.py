#!/usr/bin/env python3
"""Layers of a transformer's encoder come back as PyTorch's one call of them, by the tdag command.

    check_encoder.py TDAG

Each is converted, loses its batch and gets it back. Every file gives what its source gives, with
gradients and without, has the call as often as the source has layers, if it may have it, all in
one branch, and is the same again when it is converted once more."""
import os
import subprocess
import sys
import tempfile

import torch
from torch import nn

CALL = "aten::_transformer_encoder_layer_fwd"


class Twice(nn.Module):
    """What is between the two sums is read from outside: no call can give it."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        y = x + self.layer.self_attn(x, x, x, need_weights=False)[0]
        y = self.layer.norm1(y)
        return self.layer.norm2(y + self.layer.linear2(torch.relu(self.layer.linear1(y)))), y


def layer(heads=2, eps=None, **options):
    made = nn.TransformerEncoderLayer(8, heads, 12, batch_first=True, **options)
    for p in made.parameters():
        nn.init.normal_(p, 0, 0.5)
    if eps is not None:
        made.norm2.eps = eps
    return made


def stack(n, **options):
    return nn.Sequential(*(layer(**options) for _ in range(n)))


CASES = {
    "post": (lambda: stack(2), 2),
    "pre": (lambda: stack(2, norm_first=True), 2),
    "gelu": (lambda: stack(1, activation="gelu"), 1),
    "pre_gelu": (lambda: stack(1, activation="gelu", norm_first=True), 1),
    "silu": (lambda: stack(1, activation=nn.SiLU()), 0),
    "one_head": (lambda: stack(1, heads=1), 0),
    "eps": (lambda: stack(1, eps=1e-3), 0),
    "inside": (lambda: Twice(layer()), 0),
}


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, "%s\n%s" % (" ".join(words), done.stderr)
    return done.stdout


def outputs(model, x):
    found = model(x)
    return found if isinstance(found, tuple) else (found,)


def check(name, path, x, wanted, n_calls):
    model = torch.jit.load(path).eval()
    source = str(model.inlined_graph)
    found, branches = source.count(CALL), source.count("aten::is_grad_enabled")
    assert found == n_calls, "%s: %d calls, not %d" % (name, found, n_calls)
    assert branches == min(n_calls, 1), "%s: %d branches" % (name, branches)
    for enabled in (True, False):
        with torch.set_grad_enabled(enabled):
            for y, want in zip(outputs(model, x), wanted):
                torch.testing.assert_close(y, want, rtol=1e-4, atol=1e-5)


def check_case(tdag, name, folder):
    make, n_calls = CASES[name]
    paths = [os.path.join(folder, "%s.%d.pt" % (name, i)) for i in range(5)]
    torch.manual_seed(3)
    model, x = make().eval(), torch.randn(3, 5, 8)
    with torch.no_grad():  # else the source has no such call
        torch.jit.trace(model, (x,), check_trace=False).save(paths[0])
    wanted = [y.detach() for y in outputs(torch.jit.load(paths[0]), x)]
    run(tdag, "convert", paths[0], paths[1], "-i", "f32[3,5,8]")
    check(name, paths[1], x, wanted, n_calls)
    run(tdag, "convert", paths[1], paths[2], "-i", "f32[3,5,8]")
    graphs = [run(tdag, "show", p, "-i", "f32[3,5,8]") for p in paths[1:3]]
    assert graphs[0] == graphs[1], "%s is another graph" % name
    run(tdag, "debatch", paths[0], paths[3], "-i", "f32[N=3,5,8]", "--dim", "N")
    check(name, paths[3], x[1], [y[1] for y in wanted], n_calls)
    run(tdag, "batch", paths[3], paths[4], "-i", "f32[5,8]", "--dim", "N=3")
    check(name, paths[4], x, wanted, n_calls)


def main():
    with tempfile.TemporaryDirectory() as folder:
        for name in CASES:
            check_case(sys.argv[1], name, folder)
            print("%s ok" % name)


if __name__ == "__main__":
    main()
