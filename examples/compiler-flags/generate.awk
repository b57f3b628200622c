# awk -f generate.awk: bookings as JSON, one a line; the same with every awk.
function draw(n) {                          # 0 to n - 1 (Lehmer's generator)
    state = state * 16807 % 2147483647
    return state % n
}
function amount(    k, most) {
    if (draw(25) == 0) return "null"
    if (draw(9) == 0) return (draw(2) ? "-" : "") (1 + draw(9)) "e15"
    most = 10
    for (k = draw(9); k > 0; k--)
        most *= 10
    return (draw(3) ? "" : "-") draw(most) sprintf(".%02d", draw(100))
}
function tags(    k, list, n) {
    n = draw(5)
    for (k = 0; k < n; k++)
        list = list (k ? ", " : "") "\"" word[draw(draw(40) + 1)] "\""
    return "[" list "]"
}
function note(    k, text, n) {
    n = draw(12)
    for (k = 0; k < n; k++)
        text = text " " (draw(30) ? word[draw(40)] : escape[draw(6)])
    return substr(text, 2)
}
BEGIN {
    state = 20240229
    split("\\n \\\" \\\\ \\u00e9 \\u20ac \\t", escape, " ")
    escape[0] = "/"
    for (i = 0; i < 40; i++)
        for (k = draw(6) + 2; k >= 0; k--)
            word[i] = word[i] substr("etaoinshrdlucmfwypvbgkjqxz", draw(draw(26) + 1) + 1, 1)
    for (i = 1; i <= 1500; i++)
        printf "{\"id\": %d, \"account\": \"%s-%02d\", \"amount\": %s, \"open\": %s, \"tags\": %s, \"note\": \"%s\"}\n",
            i, word[draw(8)], draw(10), amount(), draw(2) ? "true" : "false", tags(), note()
}
