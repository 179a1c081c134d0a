#!/usr/bin/env python3
"""PyTorch's own operator database as TorchScript files for test_import.c.

    operator_database.py DIR [--dtypes float32] [--samples 3] [--every 1] [--only NAME]

writes the cases as import_cases.py does: one operator with one sample of its arguments,
traced. A manifest line is "N OPERATOR SAMPLE", OPERATOR being "NAME/DTYPE" for other dtypes
than float32. Left out are samples whose results are random,
those that PyTorch itself does not trace, and those that give no tensors. Complex tensors
cross as pairs: what view_as_real sees."""
import argparse
import collections
import functools
import itertools
import os
import random
import sys
import types
import unittest
import warnings

import torch

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
import bounds  # noqa: E402
from models import DTYPES, flat, save_safetensors

warnings.filterwarnings("ignore")


def database():
    """op_db, whose module wants a package for tests of PyTorch that is nothing to us, and
    without the fixed seed that makes random operators look as if they were not."""
    if "expecttest" not in sys.modules:
        stub = types.ModuleType("expecttest")
        stub.TestCase, stub.ACCEPT = unittest.TestCase, False
        sys.modules["expecttest"] = stub
    arguments, sys.argv = sys.argv, sys.argv[:1]
    from torch.testing._internal import common_methods_invocations as methods
    sys.argv = arguments
    methods.wrapper_set_seed.__code__ = (lambda op, *args, **kwargs: op(*args, **kwargs)).__code__
    return methods.op_db


class Sample(torch.nn.Module):
    """An operator whose tensors are arguments of forward and all else is fixed."""

    def __init__(self, op, sample):
        super().__init__()
        self.op, self.sample, self.inputs = op, sample, []
        self.through(lambda t: self.inputs.append(t.detach()) or t)
        if getattr(op, "name", "") == "byte":  # what it cannot hold is undefined
            self.inputs = [t.abs() for t in self.inputs]
        self.is_complex = [t.is_complex() for t in self.inputs]
        self.inputs = [as_pairs(t).clone(memory_format=torch.contiguous_format)
                       for t in self.inputs]

    def through(self, f):
        """The sample with each tensor replaced."""
        s = self.sample
        return (replaced(s.input, f), [replaced(v, f) for v in s.args],
                {name: replaced(v, f) for name, v in s.kwargs.items()})

    def forward(self, *tensors):
        given = (torch.view_as_complex(t) if c else t
                 for t, c in zip(tensors, self.is_complex))
        first, args, kwargs = self.through(lambda t: next(given))
        return tuple(as_pairs(t) for t in flat(self.op(first, *args, **kwargs)))

    def fresh(self):
        return tuple(t.clone() for t in self.inputs)


def as_pairs(t):
    return torch.view_as_real(t.resolve_conj()) if t.is_complex() else t


def replaced(value, f):
    if isinstance(value, torch.Tensor):
        return f(value)
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return type(value)(replaced(v, f) for v in value)
    if isinstance(value, dict):
        return {key: replaced(v, f) for key, v in value.items()}
    return value


# Of memory that holds anything: only the type is compared.
UNDEFINED = ("empty", "empty_like", "empty_permuted", "empty_strided", "new_empty",
             "new_empty_strided")


# Where equal elements go is not determined, and small dtypes have many; at poles, which
# integers hit, PyTorch's own results differ; and halves it rounds within.
TIED = ("sort", "argsort", "topk", "kthvalue", "polygamma", "special.polygamma")
ROUNDED = ("nn.functional.grid_sample", "grid_sampler_2d", "grid_sampler_3d")


def drops(traced):
    """Something is dropped, with whatever probability: here models are in eval mode."""
    for node in traced.inlined_graph.nodes():
        if node.kind().endswith("dropout") and list(node.inputs())[2].toIValue():
            return list(node.inputs())[1].toIValue() > 0
    return False


