#!/usr/bin/env python3
"""The table of docs/coreml.md of what is written as which operators is that of the packages
that the tests write, of every composite and core op by all ways of writing it.

    written_table.py ROOT COMPOSITES WRITTEN [--write]

COMPOSITES and WRITTEN are the folders of coreml.composites and coreml.write_cases."""
import collections
import glob
import os
import re
import sys

from coremltools import proto

from support import doc_table

BEGIN, END = "<!-- made by tests/coreml/written_table.py -->\n", "<!-- end of what is written -->\n"
IOS_OF = {6: 15, 7: 16, 8: 17, 9: 18, 10: 26}


def operators(block, found):
    for op in block.operations:
        found.add(op.type)
        for inner in op.blocks:
            operators(inner, found)
    return found


def read(path):
    """The oldest iOS, and the operators."""
    model = proto.Model_pb2.Model()
    with open(path + "/Data/com.apple.CoreML/model.mlmodel", "rb") as f:
        model.ParseFromString(f.read())
    found = set()
    for function in model.mlProgram.functions.values():
        for block in function.block_specializations.values():
            operators(block, found)
    return IOS_OF[model.specificationVersion], found - {"const", "identity"}


def rows(folder, names):
    """By name, of which a file may have variants: the oldest iOS, the operators there, and those that are only later."""
    all_of = collections.defaultdict(list)
    for path in sorted(glob.glob(folder + "/*.mlpackage")):
        file, *how = os.path.basename(path).split(".")
        of = [n for n in names if file == n or file.startswith(n + "_")]
        if of and "f16" not in how:
            all_of[max(of, key=len)].append(read(path))
    for name in names:
        if name in all_of:
            oldest = min(ios for ios, _ in all_of[name])
            own = set().union(*(ops for ios, ops in all_of[name] if ios == oldest))
            later = {op: min(ios for ios, ops in all_of[name] if op in ops)
                     for op in set().union(*(ops for _, ops in all_of[name])) - own}
            yield name, oldest, sorted(own), sorted(later.items())


def lines(found, prefix=""):
    for name, oldest, own, later in found:
        text = ", ".join(["`%s`" % op for op in own] +
                         ["`%s` (iOS%d)" % pair for pair in later])
        yield "| `%s` | %d | %s |" % (name.removeprefix(prefix), oldest, text)


def table(root, composites, written):
    with open(root + "/src/derive/composites.def") as f:
        parts = re.findall(r'^TDAGI_COMPOSITE\(\w+,\s*"(\w+)".*?(\w+)\)$', f.read(), re.M)
    with open(root + "/include/tdagger/ops.def") as f:
        ops = re.findall(r'^TDAG_\w+\(\w+,\s*\d+,\s*"(\w+)"', f.read(), re.M)
    by_parts = sorted(name for name, emitter in parts if emitter == "BY_PARTS")
    head = ["", "| %s | iOS | operators |", "|---|---|---|"]
    return "\n".join(
        [h.replace("%s", "composite") for h in head] +
        list(lines(rows(composites, [n for n, e in parts if e != "BY_PARTS"]))) +
        [h.replace("%s", "core op") for h in head] +
        list(lines(rows(written, ["core_" + op for op in ops]), "core_")) +
        ["", "By their parts: %s." % ", ".join("`%s`" % n for n in by_parts)]) + "\n"


def main(root, composites, written, how=""):
    doc_table.keep(root, BEGIN, END, table(root, composites, written), how,
                   ["tests/coreml/written_table.py .", composites, written])


main(*sys.argv[1:])
