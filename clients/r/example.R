# Which smoother foretells best? Its settings count only for the method that has them.
here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE)))
source(file.path(here, "hmserve.R"))
source(file.path(here, "smooth.R"))

best <- hmserve_minimise("smooth.json", "Error", function(trial) do.call(smooth_error, unclass(trial)))
for (name in names(best[[1]])) cat(name, "=", best[[1]][[name]], "\n")
