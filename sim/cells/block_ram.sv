// block_ram: simulation models of RAMB18E1 and RAMB36E1, since Yosys' have no behaviour.
// As UG473 describes them and as far as Yosys uses them: two ports (TDP), or port A that reads and
// port B that writes up to 2*W data bits (SDP). Widths 1, 2, 4 are bits of a byte; widths 9, 18, 36
// and 72 are bytes with a parity bit each. A port that reads what the other one writes gets what
// was there.
module block_ram #(
  parameter int unsigned BITS = 14,  // address bits: the RAM has 2^BITS data bits
  parameter int unsigned W = 16,     // data bits of a port
  parameter bit SDP = 1'b0,
  parameter int unsigned READ_A = 0, READ_B = 0, WRITE_A = 0, WRITE_B = 0,  // widths
  parameter bit OLD_A = 1'b0, OLD_B = 1'b0,    // a port that writes reads what was there
  parameter bit KEEP_A = 1'b0, KEEP_B = 1'b0,  // ... reads nothing
  parameter logic [2**BITS-1:0] DATA = '0,
  parameter logic [2**BITS/8-1:0] PARITY = '0,
  parameter logic [W+W/8-1:0] INIT_A = '0, INIT_B = '0, SRVAL_A = '0, SRVAL_B = '0
) (
  input  logic clk_a, clk_b, en_a, en_b, rst_a, rst_b,
  input  logic [BITS-1:0] addr_a, addr_b,
  input  logic [W/8-1:0] we_a,
  input  logic [W/4-1:0] we_b,
  input  logic [W-1:0] data_a, data_b,
  input  logic [W/8-1:0] parity_a, parity_b,
  output logic [W+W/8-1:0] out_a, out_b  // {parity, data}
);
  localparam int unsigned P = W / 8;
  typedef struct packed {
    logic [2*P-1:0] parity;
    logic [2*W-1:0] data;
  } word_t;

  logic [8:0] mem [2**BITS/8];
  word_t in_a, in_b;

  initial begin
    for (int i = 0; i < 2 ** BITS / 8; i++) mem[i] = {PARITY[i], DATA[8*i+:8]};
    out_a = INIT_A;
    out_b = INIT_B;
  end

  assign in_a = '{parity: (2 * P)'(parity_a), data: (2 * W)'(data_a)};
  assign in_b = SDP && WRITE_B == 2 * (W + P) ?
      '{parity: {parity_b, parity_a}, data: {data_b, data_a}} :
      '{parity: (2 * P)'(parity_b), data: (2 * W)'(data_b)};

  // The first byte that a port of that width sees at an address.
  function automatic int unsigned first(input logic [BITS-1:0] addr, input int unsigned width);
    return width < 9 ? 32'(addr) / 8 : 32'(addr) / 8 / (width / 9) * (width / 9);
  endfunction

  function automatic word_t word(input logic [BITS-1:0] addr, input int unsigned width);
    word = '0;
    for (int unsigned k = 0; k < width / 9; k++) begin
      {word.parity[k], word.data[8*k+:8]} = mem[first(addr, width)+k];
    end
    for (int unsigned b = 0; b < width && width < 9; b++) begin
      word.data[b] = mem[first(addr, width)][4'(addr[2:0]) + 4'(b)];
    end
  endfunction

  // What a port puts out that reads `old` and writes `in`.
  function automatic word_t mixed(input word_t old, input word_t in, input logic [2*P-1:0] we,
                                  input int unsigned width);
    mixed = old;
    for (int unsigned k = 0; k < 2 * P; k++) begin
      if (width < 9 ? we[0] : we[k]) begin
        {mixed.parity[k], mixed.data[8*k+:8]} = {in.parity[k], in.data[8*k+:8]};
      end
    end
  endfunction

  word_t read_a, read_b;

  always @(posedge clk_a) begin
    if (en_a) begin
      if (WRITE_A != 0) begin
        for (int unsigned k = 0; k < WRITE_A / 9; k++) begin
          if (we_a[k]) mem[first(addr_a, WRITE_A)+k] <= {in_a.parity[k], in_a.data[8*k+:8]};
        end
        for (int unsigned b = 0; b < WRITE_A && WRITE_A < 9; b++) begin
          if (we_a[0]) mem[first(addr_a, WRITE_A)][4'(addr_a[2:0]) + 4'(b)] <= in_a.data[b];
        end
      end
      if (READ_A != 0 && rst_a) begin
        out_a <= SRVAL_A;
        if (SDP) out_b <= SRVAL_B;
      end else if (READ_A != 0 && (!KEEP_A || WRITE_A == 0 || we_a == '0)) begin
        read_a = word(addr_a, READ_A);
        if (WRITE_A != 0 && !OLD_A) read_a = mixed(read_a, in_a, (2 * P)'(we_a), WRITE_A);
        out_a <= {read_a.parity[P-1:0], read_a.data[W-1:0]};
        if (SDP) out_b <= {read_a.parity[2*P-1:P], read_a.data[2*W-1:W]};
      end
    end
  end

  always @(posedge clk_b) begin
    if (en_b) begin
      if (WRITE_B != 0) begin
        for (int unsigned k = 0; k < WRITE_B / 9; k++) begin
          if (we_b[k]) mem[first(addr_b, WRITE_B)+k] <= {in_b.parity[k], in_b.data[8*k+:8]};
        end
        for (int unsigned b = 0; b < WRITE_B && WRITE_B < 9; b++) begin
          if (we_b[0]) mem[first(addr_b, WRITE_B)][4'(addr_b[2:0]) + 4'(b)] <= in_b.data[b];
        end
      end
      if (!SDP && READ_B != 0 && rst_b) begin
        out_b <= SRVAL_B;
      end else if (!SDP && READ_B != 0 && (!KEEP_B || WRITE_B == 0 || we_b == '0)) begin
        read_b = word(addr_b, READ_B);
        if (WRITE_B != 0 && !OLD_B) read_b = mixed(read_b, in_b, we_b, WRITE_B);
        out_b <= {read_b.parity[P-1:0], read_b.data[W-1:0]};
      end
    end
  end
endmodule

// RAMB18E1: the cell, as far as Yosys connects it.
module RAMB18E1 #(
  parameter logic [255:0] INIT_00 = 256'd0, INIT_01 = 256'd0, INIT_02 = 256'd0, INIT_03 = 256'd0,
  parameter logic [255:0] INIT_04 = 256'd0, INIT_05 = 256'd0, INIT_06 = 256'd0, INIT_07 = 256'd0,
  parameter logic [255:0] INIT_08 = 256'd0, INIT_09 = 256'd0, INIT_0A = 256'd0, INIT_0B = 256'd0,
  parameter logic [255:0] INIT_0C = 256'd0, INIT_0D = 256'd0, INIT_0E = 256'd0, INIT_0F = 256'd0,
  parameter logic [255:0] INIT_10 = 256'd0, INIT_11 = 256'd0, INIT_12 = 256'd0, INIT_13 = 256'd0,
  parameter logic [255:0] INIT_14 = 256'd0, INIT_15 = 256'd0, INIT_16 = 256'd0, INIT_17 = 256'd0,
  parameter logic [255:0] INIT_18 = 256'd0, INIT_19 = 256'd0, INIT_1A = 256'd0, INIT_1B = 256'd0,
  parameter logic [255:0] INIT_1C = 256'd0, INIT_1D = 256'd0, INIT_1E = 256'd0, INIT_1F = 256'd0,
  parameter logic [255:0] INIT_20 = 256'd0, INIT_21 = 256'd0, INIT_22 = 256'd0, INIT_23 = 256'd0,
  parameter logic [255:0] INIT_24 = 256'd0, INIT_25 = 256'd0, INIT_26 = 256'd0, INIT_27 = 256'd0,
  parameter logic [255:0] INIT_28 = 256'd0, INIT_29 = 256'd0, INIT_2A = 256'd0, INIT_2B = 256'd0,
  parameter logic [255:0] INIT_2C = 256'd0, INIT_2D = 256'd0, INIT_2E = 256'd0, INIT_2F = 256'd0,
  parameter logic [255:0] INIT_30 = 256'd0, INIT_31 = 256'd0, INIT_32 = 256'd0, INIT_33 = 256'd0,
  parameter logic [255:0] INIT_34 = 256'd0, INIT_35 = 256'd0, INIT_36 = 256'd0, INIT_37 = 256'd0,
  parameter logic [255:0] INIT_38 = 256'd0, INIT_39 = 256'd0, INIT_3A = 256'd0, INIT_3B = 256'd0,
  parameter logic [255:0] INIT_3C = 256'd0, INIT_3D = 256'd0, INIT_3E = 256'd0, INIT_3F = 256'd0,
  parameter logic [255:0] INITP_00 = 256'd0, INITP_01 = 256'd0, INITP_02 = 256'd0,
  parameter logic [255:0] INITP_03 = 256'd0, INITP_04 = 256'd0, INITP_05 = 256'd0,
  parameter logic [255:0] INITP_06 = 256'd0, INITP_07 = 256'd0,
  parameter logic [17:0] INIT_A = '0, INIT_B = '0, SRVAL_A = '0, SRVAL_B = '0,
  parameter RAM_MODE = "TDP", WRITE_MODE_A = "WRITE_FIRST", WRITE_MODE_B = "WRITE_FIRST",
  parameter int DOA_REG = 0, DOB_REG = 0, READ_WIDTH_A = 0, READ_WIDTH_B = 0,
  parameter int WRITE_WIDTH_A = 0, WRITE_WIDTH_B = 0,
  parameter bit IS_ENARDEN_INVERTED = 0, IS_ENBWREN_INVERTED = 0,
  parameter bit IS_RSTRAMARSTRAM_INVERTED = 0, IS_RSTRAMB_INVERTED = 0
) (
  input  logic CLKARDCLK, CLKBWRCLK, ENARDEN, ENBWREN, REGCEAREGCE, REGCEB,
  input  logic RSTRAMARSTRAM, RSTRAMB, RSTREGARSTREG, RSTREGB,
  input  logic [13:0] ADDRARDADDR, ADDRBWRADDR,
  input  logic [15:0] DIADI, DIBDI,
  input  logic [1:0] DIPADIP, DIPBDIP,
  input  logic [1:0] WEA,
  input  logic [3:0] WEBWE,
  output logic [15:0] DOADO, DOBDO,
  output logic [1:0] DOPADOP, DOPBDOP
);
  if (DOA_REG != 0 || DOB_REG != 0)
  begin : gen_unknown
    $fatal(1, "RAMB18E1: output registers are not modelled");
  end

  block_ram #(
    .BITS(14), .W(16), .SDP(RAM_MODE == "SDP"),
    .READ_A(READ_WIDTH_A), .READ_B(READ_WIDTH_B), .WRITE_A(WRITE_WIDTH_A), .WRITE_B(WRITE_WIDTH_B),
    .OLD_A(WRITE_MODE_A == "READ_FIRST"), .OLD_B(WRITE_MODE_B == "READ_FIRST"),
    .KEEP_A(WRITE_MODE_A == "NO_CHANGE"), .KEEP_B(WRITE_MODE_B == "NO_CHANGE"),
    .DATA({
      INIT_3F, INIT_3E, INIT_3D, INIT_3C, INIT_3B, INIT_3A, INIT_39, INIT_38,
      INIT_37, INIT_36, INIT_35, INIT_34, INIT_33, INIT_32, INIT_31, INIT_30,
      INIT_2F, INIT_2E, INIT_2D, INIT_2C, INIT_2B, INIT_2A, INIT_29, INIT_28,
      INIT_27, INIT_26, INIT_25, INIT_24, INIT_23, INIT_22, INIT_21, INIT_20,
      INIT_1F, INIT_1E, INIT_1D, INIT_1C, INIT_1B, INIT_1A, INIT_19, INIT_18,
      INIT_17, INIT_16, INIT_15, INIT_14, INIT_13, INIT_12, INIT_11, INIT_10,
      INIT_0F, INIT_0E, INIT_0D, INIT_0C, INIT_0B, INIT_0A, INIT_09, INIT_08,
      INIT_07, INIT_06, INIT_05, INIT_04, INIT_03, INIT_02, INIT_01, INIT_00
    }),
    .PARITY({
      INITP_07, INITP_06, INITP_05, INITP_04, INITP_03, INITP_02, INITP_01, INITP_00
    }),
    .INIT_A(INIT_A), .INIT_B(INIT_B), .SRVAL_A(SRVAL_A), .SRVAL_B(SRVAL_B)
  ) u_ram (
    .clk_a   (CLKARDCLK),
    .clk_b   (CLKBWRCLK),
    .en_a    (ENARDEN != IS_ENARDEN_INVERTED),
    .en_b    (ENBWREN != IS_ENBWREN_INVERTED),
    .rst_a   (RSTRAMARSTRAM != IS_RSTRAMARSTRAM_INVERTED),
    .rst_b   (RSTRAMB != IS_RSTRAMB_INVERTED),
    .addr_a  (ADDRARDADDR[13:0]),
    .addr_b  (ADDRBWRADDR[13:0]),
    .we_a    (WEA),
    .we_b    (WEBWE),
    .data_a  (DIADI),
    .data_b  (DIBDI),
    .parity_a(DIPADIP),
    .parity_b(DIPBDIP),
    .out_a   ({DOPADOP, DOADO}),
    .out_b   ({DOPBDOP, DOBDO})
  );
endmodule

// RAMB36E1: the cell, as far as Yosys connects it.
module RAMB36E1 #(
  parameter logic [255:0] INIT_00 = 256'd0, INIT_01 = 256'd0, INIT_02 = 256'd0, INIT_03 = 256'd0,
  parameter logic [255:0] INIT_04 = 256'd0, INIT_05 = 256'd0, INIT_06 = 256'd0, INIT_07 = 256'd0,
  parameter logic [255:0] INIT_08 = 256'd0, INIT_09 = 256'd0, INIT_0A = 256'd0, INIT_0B = 256'd0,
  parameter logic [255:0] INIT_0C = 256'd0, INIT_0D = 256'd0, INIT_0E = 256'd0, INIT_0F = 256'd0,
  parameter logic [255:0] INIT_10 = 256'd0, INIT_11 = 256'd0, INIT_12 = 256'd0, INIT_13 = 256'd0,
  parameter logic [255:0] INIT_14 = 256'd0, INIT_15 = 256'd0, INIT_16 = 256'd0, INIT_17 = 256'd0,
  parameter logic [255:0] INIT_18 = 256'd0, INIT_19 = 256'd0, INIT_1A = 256'd0, INIT_1B = 256'd0,
  parameter logic [255:0] INIT_1C = 256'd0, INIT_1D = 256'd0, INIT_1E = 256'd0, INIT_1F = 256'd0,
  parameter logic [255:0] INIT_20 = 256'd0, INIT_21 = 256'd0, INIT_22 = 256'd0, INIT_23 = 256'd0,
  parameter logic [255:0] INIT_24 = 256'd0, INIT_25 = 256'd0, INIT_26 = 256'd0, INIT_27 = 256'd0,
  parameter logic [255:0] INIT_28 = 256'd0, INIT_29 = 256'd0, INIT_2A = 256'd0, INIT_2B = 256'd0,
  parameter logic [255:0] INIT_2C = 256'd0, INIT_2D = 256'd0, INIT_2E = 256'd0, INIT_2F = 256'd0,
  parameter logic [255:0] INIT_30 = 256'd0, INIT_31 = 256'd0, INIT_32 = 256'd0, INIT_33 = 256'd0,
  parameter logic [255:0] INIT_34 = 256'd0, INIT_35 = 256'd0, INIT_36 = 256'd0, INIT_37 = 256'd0,
  parameter logic [255:0] INIT_38 = 256'd0, INIT_39 = 256'd0, INIT_3A = 256'd0, INIT_3B = 256'd0,
  parameter logic [255:0] INIT_3C = 256'd0, INIT_3D = 256'd0, INIT_3E = 256'd0, INIT_3F = 256'd0,
  parameter logic [255:0] INIT_40 = 256'd0, INIT_41 = 256'd0, INIT_42 = 256'd0, INIT_43 = 256'd0,
  parameter logic [255:0] INIT_44 = 256'd0, INIT_45 = 256'd0, INIT_46 = 256'd0, INIT_47 = 256'd0,
  parameter logic [255:0] INIT_48 = 256'd0, INIT_49 = 256'd0, INIT_4A = 256'd0, INIT_4B = 256'd0,
  parameter logic [255:0] INIT_4C = 256'd0, INIT_4D = 256'd0, INIT_4E = 256'd0, INIT_4F = 256'd0,
  parameter logic [255:0] INIT_50 = 256'd0, INIT_51 = 256'd0, INIT_52 = 256'd0, INIT_53 = 256'd0,
  parameter logic [255:0] INIT_54 = 256'd0, INIT_55 = 256'd0, INIT_56 = 256'd0, INIT_57 = 256'd0,
  parameter logic [255:0] INIT_58 = 256'd0, INIT_59 = 256'd0, INIT_5A = 256'd0, INIT_5B = 256'd0,
  parameter logic [255:0] INIT_5C = 256'd0, INIT_5D = 256'd0, INIT_5E = 256'd0, INIT_5F = 256'd0,
  parameter logic [255:0] INIT_60 = 256'd0, INIT_61 = 256'd0, INIT_62 = 256'd0, INIT_63 = 256'd0,
  parameter logic [255:0] INIT_64 = 256'd0, INIT_65 = 256'd0, INIT_66 = 256'd0, INIT_67 = 256'd0,
  parameter logic [255:0] INIT_68 = 256'd0, INIT_69 = 256'd0, INIT_6A = 256'd0, INIT_6B = 256'd0,
  parameter logic [255:0] INIT_6C = 256'd0, INIT_6D = 256'd0, INIT_6E = 256'd0, INIT_6F = 256'd0,
  parameter logic [255:0] INIT_70 = 256'd0, INIT_71 = 256'd0, INIT_72 = 256'd0, INIT_73 = 256'd0,
  parameter logic [255:0] INIT_74 = 256'd0, INIT_75 = 256'd0, INIT_76 = 256'd0, INIT_77 = 256'd0,
  parameter logic [255:0] INIT_78 = 256'd0, INIT_79 = 256'd0, INIT_7A = 256'd0, INIT_7B = 256'd0,
  parameter logic [255:0] INIT_7C = 256'd0, INIT_7D = 256'd0, INIT_7E = 256'd0, INIT_7F = 256'd0,
  parameter logic [255:0] INITP_00 = 256'd0, INITP_01 = 256'd0, INITP_02 = 256'd0,
  parameter logic [255:0] INITP_03 = 256'd0, INITP_04 = 256'd0, INITP_05 = 256'd0,
  parameter logic [255:0] INITP_06 = 256'd0, INITP_07 = 256'd0, INITP_08 = 256'd0,
  parameter logic [255:0] INITP_09 = 256'd0, INITP_0A = 256'd0, INITP_0B = 256'd0,
  parameter logic [255:0] INITP_0C = 256'd0, INITP_0D = 256'd0, INITP_0E = 256'd0,
  parameter logic [255:0] INITP_0F = 256'd0,
  parameter logic [35:0] INIT_A = '0, INIT_B = '0, SRVAL_A = '0, SRVAL_B = '0,
  parameter RAM_MODE = "TDP", WRITE_MODE_A = "WRITE_FIRST", WRITE_MODE_B = "WRITE_FIRST",
  parameter RAM_EXTENSION_A = "NONE", RAM_EXTENSION_B = "NONE",
  parameter int DOA_REG = 0, DOB_REG = 0, READ_WIDTH_A = 0, READ_WIDTH_B = 0,
  parameter int WRITE_WIDTH_A = 0, WRITE_WIDTH_B = 0,
  parameter bit IS_ENARDEN_INVERTED = 0, IS_ENBWREN_INVERTED = 0,
  parameter bit IS_RSTRAMARSTRAM_INVERTED = 0, IS_RSTRAMB_INVERTED = 0
) (
  input  logic CLKARDCLK, CLKBWRCLK, ENARDEN, ENBWREN, REGCEAREGCE, REGCEB,
  input  logic RSTRAMARSTRAM, RSTRAMB, RSTREGARSTREG, RSTREGB,
  input  logic CASCADEINA, CASCADEINB, INJECTDBITERR, INJECTSBITERR,
  output logic CASCADEOUTA, CASCADEOUTB, SBITERR, DBITERR,
  output logic [7:0] ECCPARITY,
  output logic [8:0] RDADDRECC,
  input  logic [15:0] ADDRARDADDR, ADDRBWRADDR,
  input  logic [31:0] DIADI, DIBDI,
  input  logic [3:0] DIPADIP, DIPBDIP,
  input  logic [3:0] WEA,
  input  logic [7:0] WEBWE,
  output logic [31:0] DOADO, DOBDO,
  output logic [3:0] DOPADOP, DOPBDOP
);
  if (DOA_REG != 0 || DOB_REG != 0 || RAM_EXTENSION_A != "NONE" || RAM_EXTENSION_B != "NONE")
  begin : gen_unknown
    $fatal(1, "RAMB36E1: output registers and cascades are not modelled");
  end

  block_ram #(
    .BITS(15), .W(32), .SDP(RAM_MODE == "SDP"),
    .READ_A(READ_WIDTH_A), .READ_B(READ_WIDTH_B), .WRITE_A(WRITE_WIDTH_A), .WRITE_B(WRITE_WIDTH_B),
    .OLD_A(WRITE_MODE_A == "READ_FIRST"), .OLD_B(WRITE_MODE_B == "READ_FIRST"),
    .KEEP_A(WRITE_MODE_A == "NO_CHANGE"), .KEEP_B(WRITE_MODE_B == "NO_CHANGE"),
    .DATA({
      INIT_7F, INIT_7E, INIT_7D, INIT_7C, INIT_7B, INIT_7A, INIT_79, INIT_78,
      INIT_77, INIT_76, INIT_75, INIT_74, INIT_73, INIT_72, INIT_71, INIT_70,
      INIT_6F, INIT_6E, INIT_6D, INIT_6C, INIT_6B, INIT_6A, INIT_69, INIT_68,
      INIT_67, INIT_66, INIT_65, INIT_64, INIT_63, INIT_62, INIT_61, INIT_60,
      INIT_5F, INIT_5E, INIT_5D, INIT_5C, INIT_5B, INIT_5A, INIT_59, INIT_58,
      INIT_57, INIT_56, INIT_55, INIT_54, INIT_53, INIT_52, INIT_51, INIT_50,
      INIT_4F, INIT_4E, INIT_4D, INIT_4C, INIT_4B, INIT_4A, INIT_49, INIT_48,
      INIT_47, INIT_46, INIT_45, INIT_44, INIT_43, INIT_42, INIT_41, INIT_40,
      INIT_3F, INIT_3E, INIT_3D, INIT_3C, INIT_3B, INIT_3A, INIT_39, INIT_38,
      INIT_37, INIT_36, INIT_35, INIT_34, INIT_33, INIT_32, INIT_31, INIT_30,
      INIT_2F, INIT_2E, INIT_2D, INIT_2C, INIT_2B, INIT_2A, INIT_29, INIT_28,
      INIT_27, INIT_26, INIT_25, INIT_24, INIT_23, INIT_22, INIT_21, INIT_20,
      INIT_1F, INIT_1E, INIT_1D, INIT_1C, INIT_1B, INIT_1A, INIT_19, INIT_18,
      INIT_17, INIT_16, INIT_15, INIT_14, INIT_13, INIT_12, INIT_11, INIT_10,
      INIT_0F, INIT_0E, INIT_0D, INIT_0C, INIT_0B, INIT_0A, INIT_09, INIT_08,
      INIT_07, INIT_06, INIT_05, INIT_04, INIT_03, INIT_02, INIT_01, INIT_00
    }),
    .PARITY({
      INITP_0F, INITP_0E, INITP_0D, INITP_0C, INITP_0B, INITP_0A, INITP_09, INITP_08,
      INITP_07, INITP_06, INITP_05, INITP_04, INITP_03, INITP_02, INITP_01, INITP_00
    }),
    .INIT_A(INIT_A), .INIT_B(INIT_B), .SRVAL_A(SRVAL_A), .SRVAL_B(SRVAL_B)
  ) u_ram (
    .clk_a   (CLKARDCLK),
    .clk_b   (CLKBWRCLK),
    .en_a    (ENARDEN != IS_ENARDEN_INVERTED),
    .en_b    (ENBWREN != IS_ENBWREN_INVERTED),
    .rst_a   (RSTRAMARSTRAM != IS_RSTRAMARSTRAM_INVERTED),
    .rst_b   (RSTRAMB != IS_RSTRAMB_INVERTED),
    .addr_a  (ADDRARDADDR[14:0]),
    .addr_b  (ADDRBWRADDR[14:0]),
    .we_a    (WEA),
    .we_b    (WEBWE),
    .data_a  (DIADI),
    .data_b  (DIBDI),
    .parity_a(DIPADIP),
    .parity_b(DIPBDIP),
    .out_a   ({DOPADOP, DOADO}),
    .out_b   ({DOPBDOP, DOBDO})
  );

  assign {CASCADEOUTA, CASCADEOUTB, SBITERR, DBITERR, ECCPARITY, RDADDRECC} = '0;
endmodule
