// maxpool: maximum of bits over a sliding window, an OR; elements outside of the image never win.
// A pixel is CF = ceil(C/PE) beats of PE bits, in and out, in raster order. inverts[f] are the
// lanes of fold f that are inverted after the OR. Spare lanes are 0, as they come.
//
// P holds the parameters, named as in the RTL. Throughput: HB*WB*CF cycles an image, the image and
// what windows reach right of it and below it, HB = max(H, (OH-1)*SH+KH-PT), WB likewise.
#pragma once

#include "hls_stream.h"
#include "xnor_dot.hpp"

namespace onebit {

// Whether the element at `at` completes a window: the last of its K elements, S apart, PAD before.
template <int K, int S, int PAD, int COUNT>
constexpr bool completes(int at) {
  return at >= K - 1 - PAD && (at - (K - 1 - PAD)) % S == 0 && (at - (K - 1 - PAD)) / S < COUNT;
}

template <typename P, typename Invert>
void maxpool(hls::stream<ap_uint<P::PE>>& s_axis, hls::stream<ap_uint<P::PE>>& m_axis,
             const Invert (&inverts)[ceil_div(P::C, P::PE)][words(P::PE)]) {
  static_assert(P::PE >= 1 && P::PE <= P::C, "maxpool: PE must be in 1..C");
  static_assert(P::PT < P::KH && P::PL < P::KW, "maxpool: padding must be less than the kernel");
  constexpr int CF = ceil_div(P::C, P::PE);
  constexpr int HB = greater(P::H, (P::OH - 1) * P::SH + P::KH - P::PT);
  constexpr int WB = greater(P::W, (P::OW - 1) * P::SW + P::KW - P::PL);
  // The last kernel - 1 beats along the row, and row results along the column, newest first; one
  // more, so that no array is empty.
  ap_uint<P::PE> beats[CF][P::KW];
#pragma HLS ARRAY_PARTITION variable = beats complete dim = 2
  ap_uint<P::PE> results[WB][CF][P::KH];
#pragma HLS ARRAY_PARTITION variable = results complete dim = 3

  for (int y = 0; y < HB; ++y) {
    for (int x = 0; x < WB; ++x) {
      for (int f = 0; f < CF; ++f) {
#pragma HLS PIPELINE II = 1
        ap_uint<P::PE> bits = 0;
        if (y < P::H && x < P::W) bits = s_axis.read();
        ap_uint<P::PE> along_row = bits;
        for (int k = P::KW - 1; k > 0; --k) {
#pragma HLS UNROLL
          beats[f][k] = x == 0 ? ap_uint<P::PE>(0) : beats[f][k - 1];
          along_row |= beats[f][k];
        }
        beats[f][0] = bits;
        ap_uint<P::PE> any = along_row;
        for (int k = P::KH - 1; k > 0; --k) {
#pragma HLS UNROLL
          results[x][f][k] = y == 0 ? ap_uint<P::PE>(0) : results[x][f][k - 1];
          any |= results[x][f][k];
        }
        results[x][f][0] = along_row;
        if (completes<P::KH, P::SH, P::PT, P::OH>(y) && completes<P::KW, P::SW, P::PL, P::OW>(x)) {
          Word invert[words(P::PE)];
          for (int k = 0; k < words(P::PE); ++k) {
#pragma HLS UNROLL
            invert[k] = inverts[f][k];
          }
          m_axis.write(any ^ join<P::PE>(invert));
        }
      }
    }
  }
}

}  // namespace onebit
