% hmserve run solver.json -- octave-cli -qf worker.m
1;

% fgetl of Octave waits for the line after the one that it returns, and fread of stdin for a full block.
function line = read_line(stream)
    line = '';
    while isempty(line) || line(end) ~= char(10)
        line(end + 1) = fread(stream, 1, 'uint8=>char');
    end
    line = line(1:end - 1);
end

addpath(fileparts(mfilename('fullpath')));
in = popen('exec cat', 'r');
line = read_line(in);
while strncmp(line, 'Request ', 8)
    printf('%s,Calls,Valid\n', read_line(in)); % tolerance,first,safety,growth
    for k = 1:sscanf(line, 'Request %d')
        row = read_line(in);
        v = sscanf(row, '%g,');
        [calls, valid] = solver(v(1), v(2), v(3), v(4));
        printf('%s,%d,%d\n', row, calls, valid);
    end
    fflush(stdout);
    line = read_line(in);
end
