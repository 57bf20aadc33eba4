# Other programs' estimates and standard errors of the certified problems: Rscript peers.R <folder>
# Reads fits.tsv and one table per fit from the folder, written by parity.py; writes r.tsv there.
folder <- commandArgs(trailingOnly = TRUE)[1]
suppressPackageStartupMessages({
  library(survey)
  library(ordinal)
  library(MASS)
})
fits <- read.delim(file.path(folder, "fits.tsv"), stringsAsFactors = FALSE)
lines <- character(0)

say <- function(fit, program, quantity, values) {
  text <- if (is.character(values)) gsub("[\t\r\n]+", " ", values) else sprintf("%.17g", values)
  lines <<- c(lines, paste(fit$id, program, quantity, seq_along(text), text, sep = "\t"))
}

# Thresholds (minus the intercept) first, then slopes, whatever a program's own order is.
tried <- function(fit, program, run) {
  warned <- character(0)
  found <- tryCatch(
    withCallingHandlers(run(), warning = function(w) {
      warned <<- c(warned, conditionMessage(w))
      invokeRestart("muffleWarning")
    }),
    error = function(e) conditionMessage(e)
  )
  if (length(warned)) say(fit, program, "warning", unique(warned))
  if (is.character(found)) return(say(fit, program, "error", found))
  say(fit, program, "estimate", unname(found$estimate))
  if (!is.null(found$std_error)) say(fit, program, "std_error", unname(found$std_error))
}

design_of <- function(fit, frame) {
  survey::svydesign(
    ids = if (fit$psu) ~psu else ~1, strata = if (fit$strata) ~stratum, weights = ~w, data = frame,
    fpc = if (fit$fpc) ~population
  )
}

binary <- function(fit, frame, right) {
  tried(fit, "svyglm", function() {
    options(survey.lonely.psu = if (fit$lonely == "error") "fail" else fit$lonely)
    design <- subset(design_of(fit, frame), inside == 1)
    found <- svyglm(reformulate(right, "y"), design, family = quasibinomial())
    signs <- c(-1, rep(1, length(right)))
    list(estimate = signs * coef(found), std_error = sqrt(diag(vcov(found))))
  })
}

# By position: thresholds before slopes.
reordered <- function(values, n_slopes) {
  c(values[-seq_len(n_slopes)], values[seq_len(n_slopes)])
}

ordinal_fits <- function(fit, frame, right) {
  frame$y <- factor(frame$y)
  formula <- reformulate(right, "y")
  p <- length(right)
  model_based <- fit$covariance == "model"
  inside <- frame[frame$inside == 1, ]
  tried(fit, "clm", function() {
    found <- do.call(clm, list(formula, data = inside, weights = inside$w, link = fit$link))
    list(estimate = c(found$alpha, found$beta), std_error = if (model_based) sqrt(diag(vcov(found))))
  })
  method <- c(logit = "logistic")[fit$link]
  method <- if (is.na(method)) fit$link else method
  tried(fit, "polr", function() {
    found <- do.call(polr, list(formula, data = inside, weights = inside$w, method = method, Hess = model_based))
    list(
      estimate = c(found$zeta, coef(found)),
      std_error = if (model_based) reordered(sqrt(diag(vcov(found))), p)
    )
  })
  if (model_based || fit$link == "loglog") return()  # svyolr has no such link
  tried(fit, "svyolr", function() {
    options(survey.lonely.psu = if (fit$lonely == "error") "fail" else fit$lonely)
    design <- subset(design_of(fit, frame), inside == 1)
    found <- svyolr(formula, design, method = method)
    list(estimate = c(found$zeta, found$coefficients), std_error = reordered(sqrt(diag(vcov(found))), p))
  })
}

for (i in seq_len(nrow(fits))) {
  fit <- fits[i, ]
  classes <- c(stratum = "character", psu = "character")
  frame <- read.delim(file.path(folder, fit$file), colClasses = classes)
  right <- paste0("c", seq_len(fit$slopes))
  if (fit$binary) {
    if (fit$covariance != "model") binary(fit, frame, right)
  } else {
    ordinal_fits(fit, frame, right)
  }
}
versions <- sapply(c("survey", "ordinal", "MASS"), function(p) as.character(packageDescription(p, fields = "Version")))
lines <- c(paste0("versions\tR\t", R.version$major, ".", R.version$minor), paste0("versions\t", names(versions), "\t", versions), lines)
writeLines(lines, file.path(folder, "r.tsv"), useBytes = TRUE)
