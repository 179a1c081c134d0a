"""Words that a finished file does not hold: words.py ROOT

Notes to oneself, paths of somebody's machine, tabs and trailing blanks, bytes that are
not UTF-8, a .c or .cpp that does not open with a comment."""
import os
import re
import sys

import lintlib

RULES = [
    (re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX|HA" r"CK)\b"), "a note to oneself"),
    (re.compile(r"(?<![\w.])/(ho" r"me|ro" r"ot|wo" r"rk|op" r"t)/\w"), "a path of a machine"),
    (re.compile(r"\t"), "a tab"),
    (re.compile(r"[ \t]+$"), "trailing blanks"),
]
ENDINGS = lintlib.CODE + (".py", ".sh", ".txt", ".md", ".in", ".cmake")
TOP = ("CMakeLists.txt", "README.md", ".ci/run")


def main(root):
    findings = []
    top = [path for path in TOP if os.path.exists(os.path.join(root, path))]
    for path in lintlib.files(root, endings=ENDINGS) + top:
        try:
            lines = lintlib.lines(root, path)
        except UnicodeDecodeError:
            findings.append(f"{path}: not UTF-8")
            continue
        for number, line in enumerate(lines, 1):
            findings += [f"{path}:{number}: {what}" for rule, what in RULES
                         if rule.search(line)]
        if path.endswith((".c", ".cpp")) and not "".join(lines[:1]).startswith(("/*", "//")):
            findings.append(f"{path}: does not open with a comment on what it owns")
    lintlib.report(findings)


main(sys.argv[1])
