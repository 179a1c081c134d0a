"""What torch.export makes of a .pt2 file that tdag wrote, for tests."""
import logging
import os
import sys
import warnings

import torch

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "torchscript")]
import bounds  # noqa: E402
import commands  # noqa: E402

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)
# The layout that is written is loaded from 2.9 on.
LOADS = tuple(int(v) for v in torch.__version__.split(".")[:2]) >= (2, 9)


class Failed(Exception):
    pass


def flat(result):
    if isinstance(result, torch.Tensor):
        return [result]
    if isinstance(result, dict):
        result = result.values()
    elif not isinstance(result, (list, tuple)):
        return []
    return [t for item in result for t in flat(item)]


def arguments(program, tensors):
    """The tensors in order, as the program's arguments."""
    from torch.export.graph_signature import ConstantArgument, InputKind
    from torch.utils import _pytree as pytree
    left = iter(tensors)
    leaves = [spec.arg.value if isinstance(spec.arg, ConstantArgument) else next(left)
              for spec in program.graph_signature.input_specs
              if spec.kind == InputKind.USER_INPUT]
    return pytree.tree_unflatten(leaves, program.call_spec.in_spec)


def compare(what, got, want, bound=bounds.network):
    if len(got) != len(want):
        raise Failed("%s: %d results, not %d" % (what, len(got), len(want)))
    for i, (g, w) in enumerate(zip(got, want)):
        wrong = bound(g, w)
        if wrong:
            raise Failed("%s: out%d %s" % (what, i, wrong))


def run(program, tensors):
    args, named = arguments(program, tensors)
    with torch.no_grad():
        return flat(program.module()(*args, **named))


def check_state(program, state):
    """Parameters and buffers by name, to the bit."""
    have = program.state_dict
    if sorted(have) != sorted(state):
        raise Failed("state_dict() has other keys: %s" % sorted(set(have) ^ set(state))[:10])
    for key, value in state.items():
        if have[key].dtype != value.dtype or not torch.equal(have[key], value):
            raise Failed("state_dict()[%r] differs" % key)


def load(path):
    try:
        return torch.export.load(path)
    except Exception as e:
        raise Failed("torch.export.load: %s" % (e.__cause__ or e))


def check(path, tensors, want, state):
    """The program computes `want` of the flat inputs: as it is, decomposed, and as the
    modules that its nodes name; and it has that state."""
    program = load(path)
    check_state(program, state)
    compare("the program", run(program, tensors), want)
    compare("decomposed", run(program.run_decompositions(), tensors), want)
    args, named = arguments(program, tensors)
    with torch.no_grad():
        compare("as modules", flat(torch.export.unflatten(program)(*args, **named)), want)
    return program
