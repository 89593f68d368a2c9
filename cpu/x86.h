// What the kernels of x86 share: their instructions, or SIMDe's imitation of them.

#pragma once

#include "bits.h"

#ifdef ONEBIT_SIMDE  // tries AVX-512 where there is none
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>
#define HAS(feature) 1
#define WITH(features)
#else
#include <immintrin.h>
#define HAS(feature) __builtin_cpu_supports(feature)
#define WITH(features) __attribute__((target(features)))
#endif

#define INLINE static inline __attribute__((always_inline))
