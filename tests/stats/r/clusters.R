# Bootstrap over participants and Bland-Altman for repeated measures, for tests/stats/test_clusters.py:
#   python -m tests.stats.r.clusters_tables /tmp
#   Rscript tests/stats/r/clusters.R /tmp tests/stats/r
# Made with R 4.2.2. Each sample of participants is written out as a table; mean squares from anova(lm()).
args <- commandArgs(TRUE)
values <- read.csv(file.path(args[1], "values.csv"))
drawn <- read.csv(file.path(args[1], "drawn.csv"))
options(warn = -1)

icc <- function(x) {
  n <- nrow(x); k <- ncol(x)
  d <- data.frame(y = c(x), t = factor(rep(1:n, k)), r = factor(rep(1:k, each = n)))
  m <- suppressWarnings(anova(lm(y ~ t + r, d)))[["Sum Sq"]]
  floor <- 1e-18 * sum(x^2)
  m[m < floor] <- 0
  T <- m[1] / (n - 1); R <- m[2] / (k - 1); E <- m[3] / ((n - 1) * (k - 1)); W <- (m[2] + m[3]) / (n * (k - 1))
  found <- c((T - W) / (T + (k - 1) * W),
             (T - E) / (T + (k - 1) * E + k * (R - E) / n),
             (T - E) / (T + (k - 1) * E),
             (T - W) / T,
             (T - E) / (T + (R - E) / n),
             (T - E) / T)
  if (T == 0) found <- rep(NA, 6)
  if (n * T + R - E <= 1e-12 * (n * T + R)) found[5] <- NA
  mean <- rowMeans(x)
  has <- abs(mean) > 1e-12 * max(abs(x))
  c(found, 100 * sqrt(mean((apply(x, 1, var) / mean^2)[has])))
}

limits <- function(d, who) {
  who <- factor(who); n <- length(d); m <- nlevels(who); each <- as.numeric(table(who))
  ms <- suppressWarnings(anova(aov(d ~ who)))[["Mean Sq"]]
  m0 <- (sum(each)^2 - sum(each^2)) / ((m - 1) * sum(each))
  between <- max((ms[1] - ms[2]) / m0, 0); within <- ms[2]
  v <- between + within; sd <- sqrt(v)
  a <- if (between > 0) c(ms[1] / m0, (1 - 1 / m0) * within) else c(0, within)
  df <- c(m - 1, n - m)
  l <- v - sqrt(sum((a * (1 - df / qchisq(0.975, df)))^2))
  u <- v + sqrt(sum((a * (1 - df / qchisq(0.025, df)))^2))
  half <- qt(0.975, m - 1) * sqrt(within / n + between * sum(each^2) / n^2)
  inner <- sqrt(half^2 + 1.96^2 * (sd - sqrt(max(l, 0)))^2)
  outer <- sqrt(half^2 + 1.96^2 * (sqrt(u) - sd)^2)
  b <- mean(d); low <- b - 1.96 * sd; high <- b + 1.96 * sd
  c(within, between, sd, b - half, b + half, low, low - outer, low + inner, high, high - inner, high + outer)
}

bounds <- repeated <- list()
for (number in unique(values$table)) {
  of <- values[values$table == number, ]
  x <- matrix(of$value, ncol = max(of$rater) + 1, byrow = TRUE)
  who <- of$who[of$rater == 0]
  m <- max(who) + 1
  samples <- with(drawn[drawn$table == number, ], split(who, sample))
  found <- t(sapply(samples, function(s) icc(x[unlist(lapply(s, function(p) which(who == p))), , drop = FALSE])))
  tail <- pnorm(-qt(0.975, m - 1) * sqrt(m / (m - 1)))
  for (column in 1:7) {
    known <- is.finite(found[, column])
    q <- if (mean(known) >= 0.95) quantile(found[known, column], c(tail, 1 - tail), names = FALSE) else c(NA, NA)
    bounds[[length(bounds) + 1]] <- data.frame(table = number, column = column - 1, low = q[1], high = q[2])
  }
  repeated[[length(repeated) + 1]] <- data.frame(table = number, t(signif(limits(x[, 2] - x[, 1], who), 11)))
}
bounds <- do.call(rbind, bounds)
bounds[3:4] <- signif(bounds[3:4], 10)
write.csv(bounds, file.path(args[2], "clusters_icc.csv"), row.names = FALSE, quote = FALSE, na = "")
repeated <- do.call(rbind, repeated)
names(repeated)[-1] <- c("variance_within", "variance_between", "sd", "bias_ci_low", "bias_ci_high", "loa_low",
  "loa_low_ci_low", "loa_low_ci_high", "loa_high", "loa_high_ci_low", "loa_high_ci_high")
write.csv(repeated, file.path(args[2], "clusters_limits.csv"), row.names = FALSE, quote = FALSE, na = "")
