"""Every lint finds what it is there to find: self.py LINTS ROOT CC [CXX]

For each case a copy of a small clean tree gets one violation; the lint must pass before
and fail after, naming the file."""
import os
import shutil
import subprocess
import sys
import tempfile

LINTS, ROOT, CC, *CXX = sys.argv[1:]

CLEAN = {
    "include/tdagger/a.h": "#ifndef A_H\n#define A_H\n#include <stdint.h>\n"
                           "extern const int32_t tdag_a;\n#endif\n",
    "src/base/low.h": "#ifndef LOW_H\n#define LOW_H\nint tdagi_low(void);\n"
                      "struct tdagi_lowest {\n    int x;\n};\n#endif\n",
    "src/base/low.c": '/* Owns low. */\n#include "base/low.h"\n\nint tdagi_low(void)\n{\n'
                      "    static const int table[] = {1, 2};\n    return table[tdagi_c()];\n"
                      "}\n",
    "src/aten/row.h": "#ifndef ROW_H\n#define ROW_H\n#endif\n",
    "src/derive/recipe.h": "#ifndef RECIPE_H\n#define RECIPE_H\n#endif\n",
    "src/raise/up.h": "#ifndef UP_H\n#define UP_H\n#endif\n",
    "src/torchscript/top.h": "#ifndef TOP_H\n#define TOP_H\n#endif\n",
    "shim/bridge.cpp": "// Owns the bridge.\n#include <torch/script.h>\n",
    "tests/base/test_low.c": "/* Tests low. */\n",
    "docs/low.md": "Low.\n",
}
LONG_FUNCTION = "/* Owns f. */\nint f(int x);\n\nint f(int x)\n{\n" + "    x++;\n" * 59 \
    + "    return x;\n}\n"

CIRCLE = "/* . */\nint tdagi_c(void)\n{\n    return tdagi_low();\n}\n"

