"""How far this package's numbers may be from R's, and why.

What is promised to users is 1e-8 for coefficients and 1e-6 for standard errors. The limits here are tighter
where R's side allows it, so that a loss of digits shows before a promise is broken.
"""

from __future__ import annotations

# Coefficients against ordinal::clm (gradient below 1e-10) and survey::svyglm (deviance to 1e-15), relative to
# the coefficient or to its standard error, whichever is larger: rounding only, some 1e-14 on these data.
COEFFICIENT = 1e-11

# Standard errors against the same: svyglm's information is that of its last iteration but one.
STD_ERROR = 1e-9

# clm's own cauchit link: it puts the outer ends of the scale at -1e5 and 1e5, beyond which a Cauchy variable
# has probability 6e-6. Polished by Newton steps with infinite ends (r/common.R) its coefficients are held to
# the limit above; its information is then a numerical derivative.
CLM_CAUCHIT = 1e-4
CAUCHIT_STD_ERROR = 1e-7

# svyolr: its Hessian is numerical (optim's differences of 1e-3), which moves standard errors by 1e-4 to 7e-4
# of themselves; the covariance under the design is certified against clm's information instead. Coefficients
# are as exact as optim's BFGS at reltol = 1e-15 leaves them.
SVYOLR_STD_ERROR = 2e-3
SVYOLR_COEFFICIENT = 1e-6

# Means are sums; only their order differs.
MEAN = 1e-12
MEAN_STD_ERROR = 1e-10

# svyciprop(method = "logit") fits a logistic model of one constant, to glm's deviance of 1e-8; rare
# categories get the fewest digits.
PROPORTION = 1e-7
PROPORTION_LIMIT = 1e-6

# Margins: R's side takes derivatives by differences (Richardson's rule, steps of a fiftieth of a standard
# deviation) and the delta method's Jacobian by numDeriv, whose steps suit no predictor exactly.
MARGIN = 1e-9
MARGIN_STD_ERROR = 2e-6

# Tests and p values pass on the errors of their standard errors; p values are compared relative to the larger
# of themselves and one in a million.
TEST = 1e-6
P_VALUE = 1e-5
P_FLOOR = 1e-6

# statsmodels: GLM iterates until its parameters stand still; OrderedModel is BFGS, and takes its standard
# errors from a numerical Hessian.
GLM = 1e-11
GLM_STD_ERROR = 1e-11
ORDERED_MODEL = 1e-5
ORDERED_MODEL_STD_ERROR = 1e-4

# svychisq and svyciprop(method = "beta"): sums, a small solve, and the beta quantile.
CHI_SQUARED = 1e-10
BETA_LIMIT = 1e-12

# Calibrated weights and what is estimated with them; R's raking by rounds is run until a round changes no
# cell by more than rounding.
WEIGHT = 1e-11
CALIBRATED_STD_ERROR = 1e-11

# R's rake() takes residuals from the margins with equal weights, in ten rounds; Deville and Särndal's, R's
# calibrate(calfun = "raking") and ours take them with the weights before raking. One percent here.
RAKE_STD_ERROR = 0.02

# Replicate estimates are sums; their squared distances lose digits where they hardly differ.
REPLICATE_STD_ERROR = 1e-11

# Models under replicate weights, fitted in R until the deviance (glm) or the gradient (clm) stands still:
# rounding of the replicates, whose distances from each other are a tenth to a standard error.
REPLICATE_FIT_STD_ERROR = 1e-11

# svyolr fits each replicate by optim to a relative change of 1e-8 of the deviance.
SVYOLR_REPLICATE = 1e-4
