# The numbers in test_compare.py that come from R, printed again: Rscript tests/stats/reference.R
# Made with R 4.2.2, effectsize 0.8.3 and coin 1.4-2 (Debian 12: r-cran-effectsize, r-cran-coin).
suppressMessages({library(coin); library(effectsize)})
options(digits = 12)

cat("# hedges_g(pooled_sd = FALSE), and its interval by the noncentral t, each end solved by uniroot\n")
welch <- function(x, y) {
  n1 <- length(x); n2 <- length(y); v1 <- var(x) / n1; v2 <- var(y) / n2
  df <- (v1 + v2)^2 / (v1^2 / (n1 - 1) + v2^2 / (n2 - 1))
  t <- (mean(x) - mean(y)) / sqrt(v1 + v2)
  J <- exp(lgamma(df / 2) - log(sqrt(df / 2)) - lgamma((df - 1) / 2))
  end <- function(p) uniroot(function(nc) pt(t, df, nc) - p, t + c(-30, 30), tol = 1e-13)$root
  scale <- J * sqrt(v1 + v2) / sqrt((var(x) + var(y)) / 2)
  print(as.data.frame(hedges_g(x, y, pooled_sd = FALSE)))
  print(c(end(0.975), end(0.025)) * scale)
}
welch(c(1, 2, 3, 4, 5, 6, 7, 8), c(10, 30, 35, 44, 51, 58, 66, 90))
welch(c(0.41, 0.43, 0.44, 0.46, 0.47, 0.49), c(0.2, 0.31, 0.38, 0.44, 0.5, 0.57, 0.66, 0.71, 0.85))
welch(qnorm((1:30 - 0.5) / 30), 0.2 * qnorm((1:50 - 0.5) / 50) - 1)

cat("# Newcombe 2006, method 5, from the textbook formula of the variance\n")
method5 <- function(theta, m, n) {
  h <- (m + n) / 2 - 1; z <- qnorm(0.975)
  V <- function(x) x * (1 - x) / (m * n) * (1 + h * (1 - x) / (2 - x) + h * x / (1 + x))
  low <- if (theta == 0) 0 else uniroot(function(x) theta - x - z * sqrt(V(x)), c(0, theta - 1e-9), tol = 1e-14)$root
  high <- if (theta == 1) 1 else uniroot(function(x) x - theta - z * sqrt(V(x)), c(theta + 1e-9, 1), tol = 1e-14)$root
  print(2 * c(low, high) - 1)
}
method5(38.5 / 42, 7, 6)  # the example of Pustejovsky's SingleCaseES for NAP
method5(5 / 6, 3, 2)
method5(0.5, 38, 32)
method5(0.75, 8, 60)
method5(1, 10, 10)
method5(0, 5, 12)

cat("# coin: exact Mann-Whitney, with ties\n")
u <- function(x, y) {
  d <- data.frame(v = c(x, y), g = factor(rep(c("a", "b"), c(length(x), length(y)))))
  print(as.numeric(pvalue(wilcox_test(v ~ g, d, distribution = "exact"))))
}
u(c(20, 20, 26, 25, 22, 23), c(28, 25, 24, 27, 30, 30, 29))
u(c(1, 1, 1, 2, 2, 9), c(1, 2, 3, 3))
u(c(5, 5, 5), c(1, 2, 2, 3, 3, 3, 4, 5, 6))
u(c(0, 0, 0, 0, 0, 3), c(0, 0, 0, 1, 2, 4, 4, 5))
u((1:19)^2 %% 23, (1:21)^2 %% 29 + 3)
cat("# coin: exact Wilcoxon, zeros dropped, with ties\n")
w <- function(d) {
  x <- as.numeric(pvalue(wilcoxsign_test(d ~ rep(0, length(d)), zero.method = "Wilcoxon", distribution = "exact")))
  print(x)
}
w(c(1, 2, -3, 4, 4, 5, 0))
w(c(1, 1, 1, 1, 1))
w(c(-1, -1, 2, 2, 3, 3, 3, 0, 0, 10))
w(c(7, 3, -3, 5, 1, -1, 9, 9, 2, 4, 11, -6, 8, 8, 2, 20, 13, -4, 1, 6))
