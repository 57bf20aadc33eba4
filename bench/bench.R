# Times R's programs on data written by bench.py: Rscript bench.R <folder> <repeats> <program> ...
# Reads data.bin (doubles, column after column) and columns.txt, writes r.csv there.
arguments <- commandArgs(trailingOnly = TRUE)
folder <- arguments[1]
repeats <- as.integer(arguments[2])
wanted <- arguments[-(1:2)]
suppressPackageStartupMessages({
  library(survey)
  library(ordinal)
  library(MASS)
})
columns <- readLines(file.path(folder, "columns.txt"), warn = FALSE)
file <- file(file.path(folder, "data.bin"), "rb")
n <- file.size(file.path(folder, "data.bin")) / 8 / length(columns)
frame <- as.data.frame(lapply(setNames(columns, columns), function(name) readBin(file, "double", n)))
close(file)
frame$grade <- factor(frame$grade, levels = 0:4, labels = c("a", "b", "c", "d", "e"))
predictors <- setdiff(columns, c("grade", "event", "weight", "stratum", "psu"))
if (predictors[1] == "f1") {
  for (name in predictors) frame[[name]] <- factor(frame[[name]], levels = 0:3, labels = c("p", "q", "r", "s"))
}
binary <- reformulate(predictors, "event")
graded <- reformulate(predictors, "grade")
design <- svydesign(~psu, strata = ~stratum, weights = ~weight, data = frame)
patience <- 10 # as in bench_time.py
found <- list()

timed <- function(model, program, fit) {
  if (!(program %in% wanted)) {
    return(invisible())
  }
  seconds <- NULL
  once <- function() {
    start <- proc.time()
    fitted <- fit()
    spent <- proc.time() - start
    seconds <<- rbind(seconds, c(spent[["elapsed"]], spent[["user.self"]] + spent[["sys.self"]]))
    fitted
  }
  fitted <- once()
  if (seconds[1, 1] < patience) {
    seconds <- NULL
    while (NROW(seconds) < repeats && !(NROW(seconds) >= 3 && sum(seconds[, 1]) > patience)) fitted <- once()
  }
  slopes <- coef(fitted)
  slopes <- slopes[names(slopes) != "(Intercept)" & !grepl("|", names(slopes), fixed = TRUE)]
  found[[length(found) + 1]] <<- data.frame(
    model = model, program = program,
    quantity = rep(c("wall", "cpu", "slope"), c(NROW(seconds), NROW(seconds), length(slopes))),
    value = c(seconds[, 1], seconds[, 2], slopes)
  )
  cat("  ", model, ", ", program, ": ", median(seconds[, 1]), " s\n", sep = "")
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
if (length(found)) {
  write.csv(format(do.call(rbind, found), digits = 17), file.path(folder, "r.csv"), row.names = FALSE)
}
