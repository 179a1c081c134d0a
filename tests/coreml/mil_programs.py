"""Programs of several operators for mil_cases.py."""


def write(folder, pattern):
    return []
