// window_ring: im2col for SIMD <= C, from a ring of image rows.
// For each output position the pixels of its patch in (kh, kw) order, CF = ceil(C/SIMD) beats each;
// a padded pixel is FILL in its C elements. Spare lanes are 0, as they come.
//
//   s_axis --> writer --> mem[ROWS][W][CF] --> reader --> padding --> credit_fifo --> m_axis
//                |   rows complete --^ held ^-- rows done    |              |
//                                                 issue <-- a place is free +
//
// Throughput: max(H*W*CF, OH*OW*KH*KW*CF) cycles an image, exactly, where ROWS is as Axis.ring in
// onebit/geometry.py says; correct with fewer rows, as long as a patch's rows fit.
// Latency: 4 cycles from the last beat of the rows that the first output row needs.
//
// The writer drops rows that no patch needs. The reader starts an output row when all its rows are
// complete, and in its last patch gives back each row that the next output row does not need.
module window_ring #(
  parameter int unsigned H    = 5,  // image rows
  parameter int unsigned W    = 6,  // image columns
  parameter int unsigned C    = 3,  // channels
  parameter int unsigned BITS = 1,  // bits an element
  parameter int unsigned KH   = 3,  // kernel rows
  parameter int unsigned KW   = 3,  // kernel columns
  parameter int unsigned SH   = 1,  // stride, rows
  parameter int unsigned SW   = 1,  // stride, columns
  parameter int unsigned PT   = 1,  // padding above
  parameter int unsigned PL   = 1,  // padding on the left
  parameter int unsigned OH   = 5,  // output rows
  parameter int unsigned OW   = 6,  // output columns
  parameter int unsigned SIMD = 2,  // elements a beat, need not divide C
  parameter int unsigned FILL = 0,  // a padded element
  parameter int unsigned ROWS = 4,  // image rows in the ring
  parameter bit          BLOCK = 1'b0  // the ring in block RAM; else in LUTs
) (
  input  logic                 clk,
  input  logic                 rst,

  input  logic [SIMD*BITS-1:0] s_axis_tdata,
  input  logic                 s_axis_tvalid,
  output logic                 s_axis_tready,

  output logic [SIMD*BITS-1:0] m_axis_tdata,
  output logic                 m_axis_tvalid,
  input  logic                 m_axis_tready
);
  localparam int unsigned CF     = (C + SIMD - 1) / SIMD;
  localparam int unsigned USED   = C - (CF - 1) * SIMD;  // lanes in use in a pixel's last beat
  localparam int unsigned ROW    = W * CF;               // words an image row
  localparam int unsigned DEPTH  = ROWS * ROW;
  localparam int unsigned BOTTOM = (OH - 1) * SH + KH;   // height and width that patches cover
  localparam int unsigned RIGHT  = (OW - 1) * SW + KW;

  localparam int unsigned ADDR_W = DEPTH > 1 ? $clog2(DEPTH) : 1;
  localparam int unsigned HELD_W = $clog2(ROWS + 1);
  localparam int unsigned BEAT_W = ROW > 1 ? $clog2(ROW) : 1;
  localparam int unsigned Y_W    = H > 1 ? $clog2(H) : 1;
  localparam int unsigned CF_W   = CF > 1 ? $clog2(CF) : 1;
  localparam int unsigned KH_W   = KH > 1 ? $clog2(KH) : 1;
  localparam int unsigned KW_W   = KW > 1 ? $clog2(KW) : 1;
  localparam int unsigned OH_W   = OH > 1 ? $clog2(OH) : 1;
  localparam int unsigned OW_W   = OW > 1 ? $clog2(OW) : 1;
  localparam int unsigned PY_W   = $clog2((PT + H > BOTTOM ? PT + H : BOTTOM) + 1);
  localparam int unsigned PX_W   = $clog2((PL + W > RIGHT ? PL + W : RIGHT) + 1);

  // For each image row: whether a patch holds it.
  function automatic logic [H-1:0] rows_kept();
    int unsigned oy;  // the last patch that begins at this row or above
    for (int unsigned y = 0; y < H; y++) begin
      oy = (y + PT) / SH < OH ? (y + PT) / SH : OH - 1;
      rows_kept[y] = y + PT < oy * SH + KH;
    end
  endfunction

  // For each output row: how many image rows its patches hold. The first one waits for a row in
  // any case, so that nothing comes out before an image has come in.
  function automatic logic [OH-1:0][HELD_W-1:0] rows_needed();
    int unsigned from, to;
    for (int unsigned oy = 0; oy < OH; oy++) begin
      from = oy * SH > PT ? oy * SH : PT;
      to = oy * SH + KH < PT + H ? oy * SH + KH : PT + H;
      rows_needed[oy] = to > from ? HELD_W'(to - from) : HELD_W'(oy == 0);
    end
  endfunction

  function automatic int unsigned most_needed();
    int unsigned from, to;
    most_needed = 0;
    for (int unsigned oy = 0; oy < OH; oy++) begin
      from = oy * SH > PT ? oy * SH : PT;
      to = oy * SH + KH < PT + H ? oy * SH + KH : PT + H;
      if (to > from && to - from > most_needed) most_needed = to - from;
    end
  endfunction

  localparam logic [H-1:0]              KEPT   = rows_kept();
  localparam logic [OH-1:0][HELD_W-1:0] NEEDED = rows_needed();

  if (SIMD == 0 || SIMD > C) begin : gen_bad_fold
    $fatal(1, "window_ring: SIMD=%0d must be in 1..C=%0d", SIMD, C);
  end
  if (most_needed() == 0 || ROWS < most_needed()) begin : gen_bad_rows
    $fatal(1, "window_ring: a patch holds up to %0d image rows, must be in 1..ROWS=%0d",
           most_needed(), ROWS);
  end

  logic [HELD_W-1:0] held;  // complete rows that the reader still needs
  logic              row_in, row_out;

  always_ff @(posedge clk) begin
    held <= held + HELD_W'(row_in) - HELD_W'(row_out);
    if (rst) held <= '0;
  end

  // Writer.
  (* ram_style = BLOCK ? "block" : "distributed" *)
  logic [SIMD*BITS-1:0] mem [DEPTH];
  logic [ADDR_W-1:0]    write_at;
  logic [BEAT_W-1:0]    beat;
  logic [Y_W-1:0]       y;
  logic                 take, keep, row_end;

  assign keep    = KEPT[y];
  assign take    = s_axis_tvalid && s_axis_tready;
  assign row_end = beat == BEAT_W'(ROW - 1);
  assign row_in  = take && keep && row_end;
  assign s_axis_tready = !keep || held != HELD_W'(ROWS);

  always_ff @(posedge clk) if (take && keep) mem[write_at] <= s_axis_tdata;

  always_ff @(posedge clk) begin
    if (take) begin
      beat <= row_end ? '0 : beat + 1'b1;
      if (row_end) y <= y == Y_W'(H - 1) ? '0 : y + 1'b1;
      if (keep) write_at <= write_at == ADDR_W'(DEPTH - 1) ? '0 : write_at + 1'b1;
    end
    if (rst) begin
      beat     <= '0;
      y        <= '0;
      write_at <= '0;
    end
  end

  // Reader, stage 0: issue one word a cycle. Rows py and columns px count from the padding's edge;
  // py_0, px_0, shift_0 are those of the patch's first pixel, and oldest the ring row of its first
  // real one. Ring rows are word addresses, shift is (px - PL) * CF + cf modulo 2^ADDR_W.
  logic              issue, free, running, end_cf, end_kw, end_patch, end_row, end_image;
  logic [CF_W-1:0]   cf;
  logic [KW_W-1:0]   kx;
  logic [KH_W-1:0]   ky;
  logic [OW_W-1:0]   ox;
  logic [OH_W-1:0]   oy;
  logic [PX_W-1:0]   px, px_0, px_next;
  logic [PY_W-1:0]   py, py_0, py_next;
  logic [ADDR_W-1:0] shift, shift_0, shift_next, oldest, oldest_next, row;
  logic              real_row, real_column;

  assign issue       = free && (running || held >= NEEDED[oy]);
  assign end_cf      = cf == CF_W'(CF - 1);
  assign end_kw      = end_cf && kx == KW_W'(KW - 1);
  assign end_patch   = end_kw && ky == KH_W'(KH - 1);
  assign end_row     = end_patch && ox == OW_W'(OW - 1);
  assign end_image   = end_row && oy == OH_W'(OH - 1);
  assign real_row    = py - PY_W'(PT) < PY_W'(H);  // modulo 2^PY_W, more than PT + H
  assign real_column = px - PX_W'(PL) < PX_W'(W);

  function automatic logic [ADDR_W-1:0] below(input logic [ADDR_W-1:0] at);
    return at == ADDR_W'(DEPTH - ROW) ? '0 : at + ADDR_W'(ROW);
  endfunction

  // The next output row begins SH rows lower: it does not need the kernel rows above that.
  assign row_out = issue && end_kw && real_row && ox == OW_W'(OW - 1) &&
                   (32'(ky) < SH || oy == OH_W'(OH - 1));
  assign oldest_next = row_out ? below(oldest) : oldest;
  assign px_next     = end_row ? '0 : px_0 + PX_W'(SW);
  assign shift_next  = end_row ? -ADDR_W'(PL * CF) : shift_0 + ADDR_W'(SW * CF);
  assign py_next     = end_image ? '0 : end_row ? py_0 + PY_W'(SH) : py_0;

  always_ff @(posedge clk) begin
    if (issue) begin
      running <= !end_row;
      oldest  <= oldest_next;
      shift   <= shift + 1'b1;
      cf      <= end_cf ? '0 : cf + 1'b1;
      if (end_cf) begin
        px <= px + 1'b1;
        kx <= end_kw ? '0 : kx + 1'b1;
      end
      if (end_kw) begin
        px    <= px_0;
        shift <= shift_0;
        py    <= py + 1'b1;
        ky    <= end_patch ? '0 : ky + 1'b1;
        if (real_row) row <= below(row);
      end
      if (end_patch) begin
        px      <= px_next;
        px_0    <= px_next;
        shift   <= shift_next;
        shift_0 <= shift_next;
        py      <= py_next;
        py_0    <= py_next;
        row     <= oldest_next;
        ox      <= end_row ? '0 : ox + 1'b1;
        if (end_row) oy <= end_image ? '0 : oy + 1'b1;
      end
    end
    if (rst) begin
      running <= 1'b0;
      cf      <= '0;
      kx      <= '0;
      ky      <= '0;
      ox      <= '0;
      oy      <= '0;
      px      <= '0;
      px_0    <= '0;
      py      <= '0;
      py_0    <= '0;
      shift   <= -ADDR_W'(PL * CF);
      shift_0 <= -ADDR_W'(PL * CF);
      oldest  <= '0;
      row     <= '0;
    end
  end

  // Stage 1: address. Stage 2: the word, or padding.
  localparam logic [SIMD*BITS-1:0] PAD      = {SIMD{BITS'(FILL)}};
  localparam logic [SIMD*BITS-1:0] PAD_LAST = PAD >> ((SIMD - USED) * BITS);

  logic                 valid_1, pad_1, last_1, valid_2, pad_2, last_2;
  logic [ADDR_W-1:0]    addr_1;
  logic [SIMD*BITS-1:0] word_2, pad_word;

  always_ff @(posedge clk) begin
    valid_1 <= issue && !rst;
    valid_2 <= valid_1 && !rst;
    addr_1  <= row + shift;
    pad_1   <= !(real_row && real_column);
    last_1  <= end_cf;
    pad_2   <= pad_1;
    last_2  <= last_1;
  end

  always_ff @(posedge clk) word_2 <= mem[addr_1];

  assign pad_word = last_2 ? PAD_LAST : PAD;

  credit_fifo #(.WIDTH(SIMD * BITS), .DEPTH(4)) u_results (
    .clk,
    .rst,
    .free,
    .reserve  (issue),
    .push     (valid_2),
    .push_data(pad_2 ? pad_word : word_2),
    .m_axis_tdata,
    .m_axis_tvalid,
    .m_axis_tready
  );

`ifndef SYNTHESIS
  assert property (@(posedge clk) disable iff (rst)
                   m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid && $stable(m_axis_tdata))
  else $error("window_ring %m: m_axis changed while stalled");
`endif
endmodule
