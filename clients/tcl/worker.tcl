# hmserve run controller.json -- tclsh worker.tcl
source [file join [file dirname [info script]] controller.tcl]

while {[gets stdin line] >= 0 && [scan $line "Request %d" count] == 1} {
    gets stdin names
    puts $names,Error,Valid
    for {set row 0} {$row < $count} {incr row} {
        gets stdin values
        lassign [split $values ,] kind gain integral derivative
        set answer [controller $gain $integral [expr {$kind eq "PID" ? $derivative : 0}]]
        puts $values,[join $answer ,]
    }
    flush stdout
}
