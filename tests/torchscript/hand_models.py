"""Traces the small models that test_hand_counts.c counts by hand: hand_models.py FOLDER"""
import os
import sys

import torch
from torch import nn


class Convolutions(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.pool = nn.MaxPool2d(2)

    def forward(self, x):
        return self.pool(torch.relu(self.norm(self.conv(x))))


class Attention(nn.Module):
    """One head, written out, with a residual."""

    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(8)
        self.q, self.k, self.v = nn.Linear(8, 6), nn.Linear(8, 6), nn.Linear(8, 4)
        self.out = nn.Linear(4, 8)

    def forward(self, x):
        y = self.norm(x)
        scores = (self.q(y) * 0.5) @ self.k(y).transpose(1, 2)
        return x + self.out(torch.softmax(scores, -1) @ self.v(y))


def main(folder):
    os.makedirs(folder, exist_ok=True)
    torch.manual_seed(0)
    for name, model, shape in (("convolutions", Convolutions(), (2, 3, 9, 10)),
                               ("attention", Attention(), (2, 5, 8))):
        traced = torch.jit.trace(model.eval(), torch.randn(shape))
        traced.save(os.path.join(folder, name + ".pt"))


main(sys.argv[1])
