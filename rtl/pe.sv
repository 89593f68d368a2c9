// pe: processing element, one neuron: accumulates its dot products with what it is given.
// A beat of inputs x and weights w leaves the dot product DOT cycles later, LATENCY with PRIMITIVES
// and one without; there valid, first and preload belong to it. One cycle later it is in acc:
// acc = (first ? preload : acc) + dot product. With preload = minus the threshold, the neuron's bit
// is "sign not set". BIPOLAR_IN: the dot product counts agreeing bits; else it is the sum of +-x.
module pe #(
  parameter int unsigned SIMD       = 64,    // inputs a cycle
  parameter bit          BIPOLAR_IN = 1'b1,  // elements are bits meaning +-1
  parameter int unsigned IN_BITS    = 1,     // bits an element, 1 when BIPOLAR_IN
  parameter bit          SIGNED_IN  = 1'b0,  // integer elements are two's complement
  parameter int unsigned ACC_W      = 12,    // signed accumulator width
  parameter bit          PRIMITIVES = 1'b0,  // count bits in LUT6_2 and CARRY4
  parameter int unsigned LATENCY    = 4      // onebit/heap.py: popcount_latency(SIMD); integers: 1
) (
  input  logic                    clk,

  input  logic [SIMD*IN_BITS-1:0] x,
  input  logic [SIMD-1:0]         w,        // 1 means +1

  input  logic                    valid,    // a dot product is there
  input  logic                    first,    // of a neuron
  input  logic [ACC_W-1:0]        preload,
  output logic [ACC_W-1:0]        acc
);
  logic [ACC_W-1:0] term;

  if (!BIPOLAR_IN) begin : gen_integers
    bipolar_dot #(.N(SIMD), .BITS(IN_BITS), .SIGNED(SIGNED_IN), .OUT_W(ACC_W)) u_dot (
      .clk, .x, .w, .dot(term)
    );
  end else begin : gen_bits
    logic [$clog2(SIMD+1)-1:0] count;
    if (PRIMITIVES) begin : gen_xc7
      xnor_popcount_xc7 #(.W(SIMD), .LATENCY(LATENCY)) u_dot (.clk, .a(x), .w, .count);
    end else begin : gen_portable
      xnor_popcount #(.W(SIMD)) u_dot (.clk, .a(x), .w, .count);
    end
    assign term = ACC_W'(count);
  end

  always_ff @(posedge clk) begin
    if (valid) acc <= (first ? preload : acc) + term;
  end
endmodule
