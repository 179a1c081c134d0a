"""Language and speech models as they are usually written, of a size at which their kernels
take the time: what bench_export.py measures beside those of torchvision.
MODELS: name -> (maker, maker of an input, ...)."""
import math

import torch
import torch.nn.functional as F
from torch import nn

WIDTH, HEADS, LAYERS, WORDS, LENGTH = 256, 4, 4, 1000, 128


def heads_of(x, n):
    return x.view(x.shape[0], x.shape[1], n, -1).transpose(1, 2)


def joined(x):
    return x.transpose(1, 2).contiguous().view(x.shape[0], x.shape[2], -1)


class BertLayer(nn.Module):
    def __init__(self):
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(WIDTH, WIDTH) for _ in range(4))
        self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH, 1e-12), nn.LayerNorm(WIDTH, 1e-12)

    def forward(self, x, mask):
        q, k, v = (heads_of(f(x), HEADS) for f in (self.query, self.key, self.value))
        scores = torch.matmul(q, k.transpose(-1, -2)) / math.sqrt(q.shape[-1])
        p = F.softmax(scores + mask, dim=-1)
        x = self.norm1(self.out(joined(torch.matmul(p, v))) + x)
        return self.norm2(self.down(F.gelu(self.up(x))) + x)


class Bert(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.places = nn.Embedding(WORDS, WIDTH), nn.Embedding(LENGTH, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, 1e-12)
        self.layers = nn.ModuleList([BertLayer() for _ in range(LAYERS)])
        self.pooler = nn.Linear(WIDTH, WIDTH)
        self.register_buffer("ids", torch.arange(LENGTH)[None])

    def forward(self, x, seen):
        mask = (1.0 - seen[:, None, None, :].float()) * -10000.0
        h = self.norm(self.words(x) + self.places(self.ids[:, :x.shape[1]]))
        for layer in self.layers:
            h = layer(h, mask)
        return h, torch.tanh(self.pooler(h[:, 0]))


class GptLayer(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.register_buffer("seen", torch.tril(torch.ones(LENGTH, LENGTH))[None, None])

    def forward(self, x):
        n = x.shape[1]
        q, k, v = (heads_of(t, HEADS) for t in self.qkv(self.norm1(x)).split(WIDTH, dim=2))
        scores = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.shape[-1]))
        scores = scores.masked_fill(self.seen[:, :, :n, :n] == 0, float("-inf"))
        x = x + self.out(joined(F.softmax(scores, dim=-1) @ v))
        return x + self.down(F.gelu(self.up(self.norm2(x)), approximate="tanh"))


class Gpt(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.places = nn.Embedding(WORDS, WIDTH), nn.Embedding(LENGTH, WIDTH)
        self.layers = nn.ModuleList([GptLayer() for _ in range(LAYERS)])
        self.norm = nn.LayerNorm(WIDTH)

    def forward(self, x):
        h = self.words(x) + self.places(torch.arange(x.shape[1]))
        for layer in self.layers:
            h = layer(h)
        return F.linear(self.norm(h), self.words.weight)


class Rms(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(WIDTH))

    def forward(self, x):
        wide = x.float()
        wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + 1e-6)
        return self.weight * wide.type_as(x)


