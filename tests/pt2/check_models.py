#!/usr/bin/env python3
"""Models that torch.export saved, read by tdag and compared with PyTorch.

    check_models.py TDAG layers|networks|NAME... [--only training|core] [--keep DIR]

Each model of exported_models.py is exported, its training IR and what
run_decompositions() makes of that (core IR). Of either file:

- `info --json` counts what it counts of the model's TorchScript file;
- `convert` writes .tdag, .pt2 and, of the training IR, .pt; PyTorch runs the last two, tdag
  the file itself and the first, and all give what the model gives;
- some, written as PyTorch 2.6 to 2.8 do, are read as the same graphs;
- read back, the .tdag file is the graph that the source is, and the .pt and .pt2 files, two
  writers and two readers, are one graph, too.

Exit status 77: this PyTorch cannot load such files."""
import argparse
import io
import json
import os
import sys
import tempfile
import time
import zipfile

import torch

import exported
import exported_models
from exported import Failed, bounds, commands
from exported_models import models

NAMES = {torch.float32: "f32", torch.float64: "f64", torch.int64: "i64", torch.bool: "bool"}


def spec(tensor, free):
    dims = ["%s=%d" % (free[i], n) if i in free else str(n) for i, n in enumerate(tensor.shape)]
    return "%s[%s]" % (NAMES[tensor.dtype], ",".join(dims))


def dynamic(free):
    """What torch.export is told of the free axes of each argument. Those of one name are one
    size, and so one symbol of the file."""
    names = [name for axes in free for name in axes.values()]
    dims = {name: torch.export.Dim.DYNAMIC if names.count(name) == 1 else
            torch.export.Dim(name, min=2, max=30) for name in names}
    return tuple({axis: dims[name] for axis, name in axes.items()} for axes in free)


class Flat(torch.nn.Module):
    """A module whose arguments and results are tensors, one after the other: what tracing
    takes, however the model arranges them."""

    def __init__(self, module, args):
        super().__init__()
        self.module = module
        self.leaves, self.spec = torch.utils._pytree.tree_flatten(args)

    def forward(self, *tensors):
        left = iter(tensors)
        leaves = [next(left) if isinstance(x, torch.Tensor) else x for x in self.leaves]
        return tuple(exported.flat(self.module(*torch.utils._pytree.tree_unflatten(
            leaves, self.spec))))


class Case:
    def __init__(self, tdag, name, folder):
        self.tdag, self.name, self.folder = tdag, name, folder
        self.module, self.args, free = exported_models.make(name)
        self.tensors = exported.flat(self.args)
        self.free = free if free is not None else [{}] * len(self.tensors)
        self.inputs = [word for t, f in zip(self.tensors, self.free)
                       for word in ("-i", spec(t, f))]
        with torch.no_grad():
            self.want = exported.flat(self.module(*self.args))
        self.like = self.path("in.safetensors")
        models.save_safetensors(self.like, {"in%d" % i: t for i, t in enumerate(self.tensors)})

    def path(self, end):
        return os.path.join(self.folder, self.name + "." + end)

    def run(self, *words):
        made = commands.run(self.tdag, *words, together=True)
        if made.returncode != 0:
            raise Failed("tdag %s: %s" % (words[0], made.stdout.strip()[-1500:]))
        return made.stdout

    def totals(self, path):
        return json.loads(self.run("info", path, "--json", *self.inputs))["totals"]

    def given(self):
        """The arguments up to the last one with a tensor: what follows has its default."""
        n = max(i for i, a in enumerate(self.args) if exported.flat(a))
        return self.args[:n + 1]

    def named_inputs(self):
        """For a TorchScript file, which names the tensors of a dict by their keys."""
        keys = [k for a in self.args for k in (a if isinstance(a, dict) else [None] *
                                               len(exported.flat(a)))]
        words = iter(self.inputs)
        return [w for key in keys for w in (next(words), "%s:%s" % (key, next(words))
                                            if key else next(words))]

    def trace(self):
        """The TorchScript file; gradients on, so that modules take their plain paths."""
        made = torch.jit.trace(Flat(self.module, self.args), tuple(self.tensors), strict=False,
                               check_trace=False)
        torch.jit.save(made, self.path("trace.pt"))
        self.traced = self.totals(self.path("trace.pt"))

    def program(self):
        shapes = dynamic(self.free) if any(self.free) else None
        if shapes is not None and self.module.forward.__code__.co_flags & 4:  # *args
            shapes = (shapes,)
        return torch.export.export(self.module, self.args, dynamic_shapes=shapes)


