-- A client of hmserve in one file: Lua 5.2 or later on a system with a shell and mkfifo.
--
--     local hmserve = require("hmserve")
--     local client = hmserve.start("app.json", {"Seconds", "Valid"})
--     local best = client:minimise(function(trial) return {measure(trial.tile), true} end)
--     client:close()
--
-- Lua's pipes have one direction: hmserve is read from one, and hears by a named pipe, which is gone once
-- both have opened it. What hmserve complains of is an error: a text that begins with "hmserve:".

local hmserve = {}
local Client = {}
Client.__index = Client
Client.__gc = function(self)
    pcall(self.leave, self)
    pcall(self.pass_on, self)
end

local rows = setmetatable({}, {__mode = "k"}) -- of each trial: its names, and its values as they came

local function quote(text)
    return "'" .. tostring(text):gsub("'", "'\\''") .. "'"
end

local function refuse(text)
    error("hmserve: " .. text, 0)
end

-- Cuts a line at its commas, but not at those of a permutation.
local function cut(line)
    local cells, from = {}, 1
    while true do
        local bracket = line:match("^%([%d, ]*%)()", from)
        local comma = line:find(",", bracket or from, true)
        cells[#cells + 1] = line:sub(from, (comma or #line + 1) - 1)
        if not comma then return cells end
        from = comma + 1
    end
end

-- A number where the text is one as the protocol writes it, a list for a permutation, nil for an inactive one.
local function value(text)
    if text == "" then return nil end
    if text:match("^%([%d, ]*%)$") then
        local order = {}
        for place in text:gmatch("%d+") do order[#order + 1] = math.floor(tonumber(place)) end
        return order
    end
    if text:match("^%-?%d+%.?%d*$") or text:match("^%-?%d+%.?%d*e[+-]%d+$") then return tonumber(text) end
    return text
end

local function number(result)
    if type(result) == "boolean" then return result and "1" or "0" end
    if result ~= result then return "nan" end
    if type(result) ~= "number" then return tostring(result) end
    return (string.format("%.17g", result):gsub(",", "."))
end

-- A command of the shell. When hmserve has ended the pipe from it is closed, and `cat` takes what we still write: a full
-- pipe would have us wait for ever, one that nobody reads would end us.
local function command(words, fifo, messages)
    local opened = "exec 2>" .. quote(messages) .. " 3<" .. quote(fifo) .. "; "
    return opened .. table.concat(words, " ") .. " <&3; code=$?; exec >&-; cat <&3 >/dev/null; exit $code"
end

-- Starts hmserve. outputs: the columns you answer (objectives, measured constraints, feasibility; and the fidelity
-- if you tell how far an evaluation went). options: ask_tell, true for results that come one by one; program, else
-- $HMSERVE, else "hmserve"; arguments, a list of more of them such as "--resume".
function hmserve.start(scenario, outputs, options)
    options = options or {}
    local variable = os.getenv("HMSERVE")
    local program = options.program or (variable ~= "" and variable) or "hmserve"
    local self = setmetatable({outputs = outputs, ask_tell = options.ask_tell, open = 0, bests = {}}, Client)
    self.messages = os.tmpname()
    self.fifo = self.messages .. ".fifo"
    if not os.execute("mkfifo " .. quote(self.fifo)) then refuse("cannot make a named pipe") end
    local words = {quote(program), "--config", quote(scenario)}
    for _, word in ipairs(options.arguments or {}) do words[#words + 1] = quote(word) end
    if self.ask_tell then words[#words + 1] = "--protocol ask-tell" end
    self.errors = assert(io.open(self.messages))
    self.from = assert(io.popen(command(words, self.fifo, self.messages), "r"))
    self.to = assert(io.open(self.fifo, "w"))
    os.remove(self.fifo) -- both files are open now: nothing is left behind, whatever ends us
    os.remove(self.messages)
    return self
end

-- Returns a list of trials, or nil when the run is over. Classic: all of the next request, when all of the
-- last one are told. Ask-tell: at most count, and none until one that is out is told.
function Client:ask(count)
    if self.ended then return nil end
    if self.ask_tell then
        self:write(string.format("Ask %d\n", count or 1))
    elseif self.open > 0 then
        refuse(self.open .. " trials of the last request have no result yet")
    end
    self.begun = false
    while true do
        local line = self:read()
        local request = line:match("^Request (%d+)$")
        if request then
            self.open = tonumber(request)
            self:pass_on()
            return self:table(self.open)
        elseif line == "End of HyperMapper" then
            self.ended = true
            if not self.ask_tell then self:close() end
            return nil
        elseif self.ask_tell and line:match("^Wait %d+$") then
            return {}
        elseif self.ask_tell or not self:aside(line) then
            self:garbage("a request", line)
        end
    end
end

-- Tells what came of a trial: a number, a list with a value for each output, or nil if it failed. Returns
-- true, or nil and the reason if hmserve does not take it (ask-tell).
function Client:tell(trial, result)
    local came = rows[trial] or refuse("this is no trial")
    local cells, names, output = {}, {}, {}
    if result ~= nil and type(result) ~= "table" then result = {result} end
    for _, name in ipairs(self.outputs) do output[name] = true end
    for k, name in ipairs(came.names) do
        if not output[name] then names[#names + 1], cells[#cells + 1] = name, came.cells[k] end
    end
    for k, name in ipairs(self.outputs) do
        if result and result[k] == nil then refuse("expected a value for each output") end
        names[#names + 1], cells[#cells + 1] = name, result and number(result[k]) or ""
    end
    local header, row = table.concat(names, ",") .. "\n", table.concat(cells, ",") .. "\n"
    if self.ask_tell then return self:confirm("Tell 1\n" .. header .. row) end
    self:write(self.begun and row or header .. row)
    self.begun = true
    self.open = self.open - 1
    return true
end

-- Gives back a trial that was never evaluated (ask-tell). Returns as tell.
function Client:drop(trial)
    return self:confirm(string.format("Drop 1\ntrial\n%d\n", trial.trial))
end

-- Says how a trial stands (ask-tell). False: end the evaluation, and tell it with the fidelity it has reached.
function Client:report(trial, fidelity, objective)
    local answer = self:say(string.format("Report %d,%s,%s\n", trial.trial, number(fidelity), number(objective)))
    if answer ~= "Continue" and answer ~= "Stop" then self:garbage("Continue or Stop", answer) end
    return answer == "Continue"
end

-- How the run stands (ask-tell), as JSON.
function Client:run_status()
    local answer = self:say("Status\n")
    return answer:match("^Status (.*)$") or self:garbage("Status", answer)
end

-- Has no more trials handed out (ask-tell).
function Client:stop()
    return self:confirm("Stop\n")
end

-- A list of the best trials with their outputs. Classic: at the end, with "print_best": true.
function Client:best()
    if not self.ask_tell then return self.bests end
    local line = self:say("Best\n")
    return self:table(tonumber(line:match("^Best (%d+)$") or self:garbage("Best", line)))
end

-- Evaluates a function for each trial until the run is over; returns the best trials. What hmserve does not take is
-- an error.
function Client:minimise(evaluate)
    for trials in function() return self:ask() end do
        for _, trial in ipairs(trials) do
            local taken, reason = self:tell(trial, evaluate(trial))
            if not taken then refuse("refused: " .. reason) end
        end
    end
    return self:best()
end

-- Ends the conversation; an error if the exit status of hmserve is not 0.
function Client:close()
    if not self.status and self:leave() ~= "exit 0" then self:death() end
    self:pass_on()
end

-- The names of a trial in the order of hmserve.
function hmserve.names(trial)
    return rows[trial].names
end

function Client:table(count)
    local names, trials = cut(self:read()), {}
    for k = 1, count do
        local row, trial = self:read(), {}
        local cells = cut(row)
        if #cells ~= #names then self:garbage(#names .. " values", row) end
        for place, name in ipairs(names) do trial[name] = value(cells[place]) end
        rows[trial] = {names = names, cells = cells}
        trials[k] = trial
    end
    return trials
end

-- Reads a block before the end; returns whether line begins one.
function Client:aside(line)
    if line == "Best point found:" then
        self.bests = self:table(1)
    elseif line == "Minimum of the posterior mean:" then
        self:table(1)
    else
        return line == "" or line == "Multiple objectives, there is no single best point."
    end
    return true
end

function Client:say(message)
    self:write(message)
    local answer = self:read()
    if answer:match("^Error ") then refuse("refused the message: " .. answer) end
    return answer
end

function Client:confirm(message)
    local answer = self:say(message)
    local reasons = {}
    for k = 1, tonumber(answer:match("^Ok %d+ (%d+)$") or self:garbage("Ok", answer)) do
        reasons[k] = self:read():gsub("^Error %d+ ", "")
    end
    if #reasons > 0 then return nil, table.concat(reasons, "; ") end
    return true
end

function Client:write(text)
    if self.status or not self.to:write(text) or not self.to:flush() then self:death() end
end

function Client:read()
    local line = not self.status and self.from:read("*L")
    if not line or line:sub(-1) ~= "\n" then self:death() end
    return (line:gsub("\r?\n$", ""))
end

function Client:garbage(expected, line)
    self:leave()
    refuse("expected " .. expected .. ", came '" .. line:sub(1, 200) .. "'")
end

function Client:death()
    self:leave()
    refuse("ended with " .. self.status .. ": " .. self:said())
end

-- What hmserve wrote on standard error since the last time.
function Client:said()
    return self.errors:read("*a")
end

function Client:pass_on()
    io.stderr:write(self:said())
end

-- Closes everything; returns how hmserve ended, such as "exit 0".
function Client:leave()
    if not self.status then
        self.to:close()
        local _, how, code = self.from:close()
        self.status = how .. " " .. code
    end
    return self.status
end

return hmserve
