"""What the lints share: which files there are, and how a finding is reported."""
import os
import sys

FOLDERS = ("src", "shim", "include", "tests", "examples", "docs")
CODE = (".c", ".h", ".cpp", ".hpp", ".def")


def files(root, folders=FOLDERS, endings=CODE):
    """Paths below root, relative to it, sorted."""
    found = []
    for folder in folders:
        for where, subfolders, names in os.walk(os.path.join(root, folder)):
            subfolders[:] = [s for s in subfolders if not s.startswith((".", "__pycache__"))]
            found += [os.path.relpath(os.path.join(where, name), root)
                      for name in names if name.endswith(endings)]
    return sorted(found)


def lines(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read().splitlines()


def report(findings):
    """Prints the findings and ends the program; 1 if there are any."""
    for finding in findings:
        print(finding)
    print(f"{len(findings)} findings")
    sys.exit(1 if findings else 0)