# lint, file, its text, whether the lint is to fail
CASES = [
    ("includes", "src/base/up.c", '/* . */\n#include "raise/up.h"\n', True),
    ("includes", "src/raise/across.c", '/* . */\n#include "derive/recipe.h"\n', False),
    ("includes", "src/torchscript/down.c", '/* . */\n#include "analysis/cost.h"\n', True),
    ("includes", "src/torchscript/down.c", '/* . */\n#include "derive/recipe.h"\n', False),
    ("includes", "src/torchscript/down.c", '/* . */\n#include "aten/row.h"\n', False),
    ("includes", "src/torchscript/down.c", '/* . */\n#include "tdag_shim.h"\n', False),
    ("includes", "src/aten/up.c", '/* . */\n#include "torchscript/top.h"\n', True),
    ("includes", "src/aten/up.c", '/* . */\n#include "tdag_shim.h"\n', True),
    ("includes", "src/aten/up.c", '/* . */\n#include "raise/up.h"\n', True),
    ("includes", "src/aten/down.c", '/* . */\n#include "derive/recipe.h"\n', False),
    ("includes", "src/cli/up.c", '/* . */\n#include "aten/row.h"\n', True),
    ("includes", "src/raise/direct.c", "/* . */\n#include <torch/script.h>\n", True),
    ("includes", "src/raise/direct.c", '/* . */\n#include "tdag_shim.h"\n', True),
    ("includes", "src/raise/near.c", '/* . */\n#include "up.h"\n', True),
    ("includes", "src/loose.c", "/* . */\n", True),
    ("includes", "include/tdagger/b.h", '#include "base/low.h"\n', True),
    ("includes", "include/tdagger/b.h", "#include <unistd.h>\n", True),
    ("includes", "shim/b.cpp", '// .\n#include "base/low.h"\n', True),
    ("sizes", "src/base/long.c", "/* . */\n" * 801, True),
    ("sizes", "src/base/long.c", "/* long: a reason */\n" * 801, False),
    ("sizes", "src/base/rows.def", "ROW\n" * 801, False),
    ("sizes", "src/base/f.c", LONG_FUNCTION, True),
    ("sizes", "src/base/f.c", LONG_FUNCTION.replace("{\n", "{ /* long: no */\n"), False),
    ("sizes", "src/base/f.c", LONG_FUNCTION.replace("    x++;\n", "", 2), False),
    ("sizes", "shim/f.cpp", "// .\nnamespace\n{\n" + "int x;\n" * 90 + "}\n", False),
    ("numbers", "src/base/n.c", 'x = "%.*g";\n', True),
    ("numbers", "src/base/n.c", 'x = "100 %% of %d e %u f %lld"; /* "%f" */\n', False),
    ("numbers", "src/cli/n.c", 'printf("a"\n       "%-8.3f", x);\n', True),
    ("numbers", "src/base/n.c", "double x = strtod(s, NULL);\n", True),
    ("numbers", "shim/n.cpp", "// .\nint n = sscanf(s, t, &x);\n", True),
    ("numbers", "src/base/number_text.c", 'x = "%.*g"; y = strtod(s, NULL);\n', False),
    ("numbers", "src/torchscript/export/n.c", 'emit("relu($0, %f)");\n', False),
    ("numbers", "src/torchscript/export/n.c", 'text_printf(t, "%f", x);\n', True),
    ("ops", "src/base/o.c", "bool b = op >= TDAG_OP_PERMUTE;\n", True),
    ("ops", "src/base/o.c", "bool b = (uint32_t)TDAG_OP_IOTA < op;\n", True),
    ("ops", "src/base/o.c", "switch (op) {\ncase TDAG_OP_ADD:\n    break;\n}\n", True),
    ("ops", "src/base/o.c", "bool b = n->op == TDAG_OP_ADD; /* < TDAG_OP_NEG */\n", False),
    ("ops", "src/ops/o.c", "bool b = op <= TDAG_OP_IOTA;\n", False),
    ("names", "src/base/near.h", "#ifndef TDAGI_LOW_H\n#define TDAGI_LOW_H\n#endif\n",
     True),
    ("names", "src/base/near.h", "#ifndef TDAGI_BASE_NEAR_H\n#define TDAGI_BASE_NEAR_H\n"
     "#endif\n", False),
    ("names", "src/base/sub/low.h", "#ifndef LOW_H\n#define LOW_H\n#endif\n", True),
    ("names", "src/base/bare.h", "int tdagi_bare(void);\n", True),
    ("names", "src/base/n.c", "/* . */\ntypedef struct tdagi_lowest {\n    int x;\n} y;\n",
     True),
    ("names", "src/base/n.c", "/* . */\ntypedef struct tdagi_lowest tdagi_lowest;\n"
     "typedef struct other {\n    int x;\n} other;\n", False),
    ("circles", "src/base/c.c", CIRCLE, True),
    ("circles", "src/base/c.c", CIRCLE.replace("tdagi_low", "low"), False),
    ("circles", "src/base/c.c", CIRCLE.replace("int tdagi_c", "static int tdagi_c"), False),
    ("words", "src/base/w.c", "/* TO" "DO: later */\n", True),
    ("words", "docs/w.md", "See /ho" "me/me/notes.\n", True),
    ("words", "src/base/w.c", "/* . */\n\tint x;\n", True),
    ("words", "docs/w.md", "blanks  \n", True),
    ("words", "src/base/w.c", "int x;\n", True),
    ("format", "src/base/g.c", "/* . */\nint  g( void );\n", True),
    ("headers", "src/base/h.h", "size_t tdagi_h(void);\n", True),
    ("headers", "include/tdagger/h.h", "typedef struct h { int class; } h;\n", bool(CXX)),
    ("headers", "include/tdagger/h.h", "enum h { H = 1, };\n", False),
]
# lint, C text of one object, whether the lint is to fail
OBJECTS = [
    ("int f(void);\nint f(void) { static const int t[] = {3}; return t[0]; }\n", False),
    ("extern int x;\nstatic const int *const table[] = {&x};\n"
     "const void *f(int i);\nconst void *f(int i) { return table[i]; }\n", False),
    ("int f(void);\nint f(void) { static int n; return n++; }\n", True),
    ("int tdagi_mode = 3;\n", True),
    ("extern int x;\nconst int *table[] = {&x};\n", True),
    ("_Thread_local int last;\n", True),
    ("#include <stdlib.h>\nvoid f(void);\nvoid f(void) { abort(); }\n", True),
    ("#include <stdlib.h>\nvoid *f(void);\nvoid *f(void) { return malloc(8); }\n", True),
    ("#include <stdio.h>\nvoid f(void);\nvoid f(void) { fputs(\"x\", stderr); }\n", True),
]
# agreed names, exported names, whether the lint is to fail
EXPORTS = [
    (["tdag_a"], ["tdag_a"], False),
    (["tdag_a"], ["tdag_a", "tdag_b"], True),
    (["tdag_a", "tdag_b"], ["tdag_a"], True),
    (["other"], ["other"], True),
]

