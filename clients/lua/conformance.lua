-- The driver for ../conformance: SCENARIO DIALECT OUTPUTS.
package.path = (arg[0]:match("^(.*/)") or "./") .. "?.lua;" .. package.path
local hmserve = require("hmserve")

local outputs = {}
for name in arg[3]:gmatch("[^,]+") do outputs[#outputs + 1] = name end

local function black_box(trial, epochs)
    if trial.c == "fails" then return nil end
    local value = trial.x ^ 2 + (trial.n or 0) + (trial.m or 0)
    if epochs then value = value + 1 / epochs end
    for place, k in ipairs(trial.p or {}) do value = value + place * k end
    local answer, values = {Value = value, Cost = 1 - trial.x, Valid = trial.c ~= "infeasible"}, {}
    answer.epochs = epochs
    for k, name in ipairs(outputs) do values[k] = answer[name] end
    return values
end

local function converse()
    local client = hmserve.start(arg[1], outputs, {ask_tell = arg[2] == "ask-tell"})
    local function tell(trial)
        local epochs, ask_tell = trial.epochs, arg[2] == "ask-tell"
        if ask_tell and trial.c == "lost" then return client:drop(trial) end
        if ask_tell and outputs[#outputs] == "epochs" and epochs > 1 then
            if not client:report(trial, 1, black_box(trial, 1)[1]) then epochs = 1 end
        end
        local ok, reason = client:tell(trial, black_box(trial, epochs))
        if not ok then print("refused " .. reason) end
        if trial.c == "stops" then
            client:stop()
            print("status " .. client:run_status())
        end
    end
    local held
    for trials in function() return client:ask(2) end do
        for _, trial in ipairs(trials) do
            if held then tell(held) end
            held = trial
        end
        if held and (#trials == 0 or arg[2] == "classic") then
            tell(held)
            held = nil
        end
    end
    for _, trial in ipairs(client:best()) do
        for _, name in ipairs(hmserve.names(trial)) do
            local value = trial[name]
            if type(value) == "table" then value = "(" .. table.concat(value, ", ") .. ")" end
            print("best " .. name .. "=" .. tostring(value == nil and "" or value))
        end
    end
    client:close()
end

local ok, message = pcall(converse)
if not ok then
    io.stderr:write("conformance: ", message, "\n")
    os.exit(1)
end
print("end")
