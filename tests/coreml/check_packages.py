#!/usr/bin/env python3
"""Whether coremltools accepts Core ML packages, and what they compute by another reading than ours.

    check_packages.py [--run] [--io FILE] [--tolerance T] [--half T] [--json FILE] DIR|FILE...

A line per .mlpackage and .mlmodel (of folders: all in them): ok or what is wrong; exit status 1 if
one is wrong. Checked are the manifest, the specification, the descriptions of inputs and outputs
against the program (dtypes that the version allows; names; shapes), that coremltools' MIL loader
infers every type as the file says it, dims included, and that it reads all weights.

--run also computes the program in numpy (mil_interpreter.py): on the inputs of each --io, or of
NAME.io.safetensors, NAME.io1.safetensors, ... beside it, whose outputs it must give (in0, out0, ... by
position where they have other names); state begins as zero and is kept from one file to the next.
Without such a file it is computed on random numbers, and only shapes and dtypes are checked.
A .mlmodel of a NeuralNetwork is only read: nothing on Linux computes those."""
import argparse
import contextlib
import glob
import io
import json
import logging
import os
import sys
import warnings

import numpy as np

warnings.filterwarnings("ignore")
logging.disable(logging.ERROR)
os.environ.setdefault("TQDM_DISABLE", "1")
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "support"))
import coremltools as ct  # noqa: E402
from coremltools import proto  # noqa: E402
from coremltools.converters.mil.frontend.milproto import load as milproto  # noqa: E402
from coremltools.converters.mil.mil import types  # noqa: E402

import mil_interpreter  # noqa: E402
import tensors  # noqa: E402

MIL = proto.MIL_pb2
OPSET_OF = {6: "CoreML5", 7: "CoreML6", 8: "CoreML7", 9: "CoreML8", 10: "CoreML9"}
ARRAYS = {65568: np.float32, 65552: np.float16, 131104: np.int32, 131080: np.int8,
          65600: np.float64}


class Wrong(Exception):
    pass


def need(right, *words):
    if not right:
        raise Wrong(" ".join(str(w) for w in words))


# Packages.

def model_file(path):
    """The model of a package, by its manifest alone, and where its weights are."""
    if not os.path.isdir(path):
        return path, ""
    with open(os.path.join(path, "Manifest.json")) as f:
        manifest = json.load(f)
    need(manifest["fileFormatVersion"] == "1.0.0", "version of the manifest")
    entries = manifest["itemInfoEntries"]
    for key, entry in entries.items():
        need(set(entry) == {"path", "name", "author", "description"}, "members of", key)
        need(os.path.exists(os.path.join(path, "Data", entry["path"])), entry["path"],
             "does not exist")
    file = os.path.join(path, "Data", entries[manifest["rootModelIdentifier"]]["path"])
    named = {os.path.join(path, "Data", e["path"]) for e in entries.values()}
    weights = os.path.join(os.path.dirname(file), "weights")
    need(os.path.isdir(weights) == (weights in named), "weights and manifest differ")
    return file, weights


# Types.

def dims_of(tensor_type):
    return [d.constant.size if d.WhichOneof("dimension") == "constant" else None
            for d in tensor_type.dimensions]


def compare(name, declared, var):
    if declared.WhichOneof("type") != "tensorType":
        return
    tensor = declared.tensorType
    kind = MIL.DataType.Name(tensor.dataType).lower().replace("float", "fp")
    need(kind == types.builtin_to_string(var.dtype) or kind == "string", name, "is declared",
         kind, "and is", types.builtin_to_string(var.dtype))
    dims, found = dims_of(tensor), list(var.shape)
    need(tensor.rank == len(dims) == len(found), name, "is declared of rank", tensor.rank,
         "and has", len(found))
    for a, b in zip(dims, found):
        need(a is None or not isinstance(b, (int, np.integer)) or a == b, name, "is declared",
             dims, "and is", found)
        need(a is not None or not isinstance(b, (int, np.integer)), name,
             "has an unknown dimension that is", b)


