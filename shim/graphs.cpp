// Walking graphs. Handles of blocks, nodes and vars are PyTorch's own pointers: they
// live as long as the graph, which the session keeps.
#include <cctype>

#include <ATen/core/jit_type.h>
#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/ir/ir.h>

#include "session.hpp"
#include "types.hpp"

namespace tdag_shim
{

namespace
{

using torch::jit::AttributeKind;
using torch::jit::Block;
using torch::jit::Graph;
using torch::jit::Node;
using torch::jit::SourceRange;
using torch::jit::Symbol;
using torch::jit::Value;

// PyTorch's accessors are not all const; nothing here writes.
Block *block_of(const tdag_shim_block *block)
{
    return reinterpret_cast<Block *>(const_cast<tdag_shim_block *>(block));
}
Node *node_of(const tdag_shim_node *node)
{
    return reinterpret_cast<Node *>(const_cast<tdag_shim_node *>(node));
}
Value *var_of(const tdag_shim_var *var)
{
    return reinterpret_cast<Value *>(const_cast<tdag_shim_var *>(var));
}
const tdag_shim_block *handle(const Block *block)
{
    return reinterpret_cast<const tdag_shim_block *>(block);
}
const tdag_shim_node *handle(const Node *node)
{
    return reinterpret_cast<const tdag_shim_node *>(node);
}
const tdag_shim_var *handle(const Value *var)
{
    return reinterpret_cast<const tdag_shim_var *>(var);
}
const tdag_shim_graph *keep_graph(tdag_shim_session *session,
                                  std::shared_ptr<Graph> graph)
{
    session->graphs.push_back(std::move(graph));
    return reinterpret_cast<const tdag_shim_graph *>(session->graphs.back().get());
}

// The graph of a function as it was compiled, before any optimisation.
std::shared_ptr<Graph> graph_of(torch::jit::Function &function)
{
    torch::jit::GraphFunction *compiled = torch::jit::tryToGraphFunction(function);
    TORCH_CHECK(compiled != nullptr, "'", function.name(), "' is no TorchScript code");
    compiled->ensure_defined();
    return compiled->graph();
}

int method_graph(tdag_shim_session *session, const tdag_shim_value *object,
                 const char *method, const tdag_shim_graph **out,
                 tdag_shim_error *error) noexcept
{
    return guard(error, [&] {
        *out = keep_graph(session, graph_of(method_of(object, method)));
    });
}

int object_new(tdag_shim_session *session, const tdag_shim_node *node,
               const tdag_shim_value **out, tdag_shim_error *error) noexcept
{
    return guard(error, [&] {
        const auto type = node_of(node)->output(0)->type()->expect<c10::ClassType>();
        *out = keep(session, c10::ivalue::Object::create(
                                 c10::StrongTypePtr(type->compilation_unit(), type),
                                 type->numAttributes()));
    });
}

int method_schema(tdag_shim_session *, const tdag_shim_value *object,
                  const char *method, const tdag_shim_schema **out,
                  tdag_shim_error *error) noexcept
{
    return guard(error, [&] {
        torch::jit::Function &function = method_of(object, method);
        function.ensure_defined();
        *out = schema_handle(&function.getSchema());
    });
}

int var_function(tdag_shim_session *session, const tdag_shim_var *var,
                 const tdag_shim_graph **graph_out, const char **name_out,
                 tdag_shim_error *error) noexcept
{
    return guard(error, [&] {
        const auto type = var_of(var)->type()->cast<c10::FunctionType>();
        TORCH_CHECK(type != nullptr, "%", var_of(var)->debugName(), " is no function");
        const char *name = keep_text(session, type->function()->name());
        *graph_out = keep_graph(session, graph_of(*type->function()));
        *name_out = name;
    });
}

const tdag_shim_block *graph_block(const tdag_shim_graph *graph) noexcept
{
    auto *g = reinterpret_cast<Graph *>(const_cast<tdag_shim_graph *>(graph));
    return handle(g->block());
}

template <class Range> auto pick(Range &&range, size_t i)
{
    return i < range.size() ? handle(range[i]) : nullptr;
}

size_t block_n_inputs(const tdag_shim_block *block) noexcept
{
    return block_of(block)->inputs().size();
}

const tdag_shim_var *block_input(const tdag_shim_block *block, size_t i) noexcept
{
    return pick(block_of(block)->inputs(), i);
}

size_t block_n_outputs(const tdag_shim_block *block) noexcept
{
    return block_of(block)->outputs().size();
}

const tdag_shim_var *block_output(const tdag_shim_block *block, size_t i) noexcept
{
    return pick(block_of(block)->outputs(), i);
}

// The list of a block's nodes is a ring that is closed by its return node.
const tdag_shim_node *unless_end(const Node *node)
{
    return node == node->owningBlock()->return_node() ? nullptr : handle(node);
}

const tdag_shim_node *block_first(const tdag_shim_block *block) noexcept
{
    return unless_end(*block_of(block)->nodes().begin());
}

const tdag_shim_node *node_next(const tdag_shim_node *node) noexcept
{
    return unless_end(node_of(node)->next());
}

const char *node_kind(const tdag_shim_node *node) noexcept
{
    return node_of(node)->kind().toQualString();
}

size_t node_n_inputs(const tdag_shim_node *node) noexcept
{
    return node_of(node)->inputs().size();
}

const tdag_shim_var *node_input(const tdag_shim_node *node, size_t i) noexcept
{
    return pick(node_of(node)->inputs(), i);
}

size_t node_n_outputs(const tdag_shim_node *node) noexcept
{
    return node_of(node)->outputs().size();
}

const tdag_shim_var *node_output(const tdag_shim_node *node, size_t i) noexcept
{
    return pick(node_of(node)->outputs(), i);
}

// What a fork runs, which is its block here; else NULL.
const tdag_shim_block *forked(const Node *node)
{
    if (node->kind() != c10::prim::fork || !node->hasAttribute(c10::attr::Subgraph))
        return nullptr;
    return handle(node->g(c10::attr::Subgraph)->block());
}

size_t node_n_blocks(const tdag_shim_node *node) noexcept
{
    return forked(node_of(node)) != nullptr ? 1 : node_of(node)->blocks().size();
}

const tdag_shim_block *node_block(const tdag_shim_node *node, size_t i) noexcept
{
    const tdag_shim_block *block = i == 0 ? forked(node_of(node)) : nullptr;
    return block != nullptr ? block : pick(node_of(node)->blocks(), i);
}

const tdag_shim_schema *node_schema(tdag_shim_session *,
                                    const tdag_shim_node *node) noexcept
{
    using handle_type = const tdag_shim_schema *;
    return quiet<handle_type>(
        nullptr, [&] { return schema_handle(node_of(node)->maybeSchema()); });
}

std::string trimmed(const std::string &line)
{
    size_t begin = 0, end = line.size();
    while (begin < end && isspace(static_cast<unsigned char>(line[begin])))
        begin++;
    while (end > begin && isspace(static_cast<unsigned char>(line[end - 1])))
        end--;
    return line.substr(begin, end - begin);
}

// A tracer notes Python's stack as the source, one "path(line): function" per frame
// with the innermost first; "path:line" of such a frame, or "".
std::string frame_location(const std::string &frame)
{
    const size_t close = frame.find("): ");
    const size_t open = close == std::string::npos ? close : frame.rfind('(', close);
    if (open == std::string::npos || open + 1 == close) return "";
    for (size_t i = open + 1; i < close; i++)
        if (!isdigit(static_cast<unsigned char>(frame[i]))) return "";
    return frame.substr(0, open) + ":" + frame.substr(open + 1, close - open - 1);
}

// A range as "file:line" and as its text; either is "" when unknown. With a tracer's
// stack the location is that of the innermost frame, and the text is no code.
std::pair<std::string, std::string> place(const SourceRange &range)
{
    const auto &source = range.source();
    if (!source || source->size() == 0) return {};
    const size_t line = source->lineno_for_offset(range.start());
    std::string text = trimmed(source->get_line(line).str());
    std::string location = frame_location(text);
    if (!location.empty()) return {location, ""};
    if (const auto where = range.file_line_col()) {
        if (!std::get<0>(*where).empty())
            location = std::get<0>(*where) + ":" + std::to_string(std::get<1>(*where));
    }
    return {location, text};
}

void node_source(tdag_shim_session *session, const tdag_shim_node *node,
                 tdag_shim_source *out) noexcept
{
    *out = {"", ""};
    guard(nullptr, [&] {
        // The range is in the archive's code; where that came from says more, if known.
        const SourceRange range = node_of(node)->sourceRange();
        auto where = place(range);
        if (const auto original = range.findSourceRangeThatGenerated()) {
            const auto better = place(*original);
            if (!better.first.empty()) where.first = better.first;
            if (!better.second.empty()) where.second = better.second;
        }
        out->text = keep_text(session, where.second);
        out->location = keep_text(session, where.first);
    });
}

const char *node_scope(tdag_shim_session *session, const tdag_shim_node *node) noexcept
{
    return quiet("", [&] { return keep_text(session, node_of(node)->scopeName()); });
}

size_t node_n_attrs(const tdag_shim_node *node) noexcept
{
    return quiet<size_t>(0, [&] { return node_of(node)->numAttributes(); });
}

const char *node_attr_name(const tdag_shim_node *node, size_t i) noexcept
{
    return quiet("", [&] {
        const auto names = node_of(node)->attributeNames();
        return i < names.size() ? names[i].toUnqualString() : "";
    });
}

c10::IValue type_texts(const std::vector<c10::TypePtr> &types)
{
    c10::List<std::string> texts;
    for (const auto &type : types)
        texts.push_back(type->annotation_str());
    return texts;
}

const tdag_shim_value *attr_value(tdag_shim_session *session, Node *node, Symbol name)
{
    switch (node->kindOf(name)) {
    case AttributeKind::f:
        return keep(session, node->f(name));
    case AttributeKind::fs:
        return keep(session, node->fs(name));
    case AttributeKind::c:
        return keep(session, node->c(name));
    case AttributeKind::cs:
        return keep(session, node->cs(name));
    case AttributeKind::i:
        return keep(session, node->i(name));
    case AttributeKind::is:
        return keep(session, node->is(name));
    case AttributeKind::s:
        return keep(session, node->s(name));
    case AttributeKind::ss:
        return keep(session, node->ss(name));
    case AttributeKind::t:
        return keep(session, node->t(name));
    case AttributeKind::ts:
        return keep(session, node->ts(name));
    case AttributeKind::ty:
        return keep(session, node->ty(name)->annotation_str());
    case AttributeKind::tys:
        return keep(session, type_texts(node->tys(name)));
    case AttributeKind::ival:
        return keep(session, node->ival(name));
    default:
        return nullptr; // graphs
    }
}

const tdag_shim_value *node_attr(tdag_shim_session *session, const tdag_shim_node *node,
                                 const char *name) noexcept
{
    using handle_type = const tdag_shim_value *;
    return quiet<handle_type>(nullptr, [&]() -> handle_type {
        const Symbol symbol = Symbol::attr(name);
        if (!node_of(node)->hasAttribute(symbol)) return nullptr;
        return attr_value(session, node_of(node), symbol);
    });
}

uint64_t var_id(const tdag_shim_var *var) noexcept { return var_of(var)->unique(); }

const char *var_name(tdag_shim_session *session, const tdag_shim_var *var) noexcept
{
    return quiet("", [&] { return keep_text(session, var_of(var)->debugName()); });
}

const char *var_type(tdag_shim_session *session, const tdag_shim_var *var) noexcept
{
    return quiet(
        "", [&] { return keep_text(session, var_of(var)->type()->annotation_str()); });
}

const char *var_tuple_field(tdag_shim_session *session, const tdag_shim_var *var,
                            size_t i) noexcept
{
    return quiet<const char *>(
        nullptr, [&] { return field_name(session, *var_of(var)->type(), i); });
}

const tdag_shim_node *var_node(const tdag_shim_var *var) noexcept
{
    return handle(var_of(var)->node());
}

const tdag_shim_value *var_constant(tdag_shim_session *session,
                                    const tdag_shim_var *var) noexcept
{
    using handle_type = const tdag_shim_value *;
    return quiet<handle_type>(nullptr, [&]() -> handle_type {
        const auto constant = torch::jit::toIValue(var_of(var));
        return constant ? keep(session, *constant) : nullptr;
    });
}

} // namespace

void add_graphs(tdag_shim_api &api)
{
    api.method_graph = method_graph;
    api.method_schema = method_schema;
    api.object_new = object_new;
    api.var_function = var_function;
    api.graph_block = graph_block;
    api.block_n_inputs = block_n_inputs;
    api.block_input = block_input;
    api.block_n_outputs = block_n_outputs;
    api.block_output = block_output;
    api.block_first = block_first;
    api.node_next = node_next;
    api.node_kind = node_kind;
    api.node_n_inputs = node_n_inputs;
    api.node_input = node_input;
    api.node_n_outputs = node_n_outputs;
    api.node_output = node_output;
    api.node_n_blocks = node_n_blocks;
    api.node_block = node_block;
    api.node_schema = node_schema;
    api.node_source = node_source;
    api.node_scope = node_scope;
    api.node_n_attrs = node_n_attrs;
    api.node_attr_name = node_attr_name;
    api.node_attr = node_attr;
    api.var_id = var_id;
    api.var_name = var_name;
    api.var_type = var_type;
    api.var_tuple_field = var_tuple_field;
    api.var_node = var_node;
    api.var_constant = var_constant;
}

} // namespace tdag_shim
