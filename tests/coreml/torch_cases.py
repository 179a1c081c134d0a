#!/usr/bin/env python3
"""Core ML packages that coremltools makes of PyTorch models, with what PyTorch computes.

    torch_cases.py DIR [REGEX]

writes per model, with seeded random weights,

    DIR/NAME.pt                 traced
    DIR/NAME.frozen.pt          of some: frozen by PyTorch, which folds batch norms into
                                convolutions, as coremltools does
    DIR/NAME.mlpackage          an ML program, computing in f32
    DIR/NAME.f16.mlpackage      of some: in f16, inputs and outputs f32 or f16, which are in
                                NAME.f16.io.safetensors
    DIR/NAME.mlmodel            of some: the older NeuralNetwork
    DIR/NAME.io.safetensors     in0, in1, ... and PyTorch's out0, out1, ..., by which names the
                                packages call them, too; further sizes of flexible inputs in
                                NAME.io1.safetensors, ...; rounds of a state in NAME.step0.... in order
    DIR/manifest                a line per package: FILE KIND OPSET TOLERANCE IO[,IO...]

KIND is program, neuralnetwork or state. TOLERANCE is relative to the largest element of an output.
Whole numbers are int32 in the .pt file, too. PyTorch's fused attention is switched off: coremltools
does not know it. Needs coremltools (tests/support/coreml.sh)."""
import functools
import logging
import os
import re
import shutil
import sys
import warnings

import numpy as np

warnings.filterwarnings("ignore")
logging.disable(logging.ERROR)
os.environ.setdefault("TQDM_DISABLE", "1")
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "support"), os.path.join(HERE, "..", "torchscript")]
import coremltools as ct  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402

import kept  # noqa: E402
import models  # noqa: E402
from architectures import ARCHITECTURES  # noqa: E402
from mil_cases import TARGETS, quick_conversions  # noqa: E402
from tensors import save  # noqa: E402

torch.backends.mha.set_fastpath_enabled(False)
F32, F16 = ct.precision.FLOAT32, ct.precision.FLOAT16
vision = models.torchvision().models


class Small:
    """Networks of torchvision, narrow or shallow."""

    @staticmethod
    def vgg():
        return nn.Sequential(vision.vgg.make_layers([8, "M", 16, 16, "M"], True),
                             nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(),
                             nn.Linear(16, 10))

    @staticmethod
    def resnet():
        return vision.resnet.ResNet(vision.resnet.BasicBlock, [1, 1, 1, 1], num_classes=10)

    @staticmethod
    def resnext():
        return vision.resnet.ResNet(vision.resnet.Bottleneck, [1, 1, 1, 1], num_classes=10,
                                    groups=8, width_per_group=4)

    @staticmethod
    def densenet():
        return vision.DenseNet(8, (2, 3, 2, 2), 16, num_classes=10)

    @staticmethod
    def swin():
        return vision.SwinTransformer([4, 4], 16, [2, 2], [2, 4], [4, 4], num_classes=10,
                                      stochastic_depth_prob=0.0)

    @staticmethod
    def vit():
        return vision.VisionTransformer(32, 8, 2, 2, 16, 32, num_classes=10)

    @staticmethod
    def convnext():
        setting = vision.convnext.CNBlockConfig
        return vision.ConvNeXt([setting(16, 32, 1), setting(32, None, 2)], num_classes=10)


def make(build, *shapes):
    return lambda: (build(), tuple(torch.rand(*s) if isinstance(s, tuple) else s()
                                   for s in shapes))


def image(build, size=64):
    return make(build, (1, 3, size, size))


def from_models(name):
    return models.MODELS[name]


class Conformer(nn.Module):
    """A block: half feed-forward, attention, gated convolution, half feed-forward."""

    def __init__(self, width=16):
        super().__init__()

        def forward(n):
            return nn.Sequential(nn.LayerNorm(n), nn.Linear(n, 4 * n), nn.SiLU(),
                                 nn.Linear(4 * n, n))
        self.first, self.last = forward(width), forward(width)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, 2, batch_first=True)
        self.convolution = nn.Sequential(
            nn.Conv1d(width, 2 * width, 1), nn.GLU(1),
            nn.Conv1d(width, width, 7, padding=3, groups=width), nn.BatchNorm1d(width),
            nn.SiLU(), nn.Conv1d(width, width, 1))
        self.norm = nn.LayerNorm(width)

    def forward(self, x):
        x = x + 0.5 * self.first(x)
        y = self.norm1(x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        x = x + self.convolution(self.norm2(x).transpose(1, 2)).transpose(1, 2)
        return self.norm(x + 0.5 * self.last(x))


def autoencoder():
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 16, 3, 2, 1), nn.ELU(),
        nn.ConvTranspose2d(16, 8, 3, 2, 1, output_padding=1), nn.LeakyReLU(0.2),
        nn.ConvTranspose2d(8, 1, 4, 2, 1), nn.Sigmoid())


