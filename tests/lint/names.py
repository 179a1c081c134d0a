"""Names that stand for one thing each: names.py ROOT

Include guards in src/ end in their file's name, with folders before it where that is not
enough (TDAGI_MATCH_H, TDAGI_DIFF_MATCH_H), and no two are equal. A struct, union, enum or
typedef with a prefix (tdagi_) is defined once; those without one are a .c file's own."""
import re
import sys

import lintlib

GUARD = re.compile(r"#ifndef (\w+_H)\n#define (\w+)\n")
TYPE = re.compile(r"^(?:typedef )?(?:struct|union|enum) (\w+) \{|^typedef [^{;]*?(\w+);"
                  r"|^typedef [^;{]*?\b(\w+)\([^;]*\);", re.M)
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)


def guard_findings(path, text, guards):
    match = GUARD.search(text)
    if not match or match[1] != match[2]:
        yield f"{path}: no include guard"
        return
    parts = path.removesuffix(".h").upper().split("/")[1:]
    endings = {"_".join(parts[i:]) for i in range(len(parts))}
    if match[1].removeprefix("TDAGI_").removesuffix("_H") not in endings:
        yield f"{path}: the guard {match[1]} is not the file's name"
    if match[1] in guards:
        yield f"{path}: the guard {match[1]} is that of {guards[match[1]]}"
    guards[match[1]] = path


def types(text):
    """Names of the types that a text defines; a forward typedef is none."""
    for match in TYPE.finditer(text):
        name = match[1] or match[2] or match[3]
        if match[1] or not re.match(rf"typedef (struct|union|enum) {name} {name};", match[0]):
            yield name


def main(root):
    findings, guards, owner = [], {}, {}
    for path in lintlib.files(root, ["src"], (".c", ".h")):
        text = COMMENT.sub(" ", "\n".join(lintlib.lines(root, path)) + "\n")
        if path.endswith(".h"):
            findings += guard_findings(path, text, guards)
        for name in set(types(text)):
            if not name.startswith(("tdag_", "tdagi_", "cli_")):
                continue
            if name in owner:
                findings.append(f"{path}: the type {name} is that of {owner[name]}, too")
            owner[name] = path
    lintlib.report(findings)


main(sys.argv[1])
