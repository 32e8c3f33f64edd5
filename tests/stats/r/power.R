# The powers of tests/stats/r/power_designs.csv, written to power.csv beside it.
# Run: Rscript tests/stats/r/power.R (in the project's folder, after power_tables.py). Made with R 4.2.2, base only.
d <- read.csv("tests/stats/r/power_designs.csv")
one <- function(r) {
  a <- r$sd_a^2 / r$n_a; b <- r$sd_b^2 / r$n_b
  df <- (a + b)^2 / (a^2 / (r$n_a - 1) + b^2 / (r$n_b - 1))
  q <- qt(r$level / 2, df, lower.tail = FALSE); ncp <- r$difference / sqrt(a + b)
  welch <- pt(q, df, ncp, lower.tail = FALSE) + pt(-q, df, ncp)
  student <- power.t.test(n = r$n_a, delta = r$difference, sd = r$sd_a, sig.level = r$level, strict = TRUE)$power
  paired <- power.t.test(n = r$n_a, delta = r$difference, sd = r$sd_a, sig.level = r$level, type = "paired",
                         strict = TRUE)$power
  N <- r$n_a + r$n_b; f <- r$n_a / N
  noether <- pnorm(sqrt(12 * f * (1 - f) * N) * abs(r$area - 0.5) - qnorm(1 - r$level / 2))
  se <- function(A) {
    q1 <- A / (2 - A); q2 <- 2 * A^2 / (1 + A)
    sqrt((A * (1 - A) + (r$n_a - 1) * (q1 - A^2) + (r$n_b - 1) * (q2 - A^2)) / (r$n_a * r$n_b))
  }
  auc <- pnorm((abs(r$area - r$null) - qnorm(1 - r$level / 2) * se(r$null)) / se(r$area))
  k <- r$raters; theta <- function(x) 1 + k * x / (1 - x)
  df1 <- r$n_a - 1; df2 <- r$n_a * (k - 1)
  icc <- 1 - pf(theta(r$icc_null) / theta(r$icc) * qf(1 - r$level, df1, df2), df1, df2)
  targets <- 8 * qnorm(1 - r$level / 2)^2 * (1 - r$icc)^2 * (1 + (k - 1) * r$icc)^2 / (k * (k - 1) * r$width^2) + 1 +
    (if (k == 2 && r$icc >= 0.7) 5 * r$icc else 0)
  c(welch = welch, student = student, paired = paired, noether = noether, auc_se = se(r$area), auc = auc,
    icc = icc, icc_targets = targets)
}
out <- suppressWarnings(t(sapply(seq_len(nrow(d)), function(i) one(d[i, ]))))
write.csv(signif(out, 12), "tests/stats/r/power.csv", row.names = FALSE)
