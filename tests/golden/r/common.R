# What all scripts share: the data with their levels spelled out, and how numbers are written down.
# Each script is called by run.py as: Rscript <script> <data folder> <output file> <ologit_ucla.csv>

arguments <- commandArgs(trailingOnly = TRUE)
data_folder <- arguments[1]
output_file <- arguments[2]
ucla_file <- arguments[3]
options(digits = 17, warn = 1, contrasts = c("contr.treatment", "contr.treatment"))

LEVELS <- list(
  gender = c("man", "woman", "other"),
  education = c("low", "middle", "high"),
  employment = c("in work", "unemployed", "retired", "other inactive"),
  urban = c("rural", "urban"),
  country = c("Czech Republic", "Denmark", "France", "Germany", "United Kingdom"),
  individual_high = c("lower", "higher"),
  collective_any = c("no", "yes"),
  individual_band = c("low", "middle", "high"),
  collective_sectors = c("0", "1", "2 or more")
)
PREDICTORS <- c("age", "gender", "education", "employment", "urban", "outcome", "performance",
                "information", "consultation", "efficacy", "country")
FACTORS <- c("gender", "education", "employment", "urban", "country", "Infl", "Type", "Cont", "stratum")

read_golden <- function(name) {
  read.csv(file.path(data_folder, name), stringsAsFactors = FALSE, comment.char = "#", na.strings = "")
}

five_nation <- function() {
  frame <- read_golden("five_nation.csv")
  for (name in names(LEVELS))
    frame[[name]] <- factor(LEVELS[[name]][frame[[name]] + 1], levels = LEVELS[[name]])
  frame
}

formula_of <- function(outcome, predictors = PREDICTORS) reformulate(predictors, outcome)

# R's genderwoman is gender[T.woman] in Python's formulas.
python_names <- function(names) {
  for (factor in FACTORS)
    names <- sub(paste0("^", factor, "([^[].*)$"), paste0(factor, "[T.\\1]"), names)
  sub("^\\(Intercept\\)$", "Intercept", names)
}

collected <- list()

# One row per number: case, quantity, name, value.
record <- function(case, quantity, values, names = base::names(values)) {
  if (is.null(names)) names <- rep("", length(values))
  collected[[length(collected) + 1]] <<- data.frame(
    case = case, quantity = quantity, name = python_names(names), value = sprintf("%.17g", as.numeric(values))
  )
}

record_matrix <- function(case, quantity, v) {
  names <- python_names(colnames(v))
  pairs <- outer(names, names, paste, sep = " * ")
  keep <- upper.tri(v, diag = TRUE)
  record(case, quantity, v[keep], pairs[keep])
}

write_golden <- function(script, packages) {
  versions <- vapply(packages, function(p) paste(p, packageVersion(p)), "")
  header <- c(
    paste0("# made by tests/golden/r/", script, " with ", R.version.string),
    paste0("# packages: ", paste(versions, collapse = ", "))
  )
  numbers <- do.call(rbind, collected)
  writeLines(header, output_file)
  suppressWarnings(write.table(numbers, output_file, append = TRUE, sep = ",", row.names = FALSE,
                               qmethod = "double"))
  cat(script, ":", nrow(numbers), "numbers\n")
}

quietly <- function(expression) suppressPackageStartupMessages(expression)

# The influence of each row on a svyglm, laid out over all rows of its design's data (zero where not used).
influence_of <- function(model, n) {
  z <- (model.matrix(model) * resid(model, "working") * model$weights) %*% model$naive.cov
  whole <- matrix(0, n, ncol(z), dimnames = list(NULL, colnames(z)))
  whole[as.integer(rownames(model.matrix(model))), ] <- z
  whole
}

design_variance <- function(z, design) {
  v <- survey::svyrecvar(z, design$cluster, design$strata, design$fpc, postStrata = design$postStrata)
  dimnames(v) <- list(colnames(z), colnames(z))
  v
}

# --- cumulative-link models by hand, so that nothing rests on svyolr's numerical Hessian ---

DISTRIBUTIONS <- list(
  logit = list(F = plogis, f = dlogis),
  probit = list(F = pnorm, f = dnorm),
  cloglog = list(F = function(z) -expm1(-exp(z)), f = function(z) exp(z - exp(z))),
  loglog = list(F = function(z) exp(-exp(-z)), f = function(z) exp(-z - exp(-z))),
  cauchit = list(F = pcauchy, f = dcauchy)
)

# Unweighted scores of each row at theta = (cuts, slopes), with the outer ends at infinity.
clm_scores <- function(theta, x, y, q, link) {
  cuts <- c(-Inf, theta[1:q], Inf)
  eta <- drop(x %*% theta[-(1:q)])
  d <- DISTRIBUTIONS[[link]]
  upper <- cuts[y + 1] - eta
  lower <- cuts[y] - eta
  f_upper <- ifelse(is.finite(upper), d$f(upper), 0)
  f_lower <- ifelse(is.finite(lower), d$f(lower), 0)
  p <- d$F(upper) - d$F(lower)
  scores <- matrix(0, length(y), length(theta), dimnames = list(NULL, names(theta)))
  for (k in 1:q) scores[, k] <- ((y == k) * f_upper - (y == k + 1) * f_lower) / p
  scores[, -(1:q)] <- -x * ((f_upper - f_lower) / p)
  attr(scores, "loglik") <- log(p)
  scores
}

# A clm with its influence on all n rows of the data. clm puts the outer ends at -1e5 and 1e5, which leaves
# 3e-6 of the Cauchy distribution beyond them: that link is polished by Newton steps on the scores above.
exact_clm <- function(outcome, predictors, frame, w, link, control) {
  frame$.w <- w
  fit <- clm(formula_of(outcome, predictors), data = frame, weights = .w, link = link, control = control)
  stopifnot(fit$maxGradient < 1e-8)
  rows <- which(complete.cases(frame[c(outcome, predictors)]))
  x <- model.matrix(reformulate(predictors), frame[rows, ])[, -1]
  y <- as.integer(frame[rows, outcome])
  q <- nlevels(frame[[outcome]]) - 1
  theta <- coef(fit)
  v <- vcov(fit)
  total <- function(theta) drop(w[rows] %*% clm_scores(theta, x, y, q, link))
  if (link == "cauchit") {
    for (step in 1:4) theta <- theta - solve(numDeriv::jacobian(total, theta), total(theta))
    information <- -numDeriv::jacobian(total, theta)
    v <- solve((information + t(information)) / 2)
    dimnames(v) <- list(names(theta), names(theta))
  }
  scores <- clm_scores(theta, x, y, q, link)
  stopifnot(max(abs(w[rows] %*% scores)) < 1e-5)
  z <- matrix(0, nrow(frame), length(theta), dimnames = list(NULL, names(theta)))
  z[rows, ] <- (scores * w[rows]) %*% v
  list(theta = theta, vcov = v, loglik = sum(w[rows] * attr(scores, "loglik")), z = z, rows = rows, q = q)
}
