// fifo: stream FIFO of any depth, in LUTs up to 8 Kibit, beyond that in block RAM.
// First-word fall-through: a beat can leave one cycle after it came. Throughput 1 beat/cycle.
// Neither handshake output depends combinationally on an input.
module fifo #(
  parameter int unsigned WIDTH = 8,  // bits a beat
  parameter int unsigned DEPTH = 2   // beats it holds, at least 2
) (
  input  logic             clk,
  input  logic             rst,

  input  logic [WIDTH-1:0] s_axis_tdata,
  input  logic             s_axis_tvalid,
  output logic             s_axis_tready,

  output logic [WIDTH-1:0] m_axis_tdata,
  output logic             m_axis_tvalid,
  input  logic             m_axis_tready
);
  if (WIDTH == 0 || DEPTH < 2) begin : gen_bad_shape
    $fatal(1, "fifo: WIDTH must be at least 1 and DEPTH at least 2, got %0d and %0d", WIDTH, DEPTH);
  end

  localparam int unsigned AW = $clog2(DEPTH);
  localparam int unsigned CW = $clog2(DEPTH + 1);

  (* ram_style = WIDTH * DEPTH > 8192 ? "block" : "distributed" *)
  logic [WIDTH-1:0] mem [DEPTH];
  logic [AW-1:0]    write_at, read_at;
  logic [CW-1:0]    held;
  logic             push, pop;

  assign push = s_axis_tvalid && s_axis_tready;
  assign pop  = m_axis_tvalid && m_axis_tready;

  assign s_axis_tready = held != CW'(DEPTH);
  assign m_axis_tvalid = held != '0;
  assign m_axis_tdata  = mem[read_at];

  always_ff @(posedge clk) if (push) mem[write_at] <= s_axis_tdata;

  always_ff @(posedge clk) begin
    if (push) write_at <= write_at == AW'(DEPTH - 1) ? '0 : write_at + 1'b1;
    if (pop)  read_at  <= read_at == AW'(DEPTH - 1) ? '0 : read_at + 1'b1;
    held <= held + CW'(push) - CW'(pop);
    if (rst) begin
      write_at <= '0;
      read_at  <= '0;
      held     <= '0;
    end
  end

`ifndef SYNTHESIS
  assert property (@(posedge clk) disable iff (rst)
                   m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid && $stable(m_axis_tdata))
  else $error("fifo %m: m_axis changed while stalled");
`endif
endmodule
