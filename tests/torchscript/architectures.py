"""Networks as people write them, small, beside those of torchvision: what each is made of
is in its name. ARCHITECTURES: name -> (maker, shape or maker of an input, ...)."""
import math
from typing import Dict, List, Optional, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def ids(n, *shape):
    return lambda: torch.randint(0, n, shape)


class DecoderWithMasks(nn.Module):
    def __init__(self):
        super().__init__()
        layer = nn.TransformerDecoderLayer(16, 4, 32, batch_first=True, activation="gelu")
        self.decoder = nn.TransformerDecoder(layer, 2, norm=nn.LayerNorm(16))
        self.register_buffer("mask", torch.full((6, 6), -math.inf).triu(1))

    def forward(self, x, memory, hidden):
        return self.decoder(x, memory, tgt_mask=self.mask, memory_key_padding_mask=hidden)


class Translator(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(50, 16)
        self.core = nn.Transformer(16, 2, 1, 1, 32, batch_first=True, norm_first=True)
        self.head = nn.Linear(16, 50)

    def forward(self, source, target):
        mask = torch.triu(torch.full((target.size(1), target.size(1)), float("-inf")), 1)
        y = self.core(self.embed(source), self.embed(target), tgt_mask=mask)
        return self.head(y).log_softmax(-1)


class Attention(nn.Module):
    def __init__(self, width, heads, causal):
        super().__init__()
        self.heads, self.causal = heads, causal
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.register_buffer("bias", torch.tril(torch.ones(32, 32)).view(1, 1, 32, 32))

    def forward(self, x, mask: Optional[Tensor] = None):
        b, t, c = x.size()
        q, k, v = self.qkv(x).split(c, dim=2)
        q = q.view(b, t, self.heads, c // self.heads).transpose(1, 2)
        k = k.view(b, t, self.heads, c // self.heads).transpose(1, 2)
        v = v.view(b, t, self.heads, c // self.heads).transpose(1, 2)
        scores = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.size(-1)))
        if self.causal:
            scores = scores.masked_fill(self.bias[:, :, :t, :t] == 0, float("-inf"))
        if mask is not None:
            scores = scores + (1.0 - mask[:, None, None, :]) * -10000.0
        y = F.softmax(scores, dim=-1) @ v
        return self.out(y.transpose(1, 2).contiguous().view(b, t, c))


class Block(nn.Module):
    def __init__(self, width, heads, causal):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads, causal)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(),
                                 nn.Linear(4 * width, width), nn.Dropout(0.1))

    def forward(self, x, mask: Optional[Tensor] = None):
        x = x + self.attention(self.norm1(x), mask)
        return x + self.mlp(self.norm2(x))


