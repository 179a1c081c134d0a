"""Packages of torch_cases.py beyond a network on inputs of one size: flexible shapes, images, state,
weights in fewer bits, compiled control flow, programs of torch.export."""
import re

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import coremltools as ct
import coremltools.optimize.coreml as smaller
import mil_interpreter
import torch_cases as cases
from coremltools.converters.mil.frontend.milproto import load as milproto
from tensors import save


def trace(model, *inputs):
    with torch.no_grad():
        return torch.jit.trace(model.eval(), inputs, check_trace=False)


def seeded(make):
    torch.manual_seed(4)
    return cases.models.settle(make()).eval()


def save_io(writer, stem, n, inputs, results):
    file = "%s.io%s.safetensors" % (stem, n or "")
    save(writer.path(file), {**cases.arrays("in", inputs), **cases.arrays("out", results)})
    return file


def results_of(made, inputs):
    with torch.no_grad():
        return cases.models.flat(made(*[t.clone() for t in inputs]))


# Flexible shapes.

def convolutions():
    return nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU(),
                         nn.Conv2d(8, 4, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Flatten())


class Upsampled(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 3, 1)

    def forward(self, x):
        y = F.max_pool2d(F.relu(self.a(x)), 2)
        return self.b(F.interpolate(y, scale_factor=2, mode="nearest")) + x


class Tokens(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(30, 16)
        layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, activation="gelu")
        self.layers, self.head = nn.TransformerEncoder(layer, 2), nn.Linear(16, 30)

    def forward(self, x):
        return self.head(self.layers(self.embed(x)))


