# A client of hmserve in one file: Tcl 8.6 or later.
#
#     source hmserve.tcl
#     set hmserve [hmserve::Client new app.json {Seconds Valid}]
#     while {[$hmserve ask trials]} {
#         foreach trial $trials {
#             $hmserve tell $trial [list [measure [dict get $trial tile]] 1]
#         }
#     }
#     puts [$hmserve best]
#     $hmserve close
#
# A trial is a dict from names to values, as hmserve wrote them: a permutation is {(2, 0, 1)}, which
# hmserve::permutation makes a list of, and what is inactive is {}. What hmserve complains of is an error
# with the code {HMSERVE ENDED}, {HMSERVE GARBAGE} or, for a row that it does not take, {HMSERVE REFUSED}.

package require Tcl 8.6-
package require TclOO

namespace eval hmserve {}

proc hmserve::permutation {text} {
    return [regexp -all -inline {\d+} $text]
}

# Cuts a line at its commas, but not at those of a permutation.
proc hmserve::cut {line} {
    set cells {}
    foreach {- cell} [regexp -all -inline {(\([\d, ]*\)|[^,]*),} $line,] {
        lappend cells $cell
    }
    return $cells
}

oo::class create hmserve::Client {
    variable outputs askTell pipe reader begun open best ended status

    # Starts hmserve. outputs: a list of the columns you answer (objectives, measured constraints, feasibility; and
    # the fidelity if you tell how far an evaluation went).
    # Options: -asktell 1 for results that come one by one; -program, else $HMSERVE, else hmserve;
    # -arguments, a list of more of them, such as --resume.
    constructor {scenario columns args} {
        set outputs $columns
        set options [dict merge {-asktell 0 -program {} -arguments {}} $args]
        if {[llength $args] % 2 || [dict size $options] != 3} {
            error "hmserve: expected -asktell, -program or -arguments, each with a value, came: $args"
        }
        set askTell [dict get $options -asktell]
        set begun 0
        set open 0
        set best {}
        set ended 0
        set program [dict get $options -program]
        if {$program eq "" && [info exists ::env(HMSERVE)]} {
            set program $::env(HMSERVE)
        }
        if {$program eq ""} {
            set program hmserve
        }
        set command [list $program --config $scenario {*}[dict get $options -arguments]]
        if {$askTell} {
            lappend command --protocol ask-tell
        }
        set reader [file tempfile messages]
        if {[catch {::open |[list {*}$command 2>$messages] r+} pipe]} {
            set why $pipe
            set pipe {}
            ::close $reader
            file delete $messages
            return -code error -errorcode {HMSERVE ENDED} "hmserve: cannot start $program: $why"
        }
        file delete $messages ;# it is open at both ends, and nothing is left behind whatever ends us
        fconfigure $pipe -encoding utf-8 -translation {auto lf} -buffering full
    }

    destructor {
        catch {
            my Leave
            my PassOn
            ::close $reader
        }
    }

    # Sets the variable to a list of trials; 0 when the run is over. Classic: all of the next request, when all of
    # the last one are told. Ask-tell: at most count, and none until one that is out is told.
    method ask {variable {count 1}} {
        upvar 1 $variable trials
        set trials {}
        if {$ended} {
            return 0
        }
        if {$askTell} {
            my Write "Ask $count\n"
        } elseif {$open > 0} {
            error "hmserve: $open trials of the last request have no result yet"
        }
        set begun 0
        while 1 {
            set line [my Read]
            if {[regexp {^Request (\d+)$} $line - open]} {
                set trials [my Rows $open]
                my PassOn
                return 1
            } elseif {$line eq "End of HyperMapper"} {
                set ended 1
                if {!$askTell} {
                    my close
                }
                return 0
            } elseif {$askTell && [regexp {^Wait \d+$} $line]} {
                return 1
            } elseif {$askTell || ![my Aside $line]} {
                my Garbage "a request" $line
            }
        }
    }

    # Tells a value for each output, in their order, or {} if the evaluation failed.
    method tell {trial values} {
        if {![llength $values]} {
            set values [lrepeat [llength $outputs] {}]
        } elseif {[llength $values] != [llength $outputs]} {
            error "hmserve: expected a value for each output"
        }
        set inputs [dict remove $trial {*}$outputs]
        set row [join [list {*}[dict values $inputs] {*}$values] ,]\n
        set names [join [list {*}[dict keys $inputs] {*}$outputs] ,]\n
        if {$askTell} {
            my Confirm "Tell 1\n$names$row"
            return
        }
        my Write [expr {$begun ? $row : "$names$row"}]
        set begun 1
        incr open -1
        return
    }

    # Gives back a trial that was never evaluated (ask-tell).
    method drop {trial} {
        my Confirm "Drop 1\ntrial\n[dict get $trial trial]\n"
    }

    # Says how a trial stands (ask-tell). 0: end the evaluation, and tell it with the fidelity it has reached.
    method report {trial fidelity objective} {
        set answer [my Say "Report [dict get $trial trial],$fidelity,$objective\n"]
        if {$answer ni {Continue Stop}} {
            my Garbage "Continue or Stop" $answer
        }
        return [expr {$answer eq "Continue"}]
    }

    # How the run stands (ask-tell), as JSON.
    method status {} {
        set answer [my Say "Status\n"]
        if {![regexp {^Status (.*)$} $answer - json]} {
            my Garbage Status $answer
        }
        return $json
    }

    # Has no more trials handed out (ask-tell).
    method stop {} {
        my Confirm "Stop\n"
    }

    # A list of the best trials with their outputs. Classic: at the end, with "print_best": true.
    method best {} {
        if {!$askTell} {
            return $best
        }
        set line [my Say "Best\n"]
        if {![regexp {^Best (\d+)$} $line - count]} {
            my Garbage Best $line
        }
        return [my Rows $count]
    }

    # Runs a script for each trial, whose values are in the variable, until the run is over. It returns the
    # outputs, or {} if the evaluation failed.
    method minimise {variable script} {
        upvar 1 $variable trial
        while {[my ask trials]} {
            foreach trial $trials {
                my tell $trial [uplevel 1 $script]
            }
        }
        return [my best]
    }

    # Ends the conversation; an error if the exit status of hmserve is not 0.
    method close {} {
        if {$pipe ne "" && [my Leave]} {
            my Death
        }
        my PassOn
    }

    method Rows {count} {
        set names [split [my Read] ,]
        set trials {}
        for {set row 0} {$row < $count} {incr row} {
            set line [my Read]
            set cells [hmserve::cut $line]
            if {[llength $cells] != [llength $names]} {
                my Garbage "[llength $names] values" $line
            }
            set trial {}
            foreach name $names cell $cells {
                dict set trial $name $cell
            }
            lappend trials $trial
        }
        return $trials
    }

    # Reads a block before the end; returns whether the line begins one.
    method Aside {line} {
        switch -- $line {
            "Best point found:" { set best [my Rows 1] }
            "Minimum of the posterior mean:" { my Rows 1 }
            "" - "Multiple objectives, there is no single best point." {}
            default { return 0 }
        }
        return 1
    }

    method Say {message} {
        my Write $message
        set answer [my Read]
        if {[string match "Error *" $answer]} {
            return -code error -errorcode {HMSERVE GARBAGE} "hmserve: refused the message: $answer"
        }
        return $answer
    }

    method Confirm {message} {
        set answer [my Say $message]
        if {![regexp {^Ok \d+ (\d+)$} $answer - refused]} {
            my Garbage Ok $answer
        }
        set reasons {}
        for {set row 0} {$row < $refused} {incr row} {
            lappend reasons [regsub {^Error \d+ } [my Read] {}]
        }
        if {$refused} {
            return -code error -errorcode {HMSERVE REFUSED} [join $reasons "; "]
        }
    }

    method Write {text} {
        if {$pipe eq "" || [catch {puts -nonewline $pipe $text; flush $pipe}]} {
            my Death
        }
    }

    method Read {} {
        if {$pipe eq "" || [catch {gets $pipe line} length] || $length < 0 || [eof $pipe]} {
            my Death
        }
        return $line
    }

    method Garbage {expected line} {
        catch {exec kill [pid $pipe]}
        my Leave
        set line [string range $line 0 199]
        return -level 2 -code error -errorcode {HMSERVE GARBAGE} "hmserve: expected $expected, came '$line'"
    }

    method Death {} {
        my Leave
        return -level 2 -code error -errorcode {HMSERVE ENDED} "hmserve: ended with $status: [string trim [read $reader]]"
    }

    # Shows what hmserve wrote on standard error; at its death that is in the error.
    method PassOn {} {
        puts -nonewline stderr [read $reader]
    }

    # Closes everything; returns whether hmserve ended otherwise than with status 0.
    method Leave {} {
        if {$pipe ne ""} {
            set failed [catch {::close $pipe} - options]
            set pipe {}
            set code [expr {$failed ? [dict get $options -errorcode] : {CHILDSTATUS - 0}}]
            lassign $code kind - number
            set status [expr {$kind eq "CHILDSTATUS" ? "exit status $number" : "signal $number"}]
        }
        return [expr {$status ne "exit status 0"}]
    }
}
