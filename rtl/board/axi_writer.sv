// axi_writer: writes a stream of 64-bit words to consecutive places in memory.
// Bursts of at most 16 beats that end at multiples of 128 bytes, so that none crosses 4 KB (AXI3,
// ID 0). A burst begins when all of its words are in the FIFO: its beats never wait for data, and
// one that has begun always ends. Throughput 1 word a cycle. `idle` follows the last answer. While
// `stop` is high no burst begins.
module axi_writer #(
  parameter int unsigned DEPTH = 64  // words of the FIFO, at least 32
) (
  input  logic        clk,
  input  logic        rst,

  input  logic        start,    // takes address and words; only while idle
  input  logic [28:0] address,  // of the first word, in words
  input  logic [29:0] words,    // how many
  input  logic        stop,
  output logic        idle,     // every word has been written, and the memory has said so
  output logic        failed,   // in the cycle before, an error was answered

  input  logic [63:0] s_axis_tdata,
  input  logic        s_axis_tvalid,
  output logic        s_axis_tready,

  output logic [5:0]  m_axi_awid,
  output logic [31:0] m_axi_awaddr,
  output logic [3:0]  m_axi_awlen,
  output logic [2:0]  m_axi_awsize,
  output logic [1:0]  m_axi_awburst,
  output logic        m_axi_awvalid,
  input  logic        m_axi_awready,
  output logic [63:0] m_axi_wdata,
  output logic [7:0]  m_axi_wstrb,
  output logic        m_axi_wlast,
  output logic        m_axi_wvalid,
  input  logic        m_axi_wready,
  input  logic [5:0]  m_axi_bid,
  input  logic [1:0]  m_axi_bresp,
  input  logic        m_axi_bvalid,
  output logic        m_axi_bready
);
  if (DEPTH < 32) begin : gen_bad_depth
    $fatal(1, "axi_writer: DEPTH must be at least 32, got %0d", DEPTH);
  end

  localparam int unsigned LONGEST = 16;  // beats of a burst
  localparam int unsigned OPEN    = 8;   // bursts that wait for their answer, at most
  localparam int unsigned HELD_W  = $clog2(DEPTH + 1);
  localparam int unsigned OPEN_W  = $clog2(OPEN + 1);

  assign m_axi_awid    = '0;
  assign m_axi_awsize  = 3'd3;  // 8 bytes a beat
  assign m_axi_awburst = 2'd1;  // INCR
  assign m_axi_wstrb   = '1;
  assign m_axi_bready  = 1'b1;

  // Bursts: what is still to be written, and what of it is there.
  logic [28:0]       next;
  logic [29:0]       left, rest;   // rest: after the next burst
  logic [4:0]        to_edge;      // words up to the next edge
  logic [4:0]        length;       // of the next burst
  logic              known, more;  // length holds; there is such a burst
  logic [HELD_W-1:0] held;         // words in the FIFO that belong to no burst yet
  logic [4:0]        beats;        // of the present burst that are still to be written
  logic [OPEN_W-1:0] open;         // bursts without an answer
  logic              issue, push, pop, free;

  assign to_edge = 5'(LONGEST) - 5'(next[3:0]);
  assign rest    = left - 30'(length);
  assign free    = (!m_axi_awvalid || m_axi_awready) && (beats == '0 || (beats == 5'd1 && pop));
  assign issue   = known && more && !stop && held >= HELD_W'(length) && free
                   && open != OPEN_W'(OPEN);
  assign push    = s_axis_tvalid && s_axis_tready;
  assign pop     = m_axi_wvalid && m_axi_wready;
  assign idle    = left == '0 && !m_axi_awvalid && beats == '0 && open == '0;

  always_ff @(posedge clk) begin
    known <= !start && !stop && !rst;
    if (!known) begin
      length <= left < 30'(to_edge) ? left[4:0] : to_edge;
      more   <= left != '0;
    end
    if (issue) begin  // the next one begins at an edge
      next   <= next + 29'(length);
      left   <= rest;
      length <= rest < 30'(LONGEST) ? rest[4:0] : 5'(LONGEST);
      more   <= rest != '0;
      m_axi_awaddr <= {next, 3'b000};
      m_axi_awlen  <= 4'(length - 5'd1);
    end
    if (start) begin
      next <= address;
      left <= words;
    end
    if (rst || stop) left <= '0;
  end

  always_ff @(posedge clk) begin
    m_axi_awvalid <= issue || (m_axi_awvalid && !m_axi_awready);
    beats         <= issue ? length : beats - 5'(pop);
    open          <= open + OPEN_W'(issue) - OPEN_W'(m_axi_bvalid);
    held          <= held + HELD_W'(push) - (issue ? HELD_W'(length) : '0);
    failed        <= m_axi_bvalid && m_axi_bresp[1];
    if (rst) begin
      m_axi_awvalid <= 1'b0;
      beats         <= '0;
      open          <= '0;
      held          <= '0;
      failed        <= 1'b0;
    end
  end

  logic there;

  fifo #(.WIDTH(64), .DEPTH(DEPTH)) u_words (
    .clk,
    .rst,
    .s_axis_tdata,
    .s_axis_tvalid,
    .s_axis_tready,
    .m_axis_tdata (m_axi_wdata),
    .m_axis_tvalid(there),
    .m_axis_tready(pop)
  );

  assign m_axi_wvalid = beats != '0;
  assign m_axi_wlast  = beats == 5'd1;

`ifndef SYNTHESIS
  assert property (@(posedge clk) disable iff (rst) m_axi_wvalid |-> there)
  else $error("axi_writer %m: a burst began before its words were there");
  assert property (@(posedge clk) disable iff (rst) m_axi_bvalid |-> open != '0 && m_axi_bid == '0)
  else $error("axi_writer %m: an answer came to no burst");
  assert property (@(posedge clk) disable iff (rst) start |-> idle)
  else $error("axi_writer %m: started while busy");
  assert property (@(posedge clk) disable iff (rst) m_axi_awvalid && !m_axi_awready
                   |=> m_axi_awvalid && $stable({m_axi_awaddr, m_axi_awlen}))
  else $error("axi_writer %m: an address changed while stalled");
  assert property (@(posedge clk) disable iff (rst) m_axi_wvalid && !m_axi_wready
                   |=> m_axi_wvalid && $stable({m_axi_wdata, m_axi_wlast}))
  else $error("axi_writer %m: a beat changed while stalled");
  assert property (@(posedge clk) disable iff (rst) m_axi_awvalid
                   |-> 13'(m_axi_awaddr[11:0]) + (13'(m_axi_awlen) + 13'd1) * 13'd8 <= 13'd4096)
  else $error("axi_writer %m: a burst crosses 4 KB");
`endif
endmodule
