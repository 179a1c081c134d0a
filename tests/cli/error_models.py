#!/usr/bin/env python3
"""Files that tdag must refuse or keep opaque: error_models.py FOLDER."""
import os
import sys
import warnings

import torch
from torch import nn

warnings.filterwarnings("ignore")


class Strange(nn.Module):
    """Operators that are refused, in modules of their own."""

    class Rounds(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("step", torch.full((4,), 0.25))
            self.register_buffer("zero", torch.zeros(4, dtype=torch.int32))

        def forward(self, x):
            y = torch.fake_quantize_per_tensor_affine(x, 0.5, 0, -4, 4)
            return y + torch.fake_quantize_per_channel_affine(x, self.step, self.zero, 0, -4, 4)

    class Again(nn.Module):
        def forward(self, x):
            return torch.fake_quantize_per_tensor_affine(x, 0.25, 0, -8, 8)

    def __init__(self):
        super().__init__()
        self.wave, self.solve = self.Rounds(), self.Again()
        self.scale = nn.Parameter(torch.full((4, 4), 0.5))

    def forward(self, x):
        return self.solve(self.wave(x * self.scale)) @ x


class Pair(nn.Module):
    """An opaque operator of two results."""

    def forward(self, x):
        values, vectors = torch.linalg.eigh(x @ x.t())
        return vectors * values, torch.relu(vectors)


class Keep(nn.Module):
    """An opaque operator on a batch."""

    def forward(self, x):
        return torch.fake_quantize_per_tensor_affine(x, 0.5, 0, -4, 4)


class Mixed(nn.Module):
    """Numbers, strings, lists, named arguments and results that are not used."""

    def forward(self, x):
        x = x @ x.t()
        values, vectors = torch.linalg.eigh(x, UPLO="U")
        y = torch.fake_quantize_per_tensor_affine(x, 0.25, 0, -8, 8)
        z = nn.functional.fractional_max_pool2d(x.reshape(1, 1, 4, 4), (2, 2), output_size=(2, 2),
                                                _random_samples=x.new_full((1, 1, 2), 0.25))
        factors, pivots = torch.linalg.ldl_factor(y, hermitian=True)
        return vectors, factors, z


class Lookup(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(5, 3)

    def forward(self, index):
        return self.table(index)


class Branch(nn.Module):
    def forward(self, x):
        if bool(x.sum() > 0):
            return x + 1
        return x - 1


class Sized(nn.Module):
    def forward(self, x):
        if x.size(0) > 2:
            return x + 1
        return x


class Decided(nn.Module):
    def forward(self, x):
        assert x.size(0) != 3
        if x.size(0) * 2 >= x.size(0):
            return x + 1
        return x


class Loop(nn.Module):
    def forward(self, x):
        for i in range(x.size(0)):
            x = x + i
        return x


class Sorted(nn.Module):
    def forward(self, x):
        sizes = [x.size(0), 3]
        sizes.sort()
        return x.unsqueeze(0).expand(sizes[0], x.size(0))


class Listed(nn.Module):
    """As many pieces as the size says."""

    def forward(self, x):
        y = x.sum()
        for part in x.split(3):
            y = y * part.sum()
        return y


class Kernel(nn.Module):
    def forward(self, x):
        return torch.conv1d(x[None, None], x[None, None])


class Ordered(nn.Module):
    """The order of these is the same at all sizes."""

    def forward(self, x):
        sizes = [x.size(0) + 2, x.size(0), 2 * x.size(0) + 2]
        sizes.sort(reverse=True)
        return x.unsqueeze(0).expand(sizes[2], x.size(0))


class Counted(nn.Module):
    def forward(self, x):
        return x + [4, x.size(0)].count(4)


class Numbered(nn.Module):
    def forward(self, x):
        return x + int(x.size(0) > 2)


class Texted(nn.Module):
    def forward(self, x):
        if "size " + str(x.size(0)) == "size 4":
            return x + 1
        return x


class Told(nn.Module):
    def forward(self, x):
        text = "size {}".format(x.size(0))
        print(text)
        assert x.size(0) > 1, text
        return x


class SetByData(nn.Module):
    def forward(self, x):
        d = {"a": x, "b": x * 2}
        d["a" if bool(x[0] > 0) else "b"] = x
        return d["a"]


class TextOfData(nn.Module):
    def forward(self, x):
        if str(int(x.sum())) == "2":
            return x + 1
        return x


class Chosen(nn.Module):
    def forward(self, x):
        return x, "a" if bool(x[0] > 0) else "b"


class ManyPairs(nn.Module):
    def forward(self, x):
        pairs = [(x, x)]
        for i in range(int(x.sum())):
            pairs.append((x, x + i))
        return pairs


class Keyed(nn.Module):
    def forward(self, x):
        return x + {4: 1, 5: 2}[x.size(0)]


class Reshaped(nn.Module):
    """The first call unsqueezes the buffer, the second would do so again."""

    def __init__(self):
        super().__init__()
        self.register_buffer("table", torch.ones(4))

    def forward(self, x):
        return x + self.table.unsqueeze_(0)


class Scaled(nn.Module):
    def forward(self, x):
        return x * (float(x.size(0)) / 2.0)


def main():
    os.makedirs(sys.argv[1], exist_ok=True)
    os.chdir(sys.argv[1])
    torch.manual_seed(0)
    x = torch.rand(4, 4)
    with torch.no_grad():
        torch.jit.save(torch.jit.trace(Strange(), x), "strange.pt")
        torch.jit.save(torch.jit.trace(Pair(), x), "pair.pt")
        batch = torch.rand(2, 4, 4) + 9 * torch.eye(4)
        torch.jit.save(torch.jit.trace(Keep(), batch), "keep.pt")
        torch.jit.save(torch.jit.trace(Mixed(), x), "mixed.pt")
        torch.jit.save(torch.jit.trace(Lookup(), torch.tensor([1, 2])), "lookup.pt")
        for maker in (Branch, Sized, Decided, Loop, Scaled, Sorted, Ordered, Counted, Numbered,
                      Texted, Told, Keyed, Reshaped, SetByData, TextOfData, Chosen, ManyPairs,
                      Listed, Kernel):
            torch.jit.save(torch.jit.script(maker()), maker.__name__.lower() + ".pt")
        torch.jit.save(torch.jit.trace(nn.Conv2d(3, 8, 3), torch.rand(1, 3, 8, 8)),
                       "conv.pt")
    torch.save(nn.Linear(2, 3).state_dict(), "state.pt")
    torch.save(nn.Linear(2, 3).state_dict(), "old.pt",
               _use_new_zipfile_serialization=False)
    whole = open("conv.pt", "rb").read()
    for name, n in (("cut_head", 30), ("cut_half", len(whole) // 2),
                    ("cut_tail", len(whole) - 7)):
        open(name + ".pt", "wb").write(whole[:n])
    middle = bytearray(whole)
    for i in range(len(middle) // 3, len(middle) // 3 + 64):
        middle[i] ^= 0x5A
    open("flipped.pt", "wb").write(middle)
    open("empty.pt", "wb").close()
    open("words.pt", "w").write("this is no model\n")
    open("zip.pt", "wb").write(b"PK\5\6" + 18 * b"\0")
    os.makedirs("folder.pt", exist_ok=True)


if __name__ == "__main__":
    main()
