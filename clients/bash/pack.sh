# pack ORDER SORT LAYOUT LEVEL: print how many bytes gzip makes of a table of 4,000 rows whose columns
# have that order, sorted or not, written row after row or column after column.
pack() {
    awk 'BEGIN { for (k = 0; k < 4000; k++)
        print k * k % 977 "\t" (k * 7919) % 10007 "\t" int(k / 50) "\t" (k % 7 ? "ok" : "late") }' |
    awk -v list="$1" -F '\t' '{ gsub(/[() ]/, "", list); n = split(list, order, ",")
        for (k = 1; k <= n; k++) printf "%s%s", $(order[k] + 1), k < n ? "\t" : "\n" }' |
    if [ "$2" = yes ]; then LC_ALL=C sort; else cat; fi |
    awk -v layout="$3" -F '\t' 'layout == "rows" { print; next }
        { for (k = 1; k <= NF; k++) column[k] = column[k] $k "\n" }
        END { for (k = 1; k <= NF; k++) printf "%s", column[k] }' |
    gzip -n "-$4" | wc -c | tr -d ' '
}
