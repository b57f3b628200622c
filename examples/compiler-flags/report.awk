# awk -f report.awk flags.json results/levels.csv results/flags_output_samples.csv: what was gained
# over -O2.
function line(what, bytes, instructions) {
    printf "%-38s %6d bytes %+6.1f %%  %9d instructions %+6.1f %%\n", what, bytes,
        100 * (bytes / bytes0 - 1), instructions, 100 * (instructions / instructions0 - 1)
}
function flags(row,    k, cell, command, text) {
    split(rows[row], cell, ",")
    command = "sh flags.sh " cell[1]
    for (k = 2; k < bytes; k++)
        if (cell[k] != usual[name[k]])
            command = command " " name[k] "=" cell[k]
    command | getline text
    close(command)
    return text
}
function show(what, row) {
    line(what, size[row], work[row])
    if (!(row in shown))
        print "    " flags(row)
    shown[row] = 1
}
# The row with the least of `least`, then of `other`, among those with no more than `most` of it.
function best(least, other, most,    row, found) {
    for (row = 1; row <= n; row++)
        if (row in least && other[row] <= most)
            if (!found || least[row] < least[found] ||
                least[row] == least[found] && other[row] < other[found])
                found = row
    return found
}
BEGIN { FS = "," }
FILENAME ~ /json$/ {
    if (sub(/"parameter_default": /, "&\n")) {
        split($0, part, "\n")
        sub(/[,}].*/, "", part[2])
        gsub(/"/, "", part[2])
        split(part[1], word, "\"")
        usual[word[2]] = part[2]
    }
    next
}
FILENAME ~ /levels/ { level[++levels] = $1; bytes_of[levels] = $2; work_of[levels] = $3; next }
FNR == 1 {
    for (k = 1; k <= NF; k++) {
        name[k] = $k
        if ($k == "Bytes")
            bytes = k
    }
    next
}
{
    rows[++n] = $0
    if ($bytes == "" || $bytes == "nan") { failed++; next }
    size[n] = $bytes
    work[n] = $(bytes + 1)
}
END {
    bytes0 = bytes_of[1]
    instructions0 = work_of[1]
    printf "%d configurations tried; %d of them do not link or give a wrong answer\n\n", n, failed
    for (k = 1; k <= levels; k++)
        line("gcc -" level[k], bytes_of[k], work_of[k])
    print ""
    show("fewest instructions", best(work, size, 1e99))
    show("... in no more bytes than -O2", best(work, size, bytes0))
    show("fewest bytes, no slower than -O2", best(size, work, instructions0))
    show("fewest bytes", best(size, work, 1e99))
}
