#!/usr/bin/env python3
"""Small Core ML packages, one operator of MIL each, and what they compute.

    mil_cases.py DIR [REGEX]

writes DIR/NAME.mlpackage, DIR/NAME.io.safetensors (in0, in1, ... and out0, out1, ..., which are
the names of the model's inputs and outputs, too), of some NAME.io1.safetensors, ... (other sizes; with
state, the next calls), and DIR/manifest with a line per case:

    NAME OPERATOR OPSET EXPECT TOLERANCE TEXT

EXPECT is ok; any, if a refusal is as good as equal results; or refused, without results to compare
with. TOLERANCE is relative to the largest element of an output, 0 where it is exact. REGEX picks cases
by name. Needs coremltools (tests/support/coreml.sh); expected values are those of mil_reference.py.
Where coremltools computes constants itself, both are compared, and differences are printed.

Some are there in two more forms (support/mil_variants.py), NAME_short and NAME_inline.
The rows are in support/mil_rows.py, programs of several operators in support/mil_programs.py."""
import gc
import logging
import os
import re
import shutil
import sys
import warnings

import numpy as np

warnings.filterwarnings("ignore")
logging.disable(logging.ERROR)
os.environ.setdefault("TQDM_DISABLE", "1")
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "support"))
import coremltools as ct  # noqa: E402
from coremltools.converters.mil import Builder as mb  # noqa: E402
from coremltools.converters.mil.mil import Function, Program, types  # noqa: E402

import mil_interpreter  # noqa: E402
import mil_variants  # noqa: E402
import kept  # noqa: E402
from tensors import save  # noqa: E402

TARGETS = {"iOS15": ct.target.iOS15, "iOS16": ct.target.iOS16, "iOS17": ct.target.iOS17,
           "iOS18": ct.target.iOS18, "iOS26": ct.target.iOS26}
TYPES = {"float32": types.fp32, "float16": types.fp16, "int32": types.int32,
         "bool": types.bool, "int8": types.int8, "uint8": types.uint8, "int16": types.int16,
         "uint16": types.uint16}
CASES = []  # what is written


class In:
    """An operand that is an input of the model; other operands are constants."""

    def __init__(self, array):
        self.array = np.ascontiguousarray(array).reshape(np.shape(array))


class Case:
    """A function of the builder: build(inputs of the model) gives the outputs."""

    def __init__(self, name, operator, build, inputs, opset, expect, tolerance, text,
                 flexible=None, more=(), compared=True, operands=None,
                 **convert):
        self.name, self.operator, self.build, self.inputs = name, operator, build, inputs
        self.opset, self.expect, self.text = opset, expect, text
        self.tolerance, self.convert = tolerance, convert
        self.flexible = flexible or {}  # number of an input -> its ct.Shape
        self.more = more  # further inputs: lists of arrays
        self.operands = operands  # names of those that are given, if it is one operator
        self.compared = compared  # with the constants that coremltools computes
        CASES.append(self)


def direct(dtype, opset):
    """Whether an input or output may have the dtype as it is."""
    release = int(opset[3:])
    return dtype in ("float32", "int32") or dtype == "float16" and release >= 16 or \
        dtype == "int8" and release >= 26


def carrier(array, opset):
    """The array as the input of the model that is cast to what is wanted."""
    name = array.dtype.name
    if direct(name, opset):
        return array
    return array.astype(np.float32 if name == "float16" else np.int32)


TEXTS = {"float16": "fp16", "bool": "bool", "int8": "int8", "uint8": "uint8",
         "int16": "int16", "uint16": "uint16", "float32": "fp32", "int32": "int32"}


def program_of(case):
    given = [carrier(x.array, case.opset) for x in case.inputs]
    names = ["in%d" % i for i in range(len(given))]
    kinds = [ct.TensorType(name=name, shape=case.flexible.get(i, x.shape), dtype=x.dtype.type)
             for i, (name, x) in enumerate(zip(names, given))]
    shapes = [mb.placeholder(shape=tuple(k.shape.symbolic_shape), dtype=TYPES[x.dtype.name])
              for k, x in zip(kinds, given)]
    with Function(dict(zip(names, shapes)), opset_version=TARGETS[case.opset]) as f:
        operands = []
        for name, x in zip(names, case.inputs):
            var = f.inputs[name]
            if not direct(x.array.dtype.name, case.opset):
                var = mb.cast(x=var, dtype=TEXTS[x.array.dtype.name])
            operands.append(var)
        outputs = case.build(*operands)
        outputs = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
        for i, var in enumerate(outputs):
            kind = np.dtype(types.nptype_from_builtin(var.dtype)).name
            if not direct(kind, case.opset):
                var = mb.cast(x=var, dtype="fp32" if kind in ("float16", "bool") else "int32")
            elif var.name in names:
                var = mb.identity(x=var)
            var.set_name("out%d" % i)
            outputs[i] = var
        f.set_outputs(outputs)
    if case.flexible:
        f.set_inputs(kinds) if hasattr(f, "set_inputs") else None
        f.input_types = kinds
    program = Program()
    program.add_function("main", f)
    return program, dict(zip(names, given))


