# Times R's ordered logit under replicate weights: Rscript replicates.R <data.csv> <times.csv> <many> <few>
# svyolr fits the sample once, with its Hessian, and then polr under each set of weights, started from there:
# what withReplicates would do. Two numbers of replicates tell what one of them costs.
arguments <- commandArgs(trailingOnly = TRUE)
many <- as.integer(arguments[3])
few <- as.integer(arguments[4])
suppressPackageStartupMessages(library(survey))
frame <- read.csv(arguments[1])
frame$grade <- factor(frame$grade, levels = c("a", "b", "c", "d", "e"))
graded <- reformulate(paste0("x", 1:15), "grade")
design <- svydesign(~psu, strata = ~stratum, weights = ~weight, data = frame)
set.seed(1)
found <- NULL
for (replicates in c(few, many)) {
  made <- as.svrepdesign(design, type = "subbootstrap", replicates = replicates)
  spent <- system.time(fit <- svyolr(graded, made))
  found <- rbind(found, data.frame(
    replicates = replicates, wall = spent[["elapsed"]], cpu = spent[["user.self"]] + spent[["sys.self"]]
  ))
  cat("svyolr,", replicates, "replicates:", spent[["elapsed"]], "s\n")
}
write.csv(found, arguments[2], row.names = FALSE)
