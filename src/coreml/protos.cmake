# Core ML's messages, compiled from proto/. What packs and unpacks them, libprotobuf-c, is
# linked with a small library of its own, which is loaded with the first such file
# (proto/protobuf.h). Included where the object library is made.
set(protos_made ${CMAKE_CURRENT_BINARY_DIR}/coreml)
file(MAKE_DIRECTORY ${protos_made})
foreach(proto IN ITEMS model network)
    set(made ${protos_made}/${proto}.pb-c)
    add_custom_command(OUTPUT ${made}.c ${made}.h
        COMMAND ${TDAG_PROTOC_C} -I ${CMAKE_CURRENT_SOURCE_DIR}/coreml/proto
            -I ${protobuf_c_INCLUDEDIR} --c_out=${protos_made}
            ${CMAKE_CURRENT_SOURCE_DIR}/coreml/proto/${proto}.proto
        DEPENDS coreml/proto/model.proto coreml/proto/network.proto
        COMMENT "Compiling ${proto}.proto")
    # What a compiler wrote is not ours to warn about.
    set_source_files_properties(${made}.c PROPERTIES COMPILE_OPTIONS -w
        COMPILE_DEFINITIONS protobuf_c_empty_string=tdagi_protobuf_empty_string)
    target_sources(tdagger_objects PRIVATE ${made}.c ${made}.h)
endforeach()
target_include_directories(tdagger_objects SYSTEM
    PUBLIC $<BUILD_INTERFACE:${protos_made}> ${protobuf_c_INCLUDE_DIRS})
target_compile_definitions(tdagger_objects PUBLIC
    protobuf_c_empty_string=tdagi_protobuf_empty_string)

add_library(tdagger_protobuf MODULE coreml/proto/module.c)
target_include_directories(tdagger_protobuf PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}
    ${PROJECT_SOURCE_DIR}/include)
target_link_libraries(tdagger_protobuf PRIVATE tdagger_flags PkgConfig::protobuf_c)
set_target_properties(tdagger_protobuf PROPERTIES
    LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/shim)
