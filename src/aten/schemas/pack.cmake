# The table of schemas, deflated: it would be a thirtieth of the library. Included where
# the object library is made.
add_executable(tdag_pack_schemas aten/schemas/pack.c)
target_include_directories(tdag_pack_schemas PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}
    ${PROJECT_SOURCE_DIR}/include)
target_link_libraries(tdag_pack_schemas PRIVATE tdagger_flags PkgConfig::zlib)
set(schemas_made ${CMAKE_CURRENT_BINARY_DIR}/aten/schemas)
file(MAKE_DIRECTORY ${schemas_made})
add_custom_command(OUTPUT ${schemas_made}/packed.inc
    COMMAND tdag_pack_schemas ${schemas_made}/packed.inc
    DEPENDS tdag_pack_schemas
    COMMENT "Packing the schemas of operators")
target_sources(tdagger_objects PRIVATE ${schemas_made}/packed.inc)
set_source_files_properties(${CMAKE_CURRENT_SOURCE_DIR}/aten/schemas/schemas.c
    PROPERTIES OBJECT_DEPENDS ${schemas_made}/packed.inc
    INCLUDE_DIRECTORIES ${CMAKE_CURRENT_BINARY_DIR})
