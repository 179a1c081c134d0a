#!/usr/bin/env python3
"""The table of MIL's operators in docs/coreml.md is that of src/coreml/read/mil.def.

    mil_table.py ROOT [--write]
"""
import re
import sys

from support import doc_table

ROW = re.compile(r'^(MIL\w*)\((?:(\w+), )?"((?:[^"\\]|\\.)*)"(?:, ("?)(.*?)\4)?\)$')
BEGIN, END = "<!-- made by tests/coreml/mil_table.py -->\n", "<!-- end -->\n"


def table(text):
    lines, counts = [], {"MIL": 0, "MIL_BY": 0, "MIL_NOT": 0}
    for line in text.splitlines():
        m = ROW.match(line)
        if not m:
            continue
        kind, name, operands, _, meaning = m.groups()
        if kind == "MIL_FAMILY":
            lines += ["", "**%s**" % operands, "", "| operator | operands | meaning |", "|---|---|---|"]
            continue
        counts[kind] += 1
        told = {"MIL": "`%s`" % meaning, "MIL_BY": "in C", "MIL_NOT": "refused: %s" % meaning}
        operands = "`%s`" % operands if operands else ""
        lines.append("| `%s` | %s | %s |" % (name, operands, told[kind].replace("|", "\\|")))
    head = ["%d operators are formulas, %d are functions in C, %d are refused; `const`, `cond`, "
            "`while_loop`, `read_state`" % (counts["MIL"], counts["MIL_BY"], counts["MIL_NOT"]),
            "and `write_state` are the reader's own."]
    return "\n".join(head + lines) + "\n"


def main(root, how=""):
    with open(root + "/src/coreml/read/mil.def") as f:
        doc_table.keep(root, BEGIN, END, table(f.read()), how, ["tests/coreml/mil_table.py ."])


main(*sys.argv[1:])
