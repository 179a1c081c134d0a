// What the parts of the shim share: the session, which owns every handle that was given
// out, the casts between handles and PyTorch's classes, and guard(), through which
// every fallible function goes.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <unordered_set>
#include <vector>

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/runtime/operator.h>
#include <torch/version.h>

#include "tdag_shim.h"

struct tdag_shim_session {
    std::deque<c10::IValue> values; // a deque: handles are addresses of its elements
    std::vector<std::shared_ptr<torch::jit::Graph>> graphs;
    std::vector<std::shared_ptr<torch::jit::Operator>> operators;
    std::unordered_set<std::string> texts;
    std::map<std::tuple<const void *, at::ScalarType, std::vector<int64_t>>, at::Tensor>
        tensors; // those that were made in place, by where they are
};

namespace tdag_shim
{

// Writes what an exception says, as one line, into *error unless that is NULL.
void report(tdag_shim_error *error, const char *text) noexcept;

// PyTorch prints its warnings unless somebody takes them; a library does not print.
#if TORCH_VERSION_MAJOR >= 2
namespace warnings = c10::WarningUtils;
struct no_warnings : c10::WarningHandler {
    void process(const c10::Warning &) override {}
};
#else
namespace warnings = c10::Warning;
struct no_warnings : c10::WarningHandler {
    void process(const c10::SourceLocation &, const std::string &, bool) override {}
};
#endif

template <class Body> int guard(tdag_shim_error *error, Body &&body) noexcept
{
    no_warnings handler;
    const warnings::WarningHandlerGuard silent(&handler);
    try {
        body();
        return 0;
    } catch (const c10::Error &e) {
        report(error, e.what_without_backtrace());
    } catch (const std::exception &e) {
        report(error, e.what());
    } catch (...) {
        report(error, "an unknown C++ exception");
    }
    return -1;
}

// guard() for functions that cannot report: the fallback takes the error's place.
template <class Result, class Body> Result quiet(Result fallback, Body &&body) noexcept
{
    Result result = fallback;
    guard(nullptr, [&] { result = body(); });
    return result;
}

inline const c10::IValue &ivalue(const tdag_shim_value *value)
{
    return *reinterpret_cast<const c10::IValue *>(value);
}

inline const tdag_shim_value *keep(tdag_shim_session *session, c10::IValue value)
{
    session->values.push_back(std::move(value));
    return reinterpret_cast<const tdag_shim_value *>(&session->values.back());
}

inline const char *keep_text(tdag_shim_session *session, std::string text)
{
    return session->texts.insert(std::move(text)).first->c_str();
}

inline const tdag_shim_schema *schema_handle(const c10::FunctionSchema *schema)
{
    return reinterpret_cast<const tdag_shim_schema *>(schema);
}

inline const c10::FunctionSchema &schema_of(const tdag_shim_schema *schema)
{
    return *reinterpret_cast<const c10::FunctionSchema *>(schema);
}

// The class of an object, and one of its methods; both throw when there is none.
const c10::ClassTypePtr class_of(const tdag_shim_value *object);
torch::jit::Function &method_of(const tdag_shim_value *object, const char *name);

// Each part enters its functions.
void add_values(tdag_shim_api &api);
void add_tensors(tdag_shim_api &api);
void add_graphs(tdag_shim_api &api);
void add_operators(tdag_shim_api &api);

} // namespace tdag_shim
