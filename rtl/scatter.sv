// scatter: groups of M vectors side by side go out one vector after the other.
// In: BEATS beats a group, vector m of it in the m-th slice. Out: BEATS beats a vector, in order,
// of the vectors that are valid: the first as many as s_count says, one word a group, 1 to M.
//
// Throughput 1 beat/cycle out, bubble-free: one half of the memory fills while the other goes out.
// Latency: a group's first beat is valid one cycle after its last beat came, its count with it.
// s_axis_tready depends on registers alone.
module scatter #(
  parameter  int unsigned M       = 4,  // vectors a group, at least 2
  parameter  int unsigned WIDTH   = 8,  // bits a beat of one vector
  parameter  int unsigned BEATS   = 3,  // beats a vector
  localparam int unsigned COUNT_W = $clog2(M + 1)
) (
  input  logic               clk,
  input  logic               rst,

  input  logic [M*WIDTH-1:0] s_axis_tdata,
  input  logic               s_axis_tvalid,
  output logic               s_axis_tready,

  input  logic [COUNT_W-1:0] s_count_tdata,
  input  logic               s_count_tvalid,
  output logic               s_count_tready,

  output logic [WIDTH-1:0]   m_axis_tdata,
  output logic               m_axis_tvalid,
  input  logic               m_axis_tready
);
  if (M < 2 || WIDTH == 0 || BEATS == 0) begin : gen_bad_shape
    $fatal(1, "scatter: M=%0d must be at least 2, WIDTH=%0d and BEATS=%0d at least 1",
           M, WIDTH, BEATS);
  end

  localparam int unsigned BEAT_W   = BEATS > 1 ? $clog2(BEATS) : 1;
  localparam int unsigned VECTOR_W = $clog2(M);

  logic [M*WIDTH-1:0]  mem [2 << BEAT_W];
  logic [M*WIDTH-1:0]  word;
  logic [1:0]          full;        // a half holds a group that has not gone out yet
  logic                fill, play;  // the half that is written, and the one that goes out
  logic [BEAT_W-1:0]   put_beat, take_beat;
  logic [VECTOR_W-1:0] vector;
  logic                put, take, vector_ends, group_ends;

  assign s_axis_tready = !full[fill];
  assign put           = s_axis_tvalid && s_axis_tready;

  assign m_axis_tvalid  = full[play] && s_count_tvalid;
  assign take           = m_axis_tvalid && m_axis_tready;
  assign vector_ends    = take && take_beat == BEAT_W'(BEATS - 1);
  assign group_ends     = vector_ends && COUNT_W'(vector) == s_count_tdata - 1'b1;
  assign s_count_tready = group_ends;

  always_ff @(posedge clk) if (put) mem[{fill, put_beat}] <= s_axis_tdata;
  assign word         = mem[{play, take_beat}];
  assign m_axis_tdata = word[vector*WIDTH+:WIDTH];

  always_ff @(posedge clk) begin
    if (put) begin
      put_beat <= put_beat == BEAT_W'(BEATS - 1) ? '0 : put_beat + 1'b1;
      if (put_beat == BEAT_W'(BEATS - 1)) begin
        fill       <= !fill;
        full[fill] <= 1'b1;
      end
    end
    if (take) take_beat <= vector_ends ? '0 : take_beat + 1'b1;
    if (vector_ends) vector <= group_ends ? '0 : vector + 1'b1;
    if (group_ends) begin
      play       <= !play;
      full[play] <= 1'b0;
    end
    if (rst) begin
      put_beat  <= '0;
      take_beat <= '0;
      vector    <= '0;
      fill      <= 1'b0;
      play      <= 1'b0;
      full      <= '0;
    end
  end

`ifndef SYNTHESIS
  assert property (@(posedge clk) disable iff (rst)
                   m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid && $stable(m_axis_tdata))
  else $error("scatter %m: m_axis changed while stalled");
`endif
endmodule
