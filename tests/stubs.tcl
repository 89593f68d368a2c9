# What the stubs of Xilinx' tools share: every call is noted, with its words checked.

set calls {}
set sources {}
set stage new

# Notes a call and fails it where an option is not among `flags` or `valued`.
proc words {command given flags valued positional} {
  lappend ::calls [concat $command $given]
  set rest {}
  set values [dict create]
  for {set i 0} {$i < [llength $given]} {incr i} {
    set word [lindex $given $i]
    if {$word in $flags} {
      dict set values $word 1
    } elseif {$word in $valued} {
      incr i
      if {$i >= [llength $given]} {
        error "$command: $word wants a value"
      }
      dict set values $word [lindex $given $i]
    } elseif {[string match -* $word]} {
      error "$command: unknown option $word"
    } else {
      lappend rest $word
    }
  }
  if {[llength $rest] != $positional} {
    error "$command: [llength $rest] words, not $positional: $rest"
  }
  dict set values rest $rest
  return $values
}

proc need_files {command files} {
  foreach file $files {
    if {![file isfile $file]} {
      error "$command: $file is not a file in [pwd]"
    }
  }
}

# The design goes through its stages in order.
proc advance {command from to} {
  if {$::stage ne $from} {
    error "$command: the design is $::stage, not $from"
  }
  set ::stage $to
}

proc make {file} {
  set out [open $file w]
  puts $out "made by a stub"
  close $out
}
