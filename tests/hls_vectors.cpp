// hls_vectors: the HLS operators on vectors against their definitions: hls_vectors OPERATOR.
#include "head.hpp"
#include "hls_check.h"
#include "mvau.hpp"
#include "width_converter.hpp"

namespace {

constexpr int kVectors = 6;

// What costs nothing at run time.
constexpr onebit::Word kFive[1] = {0b101};
constexpr onebit::Word kTwo[1] = {0b010};
constexpr std::uint8_t kNarrow[1] = {0b111};
constexpr onebit::Word kLong[2] = {~0ULL, 0b01};
constexpr onebit::Word kPlanes[2][1] = {{0b01}, {0b11}};  // the elements 3 and 2
constexpr std::uint8_t kFirst[1] = {0b01};
static_assert(onebit::xnor_dot<3>(kFive, kTwo) == 0, "no bit agrees");
static_assert(onebit::xnor_dot<3>(kFive, kFive) == 3, "every bit agrees");
static_assert(onebit::xnor_dot<3>(kFive, kNarrow) == 2, "two bits agree");
static_assert(onebit::xnor_dot<2>(kFive, kNarrow) == 1, "bits past N are not looked at");
static_assert(onebit::xnor_dot<66>(kLong, kLong) == 66, "words follow each other");
static_assert(onebit::xnor_sum<2, 2>(kPlanes, kFirst) == 3 + (3 - 2), "3 as it is, 2 inverted");
static_assert(onebit::ones<64>(~0ULL) == 64 && onebit::ones<63>(~0ULL) == 63, "ones counts N bits");
static_assert(onebit::words(64) == 1 && onebit::words(65) == 2, "64 bits are a word");
static_assert(onebit::index_bits(1) == 1 && onebit::index_bits(2) == 1, "at least one bit");
static_assert(onebit::index_bits(3) == 2 && onebit::index_bits(43) == 6, "as $clog2");

template <int N>
void test_xnor_dot() {
  for (int round = 0; round < 20; ++round) {
    const Values a = random_values(N, 0, 1), w = random_values(N, 0, 1);
    onebit::Word words_a[onebit::words(N)], words_w[onebit::words(N)];
    onebit::split<N>(beat<N, 1>(a, 0, N), words_a);
    onebit::split<N>(beat<N, 1>(w, 0, N), words_w);
    int agree = 0;
    for (int i = 0; i < N; ++i) agree += a[i] == w[i];
    same("xnor_dot of " + std::to_string(N), onebit::xnor_dot<N>(words_a, words_w), agree);
    if (onebit::join<N>(words_a) != beat<N, 1>(a, 0, N)) fail("join is not the inverse of split");
  }
}

template <int N, int BITS, bool SIGNED>
void test_xnor_sum() {
  const std::int64_t least = SIGNED ? -(1LL << (BITS - 1)) : 0;
  const std::int64_t top = (1LL << BITS) - 1;  // of what counts from `least`
  for (int round = 0; round < 20; ++round) {
    const Values x = random_values(N, least, least + top), w = random_values(N, 0, 1);
    onebit::Word plane[BITS][onebit::words(N)], weights[onebit::words(N)];
    onebit::planes<N, BITS, SIGNED>(beat<N, BITS>(x, 0, N), plane);
    onebit::split<N>(beat<N, 1>(w, 0, N), weights);
    std::int64_t sum = 0;
    for (int i = 0; i < N; ++i) sum += w[i] ? x[i] - least : top - (x[i] - least);
    same("xnor_sum of " + std::to_string(N), onebit::xnor_sum<N, BITS>(plane, weights), sum);
  }
}

template <int PE, int ACC_W>
void test_threshold() {
  for (int used = 1; used <= PE; ++used) {
    ap_int<ACC_W> acc[PE];
    Values bits(PE, 0);
    for (int p = 0; p < PE; ++p) {
      const std::int64_t value = p % 3 ? random_between(-(1 << (ACC_W - 1)), 3) : -(p % 2);
      acc[p] = value;
      bits[p] = value >= 0;
    }
    const ap_uint<PE> got = onebit::threshold<PE, ACC_W>(acc, used);
    for (int p = 0; p < PE; ++p) same("threshold", got[p], p < used && bits[p]);
  }
}

struct Dense {
  static constexpr int MW = 150, MH = 7, PE = 3, SIMD = 70, IN_BITS = 1, ACC_W = 10;
  static constexpr bool BIPOLAR_IN = true, SIGNED_IN = false, THRESHOLDS = true;
  static constexpr int CLASSES = 1, OH = 1, OW = kVectors;
};
struct Whole : Dense {
  static constexpr int PE = 7, SIMD = 150;
};
struct Single : Dense {
  static constexpr int PE = 1, SIMD = 1;
};
struct Sums : Dense {
  static constexpr bool THRESHOLDS = false;
};
struct Pixels : Dense {
  static constexpr int MW = 27, SIMD = 6, IN_BITS = 8, ACC_W = 15;
  static constexpr bool BIPOLAR_IN = false;
};
struct Signed : Pixels {
  static constexpr int IN_BITS = 5;
  static constexpr bool SIGNED_IN = true, THRESHOLDS = false;
};
struct Border : Dense {
  static constexpr int CLASSES = 4, OH = 3, OW = 2;
};

// A vector's inputs, and the bits or sums that the definition makes of them.
template <typename P>
struct Layer {
  static constexpr int SF = onebit::MvauShape<P>::SF, NF = onebit::MvauShape<P>::NF;
  std::vector<Values> w, t;  // [neuron][input], [class][neuron]
  onebit::Word weights[NF * SF][P::PE][onebit::words(P::SIMD)] = {};
  std::int32_t starts[P::CLASSES * NF][P::PE] = {};
  std::int32_t rows[P::OH] = {};
  std::int8_t columns[P::OW] = {};

