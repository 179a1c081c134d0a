"""Tables of docs/coreml.md that a script makes, between two lines of it."""
import sys


def keep(root, begin, end, want, how, words):
    """With how == "--write" the table becomes `want`, else it has to be that; `words` tell
    the script and its arguments."""
    path = root + "/docs/coreml.md"
    with open(path) as f:
        before, _, rest = f.read().partition(begin)
    is_there, _, after = rest.partition(end)
    if how == "--write":
        with open(path, "w") as f:
            f.write(before + begin + want + end + after)
    elif is_there != want:
        sys.exit("a table of docs/coreml.md is out of date: run %s --write" % " ".join(words))
