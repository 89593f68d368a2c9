// axi_reader: reads consecutive 64-bit words from memory and puts them out as a stream.
// Bursts of at most 16 beats that end at multiples of 128 bytes, so that none crosses 4 KB (AXI3,
// ID 0). A burst is asked for when the FIFO has room for the longest one, so rready is always 1;
// up to DEPTH words are on their way, which hides as many cycles of latency. Throughput 1 word a
// cycle. While `stop` is high no burst is asked for, and what arrives is thrown away.
module axi_reader #(
  parameter int unsigned DEPTH = 128  // words of the FIFO, at least 32
) (
  input  logic        clk,
  input  logic        rst,

  input  logic        start,    // takes address and words; only while idle
  input  logic [28:0] address,  // of the first word, in words
  input  logic [29:0] words,    // how many
  input  logic        stop,
  output logic        idle,     // every word has been asked for and has come
  output logic        failed,   // in the cycle before, a beat came with an error

  output logic [5:0]  m_axi_arid,
  output logic [31:0] m_axi_araddr,
  output logic [3:0]  m_axi_arlen,
  output logic [2:0]  m_axi_arsize,
  output logic [1:0]  m_axi_arburst,
  output logic        m_axi_arvalid,
  input  logic        m_axi_arready,
  input  logic [5:0]  m_axi_rid,
  input  logic [63:0] m_axi_rdata,
  input  logic [1:0]  m_axi_rresp,
  input  logic        m_axi_rlast,
  input  logic        m_axi_rvalid,
  output logic        m_axi_rready,

  output logic [63:0] m_axis_tdata,
  output logic        m_axis_tvalid,
  input  logic        m_axis_tready
);
  if (DEPTH < 32) begin : gen_bad_depth
    $fatal(1, "axi_reader: DEPTH must be at least 32, got %0d", DEPTH);
  end

  localparam int unsigned LONGEST = 16;  // beats of a burst
  localparam int unsigned SPACE_W = $clog2(DEPTH + 1);
  localparam int unsigned OPEN_W  = $clog2(DEPTH + 1);  // bursts of one beat, at worst

  assign m_axi_arid    = '0;
  assign m_axi_arsize  = 3'd3;  // 8 bytes a beat
  assign m_axi_arburst = 2'd1;  // INCR
  assign m_axi_rready  = 1'b1;

  // Bursts: what is still to be asked for, and the room for it.
  logic [28:0]        next;
  logic [29:0]        left, rest;   // rest: after the next burst
  logic [4:0]         to_edge;      // words up to the next edge
  logic [4:0]         length;       // of the next burst
  logic               known, more;  // length holds; there is such a burst
  logic [SPACE_W-1:0] space;        // places of the FIFO that no word has or will come for
  logic [OPEN_W-1:0]  open;         // bursts that have been asked for and not ended
  logic               issue, ended, pop;

  assign to_edge = 5'(LONGEST) - 5'(next[3:0]);
  assign rest    = left - 30'(length);
  assign issue   = known && more && !stop && space >= SPACE_W'(LONGEST)
                   && (!m_axi_arvalid || m_axi_arready);
  assign ended   = m_axi_rvalid && m_axi_rlast;
  assign pop     = m_axis_tvalid && m_axis_tready;
  assign idle    = left == '0 && !m_axi_arvalid && open == '0;

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
      m_axi_araddr <= {next, 3'b000};
      m_axi_arlen  <= 4'(length - 5'd1);
    end
    if (start) begin
      next <= address;
      left <= words;
    end
    if (rst || stop) left <= '0;
  end

  always_ff @(posedge clk) begin
    m_axi_arvalid <= issue || (m_axi_arvalid && !m_axi_arready);
    open          <= open + OPEN_W'(issue) - OPEN_W'(ended);
    space         <= space - (issue ? SPACE_W'(length) : '0) + SPACE_W'(pop);
    failed        <= m_axi_rvalid && m_axi_rresp[1];
    if (rst) begin
      m_axi_arvalid <= 1'b0;
      open          <= '0;
      space         <= SPACE_W'(DEPTH);
      failed        <= 1'b0;
    end
  end

  logic room;

  fifo #(.WIDTH(64), .DEPTH(DEPTH)) u_words (
    .clk,
    .rst,
    .s_axis_tdata (m_axi_rdata),
    .s_axis_tvalid(m_axi_rvalid && !stop),
    .s_axis_tready(room),
    .m_axis_tdata,
    .m_axis_tvalid,
    .m_axis_tready
  );

`ifndef SYNTHESIS
  assert property (@(posedge clk) disable iff (rst) m_axi_rvalid |-> room)
  else $error("axi_reader %m: a word came without a place for it");
  assert property (@(posedge clk) disable iff (rst) m_axi_rvalid |-> open != '0 && m_axi_rid == '0)
  else $error("axi_reader %m: a word came that nobody asked for");
  assert property (@(posedge clk) disable iff (rst) start |-> idle)
  else $error("axi_reader %m: started while busy");
  assert property (@(posedge clk) disable iff (rst) m_axi_arvalid && !m_axi_arready
                   |=> m_axi_arvalid && $stable({m_axi_araddr, m_axi_arlen}))
  else $error("axi_reader %m: an address changed while stalled");
  assert property (@(posedge clk) disable iff (rst) m_axi_arvalid
                   |-> 13'(m_axi_araddr[11:0]) + (13'(m_axi_arlen) + 13'd1) * 13'd8 <= 13'd4096)
  else $error("axi_reader %m: a burst crosses 4 KB");
`endif
endmodule
