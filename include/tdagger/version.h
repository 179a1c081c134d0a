/* The version of the library and the macros every public header needs. CMake reads the
 * three numbers from here; nothing else states them. */
#ifndef TDAGGER_VERSION_H
#define TDAGGER_VERSION_H

#define TDAG_VERSION_MAJOR 0
#define TDAG_VERSION_MINOR 1
#define TDAG_VERSION_PATCH 0

#if defined(__GNUC__)
#define TDAG_API        __attribute__((visibility("default")))
#define TDAG_MUST_CHECK __attribute__((warn_unused_result))
#else
#define TDAG_API
#define TDAG_MUST_CHECK
#endif

#ifdef __cplusplus
#define TDAG_BEGIN_DECLS extern "C" {
#define TDAG_END_DECLS   }
#else
#define TDAG_BEGIN_DECLS
#define TDAG_END_DECLS
#endif

#endif
