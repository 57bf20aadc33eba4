# Diagnostics: design effects and Rao-Scott tests of survey, variance inflation from weighted lm (what car::vif
# computes), condition indices, and the same for an ordinal model by clm.
here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))
source(file.path(here, "common.R"))
quietly(library(survey))
quietly(library(ordinal))

tight <- glm.control(epsilon = 1e-15, maxit = 100)
narrow <- clm.control(gradTol = 1e-10, maxIter = 200L)
frame <- five_nation()
full <- svydesign(~municipality, strata = ~region, weights = ~weight, data = frame)

# --- design effects: binomial() has no dispersion to be estimated, and warns of weights. On complete cases:
# with others in the data svyglm's denominator takes the mean weight of all rows, not of those it used ---
for (outcome in c("individual_high", "collective_any")) {
  complete <- full[complete.cases(frame[c(outcome, PREDICTORS)]), ]
  fit <- suppressWarnings(svyglm(formula_of(outcome), design = complete, family = binomial(), control = tight,
                                 deff = TRUE))
  record(paste("deff", outcome, sep = "|"), "deff", deff(fit))
}
rows <- complete.cases(frame[c("individual_band", PREDICTORS)])
w <- ifelse(rows, frame$weight / mean(frame$weight[rows]), frame$weight)
fit <- exact_clm("individual_band", PREDICTORS, frame, w, "logit", narrow)
ordinal_v <- design_variance(fit$z, full)
naive <- vcov(clm(formula_of("individual_band"), data = frame[rows, ], weights = w[rows], control = narrow))
record("deff|individual_band", "deff", diag(ordinal_v) / diag(naive), colnames(ordinal_v))

# --- Rao-Scott tests, on complete cases ---
tests <- list("country", "gender", c("age", "efficacy"), c("country", "employment", "outcome"), "efficacy")
for (outcome in c("individual_high", "collective_any")) {
  complete <- full[complete.cases(frame[c(outcome, PREDICTORS)]), ]
  for (terms in tests) {
    fit <- svyglm(formula_of(outcome), design = complete, family = quasibinomial(), control = tight)
    for (method in c("satterthwaite", "saddlepoint")) {
      test <- regTermTest(fit, reformulate(terms), method = "LRT", df = degf(full), lrt.approximation = method)
      case <- paste("rao_scott", outcome, paste(terms, collapse = "+"), sep = "|")
      record(case, paste0("p_value_", method), test$p)
    }
    lambda <- Re(test$lambda)
    record(case, "statistic", test$chisq / sum(lambda))
    record(case, "df_num", sum(lambda)^2 / sum(lambda^2))
    record(case, "eigenvalues", sort(lambda, decreasing = TRUE) / sum(lambda), as.character(seq_along(lambda)))
  }
}
larger <- clm(formula_of("individual_band"), data = frame[rows, ], weights = w[rows], control = narrow)
smaller <- clm(formula_of("individual_band", setdiff(PREDICTORS, "country")), data = frame[rows, ],
               weights = w[rows], control = narrow)
tested <- grep("^country", colnames(ordinal_v))
lambda <- Re(eigen(solve(naive[tested, tested], ordinal_v[tested, tested]))$values)
ratio <- 2 * as.numeric(logLik(larger) - logLik(smaller))
record("rao_scott|individual_band|country", "likelihood_ratio", ratio)
record("rao_scott|individual_band|country", "statistic", ratio / sum(lambda))

# --- collinearity: Fox and Monette's factor from the covariance of a weighted linear model ---
rows <- complete.cases(frame[c("collective_any", PREDICTORS)])
part <- frame[rows, ]
linear <- lm(reformulate(PREDICTORS, "as.integer(collective_any)"), data = part, weights = weight)
assign <- attr(model.matrix(linear), "assign")[-1]
correlation <- cov2cor(vcov(linear)[-1, -1])
gvif <- vapply(seq_along(PREDICTORS), function(k) {
  own <- assign == k
  det(correlation[own, own, drop = FALSE]) * det(correlation[!own, !own, drop = FALSE]) / det(correlation)
}, 0)
record("collinearity", "gvif", gvif, PREDICTORS)
x <- model.matrix(linear) * sqrt(part$weight)
values <- svd(sweep(x, 2, sqrt(colSums(x^2)), "/"))$d
record("collinearity", "condition_index", values[1] / values, as.character(seq_along(values)))
write_golden("diagnostics.R", c("survey", "ordinal"))
