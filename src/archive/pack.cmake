# tdag_pack(NAME PROGRAM SOURCE): PROGRAM, a C file that calls tdagi_pack(), is built and
# run; SOURCE includes the table that it deflates as "NAME.inc".
function(tdag_pack name program source)
    add_executable(tdag_pack_${name} ${program})
    target_include_directories(tdag_pack_${name} PRIVATE ${PROJECT_SOURCE_DIR}/src
        ${PROJECT_SOURCE_DIR}/include)
    target_link_libraries(tdag_pack_${name} PRIVATE tdagger_flags PkgConfig::zlib)
    set(made ${CMAKE_CURRENT_BINARY_DIR}/packed)
    file(MAKE_DIRECTORY ${made})
    add_custom_command(OUTPUT ${made}/${name}.inc
        COMMAND tdag_pack_${name} ${made}/${name}.inc
        DEPENDS tdag_pack_${name}
        COMMENT "Packing the ${name}")
    target_sources(tdagger_objects PRIVATE ${made}/${name}.inc)
    set_source_files_properties(${CMAKE_CURRENT_SOURCE_DIR}/${source}
        PROPERTIES OBJECT_DEPENDS ${made}/${name}.inc INCLUDE_DIRECTORIES ${made})
endfunction()