def all_vars(block, found):
    for var in getattr(block, "inputs", {}).values() if hasattr(block, "opset_version") else \
            block.inputs:
        found[var.name] = var
    for op in block.operations:
        # the loader puts a constant of its own beside each block, which nothing uses
        if op.op_type != "const" or any(v.child_ops for v in op.outputs):
            found.update({v.name: v for v in op.outputs})
        for inner in op.blocks:
            all_vars(inner, found)
    return found


def declared_types(block):
    for op in block.operations:
        need(op.type == "const" or op.type.startswith("constexpr_") or
             set(op.attributes) <= {"name"}, op.type, "has attributes")
        for out in op.outputs:
            yield out.name, out.type
        for inner in op.blocks:
            yield from ((i.name, i.type) for i in inner.inputs)
            yield from declared_types(inner)


def check_function(name, spec, function):
    found = all_vars(function, {})
    block, = spec.block_specializations.values()
    seen = {i.name for i in spec.inputs}
    need(len(seen) == len(spec.inputs), "two inputs of one name")
    for i in spec.inputs:
        compare(i.name, i.type, found[i.name])
    for value, declared in declared_types(block):
        if value in found:  # write_state of coremltools takes the place of a read
            compare(value, declared, found[value])
    need(len(block.outputs) == len(function.outputs), "outputs of", name)


# Descriptions.

def feature_dims(feature):
    array = feature.type.multiArrayType
    if array.WhichOneof("ShapeFlexibility") == "shapeRange":
        for d, r in zip(array.shape, array.shapeRange.sizeRanges):
            need(r.lowerBound <= d <= r.upperBound, feature.name,
                 "has a default outside of its range")
        return [d if r.lowerBound == r.upperBound else None for d, r in
                zip(array.shape, array.shapeRange.sizeRanges)]
    if array.WhichOneof("ShapeFlexibility") == "enumeratedShapes":
        shapes = [list(s.shape) for s in array.enumeratedShapes.shapes]
        need(list(array.shape) in shapes, feature.name, "has a default that is not enumerated")
        return [d if len({s[i] for s in shapes}) == 1 else None
                for i, d in enumerate(array.shape)]
    return list(array.shape)


def check_feature(feature, declared, version, output):
    kind = feature.type.WhichOneof("Type")
    if kind == "stateType":
        need(version >= 9, "state before version 9")
        return
    if kind != "multiArrayType":
        return
    dtype = ARRAYS[feature.type.multiArrayType.dataType]
    name = MIL.DataType.Name(declared.tensorType.dataType).lower()
    need(dtype != np.float64 and name == dtype.__name__, feature.name, "is described as",
         dtype.__name__, "and is", name)
    need(dtype != np.float16 or version >= 7, "float16 before version 7")
    need(dtype != np.int8 or version >= 10, "int8 before version 10")
    dims, described = dims_of(declared.tensorType), feature_dims(feature)
    if output and not described:
        return
    need(described == (dims or [1] if not output else dims), feature.name, "is described as",
         described, "and is", dims)


def check_description(name, function, inputs, outputs, states, version):
    declared = {i.name: i.type for i in function.inputs}
    need(set(declared) == {f.name for f in inputs} | {f.name for f in states},
         "inputs of", name, "and of its description:", sorted(declared),
         [f.name for f in inputs])
    for f in list(inputs) + list(states):
        check_feature(f, declared[f.name], version, False)
    block, = function.block_specializations.values()
    need(sorted(block.outputs) == sorted(f.name for f in outputs), "outputs of", name,
         "and of its description:", list(block.outputs), [f.name for f in outputs])
    types_of = dict(declared_types(block), **declared)
    for f in outputs:
        check_feature(f, types_of[f.name], version, True)