# Where coremltools' own constants are not what its documentation says.
NOT_TRUSTED = {"concat": "ignores interleave", "scatter_along_axis": "one of many at an index",
               "cumsum": "fails when exclusive", "gather_nd": "no batch_dims",
               "gather": "no batch_dims", "flatten2d": "fails", "squeeze": "fails on axes > 1",
               "inverse": "adds the default epsilon"}


def other_values(case):
    """What coremltools computes of the operator on constants; None where it does not."""
    if case.operator in NOT_TRUSTED or case.flexible or not case.compared:
        return None
    with Function({"in0": mb.placeholder(shape=(1,), dtype=types.fp32)},
                  opset_version=TARGETS[case.opset]):
        outputs = case.build(*[mb.const(val=x.array) for x in case.inputs])
        outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
        return [v.val for v in outputs]


def differs(value, result):
    if value is None:
        return False
    value = np.asarray(value)
    tolerance = 4e-3 if value.dtype == np.float16 else 1e-5
    a, b = (np.asarray(v, dtype=np.float64) for v in (result, value))
    largest = np.abs(b[np.isfinite(b)]).max(initial=0)
    return a.shape != b.shape or not np.allclose(a, b, tolerance, tolerance * largest,
                                                 equal_nan=True)


def operators_of(spec):
    found, todo = set(), [b for f in spec.mlProgram.functions.values()
                          for b in f.block_specializations.values()]
    while todo:
        for o in todo.pop().operations:
            found.add(o.type)
            todo.extend(o.blocks)
    return found


def results_of(case, program, inputs):
    if case.expect == "refused":
        return {}
    results = mil_interpreter.run(program, inputs)
    for i, value in enumerate(other_values(case) or ()):
        if differs(value, results["out%d" % i]):
            raise ValueError("coremltools computes %s, and we %s" % (
                value, results["out%d" % i]))
    return results


def write_more(stem, case, program, names):
    for n, arrays in enumerate(case.more):
        inputs = dict(zip(names, (carrier(a, case.opset) for a in arrays)))
        save("%s.io%d.safetensors" % (stem, n + 1),
             {**inputs, **mil_interpreter.run(program, inputs)})


def write(folder, case):
    program, inputs = program_of(case)
    results = results_of(case, program, inputs)
    write_more(os.path.join(folder, case.name), case, program, inputs)
    made = ct.convert(program, convert_to="mlprogram", skip_model_load=True,
                      minimum_deployment_target=TARGETS[case.opset],
                      compute_precision=ct.precision.FLOAT32,
                      pass_pipeline=ct.PassPipeline.EMPTY, **case.convert)
    if case.operator not in operators_of(made.get_spec()) | {"const"}:
        raise ValueError("the operator was folded away")
    path = os.path.join(folder, case.name + ".mlpackage")
    shutil.rmtree(path, ignore_errors=True)
    made.save(path)
    save(os.path.join(folder, case.name + ".io.safetensors"), {**inputs, **results})
    tolerance = case.tolerance
    if tolerance is None:
        tolerance = max([0] + [{"float32": 1e-5, "float16": 4e-3}.get(v.dtype.name, 0)
                               for v in results.values()])
        halves = [x for x in case.inputs if x.array.dtype == np.float16]
        tolerance = max(tolerance, 4e-3) if halves and tolerance else tolerance
    line = "%%s %s %s %s %g %%s" % (case.operator, case.opset, case.expect, tolerance)
    return [line % (case.name, case.text)] + [
        line % (case.name + suffix, text)
        for suffix, text in mil_variants.variants(case, made.get_spec(), path)]


def quick_conversions():
    """ct.convert collects garbage each time: what is here now need not be looked at."""
    gc.collect()
    gc.freeze()


def main(folder, pattern=""):
    with kept.of(folder, pattern) as data:
        if not data.there:
            data.there = not make_all(data.folder, pattern)
        return not data.there


def make_all(folder, pattern):
    import mil_rows  # noqa: F401 (fills CASES)
    import mil_programs
    os.makedirs(folder, exist_ok=True)
    quick_conversions()
    lines, failed = [], 0
    for n, case in enumerate(CASES):
        if not re.search(pattern, case.name):
            continue
        try:
            lines += write(folder, case)
        except Exception as e:
            failed += 1
            print("not made: %s (%s): %s: %s" % (case.name, case.text, type(e).__name__,
                                                 str(e)[:300]))
            if os.environ.get("TDAG_VERBOSE"):
                raise
        if n % 100 == 99:
            quick_conversions()
    lines += mil_programs.write(folder, pattern)
    with open(os.path.join(folder, "manifest"), "w") as f:
        f.write("".join(line + "\n" for line in lines))
    print("%d cases of %d operators, %d not made" % (
        len(lines), len({line.split()[1] for line in lines}), failed))
    return failed != 0


if __name__ == "__main__":
    # The rows import this file by its name: one list of cases.
    sys.modules["mil_cases"] = sys.modules["__main__"]
    sys.exit(main(*sys.argv[1:]))
