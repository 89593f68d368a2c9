// hardwired_half: the agreeing counts of some neurons, of those of the bins of hardwired_group.
//
// The neurons need from the bins only how they are opposed among themselves. A part is the sum of
// the N bins that are alike in this, counted as the first neuron wants it; bit n-1 of its index:
// neuron n is opposed to the first. Then a neuron is the sum of the parts, some of them inverted.
//
// A count c of w bits, inverted, is 2^w - 1 - c: what is missing to the size, and a known offset.
// So nothing is ever negative, and all offsets end in the thresholds.
module hardwired_half #(
  parameter  int unsigned MW           = 24,         // inputs, in all bins together
  parameter  int unsigned NEURONS      = 2,
  parameter  int unsigned N            = 2,          // bins a part
  parameter  bit          OPPOSED      = 1'b1,       // the first neuron is to the later N/2 bins
  localparam int unsigned PARTS        = 1 << (NEURONS - 1),
  parameter  bit [PARTS*N-1:0][15:0] SIZES = {4{16'd6}},  // inputs of each bin, a part's in a row
  parameter  bit          THRESHOLDS   = 1'b1,       // put out bits; else counts
  parameter  int unsigned ACC_W        = 6,          // bits of a count, or of a level
  parameter  bit [NEURONS-1:0][ACC_W-1:0] LEVELS = {NEURONS{6'd12}},  // least count that sets it
  parameter  bit          PRIMITIVES   = 1'b0,       // of 7-series cells
  parameter  int unsigned PART_LATENCY = 1,
  parameter  int unsigned SUM_LATENCY  = 1,
  localparam int unsigned BIN_W        = $clog2(MW + 1),
  localparam int unsigned OUT_BITS     = THRESHOLDS ? 1 : ACC_W
) (
  input  logic                          clk,
  input  logic [PARTS*N-1:0][BIN_W-1:0] counts,
  output logic [NEURONS*OUT_BITS-1:0]   y
);
  localparam int unsigned PART_W = BIN_W + 1;

  typedef bit [PARTS-1:0][15:0] numbers_t;
  typedef bit [PARTS-1:0][7:0] widths_t;

  function automatic bit [PARTS*N-1:0][7:0] bin_widths();
    for (int unsigned b = 0; b < PARTS * N; b++) bin_widths[b] = 8'($clog2(SIZES[b] + 1));
  endfunction
  localparam bit [PARTS*N-1:0][7:0] BIN_WIDTHS = bin_widths();

  function automatic bit [N-1:0] opposed();
    for (int unsigned n = 0; n < N; n++) opposed[n] = OPPOSED && n >= N / 2;
  endfunction
  localparam bit [N-1:0] OPPOSED_BINS = opposed();

  function automatic numbers_t part_sizes();
    part_sizes = '0;
    for (int unsigned b = 0; b < PARTS * N; b++) part_sizes[b/N] += SIZES[b];
  endfunction
  localparam numbers_t PART_SIZES = part_sizes();

  function automatic numbers_t part_offsets();
    part_offsets = '0;
    for (int unsigned b = 0; b < PARTS * N; b++) begin
      if (OPPOSED_BINS[b%N]) part_offsets[b/N] += (16'd1 << BIN_WIDTHS[b]) - 16'd1 - SIZES[b];
    end
  endfunction
  localparam numbers_t OFFSETS = part_offsets();

  function automatic widths_t part_widths();
    for (int unsigned p = 0; p < PARTS; p++) begin
      part_widths[p] = 8'($clog2(32'(PART_SIZES[p]) + 32'(OFFSETS[p]) + 1));
    end
  endfunction
  localparam widths_t WIDTHS = part_widths();

  // The parts that neuron n is opposed to.
  function automatic bit [PARTS-1:0] inverted(int unsigned n);
    for (int unsigned p = 0; p < PARTS; p++) inverted[p] = n > 0 && p[n-1];
  endfunction

  function automatic int unsigned offset(int unsigned n);
    bit [PARTS-1:0] inverts = inverted(n);
    offset = 0;
    for (int unsigned p = 0; p < PARTS; p++) begin
      int unsigned missing = (1 << WIDTHS[p]) - 1 - 32'(PART_SIZES[p]) - 32'(OFFSETS[p]);
      offset += inverts[p] ? missing : 32'(OFFSETS[p]);
    end
  endfunction

  logic [PARTS-1:0][PART_W-1:0] parts;

  for (genvar p = 0; p < PARTS; p++) begin : gen_part
    if (WIDTHS[p] == 0) begin : gen_empty
      assign parts[p] = '0;
    end else begin : gen_sum
      logic [WIDTHS[p]-1:0] sum;
      hardwired_sum #(
        .N(N), .IN_W(BIN_W), .WIDTHS(BIN_WIDTHS[p*N+:N]), .INVERT(OPPOSED_BINS),
        .OUT_W(32'(WIDTHS[p])), .PRIMITIVES(PRIMITIVES), .LATENCY(PART_LATENCY)
      ) u_sum (.clk, .numbers(counts[p*N+:N]), .sum);
      assign parts[p] = PART_W'(sum);
    end
  end

  for (genvar n = 0; n < NEURONS; n++) begin : gen_neuron
    localparam int unsigned OFFSET = offset(n);
    localparam int unsigned SUM_W  = $clog2(MW + OFFSET + 1);
    logic [SUM_W-1:0] sum;

    hardwired_sum #(
      .N(PARTS), .IN_W(PART_W), .WIDTHS(WIDTHS), .INVERT(inverted(n)), .OUT_W(SUM_W),
      .PRIMITIVES(PRIMITIVES), .LATENCY(SUM_LATENCY)
    ) u_sum (.clk, .numbers(parts), .sum);

    if (THRESHOLDS) begin : gen_bit
      // sum >= LEVEL, which is known: a few LUTs instead of a carry chain.
      localparam bit [SUM_W:0] LEVEL = (SUM_W+1)'(32'(LEVELS[n]) + OFFSET);
      logic enough;
      always_comb begin
        enough = 1'b1;
        for (int i = 0; i < SUM_W; i++) begin
          enough = LEVEL[i] ? sum[i] && enough : sum[i] || enough;
        end
      end
      always_ff @(posedge clk) y[n] <= enough && !LEVEL[SUM_W];
    end else begin : gen_count
      always_ff @(posedge clk) y[n*ACC_W+:ACC_W] <= ACC_W'(sum) - ACC_W'(OFFSET);
    end
  end
endmodule
