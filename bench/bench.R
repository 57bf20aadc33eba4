# Times R's programs on data written by bench.py: Rscript bench.R <data.csv> <times.csv> <repeats> <patience>
arguments <- commandArgs(trailingOnly = TRUE)
repeats <- as.integer(arguments[3])
patience <- as.numeric(arguments[4])
suppressPackageStartupMessages({
  library(survey)
  library(ordinal)
  library(MASS)
})
frame <- read.csv(arguments[1])
frame$grade <- factor(frame$grade, levels = c("a", "b", "c", "d", "e"))
predictors <- paste0("x", 1:15)
binary <- reformulate(predictors, "event")
graded <- reformulate(predictors, "grade")
design <- svydesign(~psu, strata = ~stratum, weights = ~weight, data = frame)
found <- list()

timed <- function(model, program, fit) {
  fitted <- fit()
  seconds <- numeric(0)
  while (length(seconds) < repeats && !(length(seconds) >= 3 && sum(seconds) > patience)) {
    start <- sum(proc.time()[c("user.self", "sys.self")])
    fitted <- fit()
    seconds <- c(seconds, sum(proc.time()[c("user.self", "sys.self")]) - start)
  }
  slopes <- coef(fitted)[predictors]
  found[[length(found) + 1]] <<- data.frame(
    model = model, program = program, quantity = c(rep("seconds", length(seconds)), rep("slope", 15)),
    value = c(seconds, slopes)
  )
  cat("n = ", nrow(frame), ", ", model, ", ", program, ": ", median(seconds), " s\n", sep = "")
}

timed("binary, design", "R survey::svyglm", function() svyglm(binary, design, family = quasibinomial()))
timed("binary, unweighted", "R glm", function() {
  fitted <- glm(binary, data = frame, family = binomial())
  vcov(fitted)
  fitted
})
timed("ordinal, design", "R survey::svyolr", function() svyolr(graded, design))
timed("ordinal, unweighted", "R ordinal::clm", function() clm(graded, data = frame))
timed("ordinal, unweighted", "R MASS::polr", function() polr(graded, data = frame, Hess = TRUE))
write.csv(format(do.call(rbind, found), digits = 17), arguments[2], row.names = FALSE)
