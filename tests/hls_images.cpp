// hls_images: the HLS operators on images against their definitions: hls_images OPERATOR.
#include "hls_check.h"
#include "maxpool.hpp"
#include "window.hpp"

namespace {

constexpr int kImages = 2;

struct Plain {
  static constexpr int H = 6, W = 5, C = 3, BITS = 1, KH = 3, KW = 3, SH = 1, SW = 1;
  static constexpr int PT = 0, PL = 0, OH = 4, OW = 3, SIMD = 2, FILL = 0, ROWS = 4;
};
struct Padded : Plain {
  static constexpr int BITS = 3, PT = 1, PL = 2, OH = 6, OW = 6, SIMD = 3, FILL = 5;
};
struct Strided : Plain {
  static constexpr int H = 7, W = 9, KH = 2, KW = 3, SH = 3, SW = 2, OH = 2, OW = 4, ROWS = 2;
};
struct Low : Plain {  // an image with fewer rows than the kernel, positions that see padding alone
  static constexpr int H = 2, W = 3, KH = 5, KW = 2, PT = 4, PL = 1, OH = 8, OW = 5, ROWS = 2;
};
struct Corner : Plain {  // one position, and it sees a single row: that is all the ring holds
  static constexpr int KH = 5, PT = 4, SH = 8, OH = 1, ROWS = 1;
};
static_assert(onebit::patch_rows(6, 3, 1, 0, 4) == 3, "a patch within the image");
static_assert(onebit::patch_rows(2, 5, 1, 4, 8) == 2, "no more rows than the image has");
static_assert(onebit::patch_rows(6, 5, 8, 4, 1) == 1, "the rest of the patch is padding");

struct Wide : Plain {  // SIMD = 2*C: patches of 9 pixels as beats of two
  static constexpr int SIMD = 6;
};
struct WidePadded : Padded {
  static constexpr int SIMD = 27;
};
struct WideStrided : Strided {
  static constexpr int SIMD = 9;
};
struct WideLow : Low {
  static constexpr int SIMD = 12;
};

template <typename P>
Values patch(const Values& image, int oy, int ox) {
  Values found;
  for (int ky = 0; ky < P::KH; ++ky) {
    for (int kx = 0; kx < P::KW; ++kx) {
      const int y = oy * P::SH - P::PT + ky, x = ox * P::SW - P::PL + kx;
      const bool real = y >= 0 && y < P::H && x >= 0 && x < P::W;
      for (int c = 0; c < P::C; ++c) {
        found.push_back(real ? image[(y * P::W + x) * P::C + c] : P::FILL);
      }
    }
  }
  return found;
}

template <typename P>
void put_image(hls::stream<onebit::WindowIn<P>>& stream, const Values& image) {
  for (int i = 0; i < P::H * P::W; ++i) {
    put<onebit::smaller(P::SIMD, P::C), P::BITS>(
        stream, Values(image.begin() + i * P::C, image.begin() + (i + 1) * P::C));
  }
}

template <typename P>
void test_window(const std::string& what) {
  hls::stream<onebit::WindowIn<P>> in("in");
  hls::stream<onebit::WindowOut<P>> out("out");
  for (int i = 0; i < kImages; ++i) {
    const Values image = random_values(P::H * P::W * P::C, 0, (1 << P::BITS) - 1);
    put_image<P>(in, image);
    onebit::window<P>(in, out);
    for (int position = 0; position < P::OH * P::OW; ++position) {
      const Values wanted = patch<P>(image, position / P::OW, position % P::OW);
      if (P::SIMD > P::C) {
        take<P::SIMD, P::BITS>("window " + what, out, wanted);
        continue;
      }
      for (int k = 0; k < P::KH * P::KW; ++k) {
        const Values pixel(wanted.begin() + k * P::C, wanted.begin() + (k + 1) * P::C);
        take<P::SIMD, P::BITS>("window " + what, out, pixel);
      }
    }
    if (!in.empty() || !out.empty()) fail("window " + what + ": beats are left over");
  }
}

struct Pool {
  static constexpr int H = 7, W = 6, C = 5, KH = 2, KW = 2, SH = 2, SW = 2;
  static constexpr int PT = 0, PL = 0, OH = 3, OW = 3, PE = 2;
};
struct Overlapping : Pool {
  static constexpr int KH = 3, KW = 4, SH = 1, SW = 3, PT = 2, PL = 1, OH = 9, OW = 2, PE = 5;
};
struct Beyond : Pool {  // windows that reach below the image and right of it; more than a word
  static constexpr int H = 4, W = 3, C = 70, KH = 3, KW = 3, OH = 2, OW = 2, PE = 66;
};
struct One : Pool {
  static constexpr int KH = 1, KW = 1, SH = 1, SW = 2, OH = 7, OW = 3, PE = 1;
};

template <typename P>
void test_maxpool(const std::string& what) {
  constexpr int CF = onebit::ceil_div(P::C, P::PE);
  hls::stream<ap_uint<P::PE>> in("in"), out("out");
  for (int i = 0; i < kImages; ++i) {
    onebit::Word inverts[CF][onebit::words(P::PE)] = {};
    const Values invert = i ? random_values(P::C, 0, 1) : Values(P::C, 0);
    for (int c = 0; c < P::C; ++c) {
      const int lane = c % P::PE;
      inverts[c / P::PE][lane / 64] |= onebit::Word(invert[c]) << (lane % 64);
    }
    Values image = random_values(P::H * P::W * P::C, 0, 5);
    for (std::int64_t& bit : image) bit = bit == 0;
    for (int pixel = 0; pixel < P::H * P::W; ++pixel) {
      put<P::PE, 1>(in, Values(image.begin() + pixel * P::C, image.begin() + (pixel + 1) * P::C));
    }
    onebit::maxpool<P>(in, out, inverts);
    for (int position = 0; position < P::OH * P::OW; ++position) {
      Values wanted = invert;
      for (int c = 0; c < P::C; ++c) {
        bool any = false;
        for (int k = 0; k < P::KH * P::KW; ++k) {
          const int y = position / P::OW * P::SH - P::PT + k / P::KW;
          const int x = position % P::OW * P::SW - P::PL + k % P::KW;
          if (y >= 0 && y < P::H && x >= 0 && x < P::W)
            any |= image[(y * P::W + x) * P::C + c] != 0;
        }
        wanted[c] ^= any;
      }
      take<P::PE, 1>("maxpool " + what, out, wanted);
    }
    drained("maxpool " + what, in, out);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string name = argc > 1 ? argv[1] : "";
  if (name == "window_ring") {
    test_window<Plain>("ring");
    test_window<Padded>("ring, padded");
    test_window<Strided>("ring, strided");
    test_window<Low>("ring, low");
    test_window<Corner>("ring, corner");
  } else if (name == "window_shift") {
    test_window<Wide>("shift");
    test_window<WidePadded>("shift, padded");
    test_window<WideStrided>("shift, strided");
    test_window<WideLow>("shift, low");
  } else if (name == "maxpool") {
    test_maxpool<Pool>("2x2");
    test_maxpool<Overlapping>("overlapping");
    test_maxpool<Beyond>("beyond the image");
    test_maxpool<One>("1x1");
  } else {
    fail("no operator is called " + name);
  }
  return 0;
}
