"""
A client of hmserve in one file: Julia 1.6 or later, the standard library only.

    include("Hmserve.jl")
    best = Hmserve.minimise("app.json", ["Seconds", "Valid"]) do trial
        [measure(Hmserve.integer(trial, "tile")), true]
    end

It is written by the documentation of Julia and has not been run, for want of Julia.
"""
module Hmserve

export Client, Trial, HmserveError, Refused, ask, tell, drop, report, run_status, stop, best, finish, minimise
export text, real_value, integer, permutation

"hmserve could not be started, ended early, or said what cannot be understood."
struct HmserveError <: Exception
    message::String
end

"hmserve did not take a row (ask-tell); nothing has changed, the run goes on."
struct Refused <: Exception
    reason::String
end

Base.showerror(io::IO, e::HmserveError) = print(io, "hmserve: ", e.message)
Base.showerror(io::IO, e::Refused) = print(io, "hmserve: refused: ", e.reason)

"One configuration: names and texts as hmserve wrote them, in its order."
struct Trial
    items::Vector{Pair{String,String}}
end

"The text of a value; empty where a parameter is inactive, or there is none of this name."
function text(trial::Trial, name)
    k = findfirst(item -> item.first == name, trial.items)
    return k === nothing ? "" : trial.items[k].second
end

"A number, or NaN where there is none."
real_value(trial::Trial, name) = something(tryparse(Float64, text(trial, name)), NaN)

"An integer, or 0 where there is none."
integer(trial::Trial, name) = something(tryparse(Int, text(trial, name)), 0)

"The places of a permutation, from 0."
permutation(trial::Trial, name) = [parse(Int, m.match) for m in eachmatch(r"\d+", text(trial, name))]

"hmserve as a child process."
mutable struct Client
    outputs::Vector{String}
    ask_tell::Bool
    process::Base.Process
    messages::String
    shown::Int
    begun::Bool
    open::Int
    ended::Bool
    best::Vector{Trial}
end

"""
    Client(scenario, outputs; ask_tell=false, program=nothing, arguments=String[])

Start hmserve: `program`, else the environment variable HMSERVE, else `hmserve`. `outputs` are the columns you
answer: objectives, measured constraints, feasibility; and the fidelity if you tell how far an evaluation went.
"""
function Client(scenario, outputs; ask_tell=false, program=nothing, arguments=String[])
    variable = get(ENV, "HMSERVE", "")
    word = program !== nothing ? program : isempty(variable) ? "hmserve" : variable
    words = String[word, "--config", scenario, arguments..., (ask_tell ? ["--protocol", "ask-tell"] : String[])...]
    messages = tempname()
    process = try
        open(pipeline(Cmd(words); stderr=messages), "r+")
    catch error
        error isa Base.IOError || rethrow()
        throw(HmserveError("cannot start $word: $(error.msg)"))
    end
    return Client(collect(String, outputs), ask_tell, process, messages, 0, false, 0, false, Trial[])
end

"""
    ask(client, count=1)

Return trials, or `nothing` when the run is over. Classic: all of the next request, when all of the last one are told.
Ask-tell: at most `count`, and none until one that is out is told.
"""
function ask(client::Client, count=1)
    client.ended && return nothing
    client.ask_tell && send(client, "Ask $count\n")
    client.ask_tell || client.open == 0 || error("$(client.open) trials of the last request have no result yet")
    client.begun = false
    while true
        line = receive(client)
        request = match(r"^Request (\d+)$", line)
        if request !== nothing
            client.open = parse(Int, request[1])
            pass_on(client)
            return rows(client, client.open)
        elseif line == "End of HyperMapper"
            client.ended = true
            client.ask_tell || finish(client)
            return nothing
        elseif client.ask_tell && occursin(r"^Wait \d+$", line)
            return Trial[]
        elseif client.ask_tell || !aside(client, line)
            garbage(client, "a request", line)
        end
    end
end

"Tell a value for each output, or `nothing` if the evaluation failed, as NaN for an objective says too."
function tell(client::Client, trial::Trial, result)
    values = result === nothing ? fill("", length(client.outputs)) : [cell(v) for v in result]
    length(values) == length(client.outputs) || throw(ArgumentError("expected a value for each output"))
    inputs = filter(item -> !(item.first in client.outputs), trial.items)
    header = join([first.(inputs); client.outputs], ",")
    row = join([last.(inputs); values], ",")
    client.ask_tell && return confirm(client, "Tell 1\n$header\n$row\n")
    send(client, client.begun ? "$row\n" : "$header\n$row\n")
    client.begun = true
    client.open -= 1
    return nothing
