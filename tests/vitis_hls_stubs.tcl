# Vitis HLS's commands as this project uses them: each checks its words and files, and is noted.
# Anything else a script calls is an unknown command, as in any Tcl.

source [file join [file dirname [info script]] stubs.tcl]

set bench {}

proc open_project {args} {
  words open_project $args {-reset} {} 1
  advance open_project new project
}

proc set_top {args} {
  set ::top [lindex [dict get [words set_top $args {} {} 1] rest] 0]
}

proc add_files {args} {
  set given [words add_files $args {-tb} {-cflags} 1]
  set file [lindex [dict get $given rest] 0]
  advance add_files project project
  need_files add_files [list $file]
  if {[dict exists $given -tb]} {
    lappend ::bench $file
  } else {
    lappend ::sources $file
  }
}

proc open_solution {args} {
  set given [words open_solution $args {-reset} {-flow_target} 1]
  if {[dict get $given -flow_target] ne "vivado"} {
    error "open_solution: an IP block is of the flow vivado"
  }
  advance open_solution project solution
}

proc set_part {args} {
  words set_part $args {} {} 1
}

proc create_clock {args} {
  words create_clock $args {} {-period -name} 0
}

# A testbench sees the files that were added with -tb, and starts in a folder of its own.
proc simulate {command given} {
  set argv [dict get [words $command $given {} {-argv} 0] -argv]
  lassign $argv images results first count expected
  foreach file [list $images $expected] {
    if {$file ni $::bench} {
      error "$command: $file was not added to the testbench"
    }
  }
}

proc csim_design {args} {
  simulate csim_design $args
  advance csim_design solution simulated
}

proc csynth_design {args} {
  words csynth_design $args {} {} 0
  if {$::sources eq {}} {
    error "csynth_design: no sources"
  }
  advance csynth_design simulated synthesised
}

proc cosim_design {args} {
  simulate cosim_design $args
  advance cosim_design synthesised compared
}

proc export_design {args} {
  set valued {-format -vendor -library -ipname -display_name -output}
  set given [words export_design $args {} $valued 0]
  advance export_design compared exported
  make [dict get $given -output]
}

# The script leaves the tool; the test goes on.
proc exit {} {
  lappend ::calls exit
}

# What happened, for the test: a line a call, its words apart by tabs.
proc happened {} {
  set lines {}
  foreach call $::calls {
    lappend lines [join $call \t]
  }
  foreach part {top sources bench} {
    lappend lines [join [concat $part [set ::$part]] \t]
  }
  return [join $lines \n]
}
