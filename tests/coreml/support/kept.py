"""Test data that is made once: a folder keeps what it was made by.

with of(folder, pattern) as data: data.there is true if all of it is there, made by these scripts as
they are now with these versions of coremltools and PyTorch; else it is made in data.folder, which takes
the folder's place if there has been set. Of several processes one makes it, and the others wait. With
a pattern all is made anew in the folder itself, and not kept."""
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
    there, folder = False, ""


def stamp():
    h = hashlib.sha256(("%s %s" % (coremltools.__version__, torch.__version__)).encode())
    for file in sorted(f for s in SCRIPTS for f in glob.glob(os.path.join(HERE, s))):
        with open(file, "rb") as f:
            h.update(f.read())
    return h.hexdigest()


def replace(folder, new, made_by):
    with open(os.path.join(new, "made_by"), "w") as f:
        f.write(made_by)
    old = folder + ".old"
    shutil.rmtree(old, ignore_errors=True)
    if os.path.exists(folder):
        os.rename(folder, old)
    os.rename(new, folder)
    shutil.rmtree(old, ignore_errors=True)


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
            yield data
            return
        data.folder = folder if pattern else folder + ".new"
        if not pattern:
            shutil.rmtree(data.folder, ignore_errors=True)
        yield data
        if data.there and not pattern:
            replace(folder, data.folder, now)
