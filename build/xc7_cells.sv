// 7-series cells that the RTL instantiates, as black boxes: Yosys' slang knows no other ones.
(* blackbox *)
module LUT6_2 #(
  parameter bit [63:0] INIT = '0
) (
  output logic O6,
  output logic O5,
  input  logic I0,
  input  logic I1,
  input  logic I2,
  input  logic I3,
  input  logic I4,
  input  logic I5
);
endmodule

(* blackbox *)
module CARRY4 (
  output logic [3:0] CO,
  output logic [3:0] O,
  input  logic       CI,
  input  logic       CYINIT,
  input  logic [3:0] DI,
  input  logic [3:0] S
);
endmodule
