# hmserve run smooth.json -- Rscript worker.R
source(file.path(dirname(sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))), "smooth.R"))

input <- file("stdin", "r")
while (length(line <- readLines(input, 1)) == 1 && grepl("^Request", line)) {
  names <- readLines(input, 1)
  cat(names, ",Error\n", sep = "")
  for (k in seq_len(as.integer(substring(line, 9)))) {
    row <- readLines(input, 1)
    # A field more, so that an empty one at the end is kept.
    cells <- strsplit(paste0(row, ",."), ",")[[1]]
    settings <- as.numeric(cells[2:5])
    error <- smooth_error(cells[1], settings[1], settings[2], settings[3], settings[4])
    cat(row, ",", format(error, digits = 17), "\n", sep = "")
  }
  flush(stdout())
}
