// Many vectors at once with AVX2: lanes are vectors, sums are looked up by four weights.

#pragma once

#include "x86.h"

// 64 vectors of bits or 32 of bytes, in two registers: sums are bytes or have 16 bits. What four
// inputs add to a neuron's sum depends on its four weights, a nibble of a word: with bits the
// weights choose which counts a shuffle picks by the inputs; with bytes they choose a row of the
// inputs' table, which every neuron shares.
enum {
  FOUR = 4,               // inputs of a nibble
  ROWS = 1 << FOUR,       // what a nibble may be
  NIBBLES = WORD / FOUR,  // of a word
  NEURONS = 256,          // whose sums are kept at a time
  AT_ONCE = 4,            // neurons, whose sums are in registers
  BITS_FULL = 3,          // words whose count of bits a byte holds
  BYTES_FULL = 2,         // words of weights whose sum of bytes 16 bits hold
  MOST_BITS = 32766,      // inputs, of which 16 bits hold the count and the limit
  LEAST_BITS = 44,        // vectors of bits that are worth it, as measured
  LEAST_BYTES = 18,       // and of bytes,
  LEAST_BLOCKS = 5,       // where so many blocks share the tables
};

typedef __m256i avx2_row[2];
typedef uint16_t avx2_lanes __attribute__((vector_size(32), may_alias));

// Bytes 0 to 7 of a word of 32 vectors, each byte's in a register.
WITH("avx2") INLINE void avx2_columns(const uint64_t* const* x, size_t k, __m256i* columns) {
  const __m256i pairs = _mm256_setr_epi8(0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15,  //
                                         0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15);
  __m256i two[8], four[8], eight[8];
  for (int i = 0; i < 8; ++i) {
    const __m256i words =
        _mm256_setr_epi64x((long long)x[2 * i][k], (long long)x[2 * i + 1][k],
                           (long long)x[2 * i + 16][k], (long long)x[2 * i + 17][k]);
    two[i] = _mm256_shuffle_epi8(words, pairs);
  }
  for (int i = 0; i < 8; i += 2) {
    four[i] = _mm256_unpacklo_epi16(two[i], two[i + 1]);
    four[i + 1] = _mm256_unpackhi_epi16(two[i], two[i + 1]);
  }
  for (int i = 0; i < 8; i += 4) {
    for (int j = 0; j < 2; ++j) {
      eight[i + 2 * j] = _mm256_unpacklo_epi32(four[i + j], four[i + j + 2]);
      eight[i + 2 * j + 1] = _mm256_unpackhi_epi32(four[i + j], four[i + j + 2]);
    }
  }
  for (int i = 0; i < 4; ++i) {
    columns[2 * i] = _mm256_unpacklo_epi64(eight[i], eight[i + 4]);
    columns[2 * i + 1] = _mm256_unpackhi_epi64(eight[i], eight[i + 4]);
  }
}

// The other way: bytes 0 to 7, each one's of 32 vectors in a register, as 32 words.
WITH("avx2") INLINE void avx2_words(const __m256i* columns, uint64_t* words) {
  __m256i two[8], four[8];
  for (int i = 0; i < 4; ++i) {
    two[i] = _mm256_unpacklo_epi8(columns[2 * i], columns[2 * i + 1]);
    two[i + 4] = _mm256_unpackhi_epi8(columns[2 * i], columns[2 * i + 1]);
  }
  for (int i = 0; i < 8; i += 4) {
    for (int j = 0; j < 2; ++j) {
      four[i + j] = _mm256_unpacklo_epi16(two[i + 2 * j], two[i + 2 * j + 1]);
      four[i + j + 2] = _mm256_unpackhi_epi16(two[i + 2 * j], two[i + 2 * j + 1]);
    }
  }
  for (int i = 0; i < 4; ++i) {
    const __m256i first = _mm256_unpacklo_epi32(four[2 * i], four[2 * i + 1]);
    const __m256i second = _mm256_unpackhi_epi32(four[2 * i], four[2 * i + 1]);
    _mm_storeu_si128((void*)(words + 4 * i), _mm256_castsi256_si128(first));
    _mm_storeu_si128((void*)(words + 4 * i + 2), _mm256_castsi256_si128(second));
    _mm_storeu_si128((void*)(words + 4 * i + 16), _mm256_extracti128_si256(first, 1));
    _mm_storeu_si128((void*)(words + 4 * i + 18), _mm256_extracti128_si256(second, 1));
  }
}

