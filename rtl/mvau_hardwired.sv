// mvau_hardwired: mvau.sv for bits with fixed weights and thresholds, a whole vector a cycle.
// Weights are logic, shared between the neurons of a group as hardwired_group.sv says.
//
//   s_axis --> x_1 --> groups of neurons --> credit_fifo --> m_axis
//   issue <-------------------- a place is free --------------+
//
// Throughput: a vector a cycle. Latency: LATENCY + 1 cycles. Nothing stalls behind the issue.
module mvau_hardwired #(
  parameter  int unsigned MW           = 24,          // matrix width: elements of an input vector
  parameter  int unsigned MH           = 6,           // matrix height: neurons
  parameter  int unsigned GROUP        = 4,           // neurons that share counts
  parameter  bit          THRESHOLDS   = 1'b1,        // put out bits; else accumulators
  parameter  int unsigned ACC_W        = 6,           // signed accumulator width
  parameter  bit [MH-1:0][MW-1:0]    WEIGHTS = '1,    // 1 means +1; neuron 0 is last
  parameter  bit [MH-1:0][ACC_W-1:0] LEVELS  = '0,    // least agreeing inputs that set the bit
  parameter  bit          PRIMITIVES   = 1'b0,        // of 7-series cells
  parameter  int unsigned BIN_LATENCY  = 3,           // these three: onebit/hardwired.py
  parameter  int unsigned PART_LATENCY = 2,
  parameter  int unsigned SUM_LATENCY  = 1,
  localparam int unsigned OUT_BITS     = THRESHOLDS ? 1 : ACC_W
) (
  input  logic                   clk,
  input  logic                   rst,

  input  logic [MW-1:0]          s_axis_tdata,
  input  logic                   s_axis_tvalid,
  output logic                   s_axis_tready,

  output logic [MH*OUT_BITS-1:0] m_axis_tdata,
  output logic                   m_axis_tvalid,
  input  logic                   m_axis_tready
);
  if (GROUP == 0 || GROUP > 12) begin : gen_bad_group
    $fatal(1, "mvau_hardwired: GROUP=%0d is not in 1..12", GROUP);
  end

  localparam int unsigned LATENCY = 2 + BIN_LATENCY + PART_LATENCY + SUM_LATENCY;
  localparam int unsigned GROUPS  = (MH + GROUP - 1) / GROUP;

  logic                   issue, free;
  logic [LATENCY-1:0]     valid;
  logic [MW-1:0]          x_1;
  logic [MH*OUT_BITS-1:0] results;

  assign s_axis_tready = free;
  assign issue = s_axis_tvalid && free;

  always_ff @(posedge clk) valid <= rst ? '0 : LATENCY'({valid, issue});
  always_ff @(posedge clk) x_1 <= s_axis_tdata;

  for (genvar g = 0; g < GROUPS; g++) begin : gen_group
    localparam int unsigned FIRST = g * GROUP;
    localparam int unsigned K     = MH - FIRST < GROUP ? MH - FIRST : GROUP;
    hardwired_group #(
      .MW(MW), .K(K), .THRESHOLDS(THRESHOLDS), .ACC_W(ACC_W), .WEIGHTS(WEIGHTS[FIRST+:K]),
      .LEVELS(LEVELS[FIRST+:K]), .PRIMITIVES(PRIMITIVES), .BIN_LATENCY(BIN_LATENCY),
      .PART_LATENCY(PART_LATENCY), .SUM_LATENCY(SUM_LATENCY)
    ) u_group (.clk, .x(x_1), .y(results[FIRST*OUT_BITS+:K*OUT_BITS]));
  end

  credit_fifo #(.WIDTH(MH * OUT_BITS), .DEPTH(LATENCY + 2)) u_results (
    .clk,
    .rst,
    .free,
    .reserve  (issue),
    .push     (valid[LATENCY-1]),
    .push_data(results),
    .m_axis_tdata,
    .m_axis_tvalid,
    .m_axis_tready
  );

`ifndef SYNTHESIS
  assert property (@(posedge clk) disable iff (rst)
                   m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid && $stable(m_axis_tdata))
  else $error("mvau_hardwired %m: m_axis changed while stalled");
`endif
endmodule
