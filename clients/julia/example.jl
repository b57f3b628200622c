# How few calls integrate a narrow peak to six digits?
include("Hmserve.jl")
include("quadrature.jl")

best = Hmserve.minimise("quadrature.json", ["Calls", "Valid"]) do trial
    quadrature(Hmserve.real_value(trial, "tolerance"), Hmserve.integer(trial, "first"), Hmserve.integer(trial, "depth"))
end
foreach(item -> println(item.first, " = ", item.second), best[1].items)
