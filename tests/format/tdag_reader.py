"""Reads .tdag files by docs/formats.md alone: tdag_reader.py FILE.tdag...

An independent reader: it shares no code with the library. It checks what the page says
about the container and the model, and computes the shape of every node from its operands
by the ops' descriptions, which must be what the file states. Where Python has the
reference implementation of safetensors, that must find the same tensors."""
import json
import math
import re
import struct
import sys

try:
    import safetensors
except ImportError:
    safetensors = None

SIZES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1,
         "U8": 1, "BOOL": 1}
FLOATS = ("f64", "f32", "f16", "bf16")
BINARY = ("add", "multiply", "floor_divide", "less", "equal", "where")


def read_container(path):
    with open(path, "rb") as file:
        data = file.read()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + length].decode("utf-8"))
    metadata = header.pop("__metadata__")
    start, end = 8 + length, 0
    assert start % 64 == 0
    tensors = {}
    for name, t in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        begin, after = t["data_offsets"]
        assert begin == end, f"{name}: a hole or an overlap"
        end = after
        assert after - begin == SIZES[t["dtype"]] * math.prod(t["shape"]), name
        if not name.startswith("__padding__."):
            assert (start + begin) % 64 == 0, f"{name} is not aligned"
            tensors[name] = (t["dtype"].lower(), t["shape"], data[start + begin:start + after])
    assert start + end == len(data)
    if safetensors is not None:
        found = dict(safetensors.deserialize(data))
        for name, (dtype, shape, elements) in tensors.items():
            assert found[name]["dtype"].lower() == dtype and found[name]["shape"] == shape
            assert bytes(found[name]["data"]) == elements, name
    return metadata, tensors


class Dims:
    """Expressions over symbols, at the symbols' sample values."""

    def __init__(self, symbols):
        self.names = dict(symbols)
        self.names.update(max=max, min=min)

    def value(self, dim):
        if isinstance(dim, int):
            return dim
        assert re.fullmatch(r"[\w+*()/, -]+", dim), dim
        # floor(a/b): Python's // is the same, once the slash is its own
        return eval(dim.replace("floor(", "(").replace("/", "//"),  # noqa: S307
                    {"__builtins__": {}}, self.names)

    def values(self, dims):
        return [self.value(dim) for dim in dims]


def broadcast(shapes):
    rank = max(map(len, shapes))
    padded = [[1] * (rank - len(s)) + s for s in shapes]
    return [next((d for d in dims if d != 1), 1) for dims in zip(*padded)]


def split(items, counts):
    at = 0
    for count in counts:
        yield items[at:at + count]
        at += count


