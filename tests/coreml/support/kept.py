"""Test data that is made once: a folder keeps what it was made by.

with of(folder, pattern) as data: data.there is true if all of it is there, made by these scripts as
they are now with these versions of coremltools and PyTorch; else it is made, and there set. Of several
processes one makes it, and the others wait. With a pattern all is made anew, and not kept."""
import contextlib
import fcntl
import glob
import hashlib
import os
import shutil

import coremltools
import torch

HERE = os.path.dirname(os.path.abspath(__file__))
SCRIPTS = ("*.py", "../*_cases.py", "../../torchscript/architectures.py", "../../torchscript/models.py")


class Data:
    there = False


def stamp():
    h = hashlib.sha256(("%s %s" % (coremltools.__version__, torch.__version__)).encode())
    for file in sorted(f for s in SCRIPTS for f in glob.glob(os.path.join(HERE, s))):
        with open(file, "rb") as f:
            h.update(f.read())
    return h.hexdigest()


@contextlib.contextmanager
def of(folder, pattern):
    data, folder = Data(), os.path.abspath(folder)
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    with open(folder + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        file, now = os.path.join(folder, "made_by"), stamp()
        if not pattern and os.path.exists(file) and open(file).read() == now:
            print("kept: " + folder)
            data.there = True
        elif not pattern:
            shutil.rmtree(folder, ignore_errors=True)
        yield data
        if data.there and not pattern:
            with open(file, "w") as f:
                f.write(now)
