# Ordinal models beyond one slope per column: partial proportional odds, adjacent categories, continuation
# ratios, and offsets. ordinal::clm(nominal = ) and VGAM find the estimates; their log-likelihood, written
# down here once more from the definitions, polishes them and gives scores and information, because VGAM's
# information is the expected one and neither knows designs. Design variance: survey::svyrecvar.
here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))
source(file.path(here, "common.R"))
quietly(library(survey))
quietly(library(ordinal))
quietly(library(VGAM))

# Distribution functions that also take complex numbers, for derivatives without differences.
ANALYTIC <- list(
  logit = function(z) 1 / (1 + exp(-z)),
  cloglog = function(z) 1 - exp(-exp(z)),
  loglog = function(z) exp(-exp(-z)),
  cauchit = function(z) 0.5 + atan(z) / pi
)

# Log-probability of each row's category at theta = (thresholds, slopes by split, shared slopes).
log_rows <- function(theta, d) {
  m <- d$m
  f <- ncol(d$own)
  F <- if (d$link == "probit") pnorm else ANALYTIC[[d$link]]
  along <- drop(d$shared %*% theta[m + m * f + seq_len(ncol(d$shared))]) + d$offset
  eta <- sapply(seq_len(m), function(k) theta[k] - drop(d$own %*% theta[m + (k - 1) * f + seq_len(f)]) - along)
  p <- switch(d$family,
    cumulative = { below <- cbind(0, F(eta), 1); below[, -1, drop = FALSE] - below[, -(m + 2), drop = FALSE] },
    acat = {
      odds <- cbind(t(apply(eta[, m:1, drop = FALSE], 1, function(e) exp(cumsum(e))))[, m:1, drop = FALSE], 1)
      if (m == 1) odds <- cbind(exp(eta), 1)
      odds / rowSums(odds)
    },
    cratio = {
      stop <- F(eta)
      reached <- cbind(1, t(apply(1 - stop, 1, cumprod)))
      cbind(reached[, seq_len(m), drop = FALSE] * stop, reached[, m + 1])
    }
  )
  log(p[cbind(seq_len(nrow(eta)), d$y)])
}

row_scores <- function(theta, d)
  if (d$link == "probit") numDeriv::jacobian(log_rows, theta, d = d) else
    numDeriv::jacobian(log_rows, theta, method = "complex", d = d)

exact <- function(theta, d) {
  total <- function(at) drop(d$w %*% row_scores(at, d))
  information <- function(at) {
    i <- if (d$link == "probit") -numDeriv::hessian(function(t) sum(d$w * log_rows(t, d)), at) else
      -numDeriv::jacobian(total, at)
    (i + t(i)) / 2
  }
  begun <- theta
  for (step in 1:2) theta <- theta + solve(information(theta), total(theta))
  v <- solve(information(theta))
  moved <- max(abs(theta - begun) / sqrt(diag(v)))
  if (moved > 0.001) stop("the package's estimate is ", moved, " standard errors away")
  scores <- row_scores(theta, d)
  list(theta = theta, vcov = v, loglik = sum(d$w * log_rows(theta, d)), z = (scores * d$w) %*% v)
}

# The data of one case as matrices: own and shared columns, categories, weights.
matrices <- function(frame, outcome, own, shared, w, family, link, offset = 0) {
  columns <- function(terms) {
    if (length(terms) == 0) return(matrix(0, nrow(frame), 0))
    model.matrix(reformulate(terms), frame)[, -1, drop = FALSE]
  }
  list(own = columns(own), shared = columns(shared), y = as.integer(frame[[outcome]]), w = w, family = family,
       link = link, offset = rep(offset, length.out = nrow(frame)), m = nlevels(frame[[outcome]]) - 1,
       splits = paste(head(levels(frame[[outcome]]), -1), levels(frame[[outcome]])[-1], sep = "|"))
}

parameter_names <- function(d) {
  own <- python_names(colnames(d$own))
  c(d$splits, if (length(own)) as.vector(outer(own, d$splits, function(o, s) paste0(o, "[", s, "]"))),
    python_names(colnames(d$shared)))
}

