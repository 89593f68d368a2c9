// pynq_z2_top: the accelerator on a Zynq-7000 board: the processor's cell around board_core.
// One clock, FCLK0, set by the driver. LEDs from 0: alive (blinks), interrupt, busy, error.
module pynq_z2_top #(
  parameter int unsigned ALIVE_W = 26  // bits of the counter that blinks: 0.34 s each way
) (
  output logic [3:0] led
);
  logic clk, rst;
  logic busy, error, irq;

  // Registers: the processor's AXI3 master, then AXI-Lite.
  logic [11:0] gp_awid, gp_bid, gp_arid, gp_rid;
  logic [31:0] gp_awaddr, gp_wdata, gp_araddr, gp_rdata;
  logic [3:0]  gp_awlen, gp_wstrb, gp_arlen;
  logic [1:0]  gp_awsize, gp_awburst, gp_bresp, gp_arsize, gp_arburst, gp_rresp;
  logic        gp_awvalid, gp_awready, gp_wlast, gp_wvalid, gp_wready, gp_bvalid, gp_bready;
  logic        gp_arvalid, gp_arready, gp_rlast, gp_rvalid, gp_rready;
  logic [7:0]  axil_awaddr, axil_araddr;
  logic [31:0] axil_wdata, axil_rdata;
  logic [3:0]  axil_wstrb;
  logic [1:0]  axil_bresp, axil_rresp;
  logic        axil_awvalid, axil_awready, axil_wvalid, axil_wready, axil_bvalid, axil_bready;
  logic        axil_arvalid, axil_arready, axil_rvalid, axil_rready;

  // Memory: the accelerator's AXI3 master.
  logic [5:0]  hp_awid, hp_bid, hp_arid, hp_rid;
  logic [31:0] hp_awaddr, hp_araddr;
  logic [3:0]  hp_awlen, hp_arlen;
  logic [2:0]  hp_awsize, hp_arsize;  // at most 8 bytes: bit 2 is 0
  logic [1:0]  hp_awburst, hp_bresp, hp_arburst, hp_rresp;
  logic [63:0] hp_wdata, hp_rdata;
  logic [7:0]  hp_wstrb;
  logic        hp_awvalid, hp_awready, hp_wlast, hp_wvalid, hp_wready, hp_bvalid, hp_bready;
  logic        hp_arvalid, hp_arready, hp_rlast, hp_rvalid, hp_rready;

  // Clock and reset. The register starts at 1, so that the logic is reset after configuration,
  // whether the processor resets it or not; `keep` keeps it flip-flops in Yosys.
  logic fclk, fresetn;
  (* ASYNC_REG = "TRUE", keep *) logic [2:0] reset_sync;
  logic [ALIVE_W-1:0] alive;

  BUFG u_bufg (.I(fclk), .O(clk));

  initial reset_sync = '1;

  always_ff @(posedge clk) reset_sync <= {reset_sync[1:0], !fresetn};
  assign rst = reset_sync[2];

  always_ff @(posedge clk) begin
    if (rst) alive <= '0;
    else alive <= alive + 1'b1;
  end

  assign led = {error, busy, irq, alive[ALIVE_W-1]};

  zynq_ps u_ps (
    .fclk,
    .fresetn,
    .clk,
    .irq,
    .m_axi_awid(gp_awid),
    .m_axi_awaddr(gp_awaddr),
    .m_axi_awlen(gp_awlen),
    .m_axi_awsize(gp_awsize),
    .m_axi_awburst(gp_awburst),
    .m_axi_awvalid(gp_awvalid),
    .m_axi_awready(gp_awready),
    .m_axi_wdata(gp_wdata),
    .m_axi_wstrb(gp_wstrb),
    .m_axi_wlast(gp_wlast),
    .m_axi_wvalid(gp_wvalid),
    .m_axi_wready(gp_wready),
    .m_axi_bid(gp_bid),
    .m_axi_bresp(gp_bresp),
    .m_axi_bvalid(gp_bvalid),
    .m_axi_bready(gp_bready),
    .m_axi_arid(gp_arid),
    .m_axi_araddr(gp_araddr),
    .m_axi_arlen(gp_arlen),
    .m_axi_arsize(gp_arsize),
    .m_axi_arburst(gp_arburst),
    .m_axi_arvalid(gp_arvalid),
    .m_axi_arready(gp_arready),
    .m_axi_rid(gp_rid),
    .m_axi_rdata(gp_rdata),
    .m_axi_rresp(gp_rresp),
    .m_axi_rlast(gp_rlast),
    .m_axi_rvalid(gp_rvalid),
    .m_axi_rready(gp_rready),
    .s_axi_awid(hp_awid),
    .s_axi_awaddr(hp_awaddr),
    .s_axi_awlen(hp_awlen),
    .s_axi_awsize(hp_awsize[1:0]),
    .s_axi_awburst(hp_awburst),
    .s_axi_awvalid(hp_awvalid),
    .s_axi_awready(hp_awready),
    .s_axi_wdata(hp_wdata),
    .s_axi_wstrb(hp_wstrb),
    .s_axi_wlast(hp_wlast),
    .s_axi_wvalid(hp_wvalid),
    .s_axi_wready(hp_wready),
    .s_axi_bid(hp_bid),
    .s_axi_bresp(hp_bresp),
    .s_axi_bvalid(hp_bvalid),
    .s_axi_bready(hp_bready),
    .s_axi_arid(hp_arid),
    .s_axi_araddr(hp_araddr),
    .s_axi_arlen(hp_arlen),
    .s_axi_arsize(hp_arsize[1:0]),
    .s_axi_arburst(hp_arburst),
    .s_axi_arvalid(hp_arvalid),
    .s_axi_arready(hp_arready),
    .s_axi_rid(hp_rid),
    .s_axi_rdata(hp_rdata),
    .s_axi_rresp(hp_rresp),
    .s_axi_rlast(hp_rlast),
    .s_axi_rvalid(hp_rvalid),
    .s_axi_rready(hp_rready)
  );

  axi3_to_axil #(.ID_W(12), .ADDR_W(8)) u_axil (
    .clk,
    .rst,
    .s_axi_awid(gp_awid),
    .s_axi_awaddr(gp_awaddr),
    .s_axi_awlen(gp_awlen),
    .s_axi_awsize({1'b0, gp_awsize}),
    .s_axi_awburst(gp_awburst),
    .s_axi_awvalid(gp_awvalid),
    .s_axi_awready(gp_awready),
    .s_axi_wdata(gp_wdata),
    .s_axi_wstrb(gp_wstrb),
    .s_axi_wlast(gp_wlast),
    .s_axi_wvalid(gp_wvalid),
    .s_axi_wready(gp_wready),
    .s_axi_bid(gp_bid),
    .s_axi_bresp(gp_bresp),
    .s_axi_bvalid(gp_bvalid),
    .s_axi_bready(gp_bready),
    .s_axi_arid(gp_arid),
    .s_axi_araddr(gp_araddr),
    .s_axi_arlen(gp_arlen),
    .s_axi_arsize({1'b0, gp_arsize}),
    .s_axi_arburst(gp_arburst),
    .s_axi_arvalid(gp_arvalid),
    .s_axi_arready(gp_arready),
    .s_axi_rid(gp_rid),
    .s_axi_rdata(gp_rdata),
    .s_axi_rresp(gp_rresp),
    .s_axi_rlast(gp_rlast),
    .s_axi_rvalid(gp_rvalid),
    .s_axi_rready(gp_rready),
    .m_axil_awaddr(axil_awaddr),
    .m_axil_awvalid(axil_awvalid),
    .m_axil_awready(axil_awready),
    .m_axil_wdata(axil_wdata),
    .m_axil_wstrb(axil_wstrb),
    .m_axil_wvalid(axil_wvalid),
    .m_axil_wready(axil_wready),
    .m_axil_bresp(axil_bresp),
    .m_axil_bvalid(axil_bvalid),
    .m_axil_bready(axil_bready),
    .m_axil_araddr(axil_araddr),
    .m_axil_arvalid(axil_arvalid),
    .m_axil_arready(axil_arready),
    .m_axil_rdata(axil_rdata),
    .m_axil_rresp(axil_rresp),
    .m_axil_rvalid(axil_rvalid),
    .m_axil_rready(axil_rready)
  );

  board_core u_core (
    .clk,
    .rst,
    .s_axil_awaddr(axil_awaddr),
    .s_axil_awvalid(axil_awvalid),
    .s_axil_awready(axil_awready),
    .s_axil_wdata(axil_wdata),
    .s_axil_wstrb(axil_wstrb),
    .s_axil_wvalid(axil_wvalid),
    .s_axil_wready(axil_wready),
    .s_axil_bresp(axil_bresp),
    .s_axil_bvalid(axil_bvalid),
    .s_axil_bready(axil_bready),
    .s_axil_araddr(axil_araddr),
    .s_axil_arvalid(axil_arvalid),
    .s_axil_arready(axil_arready),
    .s_axil_rdata(axil_rdata),
    .s_axil_rresp(axil_rresp),
    .s_axil_rvalid(axil_rvalid),
    .s_axil_rready(axil_rready),
    .m_axi_awid(hp_awid),
    .m_axi_awaddr(hp_awaddr),
    .m_axi_awlen(hp_awlen),
    .m_axi_awsize(hp_awsize),
    .m_axi_awburst(hp_awburst),
    .m_axi_awvalid(hp_awvalid),
    .m_axi_awready(hp_awready),
    .m_axi_wdata(hp_wdata),
    .m_axi_wstrb(hp_wstrb),
    .m_axi_wlast(hp_wlast),
    .m_axi_wvalid(hp_wvalid),
    .m_axi_wready(hp_wready),
    .m_axi_bid(hp_bid),
    .m_axi_bresp(hp_bresp),
    .m_axi_bvalid(hp_bvalid),
    .m_axi_bready(hp_bready),
    .m_axi_arid(hp_arid),
    .m_axi_araddr(hp_araddr),
    .m_axi_arlen(hp_arlen),
    .m_axi_arsize(hp_arsize),
    .m_axi_arburst(hp_arburst),
    .m_axi_arvalid(hp_arvalid),
    .m_axi_arready(hp_arready),
    .m_axi_rid(hp_rid),
    .m_axi_rdata(hp_rdata),
    .m_axi_rresp(hp_rresp),
    .m_axi_rlast(hp_rlast),
    .m_axi_rvalid(hp_rvalid),
    .m_axi_rready(hp_rready),
    .busy,
    .error,
    .irq
  );
endmodule
