// border: where the thresholds of a position's class begin, one cycle later.
// Counts the positions of images of OH x OW in raster order; base = rows[y] + columns[x].
// Throughput 1/cycle, no back-pressure.
//
// Memories, read by $readmemh: ROWS_FILE has OH words, COLUMNS_FILE OW words, both multiplied by
// the words of a class, so that nothing is multiplied here.
module border #(
  parameter int unsigned OH     = 4,  // rows of positions
  parameter int unsigned OW     = 4,  // columns of positions
  parameter int unsigned BASE_W = 4,  // bits of the base
  parameter string       ROWS_FILE    = "rows.mem",
  parameter string       COLUMNS_FILE = "columns.mem"
) (
  input  logic              clk,
  input  logic              rst,

  input  logic              advance,  // the next cycle is at the next position
  output logic [BASE_W-1:0] base      // of the position in the cycle before
);
  if (OH == 0 || OW == 0) begin : gen_bad_shape
    $fatal(1, "border: OH=%0d and OW=%0d must be at least 1", OH, OW);
  end

  localparam int unsigned Y_W = OH > 1 ? $clog2(OH) : 1;
  localparam int unsigned X_W = OW > 1 ? $clog2(OW) : 1;

  logic [BASE_W-1:0] rows [OH];
  logic [BASE_W-1:0] columns [OW];
  logic [Y_W-1:0]    y;
  logic [X_W-1:0]    x;
  logic              last_x;

  initial $readmemh(ROWS_FILE, rows);
  initial $readmemh(COLUMNS_FILE, columns);

  assign last_x = x == X_W'(OW - 1);

  always_ff @(posedge clk) begin
    if (advance) begin
      x <= last_x ? '0 : x + 1'b1;
      if (last_x) y <= y == Y_W'(OH - 1) ? '0 : y + 1'b1;
    end
    if (rst) begin
      x <= '0;
      y <= '0;
    end
  end

  always_ff @(posedge clk) base <= rows[y] + columns[x];
endmodule
