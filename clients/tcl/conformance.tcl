# The driver for ../conformance: SCENARIO DIALECT OUTPUTS.
source [file join [file dirname [info script]] hmserve.tcl]

proc blackBox {trial outputs} {
    set v [dict merge {c {} n {} m {} p {} epochs {}} $trial]
    dict with v {
        if {$c eq "fails"} {
            return {}
        }
        set answer(Value) [expr {$x * $x}]
        foreach part [list $n $m [expr {$epochs ne "" ? 1.0 / $epochs : 0}]] {
            set answer(Value) [expr {$answer(Value) + ($part eq "" ? 0 : $part)}]
        }
        set place 0
        foreach k [hmserve::permutation $p] {
            set answer(Value) [expr {$answer(Value) + [incr place] * $k}]
        }
        set answer(Cost) [expr {1 - $x}]
        set answer(Valid) [expr {$c ne "infeasible"}]
    }
    return [lmap name $outputs {set answer($name)}]
}

proc tell {hmserve trial outputs} {
    try {
        $hmserve tell $trial [blackBox $trial $outputs]
    } trap {HMSERVE REFUSED} reason {
        puts "refused $reason"
    }
}

proc converse {scenario dialect outputs} {
    set hmserve [hmserve::Client new $scenario $outputs -asktell [expr {$dialect eq "ask-tell"}]]
    set held {}
    while {[$hmserve ask trials 2]} {
        foreach trial $trials {
            if {$held ne ""} {
                tell $hmserve $held $outputs
            }
            set held $trial
        }
        if {$held ne "" && (![llength $trials] || $dialect eq "classic")} {
            tell $hmserve $held $outputs
            set held {}
        }
    }
    foreach trial [$hmserve best] {
        dict for {name value} $trial {
            puts "best $name=$value"
        }
    }
    $hmserve close
    puts end
}

lassign $argv scenario dialect outputs
fconfigure stdout -encoding utf-8
try {
    converse $scenario $dialect [split $outputs ,]
} trap HMSERVE reason {
    puts stderr "conformance: $reason"
    exit 1
}
