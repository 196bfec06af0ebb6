#pragma once

// What clang's -Wthread-safety is told about mutexes, so that a guarded field that is read or written without
// its mutex does not compile. Nothing to other compilers.

#ifdef __clang__
#define DURABILITY_ATTRIBUTE(attribute) __attribute__((attribute))
#else
#define DURABILITY_ATTRIBUTE(attribute)
#endif

/// A type that is held and let go of, as a mutex is.
#define DURABILITY_CAPABILITY(kind) DURABILITY_ATTRIBUTE(capability(kind))
/// A type that holds another one while it lives, or lets go of it.
#define DURABILITY_SCOPED_CAPABILITY DURABILITY_ATTRIBUTE(scoped_lockable)
/// A field that is read and written with that mutex held only; PT: what the field points to.
#define DURABILITY_GUARDED_BY(mutex) DURABILITY_ATTRIBUTE(guarded_by(mutex))
#define DURABILITY_PT_GUARDED_BY(mutex) DURABILITY_ATTRIBUTE(pt_guarded_by(mutex))
/// A function that is called with that mutex held, and returns so.
#define DURABILITY_REQUIRES(mutex) DURABILITY_ATTRIBUTE(requires_capability(mutex))
/// A function that returns with that mutex held, or called with it held returns with it dropped. Without an
/// argument: the object's own.
#define DURABILITY_ACQUIRE(...) DURABILITY_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define DURABILITY_RELEASE(...) DURABILITY_ATTRIBUTE(release_capability(__VA_ARGS__))
/// A function whose inside clang does not look at. Only beside the reason.
#define DURABILITY_NO_ANALYSIS DURABILITY_ATTRIBUTE(no_thread_safety_analysis)
