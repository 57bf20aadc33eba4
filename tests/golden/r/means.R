# Linear and fractional-logit models of the 0-100 indices: svyglm, glm and lm; their margins; the comparison of
# two indices, also as one regression of both, stacked.
here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))
source(file.path(here, "common.R"))
quietly(library(survey))

tight <- glm.control(epsilon = 1e-15, maxit = 100)
frame <- five_nation()
for (index in c("individual_index", "collective_index"))
  frame[[paste0(index, "_share")]] <- frame[[index]] / 100
OUTCOMES <- c("individual_index", "collective_index")
FAMILIES <- list(linear = list(suffix = "", family = gaussian()),
                 fractional = list(suffix = "_share", family = quasibinomial()))

keep_fit <- function(case, fit, stata_df) {
  record(case, "estimate", coef(fit))
  record(case, "std_error", sqrt(diag(vcov(fit))))
  record(case, "p_value", 2 * pt(-abs(coef(fit) / sqrt(diag(vcov(fit)))), stata_df))
  record(case, "df_stata", stata_df)
  record(case, "df_r", fit$df.residual)
}
designs <- list(
  "weights,strata,psu" = svydesign(~municipality, strata = ~region, weights = ~weight, data = frame),
  "weights" = svydesign(~1, weights = ~weight, data = frame)
)
full <- designs[["weights,strata,psu"]]
fit_mean <- function(outcome, family, design, predictors = PREDICTORS)
  svyglm(formula_of(paste0(outcome, FAMILIES[[family]]$suffix), predictors), design = design,
         family = FAMILIES[[family]]$family, control = tight)

for (family in names(FAMILIES))
  for (outcome in OUTCOMES) {
    for (label in names(designs))
      keep_fit(paste("design", family, outcome, label, "all", sep = "|"),
               fit_mean(outcome, family, designs[[label]]), degf(designs[[label]]))
    # A domain keeps the design; Stata's df counts all PSUs of the strata that it meets.
    young <- full[!is.na(frame$age) & frame$age < 40, ]
    met <- full$strata[, 1] %in% young$strata[, 1]
    stata <- length(unique(full$cluster[met, 1])) - length(unique(full$strata[met, 1]))
    keep_fit(paste("design", family, outcome, "weights,strata,psu", "young", sep = "|"),
             fit_mean(outcome, family, young, c("age", "gender", "efficacy", "outcome")), stata)
    complete <- frame[complete.cases(frame[c(outcome, PREDICTORS)]), ]
    robust <- svydesign(~1, weights = ~weight, data = complete)
    keep_fit(paste("design", family, outcome, "robust", "all", sep = "|"), fit_mean(outcome, family, robust),
             degf(robust))
  }

# --- without a design: lm and glm(quasibinomial) ---

for (outcome in OUTCOMES) {
  fit <- lm(formula_of(outcome), frame)
  case <- paste("model", "linear", outcome, sep = "|")
  keep_fit(case, fit, fit$df.residual)
  record(case, "loglik", as.numeric(logLik(fit)))
  record(case, "r_squared", summary(fit)$r.squared)
  fit <- glm(formula_of(paste0(outcome, "_share")), data = frame, family = quasibinomial(), control = tight)
  case <- paste("model", "fractional", outcome, sep = "|")
  keep_fit(case, fit, fit$df.residual)
  y <- fit$y
  record(case, "loglik", sum(y * log(fitted(fit)) + (1 - y) * log1p(-fitted(fit))))
  record(case, "r_squared", 1 - sum((y - fitted(fit))^2) / sum((y - mean(y))^2))
}
# A birth year and its square, as they are; solved in exact rational arithmetic by no one here, so that R's own
# digits limit what can be asked: the centred fit gives them.
frame$year <- 2008 - frame$age
frame$since <- frame$year - 1960
centred <- lm(individual_index ~ since + I(since^2), frame)
b <- coef(centred)
record("year", "estimate", c(b[1] - 1960 * b[2] + 1960^2 * b[3], b[2] - 2 * 1960 * b[3], b[3]),
       c("Intercept", "year", "I(year ** 2)"))
record("year", "std_error", sqrt(vcov(centred)[3, 3]), "I(year ** 2)")

# --- margins in points, by differences of predictions and a numerical delta method ---

