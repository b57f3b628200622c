# How well a smoother foretells every seventh of the first 140 years of `sunspot.year` from the others. Returns the
# root of the mean squared error; NA where the smoother has too few points.
smooth_error <- function(method, span, degree, freedom, bandwidth) {
  y <- as.numeric(datasets::sunspot.year)[1:140]
  x <- seq_along(y)
  test <- x %% 7 == 3
  fit <- suppressWarnings(switch(method,
    loess = stats::predict(stats::loess(y ~ x, subset = !test, span = span, degree = degree), data.frame(x = x[test])),
    spline = stats::predict(stats::smooth.spline(x[!test], y[!test], df = freedom), x[test])$y,
    kernel = stats::ksmooth(x[!test], y[!test], "normal", bandwidth, x.points = x[test])$y
  ))
  error <- sqrt(mean((fit - y[test])^2))
  if (is.finite(error)) error else NA
}
