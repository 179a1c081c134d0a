#!/usr/bin/env python3
"""Files that want to take all time, memory or stack, or to do something when they are
read: hostile.py FOLDER writes them."""
import os
import sys

from archives import Module, Raw, Tensor, method, write

# Each is the body of forward(self, x: Tensor) -> Tensor.
BODIES = {
    # 2^63 trips each, one inside the other; each is within the limit of trips
    "nested_loops": """
go = True
i = 0
for a in range(9999):
  for b in range(9999):
    for c in range(9999):
      i = torch.add(i, 1)
return x""",
    "endless": """
go = True
i = 0
while go:
  i = torch.add(i, 1)
return x""",
    "list_doubling": """
l = [1, 2, 3, 4]
for i in range(60):
  l = torch.add(l, l)
return torch.mul(x, torch.len(l))""",
    "list_growing": """
l = [1, 2, 3, 4]
for i in range(60):
  _0 = torch.extend(l, torch.list(l))
return torch.mul(x, torch.len(l))""",
    "text_doubling": """
s = "0123456789"
for i in range(60):
  s = torch.add(s, s)
return torch.mul(x, torch.len(s))""",
    "sorting": """
l = [1]
for i in range(9000):
  _0 = torch.append(l, torch.neg(i))
for k in range(9000):
  l = torch.sorted(l)
  _1 = torch.reverse(l)
return torch.mul(x, torch.len(l))""",
    "huge_tensor": """
y = torch.zeros([1000000000, 1000000000], dtype=6)
return torch.add(x, torch.select(torch.select(y, 0, 0), 0, 0))""",
    "carried_path": """
y = x
for i in range(4):
  y = torch
return y""",
    "many_nodes": """
y = x
for a in range(9999):
  for b in range(9999):
    y = torch.sin(y)
return y""",
}

# What happens where these are run is seen from outside.
EFFECTS = {
    "from_file": """
y = torch.from_file("made", True, 16)
return torch.add(x, torch.select(y, 0, 0))""",
    "from_file_meta": """
y = torch.from_file("made", True, 16, dtype=6, layout=None, device=torch.device("meta"))
return torch.add(x, torch.select(y, 0, 0))""",
    "save": """
_0 = torch.save(x, "made")
return x""",
    "random": """
return torch.multinomial(torch.abs(x), 1, False, generator=None)""",
    "by_data": """
v, _0, _1 = torch.unique_dim(x, 0, True, False, False)
return v""",
    "views": """
return torch.crow_indices(x)""",
    "written": """
return torch.erfinv(x, out=x)""",
    "pure": """
return torch.fake_quantize_per_tensor_affine(x, 0.5, 0, -4, 4)""",
    "text": """
l, v = torch.linalg_eigh(torch.matmul(x, torch.t(x)), "U")
return torch.mul(v, l)""",
}


def calls(depth):
    """f0 calls f1 twice, f1 calls f2 twice, ...: 2^depth calls of the last."""
    text = "class M(Module):\n"
    for i in range(depth):
        text += ("  def f%d(self: __torch__.M, x: Tensor) -> Tensor:\n"
                 "    y = (self).f%d(x, )\n    return (self).f%d(y, )\n" % (i, i + 1, i + 1))
    text += "  def f%d(self: __torch__.M, x: Tensor) -> Tensor:\n    return x\n" % depth
    text += "  def forward(self: __torch__.M, x: Tensor) -> Tensor:\n    return (self).f0(x, )\n"
    return text


def chain(depth):
    text = "class M(Module):\n"
    for i in range(depth):
        text += ("  def f%d(self: __torch__.M, x: Tensor) -> Tensor:\n"
                 "    return (self).f%d(x, )\n" % (i, i + 1))
    text += "  def f%d(self: __torch__.M, x: Tensor) -> Tensor:\n    return x\n" % depth
    text += "  def forward(self: __torch__.M, x: Tensor) -> Tensor:\n    return (self).f0(x, )\n"
    return text


