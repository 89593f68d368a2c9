// width_converter: vectors of N elements, from IN_LANES to OUT_LANES elements a beat.
// Throughput: max(IN_BEATS, OUT_BEATS) cycles a vector back to back, for every combination, where
// IN_BEATS = ceil(N/IN_LANES) and OUT_BEATS = ceil(N/OUT_LANES). Latency: an output beat is valid
// one cycle after the input beat that completes it; equal lanes are wires, zero cycles.
// s_axis_tready does not depend combinationally on m_axis_tready (but for the wires).
// M vectors may go side by side, vector m in the m-th slice of a beat.
//
// A shift register: an input beat is put in at `level`, an output beat leaves at the bottom. The
// last beat of a vector counts as many elements as fill its last output beat; what is above
// `level` is always zero, so these spare lanes are zero too. Where one of the lanes is a multiple
// of the other, beats land in few places and the shifter is a few multiplexers.
module width_converter #(
  parameter int unsigned N         = 10,  // elements of a vector
  parameter int unsigned BITS      = 1,   // bits an element
  parameter int unsigned IN_LANES  = 4,   // elements an input beat
  parameter int unsigned OUT_LANES = 3,   // elements an output beat
  parameter int unsigned M         = 1    // vectors side by side
) (
  input  logic                        clk,
  input  logic                        rst,

  input  logic [M*IN_LANES*BITS-1:0]  s_axis_tdata,
  input  logic                        s_axis_tvalid,
  output logic                        s_axis_tready,

  output logic [M*OUT_LANES*BITS-1:0] m_axis_tdata,
  output logic                        m_axis_tvalid,
  input  logic                        m_axis_tready
);
  if (N == 0 || BITS == 0 || IN_LANES == 0 || OUT_LANES == 0 || M == 0) begin : gen_bad_shape
    $fatal(1, "width_converter: N=%0d BITS=%0d IN_LANES=%0d OUT_LANES=%0d M=%0d must be at least 1",
           N, BITS, IN_LANES, OUT_LANES, M);
  end

  // Lanes beyond a whole vector are always spare: they need no storage.
  localparam int unsigned IN  = IN_LANES < N ? IN_LANES : N;
  localparam int unsigned OUT = OUT_LANES < N ? OUT_LANES : N;

  function automatic int unsigned gcd(input int unsigned a, input int unsigned b);
    int unsigned x, y, rest;
    x = a;
    y = b;
    while (y != 0) begin
      rest = x % y;
      x = y;
      y = rest;
    end
    return x;
  endfunction

  if (IN == OUT) begin : gen_wires
    assign m_axis_tvalid = s_axis_tvalid;
    assign s_axis_tready = m_axis_tready;
    for (genvar m = 0; m < M; m++) begin : gen_vector
      assign m_axis_tdata[m*OUT_LANES*BITS+:OUT_LANES*BITS] =
        (OUT_LANES*BITS)'(s_axis_tdata[m*IN_LANES*BITS+:IN*BITS]);
    end

  end else begin : gen_shift
    localparam int unsigned IN_BEATS  = (N + IN - 1) / IN;
    localparam int unsigned OUT_BEATS = (N + OUT - 1) / OUT;
    localparam int unsigned UNIT      = gcd(IN, OUT);  // the level is a multiple of it

    // In units: an input beat, the last one of a vector, an output beat. The capacity is the least
    // that (by exhaustive search over small shapes) never costs a cycle.
    localparam int unsigned PUT      = IN / UNIT;
    localparam int unsigned TAKE     = OUT / UNIT;
    localparam int unsigned PUT_LAST = OUT_BEATS * TAKE - (IN_BEATS - 1) * PUT;
    localparam int unsigned PUT_MOST = PUT_LAST > PUT ? PUT_LAST : PUT;
    localparam int unsigned SLACK    = (PUT == 1 || TAKE == 1) ? 0 : TAKE - 1;
    localparam int unsigned CAPACITY = PUT_MOST + TAKE + SLACK;
    localparam int unsigned LEVEL_W  = $clog2(CAPACITY + 1);
    localparam int unsigned BEAT_W   = IN_BEATS > 1 ? $clog2(IN_BEATS) : 1;
    localparam int unsigned DATA_W   = CAPACITY * UNIT * BITS;

    logic [LEVEL_W-1:0] level;
    logic [BEAT_W-1:0]  beat;
    logic               last, put, take;

    assign last = beat == BEAT_W'(IN_BEATS - 1);
    assign put  = s_axis_tvalid && s_axis_tready;
    assign take = m_axis_tvalid && m_axis_tready;

    assign s_axis_tready = level <= LEVEL_W'(CAPACITY - (last ? PUT_LAST : PUT));
    assign m_axis_tvalid = level >= LEVEL_W'(TAKE);

    for (genvar m = 0; m < M; m++) begin : gen_vector
      logic [DATA_W-1:0] data, filled;

      assign m_axis_tdata[m*OUT_LANES*BITS+:OUT_LANES*BITS] = (OUT_LANES*BITS)'(data[OUT*BITS-1:0]);

      // The input beat, moved up to the level: one multiplexer row for each bit of it.
      always_comb begin
        filled = put ? DATA_W'(s_axis_tdata[m*IN_LANES*BITS+:IN*BITS]) : '0;
        for (int unsigned b = 0; b < LEVEL_W; b++) begin
          if (level[b]) filled = filled << ((UNIT * BITS) << b);
        end
        filled = filled | data;
      end

      always_ff @(posedge clk) begin
        data <= take ? filled >> (OUT * BITS) : filled;
        if (rst) data <= '0;  // zero above the level is part of the control
      end
    end

    always_ff @(posedge clk) begin
      level <= level + (put ? LEVEL_W'(last ? PUT_LAST : PUT) : '0)
                     - (take ? LEVEL_W'(TAKE) : '0);
      if (put) beat <= last ? '0 : beat + 1'b1;
      if (rst) begin
        level <= '0;
        beat  <= '0;
      end
    end
  end

`ifndef SYNTHESIS
  assert property (@(posedge clk) disable iff (rst)
                   m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid && $stable(m_axis_tdata))
  else $error("width_converter %m: m_axis changed while stalled");
`endif
endmodule
