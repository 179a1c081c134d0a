"""Runs the tdag command for tests: a process each, or, if the program is tdag_session, all
of them by one process that has libtorch loaded (session.c)."""
import atexit
import os
import subprocess
import tempfile

SESSIONS = {}


class Session:
    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.folder = tempfile.TemporaryDirectory(prefix="tdag-session-")
        atexit.register(self.process.communicate)

    def run(self, words, together):
        out = os.path.join(self.folder.name, "out")
        err = out if together else os.path.join(self.folder.name, "err")
        lines = [str(len(words)), out, err, *words]
        self.process.stdin.write("".join(line + "\n" for line in lines))
        self.process.stdin.flush()
        status = self.process.stdout.readline()
        if not status:
            raise RuntimeError("the session ended at: tdag %s" % " ".join(words))
        said = [open(path).read() for path in (out, err)]
        return subprocess.CompletedProcess(words, int(status), said[0], "" if together else said[1])


def run(program, *words, together=False):
    """The command's status, stdout and stderr; together: all it says is in stdout."""
    if os.path.basename(program) == "tdag_session":
        if program not in SESSIONS:
            SESSIONS[program] = Session(program)
        return SESSIONS[program].run(words, together)
    return subprocess.run([program, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT if together else subprocess.PIPE, text=True)
