# Margins and predictions through B splines, natural splines, polynomials, logarithms and interactions. Every
# column's derivative is written down: B splines by splineDesign(derivs = 1), the others by the rules.
here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))
source(file.path(here, "common.R"))
quietly(library(survey))
quietly(library(ordinal))
library(splines)

tight <- glm.control(epsilon = 1e-15, maxit = 100)
frame <- five_nation()
full <- svydesign(~municipality, strata = ~region, weights = ~weight, data = frame)

# --- bases of age with their derivatives; `ages` are those of the sample, from which knots come ---

b_spline <- function(ages, df) {
  made <- bs(ages, df = df)
  knots <- c(rep(range(ages), each = 4)[1:4], attr(made, "knots"), rep(max(ages), 4))
  function(x, derivative = 0) splineDesign(knots, x, ord = 4, derivs = rep(derivative, length(x)))[, -1]
}
# formulaic, as mgcv, takes quantiles of the distinct values for a natural spline's knots.
natural <- function(ages, df) {
  inner <- quantile(unique(ages), seq(0, 1, length.out = df + 1))[-c(1, df + 1)]
  made <- ns(ages, knots = inner, Boundary.knots = range(ages))
  knots <- c(rep(min(ages), 4), inner, rep(max(ages), 4))
  whole <- splineDesign(knots, ages, ord = 4)
  turn <- qr.solve(whole, unclass(made)[, seq_len(df)])
  function(x, derivative = 0) splineDesign(knots, x, ord = 4, derivs = rep(derivative, length(x))) %*% turn
}
polynomial <- function(degree) function(x, derivative = 0)
  sapply(1:degree, function(k) if (derivative == 0) (x / 50)^k else k * (x / 50)^(k - 1) / 50)
logarithm <- function(x, derivative = 0) cbind(if (derivative == 0) log(x) else 1 / x)

woman <- function(d) as.numeric(d$gender == "woman")
other <- function(d) as.numeric(d$gender == "other")
urban <- function(d) as.numeric(d$urban == "urban")
# A case: from data to columns (no intercept), and those columns' derivatives by age.
CASES <- list(
  "bs(age, df=5) + gender + efficacy" = function(ages) {
    basis <- b_spline(ages, 5)
    list(x = function(d) cbind(basis(d$age), woman(d), other(d), d$efficacy),
         dx = function(d) cbind(basis(d$age, 1), 0, 0, 0))
  },
  "cr(age, df=4) + gender" = function(ages) {
    basis <- natural(ages, 4)
    list(x = function(d) cbind(basis(d$age), woman(d), other(d)),
         dx = function(d) cbind(basis(d$age, 1), 0, 0))
  },
  "bs(age, df=4) * urban" = function(ages) {
    basis <- b_spline(ages, 4)
    list(x = function(d) cbind(basis(d$age), urban(d), basis(d$age) * urban(d)),
         dx = function(d) cbind(basis(d$age, 1), 0, basis(d$age, 1) * urban(d)))
  },
  "cr(age, df=3):efficacy + efficacy + urban" = function(ages) {
    basis <- natural(ages, 3)
    # Centred over the sample, as crossed with a slope of its own a constant shift of the basis is no matter.
    list(x = function(d) cbind(basis(d$age) * d$efficacy, d$efficacy, urban(d)),
         dx = function(d) cbind(basis(d$age, 1) * d$efficacy, 0, 0))
  },
  "poly(age, 3) * urban" = function(ages) {
    basis <- polynomial(3)
    list(x = function(d) cbind(basis(d$age), urban(d), basis(d$age) * urban(d)),
         dx = function(d) cbind(basis(d$age, 1), 0, basis(d$age, 1) * urban(d)))
  },
  "age * efficacy * urban + I(age**2)" = function(ages) list(
    x = function(d) cbind(d$age, d$efficacy, urban(d), d$age * d$efficacy, d$age * urban(d),
                          d$efficacy * urban(d), d$age * d$efficacy * urban(d), d$age^2),
    dx = function(d) cbind(1, 0, 0, d$efficacy, urban(d), 0, d$efficacy * urban(d), 2 * d$age)
  ),
  "log(age) * efficacy + gender" = function(ages) list(
    x = function(d) cbind(logarithm(d$age), d$efficacy, woman(d), other(d), log(d$age) * d$efficacy),
    dx = function(d) cbind(logarithm(d$age, 1), 0, 0, 0, d$efficacy / d$age)
  )
)
USED <- c("age", "gender", "efficacy", "urban")
NEWDATA <- data.frame(age = c(19, 33.5, 48, 61, 84), gender = factor("woman", levels = LEVELS$gender),
                      efficacy = c(10, 80, 45, 60, 30),
                      urban = factor(c("rural", "urban", "urban", "rural", "urban"), levels = LEVELS$urban))

# --- models: what a change of the linear predictors does to the outcome ---

