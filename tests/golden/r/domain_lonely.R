# Logistic models of a domain that leaves a stratum with one PSU: survey.adjust.domain.lonely with each rule.
here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))
source(file.path(here, "common.R"))
quietly(library(survey))

frame <- read_golden("domain_lonely.csv")
design <- svydesign(~p, strata = ~s, weights = ~w, data = frame)
for (rule in c("remove", "adjust", "average")) for (adjust in c(FALSE, TRUE)) {
  if (rule == "remove" && adjust) next  # there is nothing to adjust
  options(survey.lonely.psu = rule, survey.adjust.domain.lonely = adjust)
  for (outcome in c("y", "z")) {
    fit <- suppressWarnings(svyglm(reformulate("x", outcome), subset(design, dom == 1), family = quasibinomial(),
                                   control = glm.control(epsilon = 1e-15, maxit = 100)))
    case <- paste(rule, adjust, outcome, sep = "|")
    record(case, "std_error", suppressWarnings(SE(fit)), names(coef(fit)))
  }
}
write_golden("domain_lonely.R", "survey")
