// The AVX2 kernel: of few vectors bits counted by a table of nibbles, bytes by products of pairs.

#pragma once

#include "avx2_many.h"

enum { UNTIL_FULL = 31 };  // words whose counts a byte holds

WITH("avx2") INLINE __m256i avx2_count(__m256i x, __m256i count) {
  const __m256i low = _mm256_set1_epi8(15);
  const __m256i table = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,  //
                                         0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
  const __m256i high = _mm256_and_si256(_mm256_srli_epi64(x, 4), low);
  count = _mm256_add_epi8(count, _mm256_shuffle_epi8(table, _mm256_and_si256(x, low)));
  return _mm256_add_epi8(count, _mm256_shuffle_epi8(table, high));
}

WITH("avx2") INLINE __m256i avx2_load(const void* from) { return _mm256_loadu_si256(from); }

WITH("avx2")
INLINE void avx2_finish(__m256i sums, const int32_t* limits, void* out, size_t at, size_t block) {
  if (!limits) {
    _mm256_storeu_si256((void*)((int32_t*)out + at + block * LANES), sums);
    return;
  }
  const __m256i less = _mm256_cmpgt_epi32(avx2_load(limits + block * LANES), sums);
  ((uint8_t*)out)[at + block] = (uint8_t)_mm256_movemask_ps(_mm256_castsi256_ps(less));
}

// A block of neurons and N vectors: each word of weights serves N of them.
WITH("avx2")
INLINE void avx2_block(const uint64_t* w, size_t words, const uint64_t* x, size_t stride,
                       __m256i* sums, const int N) {
  const __m256i zero = _mm256_setzero_si256();
  __m256i total[4][2];
  for (int n = 0; n < N; ++n) total[n][0] = total[n][1] = zero;
  for (size_t from = 0; from < words; from += UNTIL_FULL) {
    const size_t end = least(words, from + UNTIL_FULL);
    __m256i counts[4][2];
    for (int n = 0; n < N; ++n) counts[n][0] = counts[n][1] = zero;
    for (size_t k = from; k < end; ++k) {
      const __m256i w0 = avx2_load(w + k * LANES), w1 = avx2_load(w + k * LANES + 4);
      for (int n = 0; n < N; ++n) {
        const __m256i value = _mm256_set1_epi64x((long long)x[(size_t)n * stride + k]);
        counts[n][0] = avx2_count(_mm256_xor_si256(value, w0), counts[n][0]);
        counts[n][1] = avx2_count(_mm256_xor_si256(value, w1), counts[n][1]);
      }
    }
    for (int n = 0; n < N; ++n) {
      total[n][0] = _mm256_add_epi64(total[n][0], _mm256_sad_epu8(counts[n][0], zero));
      total[n][1] = _mm256_add_epi64(total[n][1], _mm256_sad_epu8(counts[n][1], zero));
    }
  }
  for (int n = 0; n < N; ++n) {
    const __m256 mixed =
        _mm256_shuffle_ps(_mm256_castsi256_ps(total[n][0]), _mm256_castsi256_ps(total[n][1]), 0x88);
    sums[n] = _mm256_permute4x64_epi64(_mm256_castps_si256(mixed), 0xd8);
  }
}

WITH("avx2")
static void avx2_bits(const product* p, const int32_t* limits, const uint64_t* x, size_t stride,
                      size_t count, void* out, size_t pitch) {
  const size_t words = words_of(p->inputs);
  const size_t done = avx2_many_bits(p, limits, x, stride, count, out, pitch);
  const uint64_t* w = p->weights;
  for (size_t block = 0; block < p->blocks && done < count; ++block, w += words * LANES) {
    size_t n = done;
    __m256i sums[4];
    for (; n + 4 <= count; n += 4) {
      avx2_block(w, words, x + n * stride, stride, sums, 4);
      for (size_t i = 0; i < 4; ++i) avx2_finish(sums[i], limits, out, (n + i) * pitch, block);
    }
    for (; n < count; ++n) {
      avx2_block(w, words, x + n * stride, stride, sums, 1);
      avx2_finish(sums[0], limits, out, n * pitch, block);
    }
  }
}

