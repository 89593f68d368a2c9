// rom: constants from a file; q is word `addr` of the cycle before.
// Synthesis keeps it a module of its own until its constants are LUTs: optimised together with what
// reads them, Yosys takes up to four times as many.
(* keep_hierarchy *)
module rom #(
  parameter  int unsigned WORDS  = 64,         // constants
  parameter  int unsigned WIDTH  = 32,         // bits of each
  parameter  bit          BLOCK  = 1'b0,       // in block RAM; else in LUTs
  parameter  string       FILE   = "rom.mem",  // read by $readmemh
  localparam int unsigned ADDR_W = WORDS > 1 ? $clog2(WORDS) : 1
) (
  input  logic              clk,
  input  logic [ADDR_W-1:0] addr,
  output logic [WIDTH-1:0]  q
);
  if (WORDS == 0 || WIDTH == 0) begin : gen_bad_shape
    $fatal(1, "rom: WORDS=%0d and WIDTH=%0d must be at least 1", WORDS, WIDTH);
  end

  (* rom_style = BLOCK ? "block" : "logic" *)
  logic [WIDTH-1:0] mem [WORDS];

  initial $readmemh(FILE, mem);
  always_ff @(posedge clk) q <= mem[addr];
endmodule
