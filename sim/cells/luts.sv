// luts: LUT1 to LUT6 as one look-up each, which Verilator makes far less code of than of Yosys'
// models, where a tree of multiplexers stands for each.
module LUT1 #(parameter logic [1:0] INIT = '0) (input logic I0, output logic O);
  assign O = INIT[I0];
endmodule

module LUT2 #(parameter logic [3:0] INIT = '0) (input logic I0, I1, output logic O);
  assign O = INIT[{I1, I0}];
endmodule

module LUT3 #(parameter logic [7:0] INIT = '0) (input logic I0, I1, I2, output logic O);
  assign O = INIT[{I2, I1, I0}];
endmodule

module LUT4 #(parameter logic [15:0] INIT = '0) (input logic I0, I1, I2, I3, output logic O);
  assign O = INIT[{I3, I2, I1, I0}];
endmodule

module LUT5 #(parameter logic [31:0] INIT = '0) (
  input logic I0, I1, I2, I3, I4, output logic O
);
  assign O = INIT[{I4, I3, I2, I1, I0}];
endmodule

module LUT6 #(parameter logic [63:0] INIT = '0) (
  input logic I0, I1, I2, I3, I4, I5, output logic O
);
  assign O = INIT[{I5, I4, I3, I2, I1, I0}];
endmodule
