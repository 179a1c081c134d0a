// Tensors: what they are, the memory behind them, and making them from plain memory.
#include <ATen/ATen.h>

#include "session.hpp"

namespace tdag_shim
{

namespace
{

struct dtype_row {
    tdag_dtype code;
    at::ScalarType type;
};
constexpr dtype_row dtypes[] = {
    {TDAG_F64, at::kDouble},    {TDAG_F32, at::kFloat}, {TDAG_F16, at::kHalf},
    {TDAG_BF16, at::kBFloat16}, {TDAG_I64, at::kLong},  {TDAG_I32, at::kInt},
    {TDAG_I16, at::kShort},     {TDAG_I8, at::kChar},   {TDAG_U8, at::kByte},
    {TDAG_BOOL, at::kBool},
};

tdag_dtype code_of(at::ScalarType type)
{
    for (const dtype_row &row : dtypes)
        if (row.type == type) return row.code;
    return TDAG_DTYPE_NONE;
}

at::ScalarType type_of(tdag_dtype code)
{
    for (const dtype_row &row : dtypes)
        if (row.code == code) return row.type;
    TORCH_CHECK(false, "a bad dtype code: ", static_cast<int>(code));
}

const at::Tensor &tensor_of(const tdag_shim_value *value)
{
    TORCH_CHECK(ivalue(value).isTensor(), "a value of type ",
                ivalue(value).type()->annotation_str(), " is no tensor");
    return ivalue(value).toTensor();
}

tdag_shim_tensor describe(const at::Tensor &t)
{
    tdag_shim_tensor out = {};
    out.dtype_name = "undefined";
    if (!t.defined()) return out;
    const bool dense = t.layout() == at::kStrided;
    out.dtype = code_of(t.scalar_type());
    out.dtype_name = c10::toString(t.scalar_type());
    out.rank = static_cast<uint32_t>(t.dim());
    out.sizes = t.sizes().data();
    out.strides = dense ? t.strides().data() : nullptr;
    out.count = t.numel();
    out.is_dense = dense;
    out.is_cpu = t.is_cpu();
    out.is_quantized = t.is_quantized();
    out.is_complex = t.is_complex();
    out.requires_grad = t.requires_grad();
    out.is_contiguous = dense && t.is_contiguous() && !t.is_conj() && !t.is_neg();
    if (dense && t.is_cpu() && t.has_storage()) {
        out.data = t.numel() > 0 ? t.data_ptr() : nullptr;
        out.storage = t.storage().data();
        out.storage_offset = t.storage_offset();
        out.storage_size = t.storage().nbytes();
    }
    return out;
}

int tensor_get(const tdag_shim_value *value, tdag_shim_tensor *out,
               tdag_shim_error *error) noexcept
{
    return guard(error, [&] { *out = describe(tensor_of(value)); });
}

int tensor_contiguous(tdag_shim_session *session, const tdag_shim_value *value,
                      const tdag_shim_value **out, tdag_shim_error *error) noexcept
{
    return guard(error, [&] {
        const at::NoGradGuard no_grad;
        at::Tensor t = tensor_of(value);
        TORCH_CHECK(t.defined(), "the tensor is undefined");
        TORCH_CHECK(!t.is_quantized(), "a quantized tensor has no plain elements");
        if (t.layout() != at::kStrided) t = t.to_dense();
        t = t.cpu().resolve_conj().resolve_neg().contiguous();
        if (t.is_complex()) t = at::view_as_real(t); // pairs: one axis more
        *out = t.is_same(tensor_of(value)) ? value : keep(session, t);
    });
}

void *tensor_retain(const tdag_shim_value *value) noexcept
{
    return quiet<void *>(nullptr, [&] { return new at::Tensor(tensor_of(value)); });
}

void tensor_release(void *retained) noexcept
{
    delete static_cast<at::Tensor *>(retained);
}

// The caller's elements as a tensor. Only an armed owner calls release: until
// make_tensor has succeeded, the elements are still the caller's.
struct owner {
    void (*release)(void *);
    void *user;
    bool armed = false;
    owner(void (*r)(void *), void *u) : release(r), user(u) {}
    owner(const owner &) = delete;
    owner &operator=(const owner &) = delete;
    ~owner()
    {
        if (armed) release(user);
    }
};

at::Tensor copied(const tdag_shim_tensor_spec &spec, at::IntArrayRef sizes)
{
    at::Tensor t = at::empty(sizes, at::TensorOptions(type_of(spec.dtype)));
    if (t.nbytes() > 0) memcpy(t.data_ptr(), spec.data, t.nbytes());
    return t;
}

at::Tensor in_place(tdag_shim_session *session, const tdag_shim_tensor_spec &spec,
                    at::IntArrayRef sizes)
{
    const at::ScalarType type = type_of(spec.dtype);
    at::Tensor &known = session->tensors[{spec.data, type, sizes.vec()}];
    if (known.defined()) {
        spec.release(spec.user);
        return known;
    }
    const auto holder = std::make_shared<owner>(spec.release, spec.user);
    void *data = const_cast<void *>(spec.data);
    // The deleter does nothing when called: it dies with the storage, and holder with
    // it.
    known = at::from_blob(
        data, sizes, [holder](void *) {}, at::TensorOptions(type));
    holder->armed = true;
    return known;
}

int make_tensor(tdag_shim_session *session, const tdag_shim_tensor_spec *spec,
                const tdag_shim_value **out, tdag_shim_error *error) noexcept
{
    return guard(error, [&] {
        const at::NoGradGuard no_grad;
        const at::IntArrayRef sizes(spec->sizes, spec->rank);
        const tdag_shim_value *slot = keep(session, c10::IValue());
        at::Tensor t = spec->release != nullptr && spec->data != nullptr
                           ? in_place(session, *spec, sizes)
                           : copied(*spec, sizes);
        if (spec->is_complex) t = at::view_as_complex(t);
        if (spec->requires_grad && t.is_floating_point()) t.set_requires_grad(true);
        *const_cast<c10::IValue *>(&ivalue(slot)) = t;
        *out = slot;
        if (spec->release != nullptr && spec->data == nullptr)
            spec->release(spec->user);
    });
}

int make_meta(tdag_shim_session *session, const tdag_shim_tensor_spec *spec,
              const tdag_shim_value **out, tdag_shim_error *error) noexcept
{
    return guard(error, [&] {
        const at::IntArrayRef sizes(spec->sizes, spec->rank);
        const auto options =
            at::TensorOptions(type_of(spec->dtype)).device(c10::DeviceType::Meta);
        *out = keep(session, at::empty(sizes, options));
    });
}

} // namespace

void add_tensors(tdag_shim_api &api)
{
    api.tensor_get = tensor_get;
    api.tensor_contiguous = tensor_contiguous;
    api.tensor_retain = tensor_retain;
    api.tensor_release = tensor_release;
    api.make_tensor = make_tensor;
    api.make_meta = make_meta;
}

} // namespace tdag_shim
