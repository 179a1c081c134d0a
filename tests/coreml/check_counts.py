#!/usr/bin/env python3
"""Packages that coremltools made count at the kernel level what PyTorch's models do.

    check_counts.py TDAG DIR

DIR is what torch_cases.py made: each NAME.frozen.pt, in which PyTorch itself has folded batch norms into
convolutions as coremltools does, and its NAME.mlpackage agree in every counter: kernels, FLOPs,
multiply-adds, elements and bytes. At least ten are there."""
import glob
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "support"))
import tensors  # noqa: E402


def counts(program, *words):
    done = subprocess.run([program, "info", *words, "--json"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit("tdag info %s: %s" % (" ".join(words), done.stderr.strip()))
    return json.loads(done.stdout)["totals"]["kernel"]


def main(program, folder):
    bad, names = 0, sorted(glob.glob(os.path.join(folder, "*.frozen.pt")))
    with tempfile.TemporaryDirectory(prefix="tdag-counts-") as scratch:
        like = os.path.join(scratch, "in.safetensors")
        for frozen in names:
            stem = frozen.removesuffix(".frozen.pt")
            given = tensors.load(stem + ".io.safetensors")
            tensors.save(like, {k: v for k, v in given.items() if k.startswith("in")})
            want = counts(program, frozen, "--like", like)
            got = counts(program, stem + ".mlpackage")
            for key in want:
                if want[key] != got[key]:
                    bad += 1
                    print("%s: %s of the model are %d, of the package %d" % (
                        os.path.basename(stem), key, want[key], got[key]))
    print("%d models, %d differences" % (len(names), bad))
    return bad > 0 or len(names) < 10


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