def check_program(spec, weights):
    version = spec.specificationVersion
    need(spec.mlProgram.version == 1, "version of the program")
    many = {f.name: f for f in spec.description.functions}
    need(not many or spec.description.defaultFunctionName in many, "the default function")
    for name, function in spec.mlProgram.functions.items():
        need(list(function.block_specializations) == [function.opset], "blocks of", name)
        need(function.opset == OPSET_OF.get(version), "opset", function.opset, "in version",
             version)
        d = many.get(name)
        need(d is not None or not many, name, "is not described")
        check_description(name, function, *((d.input, d.output, d.state) if d else (
            spec.description.input, spec.description.output, spec.description.state)), version)
    with contextlib.redirect_stderr(io.StringIO()):
        program = milproto.load(spec, version, weights)
    for name, function in spec.mlProgram.functions.items():
        check_function(name, function, program.functions[name])
    return program


# Values.

def example(var, features):
    feature = features.get(var.name)
    shape = [d for d in feature.type.multiArrayType.shape] if feature is not None and len(
        feature.type.multiArrayType.shape) == len(var.shape) else var.shape
    random = np.random.default_rng(5)
    kind = mil_interpreter.dtype_of(var)
    if kind.kind == "f":
        return random.random([int(d) for d in shape]).astype(kind)
    return random.integers(0, 2, [int(d) for d in shape]).astype(kind)


def error_of(got, want):
    """The largest difference relative to the largest element; None if they do not compare."""
    got, want = (np.asarray(v, dtype=np.float64) for v in (got, want))
    if got.shape != want.shape:
        return None
    finite = np.isfinite(want)
    if (np.isnan(got) != np.isnan(want)).any() or (
            got[~finite & ~np.isnan(want)] != want[~finite & ~np.isnan(want)]).any():
        return float("inf")
    most = np.abs(want[finite]).max(initial=0)
    return float(np.abs(got[finite] - want[finite]).max(initial=0) / (most or 1))


def kept_of(spec, function):
    """Inputs that stand for states, with their first values, and the outputs that they become."""
    notes = dict(spec.description.metadata.userDefined).get("tdagger", "")
    own, lines = False, {}
    for line in notes.splitlines():
        words = line.split(" ")
        own = words[1] == function if words[0] == "function" else own
        if own and words[0] == "kept":
            lines[words[1]] = words[2]
    return lines


def default_of(feature):
    array = feature.type.multiArrayType
    need(feature.type.isOptional, feature.name, "is not optional")
    return getattr(array, array.WhichOneof("defaultOptionalValue"))


def states_of(program, function):
    return {name: np.zeros([int(d) for d in v.shape], mil_interpreter.dtype_of(v))
            for name, v in program.functions[function].inputs.items()
            if types.is_state(v._sym_type)}


def ios_of(path, options):
    """Files of inputs and results: NAME.io.safetensors, NAME.io1.safetensors, ..."""
    if options.io:
        return options.io
    stem = path.removesuffix(".mlpackage")
    stem = stem if os.path.exists(stem + ".io.safetensors") else stem.removesuffix(".f16")
    found = [stem + ".io.safetensors"] + sorted(glob.glob(glob.escape(stem) +
                                                          ".io[0-9]*.safetensors"))
    return [file for file in found if os.path.exists(file)]


def inputs_of(program, function, features, states, given):
    values = {}
    named = [n for n in program.functions[function].inputs.items() if n[0] not in states]
    for i, (name, var) in enumerate(named):
        if given is None:
            values[name] = example(var, features)
            continue
        key = name if name in given else "in%d" % i
        need(key in given, "no tensor for", name)
        values[name] = given[key].astype(mil_interpreter.dtype_of(var))
        if given[key].ndim == 0 and len(var.shape) == 1:  # which Core ML gives so
            values[name] = values[name].reshape(1)
    return values


def compare_results(block, results, given, tolerance):
    """The largest error; None if there is nothing to compare with."""
    worst, declared = None, dict(declared_types(block))
    for i, name in enumerate(block.outputs):
        got = results[name]
        if name in declared:
            for a, b in zip(dims_of(declared[name].tensorType), got.shape):
                need(a is None or a == b, name, "is computed as", got.shape)
        want = given and given.get(name, given.get("out%d" % i))
        if want is not None:
            error = error_of(got, want)
            need(error is not None, name, "is computed as", got.shape, "instead of", want.shape)
            need(error <= tolerance, "%s is off by %.3g" % (name, error))
            worst = max(worst or 0.0, error)
    return worst


