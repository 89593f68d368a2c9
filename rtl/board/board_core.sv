// board_core: the accelerator between memory and registers, all of a board but its processor.
// AXI-Lite registers start a batch: packed images are read through the AXI master, go through the
// accelerator, and results are written back. Registers, memory layout and every special case are
// in docs/board.md. The AXI master speaks AXI3: bursts of at most 16 beats of 64 bits, ID 0.
module board_core #(
  parameter bit [63:0]   HASH     = network::HASH,      // the network's
  parameter int unsigned IN_W     = network::IN_W,      // bits of a beat into the accelerator
  parameter int unsigned IN_BEATS = network::IN_BEATS,  // beats an image
  parameter int unsigned CLASSES  = network::CLASSES,   // logits an image
  parameter int unsigned PE       = network::PE,        // logits of a beat out of the accelerator
  parameter int unsigned LOGIT_W  = network::LOGIT_W    // signed logit width
) (
  input  logic        clk,
  input  logic        rst,

  input  logic [7:0]  s_axil_awaddr,
  input  logic        s_axil_awvalid,
  output logic        s_axil_awready,
  input  logic [31:0] s_axil_wdata,
  input  logic [3:0]  s_axil_wstrb,
  input  logic        s_axil_wvalid,
  output logic        s_axil_wready,
  output logic [1:0]  s_axil_bresp,
  output logic        s_axil_bvalid,
  input  logic        s_axil_bready,
  input  logic [7:0]  s_axil_araddr,
  input  logic        s_axil_arvalid,
  output logic        s_axil_arready,
  output logic [31:0] s_axil_rdata,
  output logic [1:0]  s_axil_rresp,
  output logic        s_axil_rvalid,
  input  logic        s_axil_rready,

  output logic [5:0]  m_axi_arid,
  output logic [31:0] m_axi_araddr,
  output logic [3:0]  m_axi_arlen,
  output logic [2:0]  m_axi_arsize,
  output logic [1:0]  m_axi_arburst,
  output logic        m_axi_arvalid,
  input  logic        m_axi_arready,
  input  logic [5:0]  m_axi_rid,
  input  logic [63:0] m_axi_rdata,
  input  logic [1:0]  m_axi_rresp,
  input  logic        m_axi_rlast,
  input  logic        m_axi_rvalid,
  output logic        m_axi_rready,

  output logic [5:0]  m_axi_awid,
  output logic [31:0] m_axi_awaddr,
  output logic [3:0]  m_axi_awlen,
  output logic [2:0]  m_axi_awsize,
  output logic [1:0]  m_axi_awburst,
  output logic        m_axi_awvalid,
  input  logic        m_axi_awready,
  output logic [63:0] m_axi_wdata,
  output logic [7:0]  m_axi_wstrb,
  output logic        m_axi_wlast,
  output logic        m_axi_wvalid,
  input  logic        m_axi_wready,
  input  logic [5:0]  m_axi_bid,
  input  logic [1:0]  m_axi_bresp,
  input  logic        m_axi_bvalid,
  output logic        m_axi_bready,

  output logic        busy,
  output logic        error,
  output logic        irq
);
  localparam int unsigned CLASS_W      = CLASSES > 1 ? $clog2(CLASSES) : 1;
  localparam int unsigned OUT_W        = CLASS_W + PE * LOGIT_W;  // bits of a beat out
  localparam int unsigned IMAGE_WORDS  = (IN_W * IN_BEATS + 63) / 64;
  localparam int unsigned RESULT_WORDS = (CLASSES + 1) / 2 + 1;

  if (IN_W > 64 || IMAGE_WORDS > 65535) begin : gen_bad_shape
    $fatal(1, "board_core: a beat of %0d bits (at most 64), an image of %0d words (at most 65535)",
           IN_W, IMAGE_WORDS);
  end

  // Registers.
  typedef enum logic [2:0] {IDLE, COUNT, ADD, CHECK, RUN, DRAIN, FLUSH} state_e;
  typedef enum logic [2:0] {
    ERROR_BUSY, ERROR_UNALIGNED, ERROR_RANGE, ERROR_READ, ERROR_WRITE
  } error_e;

  state_e      state;
  logic        start, soft_reset, acknowledge, irq_enable, done, resetting;
  logic [4:0]  errors;
  logic [31:0] source, target, cycles, stall_in, stall_out;
  logic [23:0] count, finished;

  axil_regs #(
    .HASH(HASH), .IMAGE_WORDS(IMAGE_WORDS), .RESULT_WORDS(RESULT_WORDS), .CLASSES(CLASSES)
  ) u_regs (
    .clk,
    .rst,
    .s_axil_awaddr,
    .s_axil_awvalid,
    .s_axil_awready,
    .s_axil_wdata,
    .s_axil_wstrb,
    .s_axil_wvalid,
    .s_axil_wready,
    .s_axil_bresp,
    .s_axil_bvalid,
    .s_axil_bready,
    .s_axil_araddr,
    .s_axil_arvalid,
    .s_axil_arready,
    .s_axil_rdata,
    .s_axil_rresp,
    .s_axil_rvalid,
    .s_axil_rready,
    .start,
    .soft_reset,
    .acknowledge,
    .irq_enable,
    .source,
    .target,
    .count,
    .busy,
    .done,
    .resetting,
    .error(errors),
    .finished,
    .cycles,
    .stall_in,
    .stall_out
  );

  assign busy  = state != IDLE;
  assign error = errors != '0;
  assign irq   = irq_enable && done;

  // A batch: its sizes and ends take three cycles, so that no path is long.
  logic [28:0] source_word, target_word;
  logic [23:0] images;
  logic [39:0] image_words, result_words;
  logic [40:0] source_end, target_end;
  logic        unaligned, too_far, nothing;

  always_ff @(posedge clk) begin
    if (state == IDLE && start) begin
      source_word <= source[31:3];
      target_word <= target[31:3];
      images      <= count;
      unaligned   <= {source[2:0], target[2:0]} != '0;
    end
    image_words  <= 40'(images) * 40'(IMAGE_WORDS);
    result_words <= 40'(images) * 40'(RESULT_WORDS);
    source_end   <= 41'(source_word) + 41'(image_words);
    target_end   <= 41'(target_word) + 41'(result_words);
  end

  assign too_far = source_end > 41'h2000_0000 || target_end > 41'h2000_0000;  // words in 4 GB
  assign nothing = images == '0;

  // What happens when: docs/board.md.
  logic       go, stop, flush, flushed, idle, failed;
  logic       reader_idle, reader_failed, writer_idle, writer_failed;
  logic [3:0] flushing;

  assign go      = state == CHECK && !soft_reset && !nothing && !unaligned && !too_far;
  assign stop    = state == DRAIN || state == FLUSH;
  assign flush   = state == FLUSH;
  assign flushed = flushing == '1;
  assign idle    = reader_idle && writer_idle;
  assign failed  = reader_failed || writer_failed;

  always_ff @(posedge clk) begin
    unique case (state)
      IDLE:    if (start) state <= COUNT;
      COUNT:   state <= ADD;
      ADD:     state <= CHECK;
      CHECK:   state <= go ? RUN : IDLE;
      RUN:     if (failed) state <= DRAIN;
               else if (idle) state <= IDLE;
      DRAIN:   if (idle) state <= FLUSH;
      FLUSH:   if (flushed) state <= IDLE;
      default: state <= IDLE;
    endcase
    if (soft_reset) state <= DRAIN;
    if (rst) state <= IDLE;
  end

  always_ff @(posedge clk) begin
    flushing <= flush ? flushing + 1'b1 : '0;

    if (start && busy) errors[ERROR_BUSY] <= 1'b1;
    if (state == CHECK && !nothing) begin
      errors[ERROR_UNALIGNED] <= unaligned;
      errors[ERROR_RANGE]     <= too_far;
    end
    if (busy && !resetting && reader_failed) errors[ERROR_READ]  <= 1'b1;
    if (busy && !resetting && writer_failed) errors[ERROR_WRITE] <= 1'b1;

    if (state == CHECK && !go) done <= 1'b1;
    if (state == RUN && idle && !failed) done <= 1'b1;
    if (flush && flushed && !resetting) done <= 1'b1;
    if (flush && flushed) resetting <= 1'b0;
    if (acknowledge) done <= 1'b0;

    if (start && !busy) begin
      errors <= '0;
      done   <= 1'b0;
    end
    if (soft_reset) begin
      errors    <= '0;
      done      <= 1'b0;
      resetting <= 1'b1;
    end
    if (rst) begin
      errors    <= '0;
      done      <= 1'b0;
      resetting <= 1'b0;
    end
  end

  // From memory to memory; all of it is reset between a failed batch and the next.
  logic             path_rst;
  logic [63:0]      words_tdata, results_tdata;
  logic [IN_W-1:0]  in_tdata;
  logic [OUT_W-1:0] out_tdata;
  logic             words_tvalid, words_tready, in_tvalid, in_tready;
  logic             out_tvalid, out_tlast, out_tready, results_tvalid, results_tready;

  always_ff @(posedge clk) path_rst <= rst || flush;

  axi_reader u_reader (
    .clk,
    .rst          (path_rst),
    .start        (go),
    .address      (source_word),
    .words        (image_words[29:0]),
    .stop,
    .idle         (reader_idle),
    .failed       (reader_failed),
    .m_axi_arid,
    .m_axi_araddr,
    .m_axi_arlen,
    .m_axi_arsize,
    .m_axi_arburst,
    .m_axi_arvalid,
    .m_axi_arready,
    .m_axi_rid,
    .m_axi_rdata,
    .m_axi_rresp,
    .m_axi_rlast,
    .m_axi_rvalid,
    .m_axi_rready,
    .m_axis_tdata (words_tdata),
    .m_axis_tvalid(words_tvalid),
    .m_axis_tready(words_tready)
  );

  width_converter #(.N(IN_W * IN_BEATS), .BITS(1), .IN_LANES(64), .OUT_LANES(IN_W)) u_beats (
    .clk,
    .rst          (path_rst),
    .s_axis_tdata (words_tdata),
    .s_axis_tvalid(words_tvalid),
    .s_axis_tready(words_tready),
    .m_axis_tdata (in_tdata),
    .m_axis_tvalid(in_tvalid),
    .m_axis_tready(in_tready)
  );

  accelerator #(.PRIMITIVES(network::PRIMITIVES)) u_accelerator (
    .clk,
    .rst          (path_rst),
    .s_axis_tdata (in_tdata),
    .s_axis_tvalid(in_tvalid),
    .s_axis_tready(in_tready),
    .m_axis_tdata (out_tdata),
    .m_axis_tvalid(out_tvalid),
    .m_axis_tlast (out_tlast),
    .m_axis_tready(out_tready)
  );

  result_packer #(.CLASSES(CLASSES), .PE(PE), .LOGIT_W(LOGIT_W)) u_results (
    .clk,
    .rst          (path_rst),
    .s_axis_tdata (out_tdata),
    .s_axis_tvalid(out_tvalid),
    .s_axis_tlast (out_tlast),
    .s_axis_tready(out_tready),
    .m_axis_tdata (results_tdata),
    .m_axis_tvalid(results_tvalid),
    .m_axis_tready(results_tready)
  );

  axi_writer u_writer (
    .clk,
    .rst          (path_rst),
    .start        (go),
    .address      (target_word),
    .words        (result_words[29:0]),
    .stop,
    .idle         (writer_idle),
    .failed       (writer_failed),
    .s_axis_tdata (results_tdata),
    .s_axis_tvalid(results_tvalid),
    .s_axis_tready(results_tready),
    .m_axi_awid,
    .m_axi_awaddr,
    .m_axi_awlen,
    .m_axi_awsize,
    .m_axi_awburst,
    .m_axi_awvalid,
    .m_axi_awready,
    .m_axi_wdata,
    .m_axi_wstrb,
    .m_axi_wlast,
    .m_axi_wvalid,
    .m_axi_wready,
    .m_axi_bid,
    .m_axi_bresp,
    .m_axi_bvalid,
    .m_axi_bready
  );

  // Counters.
  logic counting, hungry, full;

  assign counting = busy && !resetting;
  assign hungry   = state == RUN && in_tready && !in_tvalid && !(reader_idle && !words_tvalid);
  assign full     = state == RUN && out_tvalid && !out_tready;

  always_ff @(posedge clk) begin
    if (counting && cycles != '1) cycles <= cycles + 1'b1;
    if (hungry) stall_in  <= stall_in + 1'b1;
    if (full)   stall_out <= stall_out + 1'b1;
    if (counting && out_tvalid && out_tready && out_tlast) finished <= finished + 1'b1;
    if (rst || (start && !busy)) begin
      cycles    <= '0;
      stall_in  <= '0;
      stall_out <= '0;
      finished  <= '0;
    end
  end
endmodule
