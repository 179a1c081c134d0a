"""An ML package as text, by the numbers of the format alone: mil_text.py PACKAGE

The manifest's items, the descriptions, the metadata and every operation of every function: what
is written, whoever reads it. Elements of blobs are left out, not where they stand."""
import json
import os
import struct
import sys

DTYPES = {1: "bool", 2: "string", 10: "fp16", 11: "fp32", 21: "int8", 23: "int32", 31: "uint8"}
ARRAYS = {65568: "fp32", 65552: "fp16", 131104: "int32"}


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if data[at - 1] < 128:
            return value, at


def fields(data):
    """The values of a message by number, each a list."""
    found, at = {}, 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 2:
            n, at = varint(data, at)
            value, at = data[at:at + n], at + n
        elif key & 7 == 5:
            value, at = data[at:at + 4], at + 4
        else:
            value, at = varint(data, at)
        found.setdefault(key >> 3, []).append(value)
    return found


def one(message, number, otherwise=b""):
    return message.get(number, [otherwise])[0]


def text(message, number):
    return one(message, number).decode()


def packed(data):
    values, at = [], 0
    while at < len(data):
        value, at = varint(data, at)
        values.append(value - (1 << 64) if value >> 63 else value)
    return values


def type_of(data):
    tensor = fields(one(fields(data), 1))
    dims = []
    for d in tensor.get(3, []):
        constant = fields(d).get(1)
        dims.append("?" if constant is None else str(one(fields(constant[0]), 1, 0)))
    return "%s[%s]" % (DTYPES[one(tensor, 1, 0)], ",".join(dims))


def elements(tensor):
    (kind, (data, *_)), = tensor.items()
    values = fields(data).get(1, [])
    if kind == 4:
        return ['"%s"' % v.decode() for v in values]
    whole = b"".join(v for v in values if isinstance(v, bytes))
    if kind == 1:
        return ["%g" % v for v, in struct.iter_unpack("<f", whole)]
    return [["false", "true"][v] if kind == 3 else str(v) for v in packed(whole)]


def value_of(data):
    value = fields(data)
    if 5 in value:
        blob = fields(value[5][0])
        return "%s @%d" % (text(blob, 1), one(blob, 2, 0))
    found = elements(fields(one(fields(value[3][0]), 1)))
    scalar = type_of(value[2][0]).endswith("[]")
    return found[0] if scalar else "[%s]" % ", ".join(found)


def entries(message, number):
    for entry in map(fields, message.get(number, [])):
        yield text(entry, 1), entry[2][0]


def operands(op):
    for key, argument in sorted(entries(op, 2)):
        names = [text(fields(b), 1) for b in fields(argument)[1]]
        yield "%s=%s" % (key, names[0] if len(names) == 1 else "(%s)" % ", ".join(names))


def show_block(data, indent):
    block = fields(data)
    given = ["%s: %s" % (text(i, 1), type_of(i[2][0])) for i in map(fields, block.get(1, []))]
    if given:
        print("%s(%s)" % (indent, ", ".join(given)))
    for op in map(fields, block.get(3, [])):
        results = ["%s: %s" % (text(r, 1), type_of(r[2][0])) for r in map(fields, op.get(3, []))]
        kind, attributes = text(op, 1), dict(entries(op, 5))
        inside = value_of(attributes["val"]) if kind == "const" else ", ".join(operands(op))
        print("%s%s = %s(%s)" % (indent, ", ".join(results), kind, inside))
        for inner in op.get(4, []):
            show_block(inner, indent + "  ")
    print("%sreturn %s" % (indent, ", ".join(n.decode() for n in block.get(2, []))))


def show_feature(kind, data):
    feature = fields(data)
    array = fields(one(fields(feature[3][0]), 5))
    ranges = [fields(r) for r in fields(one(array, 31)).get(1, [])]
    print("%s %s: %s%s%s" % (kind, text(feature, 1), ARRAYS[one(array, 2, 0)],
                             packed(one(array, 1)),
                             " of %s" % ["%d..%d" % (one(r, 1, 0), one(r, 2, 0)) for r in ranges]
                             if ranges else ""))


def main(package):
    with open(os.path.join(package, "Manifest.json")) as f:
        manifest = json.load(f)
    for key, item in sorted(manifest["itemInfoEntries"].items(), key=lambda i: i[1]["path"]):
        root = " (root)" if key == manifest["rootModelIdentifier"] else ""
        path = os.path.join(package, "Data", item["path"])
        for file in sorted(os.listdir(path)) if os.path.isdir(path) else [""]:
            print("%s: %d bytes%s" % (os.path.join(item["path"], file).rstrip("/"),
                                      os.path.getsize(os.path.join(path, file) if file else path), root))
    with open(os.path.join(package, "Data", "com.apple.CoreML", "model.mlmodel"), "rb") as f:
        model = fields(f.read())
    description = fields(model[2][0])
    print("specification %d" % one(model, 1, 0))
    for number, kind in ((1, "input"), (10, "output"), (13, "state")):
        for feature in description.get(number, []):
            show_feature(kind, feature)
    for key, value in entries(fields(one(description, 100)), 100):
        print("%s:\n  %s" % (key, value.decode().rstrip("\n").replace("\n", "\n  ")))
    for name, data in entries(fields(model[502][0]), 2):
        function = fields(data)
        inputs = ["%s: %s" % (text(i, 1), type_of(i[2][0])) for i in map(fields, function[1])]
        for opset, block in entries(function, 3):
            print("%s %s(%s)" % (opset, name, ", ".join(inputs)))
            show_block(block, "  ")


main(*sys.argv[1:])
