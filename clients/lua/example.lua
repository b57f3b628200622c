-- Which grid finds neighbours in the fewest steps?
package.path = (arg[0]:match("^(.*/)") or "./") .. "?.lua;" .. package.path
local hmserve = require("hmserve")
local steps = require("grid")

local client = hmserve.start("grid.json", {"Steps"})
local best = client:minimise(function(trial)
    return steps(trial.cell, trial.shape, trial.buckets)
end)[1]
for _, name in ipairs(hmserve.names(best)) do
    print(name .. " = " .. best[name])
end
client:close()
