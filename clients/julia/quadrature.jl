# The integral of exp(-50 (x - 0.3)^2) from 0 to 1 by Simpson's rule on panels that halve where it changes: the calls,
# and whether it is right to 1e-6.
function quadrature(tolerance, first, depth)
    calls = 0
    f(x) = (calls += 1; exp(-50 * (x - 0.3)^2))
    simpson(a, b) = (b - a) / 6 * (f(a) + 4 * f((a + b) / 2) + f(b))
    function part(a, b, whole, level)
        m = (a + b) / 2
        left, right = simpson(a, m), simpson(m, b)
        near = abs(left + right - whole) < 10.0^tolerance * (b - a)
        return near || level == 0 ? left + right : part(a, m, left, level - 1) + part(m, b, right, level - 1)
    end
    edges = range(0, 1; length=first + 1)
    total = sum(part(a, b, simpson(a, b), depth) for (a, b) in zip(edges[1:end-1], edges[2:end]))
    return calls, abs(total - 0.25032445820538396) < 1e-6
end
