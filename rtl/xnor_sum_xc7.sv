// xnor_sum_xc7: what xnor_sum.sv adds, or xnor_popcount.sv counts (BITS = 1), of 7-series cells and
// LATENCY cycles later. Throughput 1/cycle, no back-pressure.
//
// A LUT6_2 is a full adder of two agreements and of the sum that came so far: five inputs, so XNORs
// cost nothing. Four such in a row take eight bits of one weight and leave one sum and, of twice
// its weight, four carries; bit_heap adds those.
module xnor_sum_xc7 #(
  parameter  int unsigned N       = 64,               // elements
  parameter  int unsigned BITS    = 1,                // bits an element
  parameter  bit          SIGNED  = 1'b0,             // elements are two's complement
  parameter  int unsigned LATENCY = 4,                // onebit/heap.py: xnor_latency(N, BITS)
  localparam int unsigned OUT_W   = sum_w(N, BITS)    // N elements of all ones fit
) (
  input  logic              clk,
  input  logic [N*BITS-1:0] x,    // element 0 is the least significant
  input  logic [N-1:0]      w,    // weight bits, 1 means +1
  output logic [OUT_W-1:0]  sum
);
  function automatic int unsigned sum_w(int unsigned n, int unsigned bits);
    return bits > 1 ? bits + $clog2(n) : $clog2(n + 1);
  endfunction

  if (N == 0 || BITS == 0) begin : gen_bad_shape
    $fatal(1, "xnor_sum_xc7: N=%0d and BITS=%0d must be at least 1", N, BITS);
  end

  localparam int unsigned PAIRS  = (N + 1) / 2;
  localparam int unsigned ROWS   = (PAIRS + 3) / 4;
  localparam int unsigned HEAP_W = OUT_W > BITS ? OUT_W : BITS + 1;
  typedef bit [HEAP_W-1:0][15:0] heights_t;

  // Plane b has ROWS sums of weight 2^b and PAIRS carries of twice that.
  function automatic heights_t heights();
    heights = '0;
    for (int unsigned b = 0; b < BITS; b++) begin
      heights[b] += 16'(ROWS);
      heights[b+1] += 16'(PAIRS);
    end
  endfunction

  // O6: the parity of both agreements and of the sum so far; O5: their majority.
  localparam bit [63:0] ADDER = {32'h96696996, 32'hf99f9009};

  logic [2*PAIRS-1:0] weights;  // of a spare element 1, and its bits 0: they disagree
  (* keep *) logic [(ROWS+PAIRS)*BITS-1:0] bits_1;  // as in bit_heap.sv
  logic [HEAP_W-1:0] total;

  assign weights = (2 * PAIRS)'({1'b1, w});

  for (genvar b = 0; b < BITS; b++) begin : gen_plane
    // Of column b in the heap: the carries of the plane below, then the sums of this one.
    localparam int unsigned SUMS    = b * (ROWS + PAIRS);
    localparam int unsigned CARRIES = SUMS + ROWS;
    logic [2*PAIRS-1:0] plane;

    for (genvar i = 0; i < 2 * PAIRS; i++) begin : gen_element
      if (i < N) begin : gen_used
        assign plane[i] = x[i*BITS+b] ^ (SIGNED && b == BITS - 1);
      end else begin : gen_spare
        assign plane[i] = 1'b0;
      end
    end

    for (genvar p = 0; p < PAIRS; p++) begin : gen_pair
      logic so_far, sum_bit, carry;
      if (p % 4 == 0) begin : gen_first
        assign so_far = 1'b0;
      end else begin : gen_next
        assign so_far = gen_pair[p-1].sum_bit;
      end

      LUT6_2 #(.INIT(ADDER)) u_adder (
        .O6(sum_bit),
        .O5(carry),
        .I0(plane[2*p]),
        .I1(weights[2*p]),
        .I2(plane[2*p+1]),
        .I3(weights[2*p+1]),
        .I4(so_far),
        .I5(1'b1)
      );
      always_ff @(posedge clk) bits_1[CARRIES+p] <= carry;
      if (p % 4 == 3 || p == PAIRS - 1) begin : gen_last
        always_ff @(posedge clk) bits_1[SUMS+p/4] <= sum_bit;
      end
    end
  end

  bit_heap #(.OUT_W(HEAP_W), .HEIGHTS(heights()), .LATENCY(LATENCY - 1)) u_heap (
    .clk, .bits(bits_1), .sum(total)
  );
  assign sum = total[OUT_W-1:0];
endmodule
