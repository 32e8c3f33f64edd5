# A category of three levels imputed 1,000 times, the regression pooled: by mice (polyreg, which takes the coefficients of
# the multinomial model as known), and with coefficients that are drawn from their normal approximation (nnet, MASS).
# Run: Rscript tests/stats/r/imputation_levels.R (in the project's folder, after imputation_levels_tables.py).
# Made with R 4.2.2, mice 3.15.0.
suppressMessages({library(mice); library(nnet); library(MASS)})
d <- read.csv("tests/stats/r/imputation_levels_table.csv", na.strings = "", stringsAsFactors = TRUE)
m <- mice(d, m = 1000, maxit = 1, method = c("", "", "polyreg"), printFlag = FALSE, seed = 1)
p <- pool(with(m, lm(y ~ region + x)))$pooled
fit <- multinom(region ~ y + x, d, Hess = TRUE, trace = FALSE, maxit = 500, reltol = 1e-12)
b <- as.vector(t(coef(fit))); v <- vcov(fit)
gone <- is.na(d$region); design <- model.matrix(~ y + x, d)[gone, ]
set.seed(2)
estimates <- t(replicate(1000, {
  drawn <- matrix(mvrnorm(1, b, v), nrow = 2, byrow = TRUE)
  share <- exp(cbind(0, design %*% t(drawn)))
  one <- d
  one$region[gone] <- levels(d$region)[apply(share, 1, function(s) sample(3, 1, prob = s))]
  coef(lm(y ~ region + x, one))
}))
out <- data.frame(term = p$term, estimate = p$estimate, within = p$ubar, between = p$b,
                  drawn_estimate = colMeans(estimates), drawn_between = apply(estimates, 2, var))
write.csv(format(out, digits = 8, trim = TRUE), "tests/stats/r/imputation_levels.csv", row.names = FALSE, quote = FALSE)
