# Results of several completed data sets combined: mice, mitml (which mice's D1 calls) and mitools.
here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))
source(file.path(here, "common.R"))
quietly({library(survey); library(ordinal); library(mice); library(mitml); library(mitools)})

frame <- read_golden("completed.csv")
frame$trust <- factor(c("low", "middle", "high")[frame$trust + 1], levels = c("low", "middle", "high"))
parts <- lapply(split(frame, frame$imputation), function(part) { rownames(part) <- NULL; part })
designs <- lapply(parts, function(part) svydesign(~psu, strata = ~stratum, weights = ~weight, data = part))
d <- degf(designs[[1]])
right <- c("age", "woman", "score")
glms <- function(outcome, terms = right) lapply(designs, function(design)
  svyglm(reformulate(terms, outcome), design, family = quasibinomial(), epsilon = 1e-15, maxit = 50))

# One vector of estimates and one covariance per data set, combined one by one and together.
keep <- function(case, estimates, variances, tested) {
  names <- names(estimates[[1]])
  for (df in c(d, Inf)) {
    label <- paste(case, paste0("df=", df), sep = "|")
    for (j in seq_along(names)) {
      one <- pool.scalar(sapply(estimates, `[`, j), sapply(variances, function(v) v[j, j]), n = df + 1, k = 1)
      for (quantity in c("qbar", "ubar", "b", "t", "df", "r", "fmi"))
        record(label, quantity, one[[quantity]], names[j])
    }
    for (set in tested) {
      q <- sapply(estimates, function(b) unname(b[set]))
      rownames(q) <- paste0("b", seq_along(set))
      u <- sapply(variances, function(v) v[set, set], simplify = "array")
      u <- lapply(seq_len(dim(u)[3]), function(i) unname(u[, , i]))
      b <- lapply(seq_len(ncol(q)), function(i) q[, i])
      found <- testConstraints(qhat = b, uhat = u, constraints = rownames(q), method = "D1",
                               df.com = if (is.finite(df)) df else NULL)$test
      set_label <- paste(set, collapse = " + ")
      record(label, "D1_F", found[1], set_label)
      record(label, "D1_df1", found[2], set_label)
      record(label, "D1_df2", found[3], set_label)
      record(label, "D1_p", found[4], set_label)
    }
  }
  other <- MIcombine(unname(estimates), unname(variances), df.complete = d)
  record(case, "mitools_estimate", coef(other), names)
  record(case, "mitools_std_error", SE(other), names)
  record(case, "mitools_df", other$df, names)
}

helps <- glms("helps")
joins <- glms("joins")
sets <- list(right, c("woman", "score"))
keep("logit", lapply(helps, coef), lapply(helps, vcov), sets)

# mice on the models themselves: pool() and D1()
pooled <- summary(pool(as.mira(unname(helps)), dfcom = d))
record("logit|pool", "estimate", pooled$estimate, as.character(pooled$term))
record("logit|pool", "std_error", pooled$std.error, as.character(pooled$term))
record("logit|pool", "df", pooled$df, as.character(pooled$term))
record("logit|pool", "p_value", pooled$p.value, as.character(pooled$term))
test <- D1(as.mira(unname(helps)), as.mira(unname(glms("helps", "age"))), dfcom = d)$result
record("logit|pool", "D1_F", test[1], "woman + score")
record("logit|pool", "D1_df2", test[3], "woman + score")

# a cumulative model, with the design's variance of its influences
control <- clm.control(gradTol = 1e-12, maxIter = 200)
ordinal <- Map(function(part, design) {
  fit <- exact_clm("trust", right, part, part$weight, "logit", control)
  list(theta = fit$theta, v = design_variance(fit$z, design))
}, parts, designs)
keep("ologit", lapply(ordinal, `[[`, "theta"), lapply(ordinal, `[[`, "v"), sets)

# differences of two models' coefficients, from both models' influences side by side
differences <- Map(function(one, two, design) {
  z <- influence_of(two, nrow(design)) - influence_of(one, nrow(design))
  list(b = (coef(two) - coef(one))[right], v = design_variance(z, design)[right, right])
}, helps, joins, designs)
keep("difference", lapply(differences, `[[`, "b"), lapply(differences, `[[`, "v"), sets)

# average derivatives, predictors taken as fixed
slopes <- Map(function(fit, part) {
  x <- cbind(1, as.matrix(part[right]))
  share <- part$weight / sum(part$weight)
  average <- function(b) sum(share * dlogis(drop(x %*% b))) * b[2:4]
  g <- numDeriv::jacobian(average, coef(fit))
  v <- g %*% vcov(fit) %*% t(g)
  dimnames(v) <- list(right, right)
  list(b = setNames(average(coef(fit)), right), v = v)
}, helps, parts)
keep("margin", lapply(slopes, `[[`, "b"), lapply(slopes, `[[`, "v"), list())

# what proportional odds imputation gives, 60 times: shares of each answer among low and high x
holes <- read_golden("incomplete.csv")
holes$answer <- factor(holes$answer, levels = 0:3, ordered = TRUE)
seen <- !is.na(holes$answer)
set.seed(4711)
drawn <- sapply(1:60, function(i) {
  answer <- mice.impute.polr(holes$answer, seen, holes["x"])
  prop.table(table(holes$x[!seen] > 0, factor(answer, levels = 0:3)), 1)
})
shares <- as.vector(outer(c("low", "high"), 0:3, paste))
record("polr", "mean_share", rowMeans(drawn), shares)
record("polr", "std_share", apply(drawn, 1, sd), shares)
write_golden("pooling.R", c("mice", "mitml", "mitools", "survey", "ordinal"))
