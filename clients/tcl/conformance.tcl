# The driver for ../conformance: SCENARIO DIALECT OUTPUTS.
source [file join [file dirname [info script]] hmserve.tcl]

proc blackBox {trial outputs epochs} {
    set v [dict merge {c {} n {} m {} p {}} $trial [list epochs $epochs]]
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
        set answer(epochs) $epochs
    }
    return [lmap name $outputs {set answer($name)}]
}

proc tell {hmserve trial outputs askTell} {
    set v [dict merge {c {} epochs {}} $trial]
    set epochs [dict get $v epochs]
    set c [dict get $v c]
    if {$askTell && $c eq "lost"} {
        $hmserve drop $trial
        return
    }
    if {$askTell && "epochs" in $outputs && $epochs > 1} {
        if {![$hmserve report $trial 1 [lindex [blackBox $trial $outputs 1] 0]]} {
            set epochs 1
        }
    }
    try {
        $hmserve tell $trial [blackBox $trial $outputs $epochs]
    } trap {HMSERVE REFUSED} reason {
        puts "refused $reason"
    }
    if {$c eq "stops"} {
        $hmserve stop
        puts "status [$hmserve status]"
    }
}

proc converse {scenario dialect outputs} {
    set askTell [expr {$dialect eq "ask-tell"}]
    set hmserve [hmserve::Client new $scenario $outputs -asktell $askTell]
    set held {}
    while {[$hmserve ask trials 2]} {
        foreach trial $trials {
            if {$held ne ""} {
                tell $hmserve $held $outputs $askTell
            }
            set held $trial
        }
        if {$held ne "" && (![llength $trials] || $dialect eq "classic")} {
            tell $hmserve $held $outputs $askTell
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
