// head: fixed-point scale and bias for each class, then the arg-max.
// logit_c = scale_c * acc_c + bias_c, exact (the emitter chose LOGIT_W so that nothing overflows).
// In: NF = ceil(CLASSES/PE) beats of PE accumulators a vector. Out: as many beats of
// {class, PE logits}, tlast on a vector's last; class is the arg-max so far, so that of the whole
// vector on the last beat. Of equal logits the lowest class wins. Spare lanes are 0, never win.
// Throughput 1 beat/cycle. Latency: 5 + clog2(PE) cycles from a beat in to its beat out.
//
// Memories, read by $readmemh, NF words, word nf lane p = class nf*PE+p: SCALE_FILE in lanes of
// SCALE_W bits, BIAS_FILE in lanes of LOGIT_W bits, both two's complement.
module head #(
  parameter  int unsigned CLASSES    = 10,  // classes
  parameter  int unsigned PE         = 4,   // classes a beat, need not divide CLASSES
  parameter  int unsigned ACC_W      = 8,   // signed accumulator width
  parameter  int unsigned SCALE_W    = 9,   // signed scale width
  parameter  int unsigned LOGIT_W    = 18,  // signed bias and logit width
  parameter  string       SCALE_FILE = "scale.mem",
  parameter  string       BIAS_FILE  = "bias.mem",
  localparam int unsigned CLASS_W    = CLASSES > 1 ? $clog2(CLASSES) : 1
) (
  input  logic                          clk,
  input  logic                          rst,

  input  logic [PE*ACC_W-1:0]           s_axis_tdata,
  input  logic                          s_axis_tvalid,
  output logic                          s_axis_tready,

  output logic [CLASS_W+PE*LOGIT_W-1:0] m_axis_tdata,  // {class, logits}
  output logic                          m_axis_tvalid,
  output logic                          m_axis_tlast,
  input  logic                          m_axis_tready
);
  if (PE == 0 || PE > CLASSES) begin : gen_bad_fold
    $fatal(1, "head: PE=%0d must be in 1..CLASSES=%0d", PE, CLASSES);
  end

  localparam int unsigned NF     = (CLASSES + PE - 1) / PE;
  localparam int unsigned USED   = CLASSES - (NF - 1) * PE;  // lanes in use in the last beat
  localparam int unsigned NF_W   = NF > 1 ? $clog2(NF) : 1;
  localparam int unsigned LEVELS = $clog2(PE);
  localparam int unsigned LANE_W = PE > 1 ? LEVELS : 1;
  // The logit fits in LOGIT_W bits: of a wider product the low ones are enough.
  localparam int unsigned PROD_W = SCALE_W + ACC_W < LOGIT_W ? SCALE_W + ACC_W : LOGIT_W;
  localparam int unsigned STEPS  = LEVELS + 4;  // cycles from issue to result

  // Stage 0: take a beat.
  logic            issue, free;
  logic [NF_W-1:0] nf;

  assign s_axis_tready = free;
  assign issue = s_axis_tvalid && s_axis_tready;

  always_ff @(posedge clk) begin
    if (issue) nf <= nf == NF_W'(NF - 1) ? '0 : nf + 1'b1;
    if (rst)   nf <= '0;
  end

  // What travels beside the data; index = stage.
  logic [STEPS:0] valid, last;
  assign valid[0] = issue;
  assign last[0]  = nf == NF_W'(NF - 1);

  always_ff @(posedge clk) begin
    valid[STEPS:1] <= rst ? '0 : valid[STEPS-1:0];
    last[STEPS:1]  <= last[STEPS-1:0];
  end

  // Stage 1: constants. Stage 2: products. Stage 3: logits.
  (* rom_style = "logic" *)
  logic [PE*SCALE_W-1:0] scales [NF];
  (* rom_style = "logic" *)
  logic [PE*LOGIT_W-1:0] biases [NF];
  logic [PE*ACC_W-1:0]   acc_1;
  logic [PE*SCALE_W-1:0] scale_1;
  logic [PE*LOGIT_W-1:0] bias_1, bias_2, logits_3;

  initial $readmemh(SCALE_FILE, scales);
  initial $readmemh(BIAS_FILE, biases);

  always_ff @(posedge clk) begin
    acc_1   <= s_axis_tdata;
    scale_1 <= scales[nf];
    bias_1  <= biases[nf];
    bias_2  <= bias_1;
  end

  for (genvar p = 0; p < PE; p++) begin : gen_pe
    logic signed [ACC_W-1:0]   acc;
    logic signed [SCALE_W-1:0] scale;
    logic signed [PROD_W-1:0]  product_2;
    logic                      spare;

    assign acc   = acc_1[p*ACC_W+:ACC_W];
    assign scale = scale_1[p*SCALE_W+:SCALE_W];
    assign spare = p >= USED && last[2];

    always_ff @(posedge clk) begin
      product_2 <= PROD_W'(scale) * PROD_W'(acc);
      logits_3[p*LOGIT_W+:LOGIT_W] <=
        spare ? '0 : LOGIT_W'(product_2) + bias_2[p*LOGIT_W+:LOGIT_W];
    end
  end

  // Stages 3 .. 3+LEVELS: the best lane of a beat, halving the candidates at each stage.
  for (genvar l = 0; l <= LEVELS; l++) begin : gen_level
    localparam int unsigned COUNT = (PE + (1 << l) - 1) >> l;
    logic signed [LOGIT_W-1:0] value [COUNT];
    logic [LANE_W-1:0]         lane  [COUNT];
    logic [COUNT-1:0]          used;
    logic [PE*LOGIT_W-1:0]     logits;

    if (l == 0) begin : gen_now
      assign logits = logits_3;
    end else begin : gen_later
      always_ff @(posedge clk) logits <= gen_level[l-1].logits;
    end

    for (genvar i = 0; i < COUNT; i++) begin : gen_node
      if (l == 0) begin : gen_leaf
        assign value[i] = logits_3[i*LOGIT_W+:LOGIT_W];
        assign lane[i]  = LANE_W'(i);
        assign used[i]  = !(i >= USED && last[3]);
      end else if (((2 * i + 1) << (l - 1)) < PE) begin : gen_pair
        logic right;  // spare lanes are the highest: the left one is used if the right one is
        assign right = gen_level[l-1].used[2*i+1] &&
                       gen_level[l-1].value[2*i+1] > gen_level[l-1].value[2*i];
        always_ff @(posedge clk) begin
          value[i] <= right ? gen_level[l-1].value[2*i+1] : gen_level[l-1].value[2*i];
          lane[i]  <= right ? gen_level[l-1].lane[2*i+1] : gen_level[l-1].lane[2*i];
          used[i]  <= gen_level[l-1].used[2*i];
        end
      end else begin : gen_pass
        always_ff @(posedge clk) begin
          value[i] <= gen_level[l-1].value[2*i];
          lane[i]  <= gen_level[l-1].lane[2*i];
          used[i]  <= gen_level[l-1].used[2*i];
        end
      end
    end
  end

  // Last stage: the best of the beats so far.
  logic signed [LOGIT_W-1:0] beat_best, best;
  logic [CLASS_W-1:0]        base, winner;  // class of lane 0 of this beat; class of `best`
  logic [PE*LOGIT_W-1:0]     logits_out;

  assign beat_best = gen_level[LEVELS].value[0];

  always_ff @(posedge clk) begin
    logits_out <= gen_level[LEVELS].logits;
    if (valid[STEPS-1]) begin
      if (base == '0 || beat_best > best) begin
        best   <= beat_best;
        winner <= base + CLASS_W'(gen_level[LEVELS].lane[0]);
      end
      base <= last[STEPS-1] ? '0 : base + CLASS_W'(PE);
    end
    if (rst) base <= '0;
  end

  credit_fifo #(.WIDTH(1 + CLASS_W + PE * LOGIT_W), .DEPTH(STEPS + 2)) u_results (
    .clk,
    .rst,
    .free,
    .reserve      (issue),
    .push         (valid[STEPS]),
    .push_data    ({last[STEPS], winner, logits_out}),
    .m_axis_tdata ({m_axis_tlast, m_axis_tdata}),
    .m_axis_tvalid,
    .m_axis_tready
  );

`ifndef SYNTHESIS
  assert property (@(posedge clk) disable iff (rst) m_axis_tvalid && !m_axis_tready
                   |=> m_axis_tvalid && $stable({m_axis_tlast, m_axis_tdata}))
  else $error("head %m: m_axis changed while stalled");
`endif
endmodule