// For each nibble of weights the count of bits that differ, by the nibble of inputs.
WITH("avx2") INLINE void avx2_differing(__m256i* counts) {
  const __m256i set = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,  //
                                       0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
  const __m256i all = _mm256_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,  //
                                       0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  for (int i = 0; i < ROWS; ++i) {
    counts[i] = _mm256_shuffle_epi8(set, _mm256_xor_si256(all, _mm256_set1_epi8((char)i)));
  }
}

WITH("avx2") INLINE void avx2_nibbles(const uint64_t* const* x, size_t k, avx2_row* nibbles) {
  const __m256i low = _mm256_set1_epi8(15);
  for (int half = 0; half < 2; ++half) {
    __m256i columns[8];
    avx2_columns(x + 32 * half, k, columns);
    for (int i = 0; i < 8; ++i) {
      nibbles[2 * i][half] = _mm256_and_si256(columns[i], low);
      nibbles[2 * i + 1][half] = _mm256_and_si256(_mm256_srli_epi16(columns[i], 4), low);
    }
  }
}

// A table from the sum of its inputs and from what each weight that is 1 changes.
WITH("avx2")
INLINE void avx2_fill(avx2_row* rows, int half, __m256i sum, const __m256i* change,
                      const size_t inputs) {
  rows[0][half] = sum;
  for (size_t i = 0; i < inputs; ++i) {
    for (int row = 0; row < 1 << i; ++row) {
      rows[row | 1 << i][half] = _mm256_add_epi16(rows[row][half], change[i]);
    }
  }
}

// The tables of up to 64 inputs.
WITH("avx2")
INLINE void avx2_tables(const uint64_t* const* x, size_t k, size_t inputs,
                        avx2_row (*tables)[ROWS]) {
  __m256i columns[8];
  for (size_t i = 0; i < inputs; i += FOUR) {
    if (i % 8 == 0) avx2_columns(x, k * 8 + i / 8, columns);
    for (int half = 0; half < 2; ++half) {
      __m256i sum = _mm256_setzero_si256(), change[FOUR];
      for (size_t j = 0; j < FOUR; ++j) {
        const __m256i all = columns[i % 8 + j];
        const __m128i mine = half ? _mm256_extracti128_si256(all, 1) : _mm256_castsi256_si128(all);
        const __m256i value = _mm256_cvtepu8_epi16(mine);
        sum = _mm256_add_epi16(sum, value);
        change[j] = _mm256_sub_epi16(_mm256_setzero_si256(), _mm256_add_epi16(value, value));
      }
      if (inputs - i < FOUR) {
        avx2_fill(tables[i / FOUR], half, sum, change, inputs - i);
      } else {
        avx2_fill(tables[i / FOUR], half, sum, change, FOUR);
      }
    }
  }
}

// Add what a word of weights of some neurons looks up to their sums, or begin these. Without
// nibbles the rows are tables, one after the other. The sums' type is the additions': with another
// one gcc copies each register.
WITH("avx2")
INLINE void avx2_look_up(const uint64_t* weights, size_t count, const __m256i* rows,
                         avx2_row* nibbles, int begin, avx2_row* sums) {
  const int shift = nibbles ? 5 : 6;  // a register of counts or two of a table
  const char* from = (const char*)rows;
  avx2_lanes sum[AT_ONCE][2];
  uint64_t w[AT_ONCE];
  for (int i = 0; i < AT_ONCE; ++i) {
    w[i] = weights[i] << shift | weights[i] >> (WORD - shift);
    for (int half = 0; half < 2; ++half) {
      sum[i][half] = (avx2_lanes)(begin ? _mm256_setzero_si256() : sums[i][half]);
    }
  }
  for (size_t k = 0; k < count; ++k) {
    for (int i = 0; i < AT_ONCE; ++i) {
      const __m256i* row = (const __m256i*)(from + (w[i] & (ROWS - 1) << shift));
      w[i] = w[i] >> FOUR | w[i] << (WORD - FOUR);
      for (int half = 0; half < 2; ++half) {
        const __m256i more = nibbles ? _mm256_shuffle_epi8(row[0], nibbles[k][half]) : row[half];
        sum[i][half] += (avx2_lanes)more;
      }
    }
    if (!nibbles) from += ROWS * sizeof(avx2_row);
  }
  for (int i = 0; i < AT_ONCE; ++i) {
    for (int half = 0; half < 2; ++half) sums[i][half] = (__m256i)sum[i][half];
  }
}

