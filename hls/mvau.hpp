// mvau: matrix-vector-activation unit, PE neurons x SIMD inputs a cycle, as rtl/mvau.sv without M.
// For each input vector of MW elements it puts out MH neurons, PE a beat: bits (acc >= threshold)
// or the accumulators. BIPOLAR_IN: elements are bits meaning +-1 and acc = number that agree with
// the weights; else elements are integers and acc = sum of +-x.
//
// P holds the parameters, named as in the RTL; VECTORS an image are OH x OW positions in raster
// order. weights[nf*SF+sf][p] are the SIMD weights of neuron nf*PE+p for input beat sf, 1 means +1,
// spare inputs 1. starts[base+nf][p] is what the neuron's accumulator starts from, minus its
// threshold, where base = rows[y] + columns[x] is where the thresholds of a position's class begin.
// Throughput: SF*NF cycles a vector, SF = ceil(MW/SIMD), NF = ceil(MH/PE).
#pragma once

#include <type_traits>

#include "hls_stream.h"
#include "threshold.hpp"
#include "xnor_sum.hpp"

namespace onebit {

// Beats of an input vector, folds of the neurons, bits of an element that is put out.
template <typename P>
struct MvauShape {
  static constexpr int SF = ceil_div(P::MW, P::SIMD);
  static constexpr int NF = ceil_div(P::MH, P::PE);
  static constexpr int OUT_BITS = P::THRESHOLDS ? 1 : P::ACC_W;
};

template <typename P>
using MvauIn = ap_uint<P::SIMD * P::IN_BITS>;
template <typename P>
using MvauOut = ap_uint<P::PE * MvauShape<P>::OUT_BITS>;

template <typename P>
ap_uint<P::PE> mvau_result(const ap_int<P::ACC_W> (&acc)[P::PE], int used, std::true_type) {
#pragma HLS INLINE
  return threshold<P::PE, P::ACC_W>(acc, used);
}

template <typename P>
ap_uint<P::PE * P::ACC_W> mvau_result(const ap_int<P::ACC_W> (&acc)[P::PE], int used,
                                      std::false_type) {
#pragma HLS INLINE
  ap_uint<P::PE * P::ACC_W> lanes = 0;
  for (int p = 0; p < P::PE; ++p) {
#pragma HLS UNROLL
    if (p < used) set_lane<P::ACC_W>(lanes, p, acc[p]);
  }
  return lanes;
}

template <typename P, typename Weight, typename Start, typename Row, typename Column>
void mvau(hls::stream<MvauIn<P>>& s_axis, hls::stream<MvauOut<P>>& m_axis,
          const Weight (&weights)[MvauShape<P>::NF * MvauShape<P>::SF][P::PE][words(P::SIMD)],
          const Start (&starts)[P::CLASSES * MvauShape<P>::NF][P::PE], const Row (&rows)[P::OH],
          const Column (&columns)[P::OW]) {
  static_assert(P::PE >= 1 && P::PE <= P::MH, "mvau: PE must be in 1..MH");
  static_assert(P::SIMD >= 1 && P::SIMD <= P::MW, "mvau: SIMD must be in 1..MW");
  static_assert(!P::BIPOLAR_IN || P::IN_BITS == 1, "mvau: BIPOLAR_IN elements have one bit");
  static_assert(P::CLASSES == 1 || P::THRESHOLDS, "mvau: CLASSES above 1 need THRESHOLDS");
#pragma HLS ARRAY_RESHAPE variable = weights complete dim = 2
#pragma HLS ARRAY_RESHAPE variable = weights complete dim = 3
#pragma HLS ARRAY_RESHAPE variable = starts complete dim = 2
  constexpr int SF = MvauShape<P>::SF;
  constexpr int NF = MvauShape<P>::NF;
  Word buffer[SF][P::IN_BITS][words(P::SIMD)];
#pragma HLS ARRAY_RESHAPE variable = buffer complete dim = 2
#pragma HLS ARRAY_RESHAPE variable = buffer complete dim = 3
  ap_int<P::ACC_W> acc[P::PE];
#pragma HLS ARRAY_PARTITION variable = acc complete

  for (int y = 0; y < P::OH; ++y) {
    for (int x = 0; x < P::OW; ++x) {
      for (int nf = 0; nf < NF; ++nf) {
        for (int sf = 0; sf < SF; ++sf) {
#pragma HLS PIPELINE II = 1
          Word plane[P::IN_BITS][words(P::SIMD)];
#pragma HLS ARRAY_PARTITION variable = plane complete dim = 0
          if (nf == 0) planes<P::SIMD, P::IN_BITS, P::SIGNED_IN>(s_axis.read(), plane);
          for (int b = 0; b < P::IN_BITS; ++b) {
#pragma HLS UNROLL
            for (int k = 0; k < words(P::SIMD); ++k) {
#pragma HLS UNROLL
              if (nf == 0) {
                buffer[sf][b][k] = plane[b][k];
              } else {
                plane[b][k] = buffer[sf][b][k];
              }
            }
          }
          const int start = rows[y] + columns[x] + nf;
          for (int p = 0; p < P::PE; ++p) {
#pragma HLS UNROLL
            if (sf == 0) acc[p] = starts[start][p];
            acc[p] += xnor_sum<P::SIMD, P::IN_BITS>(plane, weights[nf * SF + sf][p]);
          }
          if (sf == SF - 1) {
            const int used = nf == NF - 1 ? P::MH - nf * P::PE : P::PE;
            m_axis.write(mvau_result<P>(acc, used, std::integral_constant<bool, P::THRESHOLDS>()));
          }
        }
      }
    }
  }
}

}  // namespace onebit