class GPT(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens, self.places = nn.Embedding(40, 24), nn.Embedding(32, 24)
        self.blocks = nn.ModuleList([Block(24, 3, True) for _ in range(2)])
        self.norm = nn.LayerNorm(24)
        self.head = nn.Linear(24, 40, bias=False)
        self.head.weight = self.tokens.weight  # tied

    def forward(self, x):
        place = torch.arange(0, x.size(1), dtype=torch.long, device=x.device)
        h = self.tokens(x) + self.places(place)
        for block in self.blocks:
            h = block(h)
        return self.head(self.norm(h))[:, [-1], :]


class BERT(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(40, 24, padding_idx=0)
        self.places, self.kinds = nn.Embedding(32, 24), nn.Embedding(2, 24)
        self.register_buffer("position_ids", torch.arange(32).expand((1, -1)))
        self.norm = nn.LayerNorm(24, eps=1e-12)
        self.blocks = nn.ModuleList([Block(24, 4, False) for _ in range(2)])
        self.pooler = nn.Linear(24, 24)

    def forward(self, x, mask, kinds):
        h = self.words(x) + self.kinds(kinds)
        h = self.norm(h + self.places(self.position_ids[:, :x.shape[1]]))
        for block in self.blocks:
            h = block(h, mask)
        return {"last": h, "pooled": torch.tanh(self.pooler(h[:, 0]))}


class RMSNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        kept = x.dtype
        x = x.float()
        x = x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6)
        return self.weight * x.to(kept)


def rotate_half(x):
    a, b = x.chunk(2, dim=-1)
    return torch.cat((-b, a), dim=-1)


class Llama(nn.Module):
    """Rotary positions, grouped keys, RMSNorm and a gated MLP."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(40, 32)
        self.q, self.o = nn.Linear(32, 32, bias=False), nn.Linear(32, 32, bias=False)
        self.k, self.v = nn.Linear(32, 16, bias=False), nn.Linear(32, 16, bias=False)
        self.gate, self.up = nn.Linear(32, 48, bias=False), nn.Linear(32, 48, bias=False)
        self.down = nn.Linear(48, 32, bias=False)
        self.norm1, self.norm2, self.norm = RMSNorm(32), RMSNorm(32), RMSNorm(32)
        self.register_buffer("inv_freq", 1.0 / (10000 ** (torch.arange(0, 8, 2) / 8.0)))

    def forward(self, x):
        b, t = x.shape
        h = self.embed(x)
        n = self.norm1(h)
        q = self.q(n).view(b, t, 4, 8).transpose(1, 2)
        k = self.k(n).view(b, t, 2, 8).transpose(1, 2)
        v = self.v(n).view(b, t, 2, 8).transpose(1, 2)
        angle = torch.outer(torch.arange(t, device=x.device).float(), self.inv_freq)
        angle = torch.cat((angle, angle), dim=-1)
        cos, sin = angle.cos()[None, None], angle.sin()[None, None]
        q = q * cos + rotate_half(q) * sin
        k = k * cos + rotate_half(k) * sin
        k = k[:, :, None].expand(b, 2, 2, t, 8).reshape(b, 4, t, 8)
        v = v.repeat_interleave(2, dim=1)
        mask = torch.full((t, t), float("-inf"), device=x.device).triu(1)
        p = torch.softmax(q @ k.transpose(2, 3) / math.sqrt(8.0) + mask, dim=-1)
        h = h + self.o((p @ v).transpose(1, 2).reshape(b, t, 32))
        n = self.norm2(h)
        h = h + self.down(F.silu(self.gate(n)) * self.up(n))
        return F.linear(self.norm(h), self.embed.weight)


class TopkExperts(nn.Module):
    def __init__(self):
        super().__init__()
        self.router = nn.Linear(12, 4, bias=False)
        self.experts = nn.ModuleList([nn.Sequential(nn.Linear(12, 20), nn.SiLU(),
                                                    nn.Linear(20, 12)) for _ in range(4)])

    def forward(self, x):
        weight, chosen = torch.topk(self.router(x).softmax(-1), 2, dim=-1)
        weight = weight / weight.sum(-1, keepdim=True)
        share = torch.zeros(x.size(0), 4).scatter_(1, chosen, weight)
        y = torch.zeros_like(x)
        for i, expert in enumerate(self.experts):
            y = y + share[:, i:i + 1] * expert(x)
        return y, chosen


class BatchedExperts(nn.Module):
    """All experts see all tokens; masks tell whom to hear, of the better group alone."""

    def __init__(self):
        super().__init__()
        self.router = nn.Linear(12, 4)
        self.up = nn.Parameter(torch.randn(4, 12, 20) / 4)
        self.bias = nn.Parameter(torch.randn(4, 20) / 4)
        self.down = nn.Parameter(torch.randn(4, 20, 12) / 4)

    def forward(self, x):
        tokens = x.reshape(-1, 12)
        scores = self.router(tokens).sigmoid()
        group = scores.view(-1, 2, 2).topk(2, dim=-1)[0].sum(-1).topk(1, dim=-1)[1]
        mask = torch.zeros(tokens.size(0), 2).scatter_(1, group, 1.0)
        mask = mask.unsqueeze(-1).expand(-1, 2, 2).reshape(-1, 4)
        weight, chosen = scores.masked_fill(mask == 0, 0.0).topk(2, dim=-1)
        weight = weight / weight.sum(-1, keepdim=True)
        share = torch.stack([((chosen == i) * weight).sum(-1) for i in range(4)])
        h = torch.bmm(tokens.repeat(4, 1).view(4, -1, 12), self.up) + self.bias[:, None]
        y = torch.bmm(F.silu(h) * share.unsqueeze(-1), self.down).sum(0)
        return y.view_as(x)


class WaveNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.enter = nn.Conv1d(1, 8, 1)
        self.filters = nn.ModuleList([nn.Conv1d(8, 8, 2, dilation=2 ** i) for i in range(4)])
        self.gates = nn.ModuleList([nn.Conv1d(8, 8, 2, dilation=2 ** i) for i in range(4)])
        self.mixes = nn.ModuleList([nn.Conv1d(8, 8, 1) for _ in range(4)])
        self.leave = nn.Conv1d(8, 16, 1)

    def forward(self, x):
        h = self.enter(x)
        skip = torch.zeros_like(h)
        for i, (f, g, m) in enumerate(zip(self.filters, self.gates, self.mixes)):
            past = F.pad(h, (2 ** i, 0))
            z = torch.tanh(f(past)) * torch.sigmoid(g(past))
            skip = skip + z
            h = h + m(z)
        return self.leave(F.relu(skip)), h


class ConvTasNet(nn.Module):
    """Speech on a 1-d signal: GLU, PReLU, GroupNorm(1), deconvolution."""

    def __init__(self):
        super().__init__()
        self.encode = nn.Conv1d(1, 16, 8, stride=4, bias=False)
        self.body = nn.Sequential(
            nn.Conv1d(16, 24, 1), nn.PReLU(), nn.GroupNorm(1, 24),
            nn.Conv1d(24, 24, 3, padding=2, dilation=2, groups=24), nn.PReLU(24),
            nn.GroupNorm(4, 24), nn.Conv1d(24, 32, 1), nn.GLU(dim=1))
        self.decode = nn.ConvTranspose1d(16, 1, 8, stride=4)

    def forward(self, x):
        w = F.relu(self.encode(x))
        return self.decode(w * torch.sigmoid(self.body(w)))


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.encode = nn.Sequential(nn.Conv2d(1, 8, 3, 2, 1), nn.LeakyReLU(0.2),
                                    nn.Conv2d(8, 16, 3, 2, 1), nn.ELU(), nn.Flatten())
        self.mu, self.logvar = nn.Linear(784, 6), nn.Linear(784, 6)
        self.grow = nn.Linear(6, 784)
        self.decode = nn.Sequential(nn.ConvTranspose2d(16, 8, 4, 2, 1), nn.ReLU(True),
                                    nn.ConvTranspose2d(8, 1, 4, 2, 1), nn.Sigmoid())

    def forward(self, x, eps):
        h = self.encode(x)
        mu, logvar = self.mu(h), self.logvar(h)
        z = mu + eps * torch.exp(0.5 * logvar)
        return self.decode(self.grow(z).view(-1, 16, 7, 7)), (mu, logvar)


class Siamese(nn.Module):
    def __init__(self):
        super().__init__()
        self.tower = nn.Sequential(nn.Conv2d(3, 6, 5), nn.MaxPool2d(2), nn.ReLU(),
                                   nn.Flatten(1), nn.Linear(6 * 36, 10))

    def forward(self, pair: Tuple[Tensor, Tensor]):
        a, b = F.normalize(self.tower(pair[0])), F.normalize(self.tower(pair[1]))
        return F.cosine_similarity(a, b), torch.norm(a - b, dim=1), F.pairwise_distance(a, b)


class SuperResolution(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 8, 5, padding=2, padding_mode="replicate"),
                                  nn.Tanh(), nn.Conv2d(8, 9, 3, padding="same",
                                                       padding_mode="reflect"),
                                  nn.PixelShuffle(3))

    def forward(self, x):
        up = F.interpolate(x, scale_factor=3.0, mode="bicubic", align_corners=False)
        return (self.body(x) + up).clamp(0.0, 1.0)


class SqueezeExcite(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(n, n // 2), nn.Linear(n // 2, n)

    def forward(self, x):
        b, c, _, _ = x.size()
        y = F.adaptive_avg_pool2d(x, 1).view(b, c)
        return x * torch.sigmoid(self.fc2(F.relu(self.fc1(y)))).view(b, c, 1, 1).expand_as(x)


class BilinearUNet(nn.Module):
    """Grows by bilinear upsampling and pads to the size of the skip connection."""

    def __init__(self):
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, bias=False),
                                  nn.BatchNorm2d(8), nn.ReLU(inplace=True), SqueezeExcite(8))
        self.deep = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1),
                                  nn.InstanceNorm2d(16, affine=True), nn.Mish())
        self.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
        self.join = nn.Conv2d(24, 4, 3, padding=1)

    def forward(self, x):
        a = self.down(x)
        b = self.up(self.deep(a))
        dy, dx = a.size(2) - b.size(2), a.size(3) - b.size(3)
        b = F.pad(b, [dx // 2, dx - dx // 2, dy // 2, dy - dy // 2])
        return self.join(torch.cat([a, b], dim=1))


class SliceAssignment(nn.Module):
    """Writes into parts of tensors: boxes, masks, a running buffer of frames."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 1)
        self.register_buffer("scale", torch.tensor([1.0, 2.0]))

    def forward(self, x):
        y = torch.zeros(x.shape[0], 4, x.shape[2] + 2, x.shape[3] + 2)
        y[:, :, 1:-1, 1:-1] = self.conv(x)
        y[:, 0, :, 0] = 1.0
        y[..., -1] *= 2
        y[:, 1:3, ::2, 3] += self.scale.view(2, 1)
        y[0].sub_(0.5)
        z = y.clone()
        z[z < 0] = 0
        left, right = z.chunk(2, dim=1)
        left.add_(right)
        return y, z


class DictInOut(nn.Module):
    def __init__(self):
        super().__init__()
        self.image, self.table = nn.Conv2d(3, 4, 3), nn.Linear(5, 4)

    def forward(self, batch: Dict[str, Tensor]):
        a = self.image(batch["image"]).mean(dim=[2, 3])
        b = self.table(batch["table"])
        return {"joint": a * b, "parts": torch.stack([a, b])}


class Pyramid(nn.Module):
    """Feature pyramid: nearest upsampling, additions, a list of maps of several scales."""

    def __init__(self):
        super().__init__()
        self.stages = nn.ModuleList([nn.Conv2d(3 if i == 0 else 8, 8, 3, 2, 1)
                                     for i in range(3)])
        self.sides = nn.ModuleList([nn.Conv2d(8, 6, 1) for _ in range(3)])
        self.boxes = nn.Conv2d(6, 8, 3, padding=1)

    def forward(self, x) -> List[Tensor]:
        maps: List[Tensor] = []
        for stage in self.stages:
            x = F.relu(stage(x))
            maps.append(x)
        out: List[Tensor] = []
        top: Optional[Tensor] = None
        n = len(maps)
        sides: List[Tensor] = []
        for i, side in enumerate(self.sides):
            sides.append(side(maps[i]))
        for i in range(n):
            here = sides[n - 1 - i]
            if top is not None:
                here = here + F.interpolate(top, size=here.shape[-2:], mode="nearest")
            top = here
            y = self.boxes(here)
            out.append(y.permute(0, 2, 3, 1).reshape(y.shape[0], -1, 4))
        return [torch.cat(out, 1), torch.cat(out, 1).max(-1)[0]]


class Tagger(nn.Module):
    """Words to LSTM to tags, then by hand a GRU cell per word; the last step attends."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(30, 8)
        self.rnn = nn.LSTM(8, 6, bidirectional=True, batch_first=True)
        self.cell = nn.GRUCell(12, 5)
        self.score = nn.Bilinear(5, 12, 3)

    def forward(self, x):
        h, (last, _) = self.rnn(self.embed(x))
        state = torch.zeros(x.size(0), 5)
        for i in range(h.size(1)):
            state = self.cell(h[:, i], state)
        both = torch.cat((last[-2], last[-1]), dim=1)
        return self.score(state, both), torch.einsum("bth,bh->bt", h, both)


class MixerVision(nn.Module):
    """Patches by unfold, mixing over tokens and over channels, a class by the mean."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(48, 20)
        self.tokens = nn.Sequential(nn.Linear(16, 24), nn.GELU(), nn.Linear(24, 16))
        self.channels = nn.Sequential(nn.Linear(20, 30), nn.Hardswish(), nn.Linear(30, 20))
        self.norm1, self.norm2 = nn.LayerNorm(20), nn.LayerNorm(20)
        self.head = nn.Linear(20, 10)

    def forward(self, x):
        p = x.unfold(2, 4, 4).unfold(3, 4, 4)
        p = p.permute(0, 2, 3, 1, 4, 5).flatten(3).flatten(1, 2)
        h = self.embed(p)
        h = h + self.tokens(self.norm1(h).transpose(1, 2)).transpose(1, 2)
        h = h + self.channels(self.norm2(h))
        return self.head(h.mean(dim=1))


class Graphs(nn.Module):
    """Message passing on an edge list: gather, scatter, a readout."""

    def __init__(self):
        super().__init__()
        self.message, self.update = nn.Linear(12, 8), nn.Linear(14, 6)

    def forward(self, x, edges):
        source, target = edges[0], edges[1]
        m = F.relu(self.message(torch.cat([x[source], x[target]], dim=-1)))
        total = torch.zeros(x.size(0), 8).index_add_(0, target, m)
        count = torch.zeros(x.size(0)).scatter_add_(0, target, torch.ones(target.size(0)))
        y = self.update(torch.cat([x, total / count.clamp(min=1).unsqueeze(-1)], dim=-1))
        return y, y.max(dim=0).values


def conv3d():
    return nn.Sequential(nn.Conv3d(1, 4, (3, 3, 2), padding=(1, 0, 1), bias=False),
                         nn.BatchNorm3d(4), nn.ReLU6(), nn.AvgPool3d(2, 2),
                         nn.ConvTranspose3d(4, 2, 2, stride=2), nn.AdaptiveMaxPool3d(2))


class NativeAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv, self.out = nn.Linear(16, 48), nn.Linear(16, 16)

    def forward(self, x, mask):
        q, k, v = self.qkv(x).unflatten(-1, (3, 2, 8)).permute(2, 0, 3, 1, 4).unbind(0)
        a = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        b = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=0.3)
        return self.out((a + b).transpose(1, 2).flatten(2))


