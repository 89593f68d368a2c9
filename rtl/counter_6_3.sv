// counter_6_3: counts six bits, of 7-series cells: two LUTs and half a carry chain.
// t = the count of bits 0 to 4, in both LUTs; bit 5 enters the chain. Its first place adds the bit
// to the lowest of t; its second has the middle bit of the sum, and sends out the highest.
module counter_6_3 #(
  parameter bit [5:0] INVERT = '0  // bits that are inverted first: free, but for bit 5
) (
  input  logic [5:0] bits,
  output logic [2:0] count
);
  // I5 = 1 selects INIT's upper half for O6; O5 is its lower half.
  localparam bit [63:0] ODD    = {32'h96696996, 32'h00000000};  // O6: t is odd; O5: 0
  localparam bit [63:0] HIGHER = {32'h177e7ee8, 32'he8808000};  // O6: t is 2 or 3; O5: t is 4 or 5

  function automatic bit [63:0] inverted(bit [63:0] init);
    for (int unsigned i = 0; i < 64; i++) inverted[i] = init[i^32'(INVERT[4:0])];
  endfunction

  logic       odd, middle, zero, high;
  logic [4:0] unused;

  LUT6_2 #(.INIT(inverted(ODD))) u_odd (
    .O6(odd),
    .O5(zero),
    .I0(bits[0]),
    .I1(bits[1]),
    .I2(bits[2]),
    .I3(bits[3]),
    .I4(bits[4]),
    .I5(1'b1)
  );

  LUT6_2 #(.INIT(inverted(HIGHER))) u_higher (
    .O6(middle),
    .O5(high),
    .I0(bits[0]),
    .I1(bits[1]),
    .I2(bits[2]),
    .I3(bits[3]),
    .I4(bits[4]),
    .I5(1'b1)
  );

  CARRY4 u_chain (
    .CO    ({unused[4:3], count[2], unused[2]}),
    .O     ({unused[1:0], count[1:0]}),
    .CI    (1'b0),
    .CYINIT(bits[5] ^ INVERT[5]),
    .DI    ({2'b00, high, zero}),
    .S     ({2'b00, middle, odd})
  );
endmodule
