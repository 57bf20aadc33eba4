# Two-way tables and what goes with shares: svychisq, svyciprop(method = "beta"), design effects.
here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))
source(file.path(here, "common.R"))
quietly(library(survey))

keep_table <- function(case, rows, columns, design) {
  both <- reformulate(c(rows, columns))
  for (statistic in c("F", "adjWald")) {
    found <- svychisq(both, design, statistic = statistic)
    record(case, paste0(statistic, "_statistic"), found$statistic, "")
    record(case, paste0(statistic, "_df_num"), found$parameter[1], "")
    record(case, paste0(statistic, "_df_denom"), found$parameter[2], "")
    record(case, paste0(statistic, "_p_value"), found$p.value, "")
  }
  complete <- design[!is.na(design$variables[[rows]]) & !is.na(design$variables[[columns]]), ]
  v <- complete$variables
  keep_shares <- function(quantity, indicator, part, name) {
    part$variables$indicator <- as.numeric(indicator)
    found <- svymean(~indicator, part)
    record(case, quantity, coef(found), name)
    record(case, paste0(quantity, "_std_error"), SE(found), name)
  }
  for (r in levels(v[[rows]])) for (c in levels(v[[columns]])) {
    # in brackets: common.R renames what starts with the name of a factor
    name <- paste0("(", r, ", ", c, ")")
    in_row <- v[[rows]] == r
    in_column <- v[[columns]] == c
    keep_shares("cell", in_row & in_column, complete, name)
    keep_shares("of_row", in_column[in_row], complete[in_row, ], name)
    keep_shares("of_column", in_row[in_column], complete[in_column, ], name)
    record(case, "n", sum(in_row & in_column), name)
  }
}

# The whole sample only: in a subset svyciprop takes the degrees of freedom of what is left.
keep_intervals <- function(case, variable, design) {
  for (level in levels(design$variables[[variable]])) {
    design$variables$is_level <- as.numeric(design$variables[[variable]] == level)
    part <- design[!is.na(design$variables$is_level), ]
    limits <- confint(svyciprop(~is_level, part, method = "beta"))
    record(case, "conf_low", limits[1], level)
    record(case, "conf_high", limits[2], level)
    record(case, "design_effect", deff(svymean(~is_level, part, deff = "replace")), level)
  }
}

frame <- five_nation()
designs <- list(
  "weights,strata,psu" = svydesign(~municipality, strata = ~region, weights = ~weight, data = frame),
  "strata,psu" = svydesign(~municipality, strata = ~region, weights = ~1, data = frame),
  "weights" = svydesign(~1, weights = ~weight, data = frame)
)
for (label in names(designs)) {
  design <- designs[[label]]
  for (pair in list(c("urban", "collective_any"), c("education", "individual_band"),
                    c("country", "collective_sectors"), c("gender", "employment")))
    keep_table(paste("five_nation", pair[1], pair[2], label, sep = "|"), pair[1], pair[2], design)
  for (variable in c("individual_high", "collective_sectors", "gender", "employment", "country"))
    keep_intervals(paste("five_nation", variable, label, sep = "|"), variable, design)
  for (variable in c("age", "collective_index")) {
    found <- svymean(reformulate(variable), design, na.rm = TRUE, deff = "replace")
    record(paste("five_nation", variable, label, sep = "|"), "design_effect_of_mean", deff(found), "")
  }
}
write_golden("tables.R", "survey")