keep <- function(case, d, begun, used = NULL, n = NULL, designs = NULL) {
  fit <- exact(begun, d)
  names <- parameter_names(d)
  record(case, "estimate", fit$theta, names)
  record(case, "std_error", sqrt(diag(fit$vcov)), names)
  record(case, "loglik", fit$loglik)
  if (is.null(designs)) return(invisible())
  z <- matrix(0, n, length(fit$theta))
  z[used, ] <- fit$z
  for (label in names(designs)) {
    v <- svyrecvar(z, designs[[label]]$cluster, designs[[label]]$strata, designs[[label]]$fpc)
    record(paste(case, label, sep = "|"), "estimate", fit$theta, names)
    record(paste(case, label, sep = "|"), "std_error", sqrt(diag(v)), names)
    if (label == "weights,strata,psu") keep_equality(paste(case, label, sep = "|"), d, fit$theta, v,
                                                     degf(designs[[label]]))
  }
}

# Adjusted Wald F that a column's slopes are equal at all splits.
keep_equality <- function(case, d, theta, v, df) {
  own <- python_names(colnames(d$own))
  for (j in seq_along(own)) {
    at <- d$m + (seq_len(d$m) - 1) * length(own) + j
    L <- matrix(0, d$m - 1, length(theta))
    for (k in 2:d$m) L[k - 1, at[c(1, k)]] <- c(-1, 1)
    q <- nrow(L)
    w <- drop(t(L %*% theta) %*% solve(L %*% v %*% t(L), L %*% theta))
    f <- w * (df - q + 1) / (df * q)
    record(case, "equal_slopes", c(f, pf(f, q, df - q + 1, lower.tail = FALSE)), paste(own[j], c("F", "p")))
  }
}

# clm adds nominal slopes to the thresholds: ours are minus those.
from_clm <- function(d, frame, outcome, own, shared, offset = NULL) {
  frame$.w <- d$w
  frame$.offset <- d$offset
  location <- reformulate(c(if (length(shared)) shared else "1", if (!is.null(offset)) "offset(.offset)"), outcome)
  fit <- clm(location, nominal = if (length(own)) reformulate(own) else ~1, data = frame, weights = .w,
             link = d$link, control = clm.control(gradTol = 1e-10, maxIter = 200L))
  alpha <- matrix(fit$alpha, nrow = d$m)  # splits by (constant, nominal columns)
  c(alpha[, 1], -as.vector(t(alpha[, -1, drop = FALSE])), fit$beta)
}

# VGAM: slopes by split lie side by side in coef(matrix = TRUE); `sign` says whose sign they have.
from_vgam <- function(d, frame, outcome, own, shared, family, sign) {
  frame$.w <- d$w
  fit <- vglm(reformulate(c(own, shared), outcome), family, data = frame, weights = .w,
              control = vglm.control(epsilon = 1e-12, maxit = 100))
  b <- coef(fit, matrix = TRUE)
  rows <- function(d_columns) b[match(d_columns, rownames(b)), , drop = FALSE]
  c(sign[1] * b["(Intercept)", ], sign[2] * as.vector(rows(colnames(d$own))),
    sign[2] * rows(colnames(d$shared))[, 1])
}
by_split <- function(own) if (length(own) == 0) TRUE else
  as.formula(paste("FALSE ~", paste(own, collapse = " + ")))

ucla <- read.csv(ucla_file)
ucla$apply <- factor(ucla$apply, levels = c("unlikely", "somewhat likely", "very likely"), ordered = TRUE)
terms <- c("pared", "public", "gpa")
ones <- rep(1, nrow(ucla))

for (link in names(DISTRIBUTIONS)) {
  d <- matrices(ucla, "apply", "public", c("pared", "gpa"), ones, "cumulative", link)
  keep(paste("ucla|cumulative", link, "public", sep = "|"), d, from_clm(d, ucla, "apply", "public", c("pared", "gpa")))
}
d <- matrices(ucla, "apply", terms, character(), ones, "cumulative", "logit")
keep("ucla|cumulative|logit|all", d,
     from_vgam(d, ucla, "apply", terms, character(), cumulative(parallel = FALSE, reverse = TRUE), c(-1, 1)))
for (own in list(character(), "public", terms)) {
  shared <- setdiff(terms, own)
  label <- if (length(own) == 0) "none" else if (length(own) == 3) "all" else own
  d <- matrices(ucla, "apply", own, shared, ones, "acat", "logit")
  keep(paste("ucla|acat|logit", label, sep = "|"), d,
       from_vgam(d, ucla, "apply", own, shared, acat(parallel = if (length(own) == 3) FALSE else by_split(own)), c(-1, 1)))
  d <- matrices(ucla, "apply", own, shared, ones, "cratio", "logit")
  keep(paste("ucla|cratio|logit", label, sep = "|"), d,
       from_vgam(d, ucla, "apply", own, shared, cratio(parallel = if (length(own) == 3) FALSE else by_split(own)), c(-1, 1)))
}
vgam_links <- c(probit = "probitlink", cloglog = "clogloglink", cauchit = "cauchitlink")
for (link in names(vgam_links)) {
  d <- matrices(ucla, "apply", "public", c("pared", "gpa"), ones, "cratio", link)
  keep(paste("ucla|cratio", link, "public", sep = "|"), d,
       from_vgam(d, ucla, "apply", "public", c("pared", "gpa"),
                 do.call(sratio, list(link = vgam_links[[link]], parallel = by_split("public"))), c(1, -1)))
}

