# Margins at given values, by groups, of contrasts and changes, of events and scores: each number is a plain
# function of the parameters (probabilities of a changed data frame), its variance a numerical delta method; for
# the unconditional variance with the rows' own influence as a ratio within each group. Beside them emmeans'
# counterfactual means, as an outside program.
here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))
source(file.path(here, "common.R"))
quietly(library(survey))
quietly(library(ordinal))
quietly(library(emmeans))

TERMS <- c("age", "I(age^2)", "gender", "efficacy", "country", "efficacy:country", "age:gender")
frame <- five_nation()
full <- svydesign(~municipality, strata = ~region, weights = ~weight, data = frame)

binary <- local({
  fit <- svyglm(formula_of("individual_high", TERMS), full, family = quasibinomial(),
                control = glm.control(epsilon = 1e-15, maxit = 100))
  list(theta = coef(fit), z = influence_of(fit, nrow(frame)), n_cuts = 0)
})
ordinal <- local({
  # clm of a model matrix by hand: exact_clm wants columns of the data as predictors
  plain <- c("age", "gender", "efficacy", "country")
  fit <- exact_clm("individual_band", plain, frame, frame$weight, "logit",
                   clm.control(gradTol = 1e-10, maxIter = 200L))
  list(theta = fit$theta, z = fit$z, n_cuts = fit$q)
})
binary$terms <- TERMS
ordinal$terms <- c("age", "gender", "efficacy", "country")
rows_of <- function(outcome) which(complete.cases(frame[c(outcome, "age", "gender", "efficacy", "country")]))
binary$rows <- rows_of("individual_high")
ordinal$rows <- rows_of("individual_band")

# Probabilities of all categories at each row of some data.
probabilities <- function(model, theta, data) {
  x <- model.matrix(reformulate(model$terms), data)
  q <- model$n_cuts
  if (q == 0) {
    p <- plogis(drop(x %*% theta))
    return(cbind(1 - p, p))
  }
  cumulative <- cbind(0, plogis(outer(-drop(x[, -1] %*% theta[-(1:q)]), theta[1:q], "+")), 1)
  cumulative[, -1] - cumulative[, -(q + 2)]
}
put <- function(data, ...) {
  values <- list(...)
  for (name in names(values))
    data[[name]] <- if (is.factor(data[[name]])) factor(rep(values[[name]], nrow(data)), levels(data[[name]]))
                    else rep(values[[name]], nrow(data))
  data
}
move <- function(data, name, by) { data[[name]] <- data[[name]] + by; data }

# A quantity per row: a function of theta that gives a matrix (rows, columns).
difference <- function(model, high, low, view) function(theta)
  (probabilities(model, theta, high) - probabilities(model, theta, low)) %*% view
derivative <- function(model, data, name, view, h = 0.02 * sd(frame[[name]], na.rm = TRUE)) function(theta) {
  p <- lapply(c(-h, -h / 2, h / 2, h), function(by) probabilities(model, theta, move(data, name, by)))
  ((8 * (p[[3]] - p[[2]]) - (p[[4]] - p[[1]])) / (6 * h)) %*% view
}
level <- function(model, data, view) function(theta) probabilities(model, theta, data) %*% view

# Weighted means of a quantity in each group with both standard errors; and differences between groups.
keep <- function(case, model, per_row, group = rep("", length(model$rows)), contrast = NULL) {
  group <- factor(group)
  w <- frame$weight[model$rows]
  share <- sapply(levels(group), function(g) ifelse(group == g, w, 0) / sum(w[group == g]))
  average <- function(theta) as.vector(t(share) %*% per_row(theta))
  values <- per_row(model$theta)
  estimate <- average(model$theta)
  z <- model$z %*% t(numDeriv::jacobian(average, model$theta))
  own <- matrix(0, nrow(frame), length(estimate))
  column <- 0
  for (k in seq_len(ncol(values))) for (g in seq_along(levels(group))) {
    column <- column + 1
    own[model$rows, column] <- share[, g] * (values[, k] - estimate[column])
  }
  names <- as.vector(outer(levels(group), seq_len(ncol(values)), paste, sep = "|"))
  if (!is.null(contrast)) {
    stopifnot(ncol(values) == 1)
    estimate <- drop(contrast %*% estimate)
    z <- z %*% t(contrast)
    own <- own %*% t(contrast)
    names <- rownames(contrast)
  }
  record(case, "estimate", estimate, names)
  record(case, "std_error", sqrt(diag(design_variance(z, full))), names)
  record(case, "std_error_unconditional", sqrt(diag(design_variance(z + own, full))), names)
}

