# Standard errors of the AUC and of Somers' D: DeLong's by pROC, the infinitesimal jackknife's by survival, and
# under the design from influences summed over all pairs through svyrecvar.
here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))
source(file.path(here, "common.R"))
quietly(library(survey))
quietly(library(ordinal))
quietly(library(survival))
quietly(library(pROC))

ucla <- read.csv(ucla_file)
ucla$apply <- factor(ucla$apply, levels = c("unlikely", "somewhat likely", "very likely"))
ucla$likely <- as.integer(ucla$apply != "unlikely")
fit <- glm(likely ~ pared + public + gpa, data = ucla, family = binomial(),
           control = glm.control(epsilon = 1e-15, maxit = 100))
score <- round(fitted(fit), 12)
curve <- roc(ucla$likely, score, quiet = TRUE, direction = "<")
record("ucla|binary", "estimate", as.numeric(auc(curve)))
record("ucla|binary", "variance_delong", var(curve, method = "delong"))
record("ucla|binary", "variance_jackknife", concordance(likely ~ score, data = ucla)$var)
fit <- clm(apply ~ pared + public + gpa, data = ucla, control = clm.control(gradTol = 1e-10, maxIter = 200L))
p <- predict(fit, newdata = ucla[c("pared", "public", "gpa")])$fit
score <- round(drop(p %*% 0:2), 12)
ordered <- concordance(as.integer(apply) ~ score, data = ucla)
record("ucla|ordinal", "estimate", ordered$concordance)
record("ucla|ordinal", "variance_jackknife", ordered$var)

# Influence of row i on D = N / P, pair by pair.
pair_influence <- function(score, y, w) {
  a <- b <- numeric(length(y))
  for (i in seq_along(y)) {
    differ <- sign(y[i] - y)
    a[i] <- sum(w * differ * sign(score[i] - score))
    b[i] <- sum(w * abs(differ))
  }
  d <- sum(w * a) / sum(w * b)
  list(d = d, z = 2 * w * (a - d * b) / sum(w * b))
}

frame <- five_nation()
full <- svydesign(~municipality, strata = ~region, weights = ~weight, data = frame)
predictors <- c("age", "gender", "efficacy", "country")
keep <- function(case, score, y, rows) {
  found <- pair_influence(score, y, frame$weight[rows])
  z <- matrix(0, nrow(frame), 1, dimnames = list(NULL, "D"))
  z[rows, 1] <- found$z
  record(case, "estimate", found$d)
  record(case, "std_error", sqrt(diag(design_variance(z, full))))
}
for (outcome in c("individual_high", "collective_any")) {
  fit <- svyglm(formula_of(outcome, predictors), full, family = quasibinomial(),
                control = glm.control(epsilon = 1e-15, maxit = 100))
  rows <- as.integer(rownames(model.matrix(fit)))
  keep(paste("design", outcome, sep = "|"), round(fitted(fit), 12), as.integer(frame[[outcome]])[rows], rows)
}
fit <- exact_clm("individual_band", predictors, frame, frame$weight, "logit",
                 clm.control(gradTol = 1e-10, maxIter = 200L))
# Any increasing function of the linear predictor orders alike.
eta <- drop(model.matrix(reformulate(predictors), frame[fit$rows, ])[, -1] %*% fit$theta[-(1:fit$q)])
keep("design|individual_band", round(eta, 10), as.integer(frame$individual_band)[fit$rows], fit$rows)
write_golden("discrimination.R", c("survey", "ordinal", "survival", "pROC"))
