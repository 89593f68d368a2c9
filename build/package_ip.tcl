# Packages the accelerator alone as an AXI-Stream IP block, for Vivado's block designs:
#   vivado -mode batch -source package_ip.tcl
# Beside this file lies onebit_axis.v, its top; the accelerator's sources are in ../rtl. The block
# is written to repository/onebit_axis: add `repository` to a project's IP repositories.

set here [file dirname [file normalize [info script]]]
set top [file dirname $here]
set repository [file join $here repository]

# Lines of settings are NAME="VALUE".
set file [open [file join $top settings]]
foreach line [split [read $file] "\n"] {
  if {[regexp {^(\w+)="(.*)"$} $line -> name value]} {
    set setting($name) $value
  }
}
close $file

file mkdir $repository
cd [file join $top rtl]
create_project -force -part $setting(part) onebit_axis [file join $here project]
add_files -norecurse [file join $here onebit_axis.v]
add_files -norecurse $setting(ip_sources)
add_files -norecurse [lsort [glob mem/*.mem]]
set_property top onebit_axis [current_fileset]
update_compile_order -fileset sources_1

ipx::package_project -root_dir [file join $repository onebit_axis] -vendor onebit -library user \
  -taxonomy /UserIP -import_files
set core [ipx::current_core]
set_property name onebit_axis $core
set_property display_name "onebit accelerator: $setting(net)" $core
set_property supported_families {zynq Production} $core
ipx::create_xgui_files $core
ipx::update_checksums $core
ipx::save_core $core
close_project
puts "onebit: wrote [file join $repository onebit_axis]"
