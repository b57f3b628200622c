-- hmserve run grid.json -- lua worker.lua
package.path = (arg[0]:match("^(.*/)") or "./") .. "?.lua;" .. package.path
local steps = require("grid")

for line in io.lines() do
    local count = line:match("^Request (%d+)$")
    if not count then break end
    io.write(io.read(), ",Steps\n") -- cell,shape,buckets
    for _ = 1, count do
        local row = io.read()
        local cell, shape, buckets = row:match("(.*),(.*),(.*)")
        io.write(row, ",", steps(tonumber(cell), shape, tonumber(buckets)), "\n")
    end
    io.flush()
end
