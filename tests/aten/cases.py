#!/usr/bin/env python3
"""Calls of operators with what PyTorch makes of them, for test_rows.c.

    cases.py FILE       writes tests/aten/cases.golden, or another FILE

The models of the lists in tests/torchscript and calls.py are run operator by operator; each call
of an operator with a row becomes a line

    aten::add.Tensor f32[2]=... f32[2]=... 1 -> f32[2]=...

of its arguments, all of them, and its result; "0: value" follows for an argument that was
written. Results of f32 are computed in f64 where that is possible, so that they hold on any
machine. Run it with PyTorch 2.13, then with 1.13, which adds what 2.13 has not; then
test_aten_rows with TDAG_UPDATE_GOLDEN=1, which puts "! why" for the results of calls that we
refuse."""
import base64
import copy
import math
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "torchscript"), os.path.join(HERE, "..", "support"), HERE]

import torch  # noqa: E402

import calls  # noqa: E402
import schemas  # noqa: E402

MOST_ELEMENTS = 600
MOST_PER_OVERLOAD = 24
MOST_BORROWED = 3  # of an overload that no model calls
MOST_TRIED = 20
NAMES = {torch.float64: "f64", torch.float32: "f32", torch.float16: "f16",
         torch.bfloat16: "bf16", torch.int64: "i64", torch.int32: "i32", torch.int16: "i16",
         torch.int8: "i8", torch.uint8: "u8", torch.bool: "bool"}
DTYPES = list(NAMES)
# PyTorch's numbers of what TorchScript has as int.
SCALAR_TYPES = {torch.uint8: 0, torch.int8: 1, torch.int16: 2, torch.int32: 3, torch.int64: 4,
                torch.float16: 5, torch.float32: 6, torch.float64: 7, torch.complex64: 9,
                torch.bool: 11, torch.bfloat16: 15, torch.strided: 0,
                torch.contiguous_format: 0, torch.preserve_format: 1, torch.channels_last: 2,
                torch.channels_last_3d: 3}


# ---- the text of a value ----
# Two printable characters for an integer, or a float of 512ths, and a few others.
DIGITS, FIRST = 94, 33
MIDDLE = DIGITS * DIGITS // 2
OTHERS = {"inf": 0, "-inf": 1, "nan": 2, "-0.0": 3}


class Left(Exception):
    """A call that is no case; why."""


