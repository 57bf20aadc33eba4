# Penalised likelihood: brglm2's fits under Jeffreys' prior, the profiles of that likelihood followed by optim,
# and profiles of plain likelihoods as MASS and ordinal give them.
here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))
source(file.path(here, "common.R"))
quietly(library(brglm2))
quietly(library(MASS))
quietly(library(ordinal))

frame <- read_golden("endometrial.csv")
data("endometrial", package = "brglm2")
stopifnot(isTRUE(all.equal(frame, endometrial, check.attributes = FALSE)))

exact <- brglmControl(epsilon = 1e-13, maxit = 1000, slowit = 1)
keep_fit <- function(case, fit) {
  record(case, "estimate", coef(fit))
  record(case, "std_error", sqrt(diag(vcov(fit))))
  record(case, "loglik", as.numeric(logLik(fit)))
}
firth <- function(formula, data, link = "logit", type = "AS_mean", weights = rep(1, nrow(data))) {
  data$.w <- weights
  control <- exact
  control$type <- type
  glm(formula, data = data, family = binomial(link), weights = .w, method = "brglmFit", control = control)
}

keep_fit("endometrial|logit", firth(HG ~ NV + PI + EH, frame))
counts <- 1 + (seq_len(nrow(frame)) %% 3)
keep_fit("endometrial|counts", firth(HG ~ NV + PI + EH, frame, weights = counts))
# Jeffreys' prior under other links is no bias reduction any more, so that brglm2 has a type of its own for it.
for (link in c("probit", "cloglog", "cauchit"))
  keep_fit(paste("endometrial", link, sep = "|"),
           firth(HG ~ NV + PI + EH, frame, link, type = "MPL_Jeffreys"))

# --- profiles of the penalised likelihood, the fixed parameter's row and column kept in the determinant ---

x <- model.matrix(HG ~ NV + PI + EH, frame)
y <- frame$HG
penalised <- function(b) {
  eta <- drop(x %*% b)
  sum(plogis(ifelse(y == 1, eta, -eta), log.p = TRUE)) +
    as.numeric(determinant(crossprod(x * sqrt(plogis(eta) * plogis(-eta))))$modulus) / 2
}
# Fisher scoring on the modified scores of the other parameters (Heinze and Schemper 2002, equation 2).
profiled <- function(j, value, b) {
  b[j] <- value
  for (step in 1:5000) {
    p <- plogis(drop(x %*% b))
    root <- x * sqrt(p * (1 - p))
    h <- rowSums((root %*% solve(crossprod(root))) * root)
    move <- solve(crossprod(root[, -j]), crossprod(x[, -j], y - p + h * (0.5 - p)))
    share <- 1
    while (share > 1e-8 && penalised(replace(b, -j, b[-j] + share * move)) < penalised(b) - 1e-12)
      share <- share / 2
    b[-j] <- b[-j] + share * move
    if (max(abs(move)) < 1e-11) return(penalised(b))
  }
  stop("the profile was not followed")
}
fit <- firth(HG ~ NV + PI + EH, frame)
top <- coef(fit)
se <- sqrt(diag(vcov(fit)))
for (j in 1:4) {
  fallen <- function(value) penalised(top) - profiled(j, value, top) - qchisq(0.95, 1) / 2
  limit <- function(side) {
    far <- 1
    while (fallen(top[j] + side * far * se[j]) < 0) far <- far + 0.5
    uniroot(fallen, sort(c(top[j], top[j] + side * far * se[j])), tol = 1e-11)$root
  }
  record("endometrial|profile", "conf_low", limit(-1), colnames(x)[j])
  record("endometrial|profile", "conf_high", limit(1), colnames(x)[j])
  record("endometrial|profile", "statistic", 2 * (penalised(top) - profiled(j, 0, top)), colnames(x)[j])
}

# --- profiles without a penalty ---

plain <- suppressMessages(confint(glm(HG ~ PI + EH, data = frame, family = binomial(),
                                      control = glm.control(epsilon = 1e-14))))
record("endometrial|plain", "conf_low", plain[, 1], rownames(plain))
record("endometrial|plain", "conf_high", plain[, 2], rownames(plain))
ucla <- read.csv(ucla_file)
ucla$apply <- factor(ucla$apply, levels = c("unlikely", "somewhat likely", "very likely"))
fit <- clm(apply ~ pared + public + gpa, data = ucla, control = clm.control(gradTol = 1e-10))
intervals <- confint(fit, type = "profile", nsteps = 100, max.steps = 300)
record("ucla|plain", "conf_low", intervals[, 1], rownames(intervals))
record("ucla|plain", "conf_high", intervals[, 2], rownames(intervals))
write_golden("firth.R", c("brglm2", "MASS", "ordinal"))
