"""Models that tests export by torch.export: layers of torch.nn, networks of torchvision and
networks as people write them, small.

LAYERS, NETWORKS: name -> (maker, free axes, shape or maker of an argument, ...). Free axes are those
of each tensor in order, {axis: name}; None where all sizes are fixed."""
import os
import sys
from collections import namedtuple

import torch
import torch.nn.functional as F
from torch import nn

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "torchscript"))
import models  # noqa: E402
from architectures import ARCHITECTURES, BERT, GPT, Llama  # noqa: E402


def ids(n, *shape):
    return lambda: torch.randint(0, n, shape)


class Function(nn.Module):
    """A function as a module; what it needs beside tensors is bound."""

    def __init__(self, f):
        super().__init__()
        self.f = f

    def forward(self, *xs):
        return self.f(*xs)


class First(nn.Module):
    """The first result of a layer alone, such as a recurrent one's."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, *xs):
        return self.layer(*xs)[0]


def function(f):
    return lambda: Function(f)


class Tied(nn.Module):
    """Weights that share their memory: tied, transposed, a slice, a channels-last one."""

    def __init__(self):
        super().__init__()
        table = torch.randn(12, 8)
        self.words = nn.Embedding(12, 8)
        self.head = nn.Linear(8, 12, bias=False)
        self.head.weight = self.words.weight
        self.turned = nn.Parameter(table.t())
        self.register_buffer("part", table[3:9, 1::2])
        self.register_buffer("row", table[0].expand(12, 8))
        self.conv = nn.Conv2d(4, 4, 3, padding=1).to(memory_format=torch.channels_last)

    def forward(self, x):
        y = self.head(self.words(x)) @ self.turned.t() + self.words(x) @ self.row.t() @ self.row
        return y[..., ::2] @ self.part.t(), self.conv(y.view(-1, 4, 2, 1).expand(-1, 4, 2, 5))


Point = namedtuple("Point", ["x", "y"])
if hasattr(torch, "export"):
    torch.utils._pytree._register_namedtuple(Point, serialized_type_name="Point")


class Kept(nn.Module):
    """Buffers in the state and out of it, constants, numbers, a literal tensor."""

    def __init__(self):
        super().__init__()
        self.register_buffer("a", torch.rand(4))
        self.register_buffer("b", torch.arange(4), persistent=False)
        self.k = torch.tensor([1.0, -2.0, 0.5, 3.0])

    def forward(self, x, pair, scale):
        y, z = pair
        w = torch.tensor([2.0, 3.0, 4.0, 5.0])
        return {"s": x * scale + self.a, "t": [y * self.b + self.k, (z * w, scale)]}, None


class Sized(nn.Module):
    """Sizes in arithmetic: sums, products, quotients, remainders, the larger, the smaller."""

    def forward(self, x, y):
        n, m = x.shape[0], y.shape[0]
        a = torch.cat([x, y]).reshape(2, -1).expand(n // 2, 2, (n + m) * 2)
        b = x.new_zeros(n * m // 2 + 1, max(n, m) - min(n, m) + 1)
        c = torch.arange(n * 3 - 1)[: min(n % 3 + 1, m)]
        return a, b, c, x.unflatten(0, (2, n // 2)), F.pad(y, (0, 0, 1, n - 1))


class Written(nn.Module):
    """Values that are written in place, through views."""

    def forward(self, x, at):
        y = x * 2
        y[:, 1:3] += 1
        y[1].mul_(3)
        y.view(-1)[::2] = 0.25
        z = torch.zeros(4, 6)
        z.index_add_(0, at, y)
        z[at, 0] = 7.0
        z.masked_fill_(z > 6, -1).clamp_(max=5)
        return y.relu_(), z.index_put((at,), y, accumulate=True)


class Listed(nn.Module):
    """Operators that give lists and tuples."""

    def forward(self, x):
        a, b, c = x.chunk(3, 1)
        d, e = x.split([2, 4], 1)
        f = torch.stack(torch.unbind(x, 0)[::-1])
        g, h = torch.meshgrid(a[0], b[0], indexing="ij")
        v, i = x.max(1)
        t, j = x.topk(2, 1)
        s, k = x.sort(0, descending=True)
        return a * b + c, d, e, f, g + h, v, i, t, j, s, k, torch.std_mean(x, 1)


class Grouped(nn.Module):
    """Rows by the matrix of their group, by the operator that transformers registers."""

    def __init__(self):
        super().__init__()

        @torch.library.custom_op("transformers::grouped_mm_fallback", mutates_args=())
        def grouped(input: torch.Tensor, weight: torch.Tensor,
                    offs: torch.Tensor) -> torch.Tensor:
            parts = torch.tensor_split(input, offs)
            return torch.cat([x @ w for x, w in zip(parts, weight)] + [parts[-1] @ weight[0] * 0])

        @grouped.register_fake
        def _(input, weight, offs):
            return input.new_empty(input.shape[0], weight.shape[2])

    def forward(self, x, w, ends):
        return torch.ops.transformers.grouped_mm_fallback(x, w, ends)


class Patched(nn.Module):
    """A vision transformer of one block."""

    def __init__(self):
        super().__init__()
        self.patch = nn.Conv2d(3, 16, 4, 4)
        self.token = nn.Parameter(torch.rand(1, 1, 16))
        self.block = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, norm_first=True,
                                                activation="gelu")
        self.head = nn.Linear(16, 5)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1)
        return self.head(self.block(x)[:, 0])


def torchvision(name, **more):
    return lambda: getattr(models.torchvision().models, name)(weights=None, **more)


N, NL = [{0: "N"}], [{0: "N", 1: "L"}]
NHW = [{0: "N", 2: "H", 3: "W"}]

LAYERS = {
    "linear": (lambda: nn.Linear(5, 7), NL, (2, 3, 5)),
    "bilinear": (lambda: nn.Bilinear(4, 5, 3), N * 2, (3, 4), (3, 5)),
    "embedding": (lambda: nn.Embedding(9, 4, padding_idx=2), NL, ids(9, 2, 5)),
    "embedding_bag": (lambda: nn.EmbeddingBag(9, 4, mode="mean"), None, ids(9, 3, 4)),
    "conv1d": (lambda: nn.Conv1d(4, 6, 3, 2, padding=1, dilation=2, groups=2), N, (2, 4, 11)),
    "conv1d_same": (lambda: nn.Conv1d(4, 6, 4, padding="same"), N, (2, 4, 11)),
    "conv2d": (lambda: nn.Conv2d(3, 8, (3, 5), (2, 1), bias=False), NHW, (2, 3, 9, 11)),
    "conv2d_reflect": (lambda: nn.Conv2d(3, 4, 3, padding=1, padding_mode="reflect"), N,
                       (2, 3, 6, 6)),
    "conv3d": (lambda: nn.Conv3d(2, 4, 2, padding=1), N, (2, 2, 4, 5, 6)),
    "conv_transpose1d": (lambda: nn.ConvTranspose1d(4, 6, 3, 2), N, (2, 4, 5)),
    "conv_transpose2d": (lambda: nn.ConvTranspose2d(4, 6, 3, 2, 1, 1, groups=2), N,
                         (2, 4, 5, 5)),
    "max_pool2d": (lambda: nn.MaxPool2d(3, 2, 1, ceil_mode=True), NHW, (2, 3, 8, 9)),
    "max_pool1d": (lambda: nn.MaxPool1d(2), N, (2, 3, 8)),
    "avg_pool2d": (lambda: nn.AvgPool2d(2, count_include_pad=False, padding=1), N,
                   (2, 3, 8, 8)),
    "lp_pool2d": (lambda: nn.LPPool2d(2, 2), N, (2, 3, 8, 8)),
    "adaptive_avg_pool2d": (lambda: nn.AdaptiveAvgPool2d((3, 1)), N, (2, 3, 7, 8)),
    "adaptive_max_pool2d": (lambda: nn.AdaptiveMaxPool2d(2), N, (2, 3, 7, 8)),
    "adaptive_avg_pool3d": (lambda: nn.AdaptiveAvgPool3d(1), N, (2, 3, 4, 5, 6)),
    "batch_norm": (lambda: nn.BatchNorm2d(4), NHW, (2, 4, 5, 6)),
    "batch_norm_fresh": (lambda: nn.BatchNorm1d(4, track_running_stats=False), N, (3, 4)),
    "instance_norm": (lambda: nn.InstanceNorm2d(4, affine=True), N, (2, 4, 5, 6)),
    "instance_norm_kept": (lambda: nn.InstanceNorm2d(4, track_running_stats=True), N,
                           (2, 4, 5, 6)),
    "group_norm": (lambda: nn.GroupNorm(2, 4), N, (2, 4, 5, 6)),
    "layer_norm": (lambda: nn.LayerNorm((4, 6)), N, (2, 4, 6)),
    "rms_norm": (lambda: nn.RMSNorm(6), NL, (2, 4, 6)),
    "local_response_norm": (lambda: nn.LocalResponseNorm(3), N, (2, 6, 5, 5)),
    "weight_norm": (lambda: nn.utils.parametrizations.weight_norm(nn.Linear(4, 3)), N, (2, 4)),
    "spectral_norm": (lambda: nn.utils.parametrizations.spectral_norm(nn.Linear(4, 3)), N,
                      (2, 4)),
    "lstm": (lambda: nn.LSTM(5, 4, 2, bidirectional=True, batch_first=True), None, (2, 6, 5)),
    "gru": (lambda: First(nn.GRU(5, 4, batch_first=True)), None, (2, 6, 5)),
    "rnn": (lambda: First(nn.RNN(5, 4)), None, (6, 2, 5)),
    "lstm_cell": (lambda: nn.LSTMCell(5, 4), N, (2, 5)),
    "gru_cell": (lambda: nn.GRUCell(5, 4), N, (2, 5)),
    "attention": (lambda: First(nn.MultiheadAttention(8, 2, batch_first=True)),
                  NL * 3, (2, 5, 8), (2, 5, 8), (2, 5, 8)),
    "encoder_layer": (lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), NL,
                      (2, 5, 8)),
    "decoder_layer": (lambda: nn.TransformerDecoderLayer(8, 2, 16, batch_first=True), N * 2,
                      (2, 5, 8), (2, 4, 8)),
    "upsample_nearest": (lambda: nn.Upsample(scale_factor=2), NHW, (2, 3, 4, 5)),
    "upsample_bilinear": (lambda: nn.Upsample((7, 9), mode="bilinear"), N, (2, 3, 4, 5)),
    "upsample_bicubic": (lambda: nn.Upsample((7, 9), mode="bicubic"), N, (2, 3, 4, 5)),
    "pixel_shuffle": (lambda: nn.Sequential(nn.PixelShuffle(2), nn.PixelUnshuffle(4),
                                            nn.ChannelShuffle(2)), N, (2, 4, 6, 6)),
    "pads": (lambda: nn.Sequential(nn.ReflectionPad2d(1), nn.ReplicationPad2d((1, 0, 2, 0)),
                                   nn.CircularPad2d(1), nn.ConstantPad2d(1, 0.5)), N,
             (2, 3, 4, 5)),
    "unfold": (lambda: nn.Sequential(nn.Unfold(3, padding=1), nn.Fold((5, 6), 3, padding=1)),
               N, (2, 3, 5, 6)),
    "activations": (lambda: nn.Sequential(
        nn.ELU(), nn.CELU(1.2), nn.SELU(), nn.Hardshrink(0.2), nn.Softshrink(0.1), nn.Mish(),
        nn.LogSigmoid(), nn.Softplus(2, 15), nn.Hardtanh(-0.9, 2), nn.LeakyReLU(0.1),
        nn.PReLU(), nn.RReLU(), nn.Threshold(-0.4, 0.2), nn.Softsign(), nn.Tanhshrink()), N,
        (3, 7)),
    "gates": (lambda: nn.Sequential(
        nn.GELU("tanh"), nn.SiLU(), nn.Hardswish(), nn.Hardsigmoid(), nn.ReLU6(), nn.GLU(),
        nn.Softmin(-1), nn.LogSoftmax(-1), nn.Dropout(0.3), nn.AlphaDropout(), nn.Tanh(),
        nn.Sigmoid()), N, (3, 8)),
    "softmax2d": (nn.Softmax2d, N, (2, 3, 4, 5)),
    "cosine": (lambda: nn.CosineSimilarity(1), N * 2, (3, 5), (3, 5)),
    "distance": (lambda: nn.PairwiseDistance(2), N * 2, (3, 5), (3, 5)),
    "losses": (function(lambda x, y: (
        F.mse_loss(x, y), F.l1_loss(x, y, reduction="none"), F.smooth_l1_loss(x, y),
        F.huber_loss(x, y, "sum"), F.kl_div(x, y), F.binary_cross_entropy(x, y),
        F.binary_cross_entropy_with_logits(x, y), F.soft_margin_loss(x, y),
        F.poisson_nll_loss(x, y), F.margin_ranking_loss(x, y, x[:, :1], 0.5))), None, (3, 5),
        (3, 5)),
    "cross_entropy": (function(lambda x, t: (F.cross_entropy(x, t, label_smoothing=0.1),
                                             F.nll_loss(x, t), F.multi_margin_loss(x, t))),
                      None, (4, 5), ids(5, 4)),
}

WRITTEN = {
    "tied": (Tied, None, ids(12, 2, 3)),
    "kept": (Kept, None, (2, 4), lambda: (torch.rand(2, 4), torch.rand(4)), lambda: 2.5),
    "named_tuple": (function(lambda p, q: Point(p.x + q, [p.y - q])), None,
                    lambda: Point(torch.rand(3), torch.rand(3)), (3,)),
    "sized": (Sized, [{0: "N"}, {0: "M"}], (6, 4), (8, 4)),
    "written": (Written, None, (3, 6), lambda: torch.tensor([0, 2, 3])),
    "listed": (Listed, None, (3, 6)),
    "grouped": (Grouped, None, (6, 4), (3, 4, 5), lambda: torch.tensor([2, 2, 5])),
    "patched": (Patched, N, (2, 3, 16, 16)),
    "gpt": (GPT, NL, ids(40, 2, 9)),
    "bert": (BERT, NL * 3, ids(40, 2, 9), lambda: torch.ones(2, 9), ids(2, 2, 9)),
    "llama": (Llama, NL, ids(40, 2, 7)),
    "dtypes": (function(lambda x, i: (x.half().add(1).float(), x.bfloat16() * 2, x.double(),
                                      i.int() // 2, i % 3, x.to(torch.int8), ~(i > 2),
                                      (i > 1) & (x > 0.5))), N * 2, (3, 4), ids(9, 3, 4)),
    "einsum": (function(lambda x, y: (torch.einsum("bij,bjk->bik", x, y),
                                      torch.baddbmm(x[:, :, :4], x, y, beta=0.5, alpha=2),
                                      torch.linalg.vector_norm(x, dim=-1))), N * 2, (2, 4, 5), (2, 5, 4)),
    "indexed": (function(lambda x, i: (x[:, [0, 2]], x[i, 1], x.gather(1, i[:, None] % 4),
                                       torch.take_along_dim(x, i[:, None] % 4, 1),
                                       x.index_select(0, i),
                                       x.roll(1, 0).flip(1), torch.where(x > 0.5, x, 2.0),
                                       x.scatter_add(0, i[:, None], x[:, :1]))), None, (3, 4),
                lambda: torch.tensor([2, 0, 1])),
    "reduced": (function(lambda x: (x.mean((1, 2)), x.var(1), x.std(dim=2, keepdim=True),
                                    x.amax(1), x.argmin(2), x.prod(1), x.logsumexp(2),
                                    x.cumsum(1), x.norm(), x.sum(),
                                    x.count_nonzero(1))), N, (2, 4, 5)),
    # Its core IR has the mean's strides, as_strided() of open sizes.
    "pool_of_last": (function(lambda x: F.adaptive_avg_pool2d(x.permute(0, 3, 1, 2), 1)), N, (2, 4, 6, 5)),
    "grid_sample": (function(lambda x, t: F.grid_sample(
        x, F.affine_grid(t, [2, 3, 5, 6], align_corners=False), align_corners=False)), None,
        (2, 3, 7, 8), (2, 2, 3)),
}

VISION = {name: (torchvision(name, **more), N, (2, 3, 48, 48)) for name, more in {
    "resnet18": {}, "mobilenet_v3_small": {}, "squeezenet1_1": {}, "shufflenet_v2_x0_5": {},
}.items()}

NETWORKS = {**WRITTEN, **VISION}
for name in ("topk_experts", "wavenet", "conv_tasnet", "vae",
             "siamese", "super_resolution", "unet_bilinear", "dict_in_out",
             "pyramid", "tagger", "mixer", "graphs", "native_attention"):
    maker, *makers = ARCHITECTURES[name]
    NETWORKS[name] = (maker, None, *makers)
GROUPS = {"layers": LAYERS, "networks": NETWORKS}
MODELS = {**LAYERS, **NETWORKS}
# Whose core IR has nothing that smaller ones have not.
ONLY_TRAINING = {"mobilenet_v3_small", "shufflenet_v2_x0_5", "squeezenet1_1"}


def make(name):
    """(module, arguments, free axes) of a model."""
    torch.manual_seed(1)
    maker, free, *makers = MODELS[name]
    module = models.settle(maker()).eval()
    args = tuple(torch.rand(*m) if isinstance(m, tuple) else m() for m in makers)
    return module, args, free