// Add a sum to a wide one, or begin it: even lanes to one register, odd ones to the next.
WITH("avx2") INLINE void avx2_widen(__m256i sum, int begin, __m256i* wide, const int bytes) {
  if (begin) wide[0] = wide[1] = _mm256_setzero_si256();
  if (bytes) {
    const __m256i even = _mm256_srai_epi32(_mm256_slli_epi32(sum, 16), 16);
    wide[0] = _mm256_add_epi32(wide[0], even);
    wide[1] = _mm256_add_epi32(wide[1], _mm256_srai_epi32(sum, 16));
  } else {
    const __m256i even = _mm256_and_si256(sum, _mm256_set1_epi16(255));
    wide[0] = _mm256_add_epi16(wide[0], even);
    wide[1] = _mm256_add_epi16(wide[1], _mm256_srli_epi16(sum, 8));
  }
}

// `bit` in each lane whose sum is less than the limit.
WITH("avx2") INLINE __m256i avx2_less(__m256i sum, int32_t limit, int bit, const int bytes) {
  if (bytes) {
    const __m256i most = _mm256_set1_epi16((int16_t)(limit < INT16_MIN ? INT16_MIN : limit));
    return _mm256_and_si256(_mm256_cmpgt_epi16(most, sum), _mm256_set1_epi16((int16_t)bit));
  }
  const __m256i most = _mm256_set1_epi8((char)(limit < 0 ? 0 : limit));
  const __m256i reached = _mm256_cmpeq_epi8(_mm256_subs_epu8(most, sum), _mm256_setzero_si256());
  return _mm256_andnot_si256(reached, _mm256_set1_epi8((char)bit));
}

// The same of wide sums, each bit in the lane that the sum came from.
WITH("avx2")
INLINE __m256i avx2_wide_less(const __m256i* wide, int32_t limit, int bit, const int bytes) {
  __m256i even, odd;
  if (bytes) {
    const __m256i most = _mm256_set1_epi32(limit);
    even = _mm256_and_si256(_mm256_cmpgt_epi32(most, wide[0]), _mm256_set1_epi32(bit));
    odd = _mm256_and_si256(_mm256_cmpgt_epi32(most, wide[1]), _mm256_set1_epi32(bit << 16));
  } else {
    const __m256i most = _mm256_set1_epi16((int16_t)(limit < 0 ? 0 : limit));
    const __m256i high = _mm256_set1_epi16((int16_t)(bit << 8));
    even = _mm256_and_si256(_mm256_cmpgt_epi16(most, wide[0]), _mm256_set1_epi16((int16_t)bit));
    odd = _mm256_and_si256(_mm256_cmpgt_epi16(most, wide[1]), high);
  }
  return _mm256_or_si256(even, odd);
}

// The sums of up to NEURONS neurons, `wide` where a sum of few words would not hold them.
typedef struct {
  __m256i narrow[NEURONS][2], wide[NEURONS][2][2];
} avx2_sums;

static inline void put_bytes(uint8_t* to, uint64_t word, size_t count) {
  if (count == 8) memcpy(to, &word, 8);
  if (count & 4) memcpy(to, &word, 4), to += 4, word >>= 32;
  if (count & 2) memcpy(to, &word, 2), to += 2, word >>= 16;
  if (count & 1) memcpy(to, &word, 1);
}

// The output bits of up to eight blocks, the first neuron of which is number `first`.
WITH("avx2")
INLINE void avx2_compare(const avx2_sums* sums, int wide, size_t first, size_t blocks,
                         const int32_t* limits, size_t count, uint8_t* out, size_t pitch,
                         const int bytes) {
  __m256i columns[2][8];
  uint64_t words[64];
  for (size_t i = 0; i < 8; ++i) {
    __m256i found[2];
    for (int half = 0; half < 2; ++half) {
      found[half] = _mm256_setzero_si256();
      for (size_t j = 0; j < LANES && i < blocks; ++j) {
        const size_t at = first + i * LANES + j;
        const int32_t limit = limits[i * LANES + j];
        const __m256i less = wide ? avx2_wide_less(sums->wide[at][half], limit, 1 << j, bytes)
                                  : avx2_less(sums->narrow[at][half], limit, 1 << j, bytes);
        found[half] = _mm256_or_si256(found[half], less);
      }
      columns[half][i] = found[half];
    }
    if (bytes) {
      const __m256i mixed = _mm256_packus_epi16(found[0], found[1]);
      columns[0][i] = _mm256_permute4x64_epi64(mixed, 0xd8);
    }
  }
  avx2_words(columns[0], words);
  if (!bytes) avx2_words(columns[1], words + 32);
  for (size_t n = 0; n < count; ++n) put_bytes(out + n * pitch, words[n], blocks);
}

