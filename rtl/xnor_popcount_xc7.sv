// xnor_popcount_xc7: what xnor_popcount.sv counts, of 7-series cells and LATENCY cycles later.
// Throughput 1/cycle, no back-pressure.
//
// A LUT6_2 is a full adder of two agreements and of the sum that came so far: five inputs, so XNORs
// cost nothing. Four such in a row take eight bits and leave one sum and, of twice its weight, four
// carries; bit_heap adds those.
module xnor_popcount_xc7 #(
  parameter  int unsigned W       = 64,            // vector width in bits
  parameter  int unsigned LATENCY = 4,             // onebit/heap.py: popcount_latency(W)
  localparam int unsigned CW      = $clog2(W + 1)  // a count of W ones must fit
) (
  input  logic          clk,
  input  logic [W-1:0]  a,      // activation bits, 1 means +1
  input  logic [W-1:0]  w,      // weight bits, 1 means +1
  output logic [CW-1:0] count
);
  if (W == 0) begin : gen_bad_w
    $fatal(1, "xnor_popcount_xc7: W must be at least 1, got %0d", W);
  end

  localparam int unsigned PAIRS = (W + 1) / 2;
  localparam int unsigned ROWS  = (PAIRS + 3) / 4;
  localparam int unsigned OUT_W = CW > 1 ? CW : 2;
  localparam bit [OUT_W-1:0][15:0] HEIGHTS = (16 * OUT_W)'({16'(PAIRS), 16'(ROWS)});

  // O6: the parity of both agreements and of the sum so far; O5: their majority.
  localparam bit [63:0] ADDER = {32'h96696996, 32'hf99f9009};

  logic [2*PAIRS-1:0] left, right;  // a spare pair of bits disagrees
  (* keep *) logic [ROWS+PAIRS-1:0] bits_1;  // as in bit_heap.sv
  logic [OUT_W-1:0] total;

  assign left  = (2 * PAIRS)'(a);
  assign right = (2 * PAIRS)'({1'b1, w});

  for (genvar p = 0; p < PAIRS; p++) begin : gen_pair
    logic so_far, sum, carry;
    if (p % 4 == 0) begin : gen_first
      assign so_far = 1'b0;
    end else begin : gen_next
      assign so_far = gen_pair[p-1].sum;
    end

    LUT6_2 #(.INIT(ADDER)) u_adder (
      .O6(sum),
      .O5(carry),
      .I0(left[2*p]),
      .I1(right[2*p]),
      .I2(left[2*p+1]),
      .I3(right[2*p+1]),
      .I4(so_far),
      .I5(1'b1)
    );
    always_ff @(posedge clk) bits_1[ROWS+p] <= carry;
  end

  for (genvar r = 0; r < ROWS; r++) begin : gen_row
    localparam int unsigned LAST = 4 * r + 3 < PAIRS ? 4 * r + 3 : PAIRS - 1;
    always_ff @(posedge clk) bits_1[r] <= gen_pair[LAST].sum;
  end

  bit_heap #(.OUT_W(OUT_W), .HEIGHTS(HEIGHTS), .LATENCY(LATENCY - 1)) u_heap (
    .clk, .bits(bits_1), .sum(total)
  );
  assign count = total[CW-1:0];
endmodule
