-- Which of 1,500 moving things in a world of 1000 by 400 are closer than 6 to each other? They are kept in a
-- hashed grid of cells; the steps are the cells looked into, the pairs compared, and the buckets emptied.
local RADIUS = 6

return function(cell, shape, buckets)
    local width, height = cell, cell
    if shape == "wide" then width = 2 * cell elseif shape == "tall" then height = 2 * cell end
    local state, things, grid, steps = 1, {}, {}, buckets
    local function random()
        state = (state * 16807) % 2147483647
        return state / 2147483647
    end
    local function bucket(column, row)
        return (column * 7919 + row * 104729) % buckets
    end
    for k = 1, 1500 do
        local x, y = 1000 * random(), 400 * random() ^ 2 -- most of them lie low
        local place = bucket(x // width, y // height)
        things[k] = {x = x, y = y}
        grid[place] = grid[place] or {}
        table.insert(grid[place], things[k])
    end
    for _, thing in ipairs(things) do
        for column = (thing.x - RADIUS) // width, (thing.x + RADIUS) // width do
            for row = (thing.y - RADIUS) // height, (thing.y + RADIUS) // height do
                steps = steps + 1 + #(grid[bucket(column, row)] or {})
            end
        end
    end
    return steps / 1000
end
