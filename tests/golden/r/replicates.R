# Replicate weights: given with the data (svrepdesign) or made from strata and PSUs (as.svrepdesign); means,
# tables, domains, and weights calibrated replicate by replicate.
here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))
source(file.path(here, "common.R"))
quietly(library(survey))

frame <- read_golden("pairs.csv")
frame$joins_1 <- as.numeric(frame$joins == "yes")
COLUMNS <- paste0("rw", 1:12)

keep <- function(case, design) {
  for (variable in c("score", "joins_1")) {
    found <- svymean(reformulate(variable), design)
    record(case, "estimate", coef(found), variable)
    record(case, "std_error", SE(found), variable)
  }
  record(case, "total_std_error", SE(svytotal(~score, design)), "score")
  record(case, "df", degf(design))
}

# Everything that a design of replicates is asked for: limits on the logit scale, tables, a domain.
keep_all <- function(case, design) {
  keep(case, design)
  keep(paste(case, "domain", sep = "|"), subset(design, group == "a"))
  keep_table(case, design)
  keep_table(paste(case, "domain", sep = "|"), subset(design, group == "a"))
  limits <- confint(svyciprop(~joins_1, design, method = "xlogit", df = degf(design)))
  record(case, "limits", limits, c("conf_low", "conf_high"))
}

keep_table <- function(case, design) {
  for (statistic in c("F", "adjWald")) {
    found <- svychisq(~joins + grade, design, statistic = statistic)
    record(case, statistic, c(found$statistic, found$parameter, found$p.value),
           c("statistic", "df_num", "df_denom", "p_value"))
  }
  for (of in c("yes", "no")) {
    found <- svymean(~grade, subset(design, joins == of))
    record(case, "of_row", coef(found), paste(of, sub("grade", "", names(coef(found))), sep = "|"))
    record(case, "of_row_std_error", SE(found), paste(of, sub("grade", "", names(coef(found))), sep = "|"))
  }
}

# --- given ---

RSCALES <- c(0.5, 0.6, 0.7, 0.8, 0.9, 1, 0.5, 0.6, 0, 0.8, 0.9, 1)
given <- function(..., combined = TRUE)
  suppressWarnings(svrepdesign(
    data = frame, weights = ~weight, combined.weights = combined,
    repweights = if (combined) frame[COLUMNS] else frame[COLUMNS] / frame$weight, ...
  ))
METHODS <- list(
  jk1 = list(type = "JK1"), jk1_scale = list(type = "JK1", scale = 0.3),
  jkn = list(type = "JKn", rscales = RSCALES), jk2 = list(type = "JK2"), brr = list(type = "BRR"),
  fay = list(type = "Fay", rho = 0.3), bootstrap = list(type = "bootstrap"),
  bootstrap_scale = list(type = "bootstrap", scale = 0.2), sdr = list(type = "successive-difference"),
  other = list(type = "other", scale = 0.25, rscales = RSCALES)
)
for (name in names(METHODS))
  for (mse in c(FALSE, TRUE))
    keep_all(paste("given", name, mse, sep = "|"), do.call(given, c(METHODS[[name]], mse = mse)))
keep_all("given|multipliers|FALSE", given(type = "BRR", combined = FALSE))
keep_all("given|jkn_multipliers|FALSE", given(type = "JKn", combined = FALSE))

# --- made ---

made <- function(type, ..., strata = ~stratum, fpc = NULL, data = frame)
  as.svrepdesign(svydesign(~psu, strata = strata, weights = ~weight, fpc = fpc, data = data), type = type, ...)

# Which weights each replicate has, in any order of the replicates.
keep_weights <- function(case, design) {
  w <- weights(design, "analysis")
  record(case, "replicates", ncol(w))
  record(case, "scale", sum(design$scale * design$rscales))
  by_replicate <- sort(colSums(w * seq_len(nrow(w))))
  record(case, "weights", by_replicate, as.character(seq_along(by_replicate) - 1))
}

frame$N <- 22 + 4 * (frame$stratum == "s01")
frame$f <- ifelse(frame$stratum == "s02", 1, 0.1)
frame$all <- 200
for (mse in c(FALSE, TRUE)) {
  designs <- list(
    jk1 = made("JK1", strata = NULL, mse = mse),
    jk1_fpc = made("JK1", strata = NULL, fpc = ~all, mse = mse),
    jkn = made("JKn", mse = mse),
    jkn_fpc = made("JKn", fpc = ~N, mse = mse)
  )
  # With mse, svytotal takes replicates without the stratum that is certain from a total with it.
  if (!mse) designs$jkn_certain <- made("JKn", fpc = ~f, mse = mse)
  # R's balanced half-samples by our matrix: the first PSU of a pair where its sign is plus.
  signs <- unname(as.matrix(read_golden("hadamard.csv")))
  signs[-1, ] <- -signs[-1, ]
  designs$brr <- made("BRR", hadamard.matrix = signs, mse = mse)
  designs$fay <- made("Fay", fay.rho = 0.3, hadamard.matrix = signs, mse = mse)
  for (name in names(designs)) {
    case <- paste("made", name, mse, sep = "|")
    keep_weights(case, designs[[name]])
    keep_all(case, designs[[name]])
  }
}
# With R's own matrix: another set of half-samples, the same variance of totals.
record("made|brr|own", "total_std_error", SE(svytotal(~score, made("BRR"))), "score")
record("made|fay|own", "total_std_error", SE(svytotal(~score, made("Fay", fay.rho = 0.3))), "score")

alone <- frame[frame$psu != 12, ]
for (rule in c("remove", "certainty", "adjust")) {
  options(survey.lonely.psu = rule)
  design <- made("JKn", data = alone)
  keep_weights(paste("alone", rule, sep = "|"), design)
  keep(paste("alone", rule, sep = "|"), design)
}

# --- calibrated ---

GRADES <- data.frame(grade = c("low", "middle", "high"), Freq = c(800, 1200, 900))
GROUPS <- data.frame(group = c("a", "b"), Freq = c(1700, 1200))
exact <- list(maxit = 500, epsilon = 1e-16)
for (base in c("made", "given")) {
  design <- if (base == "made") made("JKn") else given(type = "BRR")
  case <- function(method) paste("calibrated", base, method, sep = "|")
  keep_calibrated <- function(method, design) {
    keep_weights(case(method), design)
    keep(case(method), design)
  }
  keep_calibrated("post-stratification", postStratify(design, ~grade, GRADES))
  keep_calibrated("rake", suppressWarnings(rake(design, list(~grade, ~group), list(GRADES, GROUPS), exact)))
  # In the order of model.matrix: high, low, middle and a, b.
  totals <- c("(Intercept)" = 2900, gradelow = 800, grademiddle = 1200, groupb = 1200)
  keep_calibrated("raking", calibrate(design, ~grade + group, totals, calfun = "raking", epsilon = 1e-14,
                                      maxit = 200, compress = FALSE))
  keep_calibrated("linear", calibrate(design, ~grade + group + score, c(totals, score = 2900 * 51),
                                      compress = FALSE))
}
write_golden("replicates.R", "survey")
