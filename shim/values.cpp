// Reading and making run-time values, objects included; tensors are in tensors.cpp.
#include <torch/csrc/jit/frontend/script_type_parser.h>

#include "session.hpp"
#include "types.hpp"

namespace tdag_shim
{

c10::TypePtr parse_type(const char *text)
{
    return torch::jit::ScriptTypeParser().parseType(text);
}

c10::TypePtr plain_type(const c10::IValue &value)
{
    return c10::unshapedType(value.type());
}

const c10::ClassTypePtr class_of(const tdag_shim_value *object)
{
    const c10::IValue &v = ivalue(object);
    TORCH_CHECK(v.isObject(), "a value of type ", v.type()->annotation_str(),
                " is no object");
    return v.toObjectRef().type();
}

torch::jit::Function &method_of(const tdag_shim_value *object, const char *name)
{
    const c10::ClassTypePtr type = class_of(object);
    torch::jit::Function *method = type->findMethod(name);
    TORCH_CHECK(method != nullptr, type->annotation_str(), " has no method '", name,
                "'");
    return *method;
}

namespace
{

tdag_shim_kind value_kind(const tdag_shim_value *value) noexcept
{
    const c10::IValue &v = ivalue(value);
    if (v.isNone()) return TDAG_SHIM_NONE;
    if (v.isTensor()) return TDAG_SHIM_TENSOR;
    if (v.isInt()) return TDAG_SHIM_INT;
    if (v.isDouble()) return TDAG_SHIM_DOUBLE;
    if (v.isBool()) return TDAG_SHIM_BOOL;
    if (v.isString()) return TDAG_SHIM_STRING;
    if (v.isDevice()) return TDAG_SHIM_DEVICE;
    if (v.isList()) return TDAG_SHIM_LIST;
    if (v.isTuple()) return TDAG_SHIM_TUPLE;
    if (v.isGenericDict()) return TDAG_SHIM_DICT;
    if (v.isObject()) return TDAG_SHIM_OBJECT;
    if (v.isEnum()) return TDAG_SHIM_ENUM;
    if (v.isComplexDouble()) return TDAG_SHIM_COMPLEX;
    return TDAG_SHIM_OTHER;
}

const char *value_type(tdag_shim_session *session,
                       const tdag_shim_value *value) noexcept
{
    return quiet("", [&] {
        return keep_text(session, plain_type(ivalue(value))->annotation_str());
    });
}

const void *value_identity(const tdag_shim_value *value) noexcept
{
    const c10::IValue &v = ivalue(value);
    if (v.isTensor()) return v.unsafeToTensorImpl();
    if (!v.isPtrType() || v.isString()) return nullptr;
    return v.internalToPointer();
}

int64_t value_int(const tdag_shim_value *value) noexcept
{
    return ivalue(value).isInt() ? ivalue(value).toInt() : 0;
}

double value_double(const tdag_shim_value *value) noexcept
{
    return ivalue(value).isDouble() ? ivalue(value).toDouble() : 0;
}

bool value_bool(const tdag_shim_value *value) noexcept
{
    return ivalue(value).isBool() && ivalue(value).toBool();
}

const char *value_string(tdag_shim_session *session, const tdag_shim_value *value,
                         size_t *length_out) noexcept
{
    const char *text = "";
    size_t length = 0;
    guard(nullptr, [&] {
        const c10::IValue &v = ivalue(value);
        if (v.isString()) {
            text = v.toStringRef().c_str();
            length = v.toStringRef().size();
        } else if (v.isDevice()) {
            text = keep_text(session, v.toDevice().str());
            length = strlen(text);
        } else if (v.isEnum()) {
            text = keep_text(session, v.toEnumHolder()->name());
            length = strlen(text);
        }
    });
    if (length_out != nullptr) *length_out = length;
    return text;
}

const tdag_shim_value *enum_value(tdag_shim_session *session,
                                  const tdag_shim_value *value) noexcept
{
    using handle = const tdag_shim_value *;
    return quiet<handle>(nullptr, [&]() -> handle {
        if (!ivalue(value).isEnum()) return nullptr;
        return keep(session, ivalue(value).toEnumHolder()->value());
    });
}

void value_complex(const tdag_shim_value *value, double *real_out,
                   double *imaginary_out) noexcept
{
    c10::complex<double> c(0, 0);
    if (ivalue(value).isComplexDouble()) c = ivalue(value).toComplexDouble();
    *real_out = c.real();
    *imaginary_out = c.imag();
}

size_t value_size(const tdag_shim_value *value) noexcept
{
    return quiet<size_t>(0, [&]() -> size_t {
        const c10::IValue &v = ivalue(value);
        if (v.isList()) return v.toListRef().size();
        if (v.isTuple()) return v.toTupleRef().elements().size();
        if (v.isGenericDict()) return v.toGenericDict().size();
        if (v.isObject()) return v.toObjectRef().type()->numAttributes();
        return 0;
    });
}

// The i-th pair of a dict, counted from its beginning.
c10::impl::GenericDict::iterator dict_at(const c10::IValue &dict, size_t i)
{
    auto it = dict.toGenericDict().begin();
    while (i-- > 0)
        ++it;
    return it;
}

const tdag_shim_value *value_item(tdag_shim_session *session,
                                  const tdag_shim_value *value, size_t i) noexcept
{
    using handle = const tdag_shim_value *;
    return quiet<handle>(nullptr, [&]() -> handle {
        const c10::IValue &v = ivalue(value);
        if (i >= value_size(value)) return nullptr;
        if (v.isList()) return keep(session, v.toListRef()[i]);
        if (v.isTuple()) return keep(session, v.toTupleRef().elements()[i]);
        if (v.isObject()) return keep(session, v.toObjectRef().getSlot(i));
        return keep(session, dict_at(v, i)->value());
    });
}

const tdag_shim_value *dict_key(tdag_shim_session *session,
                                const tdag_shim_value *value, size_t i) noexcept
{
    using handle = const tdag_shim_value *;
    return quiet<handle>(nullptr, [&]() -> handle {
        const c10::IValue &v = ivalue(value);
        if (!v.isGenericDict() || i >= value_size(value)) return nullptr;
        return keep(session, dict_at(v, i)->key());
    });
}

tdag_shim_kind list_kind(const tdag_shim_value *value) noexcept
{
    return quiet(TDAG_SHIM_OTHER, [&] {
        if (!ivalue(value).isList()) return TDAG_SHIM_OTHER;
        switch (ivalue(value).toList().elementType()->kind()) {
        case c10::TypeKind::NoneType:
            return TDAG_SHIM_NONE;
        case c10::TypeKind::TensorType:
            return TDAG_SHIM_TENSOR;
        case c10::TypeKind::IntType:
            return TDAG_SHIM_INT;
        case c10::TypeKind::FloatType:
            return TDAG_SHIM_DOUBLE;
        case c10::TypeKind::BoolType:
            return TDAG_SHIM_BOOL;
        case c10::TypeKind::StringType:
            return TDAG_SHIM_STRING;
        case c10::TypeKind::DeviceObjType:
            return TDAG_SHIM_DEVICE;
        case c10::TypeKind::ListType:
            return TDAG_SHIM_LIST;
        case c10::TypeKind::TupleType:
            return TDAG_SHIM_TUPLE;
        case c10::TypeKind::DictType:
            return TDAG_SHIM_DICT;
        case c10::TypeKind::ClassType:
            return TDAG_SHIM_OBJECT;
        case c10::TypeKind::EnumType:
            return TDAG_SHIM_ENUM;
        case c10::TypeKind::ComplexType:
            return TDAG_SHIM_COMPLEX;
        default:
            return TDAG_SHIM_OTHER;
        }
    });
}

const char *tuple_field(tdag_shim_session *session, const tdag_shim_value *value,
                        size_t i) noexcept
{
    return quiet<const char *>(nullptr, [&]() -> const char * {
        if (!ivalue(value).isTuple()) return nullptr;
        return field_name(session, *ivalue(value).type(), i);
    });
}

bool object_is_module(const tdag_shim_value *object) noexcept
{
    return quiet(false, [&] { return ivalue(object).isModule(); });
}

const char *object_attr_name(tdag_shim_session *session, const tdag_shim_value *object,
                             size_t i) noexcept
{
    return quiet("", [&] {
        const c10::ClassTypePtr type = class_of(object);
        return i < type->numAttributes() ? keep_text(session, type->getAttributeName(i))
                                         : "";
    });
}

tdag_shim_slot object_attr_slot(const tdag_shim_value *object, size_t i) noexcept
{
    return quiet(TDAG_SHIM_SLOT_ATTRIBUTE, [&] {
        const c10::ClassTypePtr type = class_of(object);
        if (i >= type->numAttributes()) return TDAG_SHIM_SLOT_ATTRIBUTE;
        if (type->is_parameter(i)) return TDAG_SHIM_SLOT_PARAMETER;
        if (type->is_buffer(i)) return TDAG_SHIM_SLOT_BUFFER;
        return ivalue(object).toObjectRef().getSlot(i).isModule()
                   ? TDAG_SHIM_SLOT_MODULE
                   : TDAG_SHIM_SLOT_ATTRIBUTE;
    });
}

const tdag_shim_value *object_attr(tdag_shim_session *session,
                                   const tdag_shim_value *object,
                                   const char *name) noexcept
{
    using handle = const tdag_shim_value *;
    return quiet<handle>(nullptr, [&]() -> handle {
        const c10::ClassTypePtr type = class_of(object);
        if (const auto slot = type->findAttributeSlot(name))
            return keep(session, ivalue(object).toObjectRef().getSlot(*slot));
        if (const auto constant = type->findConstantSlot(name))
            return keep(session, type->getConstant(*constant));
        return nullptr;
    });
}

size_t object_n_methods(const tdag_shim_value *object) noexcept
{
    return quiet<size_t>(0, [&] { return class_of(object)->methods().size(); });
}

const char *object_method_name(tdag_shim_session *session,
                               const tdag_shim_value *object, size_t i) noexcept
{
    return quiet("", [&] {
        const auto &methods = class_of(object)->methods();
        return i < methods.size() ? keep_text(session, methods[i]->name()) : "";
    });
}

template <class T>
const tdag_shim_value *make_scalar(tdag_shim_session *session, T value) noexcept
{
    using handle = const tdag_shim_value *;
    return quiet<handle>(nullptr, [&] { return keep(session, c10::IValue(value)); });
}

const tdag_shim_value *make_none(tdag_shim_session *session) noexcept
{
    using handle = const tdag_shim_value *;
    return quiet<handle>(nullptr, [&] { return keep(session, c10::IValue()); });
}

const tdag_shim_value *make_string(tdag_shim_session *session,
                                   const char *text) noexcept
{
    using handle = const tdag_shim_value *;
    return quiet<handle>(nullptr,
                         [&] { return keep(session, c10::IValue(std::string(text))); });
}

int make_device(tdag_shim_session *session, const char *text,
                const tdag_shim_value **out, tdag_shim_error *error) noexcept
{
    return guard(error, [&] { *out = keep(session, c10::Device(std::string(text))); });
}

// The type that was asked for, or else that of the first of n items, or else `none`.
c10::TypePtr item_type(const char *type, size_t n, const tdag_shim_value *const *items,
                       c10::TypePtr none)
{
    if (type != nullptr) return parse_type(type);
    return n == 0 ? std::move(none) : plain_type(ivalue(items[0]));
}

const c10::IValue &checked(const tdag_shim_value *item, const c10::TypePtr &type)
{
    const c10::TypePtr have = plain_type(ivalue(item));
    TORCH_CHECK(have->isSubtypeOf(*type), "an item is ", have->annotation_str(),
                ", not ", type->annotation_str());
    return ivalue(item);
}

int make_list(tdag_shim_session *session, const char *type, size_t n,
              const tdag_shim_value *const *items, const tdag_shim_value **out,
              tdag_shim_error *error) noexcept
{
    return guard(error, [&] {
        const auto element = item_type(type, n, items, c10::TensorType::get());
        c10::impl::GenericList list(element);
        list.reserve(n);
        for (size_t i = 0; i < n; i++)
            list.push_back(checked(items[i], element));
        *out = keep(session, std::move(list));
    });
}

int make_tuple(tdag_shim_session *session, size_t n,
               const tdag_shim_value *const *items, const tdag_shim_value **out,
               tdag_shim_error *error) noexcept
{
    return guard(error, [&] {
        std::vector<c10::IValue> elements;
        for (size_t i = 0; i < n; i++)
            elements.push_back(ivalue(items[i]));
        *out = keep(session, c10::ivalue::Tuple::create(std::move(elements)));
    });
}

int make_dict(tdag_shim_session *session, const char *key_type,
              const char *value_type_text, size_t n, const tdag_shim_value *const *keys,
              const tdag_shim_value *const *values, const tdag_shim_value **out,
              tdag_shim_error *error) noexcept
{
    return guard(error, [&] {
        const auto key = item_type(key_type, n, keys, c10::StringType::get());
        const auto value =
            item_type(value_type_text, n, values, c10::TensorType::get());
        c10::impl::GenericDict dict(key, value);
        for (size_t i = 0; i < n; i++)
            dict.insert_or_assign(checked(keys[i], key), checked(values[i], value));
        *out = keep(session, std::move(dict));
    });
}

} // namespace

const char *field_name(tdag_shim_session *session, const c10::Type &type, size_t i)
{
    const auto *tuple = type.castRaw<c10::TupleType>();
    if (tuple == nullptr || !tuple->schema()) return nullptr;
    const auto &fields = tuple->schema()->arguments();
    return i < fields.size() ? keep_text(session, fields[i].name()) : nullptr;
}

void add_values(tdag_shim_api &api)
{
    api.value_kind = value_kind;
    api.value_type = value_type;
    api.value_identity = value_identity;
    api.value_int = value_int;
    api.value_double = value_double;
    api.value_bool = value_bool;
    api.value_string = value_string;
    api.enum_value = enum_value;
    api.value_complex = value_complex;
    api.value_size = value_size;
    api.value_item = value_item;
    api.dict_key = dict_key;
    api.list_kind = list_kind;
    api.tuple_field = tuple_field;
    api.object_is_module = object_is_module;
    api.object_attr_name = object_attr_name;
    api.object_attr_slot = object_attr_slot;
    api.object_attr = object_attr;
    api.object_n_methods = object_n_methods;
    api.object_method_name = object_method_name;
    api.make_none = make_none;
    api.make_int = make_scalar<int64_t>;
    api.make_double = make_scalar<double>;
    api.make_bool = make_scalar<bool>;
    api.make_string = make_string;
    api.make_device = make_device;
    api.make_list = make_list;
    api.make_tuple = make_tuple;
    api.make_dict = make_dict;
}

} // namespace tdag_shim
