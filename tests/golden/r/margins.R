# Average margins and comparisons of two outcomes, by a short computation of R's own: probabilities of a
# refitted design matrix, derivatives by differences, the delta method with a numerical Jacobian.
here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))
source(file.path(here, "common.R"))
quietly(library(survey))
quietly(library(ordinal))

frame <- five_nation()
full <- svydesign(~municipality, strata = ~region, weights = ~weight, data = frame)
tight <- clm.control(gradTol = 1e-10, maxIter = 200L)

# A model here: coefficients (cuts first), their influence on every row, and how to make probabilities.
binary_model <- function(outcome, terms = PREDICTORS) {
  fit <- svyglm(formula_of(outcome, terms), full, family = quasibinomial(),
                control = glm.control(epsilon = 1e-15, maxit = 100))
  list(theta = coef(fit), z = influence_of(fit, nrow(frame)), n_cuts = 0, terms = terms,
       rows = which(complete.cases(frame[c(outcome, all.vars(reformulate(terms)))])))
}
ordinal_model <- function(outcome) {
  fit <- exact_clm(outcome, PREDICTORS, frame, frame$weight, "logit", tight)
  list(theta = fit$theta, z = fit$z, n_cuts = fit$q, terms = PREDICTORS, levels = levels(frame[[outcome]]),
       rows = fit$rows)
}

matrix_of <- function(model, data) model.matrix(reformulate(model$terms), data)

# Probability of each kept category: the event of a binary model, all of an ordinal one.
probabilities <- function(model, theta, x) {
  q <- model$n_cuts
  if (q == 0) return(cbind(plogis(drop(x %*% theta))))
  eta <- drop(x[, -1] %*% theta[-(1:q)])
  cumulative <- cbind(0, plogis(outer(-eta, theta[1:q], "+")), 1)
  cumulative[, -1, drop = FALSE] - cumulative[, -(q + 2), drop = FALSE]
}

# Per row and category: the difference between two levels, or the derivative by Richardson's rule.
row_margins <- function(model, variable, level, data) {
  if (!is.null(level)) {
    set <- function(value) {
      data[[variable]] <- factor(rep(value, nrow(data)), levels = levels(data[[variable]]))
      matrix_of(model, data)
    }
    high <- set(level)
    low <- set(levels(data[[variable]])[1])
    return(function(theta) probabilities(model, theta, high) - probabilities(model, theta, low))
  }
  h <- 0.02 * sd(data[[variable]])
  shifted <- lapply(c(-h, -h / 2, h / 2, h), function(by) {
    data[[variable]] <- data[[variable]] + by
    matrix_of(model, data)
  })
  function(theta) {
    p <- lapply(shifted, function(x) probabilities(model, theta, x))
    (8 * (p[[3]] - p[[2]]) - (p[[4]] - p[[1]])) / (6 * h)
  }
}

average_margin <- function(model, variable, level = NULL, weights = frame$weight) {
  data <- frame[model$rows, ]
  share <- weights[model$rows] / sum(weights[model$rows])
  per_row <- row_margins(model, variable, level, data)
  average <- function(theta) drop(share %*% per_row(theta))
  j <- numDeriv::jacobian(average, model$theta)
  z <- model$z %*% t(j)
  values <- per_row(model$theta)
  estimate <- drop(share %*% values)
  unconditional <- z
  unconditional[model$rows, ] <- z[model$rows, , drop = FALSE] + share * sweep(values, 2, estimate)
  list(estimate = estimate, z = z, unconditional = unconditional)
}

contrasts_of <- function(variables) {
  found <- list()
  for (v in variables)
    if (is.factor(frame[[v]]))
      for (level in levels(frame[[v]])[-1])
        found[[paste0(v, "[T.", level, "]")]] <- list(v, level)
    else found[[v]] <- list(v, NULL)
  found
}

all_margins <- function(model, variables = all.vars(reformulate(model$terms)))
  lapply(contrasts_of(variables), function(c) average_margin(model, c[[1]], c[[2]]))

keep_margins <- function(case, model, margins) {
  for (name in names(margins)) {
    m <- margins[[name]]
    labels <- if (model$n_cuts == 0) name else paste(name, model$levels, sep = " = ")
    record(case, "estimate", m$estimate, labels)
    record(case, "std_error", sqrt(diag(design_variance(m$z, full))), labels)
    record(case, "std_error_unconditional", sqrt(diag(design_variance(m$unconditional, full))), labels)
  }
}

