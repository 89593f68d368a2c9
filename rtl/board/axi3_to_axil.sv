// axi3_to_axil: an AXI3 slave of 32 bits, as PS7's general-purpose port wants, before AXI-Lite.
// One transaction at a time; a burst becomes single accesses. The ID is given back.
module axi3_to_axil #(
  parameter int unsigned ID_W   = 12,  // bits of an ID
  parameter int unsigned ADDR_W = 8    // bits of an address behind it
) (
  input  logic              clk,
  input  logic              rst,

  input  logic [ID_W-1:0]   s_axi_awid,
  input  logic [31:0]       s_axi_awaddr,
  input  logic [3:0]        s_axi_awlen,
  input  logic [2:0]        s_axi_awsize,
  input  logic [1:0]        s_axi_awburst,
  input  logic              s_axi_awvalid,
  output logic              s_axi_awready,
  input  logic [31:0]       s_axi_wdata,
  input  logic [3:0]        s_axi_wstrb,
  input  logic              s_axi_wlast,
  input  logic              s_axi_wvalid,
  output logic              s_axi_wready,
  output logic [ID_W-1:0]   s_axi_bid,
  output logic [1:0]        s_axi_bresp,
  output logic              s_axi_bvalid,
  input  logic              s_axi_bready,
  input  logic [ID_W-1:0]   s_axi_arid,
  input  logic [31:0]       s_axi_araddr,
  input  logic [3:0]        s_axi_arlen,
  input  logic [2:0]        s_axi_arsize,
  input  logic [1:0]        s_axi_arburst,
  input  logic              s_axi_arvalid,
  output logic              s_axi_arready,
  output logic [ID_W-1:0]   s_axi_rid,
  output logic [31:0]       s_axi_rdata,
  output logic [1:0]        s_axi_rresp,
  output logic              s_axi_rlast,
  output logic              s_axi_rvalid,
  input  logic              s_axi_rready,

  output logic [ADDR_W-1:0] m_axil_awaddr,
  output logic              m_axil_awvalid,
  input  logic              m_axil_awready,
  output logic [31:0]       m_axil_wdata,
  output logic [3:0]        m_axil_wstrb,
  output logic              m_axil_wvalid,
  input  logic              m_axil_wready,
  input  logic [1:0]        m_axil_bresp,
  input  logic              m_axil_bvalid,
  output logic              m_axil_bready,
  output logic [ADDR_W-1:0] m_axil_araddr,
  output logic              m_axil_arvalid,
  input  logic              m_axil_arready,
  input  logic [31:0]       m_axil_rdata,
  input  logic [1:0]        m_axil_rresp,
  input  logic              m_axil_rvalid,
  output logic              m_axil_rready
);
  // The next address of a burst: INCR goes on, WRAP (a power of two of beats) turns, FIXED stays.
  function automatic logic [ADDR_W-1:0] following(
    input logic [ADDR_W-1:0] address, input logic [3:0] len, input logic [2:0] size,
    input logic [1:0] kind
  );
    logic [ADDR_W-1:0] moved, turning;
    moved   = address + (ADDR_W'(1) << size);
    turning = kind == 2'd2 ? (ADDR_W'(len) + 1'b1 << size) - 1'b1 : '1;
    return kind == 2'd0 ? address : (address & ~turning) | (moved & turning);
  endfunction

  // Writes: take the address; then for each beat an access and its answer; then one answer to all.
  typedef enum logic [1:0] {ADDRESS, ACCESS, ANSWER, RESPOND} state_e;

  state_e      write, read;
  logic [3:0]  aw_len, ar_len;
  logic [2:0]  aw_size, ar_size;
  logic [1:0]  aw_burst, ar_burst;
  logic        aw_sent, w_sent, w_last;

  assign s_axi_awready  = write == ADDRESS;
  assign m_axil_awvalid = write == ACCESS && s_axi_wvalid && !aw_sent;
  assign m_axil_wvalid  = write == ACCESS && s_axi_wvalid && !w_sent;
  assign m_axil_wdata   = s_axi_wdata;
  assign m_axil_wstrb   = s_axi_wstrb;
  assign m_axil_bready  = write == ANSWER;
  assign s_axi_wready   = write == ANSWER && m_axil_bvalid;  // the beat stays until it is answered
  assign s_axi_bvalid   = write == RESPOND;
  assign w_last         = s_axi_wlast;

  always_ff @(posedge clk) begin
    unique case (write)
      ADDRESS: begin
        if (s_axi_awvalid) write <= ACCESS;
        s_axi_bid     <= s_axi_awid;
        s_axi_bresp   <= 2'd0;
        m_axil_awaddr <= s_axi_awaddr[ADDR_W-1:0];
        aw_len        <= s_axi_awlen;
        aw_size       <= s_axi_awsize;
        aw_burst      <= s_axi_awburst;
      end
      ACCESS: begin
        if (m_axil_awvalid && m_axil_awready) aw_sent <= 1'b1;
        if (m_axil_wvalid && m_axil_wready)   w_sent  <= 1'b1;
        if ((aw_sent || (m_axil_awvalid && m_axil_awready))
            && (w_sent || (m_axil_wvalid && m_axil_wready))) begin
          write   <= ANSWER;
          aw_sent <= 1'b0;
          w_sent  <= 1'b0;
        end
      end
      ANSWER: if (m_axil_bvalid) begin
        if (m_axil_bresp[1]) s_axi_bresp <= m_axil_bresp;
        m_axil_awaddr <= following(m_axil_awaddr, aw_len, aw_size, aw_burst);
        write         <= w_last ? RESPOND : ACCESS;
      end
      RESPOND: if (s_axi_bready) write <= ADDRESS;
    endcase
    if (rst) begin
      write   <= ADDRESS;
      aw_sent <= 1'b0;
      w_sent  <= 1'b0;
    end
  end

  // Reads: take the address; then for each beat an access and its answer.
  logic [3:0] beat;

  assign s_axi_arready  = read == ADDRESS;
  assign m_axil_arvalid = read == ACCESS;
  assign m_axil_rready  = read == ANSWER;
  assign s_axi_rvalid   = read == RESPOND;
  assign s_axi_rlast    = beat == ar_len;

  always_ff @(posedge clk) begin
    unique case (read)
      ADDRESS: begin
        if (s_axi_arvalid) read <= ACCESS;
        s_axi_rid     <= s_axi_arid;
        m_axil_araddr <= s_axi_araddr[ADDR_W-1:0];
        ar_len        <= s_axi_arlen;
        ar_size       <= s_axi_arsize;
        ar_burst      <= s_axi_arburst;
        beat          <= '0;
      end
      ACCESS: if (m_axil_arready) read <= ANSWER;
      ANSWER: begin
        if (m_axil_rvalid) read <= RESPOND;
        s_axi_rdata <= m_axil_rdata;
        s_axi_rresp <= m_axil_rresp;
      end
      RESPOND: if (s_axi_rready) begin
        read          <= s_axi_rlast ? ADDRESS : ACCESS;
        beat          <= beat + 1'b1;
        m_axil_araddr <= following(m_axil_araddr, ar_len, ar_size, ar_burst);
      end
    endcase
    if (rst) read <= ADDRESS;
  end

`ifndef SYNTHESIS
  assert property (@(posedge clk) disable iff (rst) s_axi_rvalid && !s_axi_rready
                   |=> s_axi_rvalid && $stable({s_axi_rdata, s_axi_rresp, s_axi_rlast, s_axi_rid}))
  else $error("axi3_to_axil %m: a read answer changed while stalled");
  assert property (@(posedge clk) disable iff (rst) m_axil_awvalid && !m_axil_awready
                   |=> m_axil_awvalid && $stable(m_axil_awaddr))
  else $error("axi3_to_axil %m: a write address changed while stalled");
`endif
endmodule
