# The driver for ../conformance: SCENARIO DIALECT OUTPUTS.
here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE)))
source(file.path(here, "hmserve.R"))

arguments <- commandArgs(TRUE)
outputs <- strsplit(arguments[3], ",")[[1]]
ask_tell <- arguments[2] == "ask-tell"

or <- function(x, other) if (is.null(x) || is.na(x[1])) other else x

black_box <- function(trial, epochs) {
  c <- or(trial$c, "")
  if (c == "fails") return(NULL)
  value <- trial$x^2 + or(trial$n, 0) + or(trial$m, 0) + 1 / epochs
  value <- value + sum(seq_along(trial$p) * trial$p)
  list(Value = value, Cost = 1 - trial$x, Valid = c != "infeasible", epochs = epochs)[outputs]
}

converse <- function(client) {
  tell <- function(trial) {
    c <- or(trial$c, "")
    epochs <- or(trial$epochs, Inf)
    if (ask_tell && c == "lost") return(client$drop(trial))
    if (ask_tell && "epochs" %in% outputs && epochs > 1) {
      if (!client$report(trial, 1, black_box(trial, 1)$Value)) epochs <- 1
    }
    tryCatch(client$tell(trial, black_box(trial, epochs)),
      hmserve_refused = function(e) cat(sub("^hmserve:", "refused", conditionMessage(e)), "\n", sep = ""))
    if (c == "stops") {
      client$stop()
      cat("status ", client$run_status(), "\n", sep = "")
    }
  }
  held <- NULL
  while (!is.null(trials <- client$ask(2))) {
    for (trial in trials) {
      if (!is.null(held)) tell(held)
      held <- trial
    }
    if (!is.null(held) && (length(trials) == 0 || !ask_tell)) {
      tell(held)
      held <- NULL
    }
  }
  for (trial in client$best()) for (name in names(trial)) {
    value <- trial[[name]]
    text <- if (is.na(value[1])) "" else if (length(value) > 1) sprintf("(%s)", toString(value)) else format(value, digits = 17)
    cat("best ", name, "=", text, "\n", sep = "")
  }
  client$close()
  cat("end\n")
}

tryCatch(
  converse(hmserve_start(arguments[1], outputs, ask_tell)),
  hmserve_error = function(e) {
    message("conformance: ", conditionMessage(e))
    quit(status = 1)
  }
)
