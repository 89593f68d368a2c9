// maxpool: maximum of bits over a sliding window, an OR; elements outside of the image never win.
// A pixel is CF = ceil(C/PE) beats of PE bits, in and out, in raster order. With INVERT each
// channel may be inverted after the OR. Spare lanes are 0, as they come.
//
//   s_axis --> OR <-- last KW-1 bits of the fold      for each fold
//              |
//              v 1
//              OR <-- last KH-1 row results           for each fold and output column
//              |
//              v 2
//            invert --> credit_fifo --> m_axis
//
// Throughput: HB*WB*CF cycles an image, HB = max(H, (OH-1)*SH+KH-PT) and
// WB = max(W, (OW-1)*SW+KW-PL): the image, and what windows reach right of it and below it.
// Latency: 3 cycles from the beat that completes a window.
//
// Memory, read by $readmemh when INVERT: INVERT_FILE has word f, bit p = whether the output of
// channel f*PE+p is inverted, 0 for spare lanes.
module maxpool #(
  parameter int unsigned H      = 4,     // image rows
  parameter int unsigned W      = 4,     // image columns
  parameter int unsigned C      = 3,     // channels
  parameter int unsigned KH     = 2,     // kernel rows
  parameter int unsigned KW     = 2,     // kernel columns
  parameter int unsigned SH     = 2,     // stride, rows
  parameter int unsigned SW     = 2,     // stride, columns
  parameter int unsigned PT     = 0,     // padding above, less than KH
  parameter int unsigned PL     = 0,     // padding on the left, less than KW
  parameter int unsigned OH     = 2,     // output rows
  parameter int unsigned OW     = 2,     // output columns
  parameter int unsigned PE     = 2,     // channels a beat, need not divide C
  parameter bit          INVERT = 1'b0,  // some channel is inverted
  parameter string       INVERT_FILE = "invert.mem"
) (
  input  logic          clk,
  input  logic          rst,

  input  logic [PE-1:0] s_axis_tdata,
  input  logic          s_axis_tvalid,
  output logic          s_axis_tready,

  output logic [PE-1:0] m_axis_tdata,
  output logic          m_axis_tvalid,
  input  logic          m_axis_tready
);
  localparam int unsigned CF     = (C + PE - 1) / PE;
  localparam int unsigned BOTTOM = (OH - 1) * SH + KH - PT;
  localparam int unsigned RIGHT  = (OW - 1) * SW + KW - PL;
  localparam int unsigned HB     = H > BOTTOM ? H : BOTTOM;
  localparam int unsigned WB     = W > RIGHT ? W : RIGHT;
  localparam int unsigned F_W    = CF > 1 ? $clog2(CF) : 1;
  localparam int unsigned Y_W    = HB > 1 ? $clog2(HB) : 1;
  localparam int unsigned X_W    = WB > 1 ? $clog2(WB) : 1;
  localparam int unsigned SLOT_W = OW * CF > 1 ? $clog2(OW * CF) : 1;

  if (PE == 0 || PE > C) begin : gen_bad_fold
    $fatal(1, "maxpool: PE=%0d must be in 1..C=%0d", PE, C);
  end
  if (PT >= KH || PL >= KW) begin : gen_bad_padding
    $fatal(1, "maxpool: padding PT=%0d, PL=%0d must be less than the kernel, %0d x %0d",
           PT, PL, KH, KW);
  end

  // The rows and columns that complete a window.
  function automatic logic [HB-1:0] rows_done();
    rows_done = '0;
    for (int unsigned oy = 0; oy < OH; oy++) rows_done[oy*SH+KH-1-PT] = 1'b1;
  endfunction

  function automatic logic [WB-1:0] columns_done();
    columns_done = '0;
    for (int unsigned ox = 0; ox < OW; ox++) columns_done[ox*SW+KW-1-PL] = 1'b1;
  endfunction

  localparam logic [HB-1:0] DONE_Y = rows_done();
  localparam logic [WB-1:0] DONE_X = columns_done();

  // Stage 0: one step a cycle, for the image with a beat, beyond it without.
  logic              step, free, in_image, last_f, last_x, done_x;
  logic [F_W-1:0]    f;
  logic [X_W-1:0]    x;
  logic [Y_W-1:0]    y;
  logic [SLOT_W-1:0] slot;  // the fold's place among those of an output row
  logic [PE-1:0]     bits, any_x;

  assign in_image = (X_W + 1)'(x) < (X_W + 1)'(W) && (Y_W + 1)'(y) < (Y_W + 1)'(H);
  assign s_axis_tready = free && in_image;
  assign step   = free && (s_axis_tvalid || !in_image);
  assign bits   = in_image ? s_axis_tdata : '0;
  assign last_f = f == F_W'(CF - 1);
  assign last_x = x == X_W'(WB - 1);
  assign done_x = DONE_X[x];

  always_ff @(posedge clk) begin
    if (step) begin
      f <= last_f ? '0 : f + 1'b1;
      if (done_x) slot <= slot == SLOT_W'(OW * CF - 1) ? '0 : slot + 1'b1;
      if (last_f) begin
        x <= last_x ? '0 : x + 1'b1;
        if (last_x) y <= y == Y_W'(HB - 1) ? '0 : y + 1'b1;
      end
    end
    if (rst) begin
      f    <= '0;
      x    <= '0;
      y    <= '0;
      slot <= '0;
    end
  end

  // Along the row. The history is read in the cycle that writes it: a distributed memory.
  if (KW == 1) begin : gen_column
    assign any_x = bits;
  end else begin : gen_row
    logic [KW-2:0][PE-1:0] history [CF];
    logic [KW-2:0][PE-1:0] earlier;  // index 0 is the last one

    assign earlier = x == '0 ? '0 : history[f];

    always_comb begin
      any_x = bits;
      for (int unsigned k = 0; k < KW - 1; k++) any_x = any_x | earlier[k];
    end

    always_ff @(posedge clk) if (step) history[f] <= ((KW-1)*PE)'({earlier, bits});
  end

  // Stage 1: along the column, at the columns that complete a window.
  logic              valid_1, top_1, emit_1;
  logic [SLOT_W-1:0] slot_1;
  logic [PE-1:0]     any_x_1, any_1, invert_1;

  always_ff @(posedge clk) begin
    valid_1 <= step && done_x && !rst;
    emit_1  <= DONE_Y[y];
    top_1   <= y == '0;
    slot_1  <= slot;
    any_x_1 <= any_x;
  end

  if (KH == 1) begin : gen_one_row
    assign any_1 = any_x_1;
  end else begin : gen_rows
    (* ram_style = OW * CF < 3 ? "auto" : "distributed" *)
    logic [KH-2:0][PE-1:0] history [OW*CF];
    logic [KH-2:0][PE-1:0] above;  // index 0 is the last one

    assign above = top_1 ? '0 : history[slot_1];

    always_comb begin
      any_1 = any_x_1;
      for (int unsigned k = 0; k < KH - 1; k++) any_1 = any_1 | above[k];
    end

    always_ff @(posedge clk) if (valid_1) history[slot_1] <= ((KH-1)*PE)'({above, any_x_1});
  end

  if (INVERT) begin : gen_invert
    logic [PE-1:0] inverts [CF];
    initial $readmemh(INVERT_FILE, inverts);
    always_ff @(posedge clk) invert_1 <= inverts[f];
  end else begin : gen_as_it_is
    assign invert_1 = '0;
  end

  // Stage 2: the result.
  logic          valid_2;
  logic [PE-1:0] result_2;

  always_ff @(posedge clk) begin
    valid_2  <= valid_1 && emit_1 && !rst;
    result_2 <= any_1 ^ invert_1;
  end

  credit_fifo #(.WIDTH(PE), .DEPTH(4)) u_results (
    .clk,
    .rst,
    .free,
    .reserve  (step && done_x && DONE_Y[y]),
    .push     (valid_2),
    .push_data(result_2),
    .m_axis_tdata,
    .m_axis_tvalid,
    .m_axis_tready
  );

`ifndef SYNTHESIS
  assert property (@(posedge clk) disable iff (rst)
                   m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid && $stable(m_axis_tdata))
  else $error("maxpool %m: m_axis changed while stalled");
`endif
endmodule
