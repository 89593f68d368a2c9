// hls_check: what the tests of HLS operators share: random elements, beats of lanes, complaints.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include "ap_int.h"
#include "hls_stream.h"

using Values = std::vector<std::int64_t>;

inline std::mt19937_64& generator() {
  static std::mt19937_64 made(9);
  return made;
}

inline std::int64_t random_between(std::int64_t low, std::int64_t high) {
  return std::uniform_int_distribution<std::int64_t>(low, high)(generator());
}

inline Values random_values(std::size_t count, std::int64_t low, std::int64_t high) {
  Values values(count);
  for (std::int64_t& value : values) value = random_between(low, high);
  return values;
}

[[noreturn]] inline void fail(const std::string& text) {
  std::cerr << text << "\n";
  std::exit(1);
}

inline void same(const std::string& what, std::int64_t got, std::int64_t wanted) {
  if (got != wanted) {
    fail(what + ": got " + std::to_string(got) + ", not " + std::to_string(wanted));
  }
}

template <typename T>
void drained(const std::string& what, hls::stream<T>& in, hls::stream<T>& out) {
  if (!in.empty()) fail(what + ": beats were left");
  if (!out.empty()) fail(what + ": beats too many");
}

// LANES elements of BITS bits from values[from], 0 past `end`.
template <int LANES, int BITS>
ap_uint<LANES * BITS> beat(const Values& values, std::size_t from, std::size_t end) {
  ap_uint<LANES * BITS> made = 0;
  for (int i = 0; i < LANES; ++i) {
    if (from + i >= end) break;
    made |= ap_uint<LANES * BITS>(ap_uint<BITS>(values[from + i])) << (i * BITS);
  }
  return made;
}

// A vector of N elements as beats.
template <int LANES, int BITS>
void put(hls::stream<ap_uint<LANES * BITS>>& stream, const Values& vector) {
  for (std::size_t i = 0; i < vector.size(); i += LANES) {
    stream.write(beat<LANES, BITS>(vector, i, vector.size()));
  }
}

// A vector of N elements must be what comes next, spare lanes 0.
template <int LANES, int BITS>
void take(const std::string& what, hls::stream<ap_uint<LANES * BITS>>& stream,
          const Values& wanted) {
  for (std::size_t i = 0; i < wanted.size(); i += LANES) {
    if (stream.empty()) fail(what + ": too few beats");
    const ap_uint<LANES * BITS> got = stream.read();
    if (got != beat<LANES, BITS>(wanted, i, wanted.size())) {
      fail(what + ": the beat of element " + std::to_string(i) + " is " + got.to_string(16));
    }
  }
}
