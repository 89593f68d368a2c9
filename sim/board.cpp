// board: the verilated board_core between a processor that a program plays and a memory that a file
// is.
//
// Usage: simulator MEMORY BASE SEED
// MEMORY is a file; its bytes are the physical memory from address BASE on. Commands come on stdin,
// a line each, and each is answered by a line on stdout:
//   r OFFSET         reads a register:           its value
//   w OFFSET VALUE   writes one:                 ok
//   pins             looks at the outputs:       irq + 2 * error + 4 * busy
//   set NAME VALUE   changes the surroundings:   ok
// where NAME is latency_low or latency_high (cycles from an address to its first beat or answer),
// stall (percentage of cycles in which a channel pauses, each by itself), gap (cycles between two
// commands), or mute (1: the memory takes addresses and never answers). A read or write outside of
// MEMORY is answered with DECERR. What AXI3 forbids ends the simulation.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <iostream>
#include <map>
#include <random>
#include <sstream>
#include <string>

#include "Vboard_core.h"
#include "verilated.h"

namespace {

constexpr std::size_t kOutstanding = 8;      // bursts that the memory takes before it answers
constexpr std::uint64_t kPatience = 100000;  // cycles that a register may take to answer
constexpr unsigned kBytes = 8;               // a beat
constexpr unsigned kOkay = 0, kDecodeError = 3;

[[noreturn]] void fail(const std::string& message) {
  std::cerr << message << std::endl;
  std::_Exit(2);
}

// The memory: a file that another program sees at the same time.
class Memory {
 public:
  Memory(const char* path, std::uint64_t base) : base_(base) {
    const int file = open(path, O_RDWR);
    struct stat status{};
    if (file < 0 || fstat(file, &status) != 0) fail(std::string("cannot open ") + path);
    size_ = static_cast<std::uint64_t>(status.st_size);
    void* mapped = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (mapped == MAP_FAILED) fail(std::string("cannot map ") + path);
    bytes_ = static_cast<std::uint8_t*>(mapped);
    close(file);
  }

  bool holds(std::uint64_t address) const {
    return address >= base_ && address - base_ + kBytes <= size_;
  }
  std::uint64_t read(std::uint64_t address) const {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes_ + (address - base_), kBytes);
    return word;
  }
  void write(std::uint64_t address, std::uint64_t word, unsigned strobes) {
    for (unsigned i = 0; i < kBytes; ++i) {
      if (strobes >> i & 1) bytes_[address - base_ + i] = static_cast<std::uint8_t>(word >> 8 * i);
    }
  }

 private:
  std::uint64_t base_, size_ = 0;
  std::uint8_t* bytes_ = nullptr;
};

struct Burst {
  std::uint64_t address, beats, ready;  // ready: the first cycle in which it may be answered
  bool failed;
};

struct Beat {
  std::uint64_t word;
  unsigned strobes;
  bool last;
};

class Board {
 public:
  Board(int argc, char** argv)
      : memory_(argv[1], std::strtoull(argv[2], nullptr, 0)),
        random_(std::strtoull(argv[3], nullptr, 0)) {
    context_.commandArgs(argc, argv);
    top_.rst = 1;
    for (int i = 0; i < 4; ++i) cycle();
    top_.rst = 0;
  }
  ~Board() { top_.final(); }
  Board(const Board&) = delete;
  Board& operator=(const Board&) = delete;

  bool set(const std::string& name, std::uint64_t value) {
    if (settings_.count(name) == 0) return false;
    settings_[name] = value;
    return true;
  }

  unsigned pins() const { return top_.irq | top_.error << 1U | top_.busy << 2U; }

  std::uint32_t read(std::uint32_t offset) {
    pause();
    top_.s_axil_araddr = offset;
    top_.s_axil_arvalid = 1;
    until([&] { return top_.s_axil_arready; });
    top_.s_axil_arvalid = 0;
    while (stalls()) cycle();
    top_.s_axil_rready = 1;
    std::uint32_t value = 0;
    until([&] {
      value = top_.s_axil_rdata;
      return top_.s_axil_rvalid;
    });
    top_.s_axil_rready = 0;
    return value;
  }

  void write(std::uint32_t offset, std::uint32_t value) {
    pause();
    top_.s_axil_awaddr = offset;
    top_.s_axil_awvalid = 1;
    top_.s_axil_wdata = value;
    top_.s_axil_wstrb = 15;
    top_.s_axil_wvalid = 1;
    bool address = false, data = false;
    until([&] {
      address = address || top_.s_axil_awready;
      data = data || top_.s_axil_wready;
      return address && data;
    });
    top_.s_axil_awvalid = 0;
    top_.s_axil_wvalid = 0;
    while (stalls()) cycle();
    top_.s_axil_bready = 1;
    until([&] { return top_.s_axil_bvalid; });
    top_.s_axil_bready = 0;
  }

 private:
  bool stalls() { return settings_["stall"] != 0 && random_() % 100 < settings_["stall"]; }

  std::uint64_t latency() {
    const std::uint64_t low = settings_["latency_low"], high = settings_["latency_high"];
    return now_ + low + (high > low ? random_() % (high - low + 1) : 0);
  }

  void pause() {
    for (std::uint64_t i = 0; i < settings_["gap"]; ++i) cycle();
  }

