// harness: streams packed images through a verilated accelerator and collects every output beat.
//
// Usage: simulator IMAGES RESULTS FIRST COUNT BEATS_IN BYTES_IN BEATS_OUT BYTES_OUT STALL SEED
//        PATIENCE VCD
// IMAGES holds BEATS_IN beats of BYTES_IN bytes an image; images FIRST .. FIRST+COUNT-1 are run.
// RESULTS gets BEATS_OUT beats of BYTES_OUT bytes an image, then for each image two uint64: the
// cycles in which its first beat went in and its last beat came out. STALL is the percentage of
// cycles in which the input has no beat, and the output no room. PATIENCE is the number of cycles
// without a beat after which none is expected. VCD is the waveform to write, or - for none. One
// line `done N` on stdout as images come out.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "Vaccelerator.h"
#include "verilated.h"
#if VM_TRACE
#include "verilated_vcd_c.h"
#endif

namespace {

constexpr std::uint64_t kReports = 100;  // progress lines

struct Options {
  std::string images, results;
  std::uint64_t first, count, beats_in, bytes_in, beats_out, bytes_out, stall, seed, patience;
  std::string vcd;
};

struct Times {
  std::uint64_t first_in, last_out;
};

// Copies between a port, whatever its width, and the little-endian bytes of a beat.
template <typename Port>
void write_port(Port& port, const std::uint8_t* beat, std::size_t bytes) {
  std::memcpy(&port, beat, sizeof(port) < bytes ? sizeof(port) : bytes);
}

template <typename Port>
void read_port(const Port& port, std::uint8_t* beat, std::size_t bytes) {
  std::memcpy(beat, &port, sizeof(port) < bytes ? sizeof(port) : bytes);
}

[[noreturn]] void fail(const std::string& message) {
  std::cerr << message << "\n";
  std::exit(2);
}

std::vector<std::uint8_t> read_images(const Options& options) {
  const std::uint64_t size = options.beats_in * options.bytes_in;
  std::vector<std::uint8_t> images(options.count * size);
  std::ifstream file(options.images, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(options.first * size));
  file.read(reinterpret_cast<char*>(images.data()), static_cast<std::streamsize>(images.size()));
  if (!file) fail("cannot read " + options.images);
  return images;
}

// The accelerator with its clock and, in builds that trace, its waveform.
class Bench {
 public:
  Bench(int argc, char** argv, const std::string& vcd) : top_(&context_) {
    context_.commandArgs(argc, argv);
#if VM_TRACE
    context_.traceEverOn(true);
    if (vcd != "-") {
      trace_ = std::make_unique<VerilatedVcdC>();
      top_.trace(trace_.get(), 99);
      trace_->open(vcd.c_str());
    }
#else
    if (vcd != "-") fail("this build cannot trace");
#endif
    top_.rst = 1;
    top_.s_axis_tvalid = 0;
    top_.m_axis_tready = 0;
    for (int i = 0; i < 4; ++i) {
      settle();
      clock();
    }
    top_.rst = 0;
  }

  ~Bench() {
    top_.final();
#if VM_TRACE
    if (trace_) trace_->close();
#endif
  }

  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  Vaccelerator& top() { return top_; }

  // The falling edge: what was driven reaches the handshakes.
  void settle() {
    top_.clk = 0;
    step();
  }

  // The rising edge: the handshakes take place.
  void clock() {
    top_.clk = 1;
    step();
  }

 private:
  void step() {
    top_.eval();
#if VM_TRACE
    if (trace_) trace_->dump(context_.time());
#endif
    context_.timeInc(5);
  }

  VerilatedContext context_;
  Vaccelerator top_;
#if VM_TRACE
  std::unique_ptr<VerilatedVcdC> trace_;
#endif
};

// Runs all images, then checks that nothing follows the last one.
void run(Bench& bench, const Options& options, const std::vector<std::uint8_t>& images,
         std::vector<std::uint8_t>& results, std::vector<Times>& times) {
  Vaccelerator& top = bench.top();
  std::mt19937_64 random(options.seed);
  const auto stalls = [&] { return options.stall != 0 && random() % 100 < options.stall; };
  const std::uint64_t all_in = options.count * options.beats_in;
  const std::uint64_t all_out = options.count * options.beats_out;
  const std::uint64_t report = (options.count + kReports - 1) / kReports;
  std::uint64_t in = 0, out = 0, cycle = 0, progress = 0;
  bool offered = false;
  for (; out < all_out; ++cycle) {
    if (!offered && in < all_in && !stalls()) {
      write_port(top.s_axis_tdata, &images[in * options.bytes_in], options.bytes_in);
      offered = true;
    }
    top.s_axis_tvalid = offered;
    top.m_axis_tready = !stalls();
    bench.settle();
    if (offered && top.s_axis_tready) {
      if (in % options.beats_in == 0) times[in / options.beats_in].first_in = cycle;
      offered = false;
      ++in;
      progress = cycle;
    }
    if (top.m_axis_tvalid && top.m_axis_tready) {
      read_port(top.m_axis_tdata, &results[out * options.bytes_out], options.bytes_out);
      const bool last = out % options.beats_out == options.beats_out - 1;
      const std::uint64_t image = out / options.beats_out;
      if (static_cast<bool>(top.m_axis_tlast) != last) {
        fail("image " + std::to_string(options.first + image) + ": tlast on the wrong beat");
      }
      times[image].last_out = cycle;
      ++out;
      progress = cycle;
      if (last && (image + 1) % report == 0) std::cout << "done " << image + 1 << std::endl;
    }
    bench.clock();
    if (cycle - progress > options.patience) {
      fail("image " + std::to_string(options.first + out / options.beats_out) +
           " never came out: nothing moved for " + std::to_string(options.patience) + " cycles");
    }
  }
  for (int i = 0; i < 64; ++i) {
    top.s_axis_tvalid = 0;
    top.m_axis_tready = 1;
    bench.settle();
    if (top.m_axis_tvalid) fail("a beat came out after the last image");
    bench.clock();
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 13) fail("usage: see the first lines of sim/harness.cpp");
  const auto number = [&](int i) { return std::strtoull(argv[i], nullptr, 10); };
  const Options options{argv[1],   argv[2],   number(3), number(4),  number(5),  number(6),
                        number(7), number(8), number(9), number(10), number(11), argv[12]};
  const std::vector<std::uint8_t> images = read_images(options);
  std::vector<std::uint8_t> results(options.count * options.beats_out * options.bytes_out);
  std::vector<Times> times(options.count);
  {
    Bench bench(argc, argv, options.vcd);
    run(bench, options, images, results, times);
  }
  std::ofstream file(options.results, std::ios::binary);
  file.write(reinterpret_cast<const char*>(results.data()),
             static_cast<std::streamsize>(results.size()));
  file.write(reinterpret_cast<const char*>(times.data()),
             static_cast<std::streamsize>(times.size() * sizeof(Times)));
  file.flush();
  if (!file) fail("cannot write " + options.results);
  return 0;
}
