"""Traces the model of the README: readme_model.py [readme_model.pt]

Needs PyTorch, any release from 1.13 on. The file beside this one was traced with 1.13, so
that newer releases can read it too."""
import os
import sys

import torch
from torch.nn import functional as F

SHAPE = (10, 20, 30, 48)


class ReadmeModel(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.to_add = torch.nn.Parameter(torch.ones(1))
        self.register_buffer("my_buffer", torch.ones(48) * 3)

    def forward(self, x):
        x = x + self.to_add
        x = x + self.my_buffer
        x = x - self.my_buffer
        x = x * self.my_buffer
        x = x / self.my_buffer
        windows = F.unfold(x, kernel_size=(2, 2), stride=3, padding=1)
        x = F.fold(windows, output_size=(30, 48), kernel_size=(2, 2), stride=3, padding=1)
        x = x[:, :10, 10:, 10:-10]            # 10, 10, 20, 28
        x = F.pad(x, (1, 1, 2, 0, 0, 2, 1, 1))  # 12, 12, 22, 30
        x = x.permute(1, 2, 3, 0)             # 12, 22, 30, 12
        x = x.sum(dim=(0, -1))                # 22, 30
        x = x.reshape(2, 11, 15, 2)
        x = x.unsqueeze(0).squeeze(0)
        return F.leaky_relu(torch.sin(torch.abs(-x)))


def main(path):
    model = ReadmeModel().eval()
    torch.manual_seed(0)
    traced = torch.jit.trace(model, torch.randn(SHAPE))
    traced.save(path)


if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))
    main(sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "readme_model.pt"))
