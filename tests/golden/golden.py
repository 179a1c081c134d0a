"""Commands and all that they print: golden.py WORK TDAG FILE.golden...

A file is lines "; RUN: command", each followed by what the command prints; what ends with
another status than 0 has a line "; EXIT: status" next. Commands run in a folder that has
the files of the golden ones' folder. TDAG_UPDATE_GOLDEN=1 writes the files anew."""
import difflib
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import transcript  # noqa: E402

RUN = "; RUN: "


def fresh(shell, text):
    """The file as it should be."""
    parts = []
    for command, _ in transcript.split(text, RUN):
        status, printed = shell.run(command)
        if printed and not printed.endswith("\n"):
            printed += "\n"
        parts.append(RUN + command + "\n" + printed)
        if status != 0:
            parts.append(f"; EXIT: {status}\n")
    return "".join(parts)


def main(work, tdag, *paths):
    failed = 0
    for path in paths:
        folder = os.path.dirname(path)
        shutil.rmtree(work, ignore_errors=True)
        links = {name: os.path.join(folder, name) for name in os.listdir(folder)}
        shell = transcript.Shell(work, links, {"tdag": tdag})
        with open(path, encoding="utf-8") as file:
            want = file.read()
        got = fresh(shell, want)
        if want == got and want:
            continue
        if transcript.updating():
            with open(path, "w", encoding="utf-8") as file:
                file.write(got)
            continue
        failed += 1
        sys.stdout.writelines(difflib.unified_diff(want.splitlines(True),
                                                   got.splitlines(True), path, "now"))
    sys.exit(1 if failed else 0)


main(*sys.argv[1:])
