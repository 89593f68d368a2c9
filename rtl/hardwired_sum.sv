// hardwired_sum: adds numbers of several widths, some of them inverted, LATENCY cycles later.
module hardwired_sum #(
  parameter int unsigned     N          = 3,             // numbers
  parameter int unsigned     IN_W       = 4,             // bits of the widest
  parameter bit [N-1:0][7:0] WIDTHS     = {N{8'(IN_W)}}, // bits of each; 0: there is none
  parameter bit [N-1:0]      INVERT     = '0,            // numbers whose bits are inverted first
  parameter int unsigned     OUT_W      = 6,             // bits of the sum, which must fit
  parameter bit              PRIMITIVES = 1'b0,          // of 7-series cells
  parameter int unsigned     LATENCY    = 1              // at least bit_heap's; 0 for one number
) (
  input  logic                   clk,
  input  logic [N-1:0][IN_W-1:0] numbers,
  output logic [OUT_W-1:0]       sum
);
  typedef bit [OUT_W-1:0][15:0] heights_t;

  localparam int unsigned TOTAL = place(OUT_W, 0);

  // Bits of each weight.
  function automatic heights_t heights();
    heights = '0;
    for (int unsigned c = 0; c < OUT_W; c++) begin
      for (int unsigned n = 0; n < N; n++) if (c < 32'(WIDTHS[n])) heights[c]++;
    end
  endfunction

  // Where bit c of number n is in the heap: behind all lower columns; inverted ones first, as a
  // counter's LUTs invert five of its six bits for nothing.
  function automatic int unsigned place(int unsigned c, int unsigned n);
    place = 0;
    for (int unsigned k = 0; k < N; k++) begin
      place += c < 32'(WIDTHS[k]) ? c : 32'(WIDTHS[k]);
      if (c < 32'(WIDTHS[k]) && (INVERT[k] == INVERT[n] ? k < n : INVERT[k])) place++;
    end
  endfunction

  function automatic bit [TOTAL-1:0] inverted_bits();
    inverted_bits = '0;
    for (int unsigned n = 0; n < N; n++) begin
      for (int unsigned c = 0; c < 32'(WIDTHS[n]); c++) inverted_bits[place(c, n)] = INVERT[n];
    end
  endfunction

  function automatic int unsigned used();
    used = 0;
    for (int unsigned n = 0; n < N; n++) if (WIDTHS[n] != 0) used++;
  endfunction

  if (PRIMITIVES && used() > 1) begin : gen_heap
    localparam heights_t HEIGHTS = heights();
    logic [TOTAL-1:0] bits;
    for (genvar n = 0; n < N; n++) begin : gen_number
      for (genvar c = 0; c < WIDTHS[n]; c++) begin : gen_bit
        assign bits[place(c, n)] = numbers[n][c];
      end
    end
    bit_heap #(
      .OUT_W(OUT_W), .HEIGHTS(HEIGHTS), .LATENCY(LATENCY), .INVERT_W(TOTAL),
      .INVERT(inverted_bits())
    ) u_heap (.clk, .bits, .sum);
  end else begin : gen_portable
    logic [OUT_W-1:0] total;
    logic [IN_W-1:0]  term;
    always_comb begin
      total = '0;
      for (int unsigned n = 0; n < N; n++) begin
        term = (INVERT[n] ? ~numbers[n] : numbers[n]) & IN_W'((1 << WIDTHS[n]) - 1);
        total += OUT_W'(term);
      end
    end
    delay #(.WIDTH(OUT_W), .CYCLES(LATENCY)) u_delay (.clk, .value(total), .later(sum));
  end
endmodule
