"""What an op is stands in its definition: ops.py ROOT

Outside src/ops nothing orders op codes or switches over them: both are lists of ops that
a new one would be missing from. A column of tdagi_opdef (its class, its index map)
answers instead."""
import re
import sys

import lintlib

OWN = "src/ops/"
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
CODE = r"(?:\(\w+\)\s*)?TDAG_OP_[A-Z_]+\b"
RULES = [
    (re.compile(r"\bcase\s+" + CODE), "a switch over ops"),
    (re.compile(r"(?:[^<>=!-]|^)[<>]=?\s*" + CODE, re.M), "op codes in order"),
    (re.compile(CODE + r"\s*[<>]=?(?![<>])"), "op codes in order"),
]


def main(root):
    found = []
    for path in lintlib.files(root, ["src"], (".c", ".h")):
        if path.startswith(OWN):
            continue
        text = COMMENT.sub(lambda m: re.sub(r"[^\n]", " ", m[0]),
                           "\n".join(lintlib.lines(root, path)))
        for rule, what in RULES:
            for match in rule.finditer(text):
                line = text.count("\n", 0, match.end()) + 1
                found.append(f"{path}:{line}: {what}")
    lintlib.report(found)


main(sys.argv[1])
