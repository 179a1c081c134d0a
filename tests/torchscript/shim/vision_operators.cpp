// The operators of torchvision without which it cannot be imported, for a PyTorch that
// its wheel's compiled ones were not built for: a library to be named by --ops. nms
// works, what the others need is only that they have a schema.
#include <ATen/ATen.h>
#include <torch/library.h>

#include <algorithm>
#include <vector>

namespace
{

struct box {
    float x0, y0, x1, y1;
    float area() const { return (x1 - x0) * (y1 - y0); }
};

float overlap(const box &a, const box &b)
{
    float w = std::min(a.x1, b.x1) - std::max(a.x0, b.x0);
    float h = std::min(a.y1, b.y1) - std::max(a.y0, b.y0);
    float common = std::max(w, 0.0f) * std::max(h, 0.0f);
    return common / (a.area() + b.area() - common);
}

at::Tensor nms(const at::Tensor &boxes, const at::Tensor &scores, double threshold)
{
    at::Tensor order = scores.argsort(true, 0, true);
    at::Tensor sorted = boxes.index_select(0, order).to(at::kFloat).contiguous();
    const float *at = sorted.data_ptr<float>();
    std::vector<box> kept;
    at::Tensor is_kept = at::zeros({sorted.size(0)}, at::kBool);
    for (int64_t i = 0; i < sorted.size(0); i++, at += 4) {
        box b = {at[0], at[1], at[2], at[3]};
        if (std::any_of(kept.begin(), kept.end(),
                        [&](const box &k) { return overlap(k, b) > threshold; }))
            continue;
        kept.push_back(b);
        is_kept.data_ptr<bool>()[i] = true;
    }
    return order.masked_select(is_kept);
}

} // namespace

TORCH_LIBRARY(torchvision, library)
{
    library.def("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor");
    library.def("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor");
    library.def("roi_align(Tensor input, Tensor rois, float spatial_scale, "
                "SymInt pooled_height, SymInt pooled_width, int sampling_ratio, "
                "bool aligned) -> Tensor");
    library.def("box_iou_rotated(Tensor boxes1, Tensor boxes2) -> Tensor");
    library.def("roi_pool(Tensor input, Tensor rois, float spatial_scale, "
                "SymInt pooled_height, SymInt pooled_width) -> (Tensor, Tensor)");
}

TORCH_LIBRARY_IMPL(torchvision, CPU, library) { library.impl("nms", nms); }
