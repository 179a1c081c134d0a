#!/usr/bin/env python3
"""The command on the test data: packages imported and run, PyTorch models exported and checked.

    check_command.py import TDAG DIR [REGEX] [--json FILE]
    check_command.py export TDAG DIR [REGEX] [--json FILE] [--keep DIR]
    check_command.py operators TDAG DIR [--part I/N] [--json FILE] [--keep DIR]
    check_command.py programs TDAG DIR [REGEX] [--json FILE] [--keep DIR]
    check_command.py opaque TDAG DIR [REGEX] [--json FILE]

DIR is what mil_cases.py or torch_cases.py made. import runs every package by tdag run on its inputs
(.io.safetensors, .io1.safetensors, ... in order, with its state) and compares with the expected outputs
as the manifest tells: what is ok must be equal, what is "any" may be refused, what is refused must be.
export converts the .pt files of torch_cases.py, with symbols for flexible shapes, checks the package as
check_packages.py does, and computes it in numpy. operators does so with the expressions of
tests/torchscript/import_cases.py DIR, of which N-th parts can be taken. programs does so with the programs of
tests/torchscript/programs.py DIR, call after call, as halves where Core ML wants it. opaque keeps the
operators of what has to be refused as opaque nodes and writes them back: what comes out is accepted, and has the
operator that was there. A line per failure, the refusals with their reasons, and
sums; exit status 1 if one failed."""
import argparse
import collections
import json
import os
import re
import subprocess
import sys
import tempfile

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "support")]
import packages  # noqa: E402
import tensors  # noqa: E402

# Programs, which are called several times; with state, of which Core ML has halves.
PROGRAMS = {"branches": [], "until_small": [], "state_decoder": ["--f16"], "state_sum": ["--f16"]}
SYMBOLS = {"flexible_image": "f32[1,3,H=32,W=32]", "flexible_batch": "f32[N=2,3,24,24]",
           "flexible_upsampled": "f32[1,3,H=16,W=16]", "flexible_tokens": "i32[1,T=7]",
           "flexible_sequences": "f32[2,5,4]"}
# 1e9 and a number more are told apart by f64, of which Core ML has none.
NEEDS_F64 = {"NearNumbers"}


class Failed(Exception):
    pass


class Refused(Exception):
    pass


