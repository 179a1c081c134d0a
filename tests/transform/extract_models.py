#!/usr/bin/env python3
"""Real models cut into their modules and put together again: extract_models.py TDAG [NAME...]

Each listed module is extracted by itself and stands as a part of the chain that `tdag split`
makes; the chain composed again equals the original as PyTorch runs it, with the same counters
and the same weights under the same names."""
import json
import os
import sys
import tempfile

import torch

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", folder) for folder in ("torchscript", "support")]
import commands  # noqa: E402
import models  # noqa: E402

torch.set_num_threads(1)

# name: modules in the order of their use
CASES = {
    "resnet50": ["layer1", "layer2", "layer3", "layer4"],
    "encoder_slow": ["layers.0", "layers.1"],
    "vit_b_16": ["encoder.layers.encoder_layer_%d" % i for i in range(12)],
    "swin_t": ["features.1.0", "features.1.1", "features.3.0", "features.3.1"]
              + ["features.5.%d" % i for i in range(6)] + ["features.7.0", "features.7.1"],
    "unet": ["down1", "down2", "middle", "up2", "join2", "up1", "join1", "head"],
}


def run(*args):
    done = commands.run(*args, together=True)
    if done.returncode != 0:
        raise AssertionError("%s: %s" % (" ".join(args[1:3]), done.stdout))
    return done.stdout


def info(tdag, path, *more):
    return json.loads(run(tdag, "info", path, "--json", *more))


def check(tdag, name, folder):
    torch.manual_seed(0)
    model, inputs = models.MODELS[name]()
    model = models.settle(model).eval()
    source, whole, again = (os.path.join(folder, name + end)
                            for end in (".pt", ".tdag", ".again.tdag"))
    with torch.no_grad():
        torch.jit.save(torch.jit.trace(model, inputs, strict=False, check_trace=False),
                       source)
    shape = ["-i", "f32[%s]" % ",".join(map(str, inputs[0].shape))]
    run(tdag, "convert", source, whole, *shape)
    parts = run(tdag, "split", whole, os.path.join(folder, "part.tdag"),
                "--module", ",".join(CASES[name])).split()
    if len(parts) < len(CASES[name]):
        raise AssertionError("only %d parts" % len(parts))
    run(tdag, "compose", *parts, again)
    run(tdag, "verify", source, again, *shape)
    a, b = info(tdag, whole)["totals"], info(tdag, again)["totals"]
    for key in ("kernel", "core", "fused", "peak_bytes"):
        if a[key] != b[key]:
            raise AssertionError("%s: %s, not %s" % (key, b[key], a[key]))
    macs = 0
    for i, module in enumerate(CASES[name]):
        part = os.path.join(folder, "module%d.tdag" % i)
        run(tdag, "extract", whole, part, "--module", module)
        found = info(tdag, part)["totals"]["kernel"]["macs"]
        if found == 0:
            raise AssertionError("%s has no multiply-adds" % module)
        macs += found
    if macs > a["kernel"]["macs"]:
        raise AssertionError("the modules have %d multiply-adds together" % macs)
    return len(parts)


def main():
    tdag, names = sys.argv[1], sys.argv[2:] or sorted(CASES)
    passed = failed = 0
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            try:
                said = "%d parts" % check(tdag, name, folder)
                passed += 1
            except AssertionError as e:
                said = str(e)
                failed += 1
        print("%s: %s" % (name, said))
    print("%d passed, %d failed" % (passed, failed))
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
