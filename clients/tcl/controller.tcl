# A motor behind a dead time, driven by a controller whose output is limited: the time-weighted error of
# a step, and whether the motor stays within a tenth of where it is to go.
proc controller {gain integral derivative} {
    set queue [lrepeat 20 0.0]
    lassign {0.0 0.0 0.0 0.0 0.0 1.0} position speed sum error peak before
    set step 0.02
    for {set k 0} {$k < 1500} {incr k} {
        set off [expr {1.0 - $position}]
        set drive [expr {$gain * $off + $integral * $sum + $derivative * ($off - $before) / $step}]
        set limited [expr {max(-2.0, min(2.0, $drive))}]
        if {$limited == $drive} {
            set sum [expr {$sum + $off * $step}]
        }
        set before $off
        set queue [lassign [list {*}$queue $limited] pushed]
        set speed [expr {$speed + $step * ($pushed - 0.8 * $speed)}]
        set position [expr {$position + $step * $speed}]
        set error [expr {$error + $k * $step * abs($off) * $step}]
        set peak [expr {max($peak, $position)}]
    }
    return [list $error [expr {$peak <= 1.1}]]
}
