#!/usr/bin/env python3
"""TorchScript archives that are large, deep or endless where reading them might take more
than the file is worth: corpus.py FOLDER writes them. test_corpus.c says how each ends."""
import os
import random
import sys
import zipfile

from archives import Module, Raw, Tensor, method, write

SAME = method("return x")
M = "class M(Module):\n"
FORWARD = "  def forward(self: __torch__.M, x: Tensor) -> Tensor:\n"
WEIGHT = M + "  w : Tensor\n" + FORWARD + "    return torch.add(x, self.w)\n"
ANY = M + "  w : Any\n" + FORWARD + "    y = self.w\n    return x\n"


def lines(count, line):
    return "".join(line % ((i,) * line.count("%")) for i in range(count))


# ---- sources ----

def colliding(count):
    """Names whose FNV-1a hashes agree in their low 18 bits."""
    prime, mask = 16777619, (1 << 18) - 1
    back = pow(prime, -1, 1 << 18)
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"
    ends = {}
    for a in letters:
        for b in letters:
            for c in letters:
                h = 0
                for x in c + b + a:
                    h = (h * back & mask) ^ ord(x)
                ends[h] = a + b + c
    i = 0
    while count > 0:
        h, start = 2166136261, "n%x_" % i
        for x in start:
            h = (h ^ ord(x)) * prime & mask
        i += 1
        if h in ends:
            count -= 1
            yield start + ends[h]


def methods(count):
    return (M + lines(count, "  def f%d(self: __torch__.M, x: Tensor) -> Tensor:\n    return x\n")
            + FORWARD + lines(count, "    x%d = (self).f%d(x)\n") + "    return x\n")


SOURCES = {
    "parentheses_200000": method("return " + "(" * 200000 + "x" + ")" * 200000),
    "brackets_200000": method("y = " + "[" * 200000 + "x" + "]" * 200000 + "\nreturn x"),
    "signs_200000": method("return " + "-" * 200000 + "x"),
    "types_200000": M + "  w : " + "List[" * 200000 + "int" + "]" * 200000 + "\n",
    "blocks": M + FORWARD + "".join("    " + " " * i + "if True:\n" for i in range(3000)),
    "dots_of_type": M + "  w : __torch__" + ".a" * 200000 + "\n" + FORWARD
                    + "    return (self.w).forward(x)\n",
    "dots_of_call": method("return __torch__" + ".a" * 190 + "(x)"),
    "methods": methods(20000),
    "classes": lines(50000, "class A%d(Module):\n  pass\n") + SAME,
    "statements": method(lines(50000, "y%d = torch.add(x, 1)\n") + "return x"),
    "names": method("".join(n + " = x\n" for n in colliding(60000)) + "return x"),
    "branches": method("if torch.gt(torch.size(x, 0), 1):\n" + lines(20000, "  y%d = x\n")
                       + "else:\n" + lines(20000, "  y%d = x\n") + "return y7"),
    "carried": method(lines(20000, "y%d = x\n") + "for i in range(3):\n"
                      + lines(20000, "  y%d = x\n") + "return y7"),
    "unknown": method(lines(50000, "y%d = torch.nothing%d(x)\n") + "return x"),
    "arguments": method("y = torch.add(" + "x, " * 200000 + ")\nreturn x"),
    "items": method("y = [" + "x, " * 500000 + "]\nreturn x"),
    "keys": method("y = {" + lines(100000, "\"%d\": x, ") + "}\nreturn x"),
    "parameters": M + FORWARD.replace("x: Tensor", "x: Tensor"
                                      + lines(30000, ", a%d: Optional[Tensor]=None"))
                  + "    return x\n",
    "zero_byte": method("return x\0"),
    "zero_byte_name": method("y\0z = x\nreturn x"),
    "no_utf8": SAME.replace("return x", "y\udcff = x\n    return x"),
    "no_utf8_text": method("y = \"\udcff\udcfe\"\nreturn x"),
    "integer": method("return torch.add(x, 9223372036854775808)"),
    "digits": method("return torch.add(x, " + "123456789" * 30000 + ")"),
    "float": method("return torch.add(x, 1e999)"),
    "range": method("for i in range(9223372036854775807):\n  y = x\nreturn x"),
    "negation": method("return torch.mul(x, torch.neg(-9223372036854775808))"),
    "twice": SAME + SAME,
    "method_twice": SAME + FORWARD + "    return torch.neg(x)\n",
    "attribute_twice": M + "  w : int\n  w : int\n" + FORWARD + "    return torch.add(x, self.w)\n",
    "argument_twice": M + "  def forward(self: __torch__.M, x: Tensor, x: Tensor) -> Tensor:\n"
                      "    return x\n",
    "recursion": M + FORWARD + "    return (self).forward(x)\n",
    "recursive_function": "def f(x: Tensor) -> Tensor:\n  return __torch__.f(x)\n"
                          + method("return __torch__.f(x)"),
    "recursive_class": "class A:\n  def __init__(self: __torch__.A, x: Tensor) -> NoneType:\n"
                       "    a = __torch__.A(x)\n    return None\n"
                       + method("a = __torch__.A(x)\nreturn x"),
    "in_itself": M + "  m : __torch__.M\n" + FORWARD + "    return (self.m).forward(x)\n",
}
# What the root has.
ATTRIBUTES = {"in_itself": {"m": None}, "attribute_twice": {"w": 1}, "dots_of_type": {"w": 1},
              "types_200000": {"w": 1}}


