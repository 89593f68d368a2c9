// board_core: the accelerator between memory and registers, everything of a board but its processor.
// AXI-Lite registers start a batch: packed images are read through the AXI master, go through the
// accelerator, and results are written back. Registers, memory layout and every special case are
// in docs/board.md. The AXI master speaks AXI3: bursts of at most 16 beats of 64 bits, ID 0.
module board_core #(
  parameter bit [63:0]   HASH     = network::HASH,      // the network's
  parameter int unsigned IN_W     = network::IN_W,      // bits of a beat into the accelerator
  parameter int unsigned IN_BEATS = network::IN_BEATS,  // beats an image
  parameter int unsigned CLASSES  = network::CLASSES,   // logits an image
  parameter int unsigned PE       = network::PE,        // logits of a beat out of the accelerator
  parameter int unsigned LOGIT_W  = network::LOGIT_W    // signed logit width
) (
  input  logic        clk,
  input  logic        rst,

  input  logic [7:0]  s_axil_awaddr,
  input  logic        s_axil_awvalid,
  output logic        s_axil_awready,
  input  logic [31:0] s_axil_wdata,
  input  logic [3:0]  s_axil_wstrb,
  input  logic        s_axil_wvalid,
  output logic        s_axil_wready,
  output logic [1:0]  s_axil_bresp,
  output logic        s_axil_bvalid,
  input  logic        s_axil_bready,
  input  logic [7:0]  s_axil_araddr,
  input  logic        s_axil_arvalid,
  output logic        s_axil_arready,
  output logic [31:0] s_axil_rdata,
  output logic [1:0]  s_axil_rresp,
  output logic        s_axil_rvalid,
  input  logic        s_axil_rready,

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
  output logic        m_axi_bready,

  output logic        busy,
  output logic        error,
  output logic        irq
);
endmodule
