"""Nothing is left out of the documentation: complete.py ROOT TDAG

docs/command.md has a section for every command of `tdag --help` and names every option of its
help and every key of `tdag info --json`; README.md links every file of docs/, and a test
checks each; docs/embedding.md names every example; every public header is in tdagger.h."""
import json
import os
import re
import subprocess
import sys


def printed(*words):
    return subprocess.run(words, text=True, capture_output=True, check=True).stdout


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


def commands(root, tdag):
    text = read(root, "docs/command.md")
    names = re.findall(r"^  (\w+) +\w", printed(tdag, "--help"), re.MULTILINE)
    if not names:
        yield "tdag --help names no command"
    for name in names:
        if not re.search(rf"^## .*tdag {name}\b", text, re.MULTILINE):
            yield f"docs/command.md has no section on tdag {name}"
        options = re.findall(r"^  (--?[a-z0-9-]+)", printed(tdag, name, "--help"), re.MULTILINE)
        for option in options:
            if not re.search(rf"`[^`\n]*(?<![\w-]){option}(?![\w-])", text):
                yield f"docs/command.md does not name {option} of tdag {name}"


def keys_of(value):
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from keys_of(item)
    elif isinstance(value, list):
        for item in value:
            yield from keys_of(item)


def json_keys(root, tdag):
    text = read(root, "docs/command.md")
    model = os.path.join(root, "tests/golden/net.txt")
    report = json.loads(printed(tdag, "info", model, "--json", "--by", "node"))
    for key in sorted(set(keys_of(report))):
        if not re.search(rf'`{key}`|"{key}"', text):
            yield f"docs/command.md does not name the key {key} of tdag info --json"


def files(root):
    readme, embedding = read(root, "README.md"), read(root, "docs/embedding.md")
    tests = read(root, "tests/docs/CMakeLists.txt")
    umbrella = read(root, "include/tdagger.h")
    for name in sorted(os.listdir(os.path.join(root, "docs"))):
        if f"(docs/{name})" not in readme:
            yield f"README.md does not link docs/{name}"
        if f"docs/{name}" not in tests:
            yield f"tests/docs/CMakeLists.txt does not check docs/{name}"
    for name in sorted(os.listdir(os.path.join(root, "examples"))):
        if name.endswith((".c", ".cpp")) and f"`examples/{name}`" not in embedding:
            yield f"docs/embedding.md does not name examples/{name}"
    for name in sorted(os.listdir(os.path.join(root, "include/tdagger"))):
        indirect = ("ops.def", "version.h")
        if name not in indirect and f"<tdagger/{name}>" not in umbrella:
            yield f"include/tdagger.h does not include {name}"


def main(root, tdag):
    missing = [*commands(root, tdag), *json_keys(root, tdag), *files(root)]
    print("\n".join(missing))
    sys.exit(1 if missing else 0)


main(*sys.argv[1:])
