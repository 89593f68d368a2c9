# Makes an IP block of the C++ in Vitis HLS 2020.2 or newer: vitis_hls -f run_hls.tcl
# Beside this file lie: settings (what this script must know), the accelerator's C++ and its
# testbench, images and expected (what must come of them). It writes vitis/ (the project with its
# reports) and, when all has ended well, the IP block as a zip file.

set here [file dirname [file normalize [info script]]]
cd $here

# Lines of settings are NAME="VALUE".
set file [open settings]
foreach line [split [read $file] "\n"] {
  if {[regexp {^(\w+)="(.*)"$} $line -> name value]} {
    set setting($name) $value
  }
}
close $file

# Says what comes next; `onebit hls` shows these lines.
proc step {text} {
  puts "onebit: $text"
}

set block [file join $here $setting(ip)]
file mkdir [file dirname $block]
file delete $block

step "reading the sources"
open_project -reset vitis
set_top $setting(top)
add_files $setting(top).cpp -cflags $setting(cflags)
add_files -tb testbench.cpp -cflags $setting(cflags)
add_files -tb images
add_files -tb expected
open_solution -reset -flow_target vivado solution
set_part $setting(part)
create_clock -period $setting(period_ns) -name default

# The arguments of testbench.h; the tool runs it in a folder of its own, beside these files.
set arguments "images results 0 $setting(images) expected"
step "C simulation"
csim_design -argv $arguments
step "synthesis"
csynth_design
step "simulation of the RTL"
cosim_design -argv $arguments
step "export"
export_design -format ip_catalog -vendor onebit -library user -ipname accelerator \
  -display_name "onebit accelerator: $setting(net)" -output $block
step "wrote $setting(ip)"
exit
