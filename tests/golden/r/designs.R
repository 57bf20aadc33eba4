# Designs of several stages with finite populations, units that are alone, domains: svydesign and svyrecvar.
here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))
source(file.path(here, "common.R"))
quietly(library(survey))

frame <- read_golden("stages.csv")
frame$joins_1 <- as.numeric(frame$joins == "yes")
whole <- frame[frame$part == "whole", ]

# Means, shares, a total and their standard errors; the degrees of freedom of the design.
keep <- function(case, design) {
  for (variable in c("score", "joins_1")) {
    found <- suppressWarnings(svymean(reformulate(variable), design))
    record(case, "estimate", coef(found), variable)
    record(case, "std_error", SE(found), variable)
  }
  total <- suppressWarnings(svytotal(~score, design))
  record(case, "total", coef(total), "score")
  record(case, "total_std_error", SE(total), "score")
  record(case, "df", degf(design))
}

# R's svychisq counts the PSUs that a subset holds for its denominator, and for the adjusted Wald statistic.
keep_table <- function(case, design) {
  for (statistic in c("F", "adjWald")) {
    found <- svychisq(~joins + grade, design, statistic = statistic)
    record(case, statistic, c(found$statistic, found$parameter, found$p.value),
           c("statistic", "df_num", "df_denom", "p_value"))
  }
  for (of in c("yes", "no")) {
    found <- svymean(~grade, subset(design, joins == of))
    record(case, "of_row", coef(found), paste(of, sub("grade", "", names(coef(found))), sep = "|"))
    record(case, "of_row_std_error", SE(found), paste(of, sub("grade", "", names(coef(found))), sep = "|"))
  }
}

STAGES <- list(
  "1" = list(ids = ~municipality, numbers = ~N1, fractions = ~f1),
  "2" = list(ids = ~municipality + household, numbers = ~N1 + N2, fractions = ~f1 + f2),
  "3" = list(ids = ~municipality + household + person, numbers = ~N1 + N2 + N3, fractions = ~f1 + f2 + f3)
)
STRATA <- ~region + locality

drawn <- function(stages, fpc, data, weights = ~weight) {
  stage <- STAGES[[stages]]
  strata <- if (stages == "1") ~region else STRATA
  svydesign(stage$ids, strata = strata, fpc = stage[[fpc]], weights = weights, nest = TRUE, data = data)
}

for (stages in names(STAGES)) {
  for (fpc in c("numbers", "fractions")) {
    design <- drawn(stages, fpc, whole)
    case <- paste("whole", stages, fpc, sep = "|")
    keep(case, design)
    if (stages != "2") keep_table(case, design)
    # A domain that leaves out persons, households and whole municipalities.
    inside <- whole$group == "a" & !(whole$region == "inland" & whole$municipality == 3)
    keep(paste(case, "domain", sep = "|"), design[inside, ])
    if (stages != "2") keep_table(paste(case, "domain", sep = "|"), design[inside, ])
  }
  keep(paste("whole", stages, "none", sep = "|"),
       svydesign(STAGES[[stages]]$ids, strata = ~region, weights = ~weight, nest = TRUE, data = whole))
  # Weights that follow from the finite populations.
  keep(paste("whole", stages, "implied", sep = "|"), drawn(stages, "numbers", whole, weights = NULL))
}

# No finite population of households: R takes it to be infinite.
endless <- within(whole, N2 <- Inf)
keep("whole|2|first", drawn("2", "numbers", endless))

# Regions and localities with a single unit, by each rule that drops or averages. Under "adjust" R 4.1-1
# centres a household at zero, which later versions no longer do: only its first stage is compared.
INSIDE <- list(all = rep(TRUE, nrow(frame)), mainland = frame$region != "islands" & frame$group == "a")
for (rule in c("remove", "certainty", "adjust", "average")) {
  options(survey.lonely.psu = rule)
  for (stages in if (rule == "adjust") "1" else names(STAGES))
    for (domain in names(INSIDE))
      keep(paste("lonely", stages, rule, domain, sep = "|"),
           drawn(stages, "numbers", frame)[INSIDE[[domain]], ])
}

# Regions of which a domain leaves a single municipality.
alone <- whole$region != "coast" | whole$municipality == 2
for (rule in c("adjust", "average")) {
  options(survey.lonely.psu = rule)
  for (adjusted in c(FALSE, TRUE)) {
    options(survey.adjust.domain.lonely = adjusted)
    keep(paste("domain", rule, adjusted, sep = "|"), suppressWarnings(drawn("1", "numbers", whole)[alone, ]))
  }
}
write_golden("designs.R", "survey")
