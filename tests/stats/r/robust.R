# Cluster-robust regression, for tests/stats/test_robust.py:
#   python -m tests.stats.r.robust_tables /tmp/robust_tables.csv
#   Rscript tests/stats/r/robust.R /tmp/robust_tables.csv tests/stats/r
# Made with R 4.2.2 and clubSandwich 0.5.8 (Debian 12: r-cran-clubsandwich).
suppressMessages(library(clubSandwich))
args <- commandArgs(TRUE)
rows <- read.csv(args[1])
found <- list()
for (number in unique(rows$table)) {
  d <- rows[rows$table == number, ]
  forms <- list(y ~ x, y ~ x + z, y ~ x + z + w)
  for (k in 1:3) {
    fit <- lm(forms[[k]], d)
    if (length(unique(d$patient)) <= k || any(is.na(coef(fit)))) next
    V <- vcovCR(fit, cluster = d$patient, type = "CR2")
    t <- coef_test(fit, vcov = V, test = "Satterthwaite")
    w <- try(Wald_test(fit, constrain_zero(2:(k + 1)), vcov = V, test = "HTZ"), silent = TRUE)
    p <- if (inherits(w, "try-error")) NA else w$p_val
    found[[length(found) + 1]] <- data.frame(
      table = number, terms = k, term = rownames(t), b = signif(t$beta, 10), se = signif(t$SE, 10),
      df = signif(t$df_Satt, 9), p = signif(t$p_Satt, 10), model_p = signif(p, 10))
  }
}
write.csv(do.call(rbind, found), file.path(args[2], "robust.csv"), row.names = FALSE, quote = FALSE, na = "")

# Partial correlation of y and x given z: p from the regression on x, interval by the jackknife over patients.
partial <- function(d) cor(resid(lm(y ~ z, d)), resid(lm(x ~ z, d)))
ranked <- function(d) { for (name in c("x", "y", "z")) d[[name]] <- rank(d[[name]]); d }
found <- list()
for (number in unique(rows$table)) {
  d <- rows[rows$table == number, ]
  for (method in c("pearson", "spearman")) {
    as <- if (method == "spearman") ranked else identity
    fit <- lm(y ~ x + z, as(d))
    t <- coef_test(fit, vcov = "CR2", cluster = d$patient, test = "Satterthwaite")["x", ]
    who <- unique(d$patient); m <- length(who)
    r <- partial(as(d))
    z <- atanh(sapply(who, function(w) partial(as(d[d$patient != w, ]))))
    half <- qt(0.975, m - 1) * sqrt((m - 1) / m * sum((z - mean(z))^2))
    found[[length(found) + 1]] <- data.frame(table = number, method = method, r = signif(r, 10),
      df = signif(t$df_Satt, 9), p = signif(t$p_Satt, 10),
      ci_low = signif(tanh(atanh(r) - half), 10), ci_high = signif(tanh(atanh(r) + half), 10))
  }
}
write.csv(do.call(rbind, found), file.path(args[2], "robust_correlation.csv"), row.names = FALSE, quote = FALSE, na = "")