// The wide sum of vector n.
static inline int32_t avx2_sum(__m256i (*wide)[2], size_t n, int bytes) {
  const size_t lanes = bytes ? 16 : 32, at = n % lanes / 2;
  int32_t sums[8];
  int16_t counts[16];
  memcpy(bytes ? (void*)sums : counts, &wide[n / lanes][n % 2], sizeof sums);
  return bytes ? sums[at] : counts[at];
}

// The sums of some blocks, of up to 64 vectors of bits or 32 of bytes.
WITH("avx2")
INLINE void avx2_add_up(const product* p, size_t first, size_t blocks, const uint64_t* const* x,
                        avx2_sums* sums, int widen, const int bytes) {
  avx2_row tables[NIBBLES][ROWS], nibbles[NIBBLES];
  const size_t words = words_of(p->inputs), full = bytes ? BYTES_FULL : BITS_FULL;
  if (!bytes) avx2_differing(tables[0][0]);
  for (size_t k = 0; k < words; ++k) {
    const size_t inputs = least(WORD, p->inputs - k * WORD), count = (inputs + FOUR - 1) / FOUR;
    if (bytes) {
      avx2_tables(x, k, inputs, tables);
    } else {
      avx2_nibbles(x, k, nibbles);
    }
    for (size_t i = 0; i < blocks * LANES; i += AT_ONCE) {
      const size_t block = first + i / LANES;
      avx2_look_up(p->weights + (block * words + k) * LANES + i % LANES, count, tables[0][0],
                   bytes ? NULL : nibbles, k % full == 0, sums->narrow + i);
    }
    if (!widen || ((k + 1) % full && k + 1 < words)) continue;
    for (size_t i = 0; i < blocks * LANES; ++i) {
      avx2_widen(sums->narrow[i][0], k < full, sums->wide[i][0], bytes);
      avx2_widen(sums->narrow[i][1], k < full, sums->wide[i][1], bytes);
    }
  }
}

// Up to 64 vectors of bits or 32 of bytes.
WITH("avx2")
INLINE void avx2_some(const product* p, const int32_t* limits, const uint64_t* x, size_t stride,
                      size_t count, void* out, size_t pitch, const int bytes) {
  const int wide = !limits || words_of(p->inputs) > (bytes ? BYTES_FULL : BITS_FULL);
  const uint64_t* vectors[64];
  avx2_sums sums;
  for (size_t n = 0; n < (bytes ? 32 : 64); ++n) vectors[n] = x + least(n, count - 1) * stride;
  for (size_t first = 0; first < p->blocks; first += NEURONS / LANES) {
    const size_t blocks = least(NEURONS / LANES, p->blocks - first);
    avx2_add_up(p, first, blocks, vectors, &sums, wide, bytes);
    for (size_t i = 0; i < blocks && limits; i += 8) {
      avx2_compare(&sums, wide, i * LANES, least(8, blocks - i), limits + (first + i) * LANES,
                   count, (uint8_t*)out + first + i, pitch, bytes);
    }
    for (size_t i = 0; i < blocks * LANES && !limits; ++i) {
      int32_t* to = (int32_t*)out + first * LANES + i;
      for (size_t n = 0; n < count; ++n) to[n * pitch] = avx2_sum(sums.wide[i], n, bytes);
    }
  }
}

// Where the outputs of vector n are.
static inline void* output_of(void* out, const int32_t* limits, size_t n, size_t pitch) {
  return limits ? (void*)((uint8_t*)out + n * pitch) : (void*)((int32_t*)out + n * pitch);
}

// As many of the vectors as this is worth it for; returns how many.
WITH("avx2")
static size_t avx2_many_bits(const product* p, const int32_t* limits, const uint64_t* x,
                             size_t stride, size_t count, void* out, size_t pitch) {
  size_t n = 0;
  for (; p->inputs <= MOST_BITS && count - n >= LEAST_BITS; n += least(64, count - n)) {
    avx2_some(p, limits, x + n * stride, stride, least(64, count - n),
              output_of(out, limits, n, pitch), pitch, 0);
  }
  return n;
}

WITH("avx2")
static size_t avx2_many_bytes(const product* p, const int32_t* limits, const uint64_t* x,
                              size_t stride, size_t count, void* out, size_t pitch) {
  size_t n = 0;
  for (; p->blocks >= LEAST_BLOCKS && count - n >= LEAST_BYTES; n += least(32, count - n)) {
    avx2_some(p, limits, x + n * stride, stride, least(32, count - n),
              output_of(out, limits, n, pitch), pitch, 1);
  }
  return n;
}
