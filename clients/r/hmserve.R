# A client of hmserve in one file: R 3.5 or later, base only, on a system with a shell and mkfifo.
#
#     source("hmserve.R")
#     best <- hmserve_minimise("app.json", c("Seconds", "Valid"), function(trial) c(measure(trial$tile), TRUE))
#
# Or own the loop: hmserve_start, $ask, $tell, $best, $close. What hmserve complains of is a condition of
# class "hmserve_error"; a row that it does not take (ask-tell) is one of class "hmserve_refused" too.

# Starts hmserve. outputs: the columns you answer (objectives, measured constraints, feasibility; and the fidelity if
# you tell how far an evaluation went). ask_tell: whether results come one by one. program: its path, else $HMSERVE,
# else "hmserve". arguments: more of them, such as "--resume". Returns an environment with the functions below.
hmserve_start <- function(scenario, outputs, ask_tell = FALSE, program = NULL, arguments = character()) {
  if (is.null(program)) program <- Sys.getenv("HMSERVE")
  if (!nzchar(program)) program <- "hmserve"
  wire <- tempfile("hmserve")
  messages <- tempfile("hmserve")
  if (system2("mkfifo", shQuote(wire)) != 0) .hmserve_stop("cannot make a named pipe")
  words <- c("--config", path.expand(scenario), arguments, if (ask_tell) c("--protocol", "ask-tell"))
  command <- paste(shQuote(c(program, words)), collapse = " ")
  from <- pipe(paste("exec", command, "<", shQuote(wire), "2>", shQuote(messages)), "r")
  to <- file(wire, "w", raw = TRUE)
  unlink(wire) # both ends are open
  begun <- FALSE
  open <- 0
  ended <- FALSE
  status <- NULL
  how <- ""
  shown <- 0
  bests <- list()

  # A list of trials, or NULL when the run is over. Classic: all of the next request, when all of the last one
  # are told. Ask-tell: at most count, and none until one that is out is told.
  ask <- function(count = 1) {
    if (ended) return(NULL)
    if (ask_tell) {
      write(paste("Ask", count))
    } else if (open > 0) {
      .hmserve_stop(paste(open, "trials of the last request have no result yet"))
    }
    begun <<- FALSE
    repeat {
      line <- read()
      if (grepl("^Request [0-9]+$", line)) {
        open <<- as.integer(substring(line, 9))
        pass_on()
        return(rows(open))
      }
      if (line == "End of HyperMapper") {
        ended <<- TRUE
        if (!ask_tell) close()
        return(NULL)
      }
      if (ask_tell && grepl("^Wait [0-9]+$", line)) return(list())
      if (ask_tell || !aside(line)) garbage("a request", line)
    }
  }

  # Tells what came of a trial: a value for each output, or NULL if it failed, as NA or NaN say too.
  tell <- function(trial, values) {
    if (is.null(values)) values <- rep(NA, length(outputs))
    if (length(values) != length(outputs)) .hmserve_stop("expected a value for each output")
    cells <- vapply(values, function(v) if (is.na(v)) "" else sprintf("%.17g", as.numeric(v)), "")
    texts <- attr(trial, "texts")
    texts <- texts[setdiff(names(texts), outputs)]
    header <- paste(c(names(texts), outputs), collapse = ",")
    row <- paste(c(texts, cells), collapse = ",")
    if (ask_tell) return(confirm(c("Tell 1", header, row)))
    write(c(if (!begun) header, row))
    begun <<- TRUE
    open <<- open - 1
    invisible()
  }

  # Gives back a trial that was never evaluated (ask-tell).
  drop <- function(trial) confirm(c("Drop 1", "trial", trial$trial))

  # Says how a trial stands (ask-tell). FALSE: end the evaluation, and tell it with the fidelity it has reached.
  report <- function(trial, fidelity, objective) {
    answer <- say(sprintf("Report %s,%.17g,%.17g", trial$trial, fidelity, objective))
    if (!answer %in% c("Continue", "Stop")) garbage("Continue or Stop", answer)
    answer == "Continue"
  }

  # How the run stands (ask-tell), as JSON.
  run_status <- function() {
    answer <- say("Status")
    if (!startsWith(answer, "Status ")) garbage("Status", answer)
    substring(answer, 8)
  }

  # Has no more trials handed out (ask-tell).
  stop <- function() confirm("Stop")

  # A list of the best trials with their outputs. Classic: at the end, with "print_best": true.
  best <- function() {
    if (!ask_tell) return(bests)
    line <- say("Best")
    if (!grepl("^Best [0-9]+$", line)) garbage("Best", line)
    rows(as.integer(substring(line, 6)))
  }

  # Ends the conversation; an error if the exit status of hmserve is not 0.
  close <- function() {
    if (is.null(status) && leave() != 0) death()
    pass_on()
  }

  rows <- function(count) {
    names <- strsplit(read(), ",", fixed = TRUE)[[1]]
    lapply(seq_len(count), function(k) trial(names, read()))
  }

  trial <- function(names, row) {
    # The commas of a permutation part no values.
    cells <- regmatches(paste0(row, ","), gregexpr("(\\([0-9, ]*\\)|[^,]*),", paste0(row, ",")))[[1]]
    cells <- sub(",$", "", cells)
    if (length(cells) != length(names)) garbage(paste(length(names), "values"), row)
    texts <- stats::setNames(cells, names)
    structure(lapply(texts, .hmserve_value), texts = texts)
  }

  # Reads a block before the end; returns whether line begins one.
  aside <- function(line) {
    if (line == "Best point found:") bests <<- rows(1)
    else if (line == "Minimum of the posterior mean:") rows(1)
    else return(line %in% c("", "Multiple objectives, there is no single best point."))
    TRUE
  }

  say <- function(lines) {
    write(lines)
    answer <- read()
    if (grepl("^Error ", answer)) .hmserve_stop(paste("refused the message:", answer))
    answer
  }

  confirm <- function(lines) {
    answer <- say(lines)
    if (!grepl("^Ok [0-9]+ [0-9]+$", answer)) garbage("Ok", answer)
    if (!grepl(" 0$", answer)) .hmserve_stop(sub("^Error [0-9]+ ", "", read()), "hmserve_refused")
    invisible()
  }

  write <- function(lines) {
    if (!is.null(status)) death()
    tryCatch({
      writeLines(enc2utf8(as.character(lines)), to, useBytes = TRUE)
      flush(to)
    }, error = function(e) death())
  }

  read <- function() {
    line <- if (is.null(status)) suppressWarnings(readLines(from, 1, encoding = "UTF-8"))
    if (length(line) == 0) death()
    sub("\r$", "", line)
  }

  garbage <- function(expected, line) {
    leave()
    .hmserve_stop(paste0("expected ", expected, ", came '", substr(line, 1, 200), "'"))
  }

  death <- function() {
    leave()
    .hmserve_stop(paste0("ended with ", how, ": ", said()))
  }

  # What hmserve wrote on standard error since the last time.
  said <- function() {
    lines <- suppressWarnings(readLines(messages))
    new <- lines[seq_along(lines) > shown]
    shown <<- length(lines)
    paste(new, collapse = "\n")
  }

  pass_on <- function() {
    text <- said()
    if (nzchar(text)) message(text)
  }

  leave <- function() {
    if (is.null(status)) {
      suppressWarnings(try(base::close(to), silent = TRUE)) # it may be gone
      status <<- base::close(from)
      if (is.null(status)) status <<- 0
      # As the system has it: 256 times the exit status, or the signal.
      how <<- if (status < 256) paste("signal", status %% 128) else paste("exit status", status %/% 256)
      if (status == 0) how <<- "exit status 0"
    }
    status
  }

  environment()
}

# Evaluates a function for each trial until the run is over; returns a list of the best trials. The function takes a
# trial, a list of values by name, and returns what $tell takes.
hmserve_minimise <- function(scenario, outputs, f, ...) {
  client <- hmserve_start(scenario, outputs, ...)
  on.exit({
    client$leave()
    client$pass_on()
  })
  while (!is.null(trials <- client$ask())) {
    for (trial in trials) client$tell(trial, f(trial))
  }
  best <- client$best()
  client$close()
  best
}

# A number, a label, a vector for a permutation, NA for what is inactive.
.hmserve_value <- function(text) {
  if (!nzchar(text)) return(NA)
  if (grepl("^\\([0-9, ]*\\)$", text)) return(as.integer(strsplit(gsub("[() ]", "", text), ",")[[1]]))
  if (grepl("^-?[0-9]+([.][0-9]+)?(e[+-][0-9]+)?$", text)) return(as.numeric(text))
  text
}

.hmserve_stop <- function(message, class = character()) {
  base::stop(structure(
    list(message = paste("hmserve:", message), call = NULL),
    class = c(class, "hmserve_error", "error", "condition")
  ))
}
