# Models under replicate weights: svyglm; clm fitted under each set of weights (svrVar makes the covariance);
# svyolr as it comes, whose replicates stop at the tolerance of optim.
here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))
source(file.path(here, "common.R"))
quietly(library(survey))
quietly(library(ordinal))

tight <- glm.control(epsilon = 1e-14, maxit = 100)
exact <- clm.control(gradTol = 1e-11, maxIter = 200L)
frame <- read_golden("pairs.csv")
frame$joins_1 <- as.numeric(frame$joins == "yes")
frame$grade <- factor(frame$grade, levels = c("low", "middle", "high"))
FACTORS <- c(FACTORS, "group")
COLUMNS <- paste0("rw", 1:12)
PREDICTORS <- c("score", "group")

keep_logit <- function(case, design, predictors = PREDICTORS) {
  fit <- svyglm(formula_of("joins_1", predictors), design = design, family = quasibinomial(), control = tight)
  record(case, "estimate", coef(fit))
  record(case, "std_error", SE(fit))
  record(case, "df_r", fit$df.residual)
}

# A cumulative model under each set of replicate weights; rows without weight are left out, as clm asks.
keep_clm <- function(case, design, link) {
  fitted <- function(w) {
    rows <- frame[w > 0, ]
    rows$.w <- w[w > 0]
    fit <- clm(formula_of("grade", PREDICTORS), data = rows, weights = .w, link = link, control = exact)
    stopifnot(fit$maxGradient < 1e-8)
    coef(fit)
  }
  estimate <- fitted(weights(design, "sampling"))
  draws <- t(apply(weights(design, "analysis"), 2, fitted))
  v <- svrVar(draws, design$scale, design$rscales, mse = design$mse, coef = estimate)
  record(case, "estimate", estimate)
  record(case, "std_error", sqrt(diag(v)), names(estimate))
}

keep_olr <- function(case, design) {
  fit <- svyolr(formula_of("grade", PREDICTORS), design = design)
  estimate <- c(fit$coefficients, fit$zeta)
  record(case, "estimate", estimate)
  record(case, "std_error", sqrt(diag(fit$var)), names(estimate))
  record(case, "df_r", fit$df.residual)
}

keep <- function(case, design) {
  keep_logit(paste("logit", case, sep = "|"), design)
  keep_clm(paste("ologit", case, sep = "|"), design, "logit")
}

RSCALES <- c(0.5, 0.6, 0.7, 0.8, 0.9, 1, 0.5, 0.6, 0, 0.8, 0.9, 1)
given <- function(..., combined = TRUE)
  suppressWarnings(svrepdesign(
    data = frame, weights = ~weight, combined.weights = combined,
    repweights = if (combined) frame[COLUMNS] else frame[COLUMNS] / frame$weight, ...
  ))
METHODS <- list(
  jk1 = list(type = "JK1"), jkn = list(type = "JKn", rscales = RSCALES), brr = list(type = "BRR"),
  fay = list(type = "Fay", rho = 0.3), bootstrap = list(type = "bootstrap"),
  sdr = list(type = "successive-difference")
)
for (name in names(METHODS))
  for (mse in c(FALSE, TRUE))
    keep(paste("given", name, mse, sep = "|"), do.call(given, c(METHODS[[name]], mse = mse)))
keep("given|multipliers|FALSE", given(type = "BRR", combined = FALSE))
for (link in c("probit", "cloglog", "loglog"))
  keep_clm(paste(link, "given|brr|FALSE", sep = "|"), given(type = "BRR"), link)

made <- function(type, ..., strata = ~stratum, fpc = NULL)
  as.svrepdesign(svydesign(~psu, strata = strata, weights = ~weight, fpc = fpc, data = frame), type = type, ...)
frame$N <- 22 + 4 * (frame$stratum == "s01")
signs <- unname(as.matrix(read_golden("hadamard.csv")))
signs[-1, ] <- -signs[-1, ]
for (mse in c(FALSE, TRUE)) {
  designs <- list(
    jk1 = made("JK1", strata = NULL, mse = mse), jkn = made("JKn", mse = mse),
    jkn_fpc = made("JKn", fpc = ~N, mse = mse), brr = made("BRR", hadamard.matrix = signs, mse = mse),
    fay = made("Fay", fay.rho = 0.3, hadamard.matrix = signs, mse = mse)
  )
  for (name in names(designs)) keep(paste("made", name, mse, sep = "|"), designs[[name]])
}

# A domain, whose other rows leave every replicate.
inside <- list(jkn = made("JKn"), brr = made("BRR", hadamard.matrix = signs))
for (name in names(inside))
  keep_logit(paste("domain|made", name, "FALSE", sep = "|"), subset(inside[[name]], group == "a"), "score")
keep_olr("svyolr|made|jkn|FALSE", made("JKn"))
keep_olr("svyolr|given|bootstrap|FALSE", given(type = "bootstrap"))
write_golden("replicate_fits.R", c("survey", "ordinal"))
