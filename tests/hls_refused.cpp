// hls_refused: every template of hls/ with parameters that it must refuse; nothing of it compiles.
#include "head.hpp"
#include "maxpool.hpp"
#include "mvau.hpp"
#include "width_converter.hpp"
#include "window.hpp"

using onebit::Word;

namespace {

template <int W>
using Stream = hls::stream<ap_uint<W>>;

const Word kWord[1] = {};
const std::uint8_t kByte[1] = {};

int too_many_bits() { return onebit::ones<65>(0); }
int no_bits() { return onebit::xnor_dot<0>(kWord, kWord); }
int narrow_weights() { return onebit::xnor_dot<9>(kWord, kByte); }

void wide_integers(Word (&plane)[33][1]) { onebit::planes<1, 33, false>(ap_uint<33>(0), plane); }

struct Dense {
  static constexpr int MW = 4, MH = 2, PE = 2, SIMD = 4, IN_BITS = 1, ACC_W = 4, CLASSES = 1;
  static constexpr int OH = 1, OW = 1;
  static constexpr bool BIPOLAR_IN = true, SIGNED_IN = false, THRESHOLDS = true;
};
struct ManyNeurons : Dense {
  static constexpr int PE = 3;
};
struct ManyInputs : Dense {
  static constexpr int SIMD = 5;
};
struct BipolarIntegers : Dense {
  static constexpr int IN_BITS = 2;
};
struct ClassesOfSums : Dense {
  static constexpr int CLASSES = 2;
  static constexpr bool THRESHOLDS = false;
};

template <typename P>
void refused_mvau(hls::stream<onebit::MvauIn<P>>& in, hls::stream<onebit::MvauOut<P>>& out) {
  static const Word weights[1][P::PE][1] = {};
  static const int starts[P::CLASSES][P::PE] = {}, base[1] = {};
  onebit::mvau<P>(in, out, weights, starts, base, base);
}
template void refused_mvau<ManyNeurons>(Stream<4>&, Stream<3>&);
template void refused_mvau<ManyInputs>(Stream<5>&, Stream<2>&);
template void refused_mvau<BipolarIntegers>(Stream<8>&, Stream<2>&);
template void refused_mvau<ClassesOfSums>(Stream<4>&, Stream<8>&);

struct Image {
  static constexpr int H = 4, W = 4, C = 2, BITS = 1, KH = 2, KW = 2, SH = 1, SW = 1;
  static constexpr int PT = 0, PL = 0, OH = 3, OW = 3, PE = 2, SIMD = 2, FILL = 0, ROWS = 2;
};
struct PaddedKernel : Image {
  static constexpr int PT = 2;
};
struct ManyChannels : Image {
  static constexpr int PE = 3;
};
struct Odd : Image {
  static constexpr int SIMD = 3;
};
struct FewRows : Image {
  static constexpr int ROWS = 1;
};
struct WidePaddedKernel : PaddedKernel {
  static constexpr int SIMD = 4;
};

template <typename P>
void refused_maxpool(Stream<P::PE>& in, Stream<P::PE>& out) {
  static const Word inverts[1][1] = {};
  onebit::maxpool<P>(in, out, inverts);
}
template void refused_maxpool<ManyChannels>(Stream<3>&, Stream<3>&);
template void refused_maxpool<PaddedKernel>(Stream<2>&, Stream<2>&);

void refused_windows(Stream<2>& two, Stream<3>& three, Stream<4>& four) {
  onebit::window_ring<Odd>(three, three);
  onebit::window_ring<PaddedKernel>(two, two);
  onebit::window_ring<FewRows>(two, two);
  onebit::window_shift<Odd>(two, three);
  onebit::window_shift<WidePaddedKernel>(two, four);
}

void no_vectors(Stream<2>& in, Stream<3>& out) { onebit::width_converter<0, 6, 1, 2, 3>(in, out); }

struct Scores {
  static constexpr int CLASSES = 2, PE = 2, ACC_W = 4, SCALE_W = 4, LOGIT_W = 33;
};
struct ManyClasses : Scores {
  static constexpr int PE = 3;
};

void wide_logits(Stream<8>& in, Stream<67>& out) {
  static const int numbers[1][2] = {};
  onebit::head<Scores>(in, out, numbers, numbers);
}
void many_classes(Stream<12>& in, Stream<100>& out) {
  static const int numbers[1][3] = {};
  onebit::head<ManyClasses>(in, out, numbers, numbers);
}

}  // namespace
