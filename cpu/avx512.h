// The AVX-512 kernel: VPOPCNTDQ counts the bits of eight words, VNNI multiplies 64 bytes.

#pragma once

#include "x86.h"

#define AVX512 WITH("avx512f,avx512bw,avx512vpopcntdq,avx512vnni")

AVX512 INLINE void avx512_finish(__m512i sums, const int32_t* limits, void* out, size_t at,
                                 size_t block) {
  if (!limits) {
    _mm256_storeu_si256((void*)((int32_t*)out + at + block * LANES), _mm512_cvtepi64_epi32(sums));
    return;
  }
  const __m256i limit = _mm256_loadu_si256((const void*)(limits + block * LANES));
  ((uint8_t*)out)[at + block] = _mm512_cmplt_epi64_mask(sums, _mm512_cvtepi32_epi64(limit));
}

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
      for (size_t i = 0; i < 8; ++i) avx512_finish(sums[i], limits, out, (n + i) * pitch, block);
    }
    for (; n < count; ++n) {
      avx512_block(w, words, x + n * stride, stride, sums, 1);
      avx512_finish(sums[0], limits, out, n * pitch, block);
    }
  }
}

// Weights of up to SEGMENT inputs as bytes +1 and -1: for each eight inputs those of a block.
AVX512 INLINE void avx512_expand(const uint64_t* w, size_t eights, __m512i* signs) {
  const __m512i plus = _mm512_set1_epi8(1), minus = _mm512_set1_epi8(-1);
  for (size_t k = 0; k < eights; ++k) {
    const __m512i words = _mm512_loadu_si512(w + k / 8 * LANES);
    const __m512i byte = _mm512_srl_epi64(words, _mm_cvtsi32_si128((int)(k % 8 * 8)));
    const uint64_t bits = (uint64_t)_mm_cvtsi128_si64(_mm512_cvtepi64_epi8(byte));
    signs[k] = _mm512_mask_blend_epi8(bits, plus, minus);
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
      const __m512i low = _mm512_srai_epi64(_mm512_slli_epi64(sum, 32), 32);
      avx512_finish(low, limits, out, n * pitch, block);
    }
  }
}
