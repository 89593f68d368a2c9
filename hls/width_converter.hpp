// width_converter: vectors of N elements, from IN_LANES to OUT_LANES elements a beat.
// VECTORS of them are an image. A shift register: an input beat is put in at `level`, an output
// beat leaves at the bottom. The last beat of a vector counts as many elements as fill its last
// output beat; what is above `level` is always zero, so these spare lanes are zero too.
// Throughput: about max(ceil(N/IN_LANES), ceil(N/OUT_LANES)) cycles a vector.
#pragma once

#include "hls_stream.h"
#include "xnor_dot.hpp"

namespace onebit {

template <int VECTORS, int N, int BITS, int IN_LANES, int OUT_LANES>
void width_converter(hls::stream<ap_uint<IN_LANES * BITS>>& s_axis,
                     hls::stream<ap_uint<OUT_LANES * BITS>>& m_axis) {
  static_assert(VECTORS >= 1 && N >= 1 && BITS >= 1 && IN_LANES >= 1 && OUT_LANES >= 1,
                "width_converter: every parameter must be at least 1");
  constexpr int IN = smaller(IN_LANES, N);  // lanes beyond a vector are always spare
  constexpr int OUT = smaller(OUT_LANES, N);
  constexpr int IN_BEATS = ceil_div(N, IN);
  constexpr int OUT_BEATS = ceil_div(N, OUT);
  constexpr int IN_LAST = OUT_BEATS * OUT - (IN_BEATS - 1) * IN;
  constexpr int CAPACITY = greater(IN, IN_LAST) + 2 * OUT - 1;
  ap_uint<CAPACITY * BITS> data = 0;
  int level = 0, beat = 0, vector = 0, written = 0;

  while (written < VECTORS * OUT_BEATS) {
#pragma HLS PIPELINE II = 1
    const int elements = beat == IN_BEATS - 1 ? IN_LAST : IN;
    if (vector < VECTORS && level <= CAPACITY - elements) {
      const ap_uint<IN_LANES * BITS> taken = s_axis.read();
      ap_uint<CAPACITY * BITS> above = taken.range(IN * BITS - 1, 0);
      data |= above << (level * BITS);
      level += elements;
      beat = beat == IN_BEATS - 1 ? 0 : beat + 1;
      if (beat == 0) ++vector;
    }
    if (level >= OUT) {
      const ap_uint<OUT_LANES * BITS> bottom = data.range(OUT * BITS - 1, 0);
      m_axis.write(bottom);
      data >>= OUT * BITS;
      level -= OUT;
      ++written;
    }
  }
}

}  // namespace onebit