  static constexpr std::int64_t least() { return P::SIGNED_IN ? -(1LL << (P::IN_BITS - 1)) : 0; }
  static constexpr std::int64_t top() { return (1LL << P::IN_BITS) - 1; }

  Layer() {
    const std::int64_t reach = P::BIPOLAR_IN ? P::MW : P::MW << P::IN_BITS;
    for (int n = 0; n < P::MH; ++n) w.push_back(random_values(P::MW, 0, 1));
    for (int c = 0; c < P::CLASSES; ++c) t.push_back(random_values(P::MH, 0, reach / 8));
    if (P::BIPOLAR_IN) {
      for (Values& levels : t) {
        for (std::int64_t& level : levels) level += P::MW / 2 - P::MW / 16;
      }
    }
    for (int y = 0; y < P::OH; ++y) rows[y] = P::CLASSES > 1 ? y % 2 * 2 * NF : 0;
    for (int x = 0; x < P::OW; ++x)
      columns[x] = P::CLASSES > 1 ? std::int8_t(x % 2 * NF) : std::int8_t(0);
    for (int n = 0; n < P::MH; ++n) constants(n);
  }

  void constants(int n) {
    std::int64_t zeros = 0;
    for (int i = 0; i < SF * P::SIMD; ++i) {
      const bool one = i >= P::MW || w[n][i];  // spare inputs have weight 1
      const int s = i % P::SIMD;
      zeros += !one;
      weights[n / P::PE * SF + i / P::SIMD][n % P::PE][s / 64] |= onebit::Word(one) << (s % 64);
    }
    const std::int64_t inputs = SF * P::SIMD;
    const std::int64_t more = P::BIPOLAR_IN ? 0 : top() * zeros - least() * (inputs - 2 * zeros);
    for (int c = 0; c < P::CLASSES; ++c) {
      const std::int64_t level = P::THRESHOLDS ? t[c][n] : 0;
      starts[c * NF + n / P::PE][n % P::PE] = static_cast<std::int32_t>(-level - more);
    }
  }