ARCHITECTURES = {
    "decoder_masks": (DecoderWithMasks, (2, 6, 16), (2, 5, 16),
                      lambda: torch.tensor([[False] * 5, [False] * 3 + [True] * 2])),
    "translator": (Translator, ids(50, 2, 5), ids(50, 2, 4)),
    "gpt": (GPT, ids(40, 2, 9)),
    "bert": (BERT, ids(40, 2, 9), lambda: torch.tensor([[1.0] * 9, [1.0] * 6 + [0.0] * 3]),
             ids(2, 2, 9)),
    "llama": (Llama, ids(40, 2, 7)),
    "topk_experts": (TopkExperts, (5, 12)),
    "batched_experts": (BatchedExperts, (2, 5, 12)),
    "wavenet": (WaveNet, (2, 1, 32)),
    "conv_tasnet": (ConvTasNet, (2, 1, 64)),
    "vae": (VAE, (2, 1, 28, 28), (2, 6)),
    "siamese": (Siamese, lambda: (torch.rand(2, 3, 16, 16), torch.rand(2, 3, 16, 16))),
    "super_resolution": (SuperResolution, (1, 1, 9, 12)),
    "unet_bilinear": (BilinearUNet, (2, 3, 13, 18)),
    "slice_assignment": (SliceAssignment, (2, 4, 5, 6)),
    "dict_in_out": (DictInOut, lambda: {"image": torch.rand(2, 3, 8, 8),
                                        "table": torch.rand(2, 5)}),
    "pyramid": (Pyramid, (1, 3, 32, 40)),
    "tagger": (Tagger, ids(30, 3, 6)),
    "mixer": (MixerVision, (2, 3, 16, 16)),
    "graphs": (Graphs, (7, 6), ids(7, 2, 11)),
    "conv3d": (conv3d, (1, 1, 6, 8, 8)),
    "native_attention": (NativeAttention, (2, 6, 16), lambda: torch.rand(2, 1, 6, 6) > 0.3),
}
