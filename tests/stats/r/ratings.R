# Agreement on grades, for tests/stats/test_agreement_coefficients.py:
#   python -m tests.stats.r.ratings_tables /tmp/ratings.csv
#   Rscript tests/stats/r/ratings.R /tmp/ratings.csv tests/stats/r/ratings.csv
# Made with R 4.2.2 and psych 2.2.9 (Debian 12: r-cran-psych). Cohen's kappa is psych::cohen.kappa; the others
# are the formulas of Gwet's handbook (2014), target by target; they agree with his own irrCAC to 1e-9.
suppressMessages(library(psych))
files <- commandArgs(TRUE)
rows <- read.csv(files[1])

weight <- function(q, kind) outer(1:q, 1:q, function(k, l) switch(kind,
  unweighted = (k == l) * 1, linear = 1 - abs(k - l) / max(q - 1, 1), quadratic = 1 - ((k - l) / max(q - 1, 1))^2))

gwet <- function(x, q, w) {
  x <- x[rowSums(!is.na(x)) > 0, , drop = FALSE]
  n <- nrow(x); r <- ncol(x)
  count <- t(apply(x, 1, function(g) tabulate(g[!is.na(g)], q)))
  m <- rowSums(count); two <- m >= 2; n2 <- sum(two)
  out <- list()
  if (n2 == 0) return(out)
  pa.i <- sapply(1:n, function(i) if (two[i]) {
    g <- x[i, !is.na(x[i, ])]; pairs <- w[cbind(rep(g, each = length(g)), rep(g, length(g)))]
    (sum(pairs) - length(g)) / (m[i] * (m[i] - 1))
  } else 0)
  pa <- sum(pa.i) / n2
  share <- count / m; pi <- colMeans(share)
  p <- t(sapply(1:r, function(g) tabulate(x[!is.na(x[, g]), g], q) / sum(!is.na(x[, g]))))
  pairs <- which(outer(1:r, 1:r, "!="), arr.ind = TRUE)
  chance <- list(
    percent_agreement = 0,
    conger = mean(apply(pairs, 1, function(h) as.numeric(p[h[1], ] %*% w %*% p[h[2], ]))),
    fleiss = as.numeric(pi %*% w %*% pi),
    gwet = sum(w) / (q * (q - 1)) * sum(pi * (1 - pi)))
  # The chance agreement as seen by target i, whose mean over the targets is the chance agreement.
  seen <- list(
    percent_agreement = rep(0, n),
    conger = sapply(1:n, function(i) mean(apply(pairs, 1, function(h) {
      g <- h[1]; ng <- sum(!is.na(x[, g])); own <- rep(0, q)
      if (!is.na(x[i, g])) own[x[i, g]] <- 1
      own <- p[g, ] + n / ng * (own - (!is.na(x[i, g])) * p[g, ])
      as.numeric(own %*% w %*% p[h[2], ])
    }))),
    fleiss = as.numeric(share %*% w %*% pi),
    gwet = sum(w) / (q * (q - 1)) * as.numeric(share %*% (1 - pi)))
  for (name in names(chance)) {
    if (name == "conger" && r < 3) next
    pe <- chance[[name]]
    if (!is.finite(pe) || pe > 1 - 1e-12) { out[[name]] <- c(NA, NA, NA, NA); next }
    k <- (pa - pe) / (1 - pe)
    each <- n / n2 * (pa.i - pe * two) / (1 - pe) - 2 * (1 - k) * (seen[[name]] - pe) / (1 - pe)
    se <- sqrt(sum((each - k)^2) / n / (n - 1))
    half <- qt(0.975, n - 1) * se
    out[[name]] <- if (n > 1) c(k, se, k - half, min(1, k + half)) else c(k, NA, NA, NA)
  }
  out
}

# psych for the coefficient, and for the standard error without weights. Its weighted variance has
# rowSums(w * rs) where Fleiss, Cohen and Everitt (1969, formula 12) have the column sums: not used.
cohen <- function(x, q, w, kind) {
  x <- x[complete.cases(x[, 1:2]), 1:2, drop = FALSE]
  n <- nrow(x)
  if (n == 0) return(c(NA, NA, NA, NA))
  counts <- as.matrix(table(factor(x[, 1], 1:q), factor(x[, 2], 1:q)))
  k <- suppressWarnings(cohen.kappa(counts, w = w, n.obs = n))
  value <- k$weighted.kappa
  if (!is.finite(value)) return(c(NA, NA, NA, NA))
  if (n < 2) return(c(value, NA, NA, NA))
  p <- counts / n
  po <- sum(w * p); pc <- sum(w * outer(rowSums(p), colSums(p)))
  s <- 0
  for (i in 1:q) for (j in 1:q)
    s <- s + p[i, j] * (w[i, j] * (1 - pc) - (sum(w[i, ] * colSums(p)) + sum(w[, j] * rowSums(p))) * (1 - po))^2
  var <- (s - (po * pc - 2 * pc + po)^2) / (n * (1 - pc)^4)
  if (kind == "unweighted") {
    stopifnot(abs(var - k$var.kappa) < 1e-12)
    return(c(value, sqrt(k$var.kappa), k$confid[1, 1], k$confid[1, 3]))
  }
  se <- sqrt(max(var, 0))
  c(value, se, max(-1, value - qnorm(0.975) * se), min(1, value + qnorm(0.975) * se))
}

found <- list()
for (number in unique(rows$table)) {
  of <- rows[rows$table == number, ]
  q <- of$levels[1]
  x <- matrix(NA, max(of$target) + 1, max(of$rater) + 1)
  x[cbind(of$target + 1, of$rater + 1)] <- of$grade + 1
  for (kind in c("unweighted", "linear", "quadratic")) {
    w <- weight(q, kind)
    all <- c(gwet(x, q, w), list(cohen = cohen(x, q, w, kind)))
    for (name in names(all)) found[[length(found) + 1]] <-
      data.frame(table = number, name = name, weights = kind, t(signif(all[[name]], 11)))
  }
}
found <- do.call(rbind, found)
names(found)[4:7] <- c("value", "se", "ci_low", "ci_high")
write.csv(found, files[2], row.names = FALSE, quote = FALSE, na = "")
