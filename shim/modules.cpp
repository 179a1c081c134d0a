// Sessions, loading, building, saving and running modules; the table itself; and the
// one line that an exception becomes.
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <istream>
#include <streambuf>

#include <ATen/Parallel.h>
#include <torch/csrc/jit/frontend/resolver.h>
#include <torch/csrc/jit/frontend/sugared_value.h>
#include <torch/csrc/jit/serialization/import.h>
#include <torch/version.h>

#include "session.hpp"
#include "types.hpp"

namespace tdag_shim
{

namespace
{

// The one line of what PyTorch says that tells the reason.
std::string reason_of(const char *text)
{
    // What the interpreter throws has the script's traceback first, the reason last.
    if (const char *last = strstr(text, "\nRuntimeError: "))
        text = strchr(last, ':') + 1;
    while (*text == '\n' || *text == ' ')
        text++;
    return std::string(text, strcspn(text, "\n"));
}

} // namespace

void report(tdag_shim_error *error, const char *text) noexcept
{
    if (error == nullptr) return;
    try {
        const std::string reason = reason_of(text);
        snprintf(error->message, sizeof error->message, "%s",
                 reason.empty() ? "PyTorch failed" : reason.c_str());
    } catch (...) {
        snprintf(error->message, sizeof error->message, "out of memory");
    }
}

namespace
{

using torch::jit::BuiltinModule;
using torch::jit::GraphFunction;
using torch::jit::Module;
using torch::jit::SourceRange;
using torch::jit::SugaredValue;

int set_threads(int n, tdag_shim_error *error) noexcept
{
    return guard(error, [&] {
        TORCH_CHECK(n >= 1, "the number of threads must be at least 1, not ", n);
        at::set_num_threads(n);
    });
}

int get_threads() noexcept
{
    return quiet(1, [] { return at::get_num_threads(); });
}

int session_create(tdag_shim_session **out, tdag_shim_error *error) noexcept
{
    return guard(error, [&] { *out = new tdag_shim_session; });
}

void session_free(tdag_shim_session *session) noexcept
{
    guard(nullptr, [&] { delete session; });
}

// torch::jit::load() with a sentence that names the file.
template <class Source> Module load(Source &source, const char *name)
{
    try {
        return torch::jit::load(source, at::Device(at::kCPU));
    } catch (const c10::Error &e) {
        std::string reason = reason_of(e.what_without_backtrace());
        reason.resize(std::min(reason.size(), reason.find(". "))); // advice follows
        TORCH_CHECK(false, "cannot load '", name, "' as TorchScript: ", reason);
    }
}

int module_load(tdag_shim_session *session, const char *path,
                const tdag_shim_value **out, tdag_shim_error *error) noexcept
{
    return guard(error, [&] {
        FILE *file = fopen(path, "rb");
        TORCH_CHECK(file != nullptr, "cannot open '", path, "': ", strerror(errno));
        fclose(file);
        const std::string name = path;
        Module module = load(name, path);
        module.eval();
        *out = keep(session, module._ivalue());
    });
}

// Bytes as a stream that can be read from any place.
struct bytes_buffer : std::streambuf {
    bytes_buffer(const void *data, size_t size)
    {
        char *begin = const_cast<char *>(static_cast<const char *>(data));
        setg(begin, begin, begin + size);
    }
    pos_type seekoff(off_type by, std::ios_base::seekdir from,
                     std::ios_base::openmode) override
    {
        char *base = from == std::ios_base::beg   ? eback()
                     : from == std::ios_base::cur ? gptr()
                                                  : egptr();
        if (by < eback() - base || by > egptr() - base) return pos_type(off_type(-1));
        setg(eback(), base + by, egptr());
        return gptr() - eback();
    }
    pos_type seekpos(pos_type at, std::ios_base::openmode which) override
    {
        return seekoff(off_type(at), std::ios_base::beg, which);
    }
};

int module_load_bytes(tdag_shim_session *session, const void *data, size_t size,
                      const char *name, const tdag_shim_value **out,
                      tdag_shim_error *error) noexcept
{
    return guard(error, [&] {
        bytes_buffer buffer(data, size);
        std::istream stream(&buffer);
        Module module = load(stream, name);
        module.eval();
        *out = keep(session, module._ivalue());
    });
}

Module module_of(const tdag_shim_value *value)
{
    TORCH_CHECK(ivalue(value).isModule(), "a value of type ",
                ivalue(value).type()->annotation_str(), " is no module");
    return ivalue(value).toModule();
}

int module_create(tdag_shim_session *session, const char *class_name,
                  const tdag_shim_value **out, tdag_shim_error *error) noexcept
{
    return guard(error, [&] {
        const Module module{c10::QualifiedName(class_name)};
        *out = keep(session, module._ivalue());
    });
}

int module_add_module(tdag_shim_session *session, const tdag_shim_value *parent,
                      const char *name, const char *class_name,
                      const tdag_shim_value **out, tdag_shim_error *error) noexcept
{
    return guard(error, [&] {
        Module owner = module_of(parent);
        const Module module(c10::QualifiedName(class_name),
                            owner._ivalue()->compilation_unit(), /*shouldMangle=*/true);
        const tdag_shim_value *made = keep(session, module._ivalue());
        owner.register_module(name, module);
        *out = made;
    });
}

int module_add_attr(tdag_shim_session *, const tdag_shim_value *module,
                    const char *name, tdag_shim_slot slot, const char *type,
                    const tdag_shim_value *value, tdag_shim_error *error) noexcept
{
    return guard(error, [&] {
        TORCH_CHECK(slot != TDAG_SHIM_SLOT_MODULE, "submodules need module_add_module");
        Module owner = module_of(module);
        TORCH_CHECK(!owner.hasattr(name), "there is an attribute '", name, "' already");
        owner.register_attribute(
            name, type != nullptr ? parse_type(type) : plain_type(ivalue(value)),
            ivalue(value), slot == TDAG_SHIM_SLOT_PARAMETER,
            slot == TDAG_SHIM_SLOT_BUFFER);
    });
}

// `ops`: its attributes are the namespaces of operators.
struct operator_namespaces : SugaredValue {
    std::string kind() const override { return "operator namespaces"; }
    std::shared_ptr<SugaredValue> attr(const SourceRange &, GraphFunction &,
                                       const std::string &field) override
    {
        return std::make_shared<BuiltinModule>(field);
    }
};

struct names : torch::jit::Resolver {
    std::shared_ptr<SugaredValue> resolveValue(const std::string &name,
                                               GraphFunction &method,
                                               const SourceRange &range) override
    {
        if (name == "torch") return std::make_shared<BuiltinModule>("aten");
        if (name == "ops") return std::make_shared<operator_namespaces>();
        const double inf = std::numeric_limits<double>::infinity();
        if (name == "inf") return constant(method, range, inf);
        if (name == "nan")
            return constant(method, range, std::numeric_limits<double>::quiet_NaN());
        return nullptr;
    }

