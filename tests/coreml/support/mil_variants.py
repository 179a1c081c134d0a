"""The same package in forms that coremltools reads and does not write, for mil_cases.py:

    NAME_short    operands that were left out are not in the file, where coremltools writes their defaults
    NAME_inline   constants are literals of the operations instead of const operations

One of each for an operator, its opset and the operands concerned."""
import os
import shutil

from coremltools import proto

SEEN = set()


def blocks_of(spec):
    todo = [b for f in spec.mlProgram.functions.values()
            for b in f.block_specializations.values()]
    while todo:
        block = todo.pop()
        todo.extend(b for o in block.operations for b in o.blocks)
        yield block


def without_unused(spec):
    """Drops const operations that nothing names."""
    used = set()
    for block in blocks_of(spec):
        used.update(block.outputs)
        used.update(b.name for o in block.operations for a in o.inputs.values()
                    for b in a.arguments)
    for block in blocks_of(spec):
        kept = [o for o in block.operations if o.type != "const" or o.outputs[0].name in used]
        kept = [proto.MIL_pb2.Operation.FromString(o.SerializeToString()) for o in kept]
        del block.operations[:]
        block.operations.extend(kept)


def short(spec, case):
    """The names of what was dropped."""
    dropped = set()
    for block in blocks_of(spec):
        for o in block.operations:
            if o.type == case.operator:
                for name in [n for n in o.inputs if n not in case.operands]:
                    del o.inputs[name]
                    dropped.add(name)
    return dropped


def inline(spec, case):
    replaced = set()
    for block in blocks_of(spec):
        literal = {o.outputs[0].name: o.attributes["val"] for o in block.operations
                   if o.type == "const" and o.attributes["val"].HasField("immediateValue")}
        for o in block.operations:
            for name, argument in o.inputs.items():
                for binding in argument.arguments:
                    if binding.name in literal:
                        binding.value.CopyFrom(literal[binding.name])
                        replaced.add(o.type + "." + name)
    return replaced


def variants(case, spec, path):
    """Writes them; their names."""
    if case.operands is None or case.expect == "refused":
        return []
    made = []
    for suffix, change in (("_short", short), ("_inline", inline)):
        other = proto.Model_pb2.Model.FromString(spec.SerializeToString())
        what = change(other, case)
        key = (suffix, case.operator, case.opset, tuple(sorted(what)))
        if not what or key in SEEN:
            continue
        SEEN.add(key)
        without_unused(other)
        stem = path.removesuffix(".mlpackage")
        shutil.rmtree(stem + suffix + ".mlpackage", ignore_errors=True)
        shutil.copytree(path, stem + suffix + ".mlpackage")
        with open(os.path.join(stem + suffix + ".mlpackage", "Data", "com.apple.CoreML",
                               "model.mlmodel"), "wb") as f:
            f.write(other.SerializeToString())
        shutil.copy(stem + ".io.safetensors", stem + suffix + ".io.safetensors")
        made.append((suffix, "%s: %s" % (suffix[1:], " ".join(sorted(what)))))
    return made
