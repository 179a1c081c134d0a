"""Files of at most 800 lines, functions of at most 60, folders of src/ with at most 20
files: sizes.py ROOT

A function is what stands between a line that is '{' and the next line that is '}', as our
formatting has it. Tables (.def) are exempt, and whatever says so with a reason:
'/* long: reason */' in a file's first 20 lines, or in the function or just above it."""
import collections
import os
import re
import sys

import lintlib

FILE_LINES = 800
FUNCTION_LINES = 60
FOLDER_FILES = 20
EXEMPT = re.compile(r"(/\*|//) long: \S")
NO_FUNCTION = re.compile(r"(inline )?(namespace|struct|class|enum|union|extern)\b")


def functions(lines):
    """First line of the body, last line, as positions; a namespace's brace is none."""
    start = None
    for i, line in enumerate(lines):
        if line == "{" and not (i and NO_FUNCTION.match(lines[i - 1])):
            start = i
        elif line.rstrip(";") == "}" and start is not None:
            yield start, i
            start = None


def heading(lines, start):
    """Where the text about the function begins: the line after the last empty one."""
    i = start
    while i > 0 and lines[i - 1].strip():
        i -= 1
    return i


def main(root):
    findings = []
    folders = collections.Counter(map(os.path.dirname, lintlib.files(root, ["src"])))
    findings += [f"{folder}: {n} files, at most {FOLDER_FILES}"
                 for folder, n in sorted(folders.items()) if n > FOLDER_FILES]
    for path in lintlib.files(root, ["src", "shim", "include", "tests", "examples"]):
        if path.endswith(".def"):
            continue
        lines = lintlib.lines(root, path)
        if len(lines) > FILE_LINES and not any(map(EXEMPT.search, lines[:20])):
            findings.append(f"{path}: {len(lines)} lines, at most {FILE_LINES}")
        for start, end in functions(lines):
            length = end - start + 1
            about = heading(lines, start)
            if length > FUNCTION_LINES and not any(map(EXEMPT.search, lines[about:end])):
                findings.append(f"{path}:{start + 1}: a function of {length} lines, "
                                f"at most {FUNCTION_LINES}")
    lintlib.report(findings)


main(sys.argv[1])
