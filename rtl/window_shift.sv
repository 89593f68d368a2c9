// window_shift: im2col for SIMD = J*C, from line buffers and a shift register of KH*KW pixels.
// For each output position its patch, a vector of KH*KW*C elements in (kh, kw, c) order, as
// BEATS = ceil(KH*KW/J) beats of J pixels; a padded pixel is FILL, spare lanes of the last are 0.
//
//   s_axis --------------------------+--> column --> patch[KH][KW] --> padding --> fifo --> m_axis
//           lines[W] (KH-1 pixels) --+          real_row, real_column --^  ^-- beat
//              ^---- the column's newest KH-1
//
// Throughput: HB*WB + OH*OW*(BEATS-1) cycles an image, HB = max(H, (OH-1)*SH+KH-PT) and
// WB = max(W, (OW-1)*SW+KW-PL): a step for each pixel of the image, and for each position right of
// it or below it that a patch reaches; a step that completes a patch takes BEATS cycles.
// Latency: 2 cycles from the beat that completes a patch.
// s_axis_tready does not depend combinationally on m_axis_tready.
//
// Nothing is pushed for the padding above and on the left: what the registers hold there is masked.
module window_shift #(
  parameter int unsigned H    = 5,  // image rows
  parameter int unsigned W    = 6,  // image columns
  parameter int unsigned C    = 2,  // channels
  parameter int unsigned BITS = 1,  // bits an element
  parameter int unsigned KH   = 3,  // kernel rows
  parameter int unsigned KW   = 3,  // kernel columns
  parameter int unsigned SH   = 1,  // stride, rows
  parameter int unsigned SW   = 1,  // stride, columns
  parameter int unsigned PT   = 1,  // padding above, less than KH
  parameter int unsigned PL   = 1,  // padding on the left, less than KW
  parameter int unsigned OH   = 5,  // output rows
  parameter int unsigned OW   = 6,  // output columns
  parameter int unsigned SIMD = 8,  // elements an output beat, a multiple of C
  parameter int unsigned FILL = 0   // a padded element
) (
  input  logic                 clk,
  input  logic                 rst,

  input  logic [C*BITS-1:0]    s_axis_tdata,
  input  logic                 s_axis_tvalid,
  output logic                 s_axis_tready,

  output logic [SIMD*BITS-1:0] m_axis_tdata,
  output logic                 m_axis_tvalid,
  input  logic                 m_axis_tready
);
  localparam int unsigned PIXEL  = C * BITS;
  localparam int unsigned BEATS  = (KH * KW * C + SIMD - 1) / SIMD;
  localparam int unsigned BOTTOM = (OH - 1) * SH + KH - PT;
  localparam int unsigned RIGHT  = (OW - 1) * SW + KW - PL;
  localparam int unsigned HB     = H > BOTTOM ? H : BOTTOM;
  localparam int unsigned WB     = W > RIGHT ? W : RIGHT;
  localparam int unsigned Y_W    = HB > 1 ? $clog2(HB) : 1;
  localparam int unsigned X_W    = WB > 1 ? $clog2(WB) : 1;
  localparam int unsigned BEAT_W = BEATS > 1 ? $clog2(BEATS) : 1;

  if (SIMD == 0 || SIMD % C != 0 || SIMD > KH * KW * C) begin : gen_bad_fold
    $fatal(1, "window_shift: SIMD=%0d must be a multiple of C=%0d, at most KH*KW*C=%0d",
           SIMD, C, KH * KW * C);
  end
  if (PT >= KH || PL >= KW) begin : gen_bad_padding
    $fatal(1, "window_shift: padding PT=%0d, PL=%0d must be less than the kernel, %0d x %0d",
           PT, PL, KH, KW);
  end

  // The steps that complete a patch, in each direction.
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

  // Steps.
  logic           step, in_row, in_column, in_image, full, room, emit, last_beat;
  logic [Y_W-1:0] y;
  logic [X_W-1:0] x, x_next;

  assign in_row    = (Y_W + 1)'(y) < (Y_W + 1)'(H);
  assign in_column = (X_W + 1)'(x) < (X_W + 1)'(W);
  assign in_image  = in_row && in_column;
  assign emit      = full && room;
  assign step      = (!full || emit && last_beat) && (s_axis_tvalid || !in_image);
  assign x_next    = x == X_W'(WB - 1) ? '0 : x + 1'b1;
  assign s_axis_tready = (!full || emit && last_beat) && in_image;

  always_ff @(posedge clk) begin
    if (step) begin
      x <= x_next;
      if (x == X_W'(WB - 1)) y <= y == Y_W'(HB - 1) ? '0 : y + 1'b1;
    end
    if (step)                   full <= DONE_Y[y] && DONE_X[x];
    else if (emit && last_beat) full <= 1'b0;
    if (rst) begin
      x    <= '0;
      y    <= '0;
      full <= 1'b0;
    end
  end

  // The column that a step adds: KH-1 pixels above it, the topmost first, and its own.
  logic [KH-1:0][PIXEL-1:0] column;

  assign column[KH-1] = s_axis_tdata;

  if (KH == 1) begin : gen_no_lines
  end else if (WB == 1) begin : gen_line_of_one
    logic [KH-2:0][PIXEL-1:0] line;
    assign column[KH-2:0] = line;
    always_ff @(posedge clk) if (step) line <= column[KH-1:1];
  end else begin : gen_lines
    localparam int unsigned AW = W > 1 ? $clog2(W) : 1;
    (* ram_style = W * (KH - 1) * PIXEL > 8192 ? "block" : "distributed" *)
    logic [KH-2:0][PIXEL-1:0] lines [W];
    logic [KH-2:0][PIXEL-1:0] line;
    assign column[KH-2:0] = line;
    always_ff @(posedge clk) begin
      if (step && in_column) lines[AW'(x)] <= column[KH-1:1];
      line <= lines[AW'(step ? x_next : x)];
    end
  end

  // The patch, and which of its rows and columns lie in the image.
  logic [KH-1:0][KW-1:0][PIXEL-1:0] patch;
  logic [KH-1:0]                    real_row;
  logic [KW-1:0]                    real_column;

  always_ff @(posedge clk) begin
    if (step) begin
      for (int unsigned k = 0; k < KH; k++) begin
        patch[k] <= (KW*PIXEL)'({column[k], patch[k]} >> PIXEL);
      end
      real_column <= KW'({in_column, x == '0 ? KW'(0) : real_column} >> 1);
      if (x == '0) real_row <= KH'({in_row, y == '0 ? KH'(0) : real_row} >> 1);
    end
  end

  // Its beats.
  logic [BEATS-1:0][SIMD*BITS-1:0] beats;
  logic [BEAT_W-1:0]               beat;

  for (genvar i = 0; i < BEATS * SIMD / C; i++) begin : gen_pixel
    if (i < KH * KW) begin : gen_used
      assign beats[i*C/SIMD][(i*C%SIMD)*BITS+:PIXEL] =
        real_row[i/KW] && real_column[i%KW] ? patch[i/KW][i%KW] : {C{BITS'(FILL)}};
    end else begin : gen_spare
      assign beats[i*C/SIMD][(i*C%SIMD)*BITS+:PIXEL] = '0;
    end
  end

  assign last_beat = beat == BEAT_W'(BEATS - 1);

  always_ff @(posedge clk) begin
    if (emit) beat <= last_beat ? '0 : beat + 1'b1;
    if (rst)  beat <= '0;
  end

  fifo #(.WIDTH(SIMD * BITS), .DEPTH(2)) u_results (
    .clk,
    .rst,
    .s_axis_tdata (beats[beat]),
    .s_axis_tvalid(full),
    .s_axis_tready(room),
    .m_axis_tdata,
    .m_axis_tvalid,
    .m_axis_tready
  );

`ifndef SYNTHESIS
  assert property (@(posedge clk) disable iff (rst)
                   m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid && $stable(m_axis_tdata))
  else $error("window_shift %m: m_axis changed while stalled");
`endif
endmodule
