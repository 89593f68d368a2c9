// Measures the engine from inside: samples one by one, layers alone, popcounts in registers.

#include "layers.h"

enum { PEAK_BITS = 4 * 256 };  // a round of every way to count

typedef uint64_t peak_of(size_t rounds);

static uint64_t portable_peak(size_t rounds) {
  uint64_t x = 1, sums[PEAK_BITS / WORD] = {0}, all = 0;
  for (; rounds; --rounds) {
    __asm__ volatile("" : "+r"(x));
    for (int i = 0; i < PEAK_BITS / WORD; ++i) sums[i] += (uint64_t)popcount(x ^ (uint64_t)i);
  }
  for (int i = 0; i < PEAK_BITS / WORD; ++i) all += sums[i];
  return all;
}

#if !defined(ONEBIT_PORTABLE) && defined(__x86_64__)
WITH("popcnt") static uint64_t popcnt_peak(size_t rounds) {
  uint64_t x = 1, a = 0, b = 0, c = 0, d = 0;
  for (; rounds; --rounds) {
    for (int i = 0; i < PEAK_BITS / WORD / 4; ++i) {
      __asm__ volatile("" : "+r"(x));
      a += (uint64_t)__builtin_popcountll(x ^ 1), b += (uint64_t)__builtin_popcountll(x ^ 2);
      c += (uint64_t)__builtin_popcountll(x ^ 3), d += (uint64_t)__builtin_popcountll(x ^ 4);
    }
  }
  return a + b + c + d;
}

// A nibble of inputs picks the count from a row that a nibble of weights has chosen.
WITH("avx2") static uint64_t avx2_peak(size_t rounds) {
  __m256i row = _mm256_set1_epi8(1), a = row, b = row, c = row, d = row;
  const __m256i x = _mm256_set1_epi8(2), y = _mm256_set1_epi8(3);
  for (; rounds; --rounds) {
    for (int i = 0; i < PEAK_BITS / (4 * 32 * FOUR); ++i) {
      __asm__ volatile("" : "+x"(row));
      a = _mm256_add_epi8(a, _mm256_shuffle_epi8(row, x));
      b = _mm256_add_epi8(b, _mm256_shuffle_epi8(row, y));
      __asm__ volatile("" : "+x"(row));
      c = _mm256_add_epi8(c, _mm256_shuffle_epi8(row, x));
      d = _mm256_add_epi8(d, _mm256_shuffle_epi8(row, y));
    }
  }
  const __m256i all = _mm256_add_epi8(_mm256_add_epi8(a, b), _mm256_add_epi8(c, d));
  return (uint64_t)_mm256_extract_epi64(all, 0);
}

AVX512 static uint64_t avx512_peak(size_t rounds) {
  __m512i x = _mm512_set1_epi64(1), a = x, b = x;
  const __m512i w = _mm512_set1_epi64(2), v = _mm512_set1_epi64(3);
  for (; rounds; --rounds) {
    __asm__ volatile("" : "+v"(x));
    a = _mm512_add_epi64(a, _mm512_popcnt_epi64(_mm512_xor_si512(x, w)));
    b = _mm512_add_epi64(b, _mm512_popcnt_epi64(_mm512_xor_si512(x, v)));
  }
  return (uint64_t)_mm512_reduce_add_epi64(_mm512_add_epi64(a, b));
}
#endif

static const struct {
  const char* name;
  peak_of* run;
} peaks[] = {
    {"portable", portable_peak},
#if !defined(ONEBIT_PORTABLE) && defined(__x86_64__)
    {"popcnt", popcnt_peak},
    {"avx2", avx2_peak},
    {"avx512", avx512_peak},
#endif
};

// The name of a way to count that this machine has; NULL behind the last one.
const char* onebit_net_peak_name(size_t index) {
  if (index >= sizeof peaks / sizeof peaks[0]) return NULL;
  for (size_t i = 0; i < KERNELS; ++i) {
    if (!strcmp(kernels[i].name, peaks[index].name))
      return runs(&kernels[i]) ? peaks[index].name : "";
  }
#if !defined(ONEBIT_PORTABLE) && defined(__x86_64__)
  if (HAS("popcnt")) return peaks[index].name;
#endif
  return "";
}

// XNOR, count and add PEAK_BITS bits, again and again.
uint64_t onebit_net_peak(size_t index, size_t rounds) { return peaks[index].run(rounds); }

void onebit_net_one_by_one(const onebit_net_raw* samples, size_t count, uint16_t* classes) {
  for (size_t i = 0; i < count; ++i) {
    onebit_net_classify(samples + i * ONEBIT_NET_INPUTS, 1, classes + i);
  }
}

// A layer's product alone, on TOGETHER vectors, again and again; the bits of all of one round.
uint64_t onebit_net_layer(size_t index, size_t rounds) {
  const kernel* k = in_use();
  const product* p = probed[index].product;
  product_of* multiply = probed[index].bytes ? k->bytes : k->bits;
  const size_t room = words_of(p->inputs * (probed[index].bytes ? 8 : 1));
  const size_t pitch = p->blocks * LANES;
  uint64_t x[TOGETHER * PROBE];
  int32_t out[TOGETHER * PROBE];
  for (size_t i = 0; i < TOGETHER * room; ++i) x[i] = (i + 1) * 0x9e3779b97f4a7c15;
  for (; rounds; --rounds) multiply(p, probed[index].limits, x, room, TOGETHER, out, pitch);
  return (uint64_t)TOGETHER * pitch * p->inputs;
}
