"""Commands and what they print, for the tests of README.md, docs/ and tests/golden."""
import os
import subprocess


class Shell:
    """Runs commands in a folder of links, with programs of ours first on the PATH."""

    def __init__(self, folder, links, programs):
        self.folder = folder
        programs = {os.path.join("bin", name): path for name, path in programs.items()}
        for name, target in {**links, **programs}.items():
            link = os.path.join(folder, name)
            os.makedirs(os.path.dirname(link), exist_ok=True)
            if os.path.lexists(link):
                os.remove(link)
            os.symlink(target, link)
        path = os.path.join(folder, "bin") + ":" + os.environ["PATH"]
        self.environment = dict(os.environ, LC_ALL="C", PATH=path)

    def run(self, command):
        """(exit status, standard output and error)"""
        done = subprocess.run(["sh", "-c", command], cwd=self.folder, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, env=self.environment)
        return done.returncode, done.stdout


def split(text, mark):
    """(command, what stands below it) of a text whose commands begin with mark; a command
    goes on after a '\\' at the end of its line."""
    found, unfinished = [], False
    for line in text.splitlines(keepends=True):
        if unfinished:
            found[-1][0] += line
        elif line.startswith(mark):
            found.append([line[len(mark):], ""])
        else:
            found[-1][1] += line
            continue
        unfinished = line.endswith("\\\n")
    return [(command.rstrip("\n"), shown) for command, shown in found]


def updating():
    return os.environ.get("TDAG_UPDATE_GOLDEN") == "1"
