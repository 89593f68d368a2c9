// head: fixed-point scale and bias for each class, then the arg-max.
// logit_c = scale_c * acc_c + bias_c, exact (the emitter chose LOGIT_W so that nothing overflows).
// In: NF = ceil(CLASSES/PE) beats of PE accumulators a vector. Out: as many beats of
// {class, PE logits}; class is the arg-max so far, so that of the whole vector on the last beat. Of
// equal logits the lowest class wins. Spare lanes are 0, never win.
//
// P holds the parameters, named as in the RTL; scales[nf][p] and biases[nf][p] are those of class
// nf*PE+p. Throughput 1 beat/cycle.
#pragma once

#include "hls_stream.h"
#include "xnor_dot.hpp"

namespace onebit {

template <typename P>
using HeadOut = ap_uint<index_bits(P::CLASSES) + P::PE * P::LOGIT_W>;

template <typename P, typename Scale, typename Bias>
void head(hls::stream<ap_uint<P::PE * P::ACC_W>>& s_axis, hls::stream<HeadOut<P>>& m_axis,
          const Scale (&scales)[ceil_div(P::CLASSES, P::PE)][P::PE],
          const Bias (&biases)[ceil_div(P::CLASSES, P::PE)][P::PE]) {
  static_assert(P::PE >= 1 && P::PE <= P::CLASSES, "head: PE must be in 1..CLASSES");
  static_assert(P::LOGIT_W >= 1 && P::LOGIT_W <= 32, "head: LOGIT_W must be in 1..32");
#pragma HLS ARRAY_RESHAPE variable = scales complete dim = 2
#pragma HLS ARRAY_RESHAPE variable = biases complete dim = 2
  constexpr int NF = ceil_div(P::CLASSES, P::PE);
  constexpr int LANES = P::PE * P::LOGIT_W;
  ap_int<P::LOGIT_W> best = 0;
  int winner = 0;

  for (int nf = 0; nf < NF; ++nf) {
#pragma HLS PIPELINE II = 1
    const ap_uint<P::PE * P::ACC_W> beat = s_axis.read();
    HeadOut<P> out = 0;
    for (int p = 0; p < P::PE; ++p) {
#pragma HLS UNROLL
      const int c = nf * P::PE + p;
      if (c < P::CLASSES) {
        ap_int<P::ACC_W> acc;
        acc = beat.range((p + 1) * P::ACC_W - 1, p * P::ACC_W);
        const ap_int<P::SCALE_W> scale = scales[nf][p];
        const ap_int<P::LOGIT_W> bias = biases[nf][p];
        const ap_int<P::LOGIT_W> logit = scale * acc + bias;
        set_lane<P::LOGIT_W>(out, p, logit);
        if (c == 0 || logit > best) {
          best = logit;
          winner = c;
        }
      }
    }
    out |= HeadOut<P>(winner) << LANES;
    m_axis.write(out);
  }
}

}  // namespace onebit
