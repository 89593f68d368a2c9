// The reference kernel: one bit and one multiplication at a time.

#pragma once

#include "bits.h"

static inline int bit_of(const uint64_t* x, size_t at) {
  return (int)(x[at / WORD] >> at % WORD & 1);
}

static inline int weight_of(const product* p, size_t block, size_t lane, size_t input) {
  const uint64_t* w = p->weights + block * words_of(p->inputs) * LANES;
  return (int)(w[input / WORD * LANES + lane] >> input % WORD & 1);
}

static void naive_bits(const product* p, const int32_t* limits, const uint64_t* x, size_t stride,
                       size_t count, void* out, size_t pitch) {
  for (size_t n = 0; n < count; ++n) {
    for (size_t block = 0; block < p->blocks; ++block) {
      int32_t sums[LANES] = {0};
      for (size_t lane = 0; lane < LANES; ++lane) {
        for (size_t i = 0; i < p->inputs; ++i) {
          sums[lane] += bit_of(x + n * stride, i) != weight_of(p, block, lane, i);
        }
      }
      finish(sums, limits, out, n * pitch, block);
    }
  }
}

static void naive_bytes(const product* p, const int32_t* limits, const uint64_t* x, size_t stride,
                        size_t count, void* out, size_t pitch) {
  for (size_t n = 0; n < count; ++n) {
    const uint8_t* value = (const uint8_t*)(x + n * stride);
    for (size_t block = 0; block < p->blocks; ++block) {
      int32_t sums[LANES] = {0};
      for (size_t lane = 0; lane < LANES; ++lane) {
        for (size_t i = 0; i < p->inputs; ++i) {
          sums[lane] += (1 - 2 * weight_of(p, block, lane, i)) * value[i];
        }
      }
      finish(sums, limits, out, n * pitch, block);
    }
  }
}

static void naive_pack(const uint8_t* x, size_t count, int level, uint64_t* out) {
  for (size_t i = 0; i < count; ++i) put(out, i, x[i] >= level, 1);
}
