"""The bytes of packages."""
import os


def bytes_of(package):
    found = {}
    for folder, _, files in os.walk(package):
        for file in files:
            with open(os.path.join(folder, file), "rb") as f:
                found[os.path.relpath(os.path.join(folder, file), package)] = f.read()
    return found


def stays(package, folder, convert):
    """Whether by way of .tdag the second package and the third are equal."""
    made = [package]
    for i in range(2):
        graph, to = [os.path.join(folder, "again%d.%s" % (i, e)) for e in ("tdag", "mlpackage")]
        convert(made[-1], graph)
        convert(graph, to)
        made.append(to)
    return bytes_of(made[1]) == bytes_of(made[2])
