// axil_regs: the registers of docs/board.md behind AXI-Lite, one access at a time each way.
// A read takes one cycle, a write too; other addresses read as zero and ignore writes.
module axil_regs #(
  parameter bit [63:0]   HASH         = 64'h0123_4567_89AB_CDEF,  // the network's
  parameter int unsigned IMAGE_WORDS  = 13,  // 64-bit words of an image
  parameter int unsigned RESULT_WORDS = 6,   // 64-bit words of a result
  parameter int unsigned CLASSES      = 10
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

  output logic        start,        // for one cycle each
  output logic        soft_reset,
  output logic        acknowledge,
  output logic        irq_enable,
  output logic [31:0] source,
  output logic [31:0] target,
  output logic [23:0] count,

  input  logic        busy,
  input  logic        done,
  input  logic        resetting,
  input  logic [4:0]  error,
  input  logic [23:0] finished,
  input  logic [31:0] cycles,
  input  logic [31:0] stall_in,
  input  logic [31:0] stall_out
);
  localparam bit [31:0] ID      = 32'h6F6E_6562;  // "oneb"
  localparam bit [31:0] VERSION = 32'd1;

  typedef enum logic [5:0] {
    REG_ID           = 6'h00,
    REG_VERSION      = 6'h01,
    REG_HASH0        = 6'h02,
    REG_HASH1        = 6'h03,
    REG_CONTROL      = 6'h04,
    REG_STATUS       = 6'h05,
    REG_ERROR        = 6'h06,
    REG_IRQ_ENABLE   = 6'h07,
    REG_SOURCE       = 6'h08,
    REG_TARGET       = 6'h09,
    REG_COUNT        = 6'h0A,
    REG_FINISHED     = 6'h0B,
    REG_CYCLES       = 6'h0C,
    REG_STALL_IN     = 6'h0D,
    REG_STALL_OUT    = 6'h0E,
    REG_IMAGE_WORDS  = 6'h0F,
    REG_RESULT_WORDS = 6'h10,
    REG_CLASSES      = 6'h11
  } register_e;

  // Writes: address and data are taken together.
  logic        write, control;
  logic [5:0]  to;
  logic [31:0] strobe;

  assign write          = s_axil_awvalid && s_axil_wvalid && (!s_axil_bvalid || s_axil_bready);
  assign s_axil_awready = write;
  assign s_axil_wready  = write;
  assign s_axil_bresp   = 2'd0;
  assign to             = s_axil_awaddr[7:2];
  assign strobe         = {{8{s_axil_wstrb[3]}}, {8{s_axil_wstrb[2]}},
                           {8{s_axil_wstrb[1]}}, {8{s_axil_wstrb[0]}}};
  assign control        = write && to == REG_CONTROL && s_axil_wstrb[0];

  always_ff @(posedge clk) begin
    s_axil_bvalid <= write || (s_axil_bvalid && !s_axil_bready);
    start         <= control && s_axil_wdata[0];
    soft_reset    <= control && s_axil_wdata[1];
    acknowledge   <= control && s_axil_wdata[2];
    if (rst) begin
      s_axil_bvalid <= 1'b0;
      start         <= 1'b0;
      soft_reset    <= 1'b0;
      acknowledge   <= 1'b0;
    end
  end

  function automatic logic [31:0] merged(input logic [31:0] old);
    return (old & ~strobe) | (s_axil_wdata & strobe);
  endfunction

  always_ff @(posedge clk) begin
    if (write && to == REG_IRQ_ENABLE && s_axil_wstrb[0]) irq_enable <= s_axil_wdata[0];
    if (write && to == REG_SOURCE) source <= merged(source);
    if (write && to == REG_TARGET) target <= merged(target);
    if (write && to == REG_COUNT)  count  <= 24'(merged(32'(count)));
    if (rst) begin
      irq_enable <= 1'b0;
      source     <= '0;
      target     <= '0;
      count      <= '0;
    end
  end

  // Reads.
  logic [31:0] value;

  assign s_axil_arready = !s_axil_rvalid || s_axil_rready;
  assign s_axil_rresp   = 2'd0;

  always_comb begin
    unique case (s_axil_araddr[7:2])
      REG_ID:           value = ID;
      REG_VERSION:      value = VERSION;
      REG_HASH0:        value = HASH[63:32];
      REG_HASH1:        value = HASH[31:0];
      REG_STATUS:       value = 32'({resetting, error != '0, done, busy});
      REG_ERROR:        value = 32'(error);
      REG_IRQ_ENABLE:   value = 32'(irq_enable);
      REG_SOURCE:       value = source;
      REG_TARGET:       value = target;
      REG_COUNT:        value = 32'(count);
      REG_FINISHED:     value = 32'(finished);
      REG_CYCLES:       value = cycles;
      REG_STALL_IN:     value = stall_in;
      REG_STALL_OUT:    value = stall_out;
      REG_IMAGE_WORDS:  value = 32'(IMAGE_WORDS);
      REG_RESULT_WORDS: value = 32'(RESULT_WORDS);
      REG_CLASSES:      value = 32'(CLASSES);
      default:          value = '0;
    endcase
  end

  always_ff @(posedge clk) begin
    if (s_axil_arready) begin
      s_axil_rdata  <= value;
      s_axil_rvalid <= s_axil_arvalid;
    end
    if (rst) s_axil_rvalid <= 1'b0;
  end

`ifndef SYNTHESIS
  assert property (@(posedge clk) disable iff (rst)
                   s_axil_rvalid && !s_axil_rready |=> s_axil_rvalid && $stable(s_axil_rdata))
  else $error("axil_regs %m: rdata changed while stalled");
  assert property (@(posedge clk) disable iff (rst)
                   s_axil_bvalid && !s_axil_bready |=> s_axil_bvalid)
  else $error("axil_regs %m: an answer was taken back");
`endif
endmodule