  // Runs until `done` holds at the end of a cycle's first half, and through that cycle.
  template <typename Done>
  void until(Done done) {
    for (std::uint64_t waited = 0; waited < kPatience; ++waited) {
      drive();
      const bool ended = done();
      clock();
      if (ended) return;
    }
    fail("a register did not answer");
  }

  void cycle() {
    drive();
    clock();
  }

  // The falling edge: what the memory offers in this cycle, settled into handshakes.
  void drive() {
    const bool mute = settings_["mute"] != 0;
    top_.m_axi_arready = reads_.size() < kOutstanding && !stalls();
    top_.m_axi_awready = writes_.size() < kOutstanding && !stalls();
    top_.m_axi_wready = beats_.size() < 4 * kOutstanding && !stalls();
    if (!top_.m_axi_rvalid && !reads_.empty() && now_ >= reads_.front().ready && !mute &&
        !stalls()) {
      const Burst& burst = reads_.front();
      const bool held = memory_.holds(burst.address);
      top_.m_axi_rvalid = 1;
      top_.m_axi_rdata = held ? memory_.read(burst.address) : random_();
      top_.m_axi_rresp = held ? kOkay : kDecodeError;
      top_.m_axi_rlast = burst.beats == 1;
    }
    if (!top_.m_axi_bvalid && !answers_.empty() && now_ >= answers_.front().ready && !mute &&
        !stalls()) {
      top_.m_axi_bvalid = 1;
      top_.m_axi_bresp = answers_.front().failed ? kDecodeError : kOkay;
    }
    top_.clk = 0;
    step();
  }

  // The rising edge: the handshakes take place.
  void clock() {
    if (top_.m_axi_arvalid && top_.m_axi_arready) {
      reads_.push_back(burst("read", top_.m_axi_araddr, top_.m_axi_arlen, top_.m_axi_arsize,
                             top_.m_axi_arburst));
    }
    const bool read = top_.m_axi_rvalid && top_.m_axi_rready;
    if (read) {
      reads_.front().address += kBytes;
      if (--reads_.front().beats == 0) reads_.pop_front();
    }
    if (top_.m_axi_awvalid && top_.m_axi_awready) {
      writes_.push_back(burst("write", top_.m_axi_awaddr, top_.m_axi_awlen, top_.m_axi_awsize,
                              top_.m_axi_awburst));
    }
    if (top_.m_axi_wvalid && top_.m_axi_wready) {
      beats_.push_back({top_.m_axi_wdata, top_.m_axi_wstrb, top_.m_axi_wlast != 0});
    }
    const bool answered = top_.m_axi_bvalid && top_.m_axi_bready;
    if (answered) answers_.pop_front();
    store();
    top_.clk = 1;
    step();
    if (read) top_.m_axi_rvalid = 0;
    if (answered) top_.m_axi_bvalid = 0;
    ++now_;
  }

  void step() {
    top_.eval();
    context_.timeInc(5);
  }

  Burst burst(const std::string& what, std::uint64_t address, unsigned len, unsigned size,
              unsigned kind) {
    if (size != 3 || kind != 1) fail("a " + what + " that is no INCR burst of 8 bytes a beat");
    if ((address & 4095) + (len + 1) * kBytes > 4096) fail("a " + what + " that crosses 4 KB");
    return {address, len + 1, latency(), false};
  }

  // Beats of the oldest write, whose address may come after them.
  void store() {
    while (!writes_.empty() && !beats_.empty()) {
      Burst& burst = writes_.front();
      const Beat beat = beats_.front();
      beats_.pop_front();
      if (memory_.holds(burst.address)) {
        memory_.write(burst.address, beat.word, beat.strobes);
      } else {
        burst.failed = true;
      }
      burst.address += kBytes;
      if (beat.last != (--burst.beats == 0)) fail("wlast on the wrong beat of a write");
      if (beat.last) {
        answers_.push_back({0, 0, latency(), burst.failed});
        writes_.pop_front();
      }
    }
  }

  VerilatedContext context_;
  Vboard_core top_{&context_};
  Memory memory_;
  std::mt19937_64 random_;
  std::map<std::string, std::uint64_t> settings_{
      {"latency_low", 10}, {"latency_high", 20}, {"stall", 0}, {"gap", 50}, {"mute", 0}};
  std::deque<Burst> reads_, writes_, answers_;
  std::deque<Beat> beats_;
  std::uint64_t now_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) fail("usage: see the first lines of sim/board.cpp");
  Board board(argc, argv);
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string command, name;
    words >> command >> name;
    const auto number = [](const std::string& text) {
      return std::strtoul(text.c_str(), nullptr, 0);
    };
    std::string value;
    words >> value;
    if (command == "r") {
      std::cout << board.read(static_cast<std::uint32_t>(number(name))) << std::endl;
    } else if (command == "w") {
      board.write(static_cast<std::uint32_t>(number(name)),
                  static_cast<std::uint32_t>(number(value)));
      std::cout << "ok" << std::endl;
    } else if (command == "pins") {
      std::cout << board.pins() << std::endl;
    } else if (command == "set" && board.set(name, number(value))) {
      std::cout << "ok" << std::endl;
    } else {
      fail("not a command: " + line);
    }
  }
  return 0;
}