slope_or_step <- function(fit, family, variable, level, data) {
  terms_r <- delete.response(terms(fit))
  mean_of <- function(b, d) {
    eta <- drop(model.matrix(terms_r, d) %*% b)
    if (family == "linear") eta else 100 * plogis(eta)
  }
  if (!is.null(level)) {
    set <- function(value) {
      data[[variable]] <- factor(rep(value, nrow(data)), levels = levels(data[[variable]]))
      data
    }
    high <- set(level)
    low <- set(levels(data[[variable]])[1])
    return(function(b) mean_of(b, high) - mean_of(b, low))
  }
  h <- 0.02 * sd(data[[variable]])
  moved <- lapply(c(-h, -h / 2, h / 2, h), function(by) {
    data[[variable]] <- data[[variable]] + by
    data
  })
  function(b) {
    m <- lapply(moved, function(d) mean_of(b, d))
    (8 * (m[[3]] - m[[2]]) - (m[[4]] - m[[1]])) / (6 * h)
  }
}
average_margin <- function(fit, family, rows, variable, level = NULL) {
  data <- frame[rows, ]
  share <- data$weight / sum(data$weight)
  per_row <- slope_or_step(fit, family, variable, level, data)
  z <- influence_of(fit, nrow(frame)) %*% t(numDeriv::jacobian(function(b) sum(share * per_row(b)), coef(fit)))
  values <- per_row(coef(fit))
  estimate <- sum(share * values)
  unconditional <- z
  unconditional[rows, ] <- z[rows, ] + share * (values - estimate)
  list(estimate = estimate, z = z, unconditional = unconditional)
}
CURVED <- c("age", "I(age^2)", "gender", "efficacy", "country", "efficacy:country")
CONTRASTS <- list(age = list("age", NULL), "gender[T.woman]" = list("gender", "woman"),
                  efficacy = list("efficacy", NULL), "country[T.Denmark]" = list("country", "Denmark"))
pieces <- list()
for (family in names(FAMILIES))
  for (outcome in OUTCOMES) {
    fit <- fit_mean(outcome, family, full, CURVED)
    rows <- which(complete.cases(frame[c(outcome, "age", "gender", "efficacy", "country")]))
    found <- lapply(CONTRASTS, function(k) average_margin(fit, family, rows, k[[1]], k[[2]]))
    case <- paste("margins", family, outcome, sep = "|")
    for (name in names(found)) {
      record(case, "estimate", found[[name]]$estimate, name)
      record(case, "std_error", sqrt(design_variance(found[[name]]$z, full)), name)
      record(case, "std_error_unconditional", sqrt(design_variance(found[[name]]$unconditional, full)), name)
    }
    pieces[[paste(family, outcome)]] <- found
  }

# --- comparisons: stacked influences of both models through one design variance ---

keep_comparison <- function(case, names, first, second, z_first, z_second, d) {
  m <- length(first)
  v <- design_variance(cbind(z_first, z_second), full)
  contrast <- cbind(-diag(m), diag(m))
  v <- contrast %*% v %*% t(contrast)
  f <- drop((second - first) %*% solve(v, second - first)) * (d - m + 1) / (d * m)
  record(case, "difference", second - first, names)
  record(case, "std_error", sqrt(diag(v)), names)
  record(case, "statistic", f)
  record(case, "joint_p_value", pf(f, m, d - m + 1, lower.tail = FALSE))
}
for (family in names(FAMILIES)) {
  a <- pieces[[paste(family, OUTCOMES[1])]]
  b <- pieces[[paste(family, OUTCOMES[2])]]
  take <- function(found, what) sapply(found, function(m) drop(m[[what]]))
  keep_comparison(paste("compare", family, "margin", sep = "|"), names(a), take(a, "estimate"),
                  take(b, "estimate"), take(a, "z"), take(b, "z"), degf(full))
}
one <- fit_mean(OUTCOMES[1], "linear", full)
two <- fit_mean(OUTCOMES[2], "linear", full)
keep_comparison("compare|linear|coefficient", names(coef(one))[-1], coef(one)[-1], coef(two)[-1],
                influence_of(one, nrow(frame))[, -1], influence_of(two, nrow(frame))[, -1], degf(full))

# The same without any influence written by hand: both outcomes below each other, every predictor crossed with
# which of them it is, respondents' two rows in the same PSU. Its interactions are the differences.
long <- rbind(data.frame(frame, value = frame[[OUTCOMES[1]]], which = 0),
              data.frame(frame, value = frame[[OUTCOMES[2]]], which = 1))
stacked <- svydesign(~municipality, strata = ~region, weights = ~weight, data = long)
fit <- svyglm(reformulate(sprintf("which * (%s)", paste(PREDICTORS, collapse = " + ")), "value"), stacked)
crossed <- grep("^which:", names(coef(fit)))
record("stacked", "difference", coef(fit)[crossed], sub("^which:", "", names(coef(fit))[crossed]))
record("stacked", "std_error", SE(fit)[crossed], sub("^which:", "", names(coef(fit))[crossed]))
write_golden("means.R", c("survey", "numDeriv"))