class Sequences(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.head = nn.LSTM(4, 6, batch_first=True), nn.Linear(6, 2)

    def forward(self, x):
        return self.head(self.lstm(x)[0])


class Spread(nn.Module):
    """What coremltools writes with sizes that it computes: expand, full, norms and rolls."""

    def forward(self, x):
        n = x.size(2)
        rows = x.unsqueeze(1).expand(2, 3, 6, n).mean(1)
        return F.group_norm(x, 2) + F.normalize(x, dim=2) + torch.roll(x, 1, 2) / n + \
            x * torch.full((n,), 2.0) + rows


class Gru(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(4, 5)

    def forward(self, x):
        return self.gru(x)[0]


def ids(*shape):
    return torch.randint(0, 30, shape).to(torch.int32)


R = ct.RangeDim
FLEXIBLE = {
    "flexible_image": (convolutions, torch.rand, (1, 3, R(16, 128, default=32),
                       R(16, 128, default=32)), [(1, 3, 16, 17), (1, 3, 128, 40)]),
    "flexible_batch": (convolutions, torch.rand, (R(1, 8, default=2), 3, 24, 24),
                       [(1, 3, 24, 24), (8, 3, 24, 24)]),
    "flexible_upsampled": (Upsampled, torch.rand, (1, 3, R(8, 64, default=16),
                           R(8, 64, default=16)), [(1, 3, 8, 64), (1, 3, 20, 12)]),
    "flexible_tokens": (Tokens, ids, (1, R(1, 24, default=7)), [(1, 1), (1, 24)]),
    "flexible_sequences": (Sequences, torch.rand, (2, R(1, 20, default=5), 4),
                           [(2, 1, 4), (2, 20, 4)]),
    "flexible_spread": (Spread, torch.rand, (2, 6, R(2, 30, default=8)), [(2, 6, 3), (2, 6, 29)]),
    "flexible_gru": (Gru, torch.rand, (R(1, 20, default=6), 2, 4), [(1, 2, 4), (13, 2, 4)]),
    "enumerated_image": (convolutions, torch.rand, ct.EnumeratedShapes(
        [(1, 3, 32, 32), (1, 3, 48, 64), (1, 3, 17, 16)], default=(1, 3, 32, 32)),
        [(1, 3, 48, 64), (1, 3, 17, 16)])}


def flexible(writer, name):
    make, random, shape, more = FLEXIBLE[name]
    model = seeded(make)
    first = tuple(d.default if isinstance(d, R) else d for d in shape) if isinstance(
        shape, tuple) else tuple(shape.default)
    made = trace(model, random(*first))
    torch.jit.save(made, writer.path(name + ".pt"))
    ios = []
    for n, dims in enumerate([first] + more):
        x = random(*dims)
        ios.append(save_io(writer, name, n, [x], results_of(model, [x])))
    kind = np.int32 if random is ids else np.float32
    given = ct.TensorType(name="in0", dtype=kind, shape=ct.Shape(shape) if isinstance(
        shape, tuple) else shape)
    writer.package(name + ".mlpackage", "program", "iOS16", 1e-4, ios,
                   lambda: cases.convert(made, [], 1, inputs=[given]))
    if name in ("flexible_image", "enumerated_image"):
        writer.package(name + ".mlmodel", "neuralnetwork", "-", 1e-4, ios, lambda: cases.convert(
            made, [], 1, inputs=[given], convert_to="neuralnetwork"))


# Images: in0 holds what pixels are, 0 to 255, in the order in which the program gets its channels.

class Scaled(nn.Module):
    def __init__(self, model, scale, bias):
        super().__init__()
        self.model, self.scale = model, scale
        self.register_buffer("bias", torch.tensor(bias).view(1, -1, 1, 1))

    def forward(self, x):
        return self.model(x * self.scale + self.bias)


IMAGES = {"image_rgb": (3, "RGB", 1 / 127.5, [-1.0, -1.0, -1.0]),
          "image_bgr": (3, "BGR", 1 / 58.0, [-2.1, -2.0, -1.8]),
          "image_gray": (1, "GRAYSCALE", 1 / 255.0, [0.0])}


def images(writer, name):
    channels, layout, scale, bias = IMAGES[name]
    model = seeded(lambda: nn.Sequential(nn.Conv2d(channels, 4, 3, 2), nn.ReLU(),
                                         nn.Flatten(), nn.Linear(4 * 49, 5)))
    x = torch.randint(0, 256, (1, channels, 16, 16)).float()
    raw = Scaled(model, scale, bias)
    made = trace(model, x)
    torch.jit.save(trace(raw, x), writer.path(name + ".pt"))
    io = save_io(writer, name, 0, [x], results_of(raw, [x]))
    given = ct.ImageType(name="in0", shape=tuple(x.shape), scale=scale,
                         bias=bias if channels > 1 else bias[0],
                         color_layout=getattr(ct.colorlayout, layout))
    writer.package(name + ".mlpackage", "program", "iOS16", 1e-4, [io],
                   lambda: cases.convert(made, [], 1, inputs=[given]))
    writer.package(name + ".mlmodel", "neuralnetwork", "-", 1e-4, [io], lambda: cases.convert(
        made, [], 1, inputs=[given], convert_to="neuralnetwork"))


# State: called in order with NAME.io, io1, io2; it is zero at first.

class Accumulator(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("total", torch.zeros(2, 3))

    def forward(self, x):
        self.total.add_(x)
        return self.total * 2


class Decoder(nn.Module):
    """Keys and values of the last four calls."""

    def __init__(self):
        super().__init__()
        self.qkv, self.out = nn.Linear(8, 24), nn.Linear(8, 8)
        self.register_buffer("keys", torch.zeros(1, 4, 8))
        self.register_buffer("values", torch.zeros(1, 4, 8))

    def forward(self, x):
        q, k, v = self.qkv(x).chunk(3, -1)
        self.keys[:] = torch.cat([self.keys[:, 1:], k], 1)
        self.values[:] = torch.cat([self.values[:, 1:], v], 1)
        p = torch.softmax(q @ self.keys.transpose(1, 2) / 8 ** 0.5, -1)
        return x + self.out(p @ self.values)


STATES = {"state_sum": (Accumulator, (2, 3), {"total": (2, 3)}),
          "state_decoder": (Decoder, (1, 1, 8), {"keys": (1, 4, 8), "values": (1, 4, 8)})}


def stateful(writer, name):
    make, shape, states = STATES[name]
    made = trace(seeded(make), torch.rand(*shape))
    torch.manual_seed(5)
    for buffer in states:
        getattr(made, buffer).zero_()
    torch.jit.save(made, writer.path(name + ".pt"))
    calls = [torch.rand(*shape) for _ in range(3)]
    ios = [save_io(writer, name, n, [x], results_of(made, [x])) for n, x in enumerate(calls)]
    for buffer in states:
        getattr(made, buffer).zero_()
    held = [ct.StateType(wrapped_type=ct.TensorType(shape=s, dtype=np.float16), name=n)
            for n, s in states.items()]
    writer.package(name + ".mlpackage", "state", "iOS18", 1e-2, ios, lambda: cases.convert(
        made, calls[:1], 1, "iOS18", states=held))


# Weights in fewer bits: what is computed is what the package says, not what PyTorch does.

class Matrices(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.a, self.b = nn.Conv2d(3, 32, 3), nn.Linear(32, 64), nn.Linear(64, 32)

    def forward(self, x):
        return self.b(F.gelu(self.a(self.conv(x).mean((2, 3)))))


def weights_by(operation, **how):
    name = operation.__name__.replace("Config", "")
    return lambda made: {"OpLinearQuantizer": smaller.linear_quantize_weights,
                         "OpPalettizer": smaller.palettize_weights,
                         "OpMagnitudePruner": smaller.prune_weights}[name](
        made, smaller.OptimizationConfig(global_config=operation(weight_threshold=64, **how)))


COMPRESSED = {
    "weights_int8": ("iOS16", weights_by(smaller.OpLinearQuantizerConfig)),
    "weights_uint8": ("iOS16", weights_by(smaller.OpLinearQuantizerConfig, mode="linear",
                                          dtype="uint8")),
    "weights_int4": ("iOS18", weights_by(smaller.OpLinearQuantizerConfig, dtype="int4",
                                         granularity="per_block", block_size=16)),
    "weights_palette4": ("iOS16", weights_by(smaller.OpPalettizerConfig, nbits=4, mode="uniform")),
    "weights_palette2": ("iOS18", weights_by(smaller.OpPalettizerConfig, nbits=2, mode="uniform",
                                             granularity="per_grouped_channel", group_size=8)),
    "weights_sparse": ("iOS16", weights_by(smaller.OpMagnitudePrunerConfig,
                                           target_sparsity=0.6))}


def compressed(writer, name):
    opset, shrink = COMPRESSED[name]
    model, x = seeded(Matrices), torch.rand(2, 3, 9, 9)
    made = trace(model, x)

    def build():
        package = shrink(cases.convert(made, [x], 1, opset))
        program = milproto.load(package.get_spec(), package.get_spec().specificationVersion,
                                package.weights_dir)
        inputs = {"in0": x.numpy()}
        save(writer.path(name + ".io.safetensors"),
             {**inputs, **mil_interpreter.run(program, inputs)})
        return package

    writer.package(name + ".mlpackage", "program", opset, 1e-4, [name + ".io.safetensors"],
                   build)


# Control flow that PyTorch compiled.

class Branches(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(4, 3), nn.Linear(4, 3)

    def forward(self, x):
        if bool(x.sum() > 0):
            y = self.a(x)
        else:
            y = self.b(x) * 2
        return y + 1


class UntilSmall(nn.Module):
    def forward(self, x):
        while bool(x.abs().max() > 0.1):
            x = x / 2
        return x


SCRIPTED = {"branches": (Branches, [torch.ones(2, 4), -torch.ones(2, 4)]),
            "until_small": (UntilSmall, [torch.rand(2, 4), torch.rand(2, 4) * 100])}


def scripted(writer, name):
    make, calls = SCRIPTED[name]
    made = torch.jit.script(seeded(make))
    torch.jit.save(made, writer.path(name + ".pt"))
    ios = [save_io(writer, name, n, [x], results_of(made, [x])) for n, x in enumerate(calls)]
    writer.package(name + ".mlpackage", "program", "iOS16", 1e-4, ios,
                   lambda: cases.convert(made, calls[:1], 1))
    writer.package(name + ".mlmodel", "neuralnetwork", "-", 1e-4, ios,
                   lambda: cases.convert(made, calls[:1], 1, convert_to="neuralnetwork"))


EXPORTED = ("resnet", "vit", "bert", "mobilenet_v2")


def exported(writer, name):
    model, inputs = cases.settled(name)
    results = results_of(model, inputs)
    stem = name + "_exported"
    io = save_io(writer, stem, 0, inputs, results)

    def build():
        program = torch.export.export(model, tuple(inputs)).run_decompositions({})
        return cases.convert(program, inputs, len(results))
    writer.package(stem + ".mlpackage", "program", "iOS16", 1e-4, [io], build)


def write(writer, pattern):
    for table, put in ((FLEXIBLE, flexible), (IMAGES, images), (STATES, stateful),
                       (COMPRESSED, compressed), (SCRIPTED, scripted), (EXPORTED, exported)):
        for name in table:
            if re.search(pattern, name + ("_exported" if put is exported else "")):
                put(writer, name)
