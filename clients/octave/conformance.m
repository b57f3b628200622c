% The driver for ../conformance: SCENARIO DIALECT OUTPUTS.
1;

function text = show(value)
    if isempty(value)
        text = '';
    elseif ischar(value)
        text = value;
    elseif numel(value) > 1
        text = sprintf('(%s)', strjoin(arrayfun(@num2str, value, 'UniformOutput', false), ', '));
    else
        text = sprintf('%.17g', value);
    end
end

function result = field(trial, name, other)
    result = other;
    if isfield(trial, name) && ~isempty(trial.(name))
        result = trial.(name);
    end
end

function answer = black_box(trial, outputs, epochs)
    answer = [];
    c = field(trial, 'c', '');
    if strcmp(c, 'fails')
        return
    end
    p = field(trial, 'p', []);
    value = trial.x ^ 2 + field(trial, 'n', 0) + field(trial, 'm', 0) + 1 / epochs;
    value = value + sum((1:numel(p)) .* p);
    values = struct('Value', value, 'Cost', 1 - trial.x, 'Valid', ~strcmp(c, 'infeasible'), 'epochs', epochs);
    answer = cellfun(@(name) double(values.(name)), outputs);
end

function answer(client, trial)
    c = field(trial, 'c', '');
    epochs = field(trial, 'epochs', Inf);
    if client.ask_tell && strcmp(c, 'lost')
        client.drop(trial);
        return
    end
    if client.ask_tell && any(strcmp(client.outputs, 'epochs')) && epochs > 1
        so_far = black_box(trial, {'Value'}, 1);
        if ~client.report(trial, 1, so_far)
            epochs = 1;
        end
    end
    try
        client.tell(trial, black_box(trial, client.outputs, epochs));
    catch problem
        if ~strcmp(problem.identifier, 'hmserve:refused')
            rethrow(problem);
        end
        printf('refused %s\n', problem.message);
    end
    if strcmp(c, 'stops')
        client.stop();
        printf('status %s\n', client.run_status());
    end
end

function converse(client)
    held = [];
    [trials, over] = client.ask(2);
    while ~over
        for k = 1:numel(trials)
            if ~isempty(held)
                answer(client, held);
            end
            held = trials{k};
        end
        if ~isempty(held) && (isempty(trials) || ~client.ask_tell)
            answer(client, held);
            held = [];
        end
        [trials, over] = client.ask(2);
    end
    best = client.best();
    for k = 1:numel(best)
        names = best{k}.names;
        for j = 1:numel(names)
            printf('best %s=%s\n', names{j}, show(best{k}.(names{j})));
        end
    end
    client.close();
    printf('end\n');
end

addpath(fileparts(mfilename('fullpath')));
arguments = argv();
try
    client = Hmserve(arguments{1}, strsplit(arguments{3}, ','), 'ask_tell', strcmp(arguments{2}, 'ask-tell'));
    converse(client);
catch problem
    fprintf(stderr, 'conformance: %s\n', problem.message);
    exit(1);
end
