// gather: M vectors that come one after the other go out side by side, as a group.
// In: vectors of BEATS beats. Out: BEATS beats a group, vector m of it in the m-th slice.
//
// A group goes out when it has M vectors; or with fewer, once the unit behind has been ready for
// TIMEOUT cycles in which neither a beat came nor a group waited. Where no unit up to the scatter
// takes more than TIMEOUT cycles for a group, that pause pays for the work on it, and groups with
// fewer vectors never lower the rate. A vector of which a part has come is waited for. Missing
// vectors are whatever their slices hold: how many are valid goes to m_count, one word a group,
// from the cycle after the group's first beat on.
//
// Throughput 1 beat/cycle in, bubble-free: one half of the memory fills while the other goes out.
// Latency: a group's first beat is valid one cycle after its last vector's last beat came.
// s_axis_tready depends on registers alone. m_axis_tready must not wait for m_axis_tvalid.
module gather #(
  parameter  int unsigned M       = 4,   // vectors a group, at least 2
  parameter  int unsigned WIDTH   = 8,   // bits a beat of one vector
  parameter  int unsigned BEATS   = 3,   // beats a vector
  parameter  int unsigned TIMEOUT = 12,  // cycles without a beat until a group goes out as it is
  localparam int unsigned COUNT_W = $clog2(M + 1)
) (
  input  logic               clk,
  input  logic               rst,

  input  logic [WIDTH-1:0]   s_axis_tdata,
  input  logic               s_axis_tvalid,
  output logic               s_axis_tready,

  output logic [M*WIDTH-1:0] m_axis_tdata,
  output logic               m_axis_tvalid,
  input  logic               m_axis_tready,

  output logic [COUNT_W-1:0] m_count_tdata,
  output logic               m_count_tvalid,
  input  logic               m_count_tready
);
  if (M < 2 || WIDTH == 0 || BEATS == 0 || TIMEOUT == 0) begin : gen_bad_shape
    $fatal(1, "gather: M=%0d must be at least 2, WIDTH=%0d, BEATS=%0d and TIMEOUT=%0d at least 1",
           M, WIDTH, BEATS, TIMEOUT);
  end

  localparam int unsigned BEAT_W   = BEATS > 1 ? $clog2(BEATS) : 1;
  localparam int unsigned VECTOR_W = $clog2(M);
  localparam int unsigned WAIT_W   = $clog2(TIMEOUT + 1);

  logic [1:0]          full;          // a half holds a group that has not gone out yet
  logic [COUNT_W-1:0]  valid [2];     // vectors of that group
  logic                fill, play;    // the half that is written, and the one that goes out
  logic [BEAT_W-1:0]   put_beat, take_beat;
  logic [VECTOR_W-1:0] vector;        // whole vectors in the half that is written
  logic [WAIT_W-1:0]   waited;
  logic                put, take, vector_ends, group_ends, waits, flush;

  assign s_axis_tready = !full[fill];
  assign put           = s_axis_tvalid && s_axis_tready;
  assign vector_ends   = put && put_beat == BEAT_W'(BEATS - 1);
  assign group_ends    = vector_ends && vector == VECTOR_W'(M - 1) || flush;

  assign waits = m_axis_tready && full == '0 && !s_axis_tvalid && put_beat == '0;
  assign flush = waits && vector != '0 && waited == WAIT_W'(TIMEOUT - 1);

  // A group is held back while the count of the one before has not been taken.
  assign m_axis_tvalid = full[play] && !(m_count_tvalid && take_beat == '0);
  assign take          = m_axis_tvalid && m_axis_tready;

  for (genvar m = 0; m < M; m++) begin : gen_slice
    logic [WIDTH-1:0] mem [2 << BEAT_W];
    always_ff @(posedge clk) begin
      if (put && vector == VECTOR_W'(m)) mem[{fill, put_beat}] <= s_axis_tdata;
    end
    assign m_axis_tdata[m*WIDTH+:WIDTH] = mem[{play, take_beat}];
  end

  always_ff @(posedge clk) begin
    if (put) put_beat <= vector_ends ? '0 : put_beat + 1'b1;
    if (group_ends) begin
      vector      <= '0;
      fill        <= !fill;
      full[fill]  <= 1'b1;
      valid[fill] <= flush ? COUNT_W'(vector) : COUNT_W'(M);
    end else if (vector_ends) begin
      vector <= vector + 1'b1;
    end
    if (take) begin
      take_beat <= take_beat == BEAT_W'(BEATS - 1) ? '0 : take_beat + 1'b1;
      if (take_beat == BEAT_W'(BEATS - 1)) begin
        play       <= !play;
        full[play] <= 1'b0;
      end
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

  always_ff @(posedge clk) begin
    if (waits) waited <= waited + 1'b1;
    if (put || flush || vector == '0 || rst) waited <= '0;
  end

  always_ff @(posedge clk) begin
    if (m_count_tready) m_count_tvalid <= 1'b0;
    if (take && take_beat == '0) begin
      m_count_tdata  <= valid[play];
      m_count_tvalid <= 1'b1;
    end
    if (rst) m_count_tvalid <= 1'b0;
  end

`ifndef SYNTHESIS
  assert property (@(posedge clk) disable iff (rst)
                   m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid && $stable(m_axis_tdata))
  else $error("gather %m: m_axis changed while stalled");
  assert property (@(posedge clk) disable iff (rst)
                   m_count_tvalid && !m_count_tready |=> m_count_tvalid && $stable(m_count_tdata))
  else $error("gather %m: m_count changed while stalled");
`endif
endmodule
