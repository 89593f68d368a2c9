// xnor_sum: adds integers, each inverted bit by bit where its weight is 0, one bit plane at a time.
// sum = sum over i of (w[i] ? x_i : 2^BITS-1 - x_i), where x_i counts from its least value: signed
// elements have their sign bit flipped. What this differs by from a sum of +-x is a constant of the
// neuron, in the word that its accumulator starts from. Of bits it counts those that agree.
#pragma once

#include "xnor_dot.hpp"

namespace onebit {

// The bit planes of a beat of N elements: bit i of plane b is bit b of element i.
template <int N, int BITS, bool SIGNED>
void planes(const ap_uint<N * BITS>& beat, Word (&plane)[BITS][words(N)]) {
#pragma HLS INLINE
  static_assert(BITS >= 1 && BITS <= 32, "planes: BITS must be in 1..32");
  Word raw[words(N * BITS)];
#pragma HLS ARRAY_PARTITION variable = raw complete
  split<N * BITS>(beat, raw);
  for (int b = 0; b < BITS; ++b) {
#pragma HLS UNROLL
    const Word flip = SIGNED && b == BITS - 1 ? ~Word(0) : Word(0);
    for (int k = 0; k < words(N); ++k) {
#pragma HLS UNROLL
      Word bits = 0;
      if (BITS == 1) bits = raw[k];
      const int count = BITS == 1 ? 0 : smaller(N - k * kWordBits, kWordBits);
      for (int i = 0; i < count; ++i) {
#pragma HLS UNROLL
        const int at = (k * kWordBits + i) * BITS + b;
        bits |= (raw[at / kWordBits] >> at % kWordBits & 1) << i;
      }
      plane[b][k] = bits ^ flip;
    }
  }
}

template <int N, int BITS, typename Weight>
constexpr int xnor_sum(const Word (&plane)[BITS][words(N)], const Weight (&w)[words(N)]) {
#pragma HLS INLINE
  int sum = 0;
  for (int b = 0; b < BITS; ++b) {
#pragma HLS UNROLL
    sum += xnor_dot<N>(plane[b], w) << b;
  }
  return sum;
}

}  // namespace onebit
