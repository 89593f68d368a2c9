// The portable kernel: 64 bits at a time in plain C.

#pragma once

#include "bits.h"

static inline int32_t popcount(uint64_t x) {
#if defined(__POPCNT__) || defined(__aarch64__)
  return (int32_t)__builtin_popcountll(x);
#else
  x -= x >> 1 & 0x5555555555555555;
  x = (x & 0x3333333333333333) + (x >> 2 & 0x3333333333333333);
  x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0f;
  return (int32_t)((x * 0x0101010101010101) >> 56);
#endif
}

static void portable_bits(const product* p, const int32_t* limits, const uint64_t* x, size_t stride,
                          size_t count, void* out, size_t pitch) {
  const size_t words = words_of(p->inputs);
  const uint64_t* w = p->weights;
  for (size_t block = 0; block < p->blocks; ++block, w += words * LANES) {
    for (size_t n = 0; n < count; ++n) {
      int32_t sums[LANES] = {0};
      for (size_t k = 0; k < words; ++k) {
        const uint64_t value = x[n * stride + k];
        for (int i = 0; i < LANES; ++i) sums[i] += popcount(value ^ w[k * LANES + i]);
      }
      finish(sums, limits, out, n * pitch, block);
    }
  }
}

// A byte of bits as eight bytes, all ones where the bit is 1.
static inline uint64_t spread(uint64_t bits) {
  const uint64_t each = (bits & 0xff) * 0x0101010101010101 & 0x8040201008040201;
  return ((each + 0x7f7f7f7f7f7f7f7f) >> 7 & 0x0101010101010101) * 0xff;
}

// The sum of eight bytes.
static inline int32_t sum_of(uint64_t x) {
  x = (x & 0x00ff00ff00ff00ff) + (x >> 8 & 0x00ff00ff00ff00ff);
  return (int32_t)((x * 0x0001000100010001) >> 48);
}

static void portable_bytes(const product* p, const int32_t* limits, const uint64_t* x,
                           size_t stride, size_t count, void* out, size_t pitch) {
  const size_t eights = (p->inputs + 7) / 8, words = words_of(p->inputs);
  const uint64_t* w = p->weights;
  for (size_t block = 0; block < p->blocks; ++block, w += words * LANES) {
    for (size_t n = 0; n < count; ++n) {
      int32_t sums[LANES] = {0};
      for (size_t k = 0; k < eights; ++k) {
        const uint64_t value = x[n * stride + k];
        const int32_t all = sum_of(value);
        for (int i = 0; i < LANES; ++i) {
          sums[i] += all - 2 * sum_of(value & spread(w[k / 8 * LANES + i] >> k % 8 * 8));
        }
      }
      finish(sums, limits, out, n * pitch, block);
    }
  }
}

static void portable_pack(const uint8_t* x, size_t count, int level, uint64_t* out) {
  for (size_t i = 0; i < count; i += WORD) {
    uint64_t word = 0;
    for (size_t j = 0; j < least(WORD, count - i); ++j) word |= (uint64_t)(x[i + j] >= level) << j;
    out[i / WORD] = word;
  }
}
