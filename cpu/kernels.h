// The kernels of this machine, the best one first, and which of them is in use.

#pragma once

#include "bits.h"
#ifdef ONEBIT_NAIVE
#include "naive.h"
#endif
#include "portable.h"
#ifndef ONEBIT_PORTABLE
#ifdef __x86_64__
#include "avx512.h"
#elif defined(__ARM_NEON)
#include "neon.h"
#endif
#endif

// How a machine multiplies: bits by bits, and bytes by bits. `pack` makes bits of bytes, 1 from
// `level` on.
typedef struct {
  const char* name;
  product_of *bits, *bytes;
  void (*pack)(const uint8_t* x, size_t count, int level, uint64_t* out);
} kernel;

static const kernel kernels[] = {
#ifndef ONEBIT_PORTABLE
#ifdef __x86_64__
    {"avx512", avx512_bits, avx512_bytes, avx2_pack},
    {"avx2", avx2_bits, avx2_bytes, avx2_pack},
#elif defined(__ARM_NEON)
    {"neon", neon_bits, neon_bytes, portable_pack},
#endif
#endif
    {"portable", portable_bits, portable_bytes, portable_pack},
#ifdef ONEBIT_NAIVE
    {"naive", naive_bits, naive_bytes, naive_pack},
#endif
};
enum { KERNELS = sizeof kernels / sizeof kernels[0] };

static const kernel* forced;

// Whether this machine has a kernel's instructions.
static inline int runs(const kernel* k) {
#if !defined(ONEBIT_PORTABLE) && defined(__x86_64__)
  if (k->bits == avx512_bits) {
    return HAS("avx512bw") && HAS("avx512vpopcntdq") && HAS("avx512vnni");
  }
  if (k->bits == avx2_bits) return HAS("avx2") != 0;
#endif
  (void)k;
  return 1;
}

static inline const kernel* in_use(void) {
  const kernel* k = forced ? forced : kernels;
  while (!runs(k)) ++k;
  return k;
}
