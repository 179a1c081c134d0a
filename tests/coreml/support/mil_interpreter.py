"""Programs of MIL run in numpy: the Program of coremltools, as built or as loaded from a file.

run(program, inputs, function="main", states=None) gives the results by name. Inputs are arrays
by name; states too, and they are written in place. Independent of Core ML and of what coremltools
computes: constants are all that is taken from it.
"""
import numpy as np

from coremltools.converters.mil.mil import types
from mil_reference import evaluate

WHOLE = {"write_state", "coreml_update_state"}


def number(opset):
    """iOS16 of an opset's enum as 16."""
    return int("".join(c for c in opset.name if c.isdigit())[:2])


def dtype_of(var):
    if not types.is_tensor(var.sym_type) and not types.is_scalar(var.sym_type) and \
            not types.is_state(var._sym_type):
        raise NotImplementedError("a value that is no tensor")
    kind = var.dtype
    if kind == types.str:
        return object
    return np.dtype(types.nptype_from_builtin(kind))


def put(ls, positions, values):
    """A list with other items, and longer where it has to be."""
    out = list(ls)
    for i, v in zip(positions, values):
        out += [np.zeros_like(out[0])] * (int(i) + 1 - len(out))
        out[int(i)] = v
    return out


LISTS = {
    "make_list": lambda init_length, elem_shape, dtype, dynamic_length=None: [
        np.zeros([int(n) for n in elem_shape], {"fp32": np.float32, "int32": np.int32}[dtype])
        for _ in range(int(init_length))],
    "list_length": lambda ls: np.int32(len(ls)),
    "list_read": lambda ls, index: ls[int(index)],
    "list_gather": lambda ls, indices: np.stack([ls[int(i)] for i in indices]),
    "list_write": lambda ls, index, value: put(ls, [index], [value]),
    "list_scatter": lambda ls, indices, value: put(ls, indices, value)}


class Run:
    def __init__(self, opset, states):
        self.opset, self.values, self.states = opset, {}, states

    def value(self, var):
        if isinstance(var, (list, tuple)):
            return [self.value(v) for v in var]
        if var is None:
            return None
        if var not in self.values and var.op is not None and var.op.op_type == "const":
            self.values[var] = var.val
        return self.values[var]

    def block(self, block, given=()):
        self.values.update(zip(block.inputs, given))
        for op in block.operations:
            if op.op_type != "const":
                self.values.update(zip(op.outputs, self.operation(op)))
        return [self.value(v) for v in block.outputs]

    def operation(self, op):
        if op.op_type == "cond":
            return self.block(op.blocks[0 if self.value(op.inputs["pred"]) else 1])
        if op.op_type == "while_loop":
            carried = [self.value(v) for v in op.inputs["loop_vars"]]
            while self.block(op.blocks[0], carried)[0]:
                carried = self.block(op.blocks[1], carried)
            return carried
        if op.op_type == "read_state":
            return [self.states[op.inputs["input"].name].copy()]
        if op.op_type in WHOLE:
            value = self.value(op.inputs["data" if "data" in op.inputs else "value"])
            self.states[op.inputs["input" if "input" in op.inputs else "state"].name] = value
            return [value][:len(op.outputs)]
        operands = {name: self.value(var) for name, var in op.inputs.items()
                    if not name.startswith("_")}
        if op.op_type in LISTS:
            return [LISTS[op.op_type](**operands)]
        return evaluate(op.op_type, self.opset, operands, [dtype_of(v) for v in op.outputs])


def run(program, inputs, function="main", states=None):
    f = program.functions[function]
    machine = Run(number(f.opset_version), states if states is not None else {})
    for name, var in f.inputs.items():
        if name not in machine.states:
            machine.values[var] = np.asarray(inputs[name])
    results = machine.block(f)
    return {var.name: r for var, r in zip(f.outputs, results)}
