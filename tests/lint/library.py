"""The library stays small and light: library.py LIBRARY WITHOUT [COMMAND]

WITHOUT, the same without Core ML, is under 1.3 MB without debug symbols, the library at most
0.4 MB more; linked with none of libtorch, a BLAS or the C++ runtime;
`COMMAND --version` done in under 10 ms."""
import os
import subprocess
import sys
import tempfile
import time

import lintlib

MOST_BYTES = 1_300_000
MOST_OF_COREML = 400_000
MOST_SECONDS = 0.010
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


def fastest(command, runs=20):
    best = float("inf")
    for _ in range(runs):
        start = time.perf_counter()
        subprocess.run([command, "--version"], stdout=subprocess.DEVNULL, check=True)
        best = min(best, time.perf_counter() - start)
    return best


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
        seconds = fastest(command)
        print(f"{command} --version: {seconds * 1e3:.1f} ms")
        if seconds >= MOST_SECONDS:
            findings.append(f"{command} --version: {seconds * 1e3:.1f} ms, must stay under "
                            f"{MOST_SECONDS * 1e3:.0f} ms")
    lintlib.report(findings)


main(*sys.argv[1:])
