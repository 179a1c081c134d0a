"""TorchScript archives written by hand: pickles, sources and a zip, without PyTorch.

write(path, root, sources, ...) takes the object tree as Module and Tensor values and the
text of each source. What torch.jit.save() would never write can be said, too."""
import io
import struct
import zipfile

STORAGES = {"f32": ("FloatStorage", 4), "u8": ("ByteStorage", 1), "i64": ("LongStorage", 8)}


class Module:
    def __init__(self, name, state=None, **attrs):
        self.name, self.attrs = name, dict(attrs)
        self.state = state  # what BUILD gets instead of the attributes


class Tensor:
    """shape of elements from `offset` of record data/KEY; storage: how many those are."""

    def __init__(self, key, shape, dtype="f32", storage=None, offset=0, strides=None):
        self.key, self.shape, self.dtype, self.offset = str(key), shape, dtype, offset
        size, self.strides = 1, []
        for dim in reversed(shape):
            self.strides.insert(0, size)
            size *= dim
        self.strides = self.strides if strides is None else strides
        self.storage = size if storage is None else storage


class Raw:
    """Opcodes of a pickle."""

    def __init__(self, code):
        self.code = code


class Pickler:
    def __init__(self):
        self.out = io.BytesIO()
        self.memo = {}

    def op(self, data):
        self.out.write(data)

    def name(self, path):
        module, _, name = path.rpartition(".")
        self.op(b"c" + module.encode() + b"\n" + name.encode() + b"\n")

    def put(self, value):
        if value is None:
            self.op(b"N")
        elif isinstance(value, bool):
            self.op(b"\x88" if value else b"\x89")
        elif isinstance(value, int):
            self.integer(value)
        elif isinstance(value, float):
            self.op(b"G" + struct.pack(">d", value))
        elif isinstance(value, str):
            data = value.encode()
            self.op(b"X" + struct.pack("<I", len(data)) + data)
        elif isinstance(value, tuple):
            self.op(b"(")
            for item in value:
                self.put(item)
            self.op(b"t")
        elif isinstance(value, list):
            self.list_of(value)
        elif isinstance(value, Tensor):
            self.tensor(value)
        elif isinstance(value, Raw):
            self.op(value.code)
        else:
            self.module(value)

    def integer(self, value):
        if 0 <= value < 256:
            self.op(b"K" + bytes([value]))
        elif -2**31 <= value < 2**31:
            self.op(b"J" + struct.pack("<i", value))
        else:
            self.op(b"\x8a\x08" + struct.pack("<q", value))

    def list_of(self, value):
        """A List[int]."""
        self.name("torch.jit._pickle.build_intlist")
        self.op(b"(](")
        for item in value:
            self.put(item)
        self.op(b"etR")

    def tensor(self, t):
        storage, _ = STORAGES[t.dtype]
        self.name("torch._utils._rebuild_tensor_v2")
        self.op(b"(")
        if t.key in self.memo:
            self.op(b"j" + struct.pack("<I", self.memo[t.key]))
        else:
            self.op(b"(")
            self.put("storage")
            self.name("torch." + storage)
            for part in (t.key, "cpu", t.storage):
                self.put(part)
            self.op(b"tQ")
            self.memo[t.key] = len(self.memo)
            self.op(b"r" + struct.pack("<I", self.memo[t.key]))
        for part in (t.offset, tuple(t.shape), tuple(t.strides), False):
            self.put(part)
        self.name("collections.OrderedDict")
        self.op(b")RtR")

    def module(self, m):
        self.name("__torch__." + m.name)
        self.op(b")\x81")
        if m.state is not None:
            self.put(m.state)
        else:
            self.op(b"}(")
            for key, value in m.attrs.items():
                self.put(key)
                self.put(value)
            self.op(b"u")
        self.op(b"b")

    def text(self, value):
        self.op(b"\x80\x02")
        self.put(value)
        self.op(b".")
        return self.out.getvalue()


def write(path, root, sources, records=None, version=3, prefix="model"):
    """sources: {"__torch__": text, "__torch__/a": text}; records: {key: bytes}."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as z:
        def add(name, data, how=zipfile.ZIP_STORED):
            z.writestr(zipfile.ZipInfo(prefix + "/" + name), data, how)
        for key, data in (records or {}).items():
            add("data/%s" % key, data)
        add("data.pkl", Pickler().text(root))
        for name, text in sources.items():
            add("code/%s.py" % name, text.encode("utf-8", "surrogateescape"),
                zipfile.ZIP_DEFLATED)
        add("constants.pkl", Pickler().text(()))
        add("version", "%d\n" % version)


def method(body, args="x: Tensor", result="Tensor"):
    """A class M without attributes whose forward has that body, indented by four."""
    lines = "".join("    %s\n" % line for line in body.rstrip("\n").split("\n"))
    return "class M(Module):\n  def forward(self: __torch__.M,\n    %s) -> %s:\n%s" % (
        args, result, lines)
