// testbench: streams packed images through an accelerator and collects every output beat.
//
// Usage: testbench IMAGES RESULTS FIRST COUNT EXPECTED
// IMAGES and RESULTS are those of sim/harness.cpp, without its cycles: beats of whole 32-bit words,
// little-endian; images FIRST .. FIRST+COUNT-1 are run. EXPECTED has results of all images, or is
// -: where a beat differs the exit code is 1. One line `done N` on stdout as images come out.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "ap_int.h"
#include "hls_stream.h"

namespace onebit {

constexpr int kReports = 100;  // progress lines

using Bytes = std::vector<std::uint8_t>;

constexpr int beat_bytes(int bits) { return 4 * ((bits + 31) / 32); }

inline Bytes read_file(const std::string& name, std::size_t first, std::size_t size) {
  Bytes bytes(size);
  std::ifstream file(name, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(first));
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size));
  if (!file) {
    std::cerr << "cannot read " << name << "\n";
    std::exit(2);
  }
  return bytes;
}

template <int W>
ap_uint<W> beat_of(const std::uint8_t* bytes) {
  ap_uint<W> beat = 0;
  for (int i = 0; i < W; i += 8) {
    beat |= ap_uint<W>(bytes[i / 8]) << i;
  }
  return beat;
}

template <int W>
void write_beat(const ap_uint<W>& beat, std::uint8_t* bytes) {
  for (int i = 0; i < W; i += 8) {
    bytes[i / 8] = static_cast<std::uint8_t>(beat.range(i + 8 < W ? i + 7 : W - 1, i).to_uint());
  }
}

// `top` calls the accelerator, IN_W and OUT_W bits a beat, once for each image.
template <int IN_W, int OUT_W, typename Top>
int testbench(Top top, int beats_in, int beats_out, int argc, char** argv) {
  if (argc != 6) {
    std::cerr << "usage: " << argv[0] << " IMAGES RESULTS FIRST COUNT EXPECTED\n";
    return 2;
  }
  const std::size_t image_size = static_cast<std::size_t>(beats_in) * beat_bytes(IN_W);
  const std::size_t result_size = static_cast<std::size_t>(beats_out) * beat_bytes(OUT_W);
  const std::size_t first = std::strtoull(argv[3], nullptr, 10);
  const std::size_t count = std::strtoull(argv[4], nullptr, 10);
  const std::string expected = argv[5];
  const std::size_t report = (count + kReports - 1) / kReports;
  const Bytes images = read_file(argv[1], first * image_size, count * image_size);
  Bytes results(count * result_size);
  hls::stream<ap_uint<IN_W>> in("in");
  hls::stream<ap_uint<OUT_W>> out("out");
  for (std::size_t image = 0; image < count; ++image) {
    for (int i = 0; i < beats_in; ++i) {
      in.write(beat_of<IN_W>(&images[image * image_size + i * beat_bytes(IN_W)]));
    }
    top(in, out);
    for (int i = 0; i < beats_out; ++i) {
      write_beat<OUT_W>(out.read(), &results[image * result_size + i * beat_bytes(OUT_W)]);
    }
    if (!in.empty() || !out.empty()) {
      std::cerr << "image " << first + image << ": beats are left over\n";
      return 1;
    }
    if ((image + 1) % report == 0) std::cout << "done " << image + 1 << std::endl;
  }
  std::ofstream file(argv[2], std::ios::binary);
  file.write(reinterpret_cast<const char*>(results.data()),
             static_cast<std::streamsize>(results.size()));
  file.flush();
  if (!file) {
    std::cerr << "cannot write " << argv[2] << "\n";
    return 2;
  }
  if (expected == "-") return 0;
  const Bytes wanted = read_file(expected, first * result_size, count * result_size);
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (results[i] != wanted[i]) {
      std::cerr << "image " << first + i / result_size << ": beat "
                << i % result_size / beat_bytes(OUT_W) << " is not the expected one\n";
      return 1;
    }
  }
  return 0;
}

}  // namespace onebit