failures = []


def lint(name, *arguments):
    script = os.path.join(LINTS, name + ".py")
    environment = {k: v for k, v in os.environ.items() if k != "TDAG_UPDATE_GOLDEN"}
    done = subprocess.run([sys.executable, "-B", script, *arguments], env=environment,
                          capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def expect(what, answer, fails, names=""):
    status, words = answer
    if status == 77:
        return
    if status != (1 if fails else 0) or fails and names not in words \
            or "Traceback" in words:
        failures.append(f"{what}: exit {status}, {'1' if fails else '0'} expected\n{words}")


def write(folder, path, text):
    full = os.path.join(folder, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "w", encoding="utf-8") as file:
        file.write(text)
    return full


def tree_lint(name, tree):
    return lint(name, tree, *([CC, *CXX] if name == "headers" else []))


def build(folder, text, *flags):
    source = write(folder, "unit.c", text)
    made = os.path.join(folder, "tdagger_objects.dir", "made")
    os.makedirs(os.path.dirname(made), exist_ok=True)
    subprocess.run([CC, "-std=c11", "-fPIC", *flags, source, "-o", made], check=True)
    return made


with tempfile.TemporaryDirectory() as folder:
    tree = os.path.join(folder, "tree")
    for path, text in CLEAN.items():
        write(tree, path, text)
    shutil.copy(os.path.join(ROOT, ".clang-format"), tree)
    for name in sorted({case[0] for case in CASES}):
        expect(f"{name} on a clean tree", tree_lint(name, tree), False)
    for name, path, text, fails in CASES:
        planted = write(tree, path, text)
        expect(f"{name} on {path} with {text[:60]!r}", tree_lint(name, tree), fails, path)
        os.remove(planted)
    write(tree, "src/derive/back.c", '/* . */\n#include "raise/up.h"\n')
    write(tree, "src/raise/forth.c", '/* . */\n#include "derive/recipe.h"\n')
    expect("includes on a circle", lint("includes", tree), True, "include each other")

    for i in range(21):
        write(tree, f"src/raise/many/m{i}.c", "/* . */\n")
    expect("sizes on a full folder", lint("sizes", tree), True, "src/raise/many")

    for text, fails in OBJECTS:
        made = build(folder, text, "-c")
        listing = write(folder, "objects.txt", made + "\n")
        expect(f"objects on {text!r}", lint("objects", listing), fails)
    expect("objects on nothing", lint("objects", write(folder, "objects.txt", "")), True)

    for agreed, exported, fails in EXPORTS:
        library = build(folder, "".join(f"int {name}(void) {{ return 1; }}\n"
                                        for name in exported), "-shared")
        golden = write(folder, "golden.txt", "".join(name + "\n" for name in agreed))
        expect(f"exports {exported} of {agreed}", lint("exports", library, golden), fails)

    small = build(folder, "int f(void) { return 1; }\n", "-shared")
    expect("library, small", lint("library", small, small), False)
    big = build(folder, "const char bytes[1300000] = {1};\n", "-shared")
    expect("library, big", lint("library", big, big), True, "must stay under")
    subprocess.run([CC, "-shared", "-fPIC", "-x", "c", "/dev/null", "-o",
                    os.path.join(folder, "libtorch_fake.so")], check=True)
    heavy = build(folder, "int f(void) { return 1; }\n", "-shared", "-Wl,--no-as-needed",
                  "-L" + folder, "-ltorch_fake", "-Wl,-rpath," + folder)
    expect("library, linked with torch", lint("library", heavy, heavy), True, "torch_fake")
    slow = write(folder, "slow", "#!/bin/sh\nsleep 0.02\n")
    os.chmod(slow, 0o755)
    expect("library, slow command", lint("library", small, small, slow), True, "ms")

print("\n".join(failures) or f"{len(CASES) + len(OBJECTS) + len(EXPORTS) + 7} cases found")
sys.exit(1 if failures else 0)