// Weights of up to SEGMENT inputs as bytes +1 and -1: for each four inputs those of a block.
WITH("avx2") INLINE void avx2_expand(const uint64_t* w, size_t fours, __m256i* signs) {
  const __m256i bits = _mm256_set1_epi32(0x08040201), one = _mm256_set1_epi8(1);
  const __m256i first = _mm256_setr_epi8(0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12,  //
                                         0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12);
  for (size_t at = 0; at < fours; at += 8) {
    int32_t half[LANES];
    for (size_t i = 0; i < LANES; ++i) half[i] = (int32_t)(w[at / 16 * LANES + i] >> at % 16 * 4);
    __m256i rest = avx2_load(half);
    for (size_t i = at; i < least(fours, at + 8); ++i) {
      const __m256i mine = _mm256_and_si256(_mm256_shuffle_epi8(rest, first), bits);
      signs[i] = _mm256_or_si256(_mm256_cmpeq_epi8(mine, bits), one);
      rest = _mm256_srli_epi32(rest, 4);
    }
  }
}

// Pairs of a block's sums of four inputs of a vector. Their type is that of the additions that
// follow: with another one gcc copies each register.
WITH("avx2") INLINE avx2_lanes avx2_four(const uint8_t* x, __m256i signs) {
  int32_t four;
  memcpy(&four, x, sizeof four);
  return (avx2_lanes)_mm256_maddubs_epi16(_mm256_set1_epi32(four), signs);
}

WITH("avx2") INLINE void avx2_add(__m256i* sum, avx2_lanes pairs) {
  *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16((__m256i)pairs, _mm256_set1_epi16(1)));
}

// Two blocks and N vectors, in as many registers; a pair of sums of a SEGMENT fits in 16 bits.
WITH("avx2")
INLINE void avx2_two(__m256i (*signs)[SEGMENT / 4], size_t fours, const uint8_t* x, size_t stride,
                     __m256i* s, __m256i* t, const int N) {
  avx2_lanes first[4] = {{0}}, second[4] = {{0}};
  for (size_t k = 0; k < fours; ++k) {
    for (int n = 0; n < N; ++n) {
      first[n] += avx2_four(x + (size_t)n * stride + 4 * k, signs[0][k]);
      second[n] += avx2_four(x + (size_t)n * stride + 4 * k, signs[1][k]);
    }
  }
  for (int n = 0; n < N; ++n) avx2_add(s + n, first[n]), avx2_add(t + n, second[n]);
}

// Two blocks at a time; a last one alone is taken twice.
WITH("avx2")
static void avx2_bytes(const product* p, const int32_t* limits, const uint64_t* x, size_t stride,
                       size_t count, void* out, size_t pitch) {
  __m256i signs[2][SEGMENT / 4], sums[2][TOGETHER];
  const size_t words = words_of(p->inputs);
  const size_t done = avx2_many_bytes(p, limits, x, stride, count, out, pitch);
  x += done * stride, count -= done, out = output_of(out, limits, done, pitch);
  for (size_t block = 0; block < p->blocks && count; block += 2) {
    const size_t next = least(block + 1, p->blocks - 1);
    for (size_t n = 0; n < count; ++n) sums[0][n] = sums[1][n] = _mm256_setzero_si256();
    for (size_t from = 0; from < p->inputs; from += SEGMENT) {
      const size_t fours = (least(SEGMENT, p->inputs - from) + 3) / 4;
      const uint8_t* value = (const uint8_t*)x + from;
      avx2_expand(p->weights + (block * words + from / WORD) * LANES, fours, signs[0]);
      avx2_expand(p->weights + (next * words + from / WORD) * LANES, fours, signs[1]);
      size_t n = 0;
      for (; n + 4 <= count; n += 4, value += 4 * stride * 8) {
        avx2_two(signs, fours, value, stride * 8, sums[0] + n, sums[1] + n, 4);
      }
      for (; n < count; ++n, value += stride * 8) {
        avx2_two(signs, fours, value, stride * 8, sums[0] + n, sums[1] + n, 1);
      }
    }
    for (size_t n = 0; n < count; ++n) {
      avx2_finish(sums[0][n], limits, out, n * pitch, block);
      avx2_finish(sums[1][n], limits, out, n * pitch, next);
    }
  }
}

WITH("avx2") static void avx2_pack(const uint8_t* x, size_t count, int level, uint64_t* out) {
  const __m256i least_one = _mm256_set1_epi8((char)level);
  for (size_t i = 0; i + 32 <= count; i += 32) {
    const __m256i value = avx2_load(x + i);
    const __m256i high = _mm256_cmpeq_epi8(_mm256_max_epu8(value, least_one), value);
    const uint32_t bits = (uint32_t)_mm256_movemask_epi8(high);
    memcpy((uint8_t*)out + i / 8, &bits, sizeof bits);
  }
  uint32_t rest = 0;
  for (size_t i = count / 32 * 32; i < count; ++i) rest |= (uint32_t)(x[i] >= level) << i % 32;
  if (count % 32) memcpy((uint8_t*)out + count / 32 * 4, &rest, sizeof rest);
}
