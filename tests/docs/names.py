"""What README.md and docs/ name in `backquotes` is there: names.py ROOT

  src/raise/raise.c, tests/ops   paths from the top of the repository; tests/ops/test_*.c
                                 names at least one, tests/{ops,derive} both
  kinds.c, aten.def              files, by their last name, where it stands alone
  tdagi_fail, TDAG_OP_*          identifiers; with _* or _<name> at the end, what they begin
                                 with
  raise.patterns, lint.*         tests, by how CMakeLists.txt calls them
Every folder of src/, shim/, include/, tests/ and examples/ has a line in docs/folders.md."""
import glob
import os
import re
import sys

TOP = ("src", "shim", "include", "tests", "examples", "docs")
CODE = (".c", ".h", ".cpp", ".def", ".py", ".sh", ".txt", ".md", ".cmake", ".in")
BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`]+)`")
PATH = re.compile(r"(?<![\w./-])(?:%s)/[\w./*{},-]*" % "|".join(TOP))
FILE = re.compile(r"(?<![\w./*-])\w[\w-]*\.(?:c|h|cpp|def|py|sh)(?![\w.*])")
IDENTIFIER = re.compile(r"(?<![\w.<])(?:tdagi?|TDAGI?|cli|CLI)_\w+")
TEST = re.compile(r"(?<![\w./-])([a-z]+)\.([a-z]\w*|\*)(?![\w.(])")
NO_ENDINGS = ("pt", "tdag", "txt", "md", "json", "so", "safetensors", "golden", "jit", "nn")


def files(root):
    for top in TOP:
        for where, folders, names in os.walk(os.path.join(root, top)):
            folders[:] = [f for f in folders if not f.startswith((".", "__pycache__"))]
            for name in names:
                yield os.path.relpath(os.path.join(where, name), root)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as file:
        return file.read()


def spread(pattern):
    """a{b,c}d is abd and acd."""
    match = re.search(r"\{([^{}]*)\}", pattern)
    if match is None:
        return [pattern]
    before, after = pattern[:match.start()], pattern[match.end():]
    return [path for part in match[1].split(",") for path in spread(before + part + after)]


class Tree:
    def __init__(self, root):
        self.root = root
        self.files = sorted(files(root))
        self.last = {os.path.basename(path) for path in self.files}
        code = [path for path in self.files
                if path.endswith(CODE) and not path.startswith("docs/")
                and path != "tests/docs/names.py"]
        texts = {path: read(root, path) for path in code + ["CMakeLists.txt", ".ci/run"]}
        self.words = set(re.findall(r"\w+", "\n".join(texts.values())))
        cmake = "\n".join(text for path, text in texts.items()
                          if path.startswith("tests/") and path.endswith("CMakeLists.txt"))
        self.groups = {os.path.dirname(path)[6:] for path in code
                       if re.fullmatch(r"tests/\w+/CMakeLists.txt", path)} | {"models"}
        self.tests = set(re.findall(r"\w+", cmake))

    def has_path(self, path):
        return any(glob.glob(os.path.join(self.root, path.rstrip("/"))))

    def has_word(self, word, open_end):
        if not open_end:
            return word in self.words
        return any(w.startswith(word) for w in self.words)

    def unknown(self, span):
        for match in PATH.finditer(span):
            for path in spread(match[0].rstrip(".,")):
                if not self.has_path(path):
                    yield path
        for name in [] if " " in span else FILE.findall(span):
            if name not in self.last:
                yield name
        for match in IDENTIFIER.finditer(span):
            follows = span[match.end():match.end() + 1]
            if not self.has_word(match[0], match[0].endswith("_") and follows in ("*", "<")):
                yield match[0]
        for group, name in TEST.findall(span):
            known = group in self.groups and name not in NO_ENDINGS
            if known and name not in self.tests | {"*"} and name not in ("c", "h", "py"):
                yield f"{group}.{name}"


def findings(tree, path):
    text = read(tree.root, path)
    text = BLOCK.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)
    for match in SPAN.finditer(text):
        for name in tree.unknown(match[1]):
            line = text[:match.start()].count("\n") + 1
            yield f"{path}:{line}: there is no {name}"


def folders(tree):
    text = read(tree.root, "docs/folders.md")
    named = set(re.findall(r"^\| `([\w./-]+)/` \|", text, re.MULTILINE))
    there = {os.path.dirname(path) for path in tree.files}
    for folder in sorted(there):
        if folder.startswith(("docs", "tests/format/released/", "tests/install/")):
            continue
        if folder not in named:
            yield f"docs/folders.md has no line for {folder}/"


def check_itself(tree):
    wrong = ("src/none.c", "src/{base,none}/ctx.c", "none_at_all.c", "tdagi_no_such_name()",
             "TDAGI_NO_SUCH_*", "ops.no_such_test")
    right = ("src/base/ctx.c", "tests/{ops,derive}", "src/base/*.c", "ctx.c", "tdagi_fail()",
             "TDAG_OP_*", "ops.*", "NAME.tdag", "x.pt")
    for span in wrong:
        if not list(tree.unknown(span)):
            yield f"names.py does not find that `{span}` is missing"
    for span in right:
        if list(tree.unknown(span)):
            yield f"names.py does not know `{span}`"


def main(root):
    tree = Tree(root)
    found = [*check_itself(tree), *folders(tree)]
    for path in ["README.md"] + [p for p in tree.files if re.fullmatch(r"docs/\w+\.md", p)]:
        found += findings(tree, path)
    print("\n".join(found))
    sys.exit(1 if found else 0)


main(*sys.argv[1:])