def is_random(made):
    """Runs under two seeds differ."""
    results = []
    for seed in (1, 2, 3):
        torch.manual_seed(seed)
        results.append(made(*made.fresh()))
    return any(a.shape != b.shape or not torch.allclose(a, b, rtol=0, atol=0, equal_nan=True)
               for other in results[1:] for a, b in zip(results[0], other))


def in_f64(made):
    """What the operator gives for the same numbers in f64."""
    wide = Sample(made.op, made.sample)
    wide.sample = types.SimpleNamespace(
        **dict(zip(("input", "args", "kwargs"), made.through(bounds.wide))))
    return list(wide(*[bounds.wide(t).clone() for t in made.inputs]))


def write_case(stem, op, sample):
    """Writes a case; else why there is none."""
    made = Sample(op, sample).eval()
    if any(t.dtype not in DTYPES for t in made.inputs):
        return "another dtype"
    result = made(*made.fresh())
    if not result or any(t.dtype not in DTYPES or t.layout != torch.strided for t in result):
        return "no tensors"
    if op.name not in UNDEFINED and is_random(made):
        return "random"
    traced = torch.jit.trace(made, made.fresh(), check_trace=False, strict=False)
    if drops(traced):
        return "random"
    torch.jit.save(traced, stem + ".pt")
    loaded = torch.jit.load(stem + ".pt")
    result = bounds.all_better(list(loaded(*made.fresh())), lambda: in_f64(made))
    if op.name in UNDEFINED:
        result = [torch.zeros_like(t) for t in result]
    save_safetensors(stem + ".in.safetensors",
                     {"in%d" % i: t for i, t in enumerate(made.inputs)})
    save_safetensors(stem + ".out.safetensors",
                     {"out%d" % i: t for i, t in enumerate(result)})
    with open(stem + ".bounds", "w") as f:
        f.writelines("%s\n" % bounds.of_largest(t).hex() for t in result)
    return None


def name_of(op):
    return op.name + ("." + op.variant_test_name if op.variant_test_name else "")


def chosen(dtypes, every, only):
    """Of each dtype every so many operators, not the same ones."""
    for k, dtype in enumerate(dtypes):
        left = ROUNDED if dtype in bounds.HALVES else ()
        left += () if dtype in (torch.float32, torch.float64) else TIED
        of_dtype = [op for op in database() if dtype in op.dtypes and only in op.name]
        yield from ((op, dtype) for op in of_dtype[k % every::every] if op.name not in left)


def write(folder, operators, n_samples):
    os.makedirs(folder, exist_ok=True)
    torch.set_num_threads(1)
    lines, left_out = [], collections.Counter()
    for op, dtype in operators:
        name = name_of(op)
        if dtype != torch.float32:
            name += "/" + str(dtype).replace("torch.", "")
        torch.manual_seed(0)
        random.seed(0)
        try:
            samples = list(itertools.islice(
                op.sample_inputs("cpu", dtype, requires_grad=False), n_samples))
        except Exception:  # some want packages that are not there
            left_out["no samples"] += 1
            continue
        for i, sample in enumerate(samples):
            try:
                with torch.no_grad():
                    why = write_case(os.path.join(folder, str(len(lines))), op, sample)
            except Exception as e:
                why = "not traced"
                if os.environ.get("TDAG_VERBOSE"):
                    print("%s %d: %s" % (name, i, str(e).strip().split("\n")[0]))
            left_out[why] += why is not None
            if why is None:
                lines.append("%d %s %d" % (len(lines), name, i))
            elif os.environ.get("TDAG_VERBOSE"):
                print("left out: %s %d: %s" % (name, i, why))
    with open(os.path.join(folder, "manifest"), "w") as f:
        f.write("\n".join(lines) + "\n")
    print("%d cases; left out: %s" % (len(lines), dict(+left_out)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--dtypes", default="float32")
    parser.add_argument("--samples", type=int, default=3)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    dtypes = [getattr(torch, name) for name in args.dtypes.split(",")]
    write(args.folder, chosen(dtypes, args.every, args.only), args.samples)


if __name__ == "__main__":
    main()
