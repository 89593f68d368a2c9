// mvau: matrix-vector-activation unit, PE neurons x SIMD inputs a cycle, of M vectors side by side.
// For each input vector of MW elements it puts out MH neurons, PE a beat: bits (acc >= threshold)
// or the accumulators. BIPOLAR_IN: elements are bits meaning +-1 and acc = number that agree with
// the weights; else elements are integers and acc = sum of +-x. The M vectors share each weight
// that is read; vector m has the m-th slice of a beat, in and out.
//
//            nf = 0: stored and used        nf > 0: replayed
//   s_axis --+--> buffer[SF] --+--> x_1 --> dot (each PE) --> acc --> credit_fifo --> m_axis
//            +-----------------+      w_1 --^      preload --^             |
//   issue <--------------------------- a place is free --------------------+
//
// Throughput: SF*NF cycles for M vectors, SF = ceil(MW/SIMD), NF = ceil(MH/PE), back to back.
// Latency: the first output beat is valid SF + LATENCY + 2 cycles after the first input beat came.
// PRIMITIVES makes PEs of 7-series cells, which take LATENCY cycles for a sum; without, they take
// one, and results wait, so that not a cycle differs.
// Only stage 0 sees back-pressure: it issues when the output FIFO has a place for the result.
//
// Memories, each a rom.sv: WEIGHTS_FILE has word nf*SF+sf, bit p*SIMD+s = weight of neuron
// nf*PE+p for input sf*SIMD+s, 1 means +1, spare inputs 1 (a spare 0 bit then disagrees).
// THRESHOLDS_FILE has word nf, lane p = what the accumulator starts from: minus the threshold, so
// that the output bit is "sign not set"; for integers plus the sum of +-x less that of xnor_sum.sv.
// Accumulators of bits that are put out start from 0. Sums wrap modulo 2^ACC_W: results must fit.
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
  parameter  int unsigned M          = 1,     // vectors that share each weight
  parameter  bit          BIPOLAR_IN = 1'b1,  // elements are bits meaning +-1
  parameter  int unsigned IN_BITS    = 1,     // bits an element, 1 when BIPOLAR_IN
  parameter  bit          SIGNED_IN  = 1'b0,  // integer elements are two's complement
  parameter  bit          THRESHOLDS = 1'b1,  // put out bits; else accumulators
  parameter  int unsigned ACC_W      = 7,     // signed accumulator width
  parameter  bit          PRIMITIVES = 1'b0,  // PEs of LUT6_2 and CARRY4
  parameter  int unsigned LATENCY    = 3,     // onebit/heap.py: xnor_latency(SIMD, IN_BITS)
  parameter  int unsigned CLASSES    = 1,     // classes of positions, each with its thresholds
  parameter  int unsigned OH         = 1,     // rows of positions, when CLASSES > 1
  parameter  int unsigned OW         = 1,     // columns of positions, when CLASSES > 1
  parameter  bit          BLOCK_WEIGHTS    = 1'b0,  // weights in block RAM; else in LUTs
  parameter  bit          BLOCK_THRESHOLDS = 1'b0,  // thresholds likewise
  parameter  string       WEIGHTS_FILE    = "weights.mem",
  parameter  string       THRESHOLDS_FILE = "thresholds.mem",  // read if THRESHOLDS or of integers
  parameter  string       ROWS_FILE       = "rows.mem",        // read when CLASSES > 1
  parameter  string       COLUMNS_FILE    = "columns.mem",     // read when CLASSES > 1
  localparam int unsigned OUT_BITS   = THRESHOLDS ? 1 : ACC_W
) (
  input  logic                      clk,
  input  logic                      rst,

  input  logic [M*SIMD*IN_BITS-1:0] s_axis_tdata,
  input  logic                      s_axis_tvalid,
  output logic                      s_axis_tready,

  output logic [M*PE*OUT_BITS-1:0]  m_axis_tdata,
  output logic                      m_axis_tvalid,
  input  logic                      m_axis_tready
);
  if (PE == 0 || PE > MH || SIMD == 0 || SIMD > MW) begin : gen_bad_fold
    $fatal(1, "mvau: PE=%0d must be in 1..MH=%0d and SIMD=%0d in 1..MW=%0d", PE, MH, SIMD, MW);
  end
  if (BIPOLAR_IN && IN_BITS != 1) begin : gen_bad_bits
    $fatal(1, "mvau: BIPOLAR_IN elements have one bit, got IN_BITS=%0d", IN_BITS);
  end
  if (CLASSES == 0 || CLASSES > 1 && (!THRESHOLDS || M > 1)) begin : gen_bad_classes
    $fatal(1, "mvau: CLASSES=%0d must be 1, or more with THRESHOLDS and M=1", CLASSES);
  end
  if (M == 0 || LATENCY == 0) begin : gen_bad_vectors
    $fatal(1, "mvau: M=%0d and LATENCY=%0d must be at least 1", M, LATENCY);
  end

  localparam int unsigned SF     = (MW + SIMD - 1) / SIMD;
  localparam int unsigned NF     = (MH + PE - 1) / PE;
  localparam int unsigned USED   = MH - (NF - 1) * PE;  // lanes in use in the last fold
  localparam int unsigned SF_W   = SF > 1 ? $clog2(SF) : 1;
  localparam int unsigned NF_W   = NF > 1 ? $clog2(NF) : 1;
  localparam int unsigned ADDR_W = SF * NF > 1 ? $clog2(SF * NF) : 1;
  // A place is taken for LATENCY + 4 cycles; one stays free for beats that do not finish a result.
  localparam int unsigned PLACES = 1 + (LATENCY + 3 + SF - 1) / SF;
  localparam int unsigned DOT    = PRIMITIVES ? LATENCY : 1;  // cycles of a PE's dot product

  // Stage 0: issue one word of work a cycle.
  logic              issue, free, replay, last_word;
  logic [SF_W-1:0]   sf;
  logic [NF_W-1:0]   nf;
  logic [ADDR_W-1:0] addr;

  assign s_axis_tready = free && !replay;
  assign issue = free && (replay || s_axis_tvalid);
  assign last_word = sf == SF_W'(SF - 1);

  always_ff @(posedge clk) begin
    if (issue) begin
      sf   <= last_word ? '0 : sf + 1'b1;
      addr <= addr == ADDR_W'(SF * NF - 1) ? '0 : addr + 1'b1;
      if (last_word) begin
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
  logic [M*SIMD*IN_BITS-1:0] x_1;
  logic [PE*SIMD-1:0]        w_1;

  rom #(
    .WORDS(NF * SF), .WIDTH(PE * SIMD), .BLOCK(BLOCK_WEIGHTS), .FILE(WEIGHTS_FILE)
  ) u_weights (
    .clk,
    .addr,
    .q(w_1)
  );

  if (NF == 1) begin : gen_no_replay
    always_ff @(posedge clk) x_1 <= s_axis_tdata;
  end else begin : gen_replay
    (* ram_style = SF < 3 ? "auto" : SF * M * SIMD * IN_BITS > 8192 ? "block" : "distributed" *)
    logic [M*SIMD*IN_BITS-1:0] buffer [SF];
    always_ff @(posedge clk) begin
      if (issue && !replay) buffer[sf] <= s_axis_tdata;
      x_1 <= replay ? buffer[sf] : s_axis_tdata;
    end
  end

  // What travels beside the data, [0] in stage 1: a word is valid, first or last of its neurons,
  // in the last fold. What leaves the dot product, in stage 1 + DOT, is accumulated in the next.
  logic [DOT:0]   valid, first, last;
  logic [DOT+1:0] final_fold;
  logic           done;

  always_ff @(posedge clk) begin
    valid <= {valid[DOT-1:0], issue} & {(DOT + 1){!rst}};
    done  <= valid[DOT] && last[DOT] && !rst;
    first <= {first[DOT-1:0], sf == '0};
    last  <= {last[DOT-1:0], last_word};
    final_fold <= {final_fold[DOT:0], nf == NF_W'(NF - 1)};
  end

  // What accumulators start from, beside what leaves the dot product.
  logic [PE*ACC_W-1:0] preload;

  if (THRESHOLDS || !BIPOLAR_IN) begin : gen_thresholds
    localparam int unsigned WORD_W = CLASSES * NF > 1 ? $clog2(CLASSES * NF) : 1;
    logic [DOT-1:0][WORD_W-1:0] word;
    logic [NF_W-1:0]            nf_1;

    always_ff @(posedge clk) nf_1 <= nf;

    rom #(
      .WORDS(CLASSES * NF), .WIDTH(PE * ACC_W), .BLOCK(BLOCK_THRESHOLDS), .FILE(THRESHOLDS_FILE)
    ) u_thresholds (
      .clk,
      .addr(word[DOT-1]),
      .q   (preload)
    );

    if (CLASSES == 1) begin : gen_one_class
      assign word[0] = nf_1;
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
      assign word[0] = base_1 + WORD_W'(nf_1);
    end
    for (genvar d = 1; d < DOT; d++) begin : gen_word
      always_ff @(posedge clk) word[d] <= word[d-1];
    end
  end else begin : gen_zero
    assign preload = '0;
  end

  // Dot products and accumulators.
  logic [M*PE*OUT_BITS-1:0] result;

  for (genvar v = 0; v < M; v++) begin : gen_vector
    logic [SIMD*IN_BITS-1:0] x;
    assign x = x_1[v*SIMD*IN_BITS+:SIMD*IN_BITS];

    for (genvar p = 0; p < PE; p++) begin : gen_pe
      logic [ACC_W-1:0]    acc;
      logic [OUT_BITS-1:0] lane;

      pe #(
        .SIMD(SIMD), .BIPOLAR_IN(BIPOLAR_IN), .IN_BITS(IN_BITS), .SIGNED_IN(SIGNED_IN),
        .ACC_W(ACC_W), .PRIMITIVES(PRIMITIVES), .LATENCY(LATENCY)
      ) u_pe (
        .clk,
        .x,
        .w      (w_1[p*SIMD+:SIMD]),
        .valid  (valid[DOT]),
        .first  (first[DOT]),
        .preload(preload[p*ACC_W+:ACC_W]),
        .acc
      );

      assign lane = THRESHOLDS ? OUT_BITS'(!acc[ACC_W-1]) : OUT_BITS'(acc);
      if (p < USED) begin : gen_used
        assign result[(v*PE+p)*OUT_BITS+:OUT_BITS] = lane;
      end else begin : gen_spare
        assign result[(v*PE+p)*OUT_BITS+:OUT_BITS] = final_fold[DOT+1] ? '0 : lane;
      end
    end
  end

  // Results of a dot product that takes less than LATENCY wait for the rest of it.
  logic                     push;
  logic [M*PE*OUT_BITS-1:0] push_data;

  if (DOT == LATENCY) begin : gen_no_wait
    assign push = done;
    assign push_data = result;
  end else begin : gen_wait
    logic [LATENCY-DOT-1:0]   done_w;
    logic [M*PE*OUT_BITS-1:0] result_w [LATENCY-DOT];
    always_ff @(posedge clk) begin
      done_w <= (LATENCY - DOT)'({done_w, done}) & {(LATENCY - DOT){!rst}};
      result_w[0] <= result;
      for (int i = 1; i < LATENCY - DOT; i++) result_w[i] <= result_w[i-1];
    end
    assign push = done_w[LATENCY-DOT-1];
    assign push_data = result_w[LATENCY-DOT-1];
  end

  credit_fifo #(.WIDTH(M * PE * OUT_BITS), .DEPTH(PLACES)) u_results (
    .clk,
    .rst,
    .free,
    .reserve  (issue && last_word),
    .push,
    .push_data,
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
