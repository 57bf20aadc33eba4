# Cumulative-link models of ordinal::clm: five links, with and without weights.
here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))
source(file.path(here, "common.R"))
quietly(library(ordinal))

tight <- clm.control(gradTol = 1e-10, maxIter = 200L)

# The cauchit link is polished (see common.R); what clm itself gives is kept beside it.
keep_fit <- function(name, outcome, predictors, frame, w, link, weighting) {
  case <- paste(name, outcome, link, weighting, sep = "|")
  exact <- exact_clm(outcome, predictors, frame, w, link, tight)
  record(case, "estimate", exact$theta)
  record(case, "std_error", sqrt(diag(exact$vcov)))
  record(case, "loglik", exact$loglik)
  frame$w <- w
  fit <- clm(formula_of(outcome, predictors), data = frame, weights = w, link = link, control = tight)
  record(case, "n", fit$nobs)
  if (link != "cauchit") return(invisible())
  record(case, "estimate_as_printed", coef(fit))
  record(case, "std_error_as_printed", sqrt(diag(vcov(fit))))
  record(case, "loglik_as_printed", as.numeric(logLik(fit)))
}

frame <- five_nation()
for (outcome in c("individual_band", "collective_sectors"))
  for (link in names(DISTRIBUTIONS)) {
    keep_fit("five_nation", outcome, PREDICTORS, frame, rep(1, nrow(frame)), link, "unweighted")
    keep_fit("five_nation", outcome, PREDICTORS, frame, frame$weight, link, "weights")
  }

ucla <- read.csv(ucla_file)
ucla$apply <- factor(ucla$apply, levels = c("unlikely", "somewhat likely", "very likely"))
housing <- read_golden("housing.csv")
housing$Sat <- factor(housing$Sat, levels = c("Low", "Medium", "High"))
housing$Infl <- factor(housing$Infl, levels = c("Low", "Medium", "High"))
housing$Type <- factor(housing$Type, levels = c("Tower", "Apartment", "Atrium", "Terrace"))
housing$Cont <- factor(housing$Cont, levels = c("Low", "High"))
for (link in names(DISTRIBUTIONS)) {
  keep_fit("ucla", "apply", c("pared", "public", "gpa"), ucla, rep(1, nrow(ucla)), link, "unweighted")
  keep_fit("housing", "Sat", c("Infl", "Type", "Cont"), housing, housing$Freq, link, "weights")
}
write_golden("clm.R", c("ordinal", "numDeriv"))
