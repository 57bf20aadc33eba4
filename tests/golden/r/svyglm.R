# Logistic models of survey::svyglm under several designs, domains, finite populations and single PSUs;
# Wald tests by R's rule for the degrees of freedom.
here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))
source(file.path(here, "common.R"))
quietly(library(survey))

tight <- glm.control(epsilon = 1e-15, maxit = 100)

keep_fit <- function(case, fit, design, stata_df = degf(design)) {
  summary_r <- summary(fit)
  record(case, "estimate", coef(fit))
  record(case, "std_error", SE(fit))
  record(case, "p_value_r", coef(summary_r)[, 4])
  record(case, "p_value_stata", coef(summary(fit, df.resid = stata_df))[, 4])
  limits <- confint(fit, ddf = stata_df)
  record(case, "conf_low_stata", limits[, 1], rownames(limits))
  record(case, "conf_high_stata", limits[, 2], rownames(limits))
  record(case, "df_r", fit$df.residual)
  record(case, "df_stata", stata_df)
  record(case, "n", nrow(model.matrix(fit)))
}
fit_glm <- function(formula, design)
  svyglm(formula, design = design, family = quasibinomial(), control = tight)

frame <- five_nation()
designs <- list(
  "weights,strata,psu" = svydesign(~municipality, strata = ~region, weights = ~weight, data = frame),
  "weights,psu" = svydesign(~municipality, weights = ~weight, data = frame),
  "weights,strata" = svydesign(~1, strata = ~region, weights = ~weight, data = frame),
  "weights" = svydesign(~1, weights = ~weight, data = frame),
  "strata,psu" = svydesign(~municipality, strata = ~region, weights = ~1, data = frame)
)
for (outcome in c("individual_high", "collective_any"))
  for (label in names(designs)) {
    fit <- fit_glm(formula_of(outcome), designs[[label]])
    case <- paste("five_nation", outcome, label, "all", sep = "|")
    keep_fit(case, fit, designs[[label]])
    if (label == "weights,strata,psu")
      record_matrix(case, "covariance", vcov(fit)[1:8, 1:8])
  }

# Robust: the rows used are an independent sample of their own.
for (outcome in c("individual_high", "collective_any")) {
  complete <- frame[complete.cases(frame[c(outcome, PREDICTORS)]), ]
  design <- svydesign(~1, weights = ~weight, data = complete)
  keep_fit(paste("five_nation", outcome, "robust", "all", sep = "|"), fit_glm(formula_of(outcome), design),
           design)
}

# Domains: the PSUs of the others stay in the design.
full <- designs[["weights,strata,psu"]]
domains <- list(
  france = frame$country == "France",
  young = !is.na(frame$age) & frame$age < 40,
  women = !is.na(frame$gender) & frame$gender == "woman"
)
# Left out: what does not vary in a domain, and what separates in it. The three under 40 who are retired take
# part in no group; svyglm would print an estimate and a standard error for them without a word.
left_out <- list(france = c("country", "gender"), young = c("country", "employment"),
                 women = c("country", "gender"))
for (name in names(domains)) {
  predictors <- setdiff(PREDICTORS, left_out[[name]])
  part <- full[domains[[name]], ]
  # Stata's df: all PSUs of the strata in which the domain has a member
  met <- full$strata[, 1] %in% part$strata[, 1]
  stata <- length(unique(full$cluster[met, 1])) - length(unique(full$strata[met, 1]))
  fit <- fit_glm(formula_of("collective_any", predictors), part)
  keep_fit(paste("five_nation", "collective_any", "weights,strata,psu", name, sep = "|"), fit, part, stata)
}

# Wald tests, R's rule.
model <- fit_glm(formula_of("collective_any"), full)
for (terms in list("country", "gender", "education", c("age", "efficacy"), c("country", "employment"))) {
  test <- regTermTest(model, reformulate(terms), method = "Wald", df = model$df.residual)
  case <- paste("wald", "collective_any", "r", paste(terms, collapse = "+"), sep = "|")
  record(case, "statistic", as.numeric(test$Ftest))
  record(case, "df_num", test$df)
  record(case, "df_denom", test$ddf)
  record(case, "p_value", as.numeric(test$p))
  # Korn and Graubard's adjusted F with d = PSUs minus strata, from the same chi-squared.
  d <- degf(full)
  q <- test$df
  f <- as.numeric(test$Ftest) * q * (d - q + 1) / (d * q)
  case <- sub("|r|", "|stata|", case, fixed = TRUE)
  record(case, "statistic", f)
  record(case, "df_num", q)
  record(case, "df_denom", d - q + 1)
  record(case, "p_value", pf(f, q, d - q + 1, lower.tail = FALSE))
}

# Finite populations: of elements in strata, and of PSUs in strata.
sites <- read_golden("sites.csv")
elements <- svydesign(~1, strata = ~stratum, weights = ~weight, fpc = ~population, data = sites)
clusters <- svydesign(~psu, strata = ~stratum, weights = ~weight, fpc = ~psu_population, data = sites)
keep_fit("sites|open|elements|all", fit_glm(open ~ size + share + stratum, elements), elements)
keep_fit("sites|open|clusters|all", fit_glm(open ~ size + share + stratum, clusters), clusters)
large <- elements[sites$size > 0, ]
keep_fit("sites|open|elements|large", fit_glm(open ~ size + share, large), large, degf(elements))

# Strata with a single PSU.
alone <- read_golden("lonely.csv")
for (rule in c("remove", "adjust", "average")) {
  options(survey.lonely.psu = rule)
  design <- svydesign(~psu, strata = ~stratum, weights = ~weight, data = alone)
  keep_fit(paste("lonely", "y", rule, "all", sep = "|"), fit_glm(y ~ x, design), design)
}
write_golden("svyglm.R", "survey")
