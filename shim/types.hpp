// Types as texts: the Python-like form in both directions ("List[int]").
#pragma once

#include "session.hpp"

namespace tdag_shim
{

c10::TypePtr parse_type(const char *text); // throws
// The type without the shapes that a tensor's own type carries.
c10::TypePtr plain_type(const c10::IValue &value);
// The name of a named tuple's field; NULL if there is none.
const char *field_name(tdag_shim_session *session, const c10::Type &type, size_t i);

} // namespace tdag_shim
