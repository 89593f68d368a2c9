// popcount_pair: both ways to count, side by side on random vectors; says how many differed.
module popcount_pair #(
  parameter  int unsigned W       = 64,
  parameter  int unsigned LATENCY = 4,
  parameter  int unsigned SEED    = 1
) (
  input  logic        clk,
  output logic [31:0] compared,
  output logic [31:0] differing
);
  localparam int unsigned CW    = $clog2(W + 1);
  localparam int unsigned WORDS = (W + 31) / 32;
  logic [WORDS-1:0][31:0] a, w;
  logic [CW-1:0]          portable, cells, waited [LATENCY];

  initial begin
    compared = 0;
    differing = 0;
    void'($urandom(SEED));
  end

  // A word in four has few bits that agree, one has few that differ.
  logic [WORDS-1:0][31:0] noise, rare, kind;
  always_ff @(posedge clk) begin
    for (int i = 0; i < WORDS; i++) begin
      noise[i] <= $urandom;
      rare[i] <= $urandom & $urandom & $urandom;
      kind[i] <= $urandom;
      a[i] <= noise[i];
      w[i] <= kind[i][31:30] == 2'd0 ? noise[i] ^ rare[i]
            : kind[i][31:30] == 2'd1 ? ~(noise[i] ^ rare[i]) : kind[i];
    end
  end

  xnor_popcount #(.W(W)) u_portable (.clk, .a(W'(a)), .w(W'(w)), .count(portable));
  xnor_sum_xc7 #(.N(W), .LATENCY(LATENCY)) u_cells (.clk, .x(W'(a)), .w(W'(w)), .sum(cells));

  // The portable count comes after one cycle, the other after LATENCY.
  always_ff @(posedge clk) begin
    waited[0] <= portable;
    for (int i = 1; i < LATENCY; i++) waited[i] <= waited[i-1];
    if (compared > LATENCY && waited[LATENCY-2] != cells) differing <= differing + 1;
    compared <= compared + 1;
  end
endmodule
