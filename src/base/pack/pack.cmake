# tdag_pack(FOLDER SOURCE): FOLDER/pack.c, which calls tdagi_pack(), is built and run;
# FOLDER/SOURCE includes the table that it deflates as "FOLDER/packed.inc".
function(tdag_pack folder source)
    string(REPLACE "/" "_" program tdag_pack_${folder})
    set(packed ${CMAKE_CURRENT_BINARY_DIR}/${folder}/packed.inc)
    add_executable(${program} ${folder}/pack.c)
    target_include_directories(${program} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}
        ${PROJECT_SOURCE_DIR}/include)
    target_link_libraries(${program} PRIVATE tdagger_flags PkgConfig::zlib)
    file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/${folder})
    add_custom_command(OUTPUT ${packed} COMMAND ${program} ${packed} DEPENDS ${program}
        COMMENT "Packing the table of ${folder}")
    target_sources(tdagger_objects PRIVATE ${packed})
    set_source_files_properties(${CMAKE_CURRENT_SOURCE_DIR}/${folder}/${source}
        PROPERTIES OBJECT_DEPENDS ${packed} INCLUDE_DIRECTORIES ${CMAKE_CURRENT_BINARY_DIR})
endfunction()
