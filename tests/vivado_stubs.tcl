# Vivado's commands as this project uses them: each checks its words and files, and is noted.
# Anything else a script calls is an unknown command, as in any Tcl.

source [file join [file dirname [info script]] stubs.tcl]

set memories {}
set constraints {}

proc version {args} {
  words version $args {-short} {} 0
  return $::vivado_release
}

proc read_verilog {args} {
  set files [lindex [dict get [words read_verilog $args {-sv} {} 1] rest] 0]
  need_files read_verilog $files
  advance read_verilog new new
  if {[lsearch -not -glob $files *.sv] >= 0 || "-sv" ni $args} {
    error "read_verilog: SystemVerilog wants -sv and .sv: $files"
  }
  set ::sources [concat $::sources $files]
}

proc read_mem {args} {
  set files [lindex [dict get [words read_mem $args {} {} 1] rest] 0]
  need_files read_mem $files
  advance read_mem new new
  set ::memories [concat $::memories $files]
}

# A constraint file is Tcl with the few commands below.
proc read_xdc {args} {
  set file [lindex [dict get [words read_xdc $args {} {} 1] rest] 0]
  need_files read_xdc $file
  advance read_xdc new new
  lappend ::constraints $file
  uplevel #0 [list source $file]
}

proc set_property {args} {
  words set_property $args {} {} 3
}

proc get_ports {name} {
  if {![regexp {^led\[[0-3]\]$} $name]} {
    error "get_ports: the design has no port $name"
  }
  return "port:$name"
}

proc get_pins {name} {
  return "pin:$name"
}

proc create_clock {args} {
  words create_clock $args {} {-name -period} 1
}

proc synth_design {args} {
  words synth_design $args {} {-top -part} 0
  advance synth_design new synthesised
  if {$::sources eq {} || [llength $::constraints] == 0} {
    error "synth_design: no sources or no constraints were read"
  }
}

proc opt_design {args} {
  words opt_design $args {} {} 0
  advance opt_design synthesised optimised
}

proc place_design {args} {
  words place_design $args {} {} 0
  advance place_design optimised placed
}

proc phys_opt_design {args} {
  words phys_opt_design $args {} {} 0
  advance phys_opt_design placed placed
}

proc route_design {args} {
  words route_design $args {} {} 0
  advance route_design placed routed
}

foreach report {report_utilization report_timing_summary report_drc} {
  proc $report {args} [string map [list NAME $report] {
    make [dict get [words NAME $args {} {-file} 0] -file]
    advance NAME routed routed
  }]
}

foreach written {write_checkpoint write_bitstream} {
  proc $written {args} [string map [list NAME $written] {
    make [lindex [dict get [words NAME $args {-force} {} 1] rest] 0]
    advance NAME routed routed
  }]
}

# Packaging an IP block.
proc create_project {args} {
  words create_project $args {-force} {-part} 2
  set ::stage project
}

proc add_files {args} {
  set files [lindex [dict get [words add_files $args {-norecurse} {} 1] rest] 0]
  need_files add_files $files
  set ::sources [concat $::sources $files]
}

proc current_fileset {} {
  return fileset:sources_1
}

proc update_compile_order {args} {
  words update_compile_order $args {} {-fileset} 0
}

proc close_project {} {
  lappend ::calls close_project
}

namespace eval ipx {
  proc package_project {args} {
    set valued {-root_dir -vendor -library -taxonomy}
    ::words ipx::package_project $args {-import_files} $valued 0
    ::advance ipx::package_project project packaged
  }
  proc current_core {} {
    return core
  }
  foreach step {create_xgui_files update_checksums save_core} {
    proc $step {args} [string map [list NAME ipx::$step] {
      ::words NAME $args {} {} 1
      ::advance NAME packaged packaged
    }]
  }
}

# What happened, for the test: a line a call, its words apart by tabs; then what synthesis saw.
proc happened {} {
  set lines {}
  foreach call $::calls {
    lappend lines [join $call \t]
  }
  foreach part {sources memories constraints} {
    lappend lines [join [concat $part [set ::$part]] \t]
  }
  lappend lines [join [list folder [pwd]] \t]
  return [join $lines \n]
}
