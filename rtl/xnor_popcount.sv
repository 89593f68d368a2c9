// xnor_popcount: counts the agreeing bits of two bit vectors, one cycle later.
// In +-1 arithmetic the dot product is 2*count - W. Throughput 1/cycle, no back-pressure.
module xnor_popcount #(
  parameter  int unsigned W  = 64,            // vector width in bits
  localparam int unsigned CW = $clog2(W + 1)  // a count of W ones must fit
) (
  input  logic          clk,
  input  logic [W-1:0]  a,      // activation bits, 1 means +1
  input  logic [W-1:0]  w,      // weight bits, 1 means +1
  output logic [CW-1:0] count
);
  if (W == 0) begin : gen_bad_w
    $fatal(1, "xnor_popcount: W must be at least 1, got %0d", W);
  end

  always_ff @(posedge clk) count <= CW'($countones(~(a ^ w)));
endmodule
