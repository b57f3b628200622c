# hmserve run integral.json -- awk -f worker.awk
# How few calls integrate sqrt(x) exp(-x) from 0 to 1 to six digits? The panels are graded towards 0.
function f(x) { calls++; return sqrt(x) * exp(-x) }
function panel(rule, a, h) {
    if (rule == "midpoint") return h * f(a + h / 2)
    if (rule == "simpson") return h / 6 * (f(a) + 4 * f(a + h / 2) + f(a + h))
    return h / 2 * (f(a + h * 0.21132486540518713) + f(a + h * 0.7886751345948129))
}
function integral(rule, panels, grading,    k, sum, a, b) {
    for (calls = k = a = sum = 0; k < panels; a = b) {
        b = (++k / panels) ^ grading
        sum += panel(rule, a, b - a)
    }
    return sum
}
BEGIN {
    OFS = FS = ","
    OFMT = "%.17g"
    while ((getline line) > 0 && line ~ /^Request/) {
        count = substr(line, 9)
        getline names
        print names, "Calls", "Valid"
        while (count-- > 0 && (getline line) > 0) {
            split(line, v, ",")
            error = integral(v[1], v[2], v[3]) - 0.3789446916409847
            print line, calls, (error ^ 2 < 1e-12 ? "true" : "false")
        }
        fflush()
    }
}
