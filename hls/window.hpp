// window: im2col; for each output position, in raster order, its patch in (kh, kw, c) order.
// SIMD <= C: window_ring, a patch is KH*KW pixels of ceil(C/SIMD) beats each, in and out.
// SIMD > C: window_shift, SIMD = J*C; a pixel comes in one beat, a patch leaves as one vector of
// KH*KW*C elements. A padded element is FILL. P holds the parameters, named as in the RTL.
#pragma once

#include <type_traits>

#include "window_ring.hpp"
#include "window_shift.hpp"

namespace onebit {

template <typename P>
using WindowIn = ap_uint<smaller(P::SIMD, P::C) * P::BITS>;
template <typename P>
using WindowOut = ap_uint<P::SIMD * P::BITS>;

template <typename P>
void window_of(hls::stream<WindowIn<P>>& s_axis, hls::stream<WindowOut<P>>& m_axis,
               std::true_type) {
#pragma HLS INLINE
  window_ring<P>(s_axis, m_axis);
}

template <typename P>
void window_of(hls::stream<WindowIn<P>>& s_axis, hls::stream<WindowOut<P>>& m_axis,
               std::false_type) {
#pragma HLS INLINE
  window_shift<P>(s_axis, m_axis);
}

template <typename P>
void window(hls::stream<WindowIn<P>>& s_axis, hls::stream<WindowOut<P>>& m_axis) {
#pragma HLS INLINE
  window_of<P>(s_axis, m_axis, std::integral_constant<bool, (P::SIMD <= P::C)>());
}

}  // namespace onebit