individual <- binary_model("individual_high")
collective <- binary_model("collective_any")
curved <- binary_model("collective_any", c("age", "I(age^2)", "efficacy", "country", "efficacy:country"))
band <- ordinal_model("individual_band")
sectors <- ordinal_model("collective_sectors")
margins <- list(individual_high = all_margins(individual), collective_any = all_margins(collective),
                curved = all_margins(curved), individual_band = all_margins(band),
                collective_sectors = all_margins(sectors))
models <- list(individual_high = individual, collective_any = collective, curved = curved,
               individual_band = band, collective_sectors = sectors)
for (name in names(models))
  keep_margins(paste("margins", name, sep = "|"), models[[name]], margins[[name]])

# UCLA: pared as a factor, model-based covariance.
ucla <- read.csv(ucla_file)
ucla$apply <- factor(ucla$apply, levels = c("unlikely", "somewhat likely", "very likely"))
ucla$pared <- factor(ucla$pared)
fit <- clm(apply ~ pared + public + gpa, data = ucla, control = tight)
ucla_model <- list(n_cuts = 2, terms = c("pared", "public", "gpa"))
per_row <- row_margins(ucla_model, "pared", "1", ucla)
average <- function(theta) colMeans(per_row(theta))
j <- numDeriv::jacobian(average, coef(fit))
record("margins|ucla", "estimate", average(coef(fit)), paste("pared[T.1]", levels(ucla$apply), sep = " = "))
record("margins|ucla", "std_error", sqrt(diag(j %*% vcov(fit) %*% t(j))),
       paste("pared[T.1]", levels(ucla$apply), sep = " = "))

# --- comparisons: stacked influences over the union of both samples through one design variance ---

keep_comparison <- function(case, names, first, second, z_first, z_second, design, d) {
  m <- length(first)
  v <- design_variance(cbind(z_first, z_second), design)
  contrast <- cbind(-diag(m), diag(m))
  difference <- second - first
  v_difference <- contrast %*% v %*% t(contrast)
  std_error <- sqrt(diag(v_difference))
  p <- 2 * pt(-abs(difference / std_error), d)
  w <- drop(difference %*% solve(v_difference, difference))
  f <- w * (d - m + 1) / (d * m)
  record(case, "difference", difference, names)
  record(case, "std_error", std_error, names)
  record(case, "p_value", p, names)
  record(case, "p_adjusted", p.adjust(p, "holm"), names)
  record(case, "statistic", f)
  record(case, "df_denom", d - m + 1)
  record(case, "joint_p_value", pf(f, m, d - m + 1, lower.tail = FALSE))
}

slopes <- function(model) if (model$n_cuts == 0) -1 else -(1:model$n_cuts)
compare_coefficients <- function(case, a, b, design = full, rows = seq_len(nrow(frame)), d = degf(full))
  keep_comparison(case, names(a$theta)[slopes(a)], a$theta[slopes(a)], b$theta[slopes(b)],
                  a$z[rows, slopes(a)], b$z[rows, slopes(b)], design, d)

compare_coefficients("compare|binary|coefficient|design", individual, collective)
compare_coefficients("compare|ordinal|coefficient|design", band, sectors)
both <- sort(union(individual$rows, collective$rows))
independent <- svydesign(~1, weights = ~weight, data = frame[both, ])
compare_coefficients("compare|binary|coefficient|robust", individual, collective, independent, both,
                     length(both) - 1)

pick <- function(margins, what, columns)
  sapply(margins, function(m) if (what == "estimate") sum(m$estimate[columns])
         else rowSums(m[[what]][, columns, drop = FALSE]))
for (vce in c("z", "unconditional")) {
  label <- if (vce == "z") "delta" else "unconditional"
  keep_comparison(paste("compare|binary|margin", label, sep = "|"), names(margins$individual_high),
                  pick(margins$individual_high, "estimate", 1), pick(margins$collective_any, "estimate", 1),
                  pick(margins$individual_high, vce, 1), pick(margins$collective_any, vce, 1),
                  full, degf(full))
  # the events "high" and "1 or more"
  keep_comparison(paste("compare|ordinal|margin", label, sep = "|"), names(margins$individual_band),
                  pick(margins$individual_band, "estimate", 3),
                  pick(margins$collective_sectors, "estimate", 2:3),
                  pick(margins$individual_band, vce, 3), pick(margins$collective_sectors, vce, 2:3),
                  full, degf(full))
}
write_golden("margins.R", c("survey", "ordinal", "numDeriv"))
