// stream_probe: writes each beat of a stream it watches to a text file, one hexadecimal line each.
// For simulation only: instantiated, or bound to a module, in builds that trace.
module stream_probe #(
  parameter int unsigned WIDTH = 8,            // bits a beat
  parameter string       FILE  = "stream.txt"  // written anew, relative to the working folder
) (
  input logic             clk,
  input logic             rst,
  input logic [WIDTH-1:0] tdata,
  input logic             tvalid,
  input logic             tready
);
  int file;

  initial begin
    file = $fopen(FILE, "w");
    if (file == 0) $fatal(1, "stream_probe %m: cannot write %s", FILE);
  end

  // Flushed at once, so that the trace survives an abort.
  always_ff @(posedge clk) begin
    if (!rst && tvalid && tready) begin
      $fdisplay(file, "%h", tdata);
      $fflush(file);
    end
  end

  final $fclose(file);
endmodule
