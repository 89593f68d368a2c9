// window_ring: im2col for SIMD <= C, from a ring of image rows.
// For each output position the pixels of its patch in (kh, kw) order, CF = ceil(C/SIMD) beats each;
// a padded pixel is FILL in its C elements. Spare lanes are 0, as they come.
//
// A step reads a beat if its row has a place, and puts one out if the rows of the patch are
// complete. Throughput: max(H*W*CF, OH*OW*KH*KW*CF) cycles an image, and the first patch's rows
// before, since an image is not read while the one ahead of it leaves.
#pragma once

#include "hls_stream.h"
#include "xnor_dot.hpp"

namespace onebit {

// A counter that starts again at 0; whether it did.
inline bool next(int& counter, int count) {
#pragma HLS INLINE
  counter = counter == count - 1 ? 0 : counter + 1;
  return counter == 0;
}

// The most rows of an image in one patch.
constexpr int patch_rows(int h, int kh, int sh, int pt, int oh) {
  int most = 1;
  for (int top = -pt; top < oh * sh - pt; top += sh) {
    most = greater(most, smaller(h, top + kh) - greater(0, top));
  }
  return most;
}

template <typename P>
ap_uint<P::SIMD * P::BITS> padded_beat(int used) {
#pragma HLS INLINE
  ap_uint<P::SIMD * P::BITS> beat = 0;
  for (int s = 0; s < P::SIMD; ++s) {
#pragma HLS UNROLL
    if (s < used) set_lane<P::BITS>(beat, s, P::FILL);
  }
  return beat;
}

template <typename P>
void window_ring(hls::stream<ap_uint<P::SIMD * P::BITS>>& s_axis,
                 hls::stream<ap_uint<P::SIMD * P::BITS>>& m_axis) {
  static_assert(P::SIMD >= 1 && P::SIMD <= P::C, "window_ring: SIMD must be in 1..C");
  static_assert(P::PT < P::KH && P::PL < P::KW,
                "window_ring: padding must be less than the kernel");
  static_assert(P::ROWS >= patch_rows(P::H, P::KH, P::SH, P::PT, P::OH),
                "window_ring: ROWS must hold a patch");
  constexpr int CF = ceil_div(P::C, P::SIMD);
  ap_uint<P::SIMD * P::BITS> ring[P::ROWS][P::W][CF];
  // A row is read two steps after it is complete, and written when none reads it any more.
#pragma HLS DEPENDENCE variable = ring inter false
  int y = 0, x = 0, f = 0, slot = 0;                // what is read next
  int y_1 = 0, y_2 = 0;                             // y one and two steps ago
  int oy = 0, ox = 0, ky = 0, kx = 0, patch_f = 0;  // what is put out next
  int top_slot = (P::ROWS - P::PT % P::ROWS) % P::ROWS, patch_slot = top_slot;

  while (y < P::H || oy < P::OH) {
#pragma HLS PIPELINE II = 1
    const int top = oy * P::SH - P::PT;
    const bool complete = oy < P::OH && y_2 >= smaller(P::H, top + P::KH);
    y_2 = y_1;
    y_1 = y;
    const bool place = y < P::H && (oy == P::OH || y < greater(0, top) + P::ROWS);
    if (complete) {
      const int row = top + ky, column = ox * P::SW - P::PL + kx;
      const int used = patch_f == CF - 1 ? P::C - patch_f * P::SIMD : P::SIMD;
      const bool real = row >= 0 && row < P::H && column >= 0 && column < P::W;
      m_axis.write(real ? ring[patch_slot][column][patch_f] : padded_beat<P>(used));
      if (next(patch_f, CF) && next(kx, P::KW)) {
        next(patch_slot, P::ROWS);
        if (next(ky, P::KH)) {
          patch_slot = top_slot;
          if (next(ox, P::OW)) {
            ++oy;
            top_slot += P::SH % P::ROWS;
            if (top_slot >= P::ROWS) top_slot -= P::ROWS;
            patch_slot = top_slot;
          }
        }
      }
    }
    if (place) {
      ring[slot][x][f] = s_axis.read();
      if (next(f, CF) && next(x, P::W)) {
        ++y;
        next(slot, P::ROWS);
      }
    }
  }
}

}  // namespace onebit
