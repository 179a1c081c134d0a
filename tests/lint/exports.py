"""What the library exports is what was agreed: exports.py LIBRARY GOLDEN

TDAG_UPDATE_GOLDEN=1 writes GOLDEN anew; the diff is to be reviewed, it is the ABI."""
import os
import subprocess
import sys

import lintlib


def main(library, golden):
    names = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True,
                           text=True, check=True).stdout
    exported = sorted(line.split()[-1].split("@")[0] for line in names.splitlines())
    if os.environ.get("TDAG_UPDATE_GOLDEN") == "1":
        with open(golden, "w", encoding="utf-8") as file:
            file.write("".join(name + "\n" for name in exported))
        print(f"wrote {len(exported)} names to {golden}")
        return
    with open(golden, encoding="utf-8") as file:
        agreed = file.read().split()
    findings = [f"{name}: exported, but not in {os.path.basename(golden)}"
                for name in exported if name not in agreed]
    findings += [f"{name}: in {os.path.basename(golden)}, but not exported"
                 for name in agreed if name not in exported]
    findings += [f"{name}: exported without the prefix tdag_"
                 for name in exported if not name.startswith("tdag_")]
    lintlib.report(findings)


main(*sys.argv[1:])
