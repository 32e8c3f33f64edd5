# Rubin's rules by mice: of imputation_scalars.csv by pool.scalar, of imputation_tables.csv by lm and pool.
# Run: Rscript tests/stats/r/imputation.R (in the project's folder, after imputation_tables.py).
# Made with R 4.2.2, mice 3.15.0.
suppressMessages(library(mice))
s <- read.csv("tests/stats/r/imputation_scalars.csv")
out <- do.call(rbind, lapply(split(s, s$table), function(t) {
  p <- pool.scalar(t$estimate, t$variance, n = t$n[1], k = t$k[1])
  data.frame(table = t$table[1], estimate = p$qbar, se = sqrt(p$t), df = p$df, fmi = p$fmi,
             p = 2 * pt(-abs(p$qbar / sqrt(p$t)), p$df))
}))
write.csv(format(out, digits = 12, trim = TRUE), "tests/stats/r/imputation_scalars_pooled.csv", row.names = FALSE,
          quote = FALSE)
d <- read.csv("tests/stats/r/imputation_tables.csv")
out <- do.call(rbind, lapply(split(d, d$table), function(t) {
  fits <- lapply(split(t, t$set), function(one) lm(y ~ x + z, one))
  found <- pool(as.mira(fits)); told <- summary(found)
  data.frame(table = t$table[1], term = as.character(told$term), estimate = told$estimate, se = told$std.error,
             df = told$df, p = told$p.value, fmi = found$pooled$fmi,
             r2 = pool.r.squared(as.mira(fits))[1, "est"])
}))
write.csv(format(out, digits = 12, trim = TRUE), "tests/stats/r/imputation_pooled.csv", row.names = FALSE, quote = FALSE)
# The pooled test of all slopes (D1 with Reiter's degrees of freedom).
out <- do.call(rbind, lapply(split(d, d$table), function(t) {
  sets <- split(t, t$set)
  fits <- as.mira(lapply(sets, function(one) lm(y ~ x + z, one)))
  null <- as.mira(lapply(sets, function(one) lm(y ~ 1, one)))
  told <- D1(fits, null, dfcom = nrow(sets[[1]]) - 3)$result
  data.frame(table = t$table[1], f = told[1], df1 = told[2], df2 = told[3], p = told[4])
}))
write.csv(format(out, digits = 12, trim = TRUE), "tests/stats/r/imputation_d1.csv", row.names = FALSE, quote = FALSE)
