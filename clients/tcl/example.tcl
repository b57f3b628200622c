# Which gains bring a motor to its place without going beyond it?
set here [file dirname [info script]]
source [file join $here hmserve.tcl]
source [file join $here controller.tcl]

set hmserve [hmserve::Client new controller.json {Error Valid}]
set best [$hmserve minimise trial {
    dict with trial {
        controller $gain $integral [expr {$kind eq "PID" ? $derivative : 0}]
    }
}]
dict for {name value} [lindex $best 0] {
    puts "$name = $value"
}
$hmserve close
