# Item analysis: alpha of psych and survey, its standard error by the jackknife, polychoric correlations of
# psych, lavaan and polycor, one and two factors by maximum likelihood.
here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))
source(file.path(here, "common.R"))
quietly(library(survey))
quietly(library(psych))
quietly(library(lavaan))
quietly(library(GPArotation))
quietly(library(polycor))

frame <- read_golden("items.csv")
items <- setdiff(names(frame), c("stratum", "psu", "weight"))
first <- items[1:5]
complete <- complete.cases(frame[first])

# --- unweighted: psych ---
found <- psych::alpha(frame[complete, first])
record("psych", "alpha", found$total$raw_alpha)
record("psych", "item_rest", found$item.stats$r.drop, first)
record("psych", "alpha_without", found$alpha.drop$raw_alpha, first)
one <- fa(cor(frame[complete, first]), nfactors = 1, fm = "ml", n.obs = sum(complete))
record("psych", "loading", abs(one$loadings[, 1]), first)

# --- weighted: survey ---
design <- svydesign(~psu, strata = ~stratum, weights = ~weight, data = frame, nest = TRUE)
record("survey", "alpha", svycralpha(as.formula(paste("~", paste(first, collapse = "+"))),
                                     subset(design, complete)))
jackknife <- as.svrepdesign(design, type = "JKn")
of_rows <- function(w, data) {
  x <- as.matrix(data[complete, first])
  v <- cov.wt(x, w[complete] / sum(w[complete]), method = "ML")$cov
  k <- ncol(v)
  k / (k - 1) * (1 - sum(diag(v)) / sum(v))
}
again <- withReplicates(jackknife, of_rows)
record("survey", "jackknife", c(alpha = as.numeric(again), std_error = sqrt(attr(again, "var"))))

# --- polychoric correlations, pair by pair, no correction of empty cells ---
pairs <- combn(items, 2)
names_of <- apply(pairs, 2, paste, collapse = " * ")
of_pair <- function(p) polychoric(frame[complete.cases(frame[p]), p], correct = 0, global = FALSE)$rho[1, 2]
record("psych", "polychoric", apply(pairs, 2, of_pair), names_of)
# psych's own weights move some correlations by 0.007, so that weighted tables go to polycor.
of_table <- function(p) polychor(xtabs(as.formula(paste("weight ~", paste(p, collapse = "+"))), frame))
record("polycor", "polychoric", apply(pairs, 2, of_table), names_of)
by_lavaan <- function(p) lavCor(frame[complete.cases(frame[p]), p], ordered = p, output = "cor")[1, 2]
record("lavaan", "polychoric", apply(pairs, 2, by_lavaan), names_of)

# --- factors of one matrix: ours, written down by the test's own data ---
loadings <- cbind(c(.8, .7, .75, .6, .5, .1, 0, .05, .1), c(.05, .1, 0, .1, .2, .8, .7, .65, .6))
matrix <- loadings %*% matrix(c(1, .4, .4, 1), 2) %*% t(loadings)
matrix <- matrix + 0.03 * outer(1:9, 1:9, function(i, j) cos(3 * i * j))
diag(matrix) <- 1
matrix <- round(matrix, 4)
dimnames(matrix) <- list(items, items)
record_matrix("factors", "matrix", matrix)
for (k in 1:2) {
  fit <- fa(matrix, nfactors = k, fm = "ml", rotate = if (k == 2) "quartimin" else "none", n.obs = 1000)
  l <- unclass(fit$loadings)
  l <- l %*% diag(sign(colSums(l)), k)
  order <- order(-abs(l[1, ]))
  for (j in seq_len(k)) record("factors", paste("loadings", k, j), l[, order[j]], items)
  record("factors", paste("rmsr", k), sqrt(mean(fit$residual[lower.tri(fit$residual)]^2)))
  if (k == 2) record("factors", "correlation", abs(fit$Phi[1, 2]))
}
write_golden("scales.R", c("survey", "psych", "lavaan", "GPArotation", "polycor"))