def group_norms():
    slopes = nn.PReLU(8)
    nn.init.uniform_(slopes.weight)
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.GroupNorm(4, 8), nn.Hardswish(),
                         nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.InstanceNorm2d(8, affine=True),
                         slopes, nn.Conv2d(8, 4, 1), nn.GroupNorm(1, 4), nn.Hardsigmoid())


class Mixed(nn.Module):
    """Indices, sorting, reductions, padding and shapes."""

    def forward(self, x, ids):
        a = x[:, 1:, ::2] * 2 + x.mean(-1, keepdim=True)[:, 1:]
        b = torch.cumsum(x, 1).amax(2)
        values, at = torch.topk(x, 3, -1)
        c = torch.gather(x, 2, torch.argsort(x, -1, descending=True))
        d = nn.functional.pad(x, (1, 2, 0, 1), mode="reflect")
        e = torch.where(x > 0.5, x, -x).clamp(-0.4, 0.9)
        f = torch.index_select(x, 1, ids)
        g = nn.functional.pixel_shuffle(x.reshape(1, 4, -1, 3), 2)
        return a, b, values, c, d, e, f, g, torch.norm(x, dim=-1), 1 / (x + 1)


def volume():
    return nn.Sequential(nn.Conv3d(1, 4, 3, padding=1), nn.BatchNorm3d(4), nn.ReLU(),
                         nn.MaxPool3d(2), nn.Conv3d(4, 8, (1, 3, 3), stride=(1, 2, 2)),
                         nn.AvgPool3d((3, 1, 1)), nn.Flatten(), nn.Linear(8, 3))


class Pieces(nn.Module):
    """What MIL does not have, and coremltools writes as several operators."""

    def __init__(self):
        super().__init__()
        self.plain, self.norm = nn.GroupNorm(2, 6, affine=False), nn.GroupNorm(3, 6)

    def forward(self, x):
        f = nn.functional
        return (self.plain(x), self.norm(x), f.unfold(x, 3, padding=1, stride=2), -x,
                torch.roll(x, (1, -2), (2, 3)), torch.roll(x, 3, 1), f.normalize(x, dim=1),
                f.log_softmax(x, 1), torch.norm(x, dim=2), torch.norm(x, 1, dim=2),
                torch.norm(x, 3, dim=2), x.var(1), x.std(3), f.mish(x), f.hardswish(x),
                f.rms_norm(x, (5,)))


class Causal(nn.Module):
    def forward(self, q, k, v):
        f = nn.functional.scaled_dot_product_attention
        return f(q, k, v, is_causal=True), f(k, q, v, k @ q.transpose(-1, -2))


class Resizes(nn.Module):
    def forward(self, x):
        f = nn.functional.interpolate
        return (f(x, scale_factor=2, mode="nearest"), f(x, size=(10, 7), mode="bilinear"),
                f(x, scale_factor=2, mode="bilinear", align_corners=True),
                nn.functional.adaptive_avg_pool2d(x, (3, 2)),
                nn.functional.avg_pool2d(x, 3, 2, 1, count_include_pad=False),
                nn.functional.max_pool2d(x, 3, 2, 1, ceil_mode=True))


class Attention(nn.Module):
    def forward(self, q, k, v, mask):
        return nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)


