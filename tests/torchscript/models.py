#!/usr/bin/env python3
"""Makes TorchScript files and what they compute, for tests: with either PyTorch line.

    models.py list
    models.py make NAME... [--script] [--seed N] [--size N] [--out DIR]

make writes NAME.trace.pt or NAME.script.pt (NAME-SIZE.… with --size, which sets height and
width of images), NAME.*.in.safetensors (in0, in1, ..., tensors of the arguments depth
first; of a dict by key), NAME.*.out.safetensors (out0, ..., tensors of the result depth first),
NAME.*.inputs (the arguments, for torch.load) and NAME.*.made.json (the multiply-adds that
macs.py counts). Without --out the folder is $TDAG_MODEL_CACHE or ~/.cache/tdagger/models,
with one subfolder per PyTorch version; what is there already, made by this file as it
is now, is kept. A line with the path of each model is printed.
Exit status 77: this PyTorch cannot make one of them (the reason is printed)."""
import argparse
import hashlib
import json
import os
import struct
import sys
import warnings

import torch
from torch import nn

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
import bounds  # noqa: E402
import commands  # noqa: E402
import macs  # noqa: E402
from architectures import ARCHITECTURES  # noqa: E402

warnings.filterwarnings("ignore")
DTYPES = {torch.float32: "F32", torch.float64: "F64", torch.float16: "F16",
          torch.bfloat16: "BF16", torch.int64: "I64", torch.int32: "I32",
          torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL"}


def save_safetensors(path, tensors):
    header, blobs, at = {}, [], 0
    for name, t in tensors.items():
        t = t.detach().contiguous()
        if t.dtype == torch.bool:  # some kernels leave bytes other than 0 and 1
            t = t.view(torch.uint8) != 0
        flat = t.view(torch.int16) if t.dtype == torch.bfloat16 else t
        data = flat.numpy().tobytes()
        header[name] = {"dtype": DTYPES[t.dtype], "shape": list(t.shape),
                        "data_offsets": [at, at + len(data)]}
        blobs.append(data)
        at += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def load_safetensors(path):
    kinds = {name: dtype for dtype, name in DTYPES.items()}
    with open(path, "rb") as f:
        data = f.read()
    size, = struct.unpack("<Q", data[:8])
    tensors = {}
    for name, row in json.loads(data[8:8 + size]).items():
        if name != "__metadata__":
            begin, end = (8 + size + at for at in row["data_offsets"])
            bytes_of = torch.frombuffer(bytearray(data[begin:end]), dtype=torch.uint8) \
                if end > begin else torch.empty(0, dtype=torch.uint8)
            tensors[name] = bytes_of.view(kinds[row["dtype"]]).reshape(row["shape"])
    return tensors


def has_operators():
    return True


def torchvision(library=None):
    """torchvision, also where its compiled operators are missing: then with those of that
    library, or with operators that cannot be called."""
    if not hasattr(torch.ops.torchvision, "nms"):
        try:
            import torchvision as ready
            return ready
        except Exception:
            pass
        for name in [m for m in sys.modules if m.startswith("torchvision")]:
            del sys.modules[name]
        if library is not None:
            torch.ops.load_library(library)
            import torchvision.extension
            torchvision.extension._has_ops = has_operators
        for schema in ("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
                       "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
                       "roi_align(Tensor a, Tensor b, float c, int d, int e, int f, bool g)"
                       " -> Tensor",
                       "roi_pool(Tensor a, Tensor b, float c, int d, int e)"
                       " -> (Tensor, Tensor)"):
            try:
                torch.library.define("torchvision::" + schema.split("(")[0],
                                     schema[schema.index("("):])
            except Exception:
                pass
    import torchvision as ready
    return ready


def classifier(name, size=64, **more):
    def build():
        models = torchvision().models
        torch.manual_seed(SEED)
        return getattr(models, name)(**more), (torch.rand(1, 3, size, size),)
    return build


def settle(model):
    """Running statistics and affine weights as of a trained model, not of a new one."""
    torch.manual_seed(SEED + 1)
    for m in model.modules():
        if isinstance(m, nn.modules.batchnorm._BatchNorm):
            if m.running_mean is not None:
                m.running_mean.normal_(0, 0.05)
                m.running_var.uniform_(0.8, 1.2)
            if m.weight is not None:
                m.weight.data.uniform_(0.8, 1.2)
                m.bias.data.normal_(0, 0.05)
        if isinstance(m, nn.Linear) and not m.weight.any(): # a head that starts as zero
            m.weight.data.normal_(0, 0.05)
    return model


class Readme(nn.Module):
    """The model that the README shows."""

    def __init__(self):
        super().__init__()
        self.to_add = nn.Parameter(torch.ones(1))
        self.register_buffer("my_buffer", torch.ones(48) * 3)

    def forward(self, x):
        y = x + self.to_add
        y = y - self.my_buffer
        y = y * self.my_buffer
        y = y / self.my_buffer
        y = nn.functional.unfold(y, (2, 2), stride=3, padding=1)
        y = nn.functional.fold(y, (30, 48), (2, 2), stride=3, padding=1)
        y = y[:, :10, 10:, 10:-10]
        y = nn.functional.pad(y, (1, 1, 2, 0, 0, 2, 1, 1))
        y = y.permute(1, 2, 3, 0)
        y = y.sum(dim=(0, -1))
        y = y.reshape(2, 11, 15, 2)
        y = y.unsqueeze(0).squeeze(0)
        return nn.functional.leaky_relu(torch.sin(torch.abs(-y)))


class Recurrent(nn.Module):
    """A recurrent layer as part of a model: compiled alone it has no forward()."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x)


class UNet(nn.Module):
    def __init__(self):
        super().__init__()

        def block(a, b):
            return nn.Sequential(nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b),
                                 nn.ReLU(inplace=True), nn.Conv2d(b, b, 3, padding=1),
                                 nn.ReLU(inplace=True))
        self.down1, self.down2, self.middle = block(3, 8), block(8, 16), block(16, 32)
        self.pool = nn.MaxPool2d(2)
        self.up2 = nn.ConvTranspose2d(32, 16, 2, stride=2)
        self.join2 = block(32, 16)
        self.up1 = nn.ConvTranspose2d(16, 8, 3, stride=2, padding=1, output_padding=1)
        self.join1 = block(16, 8)
        self.head = nn.Conv2d(8, 2, 1)

    def forward(self, x):
        a = self.down1(x)
        b = self.down2(self.pool(a))
        c = self.middle(self.pool(b))
        b = self.join2(torch.cat([self.up2(c), b], 1))
        a = self.join1(torch.cat([self.up1(b), a], 1))
        return self.head(a)


def module(make, *shapes):
    def build():
        torch.manual_seed(SEED)
        return make(), tuple(torch.rand(*s) if isinstance(s, tuple) else s()
                             for s in shapes)
    return build


def encoder():
    layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)
    return nn.TransformerEncoder(layer, 2)


def slow_encoder():
    """The path without the fused operator: norm_first with a bias-free norm cannot take
    it, nor can a module that wants gradients; odd heads do neither."""
    layer = nn.TransformerEncoderLayer(15, 3, 32, batch_first=False)
    return nn.TransformerEncoder(layer, 2)


MODELS = {
    "readme": module(Readme, (10, 20, 30, 48)),
    "unet": module(UNet, (1, 3, 32, 32)),
    "encoder": module(encoder, (2, 7, 16)),
    "encoder_slow": module(slow_encoder, (7, 2, 15)),
    "lstm": module(lambda: Recurrent(nn.LSTM(8, 6, 2, bidirectional=True,
                                             batch_first=True)), (2, 5, 8)),
    "gru": module(lambda: Recurrent(nn.GRU(8, 6, 2)), (5, 2, 8)),
    "rnn": module(lambda: Recurrent(nn.RNN(8, 6, 1, nonlinearity="relu", bias=False)),
                  (5, 2, 8)),
    "mha": module(lambda: nn.MultiheadAttention(16, 4, batch_first=True),
                  (2, 5, 16), (2, 5, 16), (2, 5, 16)),
    "fcn_resnet50": lambda: (torchvision().models.segmentation.fcn_resnet50(
        weights=None, weights_backbone=None), (torch.rand(1, 3, 64, 64),)),
    "deeplabv3_mobilenet_v3_large": lambda: (
        torchvision().models.segmentation.deeplabv3_mobilenet_v3_large(
            weights=None, weights_backbone=None), (torch.rand(1, 3, 64, 64),)),
    "r3d_18": lambda: (torchvision().models.video.r3d_18(), (torch.rand(1, 3, 8, 32, 32),)),
    "googlenet": classifier("googlenet", init_weights=False),
    "inception_v3": classifier("inception_v3", 96, init_weights=False),
    "vit_b_16": classifier("vit_b_16", 224),
    "alexnet": classifier("alexnet", 96),
}
for name in ("resnet18", "resnet50", "vgg16", "squeezenet1_1", "densenet121",
             "mobilenet_v2", "mobilenet_v3_large", "shufflenet_v2_x1_0", "mnasnet1_0",
             "efficientnet_b0", "regnet_y_400mf", "convnext_tiny", "swin_t"):
    MODELS[name] = classifier(name)
MODELS.update({name: module(*row) for name, row in ARCHITECTURES.items()})
SEED = 0


def flat(result):
    if isinstance(result, torch.Tensor):  # complex ones as pairs
        return [torch.view_as_real(result.resolve_conj()) if result.is_complex() else result]
    if isinstance(result, dict):
        return [t for v in result.values() for t in flat(v)]
    if isinstance(result, (list, tuple)):
        return [t for v in result for t in flat(v)]
    return []


def doubled(inputs):
    if isinstance(inputs, dict):
        return {key: doubled(v) for key, v in inputs.items()}
    if isinstance(inputs, (list, tuple)):
        return type(inputs)(doubled(v) for v in inputs)
    return bounds.wide(inputs)


def named(inputs):
    """The tensors of the arguments: those of a dict by their keys."""
    if len(inputs) == 1 and isinstance(inputs[0], dict):
        return inputs[0]
    return {"in%d" % i: t for i, t in enumerate(flat(inputs))}


def resized(x, size):
    if x.dim() < 4 or not x.is_floating_point():
        return x
    return torch.rand(*x.shape[:-2], size, size)


def stem_of(path):
    return path[:-len(".pt")]


def folder_of(out=None):
    root = os.environ.get("TDAG_MODEL_CACHE",
                          os.path.expanduser("~/.cache/tdagger/models"))
    folder = out or os.path.join(root, "torch-" + torch.__version__.split("+")[0])
    os.makedirs(folder, exist_ok=True)
    return folder


def recipe(name):
    """What made a model: this file and those that it stands on."""
    digest = hashlib.sha256(("%d %s" % (SEED, torch.__version__)).encode())
    files = ("models.py", "macs.py", "../support/bounds.py", "architectures.py")
    for file in files if name in ARCHITECTURES else files[:3]:
        with open(os.path.join(HERE, file), "rb") as f:
            digest.update(f.read())
    return digest.hexdigest()


def is_made(name, stem):
    try:
        with open(stem + ".made.json") as f:
            return json.load(f)["recipe"] == recipe(name)
    except (OSError, ValueError, KeyError):
        return False


def make(name, script, folder, size=None):
    """Makes one model; returns the path of its file, or None, having said why not."""
    stem = name if size is None else "%s-%d" % (name, size)
    stem = os.path.join(folder, stem + (".script" if script else ".trace"))
    if is_made(name, stem):
        return stem + ".pt"
    torch.manual_seed(SEED)
    model, inputs = MODELS[name]()
    if size is not None:
        inputs = tuple(resized(x, size) for x in inputs)
    model = settle(model).eval()
    try:
        with torch.no_grad():
            if script:
                # with heads that only training has: read as after eval() all the same
                made = torch.jit.script(model).train(hasattr(model, "aux_logits"))
            else:
                made = torch.jit.trace(model, inputs, strict=False, check_trace=False)
    except Exception as e:
        reason = [line for line in str(e).split("\n") if line.strip()] or [repr(e)]
        print("cannot make %s: %s" % (stem, reason[0]))
        return None
    if os.path.exists(stem + ".made.json"):
        os.remove(stem + ".made.json")
    torch.jit.save(made, stem + ".pt")
    with torch.no_grad():
        result = flat(torch.jit.load(stem + ".pt").eval()(*inputs))
    torch.save(inputs, stem + ".inputs")
    save_safetensors(stem + ".in.safetensors", named(inputs))
    facts = {"recipe": recipe(name), "macs": macs.count(model, inputs)}
    result = bounds.all_better(result, lambda: flat(model.double()(*doubled(inputs))))
    save_safetensors(stem + ".out.safetensors",
                     {"out%d" % i: t for i, t in enumerate(result)})
    with open(stem + ".made.json", "w") as f: # the last: before it, nothing is made
        json.dump(facts, f)
    return stem + ".pt"


def main():
    global SEED
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["list", "make"])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--script", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--size", type=int)
    parser.add_argument("--out")
    args = parser.parse_args()
    if args.what == "list":
        print("\n".join(sorted(MODELS)))
        return
    SEED = args.seed
    torch.set_num_threads(1)
    paths = [make(name, args.script, folder_of(args.out), args.size) for name in args.names]
    print("\n".join(path for path in paths if path))
    sys.exit(77 if None in paths else 0)


if __name__ == "__main__":
    main()
