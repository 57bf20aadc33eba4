# Goodness of fit: Archer and Lemeshow's test as a regression of residuals on groups, pseudo R2 of survey::psrsq,
# concordance of survival, Lipsitz's test by clm, Hosmer and Lemeshow's and Fagerland and Hosmer's sums by hand.
here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))
source(file.path(here, "common.R"))
quietly(library(survey))
quietly(library(ordinal))
quietly(library(survival))

tight <- glm.control(epsilon = 1e-15, maxit = 100)
narrow <- clm.control(gradTol = 1e-10, maxIter = 200L)

# About equal weight per group, by the middle of the weight at each fitted value; ties stay together.
groups_of <- function(score, w, groups) {
  score <- round(score, 12)
  at <- tapply(w, score, sum)
  middle <- (cumsum(at) - at / 2) / sum(at)
  raw <- pmin(floor(round(middle * groups, 9)), groups - 1)
  as.integer(factor(raw[match(as.character(score), names(at))]))
}

# --- under the design ---
frame <- five_nation()
for (outcome in c("individual_high", "collective_any")) {
  rows <- complete.cases(frame[c(outcome, PREDICTORS)])
  full <- svydesign(~municipality, strata = ~region, weights = ~weight, data = frame)
  fit <- svyglm(formula_of(outcome), design = full, family = quasibinomial(), control = tight)
  y <- as.integer(frame[[outcome]])[rows] - 1
  p <- fitted(fit)
  w <- frame$weight[rows]
  for (groups in c(5, 10)) {
    g <- r <- rep(NA_real_, nrow(frame))
    g[rows] <- groups_of(p, w, groups)
    r[rows] <- y - p
    part <- subset(update(full, g = factor(g), r = r), rows)
    test <- regTermTest(svyglm(r ~ g, design = part), ~g, df = degf(full))
    q <- test$df
    d <- degf(full)
    f <- as.numeric(test$Ftest) * (d - q + 1) / d
    case <- paste("archer_lemeshow", outcome, groups, sep = "|")
    record(case, "statistic", f)
    record(case, "df_denom", d - q + 1)
    record(case, "p_value", pf(f, q, d - q + 1, lower.tail = FALSE))
    if (groups == 5) {
      shares <- svyby(~y, ~g, subset(update(part, y = as.numeric(r > 0)), TRUE), svymean)
      record(paste("calibration", outcome, sep = "|"), "observed", shares$y, as.character(1:5))
      record(paste("calibration", outcome, sep = "|"), "std_error", shares$se, as.character(1:5))
    }
  }
  # psrsq asks for weights that are not scaled to n; the numbers do not depend on it.
  record(paste("measures", outcome, sep = "|"), "estimate", c(
    psrsq(fit, "Cox-Snell"), suppressWarnings(psrsq(fit, "Nagelkerke")),
    concordance(y ~ p, weights = w)$concordance
  ), c("Cox–Snell", "Nagelkerke", "AUC"))
}
rows <- complete.cases(frame[c("individual_band", PREDICTORS)])
fit <- clm(formula_of("individual_band"), data = frame[rows, ], weights = weight, control = narrow)
eta <- model.matrix(reformulate(PREDICTORS), frame[rows, ])[, -1] %*% fit$beta
concordant <- concordance(as.integer(frame$individual_band[rows]) ~ round(drop(eta), 10),
                          weights = frame$weight[rows])
record("measures|individual_band", "estimate", concordant$concordance, "concordance index")

# --- independent respondents ---
ucla <- read.csv(ucla_file, stringsAsFactors = FALSE)
ucla$apply <- factor(ucla$apply, levels = c("unlikely", "somewhat likely", "very likely"))
fit <- clm(apply ~ pared + public + gpa, data = ucla, control = narrow)
p <- predict(fit, newdata = ucla[c("pared", "public", "gpa")])$fit
ucla$g <- factor(groups_of(drop(p %*% 0:2), rep(1, nrow(ucla)), 10))
larger <- clm(apply ~ pared + public + gpa + g, data = ucla, control = narrow)
record("ucla", "statistic", 2 * as.numeric(logLik(larger) - logLik(fit)), "Lipsitz")
observed <- table(ucla$g, ucla$apply)
expected <- rowsum(p, ucla$g)
record("ucla", "statistic", sum((observed - expected)^2 / expected), "Fagerland–Hosmer")
ucla$high <- as.integer(ucla$apply != "unlikely")
fit <- glm(high ~ pared + public + gpa, data = ucla, family = binomial(), control = tight)
g <- groups_of(fitted(fit), rep(1, nrow(ucla)), 10)
n <- tapply(fitted(fit), g, length)
o <- tapply(ucla$high, g, sum)
e <- tapply(fitted(fit), g, sum)
record("ucla", "statistic", sum((o - e)^2 / (e * (1 - e / n))), "Hosmer–Lemeshow")
write_golden("goodness.R", c("survey", "ordinal", "survival"))