def tdag(program, *arguments):
    done = subprocess.run([program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=300)
    words = done.stderr.strip().split("\n")[-1]
    if done.returncode == 3:
        raise Refused(words)
    if done.returncode != 0:
        raise Failed("exit status %d: %s" % (done.returncode, words[:300]))


def ios(folder, stem):
    files = [stem + ".io.safetensors"]
    while os.path.exists(os.path.join(folder, "%s.io%d.safetensors" % (stem, len(files)))):
        files.append("%s.io%d.safetensors" % (stem, len(files)))
    return files


def rows_of(folder):
    """Name, file, operator, expectation, tolerance and files of inputs of each line."""
    with open(os.path.join(folder, "manifest")) as f:
        for line in f:
            words = line.split()
            if words[0].endswith((".mlpackage", ".mlmodel")):  # of torch_cases.py
                yield words[0], words[0], words[1], "ok", float(words[3]), words[4].split(",")
            else:
                yield (words[0], words[0] + ".mlpackage", words[1], words[3], float(words[4]),
                       ios(folder, words[0]))


def compare(got, given, tolerance):
    for name, want in given.items():
        if not name.startswith("out"):
            continue
        if name not in got:
            raise Failed("there is no %s" % name)
        a, b = got[name], want
        if a.shape != b.shape or a.dtype != b.dtype:
            raise Failed("%s is %s%s, not %s%s" % (name, a.dtype, list(a.shape), b.dtype,
                                                   list(b.shape)))
        a, b = a.astype(np.float64), b.astype(np.float64)
        finite = np.isfinite(b)
        same = ~finite & ((a == b) | np.isnan(a) & np.isnan(b))
        if not (finite | same).all():
            raise Failed("%s has other infinite or undefined elements" % name)
        error = np.abs(a[finite] - b[finite]).max(initial=0)
        if not error <= tolerance * np.abs(b[finite]).max(initial=0):
            raise Failed("%s is off by %.3g, its largest element being %.3g" % (
                name, error, np.abs(b[finite]).max(initial=0)))


def imported(program, folder, row):
    _, file, _, _, tolerance, files = row
    with tempfile.TemporaryDirectory() as scratch:
        out, state = (os.path.join(scratch, n) for n in ("out.safetensors", "s.safetensors"))
        more = ["--state", state] if "state" in file or row[2] in ("state", "read_state") else []
        for io in files:
            given = tensors.load(os.path.join(folder, io))
            inputs = os.path.join(scratch, "in.safetensors")
            tensors.save(inputs, {k: v for k, v in given.items() if k.startswith("in")})
            tdag(program, "run", "-q", os.path.join(folder, file), "--in", inputs, "--out", out,
                 *more)
            compare(tensors.load(out), given, tolerance)


def accepted(program, model, to, how, io, tolerance=1e-4, run=True):
    import check_packages  # coremltools takes seconds
    tdag(program, "convert", "-q", model, to, *how)
    options = argparse.Namespace(run=run, io=io, tolerance=tolerance, half=3e-2)
    try:
        check_packages.check(to, options)
    except Exception as e:
        raise Failed("%s: %s" % (type(e).__name__, e))


def exported(program, folder, name, kept):
    with tempfile.TemporaryDirectory() as scratch:
        to = os.path.join(kept or scratch, name + ".mlpackage")
        files = [os.path.join(folder, io) for io in ios(folder, name)]
        how = ["-i", "in0:" + SYMBOLS[name]] if name in SYMBOLS else ["--like", files[0]]
        try:
            accepted(program, os.path.join(folder, name + ".pt"), to,
                     how + PROGRAMS.get(name, []),
                     files if "=" in how[1] or name in PROGRAMS else files[:1])
        except Refused as why:
            raise Failed("refused: %s" % why)


def expression(program, folder, n, kept):
    stem = os.path.join(folder, n)
    with tempfile.TemporaryDirectory() as scratch:
        io = os.path.join(scratch, "io.safetensors")
        try:
            both = {**tensors.load(stem + ".in.safetensors"),
                    **tensors.load(stem + ".out.safetensors")}
        except KeyError as kind:
            raise Refused("numpy has no %s" % kind)
        tensors.save(io, both)
        small = any(v.dtype == np.float16 for v in both.values())
        accepted(program, stem + ".pt", os.path.join(kept or scratch, n + ".mlpackage"),
                 ["--like", stem + ".in.safetensors"], [io], 3e-2 if small else 1e-4)


def of_program(program, folder, name, types, kept):
    all_calls = tensors.load(os.path.join(folder, name + ".calls.safetensors"))
    calls = collections.defaultdict(dict)
    for key, value in all_calls.items():
        call, of = key.split(".")
        calls[int(call[1:])][of] = value
    with tempfile.TemporaryDirectory() as scratch:
        files = [os.path.join(scratch, "io%d.safetensors" % i) for i in sorted(calls)]
        for i, file in enumerate(files):
            tensors.save(file, calls[i])
        model, to = (os.path.join(folder, name + ".pt"),
                     os.path.join(kept or scratch, name + ".mlpackage"))
        how, flags = [word for t in types for word in ("-i", t)], []
        try:
            accepted(program, model, to, how, files)
        except Refused as why:
            if "--state-inputs" not in str(why):
                raise
            flags = ["--state-inputs"]
            accepted(program, model, to, how + flags, files)
        check_bytes(program, to, scratch, flags)


def check_bytes(program, package, scratch, flags):
    def convert(source, to):
        reads = to.endswith(".tdag")
        tdag(program, "convert", "-q", source, to, *(f for f in flags if reads == (f == "--opaque")))

    try:
        stays, why = packages.stays(package, scratch, convert), "the package has other bytes"
    except (Failed, Refused) as e:
        stays, why = False, str(e)
    if not stays:
        raise Failed("written again: %s" % why)


def kept(program, folder, row):
    source = os.path.join(folder, row[1])
    with tempfile.TemporaryDirectory() as scratch:
        graph, to = (os.path.join(scratch, n) for n in ("m.tdag", "m.mlpackage"))
        tdag(program, "convert", "-q", "--opaque", source, graph)
        accepted(program, graph, to, [], [], run=False)
        found = [sum(row[2].encode() in b for b in packages.bytes_of(p).values())
                 for p in (source, to)]
        if found != [1, 1]:
            raise Failed("%s is not written back" % row[2])
        check_bytes(program, to, scratch, ["--opaque"])


def expressions_of(folder, part):
    i, n = (int(v) for v in part.split("/"))
    with open(os.path.join(folder, "manifest")) as f:
        rows = [line.rstrip("\n").split(" ", 2) for line in f]
    return [row for row in rows[i::n] if row[1] != "refused"]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("what", choices=("import", "export", "operators", "programs", "opaque"))
    p.add_argument("tdag")
    p.add_argument("folder")
    p.add_argument("pattern", nargs="?", default="")
    p.add_argument("--json")
    p.add_argument("--part", default="0/1")
    p.add_argument("--keep")
    o = p.parse_args()
    results = []

    def attempt(name, kind, expect, work):
        try:
            work()
            status, why = ("failed", "is not refused") if expect == "refused" else ("ok", "")
        except Refused as e:
            status, why = "failed" if expect == "ok" else "refused", str(e)
        except (Failed, subprocess.TimeoutExpired) as e:
            status, why = "failed", str(e)
        results.append({"name": name, "kind": kind, "status": status, "why": why})
        if status != "ok":
            print("%s %s: %s" % (status, name, why[:300]))

    if o.what == "import":
        for row in rows_of(o.folder):
            if re.search(o.pattern, row[0]):
                attempt(row[0], row[2], row[3], lambda: imported(o.tdag, o.folder, row))
    elif o.what == "opaque":
        for row in rows_of(o.folder):
            if row[3] == "refused" and re.search(o.pattern, row[0]):
                attempt(row[0], row[2], "ok", lambda: kept(o.tdag, o.folder, row))
    elif o.what == "operators":
        for n, how, text in expressions_of(o.folder, o.part):
            attempt("%s %s %s" % (n, how, text[:150]), "operator", "any",
                    lambda: expression(o.tdag, o.folder, n, o.keep))
    elif o.what == "programs":
        with open(os.path.join(o.folder, "index")) as index:
            rows = [line.split() for line in index]
        for name, *of in rows:
            if re.search(o.pattern, name) and name not in NEEDS_F64:
                attempt(name, "program", "any",
                        lambda: of_program(o.tdag, o.folder, name, of, o.keep))
    else:
        for file in sorted(os.listdir(o.folder)):
            name = file.removesuffix(".pt")
            if name != file and not name.endswith(".frozen") and re.search(o.pattern, name):
                attempt(name, "program", "any", lambda: exported(o.tdag, o.folder, name, o.keep))
    if o.json:
        with open(o.json, "w") as f:
            json.dump(results, f, indent=1)
    count = collections.Counter(r["status"] for r in results)
    wrong = sorted({r["kind"] for r in results if r["status"] == "failed"})
    if o.what == "import" and wrong:
        print("failing: " + " ".join(wrong))
    print("%d ok, %d refused, %d failed" % (count["ok"], count["refused"], count["failed"]))
    return count["failed"] != 0 or not results


if __name__ == "__main__":
    sys.exit(main())