  private:
    static std::shared_ptr<SugaredValue>
    constant(GraphFunction &method, const SourceRange &range, double value)
    {
        return std::make_shared<torch::jit::SimpleValue>(
            method.graph()->insertConstant(value, range));
    }
};

int module_define(tdag_shim_session *, const tdag_shim_value *module,
                  const char *source, tdag_shim_error *error) noexcept
{
    return guard(error,
                 [&] { module_of(module).define(source, std::make_shared<names>()); });
}

int module_save(tdag_shim_session *, const tdag_shim_value *module, const char *path,
                tdag_shim_error *error) noexcept
{
    return guard(error, [&] { module_of(module).save(path); });
}

// The value as the declared type has it: tuples that are named there get their names.
c10::IValue as_declared(const c10::IValue &v, const c10::TypePtr &type)
{
    if (const auto optional = type->cast<c10::OptionalType>())
        return v.isNone() ? v : as_declared(v, optional->getElementType());
    const auto tuple = type->cast<c10::TupleType>();
    const auto list = type->cast<c10::ListType>();
    if (tuple != nullptr && v.isTuple()) {
        std::vector<c10::IValue> items = v.toTupleRef().elements();
        for (size_t i = 0; i < items.size() && i < tuple->elements().size(); i++)
            items[i] = as_declared(items[i], tuple->elements()[i]);
        if (tuple->schema() == nullptr || items.size() != tuple->elements().size())
            return c10::ivalue::Tuple::create(std::move(items));
        return c10::ivalue::Tuple::createNamed(std::move(items), tuple);
    }
    if (list != nullptr && v.isList() &&
        list->getElementType()->kind() == c10::TypeKind::TupleType) {
        c10::impl::GenericList items(list->getElementType());
        for (const c10::IValue &item : v.toListRef())
            items.push_back(as_declared(item, list->getElementType()));
        return items;
    }
    return v;
}

int method_run(tdag_shim_session *session, const tdag_shim_value *object,
               const char *method, size_t n, const tdag_shim_value *const *args,
               const char *const *names, const tdag_shim_value **out,
               tdag_shim_error *error) noexcept
{
    return guard(error, [&] {
        torch::jit::Function &function = method_of(object, method);
        torch::jit::Stack stack{ivalue(object)};
        std::unordered_map<std::string, c10::IValue> kwargs;
        const auto &declared = function.getSchema().arguments();
        for (size_t i = 0; i < n; i++) {
            if (names != nullptr && names[i] != nullptr)
                kwargs[names[i]] = ivalue(args[i]);
            else if (i + 1 < declared.size())
                stack.push_back(as_declared(ivalue(args[i]), declared[i + 1].type()));
            else
                stack.push_back(ivalue(args[i]));
        }
        const at::NoGradGuard no_grad;
        *out = keep(session, function(std::move(stack), kwargs));
    });
}

void add_modules(tdag_shim_api &api)
{
    api.abi = TDAG_SHIM_ABI;
    api.torch_version = TORCH_VERSION;
    api.torch_major = TORCH_VERSION_MAJOR;
    api.torch_minor = TORCH_VERSION_MINOR;
    api.set_threads = set_threads;
    api.get_threads = get_threads;
    api.session_create = session_create;
    api.session_free = session_free;
    api.module_load = module_load;
    api.module_load_bytes = module_load_bytes;
    api.module_create = module_create;
    api.module_add_module = module_add_module;
    api.module_add_attr = module_add_attr;
    api.module_define = module_define;
    api.module_save = module_save;
    api.method_run = method_run;
}

tdag_shim_api make_api() noexcept
{
    tdag_shim_api api = {};
    add_modules(api);
    add_values(api);
    add_tensors(api);
    add_graphs(api);
    add_operators(api);
    return api;
}

} // namespace

} // namespace tdag_shim

const tdag_shim_api *tdag_shim_get_api(uint32_t abi)
{
    static const tdag_shim_api api = tdag_shim::make_api();
    return abi == 0 || abi == TDAG_SHIM_ABI ? &api : nullptr;
}
