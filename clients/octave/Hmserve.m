% A client of hmserve in one file: GNU Octave 6 or later on a system with a shell and mkfifo; MATLAB with Java.
%
%     client = Hmserve('app.json', {'Seconds', 'Valid'});
%     best = client.minimise(@(trial) [measure(trial.tile), true]);
%     client.close();
%
% A trial is a struct: numbers, texts, a row of places from 0 for a permutation, [] for what is inactive; its fields
% names and texts are what hmserve wrote. What hmserve complains of is an error with the identifier
% 'hmserve:ended' or 'hmserve:garbage', or, for a row that it does not take (ask-tell), 'hmserve:refused'.
classdef Hmserve < handle
    properties (SetAccess = private)
        outputs
        ask_tell = false
    end

    properties (Access = private)
        from            % what we read from: a stream, or a reader of Java
        to              % what we write to
        child = []      % the process of Java
        wire = ''
        messages
        open_trials = 0
        begun = false
        ended = false
        left = false
        status = 0
        bests = {}
        shown = 0       % how much of the messages
    end

    methods
        % outputs: the columns you answer (objectives, measured constraints, feasibility; and the fidelity if you tell
        % how far an evaluation went). Options, as pairs:
        % 'ask_tell', true for results that come one by one; 'program', else $HMSERVE, else 'hmserve';
        % 'arguments', a cell array of more of them such as '--resume'.
        function self = Hmserve(scenario, outputs, varargin)
            if ischar(outputs)
                outputs = {outputs};
            end
            self.outputs = outputs;
            options = struct('ask_tell', false, 'program', getenv('HMSERVE'), 'arguments', {{}});
            for k = 1:2:numel(varargin)
                options.(varargin{k}) = varargin{k + 1};
            end
            if isempty(options.program)
                options.program = 'hmserve';
            end
            self.ask_tell = options.ask_tell;
            words = [{options.program, '--config', scenario}, options.arguments];
            if self.ask_tell
                words = [words, {'--protocol', 'ask-tell'}];
            end
            self.messages = tempname();
            if exist('OCTAVE_VERSION', 'builtin')
                self.start_octave(words);
            else
                self.start_java(words);
            end
        end

        function delete(self)
            self.leave();
            self.pass_on();
            if isempty(self.child)
                unlink(self.messages);
            end
        end

        % A cell array of trials; over says that the run is. Classic: all of the next request, when all of the last
        % one are told. Ask-tell: at most count, and none until one that is out is told.
        function [trials, over] = ask(self, count)
            trials = {};
            over = self.ended;
            if over
                return
            end
            if nargin < 2
                count = 1;
            end
            if self.ask_tell
                self.write(sprintf('Ask %d\n', count));
            elseif self.open_trials > 0
                error('hmserve:misuse', '%d trials of the last request have no result yet', self.open_trials);
            end
            self.begun = false;
            while true
                line = self.read();
                if ~isempty(regexp(line, '^Request \d+$', 'once'))
                    self.open_trials = sscanf(line, 'Request %d');
                    trials = self.rows(self.open_trials);
                    self.pass_on();
                    return
                elseif strcmp(line, 'End of HyperMapper')
                    self.ended = true;
                    over = true;
                    if ~self.ask_tell
                        self.close();
                    end
                    return
                elseif self.ask_tell && ~isempty(regexp(line, '^Wait \d+$', 'once'))
                    return
                elseif self.ask_tell || ~self.aside(line)
                    self.garbage('a request', line);
                end
            end
        end

        % Tells a value for each output; [] says that the evaluation failed, as NaN for an objective does.
        function tell(self, trial, values)
            cells = repmat({''}, 1, numel(self.outputs));
            if ~isempty(values)
                if numel(values) ~= numel(cells)
                    error('hmserve:misuse', 'expected a value for each output');
                end
                cells = arrayfun(@(value) sprintf('%.17g', value), double(values), 'UniformOutput', false);
            end
            inputs = ~ismember(trial.names, self.outputs);
            header = [strjoin([trial.names(inputs), reshape(self.outputs, 1, [])], ','), char(10)];
            row = [strjoin([trial.texts(inputs), reshape(cells, 1, [])], ','), char(10)];
            if self.ask_tell
                self.confirm(['Tell 1', char(10), header, row]);
                return
            end
            if self.begun
                header = '';
            end
            self.write([header, row]);
            self.begun = true;
            self.open_trials = self.open_trials - 1;
        end

        % Gives back a trial that was never evaluated (ask-tell).
        function drop(self, trial)
            self.confirm(sprintf('Drop 1\ntrial\n%d\n', trial.trial));
        end

        % Says how a trial stands (ask-tell). False: end the evaluation, and tell it with the fidelity it has reached.
        function go_on = report(self, trial, fidelity, objective)
            answer = self.say(sprintf('Report %d,%.17g,%.17g\n', trial.trial, fidelity, objective));
            go_on = strcmp(answer, 'Continue');
            if ~go_on && ~strcmp(answer, 'Stop')
                self.garbage('Continue or Stop', answer);
            end
        end

        % How the run stands (ask-tell), as JSON.
        function json = run_status(self)
            answer = self.say(sprintf('Status\n'));
            if ~strncmp(answer, 'Status ', 7)
                self.garbage('Status', answer);
            end
            json = answer(8:end);
        end

        % Has no more trials handed out (ask-tell).
        function stop(self)
            self.confirm(sprintf('Stop\n'));
        end

        % A cell array of the best trials with their outputs. Classic: at the end, with "print_best": true.
        function trials = best(self)
            trials = self.bests;
            if self.ask_tell
                line = self.say(sprintf('Best\n'));
                if isempty(regexp(line, '^Best \d+$', 'once'))
                    self.garbage('Best', line);
                end
                trials = self.rows(sscanf(line, 'Best %d'));
            end
        end

        % Evaluates a function for each trial until the run is over; returns the best trials.
        function trials = minimise(self, evaluate)
            [trials, over] = self.ask();
            while ~over
                for k = 1:numel(trials)
                    self.tell(trials{k}, evaluate(trials{k}));
                end
                [trials, over] = self.ask();
            end
            trials = self.best();
        end

        % Ends the conversation; an error if the exit status of hmserve is not 0.
        function close(self)
            if ~self.left
                self.leave();
                if self.status ~= 0
                    self.death();
                end
            end
            self.pass_on();
        end
    end

    methods (Access = private)
        function start_octave(self, words)
            self.wire = tempname();
            if system(['mkfifo ', quote(self.wire)]) ~= 0
                error('hmserve:ended', 'cannot make a named pipe');
            end
            command = strjoin(cellfun(@quote, words, 'UniformOutput', false), ' ');
            command = [command, ' <&3 2>', quote(self.messages)];
            % Octave's pclose does not return the exit status.
            command = ['exec 3<', quote(self.wire), '; ', command, '; echo $? >', quote([self.wire, '.status'])];
            % When hmserve has ended cat takes what we still write: a full pipe would have us wait for ever.
            self.from = popen([command, '; exec >&-; cat <&3 >/dev/null'], 'r');
            self.to = fopen(self.wire, 'w');
            unlink(self.wire); % both ends are open
        end

        function start_java(self, words)
            builder = java.lang.ProcessBuilder(words);
            builder.redirectError(java.io.File(self.messages));
            try
                self.child = builder.start();
            catch problem
                self.left = true;
                error('hmserve:ended', 'cannot start %s: %s', words{1}, problem.message);
            end
            stream = java.io.InputStreamReader(self.child.getInputStream(), 'UTF-8');
            self.from = java.io.BufferedReader(stream);
            self.to = java.io.OutputStreamWriter(self.child.getOutputStream(), 'UTF-8');
        end

        function trials = rows(self, count)
            names = strsplit(self.read(), ',');
            trials = cell(1, count);
            for k = 1:count
                trials{k} = self.trial(names, self.read());
            end
        end

        function trial = trial(self, names, row)
            % The commas of a permutation part no values.
            cells = regexp([row, ','], '(\([\d, ]*\)|[^,]*),', 'tokens');
            if numel(cells) ~= numel(names)
                self.garbage(sprintf('%d values', numel(names)), row);
            end
            texts = [cells{:}];
            trial = struct('names', {names}, 'texts', {texts});
            for k = 1:numel(names)
                trial.(names{k}) = value(texts{k});
            end
        end

        % Reads a block before the end; returns whether line begins one.
        function known = aside(self, line)
            known = true;
            switch line
                case 'Best point found:'
                    self.bests = self.rows(1);
                case 'Minimum of the posterior mean:'
                    self.rows(1);
                case {'', 'Multiple objectives, there is no single best point.'}
                otherwise
                    known = false;
            end
        end

        function answer = say(self, message)
            self.write(message);
            answer = self.read();
            if strncmp(answer, 'Error ', 6)
                error('hmserve:garbage', 'hmserve refused the message: %s', answer);
            end
        end

        function confirm(self, message)
            answer = self.say(message);
            counts = sscanf(answer, 'Ok %d %d');
            if numel(counts) ~= 2
                self.garbage('Ok', answer);
            end
            if counts(2) > 0
                error('hmserve:refused', '%s', regexprep(self.read(), '^Error \d+ ', ''));
            end
        end

        function write(self, text)
            if self.left
                self.death();
            elseif isempty(self.child)
                fputs(self.to, text);
                fflush(self.to);
                return
            end
            try
                self.to.write(text);
                self.to.flush();
            catch
                self.death();
            end
        end

        function line = read(self)
            line = -1;
            if ~self.left && isempty(self.child)
                line = read_line(self.from);
            elseif ~self.left
                % MATLAB makes [] of Java's null, and a char array of its text.
                line = self.from.readLine();
                if isjava(line)
                    line = char(line);
                end
            end
            if ~ischar(line)
                self.death();
            end
            line = regexprep(line, '\r$', '');
        end

        function garbage(self, expected, line)
            self.leave();
            error('hmserve:garbage', 'expected %s from hmserve, came ''%s''', expected, line(1:min(end, 200)));
        end

        function death(self)
            self.leave();
            error('hmserve:ended', 'hmserve ended with exit status %d: %s', self.status, strtrim(self.said()));
        end

        % What hmserve wrote on standard error since the last time.
        function text = said(self)
            text = '';
            if exist(self.messages, 'file')
                text = fileread(self.messages);
                text = text(self.shown + 1:end);
                self.shown = self.shown + numel(text);
            end
        end

        function pass_on(self)
            fprintf(2, '%s', self.said());
        end

        % Closes everything and sets the status, 128 + the signal if there was one.
        function leave(self)
            if self.left
                return
            end
            self.left = true;
            if isempty(self.child)
                fclose(self.to);
                pclose(self.from);
                self.status = 130; % an interrupt ends the shell, too
                if exist([self.wire, '.status'], 'file')
                    self.status = str2double(fileread([self.wire, '.status']));
                    unlink([self.wire, '.status']);
                end
                return
            end
            try
                self.to.close();
            catch
                % It has ended: what was still to be written is of no use.
            end
            self.from.close();
            self.status = self.child.waitFor();
        end
    end
end

% fgetl of Octave waits for the line after the one that it returns.
function line = read_line(stream)
    line = '';
    byte = fread(stream, 1, 'uint8=>char');
    while ~isempty(byte) && byte ~= char(10)
        line(end + 1) = byte;
        byte = fread(stream, 1, 'uint8=>char');
    end
    if isempty(byte)
        line = -1;
    end
end

function text = quote(text)
    text = ['''', strrep(text, '''', '''\'''''), ''''];
end

function result = value(text)
    if isempty(text)
        result = [];
    elseif ~isempty(regexp(text, '^\([\d, ]*\)$', 'once'))
        result = sscanf(strrep(text(2:end - 1), ',', ' '), '%d')';
    elseif ~isempty(regexp(text, '^-?\d+(\.\d+)?(e[+-]\d+)?$', 'once'))
        result = str2double(text);
    else
        result = text;
    end
end
