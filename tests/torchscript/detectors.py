#!/usr/bin/env python3
"""torchvision's scripted detectors, whose boxes are selected by scores, sorted and thinned
out by nms: imported by both readers, run by the native engine, exported and run by PyTorch,
on images where they find nothing and many boxes. Weights are random.

    detectors.py FOLDER TDAG [LIBRARY]

LIBRARY has nms for a PyTorch that torchvision's own operators are not built for."""
import os
import subprocess
import sys

import torch

import models
from models import save_safetensors

LIBRARY = sys.argv[3] if len(sys.argv) > 3 else None
try:
    torchvision = models.torchvision(LIBRARY)
    from torchvision.models import detection
    from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
    torchvision.ops.nms(torch.rand(1, 4), torch.rand(1), 0.5)
except Exception as error:  # no torchvision, or one of another PyTorch
    print("no torchvision: %s" % error)
    sys.exit(77)

FOLDER = os.path.dirname(torchvision.__file__)
OPERATORS = [os.path.join(FOLDER, f) for f in os.listdir(FOLDER)
             if f.startswith("_C") and f.endswith(".so")]
if torchvision.extension._has_ops is models.has_operators:
    OPERATORS = [LIBRARY]
SIZE = "f32[3,48,64]"


def backbone():
    return resnet_fpn_backbone("resnet18", weights=None, trainable_layers=5)


def anchors():
    sizes = tuple((x, int(x * 1.5)) for x in (8, 16, 32, 64, 128))
    return detection.anchor_utils.AnchorGenerator(sizes, ((0.5, 1.0),) * len(sizes))


def retinanet(score):
    return detection.RetinaNet(backbone(), 4, min_size=48, max_size=64, score_thresh=score,
                               anchor_generator=anchors(), detections_per_img=20)


def fcos(score):
    one = detection.anchor_utils.AnchorGenerator(((8,), (16,), (32,), (64,), (128,)),
                                                 ((1.0,),) * 5)
    return detection.FCOS(backbone(), 4, min_size=48, max_size=64, score_thresh=score,
                          anchor_generator=one, detections_per_img=20)


def ssd(score):
    model = detection.ssdlite320_mobilenet_v3_large(
        weights=None, weights_backbone=None, num_classes=3, score_thresh=score,
        detections_per_img=20, topk_candidates=30)
    for m in model.modules():  # features that differ, and so do scores
        if isinstance(m, torch.nn.BatchNorm2d):
            m.momentum = 1.0
    with torch.no_grad():
        model.train().head(list(model.backbone(torch.rand(2, 3, 320, 320)).values()))
    return model


MODELS = [("retinanet", retinanet, (0.5, 0.01)), ("fcos", fcos, (0.9, 0.05)),
          ("ssd", ssd, (1.1, 0.1))]


def run(*args):
    done = subprocess.run([str(a) for a in args], capture_output=True, text=True)
    return done.stderr.strip() if done.returncode else None


def differs(want, got):
    for key in ("boxes", "scores", "labels"):
        a, b = want[key], got[key]
        if a.shape != b.shape or not torch.allclose(a.double(), b.double(), rtol=1e-3,
                                                    atol=1e-3):
            return "other %s: %s, not %s" % (key, list(b.shape), list(a.shape))
    return None


def read(path):
    import json
    import struct
    with open(path, "rb") as f:
        head = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        data = f.read()
    dtypes = {"F32": torch.float32, "I64": torch.int64}
    return {name: torch.frombuffer(bytearray(data[slice(*t["data_offsets"])]) or
                                   bytearray(8), dtype=dtypes[t["dtype"]])
            [:t["data_offsets"][1] - t["data_offsets"][0]].reshape(-1)
            [:torch.tensor(t["shape"]).prod()].reshape(t["shape"])
            for name, t in head.items() if name != "__metadata__"}


def convert(path, tdag):
    """The files that are made of it, one by each reader; or why there are none."""
    options = ["-i", SIZE] + [a for f in OPERATORS for a in ("--ops", f)]
    exports, bytes_of = [], set()
    for reader in ("native", "shim"):
        out = "%s.%s.pt" % (path, reader)
        why = run(tdag, "convert", path + ".pt", out, "--reader", reader, *options)
        if why:
            return why, []
        with open(out, "rb") as f:
            known = len(bytes_of)
            bytes_of.add(f.read())
        if len(bytes_of) > known:
            exports.append((reader, torch.jit.load(out)))
    return run(tdag, "convert", path + ".pt", path + ".tdag", *options), exports


def check(folder, tdag, name, make, score):
    path = os.path.join(folder, name)
    torch.manual_seed(1)
    source = torch.jit.script(make(score).eval())
    source.save(path + ".pt")
    why, exports = convert(path, tdag)
    n = 0
    for seed in range(0 if why else 2):
        x = torch.rand(3, 48, 64, generator=torch.Generator().manual_seed(seed))
        want = source([x])[1][0]
        n += len(want["scores"])
        for reader, export in exports:
            why = differs(want, export([x])[1][0])
            if why:
                return "exported, read by %s: %s" % (reader, why), n
        save_safetensors(path + ".in", {"in0": x})
        why = run(tdag, "run", path + ".tdag", "--in", path + ".in", "--out", path + ".out")
        if why:
            return why, n
        got = read(path + ".out")
        why = differs(want, dict(boxes=got["out0"], scores=got["out1"], labels=got["out2"]))
        if why:
            return "native: " + why, n
    return why, n


def main(folder, tdag):
    os.makedirs(folder, exist_ok=True)
    torch.set_num_threads(1)
    failed = 0
    for name, make, scores in MODELS:
        found = []
        for score in scores:
            why, n = check(folder, tdag, name, make, score)
            found.append(n)
            failed += why is not None
            print("%s, scores above %g: %s, %d boxes" % (name, score, why or "equal", n))
        if found[0] != 0 or found[1] == 0:
            print("%s: it should find nothing, then some" % name)
            failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
