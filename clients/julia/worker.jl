# hmserve run quadrature.json -- julia worker.jl
include("quadrature.jl")

while (global line = readline(); startswith(line, "Request "))
    println(readline(), ",Calls,Valid") # tolerance,first,depth
    for _ in 1:parse(Int, line[9:end])
        row = readline()
        tolerance, first, depth = split(row, ",")
        calls, valid = quadrature(parse(Float64, tolerance), parse(Int, first), parse(Int, depth))
        println(row, ",", calls, ",", valid)
    end
    flush(stdout)
end
