#!/bin/sh
# Builds the bitstream with open tools: sh openxc7.sh [synth|place], both steps unless one is named.
# Needs pyosys (pip install pyosys) or yosys with its slang plugin; nextpnr-xilinx and its chip
# database; fasm2frames, xc7frames2bit and the database of prjxray. Set in the environment:
#   NEXTPNR_XILINX_CHIPDB  the chip database, such as xc7z020clg400.bin
#   PRJXRAY_DB_DIR         the folder of prjxray's database, which holds zynq7/
#   PYTHON NEXTPNR FASM2FRAMES XC7FRAMES2BIT  these programs, where PATH does not find them
# Beside this file lie: settings, xc7_cells.sv, pins.xdc, rtl/ with the sources, rtl/mem/ with their
# memories.
# It writes openxc7/ and, when all has ended well, NET.bit.
set -eu
cd "$(dirname "$0")"
build=openxc7
. ./settings

# Says what comes next; `onebit bitstream` shows these lines.
step() {
  echo "onebit: $*"
}

# The processor's cell is a black box of Yosys' own; nextpnr refuses the $scopeinfo cells, and
# routes no LUT with two outputs: those become two LUTs. Where it puts two LUTs in one place, it
# counts a net on two inputs of both four times, and gives up: wide ones have six inputs and a place
# of their own, the others are no wider than need be.
synth() {
  step "synthesis"
  cat > "$build/luts.v" <<'VERILOG'
module LUT6_2 (output O6, output O5, input I0, I1, I2, I3, I4, I5);
  parameter [63:0] INIT = 0;
  parameter _TECHMAP_CONSTVAL_I3_ = 1'bx;
  parameter _TECHMAP_CONSTVAL_I4_ = 1'bx;
  parameter _TECHMAP_CONSTVAL_I5_ = 1'bx;
  generate
    if (_TECHMAP_CONSTVAL_I5_ !== 1'b1 || _TECHMAP_CONSTVAL_I4_ !== 1'b0) begin
      LUT6 #(.INIT({2{INIT[31:0]}}))
        lower (.O(O5), .I0(I0), .I1(I1), .I2(I2), .I3(I3), .I4(I4), .I5(1'b1));
      LUT6 #(.INIT(INIT)) upper (.O(O6), .I0(I0), .I1(I1), .I2(I2), .I3(I3), .I4(I4), .I5(I5));
    end else if (_TECHMAP_CONSTVAL_I3_ !== 1'b0) begin
      LUT4 #(.INIT(INIT[15:0])) lower (.O(O5), .I0(I0), .I1(I1), .I2(I2), .I3(I3));
      LUT4 #(.INIT(INIT[47:32])) upper (.O(O6), .I0(I0), .I1(I1), .I2(I2), .I3(I3));
    end else begin
      LUT3 #(.INIT(INIT[7:0])) lower (.O(O5), .I0(I0), .I1(I1), .I2(I2));
      LUT3 #(.INIT(INIT[39:32])) upper (.O(O6), .I0(I0), .I1(I1), .I2(I2));
    end
  endgenerate
endmodule
VERILOG
  cat > "$build/synth.ys" <<SCRIPT
read_verilog -lib +/xilinx/cells_sim.v +/xilinx/cells_xtra.v
read_slang -D SYNTHESIS --best-effort-hierarchy --top $top ../xc7_cells.sv $sources
hierarchy -check -top $top
synth_xilinx -family xc7 -flatten -top $top
setattr -mod -unset keep_hierarchy *
flatten
clean
delete t:\$scopeinfo
tee -q -o ../$build/utilization.json stat -json
techmap -map ../$build/luts.v
clean
check -assert
write_json ../$build/$net.json
SCRIPT
  # The sources name their memories mem/NAME.mem, relative to the working folder.
  cd rtl
  if "${PYTHON:-python3}" -c "import pyosys" 2> /dev/null; then
    "${PYTHON:-python3}" - <<SCRIPT
from pyosys import libyosys
libyosys.run_pass("script ../$build/synth.ys", libyosys.Design())
SCRIPT
  else
    yosys -m slang -s "../$build/synth.ys"
  fi
  cd ..
}

# No constraint reaches the processor's clock, so the wanted frequency is an option. What misses it
# is reported, and the bitstream is written all the same.
place() {
  rm -f "$net.bit"
  nextpnr=${NEXTPNR:-nextpnr-xilinx}
  database=$PRJXRAY_DB_DIR/$family
  step "placement and routing"
  case $nextpnr in
    *himbaechel*) set -- --device "$part" -o "xdc=pins.xdc" -o "fasm=$build/$net.fasm" ;;
    *) set -- --xdc pins.xdc --fasm "$build/$net.fasm" ;;
  esac
  "$nextpnr" --chipdb "$NEXTPNR_XILINX_CHIPDB" "$@" --json "$build/$net.json" \
    --freq "$clock_mhz" --timing-allow-fail
  step "bitstream"
  "${FASM2FRAMES:-fasm2frames}" --part "$part" --db-root "$database" \
    "$build/$net.fasm" "$build/$net.frames"
  "${XC7FRAMES2BIT:-xc7frames2bit}" --part_file "$database/$part/part.yaml" --part_name "$part" \
    --frm_file "$build/$net.frames" --output_file "$build/$net.bit"
  mv "$build/$net.bit" "$net.bit"
  step "wrote $net.bit"
}

mkdir -p "$build"
case ${1:-all} in
  synth) synth ;;
  place) place ;;
  all) synth; place ;;
  *) echo "usage: sh openxc7.sh [synth|place]" >&2; exit 2 ;;
esac
