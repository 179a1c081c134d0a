#!/usr/bin/env python3
"""Takes networks of models.py through everything: counted, converted and compared.

    check_model.py TDAG NAME[,NAME...] [--size N] [--only trace|script] [--out DIR]

For the traced and the compiled (scripted) form: the kernel MACs of `info --json` are the
ones that macs.py counts in PyTorch; the exported file has the source's parameters and
buffers, by name and to the bit; `verify` finds both equal with either engine; the export
run by PyTorch and by the native engine gives what PyTorch gave when the model was made;
and `verify` says no, with exit status 1, as soon as one parameter of the export is another.
Where PyTorch loads .pt2 files, one has the same state and computes the same, too.

Exit status 77: this PyTorch can neither trace nor compile any of the models."""
import argparse
import json
import os
import sys
import tempfile
import time
import zipfile

import torch

import models
from models import bounds, commands

sys.path.append(os.path.join(models.HERE, "..", "pt2"))
import exported  # noqa: E402


class Failed(Exception):
    pass


def tdag(args, *words, status=0):
    made = commands.run(args.tdag, *words, together=True)
    if made.returncode != status:
        raise Failed("tdag %s: exit status %d instead of %d\n%s" % (
            " ".join(words), made.returncode, status, made.stdout[-3000:]))
    return made.stdout


def check_macs(args, path, like):
    report = json.loads(tdag(args, "info", path, "--like", like, "--json"))
    macs = report["totals"]["kernel"]["macs"]
    with open(models.stem_of(path) + ".made.json") as f:
        want = json.load(f)["macs"]
    if macs != want:
        raise Failed("%d kernel MACs, PyTorch performs %d" % (macs, want))
    return macs


def named(module):
    return ({k for k, _ in module.named_parameters()}, {k for k, _ in module.named_buffers()})


def check_state(path, export):
    a, b = torch.jit.load(path).eval(), torch.jit.load(export).eval()
    was, now = a.state_dict(), b.state_dict()
    if list(sorted(was)) != list(sorted(now)):
        raise Failed("state_dict() has other keys: %s" % sorted(set(was) ^ set(now))[:10])
    if named(a) != named(b):
        raise Failed("parameters became buffers or the reverse")
    for key in was:
        if was[key].dtype != now[key].dtype or not torch.equal(was[key], now[key]):
            raise Failed("state_dict()[%r] differs" % key)
    return b


def check_result(path, have):
    want = models.load_safetensors(models.stem_of(path) + ".out.safetensors")
    if list(have) != list(want):
        raise Failed("outputs are %s, not %s" % (list(have), list(want)))
    worst = 0.0
    for key, w in want.items():
        wrong = bounds.network(have[key], w)
        if wrong:
            raise Failed("%s %s" % (key, wrong))
        if w.is_floating_point() and w.isfinite().any():
            apart = (have[key].double() - w.double())[w.isfinite()].abs().max().item()
            worst = max(worst, apart / max(bounds.largest(w), 1e-30))
    return worst


def same_bytes(a, b):
    with open(a, "rb") as x, open(b, "rb") as y:
        return x.read() == y.read()


def check_file(args, path, export, folder, like):
    """By way of a .tdag file the same is exported, to the bit; saving it again changes no
    byte; and its weights are there under their names."""
    first, second = (os.path.join(folder, name) for name in ("a.tdag", "b.tdag"))
    back = os.path.join(folder, "back.pt")
    tdag(args, "convert", path, first, "--like", like)
    tdag(args, "convert", first, second)
    if not same_bytes(first, second):
        raise Failed("a second save of the .tdag file differs")
    tdag(args, "convert", first, back)
    tdag(args, "verify", back, export, "--in", like, "--engine", "torch", "--rtol", "0",
         "--atol", "0")
    module, stored = check_state(path, back), models.load_safetensors(first)
    for key, value in module.state_dict().items():
        same = [t for t in ([stored[key]] if key in stored else stored.values())
                if t.dtype == value.dtype and torch.equal(t, value)]
        if not same:  # one that shares its memory with another is stored once
            raise Failed("the .tdag file does not hold %s" % key)


def has_two_forms(path):
    """An export may hold a statement for newer PyTorch and one for older: which of them
    PyTorch compiles is its version's to say, and so are the names of values then."""
    with zipfile.ZipFile(path) as archive:
        return any(b"if hasattr(" in archive.read(name) for name in archive.namelist()
                   if name.endswith(".py"))


