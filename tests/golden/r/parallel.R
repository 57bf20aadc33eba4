# Parallel lines: Brant's test by hand from glm, likelihood ratios from clm(nominal = ), and the design-based
# test by hand from svyglm's influences under svyrecvar.
here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))
source(file.path(here, "common.R"))
quietly(library(survey))
quietly(library(ordinal))

tight <- glm.control(epsilon = 1e-15, maxit = 100)

# Differences of every split's slopes from the first's, in the order split by split.
contrast_of <- function(columns, p, splits)
  do.call(rbind, lapply(2:splits, function(m)
    t(vapply(columns, function(j) {
      row <- numeric(p * splits)
      row[j] <- 1
      row[(m - 1) * p + j] <- -1
      row
    }, numeric(p * splits)))))

keep_tests <- function(case, b, v, assign, labels, splits, d) {
  p <- length(assign)
  wanted <- c(lapply(seq_along(labels), function(k) which(assign == k)), list(seq_len(p)))
  names(wanted) <- c(labels, "all terms")
  for (term in names(wanted)) {
    l <- contrast_of(wanted[[term]], p, splits)
    w <- drop(t(l %*% b) %*% solve(l %*% v %*% t(l), l %*% b))
    q <- nrow(l)
    if (is.finite(d)) w <- w * (d - q + 1) / (d * q)
    tail <- if (is.finite(d)) pf(w, q, d - q + 1, lower.tail = FALSE) else pchisq(w, q, lower.tail = FALSE)
    record(case, "statistic", w, term)
    record(case, "df_num", q, term)
    record(case, "p_value", tail, term)
  }
}

# --- Brant (1990), independent respondents ---
ucla <- read.csv(ucla_file, stringsAsFactors = FALSE)
ucla$apply <- factor(ucla$apply, levels = c("unlikely", "somewhat likely", "very likely"))
y <- as.integer(ucla$apply)
fits <- lapply(1:2, function(m) glm(I(y > m) ~ pared + public + gpa, data = ucla, family = binomial(),
                                    control = tight))
x <- model.matrix(fits[[1]])
pr <- lapply(fits, function(f) plogis(drop(x %*% coef(f))))
bread <- lapply(pr, function(p) solve(crossprod(x, x * (p * (1 - p)))))
between <- bread[[1]] %*% crossprod(x, x * (pr[[2]] * (1 - pr[[1]]))) %*% bread[[2]]
v <- rbind(cbind(bread[[1]][-1, -1], between[-1, -1]), cbind(t(between[-1, -1]), bread[[2]][-1, -1]))
b <- c(coef(fits[[1]])[-1], coef(fits[[2]])[-1])
keep_tests("brant|ucla", b, v, 1:3, c("pared", "public", "gpa"), 2, Inf)

# --- likelihood ratios ---
narrow <- clm.control(gradTol = 1e-10, maxIter = 200L)
all_terms <- c("pared", "public", "gpa")
parallel <- clm(reformulate(all_terms, "apply"), data = ucla, control = narrow)
for (term in c(all_terms, "all terms")) {
  free <- if (term == "all terms") all_terms else term
  same <- setdiff(all_terms, free)
  fit <- clm(reformulate(if (length(same)) same else "1", "apply"), nominal = reformulate(free), data = ucla,
             control = narrow)
  record("ratio|ucla", "statistic", 2 * as.numeric(logLik(fit) - logLik(parallel)), term)
}
housing <- read_golden("housing.csv")
for (name in c("Sat", "Infl")) housing[[name]] <- factor(housing[[name]], c("Low", "Medium", "High"))
housing$Type <- factor(housing$Type, c("Tower", "Apartment", "Atrium", "Terrace"))
housing$Cont <- factor(housing$Cont, c("Low", "High"))
all_terms <- c("Infl", "Type", "Cont")
parallel <- clm(reformulate(all_terms, "Sat"), data = housing, weights = Freq, control = narrow)
for (term in all_terms) {
  fit <- clm(reformulate(setdiff(all_terms, term), "Sat"), nominal = reformulate(term), data = housing,
             weights = Freq, control = narrow)
  record("ratio|housing", "statistic", 2 * as.numeric(logLik(fit) - logLik(parallel)), term)
}

# --- under the design ---
frame <- five_nation()
full <- svydesign(~municipality, strata = ~region, weights = ~weight, data = frame)
for (outcome in c("individual_band", "collective_sectors")) {
  level <- as.integer(frame[[outcome]])
  fits <- lapply(1:2, function(m) {
    part <- update(full, above = as.integer(level > m))
    svyglm(formula_of("above"), design = part, family = quasibinomial(), control = tight)
  })
  z <- do.call(cbind, lapply(fits, function(f) influence_of(f, nrow(frame))[, -1]))
  b <- unlist(lapply(fits, function(f) coef(f)[-1]))
  v <- design_variance(z, full)
  assign <- attr(model.matrix(fits[[1]]), "assign")[-1]
  case <- paste("design", outcome, sep = "|")
  keep_tests(case, b, v, assign, PREDICTORS, 2, degf(full))
  record(case, "std_error", sqrt(diag(v)),
         paste(rep(c("first", "second"), each = length(assign)), python_names(names(b))))
}

# Four categories, and a finite population of PSUs.
sites <- read_golden("sites.csv")
clusters <- svydesign(~psu, strata = ~stratum, weights = ~weight, fpc = ~psu_population, data = sites)
fits <- lapply(0:2, function(m) {
  part <- update(clusters, above = as.integer(grade > m))
  svyglm(above ~ size + share + stratum, design = part, family = quasibinomial(), control = tight)
})
z <- do.call(cbind, lapply(fits, function(f) influence_of(f, nrow(sites))[, -1]))
b <- unlist(lapply(fits, function(f) coef(f)[-1]))
keep_tests("design|sites", b, design_variance(z, clusters), attr(model.matrix(fits[[1]]), "assign")[-1],
           c("size", "share", "stratum"), 3, degf(clusters))
write_golden("parallel.R", c("survey", "ordinal"))
