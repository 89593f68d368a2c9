// mvau: matrix-vector-activation unit, PE neurons x SIMD inputs a cycle.
// For each input vector of MW elements it puts out MH neurons, PE a beat: bits (acc >= threshold)
// or the accumulators. BIPOLAR_IN: elements are bits meaning +-1 and acc = number that agree with
// the weights; else elements are integers and acc = sum of +-x.
//
//            nf = 0: stored and used        nf > 0: replayed
//   s_axis --+--> buffer[SF] --+--> x_1 --> dot (each PE) --> acc --> credit_fifo --> m_axis
//            +-----------------+      w_1 --^      preload --^             |
//   issue <--------------------------- a place is free --------------------+
//
// Throughput: SF*NF cycles a vector, SF = ceil(MW/SIMD), NF = ceil(MH/PE), back to back.
// Latency: a vector's first output beat is valid SF + 3 cycles after its first input beat came.
// Only stage 0 sees back-pressure: it issues when the output FIFO has a place for the result.
//
// Memories, read by $readmemh: WEIGHTS_FILE has word nf*SF+sf, bit p*SIMD+s = weight of neuron
// nf*PE+p for input sf*SIMD+s, 1 means +1, spare inputs 1 (a spare 0 bit then disagrees).
// THRESHOLDS_FILE has word nf, lane p = minus the threshold, what the accumulator starts from, so
// that the output bit is "sign not set". Sums wrap modulo 2^ACC_W: only results must fit.
//
// Where zero padding makes sums differ at the border of an image, vectors come in raster order of
// OH x OW positions, and a position's class has thresholds of its own: THRESHOLDS_FILE then has
// CLASSES*NF words, word rows[y]+columns[x]+nf for position (y, x). ROWS_FILE and COLUMNS_FILE
// hold these two tables, already multiplied by NF.
module mvau #(
  parameter  int unsigned MW         = 32,    // matrix width: elements of an input vector
  parameter  int unsigned MH         = 12,    // matrix height: neurons
  parameter  int unsigned PE         = 8,     // neurons a cycle, need not divide MH
  parameter  int unsigned SIMD       = 12,    // inputs a cycle, need not divide MW
  parameter  bit          BIPOLAR_IN = 1'b1,  // elements are bits meaning +-1
  parameter  int unsigned IN_BITS    = 1,     // bits an element, 1 when BIPOLAR_IN
  parameter  bit          SIGNED_IN  = 1'b0,  // integer elements are two's complement
  parameter  bit          THRESHOLDS = 1'b1,  // put out bits; else accumulators
  parameter  int unsigned ACC_W      = 7,     // signed accumulator width
  parameter  int unsigned CLASSES    = 1,     // classes of positions, each with its thresholds
  parameter  int unsigned OH         = 1,     // rows of positions, when CLASSES > 1
  parameter  int unsigned OW         = 1,     // columns of positions, when CLASSES > 1
  parameter  bit          BLOCK_WEIGHTS    = 1'b0,  // weights in block RAM; else in LUTs
  parameter  bit          BLOCK_THRESHOLDS = 1'b0,  // thresholds likewise
  parameter  string       WEIGHTS_FILE    = "weights.mem",
  parameter  string       THRESHOLDS_FILE = "thresholds.mem",  // read when THRESHOLDS
  parameter  string       ROWS_FILE       = "rows.mem",        // read when CLASSES > 1
  parameter  string       COLUMNS_FILE    = "columns.mem",     // read when CLASSES > 1
  localparam int unsigned OUT_BITS   = THRESHOLDS ? 1 : ACC_W
) (
  input  logic                    clk,
  input  logic                    rst,

  input  logic [SIMD*IN_BITS-1:0] s_axis_tdata,
  input  logic                    s_axis_tvalid,
  output logic                    s_axis_tready,

  output logic [PE*OUT_BITS-1:0]  m_axis_tdata,
  output logic                    m_axis_tvalid,
  input  logic                    m_axis_tready
);
  if (PE == 0 || PE > MH || SIMD == 0 || SIMD > MW) begin : gen_bad_fold
    $fatal(1, "mvau: PE=%0d must be in 1..MH=%0d and SIMD=%0d in 1..MW=%0d", PE, MH, SIMD, MW);
  end
  if (BIPOLAR_IN && IN_BITS != 1) begin : gen_bad_bits
    $fatal(1, "mvau: BIPOLAR_IN elements have one bit, got IN_BITS=%0d", IN_BITS);
  end
  if (CLASSES == 0 || CLASSES > 1 && !THRESHOLDS) begin : gen_bad_classes
    $fatal(1, "mvau: CLASSES=%0d must be 1, or more with THRESHOLDS", CLASSES);
  end

  localparam int unsigned SF     = (MW + SIMD - 1) / SIMD;
  localparam int unsigned NF     = (MH + PE - 1) / PE;
  localparam int unsigned USED   = MH - (NF - 1) * PE;  // lanes in use in the last fold
  localparam int unsigned SF_W   = SF > 1 ? $clog2(SF) : 1;
  localparam int unsigned NF_W   = NF > 1 ? $clog2(NF) : 1;
  localparam int unsigned ADDR_W = SF * NF > 1 ? $clog2(SF * NF) : 1;
  // A place is taken for 5 cycles, and one must stay free for beats that do not finish a result.
  localparam int unsigned PLACES = 1 + (4 + SF - 1) / SF;

  // Stage 0: issue one word of work a cycle.
  logic              issue, free, replay, first, last;
  logic [SF_W-1:0]   sf;
  logic [NF_W-1:0]   nf;
  logic [ADDR_W-1:0] addr;

  assign s_axis_tready = free && !replay;
  assign issue = free && (replay || s_axis_tvalid);
  assign first = sf == '0;
  assign last  = sf == SF_W'(SF - 1);

  always_ff @(posedge clk) begin
    if (issue) begin
      sf   <= last ? '0 : sf + 1'b1;
      addr <= addr == ADDR_W'(SF * NF - 1) ? '0 : addr + 1'b1;
      if (last) begin
        nf     <= nf == NF_W'(NF - 1) ? '0 : nf + 1'b1;
        replay <= nf != NF_W'(NF - 1);
      end
    end
    if (rst) begin
      sf     <= '0;
      nf     <= '0;
      addr   <= '0;
      replay <= 1'b0;
    end
  end

  // Stage 1: inputs and weights.
  logic [SIMD*IN_BITS-1:0] x_1;
  logic [PE*SIMD-1:0]      w_1;
  (* rom_style = BLOCK_WEIGHTS ? "block" : "logic" *)
  logic [PE*SIMD-1:0]      weights [NF*SF];

  initial $readmemh(WEIGHTS_FILE, weights);
  always_ff @(posedge clk) w_1 <= weights[addr];

  if (NF == 1) begin : gen_no_replay
    always_ff @(posedge clk) x_1 <= s_axis_tdata;
  end else begin : gen_replay
    (* ram_style = SF < 3 ? "auto" : SF * SIMD * IN_BITS > 8192 ? "block" : "distributed" *)
    logic [SIMD*IN_BITS-1:0] buffer [SF];
    always_ff @(posedge clk) begin
      if (issue && !replay) buffer[sf] <= s_axis_tdata;
      x_1 <= replay ? buffer[sf] : s_axis_tdata;
    end
  end

  // What travels beside the data: a word is valid, first or last of its neurons, in the last fold.
  logic            valid_1, first_1, last_1, valid_2, first_2, last_2, final_2, done_3, final_3;
  logic [NF_W-1:0] nf_1;

  always_ff @(posedge clk) begin
    valid_1 <= issue && !rst;
    valid_2 <= valid_1 && !rst;
    done_3  <= valid_2 && last_2 && !rst;
    first_1 <= first;
    last_1  <= last;
    nf_1    <= nf;
    first_2 <= first_1;
    last_2  <= last_1;
    final_2 <= nf_1 == NF_W'(NF - 1);
    final_3 <= final_2;
  end

  // Stages 2 and 3: dot products, accumulators.
  logic [PE*ACC_W-1:0]    preload_2;
  logic [PE*OUT_BITS-1:0] result_3;

  if (THRESHOLDS) begin : gen_thresholds
    localparam int unsigned WORD_W = CLASSES * NF > 1 ? $clog2(CLASSES * NF) : 1;
    (* rom_style = BLOCK_THRESHOLDS ? "block" : "logic" *)
    logic [PE*ACC_W-1:0] thresholds [CLASSES*NF];
    logic [WORD_W-1:0]   word_1;

    initial $readmemh(THRESHOLDS_FILE, thresholds);
    always_ff @(posedge clk) preload_2 <= thresholds[word_1];

    if (CLASSES == 1) begin : gen_one_class
      assign word_1 = nf_1;
    end else begin : gen_classes
      logic [WORD_W-1:0] base_1;
      border #(
        .OH(OH), .OW(OW), .BASE_W(WORD_W), .ROWS_FILE(ROWS_FILE), .COLUMNS_FILE(COLUMNS_FILE)
      ) u_border (
        .clk,
        .rst,
        .advance(issue && addr == ADDR_W'(SF * NF - 1)),
        .base   (base_1)
      );
      assign word_1 = base_1 + WORD_W'(nf_1);
    end
  end else begin : gen_accumulators
    assign preload_2 = '0;
  end

  for (genvar p = 0; p < PE; p++) begin : gen_pe
    logic [ACC_W-1:0] term_2, acc_3;

    if (BIPOLAR_IN) begin : gen_bits
      logic [$clog2(SIMD+1)-1:0] count;
      xnor_popcount #(.W(SIMD)) u_dot (.clk, .a(x_1), .w(w_1[p*SIMD+:SIMD]), .count);
      assign term_2 = ACC_W'(count);
    end else begin : gen_integers
      bipolar_dot #(.N(SIMD), .BITS(IN_BITS), .SIGNED(SIGNED_IN), .OUT_W(ACC_W)) u_dot (
        .clk, .x(x_1), .w(w_1[p*SIMD+:SIMD]), .dot(term_2)
      );
    end

    always_ff @(posedge clk) begin
      if (valid_2) acc_3 <= (first_2 ? preload_2[p*ACC_W+:ACC_W] : acc_3) + term_2;
    end

    logic [OUT_BITS-1:0] lane_3;
    assign lane_3 = THRESHOLDS ? OUT_BITS'(!acc_3[ACC_W-1]) : OUT_BITS'(acc_3);
    if (p < USED) begin : gen_used
      assign result_3[p*OUT_BITS+:OUT_BITS] = lane_3;
    end else begin : gen_spare
      assign result_3[p*OUT_BITS+:OUT_BITS] = final_3 ? '0 : lane_3;
    end
  end

  credit_fifo #(.WIDTH(PE * OUT_BITS), .DEPTH(PLACES)) u_results (
    .clk,
    .rst,
    .free,
    .reserve  (issue && last),
    .push     (done_3),
    .push_data(result_3),
    .m_axis_tdata,
    .m_axis_tvalid,
    .m_axis_tready
  );

`ifndef SYNTHESIS
  assert property (@(posedge clk) disable iff (rst)
                   m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid && $stable(m_axis_tdata))
  else $error("mvau %m: m_axis changed while stalled");
`endif
endmodule