EVENT <- cbind(c(0, 1))
EACH <- diag(3)
AT_LEAST <- cbind(c(0, 1, 1), c(0, 0, 1))
SCORE <- cbind(c(0, 50, 100))
b <- frame[binary$rows, ]
o <- frame[ordinal$rows, ]
w <- b$weight
weighted_sd <- sqrt(sum(w * (b$efficacy - sum(w * b$efficacy) / sum(w))^2) / sum(w))

# at=
for (age in c(30, 60)) for (gender in c("man", "woman")) {
  at <- put(b, age = age, gender = gender)
  case <- paste("at", age, gender, sep = "|")
  keep(paste(case, "efficacy", sep = "|"), binary, derivative(binary, at, "efficacy", EVENT))
  keep(paste(case, "age", sep = "|"), binary, derivative(binary, at, "age", EVENT))
  keep(paste(case, "France", sep = "|"), binary,
       difference(binary, put(at, country = "France"), put(at, country = "Czech Republic"), EVENT))
  keep(paste(case, "predicted", sep = "|"), binary, level(binary, at, EVENT), b$country)
}
# by=
keep("by|efficacy", binary, derivative(binary, b, "efficacy", EVENT), b$country)
keep("by|woman", binary, difference(binary, put(b, gender = "woman"), put(b, gender = "man"), EVENT), b$country)
keep("by|ordinal|age", ordinal, derivative(ordinal, o, "age", EACH), paste(o$country, o$urban, sep = ", "))
# contrasts
for (pair in list(c("Denmark", "Czech Republic"), c("France", "Denmark"), c("United Kingdom", "Germany")))
  keep(paste("contrast", pair[1], pair[2], sep = "|"), ordinal,
       difference(ordinal, put(o, country = pair[1]), put(o, country = pair[2]), EACH))
countries <- levels(b$country)
contrast <- t(combn(5, 2, function(pair) replace(numeric(5), pair, c(-1, 1))))
rownames(contrast) <- combn(5, 2, function(pair) paste(countries[pair[2]], countries[pair[1]], sep = " - "))
keep("contrast_by|efficacy", binary, derivative(binary, b, "efficacy", EVENT), b$country, contrast)
# changes
half <- weighted_sd / 2
keep("change|sd", binary, difference(binary, move(b, "efficacy", half), move(b, "efficacy", -half), EVENT))
keep("change|10", binary, difference(binary, move(b, "age", 5), move(b, "age", -5), EVENT))
keep("change|20 to 60", binary, difference(binary, put(b, age = 60), put(b, age = 20), EVENT))
keep("change|range", binary, difference(binary, put(b, age = max(b$age)), put(b, age = min(b$age)), EVENT))
# events and scores
keep("at_least|age", ordinal, derivative(ordinal, o, "age", AT_LEAST))
keep("at_least|woman", ordinal, difference(ordinal, put(o, gender = "woman"), put(o, gender = "man"), AT_LEAST))
keep("score|age", ordinal, derivative(ordinal, o, "age", SCORE))
keep("score|by", ordinal, level(ordinal, o, SCORE), o$country)

# emmeans: predictions averaged over everyone with one factor set, and their pairwise differences
ucla <- read.csv(ucla_file)
ucla$pared <- factor(ucla$pared)
ucla$public <- factor(ucla$public)
ucla$likely <- as.integer(ucla$apply != "unlikely")
fit <- glm(likely ~ pared * gpa + public, data = ucla, family = binomial(),
           control = glm.control(epsilon = 1e-15, maxit = 100))
means <- emmeans(fit, c("pared", "public"), counterfactuals = c("pared", "public"), regrid = "response")
table <- summary(means)
cells <- paste(table$pared, table$public, sep = "|")
record("emmeans|cells", "estimate", table$prob, cells)
record("emmeans|cells", "std_error", table$SE, cells)
one <- emmeans(fit, "pared", counterfactuals = "pared", regrid = "response")
pair <- summary(contrast(one, "revpairwise"))
record("emmeans|difference", "estimate", pair$estimate, "pared")
record("emmeans|difference", "std_error", pair$SE, "pared")
write_golden("margin_contrasts.R", c("survey", "ordinal", "numDeriv", "emmeans"))