class Flat(nn.Module):
    """Results that are dicts or nested, as a tuple."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, *x):
        flat = models.flat(self.model(*x))
        return flat[0] if len(flat) == 1 else tuple(flat)


def spatial(size=64):
    return {"resnet": image(Small.resnet), "resnext": image(Small.resnext),
            "vgg": image(Small.vgg, 32), "densenet": image(Small.densenet, 48),
            "swin": image(Small.swin, 32), "vit": image(Small.vit, 32),
            "convnext": image(Small.convnext, 32)}


MODELS = spatial()
for _name in ("squeezenet1_1", "mobilenet_v2", "mobilenet_v3_small", "shufflenet_v2_x0_5",
              "mnasnet0_5", "efficientnet_b0", "regnet_y_400mf"):
    MODELS[_name] = image(functools.partial(getattr(vision, _name), num_classes=10))
for _name in ("unet", "encoder_slow", "encoder", "lstm", "gru", "rnn", "mha"):
    MODELS[_name] = from_models(_name)
for _name in ("gpt", "bert", "llama", "decoder_masks", "translator", "wavenet", "conv_tasnet",
              "vae", "unet_bilinear", "pyramid"):
    MODELS[_name] = make(*ARCHITECTURES[_name])
MODELS.update({
    "lraspp": image(lambda: vision.segmentation.lraspp_mobilenet_v3_large(
        weights=None, weights_backbone=None, num_classes=4)),
    "deeplab": image(lambda: vision.segmentation.deeplabv3.DeepLabHead(3, 5), 16),
    "fcn_head": make(lambda: vision.segmentation.fcn.FCNHead(16, 5), (1, 16, 16, 16)),
    "conformer": make(Conformer, (2, 11, 16)), "autoencoder": make(autoencoder, (2, 1, 16, 16)),
    "volume": make(volume, (1, 1, 6, 8, 8)), "group_norms": make(group_norms, (2, 3, 8, 8)),
    "mixed": make(Mixed, (1, 4, 9), lambda: torch.tensor([2, 0, 3], dtype=torch.int32)),
    "resizes": make(Resizes, (1, 2, 6, 9)), "pieces": make(Pieces, (2, 6, 5, 5)),
    "causal": make(Causal, (1, 2, 5, 8), (1, 2, 5, 8), (1, 2, 5, 8)),
    "attention": make(Attention, (1, 2, 5, 8), (1, 2, 5, 8), (1, 2, 5, 8), (5, 5))})
HALVES = {"resnet": "f32", "mobilenet_v2": "f16", "vit": "f16", "bert": "f32", "lstm": "f32",
          "unet_bilinear": "f16", "group_norms": "f16", "conformer": "f32"}
OLDER = ("resnet", "resnext", "vgg", "densenet", "squeezenet1_1", "mobilenet_v2",
         "mobilenet_v3_small", "efficientnet_b0", "unet", "unet_bilinear", "autoencoder",
         "group_norms", "lstm", "gru", "gpt", "vit")
LOOSE = {"mixed": 1e-3}  # coremltools makes of 1 / x an inverse that adds 1e-4
# Kernel counts are equal to those of the frozen model; others are not, as coremltools computes what
# is constant, positions among it, or writes an operator as others.
COUNTED = ("attention", "autoencoder", "causal", "conformer", "convnext", "deeplab",
           "efficientnet_b0", "encoder", "encoder_slow", "fcn_head", "group_norms", "gru", "lraspp",
           "mha", "mnasnet0_5", "mobilenet_v2", "mobilenet_v3_small", "pieces", "pyramid",
           "regnet_y_400mf", "resnet", "resnext", "rnn", "shufflenet_v2_x0_5", "squeezenet1_1",
           "translator", "unet", "unet_bilinear", "vae", "vgg", "vit", "volume")
OPSETS = {"attention": "iOS18", "mixed": "iOS17", "vit": "iOS16", "bert": "iOS18",
          "resnet": "iOS15", "swin": "iOS17", "gpt": "iOS16", "mobilenet_v2": "iOS26"}


ARRAYS = {65568: np.float32, 65552: np.float16, 131104: np.int32}  # an ArrayFeatureType's dataType


def whole(x):
    return x.to(torch.int32) if x.dtype == torch.int64 else x


def arrays(prefix, tensors):
    return {"%s%d" % (prefix, i): whole(t.detach()).numpy() for i, t in enumerate(tensors)}


def settled(name):
    """No weight is all zeroes or ones, as in a new model: coremltools drops those."""
    torch.manual_seed(3)
    model, inputs = MODELS[name]()
    model = models.settle(model).eval()
    for name, p in model.named_parameters():
        alone = isinstance(model.get_submodule(name.rpartition(".")[0]), nn.PReLU)
        if p.numel() > 1 and (p == p.flatten()[0]).all() and not alone:
            p.data += 0.05 * torch.randn_like(p)
    return model, [whole(t) for t in models.flat(inputs)]


def usable(inputs):
    """Inputs that a package can have: no bool."""
    return [t.to(torch.int32) if t.dtype == torch.bool else t for t in inputs]


class Casts(nn.Module):
    """Inputs that shall be bool come as int32."""

    def __init__(self, model, which):
        super().__init__()
        self.model, self.which = model, which

    def forward(self, *x):
        return self.model(*[v != 0 if i in self.which else v for i, v in enumerate(x)])


def traced(name):
    model, inputs = settled(name)
    which = [i for i, t in enumerate(inputs) if t.dtype == torch.bool]
    if which:
        model, inputs = Casts(model, which), usable(inputs)
    with torch.no_grad():
        result = model(*inputs)
        if isinstance(result, dict) or isinstance(result, (list, tuple)) and any(
                not isinstance(r, torch.Tensor) for r in result):
            model = Flat(model)
        made = torch.jit.trace(model.eval(), tuple(inputs), check_trace=False)
        return made, inputs, models.flat(made(*inputs))


def kind_of(t, half):
    if not t.is_floating_point():
        return np.int32
    return np.float16 if half else np.float32


def convert(made, examples, n, opset="iOS16", precision=F32, half=False, **more):
    given = more.pop("inputs", None) or [
        ct.TensorType(name="in%d" % i, shape=t.shape, dtype=kind_of(t, half))
        for i, t in enumerate(examples)]
    results = [ct.TensorType(name="out%d" % i, **({"dtype": np.float16} if half else {}))
               for i in range(n)]
    if more.get("convert_to") == "neuralnetwork":
        return ct.convert(made, inputs=given, outputs=results, **more)
    return ct.convert(made, inputs=given, outputs=results, convert_to="mlprogram",
                      skip_model_load=True, compute_precision=precision,
                      minimum_deployment_target=TARGETS[opset], **more)


class Writer:
    def __init__(self, folder):
        self.folder, self.lines, self.failed = folder, [], 0

    def path(self, name):
        path = os.path.join(self.folder, name)
        shutil.rmtree(path, ignore_errors=True)
        return path

    def package(self, file, kind, opset, tolerance, ios, function):
        quick_conversions()
        try:
            function().save(self.path(file))
            self.lines.append("%s %s %s %g %s" % (file, kind, opset, tolerance, ",".join(ios)))
        except Exception as e:
            self.failed += 1
            print("not made: %s: %s: %s" % (file, type(e).__name__, str(e)[:300]))

    def typed(self, package, io, values):
        """The values in the dtypes of the package's inputs and outputs, written to io."""
        about = package.get_spec().description
        kinds = {f.name: ARRAYS[f.type.multiArrayType.dataType]
                 for f in list(about.input) + list(about.output)}
        save(self.path(io), {k: v.astype(kinds[k]) for k, v in values.items()})
        return package

    def model(self, name):
        made, inputs, results = traced(name)
        torch.jit.save(made, self.path(name + ".pt"))
        if name in COUNTED:
            torch.jit.save(torch.jit.freeze(made), self.path(name + ".frozen.pt"))
        io = name + ".io.safetensors"
        save(self.path(io), {**arrays("in", inputs), **arrays("out", results)})
        opset, n = OPSETS.get(name, "iOS16"), len(results)
        near = LOOSE.get(name, 1e-4)
        self.package(name + ".mlpackage", "program", opset, near, [io],
                     lambda: convert(made, inputs, n, opset))
        if name in HALVES:
            half = HALVES[name] == "f16"
            opset = max(opset, "iOS16" if half else "iOS15")
            io16 = name + ".f16.io.safetensors"
            self.package(name + ".f16.mlpackage", "program", opset, 3e-2, [io16],
                         lambda: self.typed(convert(made, inputs, n, opset, F16, half), io16,
                                            {**arrays("in", inputs), **arrays("out", results)}))
        if name in OLDER:
            self.package(name + ".mlmodel", "neuralnetwork", "-", near, [io],
                         lambda: convert(made, inputs, n, convert_to="neuralnetwork"))


def main(folder, pattern=""):
    with kept.of(folder, pattern) as data:
        if not data.there:
            data.there = not make_all(data.folder, pattern)
        return not data.there


def make_all(folder, pattern):
    import torch_programs
    os.makedirs(folder, exist_ok=True)
    torch.set_num_threads(1)
    writer = Writer(folder)
    for name in MODELS:
        if re.search(pattern, name):
            writer.model(name)
    torch_programs.write(writer, pattern)
    with open(os.path.join(folder, "manifest"), "w") as f:
        f.write("".join(line + "\n" for line in writer.lines))
    print("%d packages, %d not made" % (len(writer.lines), writer.failed))
    return writer.failed != 0


if __name__ == "__main__":
    sys.modules["torch_cases"] = sys.modules["__main__"]
    sys.exit(main(*sys.argv[1:]))
