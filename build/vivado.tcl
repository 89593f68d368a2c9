# Builds the bitstream in Vivado 2020.1 or newer: vivado -mode batch -source vivado.tcl
# Non-project mode, no board files. Beside this file lie: settings (what this script must know),
# rtl/ with the sources and rtl/mem/ with their memories, pins.xdc, clock.xdc. It writes vivado/
# (reports, a checkpoint) and, when all has ended well, NET.bit.

set here [file dirname [file normalize [info script]]]
set build [file join $here vivado]

# Lines of settings are NAME="VALUE".
set file [open [file join $here settings]]
foreach line [split [read $file] "\n"] {
  if {[regexp {^(\w+)="(.*)"$} $line -> name value]} {
    set setting($name) $value
  }
}
close $file

# Says what comes next; `onebit bitstream` shows these lines.
proc step {text} {
  puts "onebit: $text"
}

scan [version -short] %d.%d year release
if {$year < 2020} {
  error "Vivado [version -short] is too old: 2020.1 or newer is needed"
}

file mkdir $build
file delete [file join $here $setting(net).bit]

# The sources name their memories mem/NAME.mem, relative to themselves and to the working folder.
cd [file join $here rtl]
step "reading the sources"
read_verilog -sv $setting(sources)
read_mem [lsort [glob mem/*.mem]]
read_xdc [file join $here pins.xdc]
read_xdc [file join $here clock.xdc]

step "synthesis"
synth_design -top $setting(top) -part $setting(part)
step "optimisation"
opt_design
step "placement"
place_design
phys_opt_design
step "routing"
route_design

step "reports"
report_utilization -file [file join $build utilization.rpt]
report_timing_summary -file [file join $build timing.rpt]
report_drc -file [file join $build drc.rpt]
write_checkpoint -force [file join $build routed.dcp]

step "bitstream"
write_bitstream -force [file join $build $setting(net).bit]
file rename [file join $build $setting(net).bit] [file join $here $setting(net).bit]
step "wrote $setting(net).bit"