# Written in the layouts of earlier versions, too.
OLDER = {"tied", "kept", "batch_norm", "gpt"}
HELD = ("parameters", "buffers")
COUNTED = ("nodes", "flops", "macs", "memory_reads", "memory_writes", "read_bytes",
           "write_bytes")
# What tracing records is not what the model says: the operators that a cell is made of, the
# smaller of two sizes as the number that it is for the example.
TRACED_OTHERWISE = {"lstm_cell", "gru_cell", "tagger", "sized"}


def check_counts(case, have, is_core):
    """The training IR has the operators of the traced file, so all is equal. Decomposed, an
    operator is several others: what is held and multiplied is the same."""
    want = case.traced
    same = not is_core and case.name not in TRACED_OTHERWISE
    for key in HELD:
        if have[key] != want[key]:
            raise Failed("%s %s, traced %s" % (have[key], key, want[key]))
    for level in ("core", "kernel", "fused") if same else ("kernel",):
        for key in COUNTED if same else ("macs",):
            if have[level][key] != want[level][key]:
                raise Failed("%s %s %s, traced %s" % (level, key, have[level][key],
                                                      want[level][key]))


def check_script(case, source, script, again):
    case.run("convert", source, script)
    case.run("diff", script, again, *case.named_inputs())
    with torch.no_grad():
        got = exported.flat(torch.jit.load(script)(*case.given()))
    exported.compare("the TorchScript file", got, case.want)


def as_of_2_7(program, path):
    """The archive that PyTorch 2.6 and 2.7 write: torch.save() of the tensors."""
    from torch._export.serde.serialize import serialize
    made = serialize(program)
    with zipfile.ZipFile(path, "w") as z:
        z.writestr("serialized_exported_program.json", made.exported_program)
        for name, tensors in (("state_dict", program.state_dict),
                              ("constants", program.constants)):
            z.writestr("serialized_%s.pt" % name, saved(tensors))
        z.writestr("version", "8.2")


def as_of_2_8(source, program, path):
    """The archive that PyTorch 2.8 writes: as later ones, tensors as before."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w") as new:
        for entry in old.infolist():
            folder, _, name = entry.filename.partition("/")
            if not name.startswith(("data/weights/", "data/constants/")):
                new.writestr(entry.filename, old.read(entry))
        new.writestr(folder + "/data/weights/model.pt", saved(program.state_dict))
        new.writestr(folder + "/data/constants/model.pt", saved(program.constants))


def saved(tensors):
    to = io.BytesIO()
    torch.save(dict(tensors), to)
    return to.getvalue()


def check_older(case, source, program):
    older = case.path("older.pt2")
    as_of_2_7(program, older)
    case.run("diff", source, older)
    as_of_2_8(source, program, older)
    case.run("diff", source, older)


def check_program(case, program, is_core):
    kind = "core" if is_core else "training"
    source, script, stored, again = (case.path(kind + end)
                                     for end in (".pt2", ".pt", ".tdag", ".again.pt2"))
    torch.export.save(program, source)
    check_counts(case, case.totals(source), is_core)
    for to in (stored, again):
        case.run("convert", source, to)
    case.run("diff", source, stored)
    for path in (source, stored):
        result = case.path("out.safetensors")
        case.run("run", path, "--in", case.like, "--out", result)
        exported.compare(path, list(models.load_safetensors(result).values()), case.want)
    exported.compare("the .pt2 file", exported.run(exported.load(again), case.tensors),
                     case.want)
    if not is_core:
        check_script(case, source, script, again)
    if case.name in OLDER:
        check_older(case, source, program)


def check(args, name, folder):
    case = Case(args.tdag, name, folder)
    case.trace()
    program = case.program()
    if args.only != "core":
        check_program(case, program, False)
    if args.only != "training" and name not in exported_models.ONLY_TRAINING:
        check_program(case, program.run_decompositions(), True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tdag")
    parser.add_argument("names", nargs="+")
    parser.add_argument("--only", choices=["training", "core"])
    parser.add_argument("--keep")
    args = parser.parse_args()
    if not exported.LOADS:
        sys.exit(77)
    torch.set_num_threads(1)
    names = [name for word in args.names for name in exported_models.GROUPS.get(word, [word])]
    failed = 0
    with tempfile.TemporaryDirectory(prefix="tdag-pt2-") as folder:
        for name in names:
            started = time.time()
            try:
                check(args, name, args.keep or folder)
                print("ok %s %.1f s" % (name, time.time() - started), flush=True)
            except Exception as e:
                failed += 1
                print("FAILED %s: %s: %s" % (name, type(e).__name__, e), flush=True)
    print("%d models, %d failed" % (len(names), failed))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
