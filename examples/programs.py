"""The models of docs/programs.md, which stand in examples/programs: programs.py FOLDER"""
import os
import sys

import torch
from torch import Tensor, nn


class Decoder(nn.Module):
    """Writes tokens until it writes token 0, or `most` of them."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(16, 8)
        self.qkv = nn.Linear(8, 24)
        self.head = nn.Linear(8, 16)

    def forward(self, prompt: Tensor, most: Tensor):
        x = self.embed(prompt)
        q, k, v = self.qkv(x).chunk(3, 1)
        token = self.attend(q[-1:], k, v)
        tokens = token
        while bool(token != 0) and tokens.size(0) < int(most):
            q, new_k, new_v = self.qkv(self.embed(token)).chunk(3, 1)
            k, v = torch.cat([k, new_k]), torch.cat([v, new_v])
            token = self.attend(q, k, v)
            tokens = torch.cat([tokens, token])
        return tokens

    def attend(self, q: Tensor, k: Tensor, v: Tensor):
        weights = torch.softmax(q @ k.t() / 8**0.5, 1)
        return self.head(weights @ v).argmax(1)


class EarlyExit(nn.Module):
    """Answers after its first half where that is sure of itself."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(8, 32)
        self.early = nn.Linear(32, 4)
        self.second = nn.Linear(32, 32)
        self.late = nn.Linear(32, 4)

    def forward(self, x: Tensor):
        x = torch.relu(self.first(x))
        p = torch.softmax(self.early(x), 1)
        if bool(p.amax(1).min() > 0.4):
            return p
        return torch.softmax(self.late(torch.relu(self.second(x))), 1)


def main(folder):
    torch.manual_seed(0)
    os.makedirs(folder, exist_ok=True)
    torch.jit.script(Decoder().eval()).save(os.path.join(folder, "decoder.pt"))
    torch.jit.script(EarlyExit().eval()).save(os.path.join(folder, "early_exit.pt"))
    lstm = torch.jit.trace(nn.LSTM(4, 8).eval(), torch.rand(16, 2, 4))
    lstm.save(os.path.join(folder, "lstm.pt"))


main(*sys.argv[1:])
