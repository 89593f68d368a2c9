// The AVX-512 kernel: VPOPCNTDQ counts the bits of eight words, VNNI multiplies 64 bytes.

#pragma once

#include "avx2.h"

#define AVX512 WITH("avx512f,avx512bw,avx512vpopcntdq,avx512vnni")

// A block of neurons and N vectors: each word of weights serves N of them.
AVX512 INLINE void avx512_block(const uint64_t* w, size_t words, const uint64_t* x, size_t stride,
                                __m512i* sums, const int N) {
  for (int n = 0; n < N; ++n) sums[n] = _mm512_setzero_si512();
  for (size_t k = 0; k < words; ++k) {
    const __m512i mine = _mm512_loadu_si512(w + k * LANES);
    for (int n = 0; n < N; ++n) {
      const __m512i value = _mm512_set1_epi64((long long)x[(size_t)n * stride + k]);
      const __m512i differing = _mm512_xor_si512(value, mine);
      sums[n] = _mm512_add_epi64(sums[n], _mm512_popcnt_epi64(differing));
    }
  }
}

AVX512 static void avx512_bits(const product* p, const int32_t* limits, const uint64_t* x,
                               size_t stride, size_t count, void* out, size_t pitch) {
  const size_t words = words_of(p->inputs);
  const uint64_t* w = p->weights;
  for (size_t block = 0; block < p->blocks; ++block, w += words * LANES) {
    size_t n = 0;
    __m512i sums[8];
    for (; n + 8 <= count; n += 8) {
      avx512_block(w, words, x + n * stride, stride, sums, 8);
      for (size_t i = 0; i < 8; ++i)
        avx2_finish(_mm512_cvtepi64_epi32(sums[i]), limits, out, (n + i) * pitch, block);
    }
    for (; n < count; ++n) {
      avx512_block(w, words, x + n * stride, stride, sums, 1);
      avx2_finish(_mm512_cvtepi64_epi32(sums[0]), limits, out, n * pitch, block);
    }
  }
}

// Weights of up to SEGMENT inputs as bytes +1 and -1: for each eight inputs those of a block.
AVX512 INLINE void avx512_expand(const uint64_t* w, size_t eights, __m512i* signs) {
  const __m512i plus = _mm512_set1_epi8(1), minus = _mm512_set1_epi8(-1);
  const __m512i places = _mm512_set1_epi64((long long)0x8040201008040201);
  const __m512i lanes = _mm512_set4_epi32(0x08080808, 0x08080808, 0, 0);
  for (size_t k = 0; k < eights; ++k) {
    const __m512i words = _mm512_loadu_si512(w + k / 8 * LANES);
    const __m512i from = _mm512_add_epi8(lanes, _mm512_set1_epi8((char)(k % 8)));
    const __m512i bits = _mm512_shuffle_epi8(words, from);
    signs[k] = _mm512_mask_blend_epi8(_mm512_test_epi8_mask(bits, places), plus, minus);
  }
}

// Add to the sums, two halves a neuron, what N vectors make of the expanded weights.
AVX512 INLINE void avx512_add(const __m512i* signs, size_t eights, const uint64_t* x, size_t stride,
                              __m512i* sums, const int N) {
  __m512i halves[8];
  for (int n = 0; n < N; ++n) halves[n] = sums[n];
  for (size_t k = 0; k < eights; ++k) {
    for (int n = 0; n < N; ++n) {
      const __m512i value = _mm512_set1_epi64((long long)x[(size_t)n * stride + k]);
      halves[n] = _mm512_dpbusd_epi32(halves[n], value, signs[k]);
    }
  }
  for (int n = 0; n < N; ++n) sums[n] = halves[n];
}

AVX512 static void avx512_bytes(const product* p, const int32_t* limits, const uint64_t* x,
                                size_t stride, size_t count, void* out, size_t pitch) {
  __m512i signs[SEGMENT / 8], sums[TOGETHER];
  for (size_t block = 0; block < p->blocks; ++block) {
    const uint64_t* w = p->weights + block * words_of(p->inputs) * LANES;
    for (size_t n = 0; n < count; ++n) sums[n] = _mm512_setzero_si512();
    for (size_t from = 0; from < p->inputs; from += SEGMENT) {
      const size_t eights = (least(SEGMENT, p->inputs - from) + 7) / 8;
      const uint64_t* value = x + from / 8;
      avx512_expand(w + from / WORD * LANES, eights, signs);
      size_t n = 0;
      for (; n + 8 <= count; n += 8) {
        avx512_add(signs, eights, value + n * stride, stride, sums + n, 8);
      }
      for (; n < count; ++n) avx512_add(signs, eights, value + n * stride, stride, sums + n, 1);
    }
    for (size_t n = 0; n < count; ++n) {
      const __m512i sum = _mm512_add_epi32(sums[n], _mm512_srli_epi64(sums[n], 32));
      avx2_finish(_mm512_cvtepi64_epi32(sum), limits, out, n * pitch, block);
    }
  }
}
