// bit_heap: adds bits of many weights, HEIGHTS[c] bits of weight 2^c, LATENCY cycles later.
// Throughput 1/cycle, no back-pressure. The sum is modulo 2^OUT_W. Of 7-series cells.
//
// A heap with a column of more than three bits goes through one stage of counters, which turn six
// bits of one weight into three of rising weight (two LUTs), five likewise, and four into three
// (a full adder, one LUT); behind a register the same again. Then a ternary adder, one LUT a
// column, adds the rest. onebit/heap.py counts stages and LUTs.
//
// Compressing columns by counters up to three rows: M. Kumm and P. Zipf, "Pipelined compressor
// tree optimization using integer linear programming", FPL 2014. The counter is our own.
module bit_heap #(
  parameter  int unsigned OUT_W   = 5,                      // columns, bits of the sum
  parameter  bit [OUT_W-1:0][15:0] HEIGHTS = {{3{16'd0}}, 16'd3, 16'd3},  // column 0 is last
  parameter  int unsigned LATENCY = 1,                      // stages + 1, or more
  parameter  int unsigned INVERT_W = 1,                     // bits that INVERT tells of
  parameter  bit [INVERT_W-1:0] INVERT = '0,                // bits that are inverted first
  localparam int unsigned BITS    = below(HEIGHTS, OUT_W)
) (
  input  logic             clk,
  input  logic [BITS-1:0]  bits,  // column 0 at the low end
  output logic [OUT_W-1:0] sum
);
  typedef bit [OUT_W-1:0][15:0] heights_t;

  // Bits that h bits of one weight become: in that weight, in twice and in four times that.
  function automatic int unsigned once(bit [15:0] h);
    return 32'(h / 6) + (h % 6 < 4 ? 32'(h % 6) : h % 6 == 4 ? 2 : 1);
  endfunction

  function automatic int unsigned twice(bit [15:0] h);
    return 32'(h / 6) + (h % 6 < 4 ? 0 : 1);
  endfunction

  function automatic int unsigned four_times(bit [15:0] h);
    return 32'(h / 6) + (h % 6 < 5 ? 0 : 1);
  endfunction

  // The heights after one stage.
  function automatic heights_t after(heights_t h);
    for (int unsigned c = 0; c < OUT_W; c++) begin
      after[c] = 16'(once(h[c]));
      if (c > 0) after[c] += 16'(twice(h[c-1]));
      if (c > 1) after[c] += 16'(four_times(h[c-2]));
    end
  endfunction

  // The heights after some stages.
  function automatic heights_t heights_at(int unsigned stage);
    heights_at = HEIGHTS;
    for (int unsigned s = 0; s < stage; s++) heights_at = after(heights_at);
  endfunction

  // Stages until no column has more than three bits.
  function automatic int unsigned stages();
    heights_t h = HEIGHTS;
    stages = 0;
    while (high(h)) begin
      h = after(h);
      stages++;
    end
  endfunction

  localparam int unsigned STAGES = stages();

  function automatic bit high(heights_t h);
    high = 1'b0;
    for (int unsigned c = 0; c < OUT_W; c++) high |= h[c] > 3;
  endfunction

  // Bits in the columns below one.
  function automatic int unsigned below(heights_t h, int unsigned column);
    below = 0;
    for (int unsigned c = 0; c < OUT_W; c++) if (c < column) below += 32'(h[c]);
  endfunction

  // A LUT's INIT when some of its inputs are to be inverted.
  function automatic bit [63:0] inverted(bit [63:0] init, bit [4:0] inputs);
    for (int unsigned i = 0; i < 64; i++) inverted[i] = init[i^32'(inputs)];
  endfunction

  // The bits of a column of the last adder that are inverted there: only without any stage.
  function automatic bit [4:0] opposite(int unsigned column);
    bit [BITS-1:0] all = BITS'(INVERT);
    opposite = '0;
    for (int unsigned i = 0; i < 3; i++) begin
      if (STAGES == 0 && i < 32'(HEIGHTS[column])) opposite[i] = all[below(HEIGHTS, column)+i];
    end
  endfunction

  if (LATENCY <= STAGES) begin : gen_bad_latency
    $fatal(1, "bit_heap: LATENCY=%0d, %0d bits take at least %0d", LATENCY, BITS, STAGES + 1);
  end

  for (genvar s = 0; s <= STAGES; s++) begin : gen_stage
    localparam heights_t NOW = heights_at(s);
    localparam int unsigned HELD = below(NOW, OUT_W);
    localparam bit [HELD-1:0] INVERTED = s == 0 ? HELD'(INVERT) : '0;
    logic [HELD-1:0] held;

    if (s == 0) begin : gen_first
      assign held = bits;
    end else begin : gen_later
      (* keep *) logic [HELD-1:0] stage_1;  // in flip-flops, of which there are plenty; not in LUTs
      always_ff @(posedge clk) stage_1 <= gen_stage[s-1].gen_counters.next;
      assign held = stage_1;
    end

    if (s < STAGES) begin : gen_counters
      localparam heights_t NEXT = after(NOW);
      logic [below(NEXT, OUT_W)-1:0] next;

      for (genvar c = 0; c < OUT_W; c++) begin : gen_column
        localparam int unsigned HEIGHT = 32'(NOW[c]);
        localparam int unsigned SIXES  = HEIGHT / 6;
        localparam int unsigned REST   = HEIGHT % 6;
        localparam int unsigned COUNTERS = SIXES + (REST == 5 ? 1 : 0);
        localparam int unsigned FIRST  = below(NOW, c);
        localparam int unsigned LAST   = FIRST + 6 * SIXES;  // the bits that are no six
        // A column's next bits: its own, then those that came from one and from two columns below.
        localparam int unsigned OWN    = below(NEXT, c);
        localparam int unsigned TWICE  = c + 1 < OUT_W ? below(NEXT, c + 1) + once(NOW[c+1]) : 0;
        localparam int unsigned FOUR   = c + 2 < OUT_W
            ? below(NEXT, c + 2) + once(NOW[c+2]) + twice(NOW[c+1]) : 0;

        for (genvar k = 0; k < COUNTERS; k++) begin : gen_counter
          logic [2:0] count;
          if (k < SIXES) begin : gen_six
            counter_6_3 #(.INVERT(INVERTED[FIRST+6*k+:6])) u_counter (
              .bits(held[FIRST+6*k+:6]), .count
            );
          end else begin : gen_five
            counter_6_3 #(.INVERT({1'b0, INVERTED[LAST+:5]})) u_counter (
              .bits({1'b0, held[LAST+:5]}), .count
            );
          end
          assign next[OWN+k] = count[0];
          if (c + 1 < OUT_W) begin : gen_twice
            assign next[TWICE+k] = count[1];
          end
          if (c + 2 < OUT_W) begin : gen_four_times
            assign next[FOUR+k] = count[2];
          end
        end

        if (REST == 4) begin : gen_adder
          localparam bit [63:0] ADDER = {32'h96969696, 32'he8e8e8e8};  // O6: parity; O5: majority
          logic carry;
          LUT6_2 #(.INIT(inverted(ADDER, 5'(INVERTED[LAST+:3])))) u_adder (
            .O6(next[OWN+SIXES]),
            .O5(carry),
            .I0(held[LAST]),
            .I1(held[LAST+1]),
            .I2(held[LAST+2]),
            .I3(1'b0),
            .I4(1'b0),
            .I5(1'b1)
          );
          assign next[OWN+SIXES+1] = held[LAST+3] ^ INVERTED[LAST+3];
          if (c + 1 < OUT_W) begin : gen_twice
            assign next[TWICE+SIXES] = carry;
          end
        end else if (REST > 0 && REST < 4) begin : gen_wait
          assign next[OWN+SIXES+:REST] = held[LAST+:REST] ^ INVERTED[LAST+:REST];
        end
      end
    end
  end

  // In each column the parity of its bits, and the majority of the column below, are left to add.
  localparam heights_t ROWS = heights_at(STAGES);
  localparam int unsigned SLICES = (OUT_W + 3) / 4;
  localparam bit [63:0] TERNARY = {32'h69966996, 32'he8e8e8e8};  // O6: parity of 4; O5: majority
  logic [4*SLICES-1:0] places;

  for (genvar c = 0; c < 4 * SLICES; c++) begin : gen_place
    logic parity, majority, from_below;
    if (c == 0) begin : gen_lowest
      assign from_below = 1'b0;
    end else begin : gen_higher
      assign from_below = gen_place[c-1].majority;
    end

    if (c < OUT_W) begin : gen_used
      localparam int unsigned HEIGHT = 32'(ROWS[c]);
      logic [2:0] column;
      if (HEIGHT == 0) begin : gen_empty
        assign column = '0;
      end else begin : gen_bits
        assign column = 3'(gen_stage[STAGES].held[below(ROWS, c)+:HEIGHT]);
      end

      LUT6_2 #(.INIT(inverted(TERNARY, opposite(c)))) u_ternary (
        .O6(parity),
        .O5(majority),
        .I0(column[0]),
        .I1(column[1]),
        .I2(column[2]),
        .I3(from_below),
        .I4(1'b0),
        .I5(1'b1)
      );
    end else begin : gen_spare
      assign parity = 1'b0;
      assign majority = 1'b0;
    end
  end

  for (genvar s = 0; s < SLICES; s++) begin : gen_slice
    logic from_below, carry;
    logic [2:0] unused;
    if (s == 0) begin : gen_first
      assign from_below = 1'b0;
    end else begin : gen_next
      assign from_below = gen_slice[s-1].carry;
    end
    CARRY4 u_chain (
      .CO    ({carry, unused}),
      .O     (places[4*s+:4]),
      .CI    (from_below),
      .CYINIT(1'b0),
      .DI    ({gen_place[4*s+3].from_below, gen_place[4*s+2].from_below,
               gen_place[4*s+1].from_below, gen_place[4*s].from_below}),
      .S     ({gen_place[4*s+3].parity, gen_place[4*s+2].parity,
               gen_place[4*s+1].parity, gen_place[4*s].parity})
    );
  end

  delay #(.WIDTH(OUT_W), .CYCLES(LATENCY - STAGES)) u_delay (
    .clk, .value(OUT_W'(places)), .later(sum)
  );
endmodule
