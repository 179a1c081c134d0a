"""More cases of import_cases.py: operators by family, several attributes each."""
import math

import torch

NN = "torch.nn.functional."
REDUCTIONS = ("mean", "sum", "none")


def add(case, F, P, U, I, B, SPECIAL):
    losses(case, F, P, U, I, B)


def losses(case, F, P, U, I, B):
    for r in REDUCTIONS:
        for f in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "soft_margin_loss"):
            case("%s%s(x, y, reduction='%s')" % (NN, f, r), F(3, 4), F(3, 4))
        case("%skl_div(x, y, reduction='%s')" % (NN, r), F(3, 4), P(3, 4))
        case("%sbinary_cross_entropy(x, y, reduction='%s')" % (NN, r), P(3, 4) / 1.2,
             P(3, 4) / 1.2)
        case("%sbinary_cross_entropy_with_logits(x, y, reduction='%s')" % (NN, r),
             F(3, 4) * 20, P(3, 4) / 1.2)
        case("%spoisson_nll_loss(x, y, reduction='%s')" % (NN, r), F(3, 4), P(3, 4) * 5)
        case("%smargin_ranking_loss(x, y, z, 0.3, reduction='%s')" % (NN, r), F(4), F(4),
             I(4, low=0, high=2) * 2 - 1)
        case("%shinge_embedding_loss(x, y, 0.7, reduction='%s')" % (NN, r), F(3, 4),
             I(3, 4, low=-1, high=2))
        case("%scosine_embedding_loss(x, y, z, 0.2, reduction='%s')" % (NN, r), F(4, 5),
             F(4, 5), I(4, low=0, high=2) * 2 - 1)
        case("%striplet_margin_loss(x, y, z, 1.2, 2.0, 1e-6, False, reduction='%s')" % (NN, r),
             F(4, 5), F(4, 5), F(4, 5))
        case("%smulti_margin_loss(x, y, reduction='%s')" % (NN, r), F(4, 5),
             I(4, low=0, high=5))
        case("%smultilabel_margin_loss(x, y, reduction='%s')" % (NN, r), F(2, 4),
             torch.tensor([[3, 0, -1, 1], [2, -1, 0, 3]]))
        for shape in ((5,), (4, 5), (2, 5, 3), (2, 5, 3, 2)):
            target = I(*(shape[:1] + shape[2:] if len(shape) > 1 else ()), low=0, high=5)
            case("%snll_loss(x, y, reduction='%s')" % (NN, r), F(*shape), target)
            case("%scross_entropy(x, y, reduction='%s')" % (NN, r), F(*shape), target)
            case("%scross_entropy(x, y, z, ignore_index=1, reduction='%s')" % (NN, r),
                 F(*shape), target, P(5))
            case("%scross_entropy(x, y, reduction='%s', label_smoothing=0.2)" % (NN, r),
                 F(*shape), target)
            case("%scross_entropy(x, y, z, reduction='%s', label_smoothing=0.1)" % (NN, r),
                 F(*shape), F(*shape).softmax(-1), P(5))
    case("%ssmooth_l1_loss(x, y, beta=0.5)" % NN, F(3, 4), F(3, 4))
    case("%ssmooth_l1_loss(x, y, beta=0.0)" % NN, F(3, 4), F(3, 4))
    case("%shuber_loss(x, y, delta=0.5)" % NN, F(3, 4), F(3, 4))
    case("%smse_loss(x, y)" % NN, F(3, 4).half(), F(3, 4).half())
    case("%smse_loss(x, y)" % NN, F(0, 4), F(0, 4))
    case("%sl1_loss(x, y)" % NN, F(), F())
    case("%skl_div(x, y, log_target=True, reduction='batchmean')" % NN, F(3, 4), F(3, 4))
    case("%skl_div(x, y, reduction='none')" % NN, F(4), torch.tensor([0.0, 1.0, 0.5, math.nan]))
    case("%sbinary_cross_entropy(x, y, z)" % NN, torch.tensor([0.0, 1.0, 0.0, 1.0]),
         torch.tensor([0.0, 1.0, 1.0, 0.0]), P(4))
    case("%sbinary_cross_entropy_with_logits(x, y, z, pos_weight=w)" % NN, F(3, 4), P(3, 4),
         P(4), P(4))
    case("%spoisson_nll_loss(x, y, False, True)" % NN, P(3, 4), P(3, 4) * 5)
    case("%spoisson_nll_loss(x, y, True, True, reduction='none')" % NN, F(5),
         torch.tensor([0.0, 0.5, 1.0, 2.0, 9.0]))
    case("%scosine_embedding_loss(x, y, z)" % NN, F(5), F(5), torch.tensor(-1))
    case("%striplet_margin_loss(x, y, z, 0.5, 1.0, 1e-6, True)" % NN, F(4, 5), F(4, 5), F(4, 5))
    case("%smulti_margin_loss(x, y, 2, 0.5, z)" % NN, F(4, 5), I(4, low=0, high=5), P(5))
    case("%smulti_margin_loss(x, y)" % NN, F(5), torch.tensor(2))
    case("%smultilabel_margin_loss(x, y)" % NN, F(4), torch.tensor([3, 0, -1, 1]))
    case("%snll_loss(x, y, z, ignore_index=2)" % NN, F(4, 5), I(4, low=0, high=5), P(5))
    case("%snll_loss(x, y, ignore_index=2)" % NN, F(2, 5), torch.tensor([2, 2]))
    case("%scross_entropy(x, y, ignore_index=-100, label_smoothing=0.3)" % NN, F(3, 5),
         torch.tensor([0, -100, 4]))
