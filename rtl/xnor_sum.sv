// xnor_sum: adds integers, each inverted bit by bit where its weight is 0, one cycle later.
// sum = sum over i of (w[i] ? x_i : 2^BITS-1 - x_i), where x_i counts from its least value: signed
// elements have their sign bit flipped. What this differs by from a sum of +-x is a constant of the
// neuron (onebit/memory.py), so it costs nothing here. Throughput 1/cycle, no back-pressure.
module xnor_sum #(
  parameter  int unsigned N      = 8,                // elements
  parameter  int unsigned BITS   = 8,                // bits an element
  parameter  bit          SIGNED = 1'b0,             // elements are two's complement
  localparam int unsigned OUT_W  = BITS + $clog2(N)  // N elements of all ones fit
) (
  input  logic              clk,
  input  logic [N*BITS-1:0] x,    // element 0 is the least significant
  input  logic [N-1:0]      w,    // weight bits, 1 means +1
  output logic [OUT_W-1:0]  sum
);
  if (N == 0 || BITS == 0 || BITS > 32) begin : gen_bad_shape
    $fatal(1, "xnor_sum: N must be at least 1 and BITS in 1..32, got %0d and %0d", N, BITS);
  end

  localparam int unsigned LEVELS = $clog2(N);

  // Level l holds ceil(N / 2^l) sums of up to 2^l elements each, one bit wider a level.
  for (genvar l = 0; l <= LEVELS; l++) begin : gen_level
    localparam int unsigned COUNT = (N + (1 << l) - 1) >> l;
    localparam int unsigned SUM_W = BITS + l;
    logic [SUM_W-1:0] value [COUNT];

    for (genvar i = 0; i < COUNT; i++) begin : gen_node
      if (l == 0) begin : gen_leaf
        logic [BITS-1:0] element;
        assign element = x[i*BITS+:BITS] ^ (BITS'(SIGNED) << (BITS - 1));
        assign value[i] = w[i] ? element : ~element;
      end else begin : gen_inner
        logic [SUM_W-2:0] left, right;
        assign left = gen_level[l-1].value[2*i];
        if (((2 * i + 1) << (l - 1)) < N) begin : gen_pair
          assign right = gen_level[l-1].value[2*i+1];
        end else begin : gen_alone
          assign right = '0;
        end
        assign value[i] = SUM_W'(left) + SUM_W'(right);
      end
    end
  end

  always_ff @(posedge clk) sum <= gen_level[LEVELS].value[0];
endmodule
