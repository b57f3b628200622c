# A worker: for each configuration it writes the loops, compiles them, runs them under cachegrind, and
# answers with the cycles that KCachegrind would estimate, or nan where the result is wrong.

# Elements of "(2, 0, 1)" at out[1] ...
function elements(text, out) {
    gsub(/[() ]/, "", text)
    return split(text, out, ",")
}
# The cells of a row of the protocol; the commas of permutations part no cells.
function cells(row, out,    n, piece) {
    for (n = 0; row != ""; row = substr(row, length(piece) + 2)) {
        piece = row
        if (match(row, /^\([^)]*\)/) || match(row, /^[^,]*/))
            piece = substr(row, 1, RLENGTH)
        out[++n] = piece
    }
    return n
}
function write_loops(file, value,    order, n, d, k, size, indent) {
    printf "" >file
    n = elements(value["tiles"], order)
    for (k = 1; k <= n; k++) {
        d = letter[order[k] + 1]
        size = value["tile_" d] + 0
        if (size < extent[d])
            printf "%sfor (int %s0 = 0; %s0 < %d; %s0 += %d)\n", indent, d, d, extent[d], d, size >file
        if (size < extent[d])
            indent = indent "    "
    }
    n = elements(value["loops"], order)
    for (k = 1; k <= n; k++) {
        d = letter[order[k] + 1]
        size = ("tile_" d) in value ? value["tile_" d] + 0 : extent[d]
        if (size < extent[d])
            printf "%sfor (int %s = %s0; %s < %s0 + %d; %s++)\n", indent, d, d, d, d, size, d >file
        else
            printf "%sfor (int %s = 0; %s < %d; %s++)\n", indent, d, d, extent[d], d >file
        indent = indent "    "
    }
    print indent "output[k][y][x] += input[c][y + r][x + s] * weight[k][c][r][s];" >file
    close(file)
}
# Counts of one function: Ir I1mr ILmr Dr D1mr DLmr Dw D1mw DLmw, of which m are misses.
function cycles(file,    line, field, inside, sum) {
    while ((getline line <file) > 0) {
        if (line ~ /^fn=/)
            inside = line == "fn=convolve"
        else if (inside && line ~ /^[0-9]/) {
            split(line, field, " ")
            sum += field[2] + 10 * (field[3] + field[6] + field[9]) + 100 * (field[4] + field[7] + field[10])
        }
    }
    close(file)
    return sum
}
function evaluate(value,    program) {
    write_loops(folder "/loops.h", value)
    program = folder "/convolution"
    if (system("gcc -std=c99 -O3 -DLOOPS='\"" folder "/loops.h\"' convolution.c -o " program " 1>&2"))
        return "nan"
    if (system("env -i PATH=\"$PATH\" valgrind -q --tool=cachegrind --cache-sim=yes --I1=8192,4,64 --D1=8192,4,64 --LL=65536,8,64" \
        " --cachegrind-out-file=" folder "/counts " program " 1>&2"))
        return "nan"
    return cycles(folder "/counts")
}
BEGIN {
    folder = "results/worker-" ENVIRON["HMSERVE_WORKER"]
    system("mkdir -p " folder)
    split("k c y x r s", letter, " ")
    split("16 16 32 32 3 3", number, " ")
    for (i in letter)
        extent[letter[i]] = number[i]
    while ((getline line) > 0 && line ~ /^Request/) {
        count = substr(line, 9)
        getline names
        columns = split(names, name, ",")
        print names ",Cycles"
        while (count-- > 0 && (getline line) > 0) {
            cells(line, cell)
            for (i = 1; i <= columns; i++)
                value[name[i]] = cell[i]
            print line "," evaluate(value)
        }
        fflush()
    }
}