def shape_of(op, spec, ins, dims):
    """The shape of a node that is no leaf, from the shapes of its operands."""
    x = ins[0] if ins else []
    if op in BINARY:
        return broadcast(ins)
    if op == "iota":
        return [dims.value(spec["n"])]
    if op == "permute":
        return [x[axis] for axis in spec["order"]]
    if op == "group":
        return [math.prod(run) for run in split(x, spec["runs"])]
    if op == "ungroup":
        factors = dims.values(spec["factors"])
        parts = list(split(factors, spec["counts"]))
        assert [math.prod(part) for part in parts] == x
        return factors
    if op == "squeeze":
        return [d for i, d in enumerate(x) if i not in spec["axes"]]
    if op == "unsqueeze":
        out = list(x)
        for axis in spec["axes"]:
            out.insert(axis, 1)
        return out
    if op == "slice":
        return [e - s for s, e in zip(dims.values(spec["start"]), dims.values(spec["end"]))]
    if op == "pad":
        return [b + d + a for b, d, a in
                zip(dims.values(spec["before"]), x, dims.values(spec["after"]))]
    if op == "select":
        return [1 if i == spec["axis"] else d for i, d in enumerate(x)]
    if op == "repeat":
        return [d * n for d, n in zip(x, dims.values(spec["counts"]))]
    if op == "unfold":
        return [((d - k) // s + 1) * k for d, k, s in zip(x, spec["kernel"], spec["stride"])]
    if op == "fold":
        return [(d // k - 1) * s + k for d, k, s in zip(x, spec["kernel"], spec["stride"])]
    if op == "reduce":
        return [1 if i in spec["axes"] else d for i, d in enumerate(x)]
    if op == "gather":
        batch = spec["batch"]
        return x[:batch] + ins[1][batch:] + x[batch + 1:]
    if op == "opaque":
        return dims.values(spec["shape"])
    return x  # unary, convert, scan, argsort, scatter


def number(value, dtype):
    """A constant's value: a JSON number or bool, or a string where JSON has none."""
    if isinstance(value, str):
        assert dtype in FLOATS and re.fullmatch(r"-?inf|nan(\(0x[0-9a-f]+\))?", value)
        return float(value.split("(")[0])
    assert isinstance(value, bool) == (dtype == "bool")
    assert dtype in FLOATS or isinstance(value, int)
    return value


def read_leaf(node, tensors, used, shape):
    if node["op"] == "input":
        return
    if "value" in node:
        assert node["op"] == "constant" and math.prod(shape) > 0
        number(node["value"], node["dtype"])
        return
    dtype, stored, _ = tensors[node["tensor"]]
    used.add(node["tensor"])
    assert (dtype, stored) == (node["dtype"], shape), node


def read_graph(graph, tensors, used):
    assert set(graph) - {"name"} == {"symbols", "scopes", "nodes", "inputs", "outputs"}
    dims = Dims(graph["symbols"])
    shapes, names = {}, set()
    for i, node in enumerate(graph["nodes"], 1):
        ids = node.get("in", [])
        assert all(0 < operand < i for operand in ids)
        shape = dims.values(node["shape"])
        if node["op"] in ("input", "parameter", "buffer", "constant"):
            read_leaf(node, tensors, used, shape)
        else:
            computed = shape_of(node["op"], node.get("spec"), [shapes[k] for k in ids], dims)
            assert computed == shape, (node, computed)
        name = node.get("name", f"v{i}")
        assert name not in names and ("name" not in node or not re.fullmatch(r"v\d+", name))
        names.add(name)
        assert "scope" not in node or 0 <= node["scope"] < len(graph["scopes"])
        shapes[i] = shape
    assert graph["inputs"] == [i for i, n in enumerate(graph["nodes"], 1)
                               if n["op"] == "input"]
    assert all(o in shapes for o in graph["outputs"])
    return len(graph["inputs"]), len(graph["outputs"]), len(shapes)


OWN = {"call": {"graph"}, "if": {"blocks"}, "loop": {"limit", "while", "blocks"},
       "read": {"state"}, "write": {"state"}, "draw": {"kind"},
       "apply": {"operator", "arguments"}, "check": {"sentence"}, "return": set()}


class Method:
    """A method of version 2: values are numbered in the order of the text."""

    def __init__(self, method, sizes, n_states):
        self.sizes, self.n_states, self.last, self.seen = sizes, n_states, 0, set()
        self.dims = Dims(method["symbols"] + method["found"])
        for value in method["values"]:
            assert all(n >= 0 for n in self.dims.values(value["shape"]))
        self.define(method["params"])
        self.block(method["program"])
        assert self.last == len(method["values"])
        last = method["program"][-1]
        assert last["do"] == "return"
        assert len(re.findall(r"\bT\b", method["inputs"])) == len(method["params"])
        assert len(re.findall(r"\bT\b", method["outputs"])) == len(last["in"])

    def define(self, ids):
        for i in ids:
            self.last += 1
            assert i == self.last, f"value {i} instead of {self.last}"
        self.seen |= set(ids)

    def block(self, statements):
        for s in statements:
            self.statement(s)

    def statement(self, s):
        assert set(s) - {"finds"} == {"do", "in", "out"} | OWN[s["do"]], s
        assert set(s["in"]) <= self.seen
        if s["do"] == "call":
            assert (len(s["in"]), len(s["out"])) == self.sizes[s["graph"]]
        assert 0 <= s.get("state", 0) <= self.n_states
        for block in s.get("blocks", []):
            before = set(self.seen)
            self.define(block.get("params", []))
            self.block(block["program"])
            assert set(block["yield"]) <= self.seen
            self.seen = before
        self.define(s["out"])


def read_programs(model, tensors):
    """Version 2."""
    assert set(model) == {"methods", "graphs", "states"}
    used, sizes, n_nodes = set(), [], 0
    for graph in model["graphs"]:
        n_in, n_out, n = read_graph(graph, tensors, used)
        sizes.append((n_in, n_out))
        n_nodes += n
    for state in model["states"]:
        assert len(state["symbols"]) == len(tensors[state["tensor"]][1])
        used.add(state["tensor"])
    assert used == set(tensors)
    for part in ("methods", "graphs", "states"):
        assert len({x["name"] for x in model[part]}) == len(model[part])
    for method in model["methods"]:
        Method(method, sizes, len(model["states"]))
    return n_nodes


def read_model(path):
    metadata, tensors = read_container(path)
    assert metadata["format"] in ("tdag/1", "tdag/2"), metadata["format"]
    model = json.loads(metadata["tdag"])
    if metadata["format"] == "tdag/2":
        return read_programs(model, tensors)
    assert set(model) == {"methods", "graphs"} and len(model["graphs"]) == 1
    used = set()
    n_in, n_out, n_nodes = read_graph(model["graphs"][0], tensors, used)
    assert used == set(tensors)
    [method] = model["methods"]
    assert method["name"] == "forward"
    [call] = method["program"]
    results = list(range(n_in + 1, n_in + 1 + n_out))
    assert call == {"do": "call", "graph": 0, "in": list(range(1, n_in + 1)), "out": results}
    assert method["return"] == results
    assert len(re.findall(r"\bT\b", method["inputs"])) == n_in
    assert len(re.findall(r"\bT\b", method["outputs"])) == n_out
    return n_nodes


if __name__ == "__main__":
    for file_name in sys.argv[1:]:
        try:
            print(f"{file_name}: {read_model(file_name)} nodes")
        except (AssertionError, KeyError, ValueError) as error:
            sys.exit(f"{file_name}: {error!r}")
