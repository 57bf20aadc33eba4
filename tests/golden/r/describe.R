# Means and proportions: svymean, svyby and svyciprop under strata, PSUs and weights; finite populations;
# strata with a single PSU.
here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))
source(file.path(here, "common.R"))
quietly(library(survey))

# Domains are taken by row: inside subset() the name of a group would find the column of that name.
# A group is a domain of the design; its degrees of freedom count all PSUs of the strata it meets.
keep_mean <- function(case, variable, design, whole) {
  met <- whole$strata[, 1] %in% design$strata[, 1]
  df <- length(unique(whole$cluster[met, 1])) - length(unique(whole$strata[met, 1]))
  found <- svymean(reformulate(variable), design, na.rm = TRUE)
  limits <- confint(found, df = df)
  record(case, "estimate", coef(found), "")
  record(case, "std_error", SE(found), "")
  record(case, "df", df)
  record(case, "conf_low", limits[1])
  record(case, "conf_high", limits[2])
}

keep_proportions <- function(case, variable, design) {
  for (level in levels(design$variables[[variable]])) {
    design$variables$is_level <- as.numeric(design$variables[[variable]] == level)
    # rows with NA are left out, their PSUs are not
    part <- design[!is.na(design$variables$is_level), ]
    found <- svyciprop(~is_level, part, method = "logit", df = degf(design))
    limits <- confint(found)
    record(case, "estimate", coef(found), level)
    record(case, "std_error", sqrt(attr(found, "var")), level)
    record(case, "conf_low", limits[1], level)
    record(case, "conf_high", limits[2], level)
    record(case, "df", degf(design), level)
  }
}

frame <- five_nation()
full <- svydesign(~municipality, strata = ~region, weights = ~weight, data = frame)
for (variable in c("age", "individual_index", "collective_index", "efficacy")) {
  keep_mean(paste("five_nation", variable, "all", sep = "|"), variable, full, full)
  by_country <- svyby(reformulate(variable), ~country, full, svymean, na.rm = TRUE)
  for (country in levels(frame$country)) {
    case <- paste("five_nation", variable, country, sep = "|")
    part <- full[frame$country == country, ]
    keep_mean(case, variable, part, full)
    record(case, "svyby", c(by_country[country, variable], by_country[country, "se"]),
           c("estimate", "std_error"))
  }
  for (gender in c("woman", "other"))
    keep_mean(paste("five_nation", variable, gender, sep = "|"), variable,
              full[!is.na(frame$gender) & frame$gender == gender, ], full)
}
for (variable in c("individual_high", "collective_any", "individual_band", "gender")) {
  keep_proportions(paste("five_nation", variable, "all", sep = "|"), variable, full)
  for (country in levels(frame$country))
    keep_proportions(paste("five_nation", variable, country, sep = "|"), variable,
                     full[frame$country == country, ])
}

sites <- read_golden("sites.csv")
elements <- svydesign(~1, strata = ~stratum, weights = ~weight, fpc = ~population, data = sites)
clusters <- svydesign(~psu, strata = ~stratum, weights = ~weight, fpc = ~psu_population, data = sites)
keep_mean("sites|score|elements", "score", elements, elements)
keep_mean("sites|score|clusters", "score", clusters, clusters)

alone <- read_golden("lonely.csv")
for (rule in c("remove", "adjust", "average")) {
  options(survey.lonely.psu = rule)
  design <- svydesign(~psu, strata = ~stratum, weights = ~weight, data = alone)
  keep_mean(paste("lonely", "score", rule, sep = "|"), "score", design, design)
}
write_golden("describe.R", "survey")
