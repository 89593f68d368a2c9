// delay: a value, CYCLES cycles later. No reset: what is in it at first is noise.
module delay #(
  parameter int unsigned WIDTH  = 8,  // bits
  parameter int unsigned CYCLES = 1   // 0 is a wire
) (
  input  logic             clk,
  input  logic [WIDTH-1:0] value,
  output logic [WIDTH-1:0] later
);
  if (CYCLES == 0) begin : gen_wire
    assign later = value;
  end else begin : gen_registers
    logic [CYCLES-1:0][WIDTH-1:0] values;
    always_ff @(posedge clk) values <= (CYCLES*WIDTH)'({values, value});
    assign later = values[CYCLES-1];
  end
endmodule
