// Bits in 64-bit words, index 0 least significant, and what a layer's matrix product is.

#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "bytes are read as parts of words: this wants a little-endian machine"
#endif

enum {
  LANES = 8,                   // neurons whose words lie side by side
  WORD = 64,                   // bits of a word
  SEGMENT = 256,               // 8-bit inputs that are summed up at a time
  TOGETHER = ONEBIT_TOGETHER,  // vectors that a product takes at once, at most
};

// Weights [block of LANES neurons][word of inputs][LANES]. Of a vector x a neuron's sum is the
// number of bits where x and weights differ; of 8-bit x the sum of x, negative where the weight
// is 1. Either way it falls where the source's rises: an output bit is `sum < limit`. Neurons that
// fill up the last block have the limit INT32_MIN, inputs beyond the last are 0.
typedef struct {
  const uint64_t* weights;
  size_t blocks, inputs;
} product;

// What a kernel computes of `count` vectors that lie `stride` words apart: each one's output bits,
// a byte a block, in `out`, `pitch` bytes apart; without limits its sums, `pitch` int32_t apart.
typedef void product_of(const product* p, const int32_t* limits, const uint64_t* x, size_t stride,
                        size_t count, void* out, size_t pitch);

static inline size_t words_of(size_t bits) { return (bits + WORD - 1) / WORD; }

static inline size_t least(size_t a, size_t b) { return a < b ? a : b; }

static inline uint64_t ones(size_t count) { return ~(uint64_t)0 >> (WORD - count); }

// The word that begins at any bit; the word behind the one with that bit must be readable.
static inline uint64_t get(const uint64_t* x, size_t at) {
  const uint64_t* w = x + at / WORD;
  return w[0] >> at % WORD | w[1] << 1 << (WORD - 1 - at % WORD);
}

// Write `count` bits, 1 to 64; value has no others.
static inline void put(uint64_t* x, size_t at, uint64_t value, size_t count) {
  const size_t shift = at % WORD;
  uint64_t* w = x + at / WORD;
  w[0] = (w[0] & ~(ones(count) << shift)) | value << shift;
  if (shift + count > WORD) {
    w[1] = (w[1] & ~(ones(count) >> (WORD - shift))) | value >> (WORD - shift);
  }
}

static inline void copy_bits(uint64_t* to, size_t to_at, const uint64_t* from, size_t from_at,
                             size_t count) {
  for (size_t done = 0; done < count; done += WORD) {
    const size_t n = least(WORD, count - done);
    put(to, to_at + done, get(from, from_at + done) & ones(n), n);
  }
}

// The sums of a block's neurons, or their bits, where the vector's output lies.
static inline void finish(const int32_t* sums, const int32_t* limits, void* out, size_t at,
                          size_t block) {
  if (!limits) {
    memcpy((int32_t*)out + at + block * LANES, sums, LANES * sizeof *sums);
    return;
  }
  unsigned bits = 0;
  for (int i = 0; i < LANES; ++i) bits |= (unsigned)(sums[i] < limits[block * LANES + i]) << i;
  ((uint8_t*)out)[at + block] = (uint8_t)bits;
}
