"""Models of programs.py that decode step by step and keep what they have seen."""
import math
from typing import List, Optional, Tuple

import torch
from torch import nn
from torch.nn import functional as F

from programs import model, several


@model("f32[1,4]", several(5, 1, 4))
class GrowingCache(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("keys", torch.zeros(0, 4))
        self.register_buffer("values", torch.zeros(0, 6))
        self.q, self.k, self.v = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 6)

    def forward(self, x):
        self.keys = torch.cat([self.keys, self.k(x)])
        self.values = torch.cat([self.values, self.v(x)])
        return torch.softmax(self.q(x) @ self.keys.t(), -1) @ self.values


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x, keys, values):
        n, t, width = x.shape
        q, k, v = self.qkv(self.norm1(x)).chunk(3, -1)
        q = q.reshape(n, t, self.heads, -1).transpose(1, 2)
        k = k.reshape(n, t, self.heads, -1).transpose(1, 2)
        v = v.reshape(n, t, self.heads, -1).transpose(1, 2)
        keys, values = torch.cat([keys, k], 2), torch.cat([values, v], 2)
        scores = q @ keys.transpose(-1, -2) / math.sqrt(q.size(-1))
        at = torch.arange(keys.size(2))
        mask = at[None] <= at[-t:, None]
        y = torch.softmax(scores.masked_fill(~mask, -1e9), -1) @ values
        x = x + self.out(y.transpose(1, 2).reshape(n, t, width))
        return x + self.mlp(self.norm2(x)), keys, values


class GPT(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.position = nn.Embedding(13, 8), nn.Embedding(64, 8)
        self.block1, self.block2 = Block(8, 2), Block(8, 2)
        self.head = nn.Linear(8, 13, bias=False)

    def forward(self, ids, k1, v1, k2, v2):
        past = k1.size(2)
        at = torch.arange(past, past + ids.size(1))
        x = self.embed(ids) + self.position(at)
        x, k1, v1 = self.block1(x, k1, v1)
        x, k2, v2 = self.block2(x, k2, v2)
        return self.head(x[:, -1]), k1, v1, k2, v2


@model("i64[1,S=3]", [(torch.arange(k).reshape(1, -1),) for k in (1, 3, 6)])
class GreedyGPT(nn.Module):
    def __init__(self):
        super().__init__()
        self.gpt = GPT()

    def forward(self, ids):
        empty = torch.zeros(1, 2, 0, 4)
        scores, k1, v1, k2, v2 = self.gpt(ids, empty, empty, empty, empty)
        n = 0
        while n < 14:
            token = scores.argmax(-1, keepdim=True)
            ids = torch.cat([ids, token], 1)
            n += 1
            if bool(token[0, 0] == 7):
                break
            scores, k1, v1, k2, v2 = self.gpt(token, k1, v1, k2, v2)
        return ids, n


@model("i64[1,S=3] i64[]", [(torch.arange(k).reshape(1, -1), torch.tensor(n))
                            for k, n in ((1, 0), (3, 1), (2, 12))])
class GreedyCount(nn.Module):
    def __init__(self):
        super().__init__()
        self.gpt = GPT()

    def forward(self, ids, n: torch.Tensor):
        empty = torch.zeros(1, 2, 0, 4)
        scores, k1, v1, k2, v2 = self.gpt(ids, empty, empty, empty, empty)
        tokens = [ids[0, -1]]
        for _ in range(int(n)):
            token = scores.argmax(-1, keepdim=True)
            tokens.append(token[0, 0])
            scores, k1, v1, k2, v2 = self.gpt(token, k1, v1, k2, v2)
        return torch.stack(tokens), scores, k1


@model("i64[S=3]", [(torch.arange(k),) for k in (1, 3, 5)])
class BeamSearch(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.cell, self.out = nn.Embedding(11, 8), nn.GRUCell(8, 8), nn.Linear(8, 11)

    def forward(self, ids):
        h = torch.zeros(1, 8)
        for i in range(ids.size(0)):
            h = self.cell(self.embed(ids[i:i + 1]), h)
        logp = F.log_softmax(self.out(h), -1)[0]
        score, token = logp.topk(3)
        h = h.expand(3, 8)
        beams = token[:, None]
        done = token == 4
        n = 1
        while n < 12 and not bool(done.all()):
            h = self.cell(self.embed(beams[:, -1]), h)
            logp = F.log_softmax(self.out(h), -1)
            stay = torch.full((11,), -1e9)
            stay[4] = 0.0
            logp = torch.where(done[:, None], stay[None], logp)
            score, best = (score[:, None] + logp).reshape(-1).topk(3)
            row = best // 11
            token = best % 11
            beams = torch.cat([beams[row], token[:, None]], 1)
            h = h[row]
            done = done[row] | (token == 4)
            n += 1
        return beams, score, n


@model("f32[1,4]", several(4, 1, 4))
class FrameList(nn.Module):
    frames: List[torch.Tensor]

    def __init__(self):
        super().__init__()
        self.frames = []

    def forward(self, x):
        self.frames.append(torch.relu(x))
        return torch.cat(self.frames).sum(0), len(self.frames)


@model("f32[3]", several(4, 3))
class LossList(nn.Module):
    losses: List[float]

    def __init__(self):
        super().__init__()
        self.losses = [0.0]

    def forward(self, x):
        self.losses.append(float(x.sum()) + self.losses[-1])
        return torch.tensor(self.losses), len(self.losses)
