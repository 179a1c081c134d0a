"""Flexible shapes, images, state for torch_cases.py."""


def write(writer, pattern):
    pass