def run(spec, program, path, options):
    function = spec.description.defaultFunctionName or next(iter(program.functions))
    states, tolerance = states_of(program, function), options.tolerance
    if types.fp16 in [v.dtype for v in all_vars(program.functions[function], {}).values()
                      if types.is_tensor(v.sym_type)]:
        tolerance = max(tolerance, options.half)
    outputs = list(spec.description.output) + [
        o for f in spec.description.functions for o in f.output]
    if any(f.type.WhichOneof("Type") == "dictionaryType" for f in outputs):
        raise NotImplementedError("classes")
    block, = spec.mlProgram.functions[function].block_specializations.values()
    described = [f for f in spec.description.functions if f.name == function]
    features = {f.name: f for f in (described or [spec.description])[0].input}
    errors, kept = [], kept_of(spec, function)
    last = {name: np.full([int(d) for d in v.shape], default_of(features[name]),
                          mil_interpreter.dtype_of(v))
            for name, v in program.functions[function].inputs.items() if name in kept}
    for file in ios_of(path, options) or [None]:
        given = tensors.load(file) if file else None
        values = inputs_of(program, function, features, {**states, **last}, given)
        values.update(last)
        results = mil_interpreter.run(program, values, function, states)
        last = {name: results[out] for name, out in kept.items()}
        errors.append(compare_results(block, results, given, tolerance))
    return max((e for e in errors if e is not None), default=None)


def check(path, options):
    file, weights = model_file(path)
    with contextlib.redirect_stderr(io.StringIO()):
        spec = ct.models.utils.load_spec(file if os.path.isdir(path) else path)
    kind = spec.WhichOneof("Type")
    row = {"file": path, "type": kind, "version": spec.specificationVersion}
    if kind == "mlProgram":
        program = check_program(spec, weights)
        row["operations"] = sum(op.op_type != "const" for f in program.functions.values()
                                for op in f.operations)
        if options.run:
            try:
                row["error"] = run(spec, program, path, options)
            except NotImplementedError as e:
                row["not computed"] = str(e)
    elif kind.startswith("neuralNetwork"):
        row["operations"] = len(getattr(spec, kind).layers)
    return row


def files(paths):
    for path in paths:
        if os.path.isdir(path) and not path.rstrip("/").endswith(".mlpackage"):
            yield from sorted(glob.glob(os.path.join(path, "*.mlpackage")) +
                              glob.glob(os.path.join(path, "*.mlmodel")))
        else:
            yield path.rstrip("/")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("paths", nargs="+")
    p.add_argument("--run", action="store_true")
    p.add_argument("--io", action="append", default=[])
    p.add_argument("--tolerance", type=float, default=1e-3)
    p.add_argument("--half", type=float, default=3e-2, help="tolerance where f16 is in use")
    p.add_argument("--json")
    options = p.parse_args()
    rows, bad = [], 0
    for path in files(options.paths):
        try:
            row = dict(check(path, options), ok=True)
            print("ok %s: %s, version %d, %d operations%s" % (
                path, row["type"], row["version"], row.get("operations", 0),
                ", off by %.3g" % row["error"] if row.get("error") is not None else
                ", " + row["not computed"] if "not computed" in row else ""))
        except Exception as e:
            bad += 1
            why = str(e) if isinstance(e, Wrong) else "%s: %s" % (type(e).__name__, e)
            row = {"file": path, "ok": False, "why": why}
            print("bad %s: %s" % (path, why.replace("\n", " ")[:400]))
        rows.append(row)
    if options.json:
        with open(options.json, "w") as f:
            json.dump(rows, f, indent=1)
    print("%d files, %d bad" % (len(rows), bad))
    return bad != 0 or not rows


if __name__ == "__main__":
    sys.exit(main())
