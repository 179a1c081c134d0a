/* libtdagger_protobuf.so: the only object that is linked with libprotobuf-c. It exports
 * one symbol and holds no state. */
#include <tdagger/version.h>

#include "coreml/proto/module.h"

TDAG_API tdagi_protobuf_get_api_fn tdag_protobuf_get_api;

const tdagi_protobuf *tdag_protobuf_get_api(void)
{
    static const tdagi_protobuf api = {TDAGI_PROTOBUF_ABI, protobuf_c_message_unpack,
                                       protobuf_c_message_get_packed_size,
                                       protobuf_c_message_pack};
    return &api;
}
