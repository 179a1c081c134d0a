#!/usr/bin/env python3
"""Does the native engine run recurrent layers as fast as PyTorch?

    bench_loops.py TDAG LIBRARY [--only lstm,gru,rnn] [--steps N] [--pairs N] [--check]

Each layer is scripted, of 200 steps unless told otherwise, and converted by `TDAG convert`, once with
the number of its steps, which are unrolled, and once with an open one, a loop; then one process runs both on one thread: PyTorch the layer itself, LIBRARY (libtdagger.so)
the .tdag file. The results must agree to 1e-5. Timed are CPU seconds of the thread; runs are
interleaved, so that what else the machine does meets both alike. Printed are the medians, in
milliseconds, and their ratio. --check: exit status 1 if a ratio is above 1.5, after up to
three more measurements of that layer. Exit status 77: no PyTorch."""
import argparse
import ctypes
import os
import statistics
import subprocess
import sys
import tempfile
import time

try:
    import torch
except ImportError:
    sys.exit(77)

MOST = 1.5
DTYPE_F32 = 2
LAYERS = [  # name, kind, hidden units, batch, options
    ("lstm 64 b1", "lstm", 64, 1, {}), ("lstm 64 b8", "lstm", 64, 8, {}),
    ("lstm 64 b32", "lstm", 64, 32, {}), ("lstm 256 b1", "lstm", 256, 1, {}),
    ("lstm 256 b8", "lstm", 256, 8, {}), ("lstm 256 b32", "lstm", 256, 32, {}),
    ("lstm 64 b1 2x2", "lstm", 64, 1, {"num_layers": 2, "bidirectional": True}),
    ("gru 64 b1", "gru", 64, 1, {}), ("gru 256 b8", "gru", 256, 8, {}),
    ("rnn 64 b1", "rnn", 64, 1, {}), ("rnn 256 b8", "rnn", 256, 8, {})]
CLASSES = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "rnn": torch.nn.RNN}


class Engine:
    """A model that LIBRARY runs."""

    def __init__(self, library, path):
        self.lib = ctypes.CDLL(library)
        self.lib.tdag_tensor_get_data.restype = ctypes.c_void_p
        self.context, self.model = ctypes.c_void_p(), ctypes.c_void_p()
        self.call("tdag_ctx_create", None, ctypes.byref(self.context))
        self.call("tdag_open", self.context, path.encode(), None, 0, None,
                  ctypes.byref(self.model))

    def call(self, name, *arguments):
        status = getattr(self.lib, name)(*arguments)
        if status != 0:
            sys.exit("%s: status %d" % (name, status))

    def tensor(self, x):
        """Of x's memory, which has to stay."""
        shape, out = (ctypes.c_int64 * x.dim())(*x.shape), ctypes.c_void_p()
        self.call("tdag_tensor_wrap", self.context, DTYPE_F32, x.dim(), shape,
                  ctypes.c_void_p(x.data_ptr()), None, None, ctypes.byref(out))
        return out

    def run(self, inputs, n_outputs):
        outputs = (ctypes.c_void_p * n_outputs)()
        self.call("tdag_run", self.context, self.model, inputs, len(inputs), None, outputs)
        return outputs

    def free(self, outputs):
        for t in outputs:
            self.lib.tdag_tensor_free(ctypes.c_void_p(t))


class Layer(torch.nn.Module):
    """One method, which a recurrent layer that is scripted has not."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x)


def flat(results):
    if isinstance(results, torch.Tensor):
        return [results]
    return [t for r in results for t in flat(r)]


def difference(engine, outputs, expected):
    most = 0.0
    for t, e in zip(outputs, expected):
        data = engine.lib.tdag_tensor_get_data(ctypes.c_void_p(t))
        got = torch.frombuffer((ctypes.c_float * e.numel()).from_address(data),
                               dtype=torch.float32).view(e.shape)
        most = max(most, float((got - e).abs().max()))
    return most


def measure(layer, engine, x, pairs):
    """Median seconds of PyTorch and of the engine."""
    expected = [t.contiguous() for t in flat(layer(x))]
    inputs = (ctypes.c_void_p * 1)(engine.tensor(x))
    times = [], []
    for i in range(pairs + 3):
        start = time.thread_time()
        layer(x)
        middle = time.thread_time()
        outputs = engine.run(inputs, len(expected))
        end = time.thread_time()
        if i == 0 and difference(engine, outputs, expected) > 1e-5:
            sys.exit("results differ by %g" % difference(engine, outputs, expected))
        engine.free(outputs)
        if i >= 3:
            times[0].append(middle - start)
            times[1].append(end - middle)
    engine.free(inputs)
    return [statistics.median(t) for t in times]


def convert(a, folder, spec):
    path, made = os.path.join(folder, "m.pt"), os.path.join(folder, "m.tdag")
    subprocess.run([a.tdag, "convert", path, made, "-i", spec], check=True)
    return Engine(a.library, made)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tdag")
    parser.add_argument("library")
    parser.add_argument("--only", default="lstm,gru,rnn")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--pairs", type=int, default=60)
    parser.add_argument("--check", action="store_true")
    a = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    slow = []
    with tempfile.TemporaryDirectory() as folder:
        for name, kind, hidden, batch, options in LAYERS:
            if kind not in a.only.split(","):
                continue
            layer = torch.jit.script(Layer(CLASSES[kind](hidden, hidden, **options)).eval())
            x = torch.randn(a.steps, batch, hidden)
            layer.save(os.path.join(folder, "m.pt"))
            for length in ("%d", "T=%d"):
                engine = convert(a, folder, "f32[%s,%d,%d]" % (length % a.steps, *x.shape[1:]))
                for _ in range(4 if a.check else 1):
                    torch_time, ours = measure(layer, engine, x, a.pairs)
                    if ours <= MOST * torch_time:
                        break
                print("%-16s %-8s PyTorch %8.3f ms, native %8.3f ms: %.2f"
                      % (name, "loop" if "T" in length else "unrolled", torch_time * 1e3,
                         ours * 1e3, ours / torch_time), flush=True)
                if ours > MOST * torch_time:
                    slow.append(name)
    if a.check and slow:
        sys.exit("above %.1f: %s" % (MOST, ", ".join(slow)))


if __name__ == "__main__":
    main()
