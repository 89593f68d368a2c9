// xnor_dot: counts the agreeing bits of two vectors of N bits, 64 to a word, by a tree of adders.
// In +-1 arithmetic the dot product is 2 * count - N. Bits past N are not looked at.
#pragma once

#include <cstdint>

#include "ap_int.h"

namespace onebit {

using Word = std::uint64_t;
constexpr int kWordBits = 64;

constexpr int ceil_div(int a, int b) { return (a + b - 1) / b; }
constexpr int smaller(int a, int b) { return a < b ? a : b; }
constexpr int greater(int a, int b) { return a < b ? b : a; }

// Words that hold so many bits, at least one.
constexpr int words(int bits) { return greater(1, ceil_div(bits, kWordBits)); }

// Bits of an index below `count`, at least one.
constexpr int index_bits(int count) { return count <= 2 ? 1 : 1 + index_bits((count + 1) / 2); }

// How many of the N lowest bits are ones: two halves, each sum as narrow as it can be.
template <int N>
constexpr int ones(Word bits) {
#pragma HLS INLINE
  static_assert(N >= 1 && N <= kWordBits, "ones: N must be in 1..64, the bits of a word");
  return ones<N / 2>(bits) + ones<N - N / 2>(bits >> (N / 2));
}

template <>
constexpr int ones<1>(Word bits) {
#pragma HLS INLINE
  return static_cast<int>(bits & 1);
}

// Weights come in words of fewer bits where N is less than 64.
template <int N, typename Weight>
constexpr int xnor_dot(const Word (&a)[words(N)], const Weight (&w)[words(N)]) {
#pragma HLS INLINE
  static_assert(N >= 1, "xnor_dot: N must be at least 1");
  static_assert(sizeof(Weight) * 8 >= smaller(N, kWordBits), "xnor_dot: Weight is too narrow");
  constexpr int whole = (N - 1) / kWordBits;
  int count = ones<N - whole * kWordBits>(~(a[whole] ^ static_cast<Word>(w[whole])));
  for (int i = 0; i < whole; ++i) {
#pragma HLS UNROLL
    count += ones<kWordBits>(~(a[i] ^ static_cast<Word>(w[i])));
  }
  return count;
}

// Puts `value` into a lane of LANE bits that is still 0. An or, since g++ warns of ap_types'
// ranges.
template <int LANE, int W>
void set_lane(ap_uint<W>& beat, int lane, const ap_uint<LANE>& value) {
#pragma HLS INLINE
  beat |= ap_uint<W>(value) << (lane * LANE);
}

// A beat as words; bits past W are zero.
template <int W>
void split(const ap_uint<W>& beat, Word (&out)[words(W)]) {
#pragma HLS INLINE
  for (int i = 0; i < words(W); ++i) {
#pragma HLS UNROLL
    out[i] = beat.range(smaller(W, (i + 1) * kWordBits) - 1, i * kWordBits).to_uint64();
  }
}

// Words as a beat, the inverse of split.
template <int W>
ap_uint<W> join(const Word (&in)[words(W)]) {
#pragma HLS INLINE
  ap_uint<W> beat = 0;
  for (int i = 0; i < words(W); ++i) {
#pragma HLS UNROLL
    set_lane<kWordBits>(beat, i, in[i]);
  }
  return beat;
}

}  // namespace onebit
