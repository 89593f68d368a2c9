// fifo: stands in for rtl/fifo.sv while the smallest depths are searched; for simulation only.
// +<instance path>=N sets the depth when the simulation starts, up to DEPTH, so that one build
// serves every depth. Otherwise the same, cycle by cycle.
module fifo #(
  parameter int unsigned WIDTH = 8,  // bits a beat
  parameter int unsigned DEPTH = 2   // the most beats it can be told to hold
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
  localparam int unsigned AW = $clog2(DEPTH);
  localparam int unsigned CW = $clog2(DEPTH + 1);

  logic [WIDTH-1:0] mem [DEPTH];
  logic [AW-1:0]    write_at, read_at;
  logic [CW-1:0]    held, depth;
  logic             push, pop;
  string            name;

  initial begin
    name = $sformatf("%m");
    if ($value$plusargs({name, "=%d"}, depth) == 0) depth = CW'(DEPTH);
  end

  assign push = s_axis_tvalid && s_axis_tready;
  assign pop  = m_axis_tvalid && m_axis_tready;

  assign s_axis_tready = held < depth;
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
endmodule
