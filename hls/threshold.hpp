// threshold: the bits of PE accumulators, "acc >= threshold", each less its threshold from the
// start. So a bit is "sign not set". Lanes from `used` on are spare: 0.
#pragma once

#include "ap_int.h"

namespace onebit {

template <int PE, int ACC_W>
ap_uint<PE> threshold(const ap_int<ACC_W> (&acc)[PE], int used) {
#pragma HLS INLINE
  ap_uint<PE> bits = 0;
  for (int p = 0; p < PE; ++p) {
#pragma HLS UNROLL
    bits[p] = p < used && acc[p] >= 0;
  }
  return bits;
}

}  // namespace onebit