end

cell(value::Bool) = value ? "1" : "0"
cell(value) = string(value)

"Give back a trial that was never evaluated (ask-tell)."
drop(client::Client, trial::Trial) = confirm(client, "Drop 1\ntrial\n$(text(trial, "trial"))\n")

"Say how a trial stands (ask-tell). False: end the evaluation, and tell it with the fidelity it has reached."
function report(client::Client, trial::Trial, fidelity, objective)
    answer = say(client, "Report $(text(trial, "trial")),$fidelity,$objective\n")
    answer in ("Continue", "Stop") || garbage(client, "Continue or Stop", answer)
    return answer == "Continue"
end

"How the run stands (ask-tell), as JSON."
function run_status(client::Client)
    answer = say(client, "Status\n")
    startswith(answer, "Status ") || garbage(client, "Status", answer)
    return answer[8:end]
end

"Have no more trials handed out (ask-tell)."
stop(client::Client) = confirm(client, "Stop\n")

"The best trials with their outputs. Classic: at the end, with `\"print_best\": true`."
function best(client::Client)
    client.ask_tell || return client.best
    line = say(client, "Best\n")
    count = match(r"^Best (\d+)$", line)
    count === nothing && garbage(client, "Best", line)
    return rows(client, parse(Int, count[1]))
end

"Evaluate until the run is over; return the best trials."
function minimise(evaluate, scenario, outputs; options...)
    client = Client(scenario, outputs; options...)
    try
        while (trials = ask(client)) !== nothing
            foreach(trial -> tell(client, trial, evaluate(trial)), trials)
        end
        found = best(client)
        finish(client)
        return found
    finally
        leave(client)
        pass_on(client)
    end
end

"End the conversation; throw if the exit status of hmserve is not 0."
function finish(client::Client)
    leave(client)
    success(client.process) || death(client)
    pass_on(client)
    return nothing
end

function rows(client, count)
    names = String.(split(receive(client), ","))
    return [trial(client, names, receive(client)) for _ in 1:count]
end

function trial(client, names, row)
    cells = [m[1] for m in eachmatch(r"(\([\d, ]*\)|[^,]*),", row * ",")] # the commas of a permutation part no values
    length(names) == length(cells) || garbage(client, "$(length(names)) values", row)
    return Trial([n => String(c) for (n, c) in zip(names, cells)])
end

"Read a block before the end; return whether `line` begins one."
function aside(client, line)
    if line == "Best point found:"
        client.best = rows(client, 1)
    elseif line == "Minimum of the posterior mean:"
        rows(client, 1)
    else
        return line in ("", "Multiple objectives, there is no single best point.")
    end
    return true
end

function say(client, message)
    send(client, message)
    answer = receive(client)
    startswith(answer, "Error ") && throw(HmserveError("refused the message: $answer"))
    return answer
end

function confirm(client, message)
    answer = say(client, message)
    counts = match(r"^Ok \d+ (\d+)$", answer)
    counts === nothing && garbage(client, "Ok", answer)
    counts[1] == "0" || throw(Refused(replace(receive(client), r"^Error \d+ " => "")))
    return nothing
end

function send(client, text)
    try
        write(client.process, text)
        flush(client.process)
    catch error
        error isa Base.IOError || rethrow()
        death(client)
    end
end

function receive(client)
    line = readline(client.process; keep=true)
    endswith(line, "\n") || death(client)
    return String(chomp(line)) # also of \r\n
end

function garbage(client, expected, line)
    kill(client.process)
    leave(client)
    throw(HmserveError("expected $expected, came '$(first(line, 200))'"))
end

function death(client)
    leave(client)
    signal = client.process.termsignal
    how = signal == 0 ? "exit status $(client.process.exitcode)" : "signal $signal"
    throw(HmserveError("ended with $how: $(strip(said(client)))"))
end

"What hmserve wrote on standard error since the last time."
function said(client)
    bytes = isfile(client.messages) ? read(client.messages) : UInt8[]
    text = String(bytes[client.shown+1:end])
    client.shown = length(bytes)
    return text
end

pass_on(client) = print(stderr, said(client))

function leave(client)
    close(client.process.in)
    close(client.process.out) # a hmserve that is still writing has nobody to wait for
    wait(client.process)
end

end
