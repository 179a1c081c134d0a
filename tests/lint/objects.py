"""No writable globals, no forbidden calls: objects.py LIST

LIST names a file with one object of the library per line. Every section that a program
could write must be empty (constants with addresses, .data.rel.ro, are not writable once
loaded), and the library does not print, end the process, take memory other than through
the context, or change what the whole process shares."""
import os
import re
import subprocess
import sys

import lintlib

# readelf -SW: [Nr] Name Type Address Off Size ES Flg ...
SECTION = re.compile(r"\s*\[\s*\d+\]\s+(\S+)\s+\S+\s+\S+\s+\S+\s+([0-9a-f]+)\s+\S+\s+(\S*)")
MEMORY = {"malloc", "calloc", "realloc", "free", "strdup", "strndup", "asprintf",
          "vasprintf", "posix_memalign", "aligned_alloc"}
FORBIDDEN = {"abort", "exit", "_exit", "quick_exit", "printf", "vprintf", "puts", "putchar",
             "perror", "stdout", "stderr", "setlocale", "setenv", "putenv", "unsetenv",
             "srand", "rand", "strtok", "signal", "sigaction", "atexit", "longjmp",
             "__longjmp_chk", "cJSON_InitHooks", "__printf_chk", "__vprintf_chk"}
# The C library's allocator stands behind a context that was given none.
MEMORY_MAY = {"base/ctx.c"}


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def source_of(path):
    """base/ctx.c of .../tdagger_objects.dir/base/ctx.c.o"""
    return os.path.normpath(path.split(".dir/", 1)[-1].removesuffix(".o"))


def main(list_file):
    findings = []
    with open(list_file, encoding="utf-8") as file:
        paths = file.read().split()
    if not paths:
        findings.append("no objects: the list is empty")
    for path in paths:
        source = source_of(path)
        for line in run("readelf", "-SW", path).splitlines():
            match = SECTION.match(line)
            if (match and "W" in match[3] and int(match[2], 16)
                    and not match[1].startswith(".data.rel.ro")):
                findings.append(f"{source}: {int(match[2], 16)} bytes in {match[1]}, "
                                "which is writable")
        for line in run("nm", "-u", path).splitlines():
            name = line.split()[-1].split("@")[0]
            if name in FORBIDDEN or name in MEMORY and source not in MEMORY_MAY:
                findings.append(f"{source}: calls {name}")
    lintlib.report(findings)


main(sys.argv[1])
