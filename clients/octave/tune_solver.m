% Which tolerance and steps follow an oscillator with the fewest calls, and still right to 1e-3?
1;

function result = evaluate(trial)
    [calls, valid] = solver(trial.tolerance, trial.first, trial.safety, trial.growth);
    result = [calls, valid];
end

addpath(fileparts(mfilename('fullpath')));
client = Hmserve('solver.json', {'Calls', 'Valid'});
best = client.minimise(@evaluate);
disp(rmfield(best{1}, {'names', 'texts'}));
client.close();
