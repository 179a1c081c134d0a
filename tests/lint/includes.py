"""Includes point one way: includes.py ROOT

A folder of src/ includes what stands at its own height or lower in ORDER, and between
folders no circle exists. Operators (src/aten) know no reader of models, and the last
folders show that the public API is enough: of our private headers they see what MAY
lists. libtorch is seen by shim/ only, the shim by src/torchscript only, and public
headers include public headers and C's own."""
import re
import sys

import lintlib

ORDER = [["base"], ["ir"], ["ops"], ["derive", "raise", "analysis"],
         ["transform", "program", "run", "archive"], ["count", "format", "aten", "proof"],
         ["torchscript", "pt2", "coreml", "cli"], ["open"]]
# The parts of a builder and of a model that importers need; see docs/deviations.md.
APP_MAY = {"base", "derive", "raise", "ir/graph.h", "program/model.h",
           "program/outline/outline.h"}
MAY = {"aten": {"base", "derive", "ir/graph.h", "run/run.h",
                "program/outline/outline.h"}, "archive": {"base"},
       "torchscript": APP_MAY | {"aten", "archive", "proof/proof.h"},
       "pt2": APP_MAY | {"aten", "archive", "proof/proof.h", "format/json_read.h",
                        "torchscript/export/statements.h", "torchscript/native/resolve.h",
                        "torchscript/native/syntax.h", "torchscript/storage.h"},
       "coreml": APP_MAY | {"aten", "archive", "proof/proof.h", "format/json_read.h",
                           "format/json_write.h", "ir/graft.h", "program/call.h",
                           "transform/program/copy.h"},
       "cli": APP_MAY,
       "open": {"base", "archive", "program/model.h", "format/tdag.h", "pt2/pt2.h",
                "coreml/file.h", "torchscript/torchscript.h"}}
C_HEADERS = {"stdbool.h", "stddef.h", "stdint.h", "string.h"}
HEIGHT = {folder: i for i, group in enumerate(ORDER) for folder in group}
INCLUDE = re.compile(r'\s*#\s*include\s+(["<])([^">]+)[">]')


def includes(root, path):
    for number, line in enumerate(lintlib.lines(root, path), 1):
        match = INCLUDE.match(line)
        if match:
            yield f"{path}:{number}", match[1], match[2]


def check_source(root, path, edges):
    """Findings of one file of src/; adds its edges between folders."""
    parts = path.split("/")
    own = parts[1] if len(parts) > 2 else None
    if own not in HEIGHT:
        yield f"{path}: not in a folder of the layout"
        return
    for place, quote, target in includes(root, path):
        folder = target.split("/")[0] if "/" in target else ""
        if quote == "<":
            if folder in ("torch", "ATen", "c10", "caffe2"):
                yield f"{place}: only shim/ includes libtorch"
        elif target == "tdag_shim.h":
            if own != "torchscript":
                yield f"{place}: only src/torchscript talks to the shim"
        elif folder not in HEIGHT:
            yield f"{place}: {target} is not named from src/ (folder/file.h)"
        elif folder != own:
            edges.setdefault((own, folder), place)
            if HEIGHT[folder] > HEIGHT[own]:
                yield f"{place}: {own} is below {folder}"
            elif own in MAY and not {folder, target} & MAY[own]:
                yield f"{place}: {own} uses the public headers and {sorted(MAY[own])} only"


def find_circle(edges):
    """The place of an include that closes a circle of folders, or None."""
    after = {}
    for source, target in edges:
        after.setdefault(source, set()).add(target)
    for source, target in sorted(edges):
        seen, todo = set(), [target]
        while todo:
            folder = todo.pop()
            if folder == source:
                return f"{edges[source, target]}: {source} and {target} include each other"
            if folder not in seen:
                seen.add(folder)
                todo += after.get(folder, ())
    return None


def main(root):
    findings, edges = [], {}
    for path in lintlib.files(root, ["src"]):
        findings += check_source(root, path, edges)
    circle = find_circle(edges)
    if circle:
        findings.append(circle)
    for path in lintlib.files(root, ["include"]):
        for place, quote, target in includes(root, path):
            if quote == '"' or not (target.startswith("tdagger/") or target in C_HEADERS):
                findings.append(f"{place}: a public header includes {target}")
    for path in lintlib.files(root, ["shim"]):
        for place, quote, target in includes(root, path):
            if quote == '"' and target.split("/")[0] in HEIGHT:
                findings.append(f"{place}: the shim includes {target} of src/")
    lintlib.report(findings)


main(sys.argv[1])
