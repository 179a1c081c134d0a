"""The library stays small and light: library.py LIBRARY WITHOUT [COMMAND]

WITHOUT, the same without Core ML, is under 1.3 MB without debug symbols, the library at most
0.4 MB more; linked with none of libtorch, a BLAS or the C++ runtime;
`COMMAND --version` takes at most five times what a process that does nothing takes, which is
under 10 ms on a machine of today."""
import os
import subprocess
import sys
import tempfile
import time

import lintlib

MOST_BYTES = 1_300_000
MOST_OF_COREML = 400_000
MOST_STARTS = 5.0
HEAVY = ("torch", "c10", "blas", "stdc++", "gomp", "gfortran", "python",
         "protobuf")


def stripped_size(library):
    with tempfile.TemporaryDirectory() as folder:
        copy = os.path.join(folder, "stripped.so")
        subprocess.run(["strip", "-o", copy, library], check=True)
        return os.path.getsize(copy)


def needed(library):
    """Everything that is loaded with it, not only what it names itself."""
    listing = subprocess.run(["ldd", library], capture_output=True, text=True, check=True)
    return [line.split()[0] for line in listing.stdout.splitlines() if line.strip()]


def starts(command, runs=20):
    """How many times the fastest of processes that do nothing the fastest of the command is."""
    best = [float("inf"), float("inf")]
    for _ in range(runs):
        for i, words in enumerate((["true"], [command, "--version"])):
            start = time.perf_counter()
            subprocess.run(words, stdout=subprocess.DEVNULL, check=True)
            best[i] = min(best[i], time.perf_counter() - start)
    print(f"{command} --version: {best[1] * 1e3:.1f} ms, true {best[0] * 1e3:.1f} ms")
    return best[1] / best[0]


def main(library, without, command=None):
    findings = []
    sizes = [stripped_size(without), stripped_size(library)]
    print(f"{sizes[0]} bytes without debug symbols, {sizes[1]} with Core ML")
    if sizes[0] >= MOST_BYTES:
        findings.append(f"{without}: {sizes[0]} bytes, must stay under {MOST_BYTES}")
    if sizes[1] > sizes[0] + MOST_OF_COREML:
        findings.append(f"{library}: {sizes[1]} bytes, must stay within {MOST_OF_COREML} of "
                        f"{sizes[0]}, what it is without Core ML")
    libraries = needed(library)
    print("loads " + " ".join(libraries))
    findings += [f"{library}: loads {name}" for name in libraries
                 if any(heavy in os.path.basename(name) for heavy in HEAVY)]
    if command:
        times = starts(command)
        if times >= MOST_STARTS:
            findings.append(f"{command} --version: {times:.1f} times a process that does nothing, "
                            f"must stay under {MOST_STARTS:.0f}")
    lintlib.report(findings)


main(*sys.argv[1:])