def nested_modules(depth):
    text = "class M0(Module):\n  training : bool\n"
    root = Module("M0", training=False)
    for i in range(1, depth):
        text += "class M%d(Module):\n  inner : __torch__.M%d\n" % (i, i - 1)
        root = Module("M%d" % i, inner=root)
    text += ("class M(Module):\n  inner : __torch__.M%d\n  def forward(self: __torch__.M,\n"
             "    x: Tensor) -> Tensor:\n    return x\n" % (depth - 1))
    return Module("M", inner=root), text


WEIGHT = ("class M(Module):\n  __parameters__ = [\"w\", ]\n  w : Tensor\n"
          "  def forward(self: __torch__.M,\n    x: Tensor) -> Tensor:\n"
          "    return torch.add(x, self.w)\n")

# Tensors that say more than is there; the record has eight bytes.
TENSORS = {
    "short": Tensor(0, (1000,)),
    "beyond": Tensor(0, (2,), storage=2, offset=1),
    "far": Tensor(0, (2, 2), storage=2, strides=(2**62, 2**62)),
    "before": Tensor(0, (2,), storage=2, offset=-1),
    "backwards": Tensor(0, (2,), storage=2, strides=(-1,)),
    "negative": Tensor(0, (-2,), storage=2),
    "overflow": Tensor(0, (2**62, 2**62), storage=2, strides=(0, 0)),
    "absent": Tensor(1, (2,)),
    "many_elements": Tensor(0, (2,), storage=2**62),
}


# What a pickle says instead of the weight.
RAW = {
    "command": b"cos\nsystem\nX\x04\x00\x00\x00true\x85R",
    "other_class": b"c__torch__\nN\n)\x81}b",
    "packed": b"c__torch__.torch.classes.quantized\nLinearPackedParamsBase\n)\x81Nb",
    "no_state": b"c__torch__\nM\n)\x81Nb",
}


# Calls that older releases meant otherwise, by the archive's version.
OLDER = [(name, version, body)
         for name, body, versions in [
             ("div", "torch.div(x, x)", (3, 4)),
             ("full", "torch.full([2], 1)", (4, 5)),
             ("linspace", "torch.linspace(0., 1.)", (7,))]
         for version in versions]


def main():
    os.makedirs(sys.argv[1], exist_ok=True)
    os.chdir(sys.argv[1])
    for name, body in list(BODIES.items()) + list(EFFECTS.items()):
        write(name + ".pt", Module("M"), {"__torch__": method(body.strip("\n"))})
    # torch.jit.load() calls __setstate__ while it unpickles.
    setting = ("class M(Module):\n  kept : Tensor\n"
               "  def __setstate__(self: __torch__.M,\n    state: Tensor) -> NoneType:\n"
               "    _0 = torch.save(state, \"made\")\n    self.kept = state\n"
               "    return None\n"
               "  def __getstate__(self: __torch__.M) -> Tensor:\n    return self.kept\n"
               "  def forward(self: __torch__.M,\n    x: Tensor) -> Tensor:\n    return x\n")
    write("setstate.pt", Module("M", state=Tensor(0, (2,))), {"__torch__": setting},
          {0: bytes(8)})
    for name, tensor in TENSORS.items():
        write(name + ".pt", Module("M", w=tensor), {"__torch__": WEIGHT}, {0: bytes(8)})
    for name, code in RAW.items():
        write(name + ".pt", Module("M", w=Raw(code)), {"__torch__": WEIGHT})
    write("missing.pt", Module("M"), {"__torch__": WEIGHT})
    write("version.pt", Module("M"), {"__torch__": method("return x")}, version=11)
    write("parentheses.pt", Module("M"),
          {"__torch__": method("return " + "(" * 100000 + "x" + ")" * 100000)})
    for name, version, body in OLDER:
        write("%s_%d.pt" % (name, version), Module("M"), {"__torch__": method("return " + body)},
              version=version)
    write("many_calls.pt", Module("M"), {"__torch__": calls(40)})
    write("deep_calls.pt", Module("M"), {"__torch__": chain(300)})
    root, text = nested_modules(300)
    write("deep_modules.pt", root, {"__torch__": text})


if __name__ == "__main__":
    main()
