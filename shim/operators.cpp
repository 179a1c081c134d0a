// Schemas, the operators that PyTorch has registered, and running or asking one of
// them.
#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/csrc/jit/runtime/operator.h>

#include "session.hpp"

namespace tdag_shim
{

namespace
{

using torch::jit::Operator;

const tdag_shim_schema *keep_operator(tdag_shim_session *session,
                                      std::shared_ptr<Operator> op)
{
    if (op == nullptr) return nullptr;
    session->operators.push_back(std::move(op));
    return schema_handle(&session->operators.back()->schema());
}

std::vector<std::shared_ptr<Operator>> overloads(const char *name)
{
    if (strstr(name, "::") == nullptr) return {};
    return torch::jit::getAllOperatorsFor(c10::Symbol::fromQualString(name));
}

const tdag_shim_schema *op_schema(tdag_shim_session *session, const char *name,
                                  const char *overload) noexcept
{
    using handle = const tdag_shim_schema *;
    return quiet<handle>(nullptr, [&]() -> handle {
        for (auto &op : overloads(name))
            if (op->schema().overload_name() == overload)
                return keep_operator(session, op);
        return nullptr;
    });
}

size_t op_n_overloads(const char *name) noexcept
{
    return quiet<size_t>(0, [&] { return overloads(name).size(); });
}

const tdag_shim_schema *op_overload(tdag_shim_session *session, const char *name,
                                    size_t i) noexcept
{
    using handle = const tdag_shim_schema *;
    return quiet<handle>(nullptr, [&]() -> handle {
        auto all = overloads(name);
        return i < all.size() ? keep_operator(session, all[i]) : nullptr;
    });
}

const char *schema_name(const tdag_shim_schema *schema) noexcept
{
    return schema_of(schema).name().c_str();
}

const char *schema_overload(const tdag_shim_schema *schema) noexcept
{
    return schema_of(schema).overload_name().c_str();
}

const char *schema_text(tdag_shim_session *session,
                        const tdag_shim_schema *schema) noexcept
{
    return quiet("",
                 [&] { return keep_text(session, c10::toString(schema_of(schema))); });
}

size_t schema_n_args(const tdag_shim_schema *schema) noexcept
{
    return schema_of(schema).arguments().size();
}

size_t schema_n_results(const tdag_shim_schema *schema) noexcept
{
    return schema_of(schema).returns().size();
}

bool schema_is_vararg(const tdag_shim_schema *schema) noexcept
{
    return schema_of(schema).is_vararg();
}

// The type as a text, a named tuple with its fields: "pkg.Point(x: Tensor)".
std::string with_fields(const c10::Type &type)
{
    const auto *tuple = type.castRaw<c10::TupleType>();
    const auto items = type.containedTypes();
    if (tuple == nullptr || tuple->schema() == nullptr) {
        std::string text = type.annotation_str();
        const size_t open = text.find('[');
        if (open == std::string::npos || items.empty()) return text;
        text.resize(open + 1);
        for (size_t i = 0; i < items.size(); i++)
            text += (i > 0 ? ", " : "") + with_fields(*items[i]);
        return text + "]";
    }
    std::string text = type.annotation_str() + "(";
    for (size_t i = 0; i < items.size(); i++)
        text += (i > 0 ? ", " : "") + tuple->schema()->arguments()[i].name() + ": " +
                with_fields(*items[i]);
    return text + ")";
}

void describe(tdag_shim_session *session, const std::vector<c10::Argument> &args,
              size_t i, tdag_shim_arg *out) noexcept
{
    *out = {"", "", false, false, false, nullptr};
    guard(nullptr, [&] {
        if (i >= args.size()) return;
        const c10::Argument &arg = args[i];
        tdag_shim_arg made = {"", "", false, false, false, nullptr};
        made.name = arg.name().c_str();
        made.type = keep_text(session, with_fields(*arg.type()));
        made.kwarg_only = arg.kwarg_only();
        made.is_written = arg.alias_info() != nullptr && arg.alias_info()->isWrite();
        made.has_default = arg.default_value().has_value();
        if (made.has_default) made.default_value = keep(session, *arg.default_value());
        *out = made;
    });
}

void schema_arg(tdag_shim_session *session, const tdag_shim_schema *schema, size_t i,
                tdag_shim_arg *out) noexcept
{
    describe(session, schema_of(schema).arguments(), i, out);
}

void schema_result(tdag_shim_session *session, const tdag_shim_schema *schema, size_t i,
                   tdag_shim_arg *out) noexcept
{
    describe(session, schema_of(schema).returns(), i, out);
}

// Calls an operator on its arguments and keeps its results.
void call(tdag_shim_session *session, const c10::FunctionSchema &s,
          torch::jit::Stack &stack, size_t n_outs, const tdag_shim_value **outs)
{
    const auto op = torch::jit::findOperatorFor(s.operator_name());
    TORCH_CHECK(op != nullptr, "no such operator: ", s.name());
    s.checkAndNormalizeInputs(stack, {});
    const at::NoGradGuard no_grad;
    op->getOperation()(stack);
    TORCH_CHECK(stack.size() == n_outs, s.name(), " gave ", stack.size(), " results");
    std::vector<const tdag_shim_value *> made;
    for (c10::IValue &v : stack)
        made.push_back(keep(session, std::move(v)));
    std::copy(made.begin(), made.end(), outs);
}

torch::jit::Stack arguments(const c10::FunctionSchema &s, size_t n,
                            const tdag_shim_value *const *args, size_t n_outs)
{
    TORCH_CHECK(n == s.arguments().size() && n_outs == s.returns().size(), s.name(),
                " takes ", s.arguments().size(), " arguments and gives ",
                s.returns().size(), " results");
    torch::jit::Stack stack;
    for (size_t i = 0; i < n; i++)
        stack.push_back(ivalue(args[i]));
    return stack;
}

int op_run(tdag_shim_session *session, const tdag_shim_schema *schema, size_t n,
           const tdag_shim_value *const *args, size_t n_outs,
           const tdag_shim_value **outs, tdag_shim_error *error) noexcept
{
    return guard(error, [&] {
        const c10::FunctionSchema &s = schema_of(schema);
        torch::jit::Stack stack = arguments(s, n, args, n_outs);
        call(session, s, stack, n_outs, outs);
    });
}

// ---- asking ----

bool is_meta(const c10::IValue &v)
{
    if (v.isTensor()) return v.toTensor().defined() && v.toTensor().is_meta();
    if (!v.isList()) return false;
    for (const c10::IValue &item : v.toListRef())
        if (is_meta(item)) return true;
    return false;
}

bool takes_device(const c10::Argument &arg)
{
    return arg.type()->str().find("Device") != std::string::npos;
}

// A kernel for meta tensors, or code that is made of calls of others: of PyTorch's own
// operators these are known to compute and do nothing else.
bool has_meta_kernel(const c10::FunctionSchema &s)
{
    using key = c10::DispatchKey;
    const auto op = c10::Dispatcher::singleton().findSchema(s.operator_name());
    if (!op.has_value() || s.name().compare(0, 6, "aten::") != 0) return false;
    return op->hasKernelForDispatchKey(key::Meta) ||
           op->hasKernelForDispatchKey(key::CompositeImplicitAutograd) ||
           op->hasKernelForDispatchKey(key::CompositeExplicitAutograd);
}

int op_ask(tdag_shim_session *session, const tdag_shim_schema *schema, size_t n,
           const tdag_shim_value *const *args, size_t n_outs,
           const tdag_shim_value **outs, tdag_shim_error *error) noexcept
{
    return guard(error, [&] {
        const c10::FunctionSchema &s = schema_of(schema);
        torch::jit::Stack stack = arguments(s, n, args, n_outs);
        bool has_text = false, has_tensor = false, has_device = false;
        for (size_t i = 0; i < n; i++) {
            has_text = has_text || stack[i].isString();
            has_tensor = has_tensor || is_meta(stack[i]);
            if (!takes_device(s.arguments()[i])) continue;
            stack[i] = c10::Device(c10::DeviceType::Meta);
            has_device = true;
        }
        TORCH_CHECK(has_tensor || (has_device && !has_text), s.name(),
                    " takes no tensor whose shape it could go by");
        TORCH_CHECK(has_meta_kernel(s), s.name(), " cannot be asked by shapes alone");
        call(session, s, stack, n_outs, outs);
    });
}

bool op_is_sized_by_data(const tdag_shim_schema *schema) noexcept
{
    return quiet(false, [&] {
        const auto op =
            c10::Dispatcher::singleton().findSchema(schema_of(schema).operator_name());
        return op.has_value() && op->hasTag(at::Tag::dynamic_output_shape);
    });
}

} // namespace

void add_operators(tdag_shim_api &api)
{
    api.op_schema = op_schema;
    api.op_n_overloads = op_n_overloads;
    api.op_overload = op_overload;
    api.schema_name = schema_name;
    api.schema_overload = schema_overload;
    api.schema_text = schema_text;
    api.schema_n_args = schema_n_args;
    api.schema_n_results = schema_n_results;
    api.schema_is_vararg = schema_is_vararg;
    api.schema_arg = schema_arg;
    api.schema_result = schema_result;
    api.op_run = op_run;
    api.op_ask = op_ask;
    api.op_is_sized_by_data = op_is_sized_by_data;
}

} // namespace tdag_shim
