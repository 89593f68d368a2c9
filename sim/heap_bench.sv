// heap_bench: bit_heap below a top of its own; a module that instantiates itself cannot be the top.
module heap_bench #(
  parameter  int unsigned OUT_W   = 5,
  parameter  bit [OUT_W-1:0][15:0] HEIGHTS = {{3{16'd0}}, 16'd3, 16'd3},
  parameter  int unsigned LATENCY = 1,
  parameter  int unsigned BITS    = 6
) (
  input  logic             clk,
  input  logic [BITS-1:0]  bits,
  output logic [OUT_W-1:0] sum
);
  bit_heap #(.OUT_W(OUT_W), .HEIGHTS(HEIGHTS), .LATENCY(LATENCY)) u_heap (.clk, .bits, .sum);
endmodule