fit_glm <- function(outcome, case, rows, family, scale) {
  columns <- CASES[[case]](frame$age[rows])
  data <- frame[rows, ]
  x <- cbind(1, columns$x(data))
  colnames(x) <- paste0("x", seq_len(ncol(x)))
  held <- full[rows, ]
  held$variables <- cbind(held$variables, x, y = if (family == "linear") frame[[outcome]][rows]
                                                 else as.numeric(frame[[outcome]][rows] == "yes"))
  fit <- svyglm(reformulate(c("0", colnames(x)), "y"), held, family = scale, control = tight)
  z <- matrix(0, nrow(frame), ncol(x))
  z[rows, ] <- (x * (resid(fit, "working") * fit$weights)) %*% fit$naive.cov
  list(theta = unname(coef(fit)), z = z, columns = columns, rows = rows, family = family)
}
fit_ordinal <- function(outcome, case, rows) {
  columns <- CASES[[case]](frame$age[rows])
  x <- columns$x(frame[rows, ])
  y <- frame[[outcome]][rows]
  data <- data.frame(x, y = y, w = frame$weight[rows])
  names(data)[seq_len(ncol(x))] <- paste0("x", seq_len(ncol(x)))
  # Columns of one size: clm's convergence test is on the raw gradient.
  fit <- clm(reformulate(paste0("x", seq_len(ncol(x))), "y"), data = data, weights = w,
             control = clm.control(gradTol = 1e-9, maxIter = 300L))
  q <- nlevels(y) - 1
  scores <- clm_scores(coef(fit), x, as.integer(y), q, "logit")
  z <- matrix(0, nrow(frame), length(coef(fit)))
  z[rows, ] <- (scores * data$w) %*% vcov(fit)
  list(theta = unname(coef(fit)), z = z, columns = columns, rows = rows, family = "ologit", q = q)
}
means <- function(model, theta, d) {
  x <- model$columns$x(d)
  if (model$family == "ologit") {
    eta <- drop(x %*% theta[-(1:model$q)])
    cumulative <- cbind(0, plogis(outer(-eta, theta[1:model$q], "+")), 1)
    return(cumulative[, -1] - cumulative[, -(model$q + 2)])
  }
  eta <- drop(cbind(1, x) %*% theta)
  cbind(if (model$family == "linear") eta else plogis(eta))
}
slopes <- function(model, theta, d) {
  x <- model$columns$x(d)
  dx <- model$columns$dx(d)
  if (model$family == "ologit") {
    b <- theta[-(1:model$q)]
    density <- cbind(0, dlogis(outer(-drop(x %*% b), theta[1:model$q], "+")), 0)
    return(-(density[, -1] - density[, -(model$q + 2)]) * drop(dx %*% b))
  }
  eta <- drop(cbind(1, x) %*% theta)
  cbind(drop(dx %*% theta[-1]) * (if (model$family == "linear") 1 else dlogis(eta)))
}
to_level <- function(variable, level) function(model, theta, d) {
  set <- function(value) {
    d[[variable]] <- factor(rep(value, nrow(d)), levels = levels(d[[variable]]))
    means(model, theta, d)
  }
  set(level) - set(levels(d[[variable]])[1])
}
by_efficacy <- function(model, theta, d) {
  h <- 0.5
  at <- function(by) {
    d$efficacy <- d$efficacy + by
    means(model, theta, d)
  }
  (8 * (at(h / 2) - at(-h / 2)) - (at(h) - at(-h))) / (6 * h)
}
keep_margin <- function(case, name, model, what) {
  d <- frame[model$rows, ]
  share <- d$weight / sum(d$weight)
  average <- function(theta) drop(share %*% what(model, theta, d))
  z <- model$z %*% t(numDeriv::jacobian(average, model$theta))
  estimate <- average(model$theta)
  labels <- if (length(estimate) == 1) name else paste(seq_along(estimate), name)
  record(case, "estimate", estimate, labels)
  record(case, "std_error", sqrt(diag(design_variance(z, full))), labels)
}
keep_model <- function(case, text, model) {
  keep_margin(case, "age", model, slopes)
  if (grepl("gender", text)) keep_margin(case, "gender", model, to_level("gender", "woman"))
  if (grepl("urban", text)) keep_margin(case, "urban", model, to_level("urban", "urban"))
  if (grepl("efficacy", text)) keep_margin(case, "efficacy", model, by_efficacy)
  predicted <- means(model, model$theta, NEWDATA)
  record(case, "predicted", predicted, paste(rep(seq_len(nrow(NEWDATA)), ncol(predicted)),
                                             rep(seq_len(ncol(predicted)), each = nrow(NEWDATA))))
}

complete <- function(outcome, inside = rep(TRUE, nrow(frame)))
  which(inside & complete.cases(frame[c(outcome, USED)]))
for (text in names(CASES)) {
  rows <- complete("collective_any")
  keep_model(paste("logit", text, sep = "|"), text, fit_glm("collective_any", text, rows, "logit", quasibinomial()))
  rows <- complete("individual_index")
  keep_model(paste("linear", text, sep = "|"), text, fit_glm("individual_index", text, rows, "linear", gaussian()))
}
for (text in names(CASES)[c(1, 3)])
  keep_model(paste("ologit", text, sep = "|"), text,
             fit_ordinal("individual_band", text, complete("individual_band")))
# A domain: knots are those of its own ages.
rows <- complete("collective_any", !is.na(frame$country) & frame$country == "Denmark" &
                   !is.na(frame$gender) & frame$gender != "other")
CASES[["cr(age, df=4) + efficacy"]] <- function(ages) {
  basis <- natural(ages, 4)
  list(x = function(d) cbind(basis(d$age), d$efficacy), dx = function(d) cbind(basis(d$age, 1), 0))
}
text <- "cr(age, df=4) + efficacy"
NEWDATA$age <- c(25, 33.5, 48, 61, 74)
keep_model(paste("domain", text, sep = "|"), text,
           fit_glm("collective_any", text, rows, "logit", quasibinomial()))
write_golden("splines.R", c("survey", "ordinal", "numDeriv", "splines"))
