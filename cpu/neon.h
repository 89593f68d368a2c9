// The NEON kernel, for 32- and 64-bit ARM: VCNT counts the bits of bytes.

#pragma once

#include <arm_neon.h>

#include "bits.h"

enum { BYTES_FULL = 31, PAIRS_FULL = 64 };  // additions that a byte's, a pair's sum holds

static void neon_bits(const product* p, const int32_t* limits, const uint64_t* x, size_t stride,
                      size_t count, void* out, size_t pitch) {
  const size_t words = words_of(p->inputs);
  const uint64_t* w = p->weights;
  for (size_t block = 0; block < p->blocks; ++block, w += words * LANES) {
    for (size_t n = 0; n < count; ++n) {
      uint32x4_t total[LANES / 2];
      int32_t sums[LANES];
      for (int i = 0; i < LANES / 2; ++i) total[i] = vdupq_n_u32(0);
      for (size_t from = 0; from < words; from += BYTES_FULL) {
        uint8x16_t counts[LANES / 2];
        for (int i = 0; i < LANES / 2; ++i) counts[i] = vdupq_n_u8(0);
        for (size_t k = from; k < least(words, from + BYTES_FULL); ++k) {
          const uint64x2_t value = vdupq_n_u64(x[n * stride + k]);
          for (int i = 0; i < LANES / 2; ++i) {
            const uint64x2_t differing = veorq_u64(value, vld1q_u64(w + k * LANES + 2 * i));
            counts[i] = vaddq_u8(counts[i], vcntq_u8(vreinterpretq_u8_u64(differing)));
          }
        }
        for (int i = 0; i < LANES / 2; ++i) {
          total[i] = vpadalq_u16(total[i], vpaddlq_u8(counts[i]));
        }
      }
      for (int i = 0; i < LANES / 2; ++i) {
        const uint64x2_t both = vpaddlq_u32(total[i]);
        sums[2 * i] = (int32_t)vgetq_lane_u64(both, 0);
        sums[2 * i + 1] = (int32_t)vgetq_lane_u64(both, 1);
      }
      finish(sums, limits, out, n * pitch, block);
    }
  }
}

// The sum of the bytes whose weight, of a lane, is 1.
static inline int32_t neon_chosen(const uint64_t* w, const uint8_t* x, size_t eights) {
  static const uint8_t places[8] = {1, 2, 4, 8, 16, 32, 64, 128};
  const uint8x8_t place = vld1_u8(places);
  uint32x2_t total = vdup_n_u32(0);
  for (size_t from = 0; from < eights; from += PAIRS_FULL) {
    uint16x4_t pairs = vdup_n_u16(0);
    for (size_t k = from; k < least(eights, from + PAIRS_FULL); ++k) {
      const uint8x8_t bits = vdup_n_u8((uint8_t)(w[k / 8 * LANES] >> k % 8 * 8));
      pairs = vpadal_u8(pairs, vand_u8(vld1_u8(x + 8 * k), vtst_u8(bits, place)));
    }
    total = vpadal_u16(total, pairs);
  }
  return (int32_t)(vget_lane_u32(total, 0) + vget_lane_u32(total, 1));
}

static void neon_bytes(const product* p, const int32_t* limits, const uint64_t* x, size_t stride,
                       size_t count, void* out, size_t pitch) {
  const size_t eights = (p->inputs + 7) / 8, words = words_of(p->inputs);
  for (size_t n = 0; n < count; ++n) {
    const uint8_t* value = (const uint8_t*)(x + n * stride);
    int32_t all = 0;
    for (size_t i = 0; i < p->inputs; ++i) all += value[i];
    for (size_t block = 0; block < p->blocks; ++block) {
      const uint64_t* w = p->weights + block * words * LANES;
      int32_t sums[LANES];
      for (size_t i = 0; i < LANES; ++i) sums[i] = all - 2 * neon_chosen(w + i, value, eights);
      finish(sums, limits, out, n * pitch, block);
    }
  }
}