# ---- pickles ----

def module(pairs):
    return b"c__torch__\nM\n)\x81}(" + pairs + b"ub"


def text(name):
    return b"X" + len(name).to_bytes(4, "little") + name


def memo(code, number):
    return code + number.to_bytes(4, "little")


def modules(count, of=b"A"):
    return module(b"".join(text(b"m%d" % i) + b"c__torch__\n" + of.replace(b"#", b"%d" % i)
                           + b"\n)\x81}b" for i in range(count)))


def shared(depth):
    """2^depth values."""
    return b"K\x01" + memo(b"r", 1) + b"".join(
        memo(b"j", i) + memo(b"j", i) + b"\x86" + memo(b"r", i + 1)
        for i in range(1, depth)) + b"\x85"


PICKLES = {
    "tuples_200000": (module(text(b"w") + b"N" + b"\x85" * 200000), ANY),
    "lists_200000": (module(text(b"w") + b"](" * 200000 + b"e" * 200000), ANY),
    "tuples_2000": (module(text(b"w") + b"N" + b"\x85" * 2000), ANY),
    "marks": (b"(" * 1000000, SAME),
    "list_in_itself": (module(text(b"w") + b"]q\x01h\x01a"), ANY),
    "module_in_itself": (b"c__torch__\nM\n)\x81q\x01}(" + text(b"m") + b"h\x01ub",
                         SOURCES["in_itself"]),
    "shared_values": (module(text(b"w") + shared(60)), ANY),
    "state_twice": (module(text(b"w") + b"K\x01" + text(b"w") + b"K\x02"), ANY),
    "dots": (b"c__torch__" + b".a" * 200000 + b"\nM\n)\x81}b", SAME),
    "long_class": (b"c__torch__\n" + b"A" * 2000000 + b"\n)\x81}b", SAME),
    "pairs": (module(text(b"w") + b"}(" + b"".join(text(b"%06d" % i) + b"K\x01"
                                                  for i in range(100000)) + b"u"),
              M + "  w : Dict[str, int]\n" + FORWARD
              + "    return torch.mul(x, torch.__getitem__(self.w, \"000001\"))\n"),
    "modules_50000": (modules(50000), "class A(Module):\n  pass\n" + M
                      + lines(50000, "  m%d : __torch__.A\n") + FORWARD + "    return x\n"),
    "modules_1000000": (modules(1000000), "class A(Module):\n  pass\n" + M
                        + lines(1000000, "  m%d : __torch__.A\n") + FORWARD + "    return x\n"),
    "classes_of_modules": (modules(30000, b"A#"), lines(30000, "class A%d(Module):\n  pass\n")
                           + M + lines(30000, "  m%d : __torch__.A%d\n") + FORWARD
                           + "    return x\n"),
}

# ---- tensors, of a record of eight bytes ----

TENSORS = {
    "stride_0_wrapping": Tensor(0, (2**61,), "i64", 1, strides=(0,)),
    "stride_0_all": Tensor(0, (2**63 - 1,), "u8", 1, strides=(0,)),
    "stride_0_8gb": Tensor(0, (2**33,), "u8", 1, strides=(0,)),
    "stride_0_two": Tensor(0, (2**31, 2**31), "u8", 1, strides=(0, 0)),
    "stride_0_small": Tensor(0, (1000, 2), "f32", 2, strides=(0, 1)),
    "empty": Tensor(0, (2**62, 0, 2**62), "f32", 2, strides=(2**62, 1, 2**62)),
    "rank_100000": Tensor(0, (1,) * 100000, "f32", 2, strides=(1,) * 100000),
}


def bomb(path, size, random_bytes):
    """A source of newlines, and comments that keep it from being all too small."""
    source = "\n" * size + SAME
    rng = random.Random(1)
    source += "".join("#%08x\n" % rng.getrandbits(32) for _ in range(random_bytes // 4))
    write(path, Module("M"), {"__torch__": source})


def many_records(path, count):
    with zipfile.ZipFile(path, "a") as z:
        for i in range(count):
            z.writestr(zipfile.ZipInfo("model/code/__torch__/a%d.py" % i), SAME)


def main():
    os.makedirs(sys.argv[1], exist_ok=True)
    os.chdir(sys.argv[1])
    for name, source in SOURCES.items():
        write(name + ".pt", Module("M", **ATTRIBUTES.get(name, {})), {"__torch__": source})
    for name, (code, source) in PICKLES.items():
        write(name + ".pt", Raw(code), {"__torch__": source})
    for name, tensor in TENSORS.items():
        write(name + ".pt", Module("M", w=tensor), {"__torch__": WEIGHT}, {0: bytes(8)})
    bomb("newlines.pt", 300 * 1000 * 1000, 0)
    bomb("newlines_within.pt", 100 * 1000 * 1000, 100 * 1000)
    write("records.pt", Module("M"), {"__torch__": SAME})
    many_records("records.pt", 50000)


if __name__ == "__main__":
    main()
