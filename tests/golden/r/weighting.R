# Raking, post-stratification and calibration: weights, and standard errors of means and shares after each.
here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))
source(file.path(here, "common.R"))
quietly(library(survey))

# Population totals of an invented population of 80,000; no margin of the sample meets them.
POPULATION <- 80000
SHARES <- list(
  education = c(low = 0.3, middle = 0.45, high = 0.25),
  urban = c(rural = 0.38, urban = 0.62),
  country = c("Czech Republic" = 0.15, Denmark = 0.1, France = 0.25, Germany = 0.3, "United Kingdom" = 0.2)
)
MEAN_AGE <- 47.5

margin <- function(name) {
  data <- data.frame(names(SHARES[[name]]), POPULATION * SHARES[[name]])
  names(data) <- c(name, "Freq")
  data
}
# In the order of model.matrix: the intercept, then the second and further levels of each factor.
totals_of <- function(names)
  c(POPULATION, unlist(lapply(names, function(n) POPULATION * SHARES[[n]][-1])))

# Every 25th weight, and a sum of squares that no single one could hide in.
keep_weights <- function(case, design) {
  w <- weights(design)
  chosen <- seq(1, length(w), by = 25)
  record(case, "weight", w[chosen], as.character(chosen - 1))
  record(case, "sum_of_squares", sum(w^2))
}

keep_means <- function(case, design) {
  for (variable in c("collective_index", "efficacy")) {
    found <- svymean(reformulate(variable), design, na.rm = TRUE)
    record(case, "estimate", coef(found), variable)
    record(case, "std_error", SE(found), variable)
  }
  design$variables$joins <- as.numeric(design$variables$collective_any == "yes")
  found <- svymean(~joins, design, na.rm = TRUE)
  record(case, "estimate", coef(found), "joins")
  record(case, "std_error", SE(found), "joins")
  # A calibrated design is not subset but given zero weights; its first-stage design stays whole.
  part <- svymean(~collective_index, subset(design, country == "France"), na.rm = TRUE)
  record(case, "estimate", coef(part), "France")
  record(case, "std_error", SE(part), "France")
}

# Coefficients and standard errors of a logistic model under the calibrated design.
keep_model <- function(case, design) {
  fit <- svyglm(formula_of("collective_any"), design, family = quasibinomial(),
                control = glm.control(epsilon = 1e-14, maxit = 50))
  record(paste0(case, "|svyglm"), "coefficient", coef(fit))
  record(paste0(case, "|svyglm"), "coefficient_se", sqrt(diag(vcov(fit))))
}

frame <- five_nation()
frame <- frame[complete.cases(frame[c("education", "urban", "age")]), ]
designs <- list(
  "weights,strata,psu" = svydesign(~municipality, strata = ~region, weights = ~weight, data = frame),
  "weights" = svydesign(~1, weights = ~weight, data = frame)
)
for (label in names(designs)) {
  full <- designs[[label]]
  case <- function(...) paste("five_nation", ..., label, sep = "|")

  post <- postStratify(full, ~education + urban, within(
    merge(margin("education"), margin("urban"), by = NULL),
    { Freq <- Freq.x * Freq.y / POPULATION; Freq.x <- Freq.y <- NULL }))
  keep_weights(case("post-stratification"), post)
  keep_means(case("post-stratification"), post)
  keep_model(case("post-stratification"), post)

  names <- c("education", "urban", "country")
  raked <- rake(full, lapply(names, reformulate), lapply(names, margin),
                control = list(maxit = 2000, epsilon = 1e-15 * POPULATION / sum(weights(full))))
  keep_weights(case("rake"), raked)
  # rake() projects with equal weights, ten rounds; kept to show how far that is from the projection with the
  # weights before, which calibrate(calfun = "raking") uses and we do.
  keep_means(case("rake"), raked)

  formula <- reformulate(names)
  exact <- calibrate(full, formula, setNames(totals_of(names), colnames(model.matrix(formula, frame))),
                     calfun = "raking", epsilon = 1e-14, maxit = 200)
  keep_weights(case("raking"), exact)
  keep_means(case("raking"), exact)
  keep_model(case("raking"), exact)

  formula <- reformulate(c(names, "age"))
  linear <- calibrate(full, formula, setNames(c(totals_of(names), POPULATION * MEAN_AGE),
                                              colnames(model.matrix(formula, frame))))
  keep_weights(case("linear"), linear)
  keep_means(case("linear"), linear)
}
write_golden("weighting.R", "survey")
