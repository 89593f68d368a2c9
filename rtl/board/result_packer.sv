// result_packer: the accelerator's output as 64-bit words for memory.
// In: ceil(CLASSES/PE) beats of {class, PE logits} an image, the class valid with tlast. Out:
// ceil(CLASSES/2) words of two logits as 32-bit integers, class 0 first, filled with zeros, then a
// word with the class. Throughput: max(beats in, words out) cycles an image, give or take one.
module result_packer #(
  parameter  int unsigned CLASSES = 10,  // logits an image
  parameter  int unsigned PE      = 4,   // logits a beat
  parameter  int unsigned LOGIT_W = 18,  // signed logit width, at most 32
  localparam int unsigned CLASS_W = CLASSES > 1 ? $clog2(CLASSES) : 1
) (
  input  logic                          clk,
  input  logic                          rst,

  input  logic [CLASS_W+PE*LOGIT_W-1:0] s_axis_tdata,
  input  logic                          s_axis_tvalid,
  input  logic                          s_axis_tlast,
  output logic                          s_axis_tready,

  output logic [63:0]                   m_axis_tdata,
  output logic                          m_axis_tvalid,
  input  logic                          m_axis_tready
);
  if (LOGIT_W > 32) begin : gen_bad_logit
    $fatal(1, "result_packer: LOGIT_W=%0d must be in 1..32", LOGIT_W);
  end

  localparam int unsigned WORDS  = (CLASSES + 1) / 2;  // of logits an image
  localparam int unsigned WORD_W = $clog2(WORDS + 1);

  // The input goes to the logits, and with an image's last beat also to the classes.
  logic               logits_room, class_room;
  logic [PE*32-1:0]   wide;
  logic [63:0]        logits;
  logic [CLASS_W-1:0] winner;
  logic               logits_valid, winner_valid, last, take;

  assign s_axis_tready = logits_room && class_room;

  for (genvar p = 0; p < PE; p++) begin : gen_lane
    assign wide[p*32+:32] = 32'(signed'(s_axis_tdata[p*LOGIT_W+:LOGIT_W]));
  end

  width_converter #(.N(CLASSES), .BITS(32), .IN_LANES(PE), .OUT_LANES(2)) u_logits (
    .clk,
    .rst,
    .s_axis_tdata (wide),
    .s_axis_tvalid(s_axis_tvalid && class_room),
    .s_axis_tready(logits_room),
    .m_axis_tdata (logits),
    .m_axis_tvalid(logits_valid),
    .m_axis_tready(take && !last)
  );

  fifo #(.WIDTH(CLASS_W), .DEPTH(2)) u_classes (
    .clk,
    .rst,
    .s_axis_tdata (s_axis_tdata[PE*LOGIT_W+:CLASS_W]),
    .s_axis_tvalid(s_axis_tvalid && s_axis_tlast && logits_room),
    .s_axis_tready(class_room),
    .m_axis_tdata (winner),
    .m_axis_tvalid(winner_valid),
    .m_axis_tready(take && last)
  );

  // Words of an image, into a register.
  logic [WORD_W-1:0] word;

  assign last = word == WORD_W'(WORDS);
  assign take = !m_axis_tvalid || m_axis_tready;

  always_ff @(posedge clk) begin
    if (take) begin
      m_axis_tdata  <= last ? 64'(winner) : logits;
      m_axis_tvalid <= last ? winner_valid : logits_valid;
      if (last ? winner_valid : logits_valid) word <= last ? '0 : word + 1'b1;
    end
    if (rst) begin
      m_axis_tvalid <= 1'b0;
      word          <= '0;
    end
  end

`ifndef SYNTHESIS
  assert property (@(posedge clk) disable iff (rst)
                   m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid && $stable(m_axis_tdata))
  else $error("result_packer %m: m_axis changed while stalled");
`endif
endmodule
