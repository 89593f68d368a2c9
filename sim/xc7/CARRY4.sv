// CARRY4: the 7-series carry chain of one slice, for simulation (UG953).
// O is the sum of each place, CO the carry out of it; CYINIT starts a chain, CI goes on with one.
module CARRY4 (
  output logic [3:0] CO,
  output logic [3:0] O,
  input  logic       CI,
  input  logic       CYINIT,
  input  logic [3:0] DI,
  input  logic [3:0] S
);
  always_comb begin
    logic carry;
    carry = CI | CYINIT;
    for (int i = 0; i < 4; i++) begin
      O[i]  = S[i] ^ carry;
      carry = S[i] ? carry : DI[i];
      CO[i] = carry;
    end
  end
endmodule