def turned(x):
    a, b = x[..., :x.shape[-1] // 2], x[..., x.shape[-1] // 2:]
    return torch.cat((-b, a), dim=-1)


class LlamaLayer(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.o = (nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(2))
        self.k, self.v = (nn.Linear(WIDTH, WIDTH // 2, bias=False) for _ in range(2))
        self.gate, self.up = (nn.Linear(WIDTH, 3 * WIDTH, bias=False) for _ in range(2))
        self.down = nn.Linear(3 * WIDTH, WIDTH, bias=False)
        self.norm1, self.norm2 = Rms(), Rms()

    def forward(self, x, cos, sin, mask):
        y = self.norm1(x)
        q, k, v = heads_of(self.q(y), HEADS), heads_of(self.k(y), 2), heads_of(self.v(y), 2)
        q, k = q * cos + turned(q) * sin, k * cos + turned(k) * sin
        b, n, t, e = k.shape
        k, v = (u[:, :, None].expand(b, n, 2, t, e).reshape(b, 2 * n, t, e) for u in (k, v))
        scores = torch.matmul(q, k.transpose(2, 3)) / math.sqrt(e) + mask
        p = F.softmax(scores, dim=-1, dtype=torch.float32).to(q.dtype)
        x = x + self.o(joined(torch.matmul(p, v)))
        y = self.norm2(x)
        return x + self.down(F.silu(self.gate(y)) * self.up(y))


class Llama(nn.Module):
    def __init__(self):
        super().__init__()
        size = WIDTH // HEADS
        self.words, self.norm = nn.Embedding(WORDS, WIDTH), Rms()
        self.layers = nn.ModuleList([LlamaLayer() for _ in range(LAYERS)])
        self.head = nn.Linear(WIDTH, WORDS, bias=False)
        self.register_buffer("speed", 1.0 / 10000 ** (torch.arange(0, size, 2) / size))

    def forward(self, x):
        t = x.shape[1]
        angle = torch.outer(torch.arange(t).float(), self.speed)
        angle = torch.cat((angle, angle), dim=-1)
        cos, sin = angle.cos()[None, None], angle.sin()[None, None]
        mask = torch.triu(torch.full((t, t), float("-inf")), diagonal=1)
        h = self.words(x)
        for layer in self.layers:
            h = layer(h, cos, sin, mask)
        return self.head(self.norm(h))


class T5Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(WIDTH, WIDTH, bias=False)
                                          for _ in range(4))

    def forward(self, x, memory, bias):
        q, k, v = (heads_of(f, HEADS) for f in (self.q(x), self.k(memory), self.v(memory)))
        scores = torch.matmul(q, k.transpose(3, 2))
        if bias is not None:
            scores = scores + bias
        return self.o(joined(torch.matmul(F.softmax(scores.float(), dim=-1).type_as(scores), v)))


class T5Layer(nn.Module):
    def __init__(self, crosses):
        super().__init__()
        self.attention, self.norm1, self.norm2 = T5Attention(), Rms(), Rms()
        self.cross, self.norm3 = (T5Attention(), Rms()) if crosses else (None, None)
        self.wi, self.wo = (nn.Linear(WIDTH, 4 * WIDTH, bias=False),
                            nn.Linear(4 * WIDTH, WIDTH, bias=False))

    def forward(self, x, bias, memory=None):
        y = self.norm1(x)
        x = x + self.attention(y, y, bias)
        if self.cross is not None:
            x = x + self.cross(self.norm3(x), memory, None)
        return x + self.wo(F.relu(self.wi(self.norm2(x))))


class T5(nn.Module):
    """Places by a table of biases for distances in 32 buckets."""

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(WORDS, WIDTH)
        self.distances, self.steps = nn.Embedding(32, HEADS), nn.Embedding(32, HEADS)
        self.encoder = nn.ModuleList([T5Layer(False) for _ in range(LAYERS // 2)])
        self.decoder = nn.ModuleList([T5Layer(True) for _ in range(LAYERS // 2)])
        self.norm1, self.norm2 = Rms(), Rms()

    def bias(self, table, n, both):
        far = torch.arange(n)[None] - torch.arange(n)[:, None]
        half = 16 if both else 32
        bucket = (far > 0).long() * half if both else torch.zeros_like(far)
        far = far.abs() if both else -torch.min(far, torch.zeros_like(far))
        exact = half // 2
        large = exact + (torch.log(far.float() / exact) / math.log(128 / exact)
                         * (half - exact)).long()
        large = torch.min(large, torch.full_like(large, half - 1))
        bucket = bucket + torch.where(far < exact, far, large)
        return table(bucket).permute(2, 0, 1)[None]

    def forward(self, source, target):
        h, bias = self.words(source), self.bias(self.distances, source.shape[1], True)
        for layer in self.encoder:
            h = layer(h, bias)
        memory, n = self.norm1(h), target.shape[1]
        hidden = (1.0 - torch.tril(torch.ones(n, n))) * -1e9
        h, bias = self.words(target), self.bias(self.steps, n, False) + hidden
        for layer in self.decoder:
            h = layer(h, bias, memory)
        return F.linear(self.norm2(h) * WIDTH ** -0.5, self.words.weight)


class ConformerLayer(nn.Module):
    def __init__(self):
        super().__init__()

        def feed():
            return nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 4 * WIDTH), nn.SiLU(),
                                 nn.Dropout(0.1), nn.Linear(4 * WIDTH, WIDTH), nn.Dropout(0.1))
        self.feed1, self.feed2 = feed(), feed()
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(WIDTH) for _ in range(3))
        self.attention = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
        self.enter, self.leave = nn.Conv1d(WIDTH, 2 * WIDTH, 1), nn.Conv1d(WIDTH, WIDTH, 1)
        self.depth = nn.Conv1d(WIDTH, WIDTH, 31, padding=15, groups=WIDTH)
        self.batch = nn.BatchNorm1d(WIDTH)

    def forward(self, x):
        x = x + 0.5 * self.feed1(x)
        y = self.norm1(x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        y = F.glu(self.enter(self.norm2(x).transpose(1, 2)), dim=1)
        y = self.leave(F.silu(self.batch(self.depth(y))))
        x = x + y.transpose(1, 2)
        return self.norm3(x + 0.5 * self.feed2(x))


class Conformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.sub = nn.Sequential(nn.Conv2d(1, 32, 3, 2), nn.ReLU(), nn.Conv2d(32, 32, 3, 2),
                                 nn.ReLU())
        self.enter = nn.Linear(32 * 19, WIDTH)
        self.layers = nn.ModuleList([ConformerLayer() for _ in range(LAYERS)])
        self.head = nn.Linear(WIDTH, 64)

    def forward(self, x):
        y = self.sub(x.unsqueeze(1))
        b, c, t, f = y.shape
        y = self.enter(y.transpose(1, 2).contiguous().view(b, t, c * f))
        for layer in self.layers:
            y = layer(y)
        return F.log_softmax(self.head(y), dim=-1)


def words():
    return torch.randint(0, WORDS, (1, LENGTH))


MODELS = {"bert": (Bert, words, lambda: torch.ones(1, LENGTH).long()), "gpt": (Gpt, words),
          "llama": (Llama, words), "t5": (T5, words, words),
          "conformer": (Conformer, lambda: torch.rand(1, 400, 80))}
