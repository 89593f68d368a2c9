// window: im2col; for each output position, in raster order, its patch in (kh, kw, c) order.
// SIMD <= C: window_ring, a patch is KH*KW pixels of ceil(C/SIMD) beats each, in and out.
// SIMD > C: window_shift, SIMD = J*C; a pixel comes in one beat, a patch leaves as one vector of
// KH*KW*C elements. Each has its throughput in its header.
//
// A pixel is a vector of C elements; pixels in raster order, images without gaps. An element of a
// patch outside of the image counts as FILL. Bottom and right padding follow from OH and OW, which
// may also leave rows and columns of the image unused.
module window #(
  parameter  int unsigned H    = 5,  // image rows
  parameter  int unsigned W    = 6,  // image columns
  parameter  int unsigned C    = 3,  // channels
  parameter  int unsigned BITS = 1,  // bits an element
  parameter  int unsigned KH   = 3,  // kernel rows
  parameter  int unsigned KW   = 3,  // kernel columns
  parameter  int unsigned SH   = 1,  // stride, rows
  parameter  int unsigned SW   = 1,  // stride, columns
  parameter  int unsigned PT   = 1,  // padding above
  parameter  int unsigned PL   = 1,  // padding on the left
  parameter  int unsigned OH   = 5,  // output rows
  parameter  int unsigned OW   = 6,  // output columns
  parameter  int unsigned SIMD = 2,  // elements an output beat
  parameter  int unsigned FILL = 0,  // a padded element
  parameter  int unsigned ROWS = 4,  // image rows that the ring holds, when SIMD <= C
  parameter  bit          BLOCK = 1'b0,  // the ring in block RAM; else in LUTs
  localparam int unsigned IN   = SIMD < C ? SIMD : C  // elements an input beat
) (
  input  logic                 clk,
  input  logic                 rst,

  input  logic [IN*BITS-1:0]   s_axis_tdata,
  input  logic                 s_axis_tvalid,
  output logic                 s_axis_tready,

  output logic [SIMD*BITS-1:0] m_axis_tdata,
  output logic                 m_axis_tvalid,
  input  logic                 m_axis_tready
);
  if (SIMD <= C) begin : gen_ring
    window_ring #(
      .H(H), .W(W), .C(C), .BITS(BITS), .KH(KH), .KW(KW), .SH(SH), .SW(SW), .PT(PT), .PL(PL),
      .OH(OH), .OW(OW), .SIMD(SIMD), .FILL(FILL), .ROWS(ROWS), .BLOCK(BLOCK)
    ) u_ring (
      .clk,
      .rst,
      .s_axis_tdata,
      .s_axis_tvalid,
      .s_axis_tready,
      .m_axis_tdata,
      .m_axis_tvalid,
      .m_axis_tready
    );
  end else begin : gen_shift
    window_shift #(
      .H(H), .W(W), .C(C), .BITS(BITS), .KH(KH), .KW(KW), .SH(SH), .SW(SW), .PT(PT), .PL(PL),
      .OH(OH), .OW(OW), .SIMD(SIMD), .FILL(FILL)
    ) u_shift (
      .clk,
      .rst,
      .s_axis_tdata,
      .s_axis_tvalid,
      .s_axis_tready,
      .m_axis_tdata,
      .m_axis_tvalid,
      .m_axis_tready
    );
  end
endmodule
