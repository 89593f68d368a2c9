// bipolar_dot: dot product of integers with +-1 weights, one cycle later.
// dot = sum over i of (w[i] ? x_i : -x_i), modulo 2^OUT_W: exact where it fits.
// Throughput 1/cycle, no back-pressure.
//
// -x is ~x + 1: the tree adds x or ~x, and the ones are counted apart (zeros of w).
module bipolar_dot #(
  parameter int unsigned N      = 8,                    // elements
  parameter int unsigned BITS   = 8,                    // bits an element
  parameter bit          SIGNED = 1'b0,                 // elements are two's complement
  parameter int unsigned OUT_W  = BITS + 1 + $clog2(N)  // result bits, signed; these always fit
) (
  input  logic                    clk,
  input  logic [N*BITS-1:0]       x,    // element 0 is the least significant
  input  logic [N-1:0]            w,    // weight bits, 1 means +1
  output logic signed [OUT_W-1:0] dot
);
  if (N == 0 || BITS == 0 || BITS > 32) begin : gen_bad_shape
    $fatal(1, "bipolar_dot: N must be at least 1 and BITS in 1..32, got %0d and %0d", N, BITS);
  end

  localparam int unsigned LEVELS = $clog2(N);
  localparam int unsigned CW     = $clog2(N + 1);

  // Level l holds ceil(N / 2^l) sums of up to 2^l elements each, one bit wider a level.
  for (genvar l = 0; l <= LEVELS; l++) begin : gen_level
    localparam int unsigned COUNT = (N + (1 << l) - 1) >> l;
    localparam int unsigned SUM_W = BITS + 1 + l;
    logic signed [SUM_W-1:0] value [COUNT];

    for (genvar i = 0; i < COUNT; i++) begin : gen_node
      if (l == 0) begin : gen_leaf
        logic signed [BITS:0] element;
        assign element = {SIGNED && x[i*BITS+BITS-1], x[i*BITS+:BITS]};
        assign value[i] = w[i] ? element : ~element;
      end else begin : gen_inner
        logic signed [SUM_W-2:0] left, right;
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

  logic signed [BITS+LEVELS:0] total;
  assign total = gen_level[LEVELS].value[0];

  logic [CW-1:0] negated;
  assign negated = CW'($countones(~w));

  always_ff @(posedge clk) dot <= OUT_W'(total) + OUT_W'(negated);
endmodule
