"""What the documentation shows is true: markdown.py ROOT WORK TDAG CC FILE.md...

Every fenced block is checked by its kind:
  c        compiles as it stands, with warnings as errors; /* name.c */ in its first line
           keeps it in the folder of the commands
  console  "$ command" lines, run by sh in a folder with examples/ and tests/ in it, each
           followed by what it prints; a line "..." stands for any lines, and a command may
           fail only when `echo $?` is the next one
  sh       parses, and the scripts it names are there
  python   stands in an example word for word
  cmake    stands in a project of tests/install, names aside
  json     parses
  tdag     a graph in the textual form that is printed as it stands
Links within the repository lead somewhere. TDAG_UPDATE_GOLDEN=1 writes what the commands
print into the files, except where they say "..."."""
import glob
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import transcript  # noqa: E402

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


class Checker:
    def __init__(self, root, work, tdag, cc):
        self.root, self.work, self.cc = root, work, cc
        self.failures, self.checked = [], 0
        links = {name: os.path.join(root, name) for name in ("examples", "tests")}
        self.shell = transcript.Shell(work, links, {"tdag": tdag, "cc": cc})

    def fail(self, where, what):
        self.failures.append(f"{where}: {what}")

    def c(self, where, text):
        name = re.match(r"/\* (\w+\.c) \*/", text)
        path = os.path.join(self.work, name.group(1) if name else "block.c")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        done = subprocess.run([self.cc, "-std=c11", "-Wall", "-Wextra", "-Werror",
                               "-fsyntax-only", path], text=True, capture_output=True)
        if done.returncode != 0:
            self.fail(where, "does not compile:\n" + done.stderr)

    def sh(self, where, text):
        done = subprocess.run(["sh", "-n"], input=text, text=True, capture_output=True)
        if done.returncode != 0:
            self.fail(where, done.stderr)
        for script in re.findall(r"(?:^|\s)((?:examples|tests|\.ci)/\S+)", text):
            if not os.access(os.path.join(self.root, script), os.X_OK):
                self.fail(where, f"{script} is no program")

    def python(self, where, text):
        for path in glob.glob(os.path.join(self.root, "examples", "*.py")):
            if text in open(path, encoding="utf-8").read():
                return
        self.fail(where, "stands in no example")

    def cmake(self, where, text):
        known = set()
        for path in glob.glob(os.path.join(self.root, "tests/install/*/CMakeLists.txt")):
            for line in open(path, encoding="utf-8"):
                line = line.replace("client_c", "app")
                known.add(line.replace("${TDAGGER_SOURCE} tdagger", "libtdagger").strip())
        for line in text.splitlines():
            if line.strip() not in known:
                self.fail(where, f"no project of tests/install has: {line}")

    def tdag(self, where, text):
        with open(os.path.join(self.work, "block.txt"), "w", encoding="utf-8") as file:
            file.write(text)
        status, printed = self.shell.run("tdag show block.txt --full")
        if status != 0 or printed != text:
            self.fail(where, f"is printed as\n{printed}")

    def json(self, where, text):
        try:
            json.loads(text)
        except ValueError as error:
            self.fail(where, f"no JSON: {error}")

    def console(self, where, text):
        """Returns the block as it should be."""
        status, parts = 0, []
        for command, shown in transcript.split(text, "$ "):
            if status != 0 and command != "echo $?":
                self.fail(where, f"status {status} before: {command}")
            status, printed = self.shell.run(f"(exit {status}); {command}")
            if not matches(shown.splitlines(), printed.splitlines()):
                if transcript.updating() and "..." not in shown.splitlines():
                    shown = printed
                else:
                    self.fail(where, f"$ {command}\nprints\n{printed}not\n{shown}")
            parts.append("$ " + command + "\n" + shown)
        if status != 0:
            self.fail(where, f"the last command ended with {status}")
        return "".join(parts)

    def file(self, path):
        full = os.path.join(self.root, path)
        text = open(full, encoding="utf-8").read()

        def check(match):
            kind, body = match.groups()
            where = f"{path}:{text[:match.start()].count(chr(10)) + 1}"
            self.checked += 1
            if kind == "console":
                body = self.console(where, body)
            elif kind in ("c", "sh", "python", "cmake", "json", "tdag"):
                getattr(self, kind)(where, body)
            elif kind != "text":
                self.fail(where, f"a block of kind \"{kind}\" cannot be checked")
            return f"```{kind}\n{body}```"

        updated = BLOCK.sub(check, text)
        if transcript.updating() and updated != text:
            with open(full, "w", encoding="utf-8") as file:
                file.write(updated)
        if len(re.findall(r"^```", text, re.MULTILINE)) != 2 * len(BLOCK.findall(text)):
            self.fail(path, "a block is not closed")
        for link in LINK.findall(BLOCK.sub("", text)):
            target = os.path.join(os.path.dirname(full), link)
            if "://" not in link and not os.path.exists(target):
                self.fail(path, f"the link {link} leads nowhere")


def matches(shown, printed):
    if not shown or not printed:
        return not printed and all(line == "..." for line in shown)
    if shown[0] == "...":
        return matches(shown[1:], printed) or matches(shown, printed[1:])
    return shown[0] == printed[0] and matches(shown[1:], printed[1:])


def main(root, work, tdag, cc, *paths):
    sys.setrecursionlimit(100000)
    checker = Checker(root, work, tdag, cc)
    for path in paths:
        checker.file(path)
    print("\n".join(checker.failures))
    print(f"{checker.checked} blocks, {len(checker.failures)} failures")
    sys.exit(1 if checker.failures or checker.checked == 0 else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
