"""Every header compiles alone: headers.py ROOT CC [CXX]

Public ones as strict C11 and as C++17 with warnings as errors, private ones as C11."""
import os
import subprocess
import sys

import lintlib

C = ["-x", "c", "-std=c11", "-pedantic-errors", "-Wall", "-Wextra", "-Wstrict-prototypes"]
USE = "extern int lint_not_empty;\n"
CXX = ["-x", "c++", "-std=c++17", "-pedantic-errors", "-Wall", "-Wextra"]


def compiles(root, compiler, flags, header):
    """The compiler's words, empty if it has none."""
    command = [compiler, *flags, "-Werror", "-Wno-unused-function", "-fsyntax-only",
               "-Iinclude", "-Isrc", "-Ishim", "-D_POSIX_C_SOURCE=200809L", "-"]
    done = subprocess.run(command, input=f'#include "{header}"\n{USE}', cwd=root,
                          capture_output=True, text=True)
    return done.stderr if done.returncode else ""


def main(root, cc, cxx=None):
    findings = []
    for path in lintlib.files(root, ["include", "src", "shim"], (".h",)):
        folder, header = path.split("/", 1)
        languages = [(cc, C, "C11")]
        if folder == "include" and cxx:
            languages.append((cxx, CXX, "C++17"))
        for compiler, flags, language in languages:
            words = compiles(root, compiler, flags, header)
            if words:
                findings.append(f"{path}: does not compile alone as {language}\n{words}")
    lintlib.report(findings)


main(*(argument for argument in sys.argv[1:] if argument))
