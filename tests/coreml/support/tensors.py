"""safetensors files in numpy."""
import json
import struct

import numpy as np

DTYPES = {"float32": "F32", "float16": "F16", "int32": "I32", "int8": "I8", "uint8": "U8",
          "int16": "I16", "uint16": "U16", "int64": "I64", "bool": "BOOL", "float64": "F64"}


def save(path, tensors):
    header, blobs, at = {}, [], 0
    for name, array in tensors.items():
        array = np.asarray(array)
        data = array.tobytes()
        header[name] = {"dtype": DTYPES[array.dtype.name], "shape": list(array.shape),
                        "data_offsets": [at, at + len(data)]}
        blobs.append(data)
        at += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def load(path):
    kinds = {short: name for name, short in DTYPES.items()}
    with open(path, "rb") as f:
        data = f.read()
    size, = struct.unpack("<Q", data[:8])
    tensors = {}
    for name, row in json.loads(data[8:8 + size]).items():
        if name != "__metadata__":
            begin, end = (8 + size + at for at in row["data_offsets"])
            tensors[name] = np.frombuffer(data[begin:end], kinds[row["dtype"]]) \
                .reshape(row["shape"])
    return tensors
