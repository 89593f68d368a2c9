// hardwired_bin: counts those of some inputs that agree with their weights, LATENCY cycles later.
// Which inputs and which weights is fixed: an XNOR is a wire, or an inverter that a LUT absorbs.
module hardwired_bin #(
  parameter  int unsigned MW         = 24,                // inputs
  parameter  bit [MW-1:0] MEMBERS    = MW'({12{2'b10}}),  // the inputs that count, at least one
  parameter  bit [MW-1:0] WEIGHTS    = MW'({6{4'b1100}}), // what they are to agree with
  parameter  bit          PRIMITIVES = 1'b0,              // of 7-series cells
  parameter  int unsigned LATENCY    = 3,                 // at least bit_heap's
  localparam int unsigned SIZE       = $countones(MEMBERS),
  localparam int unsigned COUNT_W    = $clog2(SIZE + 1)
) (
  input  logic               clk,
  input  logic [MW-1:0]      x,
  output logic [COUNT_W-1:0] count
);
  typedef bit [SIZE-1:0][31:0] places_t;

  // The members in the order of the heap. A counter's LUTs take five of its six bits and can invert
  // them, so that every sixth bit is one of the last of the list: those not to be inverted.
  function automatic places_t places();
    int unsigned found = 0;
    places_t sorted;
    for (int inverted = 1; inverted >= 0; inverted--) begin
      for (int unsigned i = 0; i < MW; i++) begin
        if (MEMBERS[i] && WEIGHTS[i] != inverted[0]) begin
          sorted[found] = i;
          found++;
        end
      end
    end
    for (int unsigned i = 0; i < SIZE; i++) begin
      places[i] = sorted[i%6==5 ? SIZE - SIZE / 6 + i / 6 : i - i / 6];
    end
  endfunction

  function automatic bit [SIZE-1:0] inverted_places();
    places_t at = places();
    for (int unsigned i = 0; i < SIZE; i++) inverted_places[i] = !WEIGHTS[at[i]];
  endfunction

  if (PRIMITIVES && SIZE > 1) begin : gen_heap
    localparam places_t PLACES = places();
    logic [SIZE-1:0] bits;
    for (genvar i = 0; i < SIZE; i++) begin : gen_input
      assign bits[i] = x[PLACES[i]];
    end
    bit_heap #(
      .OUT_W(COUNT_W), .HEIGHTS((16*COUNT_W)'(SIZE)), .LATENCY(LATENCY), .INVERT_W(SIZE),
      .INVERT(inverted_places())
    ) u_heap (.clk, .bits, .sum(count));
  end else begin : gen_portable
    delay #(.WIDTH(COUNT_W), .CYCLES(LATENCY)) u_delay (
      .clk, .value(COUNT_W'($countones(~(x ^ WEIGHTS) & MEMBERS))), .later(count)
    );
  end
endmodule
