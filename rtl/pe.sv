// pe: processing element, one neuron: accumulates what its inputs and weights give in each beat.
// A beat leaves its sum, of agreeing bits or as in xnor_sum.sv, one cycle later, or LATENCY cycles
// with PRIMITIVES; there valid, first and preload belong to it. In the next cycle
// acc = (first ? preload : acc) + sum. With minus the threshold in the preload, the neuron's bit is
// "sign not set".
module pe #(
  parameter int unsigned SIMD       = 64,    // inputs a cycle
  parameter bit          BIPOLAR_IN = 1'b1,  // elements are bits meaning +-1
  parameter int unsigned IN_BITS    = 1,     // bits an element, 1 when BIPOLAR_IN
  parameter bit          SIGNED_IN  = 1'b0,  // integer elements are two's complement
  parameter int unsigned ACC_W      = 12,    // signed accumulator width
  parameter bit          PRIMITIVES = 1'b0,  // of LUT6_2 and CARRY4
  parameter int unsigned LATENCY    = 4      // onebit/heap.py: xnor_latency(SIMD, IN_BITS)
) (
  input  logic                    clk,

  input  logic [SIMD*IN_BITS-1:0] x,
  input  logic [SIMD-1:0]         w,        // 1 means +1

  input  logic                    valid,    // a sum is there
  input  logic                    first,    // of a neuron
  input  logic [ACC_W-1:0]        preload,
  output logic [ACC_W-1:0]        acc
);
  localparam int unsigned SUM_W = BIPOLAR_IN ? $clog2(SIMD + 1) : IN_BITS + $clog2(SIMD);
  logic [SUM_W-1:0] sum;

  if (PRIMITIVES) begin : gen_xc7
    xnor_sum_xc7 #(.N(SIMD), .BITS(IN_BITS), .SIGNED(SIGNED_IN), .LATENCY(LATENCY)) u_sum (
      .clk, .x, .w, .sum
    );
  end else if (BIPOLAR_IN) begin : gen_bits
    xnor_popcount #(.W(SIMD)) u_sum (.clk, .a(x), .w, .count(sum));
  end else begin : gen_integers
    xnor_sum #(.N(SIMD), .BITS(IN_BITS), .SIGNED(SIGNED_IN)) u_sum (.clk, .x, .w, .sum);
  end

  always_ff @(posedge clk) begin
    if (valid) acc <= (first ? preload : acc) + ACC_W'(sum);
  end
endmodule