def code(v):
    if isinstance(v, float) and repr(v) in OTHERS:
        n = OTHERS[repr(v)]
    else:
        scaled = v * 512 if isinstance(v, float) else int(v)
        n = int(scaled) + MIDDLE if scaled == int(scaled) else -1
        if not len(OTHERS) <= n < DIGITS * DIGITS:
            return None
    return chr(FIRST + n // DIGITS) + chr(FIRST + n % DIGITS)


def tensor_text(t):
    if t.dtype not in NAMES or t.layout != torch.strided or t.is_quantized:
        raise Left("dtype")
    if t.numel() > MOST_ELEMENTS:
        raise Left("size")
    t = t.detach().contiguous()
    head = "%s[%s]" % (NAMES[t.dtype], ",".join(map(str, t.shape)))
    codes = [code(v) for v in t.flatten().tolist()]
    if all(c is not None for c in codes):
        return head + "=" + "".join(codes)
    raw = t.flatten().view(torch.uint8).numpy().tobytes()
    return head + ":" + base64.b64encode(raw).decode()


def text(v):
    if v is None or isinstance(v, bool):
        return str(v)
    if isinstance(v, torch.Tensor):
        return tensor_text(v)
    if isinstance(v, (int, float)):
        return repr(v)
    if isinstance(v, str):
        return '"%s"' % "".join(c if c.isalnum() or c in "_,->:./" else "%%%02x" % ord(c)
                                for c in v)
    if isinstance(v, torch.device):
        return "@" + str(v)
    if isinstance(v, list):
        return "[%s]" % ",".join(map(text, v))
    if isinstance(v, tuple):
        return "(%s)" % ",".join(map(text, v))
    if isinstance(v, dict):
        return "{%s}" % ",".join(text(k) + ";" + text(x) for k, x in v.items())
    if v in SCALAR_TYPES:
        return str(SCALAR_TYPES[v])
    raise Left("a %s" % type(v).__name__)


UNDEFINED = ("aten::empty", "aten::empty_like", "aten::new_empty", "aten::empty_strided",
             "aten::new_empty_strided")
# PyTorch's own result depends on what its memory held.
WRONG = ("aten::binary_cross_entropy.out", "aten::_embedding_bag.out")


FAILURES = (RuntimeError, IndexError, ValueError, KeyError, TypeError, NotImplementedError)


# ---- calls ----
def copied(v):
    if isinstance(v, torch.Tensor):
        return v.detach().clone(memory_format=torch.contiguous_format)
    if isinstance(v, (list, tuple)):
        return type(v)(copied(x) for x in v)
    if isinstance(v, dict):
        return {k: copied(x) for k, x in v.items()}
    return v


def widened(v):
    if isinstance(v, torch.Tensor) and v.dtype == torch.float32:
        return v.detach().double().contiguous()
    if isinstance(v, (list, tuple)):
        return type(v)(widened(x) for x in v)
    return v


def rounded(have, wide):
    """have, or the same with the digits of wide."""
    if isinstance(have, (list, tuple)) and type(have) is type(wide) and len(have) == len(wide):
        return type(have)(rounded(h, w) for h, w in zip(have, wide))
    if not isinstance(have, torch.Tensor) or not isinstance(wide, torch.Tensor):
        return have
    if have.dtype != torch.float32 or wide.dtype != torch.float64 or have.shape != wide.shape:
        return have
    near = torch.allclose(wide.float(), have, rtol=1e-4, atol=1e-4, equal_nan=True)
    return wide.float() if near else have


# What has arguments of any type, or changes a Python list, which an operator would get as a
# copy.
def delete(x, i):
    del x[i]


def set_item(x, i, v):
    x[i] = v
    return x


def appended(x, v):
    x.append(v)
    return x


GENERIC = {
    "aten::append": appended, "aten::extend": lambda x, y: x.extend(y),
    "aten::insert": lambda x, i, v: x.insert(i, v), "aten::pop": lambda x, *a: x.pop(*a),
    "aten::clear": lambda x: x.clear(), "aten::remove": lambda x, v: x.remove(v),
    "aten::reverse": lambda x: x.reverse(), "aten::Delete": delete,
    "aten::_set_item": set_item, "aten::popitem": lambda x: x.popitem(),
    "aten::update": lambda x, y: x.update(y), "aten::items": lambda x: list(x.items()),
    "aten::setdefault": lambda x, k, v: x.setdefault(k, v), "aten::dict": dict,
    "aten::keys": lambda x: list(x.keys()), "aten::values": lambda x: list(x.values()),
    "aten::get": lambda x, *a: x.get(*a), "aten::len": len, "aten::str": str,
    "aten::__getitem__": lambda x, i: x[i], "aten::list": list,
    "aten::copy": lambda x: x.copy(), "aten::__contains__": lambda x, v: v in x,
    "aten::slice": lambda x, a, b, c: x[a:b:c], "aten::mul": lambda x, n: x * n,
    "aten::add": lambda x, y: x + y, "aten::__is__": lambda x, y: x is y,
    "aten::__isnot__": lambda x, y: x is not y, "aten::index": lambda x, v: x.index(v),
    "aten::count": lambda x, v: x.count(v), "aten::add_": lambda x, y: x.extend(y) or x,
    "aten::sort": lambda x, *a: x.sort(reverse=bool(a and a[0])),
    "aten::sorted": lambda x, *a: sorted(x)}


def is_generic(schema):
    """Of values of any type, or changes one that is no tensor."""
    head = str(schema).split(") -> ")[0]
    return re.search(r"[( ]t(Val|1|2)?\b|Dict\(|\[\]\(a!\)", head) is not None


def efficient_attention(q, k, v, bias, compute_log_sumexp, dropout_p=0.0, is_causal=False, *,
                        scale=None):
    out = torch.ops.aten._scaled_dot_product_attention_math(q, k, v, bias, dropout_p, is_causal,
                                                            scale=scale)[0]
    return out, torch.zeros(0), torch.tensor(0), torch.tensor(0)


# What PyTorch has no kernel of on a CPU, by another operator that computes the same.
STANDINS = {"aten::_scaled_dot_product_efficient_attention": efficient_attention}


def run(schema, args):
    if is_generic(schema) and schema.name in GENERIC:
        return GENERIC[schema.name](*args)
    op = STANDINS.get(schema.name) or \
        torch._C._get_operation_overload(schema.name, schema.overload_name)[0]
    positional, keywords = [], {}
    for a, v in zip(schema.arguments, args):
        if a.kwarg_only:
            keywords[a.name] = v
        else:
            positional.append(v)
    return op(*positional, **keywords)


def is_written(text_of_schema, i):
    parts = schemas.split(text_of_schema[text_of_schema.index("(") + 1:
                                         text_of_schema.rindex(") -> ")])
    return "!" in [p for p in parts if p != "*"][i]


class Recorder:
    def __init__(self, table, known=()):
        self.table, self.lines, self.n, self.left = table, {}, {}, {}
        self.calls = []  # (schema, arguments) of all lines
        self.known = set(known)  # overloads that have lines already
        torch.set_grad_enabled(False)

    def call(self, schema, args):
        """Runs it; a line where it is one of the table."""
        name = schema.name + ("." + schema.overload_name if schema.overload_name else "")
        try:
            if schema.name not in self.table or name in self.known or name in WRONG:
                raise Left("no row")
            self.record(schema, name, args)
        except Left as e:
            self.left.setdefault(str(e), set()).add(name)
        except FAILURES as e:
            self.left.setdefault(str(e)[:100], set()).add(name)
        return run(schema, args)

    def record(self, schema, name, args):
        if self.n.get(name, 0) >= MOST_PER_OVERLOAD:
            raise Left("enough")
        given = [text(a) for a in args]
        mine = copied(args)
        result = run(schema, mine)
        if result is NotImplemented:
            raise Left("not implemented")
        try:
            result = rounded(result, run(schema, widened(copied(args))))
        except RuntimeError:
            pass
        if schema.name in UNDEFINED:
            result.zero_()
        if schema.returns[-1:] and schema.returns[-1].name == "info" and result[-1].any():
            raise Left("a factorisation that failed")  # what it leaves is LAPACK's own
        line = " ".join([name] + given + ["->", text(result)])
        described = str(schema)
        for i, a in enumerate(mine):
            if is_written(described, i):
                line += " %d: %s" % (i, text(a))
        if line not in self.lines:
            self.lines[line] = name
            self.calls.append((schema, copied(args)))
            self.n[name] = self.n.get(name, 0) + 1

    def by_name(self, name, *args, **named):
        """A call whose other arguments have their defaults; none, where this PyTorch has no
        such overload or does not take them."""
        base, _, overload = name.partition(".")
        for s in torch._C._jit_get_schemas_for_operator(base):
            if s.overload_name != overload:
                continue
            rest = [named.get(a.name, a.default_value) for a in s.arguments[len(args):]]
            try:
                self.call(s, list(args) + rest)
            except FAILURES as e:
                self.left.setdefault(str(e)[:100], set()).add(name)
            return
        self.left.setdefault("no such overload", set()).add(name)


# ---- calls with the arguments of others ----
def families():
    """Name of an operator to what its row does."""
    does = {}
    for name, what in schemas.rows():
        for form in [name] + schemas.in_place(name):
            does.setdefault(form, what)
    return does


def kinds(schema):
    parts = schemas.parsed(schema)[1]
    return [re.sub(r"\(a[^)]*\)", "", p.split("=")[0].rsplit(" ", 1)[0]) for p in parts
            if p != "*"]


def borrow(recorder):
    """Overloads without a line, called with the arguments of others of the same row: other
    names for it, in-place forms, results in memory that is given (out=)."""
    does, donors = families(), {}
    for schema, args in recorder.calls:
        donors.setdefault(does[schema.name], []).append((kinds(schema), schema, args))
    for name in schemas.names():
        for s in torch._C._jit_get_schemas_for_operator(name):
            full = name + ("." + s.overload_name if s.overload_name else "")
            if full in recorder.n or full in recorder.known:
                continue
            types = kinds(s)
            to_out = len(types) > 0 and s.arguments and s.arguments[-1].name == "out"
            fitting = [d for d in donors.get(does[name], [])
                       if d[0] == (types[:-1] if to_out else types)]
            for _, donor, args in fitting[::1 + len(fitting) // MOST_TRIED]:
                try:
                    extra = [copied(run(donor, copied(args)))] if to_out else []
                    recorder.call(s, copied(args) + extra)
                except FAILURES:
                    pass
                if recorder.n.get(full, 0) >= MOST_BORROWED:
                    break


# ---- graphs, node by node ----
def constant(node):
    if not node.hasAttribute("value"):
        return None
    out = node.output()
    return out.toIValue()


class Walk:
    def __init__(self, recorder):
        self.recorder = recorder

    def graph(self, module, graph, inputs):
        names = [i.debugName() for i in graph.inputs()]
        return self.block(graph, dict(zip(names, [module] + list(inputs))), graph)

    def block(self, block, env, outer):
        for node in block.nodes():
            args = [env[i.debugName()] for i in node.inputs()]
            results = self.node(node, args, env)
            for out, v in zip(node.outputs(), results):
                env[out.debugName()] = v
        return [env[o.debugName()] for o in (block.outputs() if block is not outer else
                                            block.outputs())]

    def node(self, node, args, env):
        kind = node.kind()
        own = getattr(self, kind.replace("::", "_"), None)
        if own is not None:
            return own(node, args, env)
        text_of_schema = node.schema()
        if text_of_schema == "(no schema)":
            raise Left("prim")
        name, overload = re.match(r"([\w:]+)\.?(\w*)\(", text_of_schema).groups()
        for s in torch._C._jit_get_schemas_for_operator(name):
            if s.overload_name == overload:
                result = self.recorder.call(s, args)
                n = len(list(node.outputs()))
                return [result] if n == 1 else list(result) if n else []
        raise Left("prim")

    def prim_Constant(self, node, args, env):
        return [constant(node)]

    def prim_ListConstruct(self, node, args, env):
        return [list(args)]

    def prim_TupleConstruct(self, node, args, env):
        return [tuple(args)]

    def prim_DictConstruct(self, node, args, env):
        return [dict(zip(args[::2], args[1::2]))]

    def prim_ListUnpack(self, node, args, env):
        return list(args[0])

    prim_TupleUnpack = prim_ListUnpack

    def prim_TupleIndex(self, node, args, env):
        return [args[0][args[1]]]

    def prim_unchecked_cast(self, node, args, env):
        return [args[0]]

    def prim_NumToTensor(self, node, args, env):
        return [torch.tensor(args[0])]

    def prim_RaiseException(self, node, args, env):
        raise Left("raised")

    def prim_Print(self, node, args, env):
        return []

    def prim_Uninitialized(self, node, args, env):
        return [None]

    def prim_GetAttr(self, node, args, env):
        return [getattr(args[0], node.s("name"))]

    def prim_SetAttr(self, node, args, env):
        setattr(args[0], node.s("name"), args[1])
        return []

    def prim_If(self, node, args, env):
        block = list(node.blocks())[0 if args[0] else 1]
        return self.block(block, env, None)

    def prim_Loop(self, node, args, env):
        most, go, carried = args[0], args[1], list(args[2:])
        block, i = next(node.blocks()), 0
        names = [b.debugName() for b in block.inputs()]
        while i < most and go:
            env.update(zip(names, [i] + carried))
            go, *carried = self.block(block, env, None)
            i += 1
        return carried


def record_models(recorder, cases, folder):
    """What the case lists of tests/torchscript call, compiled and traced."""
    import import_cases
    source = import_cases.classes(folder, cases)
    for i, (made, inputs) in enumerate(cases):
        for how in (import_cases.compiled, import_cases.traced):
            try:
                module = how(getattr(source, "M%d" % i)().eval() if isinstance(made, str)
                             else made.eval(), inputs)
                graph = module.graph.copy()
                torch._C._jit_pass_inline(graph)
                Walk(recorder).graph(module, graph, [t.clone() for t in inputs])
            except Exception as e:  # whatever this PyTorch cannot make of it
                if os.environ.get("TDAG_VERBOSE"):
                    print("left out: %r: %s" % (made, str(e)[:300]))


def even(t):
    """Floats of 512ths, where they are not large and not special."""
    if not t.is_floating_point() or t.dtype not in (torch.float32, torch.float64):
        return t
    near = (t * 512).round() / 512
    return torch.where((t.abs() < 8) & (t.abs() > 0.02), near, t)


def main():
    import tempfile
    import import_cases
    path = sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, "cases.golden")
    first = torch.__version__.startswith("2.13")
    known = []
    if not first:
        with open(path) as f:
            known = f.read().splitlines()
    torch.set_num_threads(1)
    recorder = Recorder(set(schemas.names()), {line.split(" ")[0] for line in known})
    calls.record(recorder)
    cases = [(made, tuple(even(t) for t in inputs)) for made, inputs in import_cases.CASES]
    with tempfile.TemporaryDirectory() as folder:
        record_models(recorder, cases, folder)
    borrow(recorder)
    lines = sorted(known + list(recorder.lines))
    with open(path, "w") as f:
        f.write("\n".join(lines) + "\n")
    have = {line.split(" ")[0].split(".")[0] for line in lines}
    rows = [n for n in schemas.names() if n not in have]
    print("%d lines; names without: %s" % (len(lines), " ".join(rows)))
    if os.environ.get("TDAG_VERBOSE"):
        for why, names in recorder.left.items():
            print("%s: %s" % (why, " ".join(sorted(names))[:600]))


if __name__ == "__main__":
    main()
