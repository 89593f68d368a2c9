// hardwired_group: the agreeing counts of a few neurons with fixed weights, a vector a cycle.
//
// Two neurons want the same of some inputs and the opposite of the others. Of K neurons each input
// is in one of 2^(K-1) bins by who is opposed to whom. The inputs of a bin are counted once for all
// neurons: what agrees with one, or what is missing to the bin's size, agrees with another.
//
//   x --> bins: 2^(K-1) counts --> hardwired_half: first (K+1)/2 neurons --> y
//                              --> hardwired_half: the others
//
// Bit n-1 of a bin's index: neuron n is opposed to the first neuron of its half or, being that of
// the second half, to that of the first.
//
// Latency: BIN_LATENCY + PART_LATENCY + SUM_LATENCY + 1 cycles (onebit/hardwired.py).
module hardwired_group #(
  parameter  int unsigned MW           = 24,              // inputs
  parameter  int unsigned K            = 4,               // neurons
  parameter  bit          THRESHOLDS   = 1'b1,            // put out bits; else counts
  parameter  int unsigned ACC_W        = 6,               // bits of a count, or of a level
  parameter  bit [K-1:0][MW-1:0]    WEIGHTS = {4{24'hfc0c35}} ^ {24'h5a, 24'haa0000, 24'hf, 24'h0},
  parameter  bit [K-1:0][ACC_W-1:0] LEVELS  = {K{6'd12}}, // the least count that sets the bit
  parameter  bit          PRIMITIVES   = 1'b0,            // of 7-series cells
  parameter  int unsigned BIN_LATENCY  = 3,
  parameter  int unsigned PART_LATENCY = 3,
  parameter  int unsigned SUM_LATENCY  = 1,
  localparam int unsigned OUT_BITS     = THRESHOLDS ? 1 : ACC_W
) (
  input  logic                  clk,
  input  logic [MW-1:0]         x,
  output logic [K*OUT_BITS-1:0] y
);
  localparam int unsigned FIRST = (K + 1) / 2;  // neurons of the first half
  localparam int unsigned BINS  = 1 << (K - 1);
  localparam int unsigned BIN_W = $clog2(MW + 1);
  localparam int unsigned PARTS = 1 << (FIRST - 1);

  typedef bit [BINS-1:0][15:0] sizes_t;

  function automatic bit [MW-1:0] members(int unsigned bin);
    members = '1;
    for (int unsigned n = 1; n < K; n++) begin
      bit [MW-1:0] opposed = WEIGHTS[n] ^ WEIGHTS[n > FIRST ? FIRST : 0];
      members &= bin[n-1] ? opposed : ~opposed;
    end
  endfunction

  function automatic sizes_t sizes();
    for (int unsigned b = 0; b < BINS; b++) sizes[b] = 16'($countones(members(b)));
  endfunction
  localparam sizes_t SIZES = sizes();

  // Bins in the order of the first half: those of one part side by side.
  function automatic int unsigned of_first(int unsigned bin);
    return bin % PARTS * (BINS / PARTS) + bin / PARTS;
  endfunction

  function automatic sizes_t sizes_of_first();
    for (int unsigned b = 0; b < BINS; b++) sizes_of_first[of_first(b)] = SIZES[b];
  endfunction

  logic [BINS-1:0][BIN_W-1:0] counts, counts_of_first;

  for (genvar b = 0; b < BINS; b++) begin : gen_bin
    if (SIZES[b] == 0) begin : gen_empty
      assign counts[b] = '0;
    end else begin : gen_count
      logic [$clog2(SIZES[b]+1)-1:0] count;
      hardwired_bin #(
        .MW(MW), .MEMBERS(members(b)), .WEIGHTS(WEIGHTS[0]), .PRIMITIVES(PRIMITIVES),
        .LATENCY(BIN_LATENCY)
      ) u_bin (.clk, .x, .count);
      assign counts[b] = BIN_W'(count);
    end
    assign counts_of_first[of_first(b)] = counts[b];
  end

  hardwired_half #(
    .MW(MW), .NEURONS(FIRST), .N(BINS / PARTS), .OPPOSED(1'b0), .SIZES(sizes_of_first()),
    .THRESHOLDS(THRESHOLDS), .ACC_W(ACC_W), .LEVELS(LEVELS[FIRST-1:0]), .PRIMITIVES(PRIMITIVES),
    .PART_LATENCY(PART_LATENCY), .SUM_LATENCY(SUM_LATENCY)
  ) u_first (.clk, .counts(counts_of_first), .y(y[FIRST*OUT_BITS-1:0]));

  if (K > 1) begin : gen_second
    localparam int unsigned OTHERS = K - FIRST;
    hardwired_half #(
      .MW(MW), .NEURONS(OTHERS), .N(BINS >> (OTHERS - 1)), .OPPOSED(1'b1), .SIZES(SIZES),
      .THRESHOLDS(THRESHOLDS), .ACC_W(ACC_W), .LEVELS(LEVELS[K-1:FIRST]), .PRIMITIVES(PRIMITIVES),
      .PART_LATENCY(PART_LATENCY), .SUM_LATENCY(SUM_LATENCY)
    ) u_second (.clk, .counts, .y(y[K*OUT_BITS-1:FIRST*OUT_BITS]));
  end
endmodule
