// window_shift: im2col for SIMD = J*C, from line buffers and a shift register of KH*KW pixels.
// For each output position its patch, a vector of KH*KW*C elements in (kh, kw, c) order, as
// BEATS = ceil(KH*KW/J) beats of J pixels; a padded pixel is FILL, spare lanes of the last are 0.
// Throughput: HB*WB + OH*OW*(BEATS-1) cycles an image, HB = max(H, (OH-1)*SH+KH-PT), WB likewise,
// at least 4: a step for each pixel of the image, and for each position right of it or below it
// that a patch reaches; a step that completes a patch takes BEATS cycles.
#pragma once

#include "maxpool.hpp"
#include "window_ring.hpp"

namespace onebit {

constexpr int kRowSteps = 4;  // at least, so that a line buffer has time to write

template <typename P>
using Pixel = ap_uint<P::C * P::BITS>;

// The pixels of one beat of the patch whose last pixel is at (y, x).
template <typename P>
ap_uint<P::SIMD * P::BITS> patch_beat(const Pixel<P> (&patch)[P::KH][P::KW], int y, int x,
                                      int beat) {
#pragma HLS INLINE
  constexpr int J = P::SIMD / P::C;
  constexpr int PIXEL = P::C * P::BITS;
  Pixel<P> fill = 0;
  for (int c = 0; c < P::C; ++c) {
#pragma HLS UNROLL
    set_lane<P::BITS>(fill, c, P::FILL);
  }
  ap_uint<P::SIMD * P::BITS> pixels = 0;
  for (int j = 0; j < J; ++j) {
#pragma HLS UNROLL
    const int at = beat * J + j;
    if (at < P::KH * P::KW) {
      const int row = y - P::KH + 1 + at / P::KW, column = x - P::KW + 1 + at % P::KW;
      const bool real = row >= 0 && row < P::H && column >= 0 && column < P::W;
      set_lane<PIXEL>(pixels, j, real ? patch[at / P::KW][at % P::KW] : fill);
    }
  }
  return pixels;
}

template <typename P>
void window_shift(hls::stream<Pixel<P>>& s_axis, hls::stream<ap_uint<P::SIMD * P::BITS>>& m_axis) {
  static_assert(P::SIMD >= 1 && P::SIMD % P::C == 0 && P::SIMD <= P::KH * P::KW * P::C,
                "window_shift: SIMD must be a multiple of C and at most KH*KW*C");
  static_assert(P::PT < P::KH && P::PL < P::KW,
                "window_shift: padding must be less than the kernel");
  constexpr int BEATS = ceil_div(P::KH * P::KW * P::C, P::SIMD);
  constexpr int HB = greater(P::H, (P::OH - 1) * P::SH + P::KH - P::PT);
  constexpr int WB = greater(kRowSteps, greater(P::W, (P::OW - 1) * P::SW + P::KW - P::PL));
  Pixel<P> lines[P::W][P::KH];
#pragma HLS ARRAY_PARTITION variable = lines complete dim = 2
  // A place is written WB steps before it is read.
#pragma HLS DEPENDENCE variable = lines inter false
  Pixel<P> patch[P::KH][P::KW];
#pragma HLS ARRAY_PARTITION variable = patch complete dim = 0
  int y = 0, x = 0, beat = 0;

  while (y < HB) {
#pragma HLS PIPELINE II = 1
    if (beat == 0) {
      const bool in_row = x < P::W;
      const Pixel<P> pixel = in_row && y < P::H ? s_axis.read() : Pixel<P>(0);
      for (int ky = 0; ky < P::KH; ++ky) {
#pragma HLS UNROLL
        for (int kx = 0; kx < P::KW - 1; ++kx) {
#pragma HLS UNROLL
          patch[ky][kx] = patch[ky][kx + 1];
        }
        const Pixel<P> above = in_row && ky < P::KH - 1 ? lines[x][ky + 1] : pixel;
        patch[ky][P::KW - 1] = above;
        if (in_row) lines[x][ky] = above;
      }
    }
    const bool patch_done =
        completes<P::KH, P::SH, P::PT, P::OH>(y) && completes<P::KW, P::SW, P::PL, P::OW>(x);
    if (patch_done) m_axis.write(patch_beat<P>(patch, y, x, beat));
    if ((!patch_done || next(beat, BEATS)) && next(x, WB)) ++y;
  }
}

}  // namespace onebit
