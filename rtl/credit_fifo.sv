// credit_fifo: FIFO whose places are reserved before their data exist.
// A pipeline reserves a place (`reserve`, only while `free`) at its start and pushes the result at
// its end; between the two nothing can stall it. Throughput 1 beat/cycle; a pushed beat can
// leave one cycle later, and its place is free again one cycle after it left: a pipeline of
// L cycles from `reserve` to `push` runs without bubbles on DEPTH >= L + 2.
module credit_fifo #(
  parameter int unsigned WIDTH = 8,  // bits a beat
  parameter int unsigned DEPTH = 2   // places, at least 2
) (
  input  logic             clk,
  input  logic             rst,

  output logic             free,     // a place can be reserved in this cycle
  input  logic             reserve,

  input  logic             push,     // data for the oldest reserved place
  input  logic [WIDTH-1:0] push_data,

  output logic [WIDTH-1:0] m_axis_tdata,
  output logic             m_axis_tvalid,
  input  logic             m_axis_tready
);
  localparam int unsigned CW = $clog2(DEPTH + 1);

  logic [CW-1:0] credits;  // places neither reserved nor filled
  logic          pop, room;

  assign pop  = m_axis_tvalid && m_axis_tready;
  assign free = credits != '0;

  always_ff @(posedge clk) begin
    credits <= credits + CW'(pop) - CW'(reserve);
    if (rst) credits <= CW'(DEPTH);
  end

  fifo #(.WIDTH(WIDTH), .DEPTH(DEPTH)) u_fifo (
    .clk,
    .rst,
    .s_axis_tdata (push_data),
    .s_axis_tvalid(push),
    .s_axis_tready(room),
    .m_axis_tdata,
    .m_axis_tvalid,
    .m_axis_tready
  );

`ifndef SYNTHESIS
  assert property (@(posedge clk) disable iff (rst) reserve |-> free)
  else $error("credit_fifo %m: a place was reserved while none was free");
  assert property (@(posedge clk) disable iff (rst) push |-> room)
  else $error("credit_fifo %m: a beat was pushed without a reserved place");
`endif
endmodule