def check_readers(args, path, like):
    """PyTorch's reader and the library's own give one model, weights included."""
    named = [] if has_two_forms(path) else [["show"]]
    for words in named + [["info", "--json", "--content-hash"]]:
        native, shim = (tdag(args, words[0], path, "--like", like, "--reader", by, *words[1:])
                        for by in ("native", "shim"))
        if native != shim:
            raise Failed("the two readers differ in " + " ".join(words))


def check_writers(args, path, export, folder, like):
    """What PyTorch compiles and saves, and what the library writes, is one model. The names
    of values are the writer's, and tensors of one memory are two in PyTorch's file."""
    other = os.path.join(folder, "by_shim.pt")
    tdag(args, "convert", path, other, "--like", like, "--writer", "shim")
    check_state(path, other)
    tdag(args, "diff", export, other, "--like", like)
    tdag(args, "verify", export, other, "--in", like, "--engine", "torch")


def check_exported(args, path, like, folder):
    """As a .pt2 file, where this PyTorch loads such, the model is the same."""
    if not exported.LOADS:
        return
    program = os.path.join(folder, "export.pt2")
    want = models.load_safetensors(models.stem_of(path) + ".out.safetensors")
    tdag(args, "convert", path, program, "--like", like)
    try:
        exported.check(program, list(models.load_safetensors(like).values()),
                       list(want.values()), torch.jit.load(path).state_dict())
    except exported.Failed as e:
        raise Failed("as .pt2: %s" % e)


def spoil(module, inputs, path):
    """Saves the module with another value of its last parameter that matters."""
    with torch.no_grad():
        before = models.flat(module(*inputs))
        for name, p in reversed([(n, p) for n, p in module.named_parameters()
                                 if p.is_floating_point()]):
            p.data.add_(0.5)
            after = models.flat(module(*inputs))
            if any(x.is_floating_point() and x.numel() and
                   (x - y).abs().max() > 0.01 * y.abs().max()
                   for x, y in zip(after, before)):
                torch.jit.save(module, path)
                return name
            p.data.sub_(0.5)
    raise Failed("no parameter has an influence")


def check(args, path, folder):
    stem = models.stem_of(path)
    like = stem + ".in.safetensors"
    export = os.path.join(folder, "export.pt")
    result = os.path.join(folder, "result.safetensors")
    macs = check_macs(args, path, like)
    check_readers(args, path, like)
    tdag(args, "convert", path, export, "--like", like)
    check_readers(args, export, like)
    check_writers(args, path, export, folder, like)
    check_file(args, path, export, folder, like)
    check_exported(args, path, like, folder)
    module = check_state(path, export)
    for engine in ("torch", "native"):
        tdag(args, "verify", path, export, "--in", like, "--engine", engine)
    tdag(args, "run", export, "--in", like, "--out", result, "--engine", "native")
    apart = {"native": check_result(path, models.load_safetensors(result))}
    inputs = torch.load(stem + ".inputs")
    for _ in range(3):  # with gradients recorded, for which the JIT compiles the third otherwise
        again = [t.detach() for t in models.flat(module(*inputs))]
    apart["torch"] = check_result(path, {"out%d" % i: t for i, t in enumerate(again)})
    spoiled = os.path.join(folder, "spoiled.pt")
    name = spoil(module, inputs, spoiled)
    tdag(args, "verify", path, spoiled, "--in", like, "--engine", "torch", status=1)
    return macs, apart, name


def one(args, name, script):
    how = "script" if script else "trace"
    started = time.time()
    try:
        path = models.make(name, script, models.folder_of(args.out), args.size)
        made = time.time()
        if path is None:
            return None
        with tempfile.TemporaryDirectory(prefix="tdag-model-") as folder:
            macs, apart, spoiled = check(args, path, folder)
    except Failed as e:
        print("FAILED %s %s: %s" % (name, how, e), flush=True)
        return False
    print("ok %s %s: %d MACs; differs by %.2g (torch), %.2g (native); spoiled %s; "
          "%.1f s + %.1f s" % (name, how, macs, apart["torch"], apart["native"],
                               spoiled, made - started, time.time() - made), flush=True)
    return True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tdag")
    parser.add_argument("names")
    parser.add_argument("--size", type=int)
    parser.add_argument("--only", choices=["trace", "script"])
    parser.add_argument("--out")
    args = parser.parse_args()
    torch.set_num_threads(1)
    done = [one(args, name, script) for name in args.names.split(",") for script in (False, True)
            if args.only in (None, "script" if script else "trace")]
    if all(d is None for d in done):
        sys.exit(77)  # ctest: skipped
    sys.exit(0 if all(d is not False for d in done) else 1)


if __name__ == "__main__":
    main()
