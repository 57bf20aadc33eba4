# Ordinal models under the design: survey::svyolr as it comes, and ordinal::clm with the design's variance of
# its influence, which does not carry the noise of svyolr's numerical Hessian.
here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))
source(file.path(here, "common.R"))
quietly(library(survey))
quietly(library(ordinal))

frame <- five_nation()
full <- svydesign(~municipality, strata = ~region, weights = ~weight, data = frame)
tight <- clm.control(gradTol = 1e-10, maxIter = 200L)

for (outcome in c("individual_band", "collective_sectors")) {
  for (method in c("logistic", "probit")) {
    fit <- svyolr(formula_of(outcome), full, method = method, control = list(reltol = 1e-15, maxit = 1000))
    case <- paste("svyolr", outcome, sub("logistic", "logit", method), "weights,strata,psu", sep = "|")
    record(case, "estimate", c(coef(fit, intercepts = FALSE), fit$zeta))
    record(case, "std_error", sqrt(diag(vcov(fit))))
    record(case, "df_r", fit$df.residual)
  }
  for (link in names(DISTRIBUTIONS)) {
    fit <- exact_clm(outcome, PREDICTORS, frame, frame$weight, link, tight)
    v <- design_variance(fit$z, full)
    case <- paste("clm", outcome, link, "weights,strata,psu", sep = "|")
    record(case, "estimate", fit$theta)
    record(case, "std_error", sqrt(diag(v)))
    if (link == "logit") record_matrix(case, "covariance", v)
    robust <- svydesign(~1, weights = ~weight, data = frame[fit$rows, ])
    case <- paste("clm", outcome, link, "robust", sep = "|")
    record(case, "estimate", fit$theta)
    record(case, "std_error", sqrt(diag(design_variance(fit$z[fit$rows, ], robust))))
  }
}
write_golden("svyolr.R", c("survey", "ordinal", "numDeriv"))
