# Heterogeneity of several groups' estimates and their random-effects summary, by metafor: the 13 trials of its
# own dat.bcg, and made-up groups that agree, that differ, and whose errors are correlated.
here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))
source(file.path(here, "common.R"))
quietly(library(metafor))

tight <- list(threshold = 1e-14, maxiter = 10000, stepadj = 0.5)

write_case <- function(case, y, V) {
  record(case, "estimate", y, seq_along(y))
  record(case, "covariance", as.vector(V), seq_along(V))
}

independent <- function(case, y, v) {
  write_case(case, y, diag(v))
  fit <- rma(y, v, method = "REML", test = "adhoc", control = tight)
  q <- c(q = fit$QE, q_p_value = fit$QEp)
  by_moments <- rma(y, v, method = "DL")
  reach <- predict(fit)
  record(case, "summary", c(q, i_squared = by_moments$I2 / 100, tau = sqrt(fit$tau2), mean = c(fit$b),
    std_error = fit$se, conf_low = fit$ci.lb, conf_high = fit$ci.ub,
    predict_low = reach$pi.lb, predict_high = reach$pi.ub))
}

correlated <- function(case, y, V) {
  write_case(case, y, V)
  fit <- rma.mv(y, V, random = ~ 1 | group, data = data.frame(y = y, group = seq_along(y)), method = "REML")
  record(case, "summary", c(q = fit$QE, q_p_value = fit$QEp, tau = sqrt(fit$sigma2), mean = c(fit$b),
                            plain_se = fit$se))
}

bcg <- escalc(measure = "RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg)
independent("bcg", as.numeric(bcg$yi), as.numeric(bcg$vi))
independent("agree", c(0.10, 0.11, 0.09, 0.10, 0.12), c(0.02, 0.01, 0.03, 0.02, 0.01)^2)
independent("five countries", c(0.031, 0.012, 0.055, -0.004, 0.027), c(0.008, 0.011, 0.009, 0.012, 0.010)^2)

s <- c(0.008, 0.011, 0.009, 0.012, 0.010)
correlated("correlated", c(0.031, 0.012, 0.055, -0.004, 0.027), outer(s, s) * (0.4 + 0.6 * diag(5)))
correlated("against each other", c(0.2, 0.5, 0.1, 0.6), 0.01 * (diag(4) - 0.2 * (1 - diag(4))))
write_golden("heterogeneity.R", "metafor")