# An offset of half the grade, by clm and by glm.
half <- 0.5 * ucla$gpa
d <- matrices(ucla, "apply", character(), c("pared", "public"), ones, "cumulative", "logit", half)
keep("ucla|offset|ologit|none", d, from_clm(d, ucla, "apply", character(), c("pared", "public"), half))
d <- matrices(ucla, "apply", "pared", "public", ones, "cumulative", "logit", half)
keep("ucla|offset|ologit|pared", d, from_clm(d, ucla, "apply", "pared", "public", half))
ucla$top <- as.integer(ucla$apply == "very likely")
binary <- glm(top ~ pared + public + offset(half), binomial(), ucla, control = glm.control(epsilon = 1e-15))
record("ucla|offset|logit|none", "estimate", coef(binary))
record("ucla|offset|logit|none", "std_error", sqrt(diag(vcov(binary))))
record("ucla|offset|logit|none", "loglik", as.numeric(logLik(binary)))
record("ucla|offset|logit|none", "null_loglik", -binary$null.deviance / 2)

housing <- read_golden("housing.csv")
housing$Sat <- factor(housing$Sat, levels = c("Low", "Medium", "High"), ordered = TRUE)
housing$Infl <- factor(housing$Infl, levels = c("Low", "Medium", "High"))
housing$Type <- factor(housing$Type, levels = c("Tower", "Apartment", "Atrium", "Terrace"))
housing$Cont <- factor(housing$Cont, levels = c("Low", "High"))
own <- c("Infl", "Cont")
d <- matrices(housing, "Sat", own, "Type", housing$Freq, "cumulative", "logit")
keep("housing|cumulative|logit|Infl,Cont", d, from_clm(d, housing, "Sat", own, "Type"))
d <- matrices(housing, "Sat", own, "Type", housing$Freq, "acat", "logit")
keep("housing|acat|logit|Infl,Cont", d, from_vgam(d, housing, "Sat", own, "Type", acat(parallel = by_split(own)), c(-1, 1)))
d <- matrices(housing, "Sat", own, "Type", housing$Freq, "cratio", "logit")
keep("housing|cratio|logit|Infl,Cont", d, from_vgam(d, housing, "Sat", own, "Type", cratio(parallel = by_split(own)), c(-1, 1)))

# Under the design of the five-nation survey.
frame <- five_nation()
frame$individual_band <- factor(frame$individual_band, ordered = TRUE)
wanted <- c("age", "efficacy", "gender", "country")
used <- which(complete.cases(frame[c("individual_band", wanted)]))
rows <- frame[used, ]
w <- rows$weight * (length(used) / sum(rows$weight))
designs <- list(
  "weights,strata,psu" = svydesign(~municipality, strata = ~region, weights = ~weight, data = frame),
  "weights,psu" = svydesign(~municipality, weights = ~weight, data = frame)
)
own <- c("age", "efficacy")
shared <- c("gender", "country")
at <- function(family, link) matrices(rows, "individual_band", own, shared, w, family, link)
d <- at("cumulative", "logit")
keep("five_nation|cumulative|logit|age,efficacy", d, from_clm(d, rows, "individual_band", own, shared), used, nrow(frame), designs)
d <- at("cumulative", "cloglog")
keep("five_nation|cumulative|cloglog|age,efficacy", d, from_clm(d, rows, "individual_band", own, shared), used, nrow(frame), designs)
d <- at("acat", "logit")
keep("five_nation|acat|logit|age,efficacy", d,
     from_vgam(d, rows, "individual_band", own, shared, acat(parallel = by_split(own)), c(-1, 1)), used, nrow(frame), designs)
d <- at("cratio", "cloglog")
keep("five_nation|cratio|cloglog|age,efficacy", d,
     from_vgam(d, rows, "individual_band", own, shared,
               sratio(link = "clogloglink", parallel = by_split(own)), c(1, -1)), used, nrow(frame), designs)
write_golden("families.R", c("survey", "ordinal", "VGAM", "numDeriv"))
