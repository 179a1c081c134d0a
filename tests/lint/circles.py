"""No circles of calls between the .c files of src/: circles.py ROOT

A file calls another if it names a function or table (tdag_, tdagi_, or the command's cli_)
that the other defines for others. Files that reach each other are a circle: a utility
belongs below its driver, in a file of its own. ALLOWED has the circles that are meant,
each with its reason; one that is no longer there is a finding, too."""
import re
import sys

import lintlib

# A folder, or files with blanks between, in which every circle lies for that reason.
ALLOWED = {
    "src/base/dim/":
        "polynomials have atoms (floor, max) of polynomials: making, ordering, dividing and "
        "evaluating them are one recursion, cut into files by subject",
    "src/raise/contraction/arrange.c src/raise/contraction/arrange_conv.c":
        "convolutions are one way to arrange levels, and an arrangement is accepted by one check",
    "src/torchscript/import/":
        "an if or a loop walks a block again, and a list of a module holds constants",
    "src/torchscript/export/":
        "an emitter asks for its operands' variables, which are emitted when first asked for",
    "src/torchscript/reader/":
        "a method is lowered when it is first called, a value is read by its class, and the "
        "class stands in code that the session finds",
    "src/torchscript/native/expr.c src/torchscript/native/operators.c":
        "arguments and indices are expressions with operators, whose operands have such",
    "src/coreml/write/":
        "an emitter asks for its operands' values, of which views are emitted when first asked for",
    "src/pt2/read/":
        "an argument of a node may be a graph, which has nodes with arguments: read and run so",
    "src/coreml/read/":
        "an operation has blocks of operations, and a constant is read when it is first used",
    "src/coreml/network/":
        "a branch or a loop is a layer that has networks of layers",
    "src/pt2/write/":
        "a size is a node whose arguments are sizes, and so are types and arguments of nodes",
    "src/aten/env.c src/aten/value.c":
        "values live in the environment's arena, and an environment has values",
    "src/program/structure.c src/program/structure_text.c":
        "a tree keeps its text, and the text makes the tree",
    "src/program/build.c src/program/model.c":
        "a model is made by its builder, which frees what it has not finished",
    "src/program/verify.c src/program/verify_statement.c":
        "a statement has blocks of statements",
    "src/count/loop.c src/count/walk.c":
        "a loop is a statement that has a block of statements",
    "src/derive/check.c src/derive/composites.c":
        "a composite is lowered when its spec fits, and a spec is checked by its row",
    "src/analysis/contraction.c src/analysis/fuse.c src/analysis/price.c":
        "a level is priced from kernels, a kernel from the core nodes that it covers",
}
NAME = re.compile(r"\b((?:tdagi?|cli)_\w+)")
DEFINITION = re.compile(r"^(?!static\b|typedef\b|struct\b|enum\b|union\b|#|\}|/| |\*)"
                        r"[^=;(\n]*?\b((?:tdagi?|cli)_\w+)\(", re.M)
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:[^\"\\\n]|\\.)*\"", re.S)
TABLE = re.compile(r"^const \w+ ((?:tdagi?|cli)_\w+)\b[^;(]*= ?\{", re.M)


def definitions(text):
    """Names of what a file defines for others."""
    for match in DEFINITION.finditer(text):
        end = re.compile(r"[;{]").search(text, match.end())
        if end and end[0] == "{":
            yield match[1]
    for match in TABLE.finditer(text):
        yield match[1]


def strong_parts(edges):
    """Tarjan: the sets of files that reach each other, of more than one file."""
    index, low, stack, parts = {}, {}, [], []

    def visit(file):
        index[file] = low[file] = len(index)
        stack.append(file)
        for other in sorted(edges[file]):
            if other not in index:
                visit(other)
                low[file] = min(low[file], low[other])
            elif other in stack:
                low[file] = min(low[file], index[other])
        if low[file] == index[file]:
            at = stack.index(file)
            parts.append(stack[at:])
            del stack[at:]

    for file in sorted(edges):
        if file not in index:
            visit(file)
    return [sorted(part) for part in parts if len(part) > 1]


def there(key, path):
    return path.startswith(key) if key.endswith("/") else path in key.split()


def allows(key, part):
    return all(there(key, path) for path in part)


def main(root):
    texts = {path: COMMENT.sub(" ", "\n".join(lintlib.lines(root, path)) + "\n")
             for path in lintlib.files(root, ["src"], (".c",))}
    owner = {}
    for path, text in texts.items():
        for name in definitions(text):
            owner[name] = path
    edges, why = {}, {}
    for path, text in texts.items():
        edges[path] = set()
        own = set(definitions(text))  # what another build defines elsewhere is no call
        for name in NAME.findall(text):
            other = owner.get(name)
            if other and other != path and name not in own:
                edges[path].add(other)
                why.setdefault((path, other), name)
    findings, found = [], set()
    for part in strong_parts(edges):
        reasons = [key for key in ALLOWED if allows(key, part)]
        found.update(reasons)
        if not reasons:
            calls = [f"{a} calls {b} ({why[a, b]})" for a in part for b in part
                     if (a, b) in why]
            findings.append("a circle of calls: " + "; ".join(calls))
    findings += [f"{key}: no circle any more, yet allowed" for key in ALLOWED
                 if key not in found and any(there(key, path) for path in texts)]
    lintlib.report(findings)


sys.setrecursionlimit(10000)
main(sys.argv[1])
