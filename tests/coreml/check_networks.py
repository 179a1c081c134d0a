"""Real networks through Core ML: .pt to .mlpackage, which computes what PyTorch does, with as
many multiplications, back to .pt, which does so, too, and by way of .tdag to equal packages.

    check_networks.py TDAG MODEL...      MODELs are those of tests/torchscript/models.py, traced
"""
import json
import os
import sys
import tempfile

import torch

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", folder) for folder in ("torchscript", "support")]
sys.path.append(os.path.join(HERE, "support"))
import commands  # noqa: E402
import models  # noqa: E402
import packages  # noqa: E402

TOLERANCE = 1e-4  # of the largest element
# normalize comes back as its parts.
OTHER_MACS = {"siamese"}


class Failed(Exception):
    pass


def tdag(program, *words):
    done = commands.run(program, *words, together=True)
    if done.returncode != 0:
        raise Failed("tdag %s: %s" % (" ".join(words), done.stdout.strip()[-600:]))
    return done.stdout


def compare(what, path, expected):
    have, want = models.load_safetensors(path), models.load_safetensors(expected)
    if len(have) != len(want):
        raise Failed("%s has %d results, not %d" % (what, len(have), len(want)))
    for name, b in want.items():
        a, b = have[name].double(), b.double()
        if a.numel() != b.numel():
            raise Failed("%s: %s is %s, not %s" % (what, name, list(a.shape), list(b.shape)))
        a, finite = a.reshape(b.shape), b.isfinite()
        if not torch.equal(a[~finite].nan_to_num(0.5), b[~finite].nan_to_num(0.5)):
            raise Failed("%s: %s is finite elsewhere" % (what, name))
        error = (a - b)[finite].abs().max().item() if finite.any() else 0.0
        most = b[finite].abs().max().item() if finite.any() else 0.0
        if not error <= TOLERANCE * (most or 1.0):
            raise Failed("%s: %s is off by %.3g of %.3g" % (what, name, error, most))


def macs(program, path, *words):
    report = json.loads(tdag(program, "info", path, *words, "--json"))
    return report["totals"]["kernel"]["macs"]


def check_again(program, package, folder):
    if not packages.stays(package, folder, lambda *words: tdag(program, "convert", *words)):
        raise Failed("written again, the package has other bytes")


def check(program, name, path, folder):
    stem = models.stem_of(path)
    like, want = stem + ".in.safetensors", stem + ".out.safetensors"
    result, package, back = [os.path.join(folder, f) for f in (
        "out.safetensors", "a.mlpackage", "b.pt")]
    tdag(program, "convert", path, package, "--like", like)
    tdag(program, "run", package, "--in", like, "--out", result)
    compare("the package", result, want)
    a, b = macs(program, path, "--like", like), macs(program, package)
    if a != b and name not in OTHER_MACS:
        raise Failed("%d multiplications became %d" % (a, b))
    check_again(program, package, folder)
    tdag(program, "convert", package, back)
    learnt = [n for n, _ in torch.jit.load(back).named_parameters() if "running_" in n]
    if learnt:
        raise Failed("%s is learnt" % learnt[0])
    tdag(program, "run", back, "--in", like, "--out", result)
    compare("the model made of it", result, want)


def main():
    program, names = sys.argv[1], sys.argv[2:]
    torch.set_num_threads(1)
    bad = 0
    for name in names:
        path = models.make(name, False, models.folder_of(None))
        if path is None:
            continue
        with tempfile.TemporaryDirectory(prefix="tdag-coreml-") as folder:
            try:
                check(program, name, path, folder)
                print("ok", name, flush=True)
            except Failed as e:
                bad += 1
                print("bad %s: %s" % (name, e), flush=True)
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()