  std::int64_t output(const Values& x, int n, int position) const {
    std::int64_t acc = 0;
    for (int i = 0; i < P::MW; ++i) {
      acc += P::BIPOLAR_IN ? x[i] == w[n][i] : w[n][i] ? x[i] : -x[i];
    }
    const int c = P::CLASSES > 1 ? position / P::OW % 2 * 2 + position % P::OW % 2 : 0;
    return P::THRESHOLDS ? acc >= t[c][n] : acc;
  }
};

template <typename P>
void test_mvau(const std::string& what) {
  const Layer<P> layer;
  hls::stream<onebit::MvauIn<P>> in("in");
  hls::stream<onebit::MvauOut<P>> out("out");
  std::vector<Values> wanted;
  for (int v = 0; v < P::OH * P::OW; ++v) {
    const Values x = random_values(P::MW, layer.least(), layer.least() + layer.top());
    put<P::SIMD, P::IN_BITS>(in, x);
    wanted.emplace_back();
    for (int n = 0; n < P::MH; ++n) wanted.back().push_back(layer.output(x, n, v));
  }
  onebit::mvau<P>(in, out, layer.weights, layer.starts, layer.rows, layer.columns);
  for (const Values& vector : wanted) {
    take<P::PE, onebit::MvauShape<P>::OUT_BITS>("mvau " + what, out, vector);
  }
  if (!in.empty() || !out.empty()) fail("mvau " + what + ": beats are left over");
}

template <int N, int BITS, int IN_LANES, int OUT_LANES>
void test_width_converter() {
  hls::stream<ap_uint<IN_LANES * BITS>> in("in");
  hls::stream<ap_uint<OUT_LANES * BITS>> out("out");
  std::vector<Values> vectors;
  for (int v = 0; v < kVectors; ++v) {
    vectors.push_back(random_values(N, 0, (1LL << BITS) - 1));
    put<IN_LANES, BITS>(in, vectors.back());
  }
  onebit::width_converter<kVectors, N, BITS, IN_LANES, OUT_LANES>(in, out);
  const std::string what =
      "width_converter " + std::to_string(IN_LANES) + " to " + std::to_string(OUT_LANES);
  for (const Values& vector : vectors) take<OUT_LANES, BITS>(what, out, vector);
  if (!in.empty() || !out.empty()) fail(what + ": beats are left over");
}

template <int CLASSES_, int PE_>
struct Classes {
  static constexpr int CLASSES = CLASSES_, PE = PE_, ACC_W = 6, SCALE_W = 4, LOGIT_W = 12;
};

template <typename P>
void test_head() {
  constexpr int NF = onebit::ceil_div(P::CLASSES, P::PE);
  constexpr int LANES = P::PE * P::LOGIT_W;
  std::int8_t scales[NF][P::PE] = {};
  std::int16_t biases[NF][P::PE] = {};
  for (int round = 0; round < 40; ++round) {
    const bool ties = round % 2;  // small numbers: many logits are equal
    const Values acc = ties ? random_values(P::CLASSES, -1, 1) : random_values(P::CLASSES, -32, 31);
    Values logits;
    for (int c = 0; c < P::CLASSES; ++c) {
      scales[c / P::PE][c % P::PE] = static_cast<std::int8_t>(ties ? 1 : random_between(-8, 7));
      biases[c / P::PE][c % P::PE] = static_cast<std::int16_t>(ties ? 0 : random_between(-99, 99));
      logits.push_back(scales[c / P::PE][c % P::PE] * acc[c] + biases[c / P::PE][c % P::PE]);
    }
    hls::stream<ap_uint<P::PE * P::ACC_W>> in("in");
    hls::stream<onebit::HeadOut<P>> out("out");
    put<P::PE, P::ACC_W>(in, acc);
    onebit::head<P>(in, out, scales, biases);
    int best = 0;
    for (int nf = 0; nf < NF; ++nf) {
      const onebit::HeadOut<P> got = out.read();
      for (int c = nf * P::PE; c < onebit::smaller(P::CLASSES, (nf + 1) * P::PE); ++c) {
        if (logits[c] > logits[best]) best = c;
      }
      const ap_uint<LANES> lanes = got.range(LANES - 1, 0);
      if (lanes != beat<P::PE, P::LOGIT_W>(logits, nf * P::PE, P::CLASSES)) fail("head: a logit");
      same("head: the class so far", got.range(got.width - 1, LANES).to_int(), best);
    }
    if (!in.empty() || !out.empty()) fail("head: beats are left over");
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string name = argc > 1 ? argv[1] : "";
  if (name == "xnor_dot") {
    test_xnor_dot<1>();
    test_xnor_dot<64>();
    test_xnor_dot<65>();
    test_xnor_dot<200>();
  } else if (name == "xnor_sum") {
    test_xnor_sum<1, 1, false>();
    test_xnor_sum<70, 1, false>();
    test_xnor_sum<33, 8, false>();
    test_xnor_sum<65, 3, true>();
  } else if (name == "threshold") {
    test_threshold<1, 5>();
    test_threshold<66, 7>();
  } else if (name == "mvau") {
    test_mvau<Dense>("of bits");
    test_mvau<Whole>("of one beat");
    test_mvau<Single>("of one weight a cycle");
    test_mvau<Sums>("without thresholds");
    test_mvau<Pixels>("of integers");
    test_mvau<Signed>("of signed integers");
    test_mvau<Border>("with border classes");
  } else if (name == "width_converter") {
    test_width_converter<10, 1, 4, 3>();
    test_width_converter<10, 3, 3, 4>();
    test_width_converter<7, 2, 7, 1>();
    test_width_converter<7, 2, 1, 7>();
    test_width_converter<5, 9, 5, 8>();
    test_width_converter<130, 1, 64, 130>();
  } else if (name == "head") {
    test_head<Classes<10, 4>>();
    test_head<Classes<10, 10>>();
    test_head<Classes<2, 1>>();
    test_head<Classes<43, 1>>();
  } else {
    fail("no operator is called " + name);
  }
  return 0;
}
