# R's answers for test_units_in_r.py, from tables that units_tables.py writes:
#   python tests/stats/r/units_tables.py /tmp/units_tables
#   Rscript tests/stats/r/units.R /tmp/units_tables tests/stats/r
# Made with R 4.2.2, effectsize 0.8.3 and lmerTest 3.1-3 (Debian 12).
suppressMessages({library(effectsize); library(lmerTest)})
folders <- commandArgs(trailingOnly = TRUE)
quiet <- function(x) suppressWarnings(suppressMessages(x))
nothing <- c(NA, NA, NA)
distinct <- function(x) !any(duplicated(x))
all_equal <- function(x) diff(range(x)) <= 1e-12 * max(abs(x), 1e-300)

# --- Hodges–Lehmann: R's own interval, exact or asymptotic; NA where the confidence cannot be reached
shift <- function(x, y, level) {
  d <- outer(x, y, "-"); n <- length(x); m <- length(y); tail <- (1 - level) / 2
  if (all_equal(d)) return(c(median(d), NA, NA))
  away <- 10 * diff(range(c(x, y)))  # no value of x is one of y: R looks for ties in both together
  exact <- n * m < 400 && distinct(x) && distinct(y)
  if (exact && qwilcox(tail, n, m) == 0 && pwilcox(0, n, m) > tail + 1e-12) return(c(median(d), NA, NA))
  if (!exact) {
    ties <- c(table(x), table(y)); N <- n + m
    sigma <- sqrt(n * m / 12 * (N + 1 - sum(ties^3 - ties) / (N * (N - 1))))
    if (n * m / 2 < qnorm(1 - tail) * sigma) return(c(median(d), NA, NA))
  }
  found <- quiet(wilcox.test(x + away * exact, y, conf.int = TRUE, conf.level = level, exact = exact,
                             correct = FALSE, tol.root = 1e-11 * away))
  c(median(d), found$conf.int - away * exact)
}

# --- the pseudo-median: R's own interval; where R gives up, the test inverted between the Walsh averages
pseudo <- function(d, level) {
  n <- length(d); tail <- (1 - level) / 2
  walsh <- outer(d, d, "+") / 2; walsh <- walsh[!lower.tri(walsh)]
  if (all_equal(d)) return(c(median(walsh), NA, NA))
  away <- 10 * max(abs(d))  # none is zero then, and no two of unlike sign are tied
  exact <- n <= 20 && distinct(d)
  if (exact && qsignrank(tail, n) == 0) return(c(median(walsh), NA, NA))
  found <- quiet(wilcox.test(d + away, conf.int = TRUE, conf.level = level, exact = exact, correct = FALSE,
                             tol.root = 1e-11 * away))
  if (exact || attr(found$conf.int, "conf.level") == level) return(c(median(walsh), found$conf.int - away))
  w <- sort(unique(signif(walsh, 13))); k <- length(w)
  z <- sapply(c(w[1] - 1, (w[-1] + w[-k]) / 2, w[k] + 1), function(mu) {
    r <- rank(abs(d - mu)); t <- table(r)
    (sum(r[d > mu]) - n * (n + 1) / 4) / sqrt(n * (n + 1) * (2 * n + 1) / 24 - sum(t^3 - t) / 48)
  })
  kept <- which(abs(z) <= qnorm(1 - tail))
  if (min(kept) == 1) return(c(median(walsh), NA, NA))
  c(median(walsh), w[min(kept) - 1], w[max(kept)])
}

t_of <- function(...) tryCatch({
  found <- t.test(...); c(found$estimate[1] - ifelse(length(found$estimate) == 2, found$estimate[2], 0),
                          found$conf.int)
}, error = function(e) nothing)

tost <- function(test, x, y, margin, ...) tryCatch(max(
  quiet(test(x, y, mu = -margin, alternative = "greater", ...))$p.value,
  quiet(test(x, y, mu = margin, alternative = "less", ...))$p.value), error = function(e) NA)

g_z <- function(d) {
  if (length(d) < 3 || all_equal(d)) return(nothing)
  n <- length(d); df <- n - 1; t <- mean(d) / sd(d) * sqrt(n)
  J <- exp(lgamma(df / 2) - log(sqrt(df / 2)) - lgamma((df - 1) / 2))
  # effectsize stops after four to seven digits: each end solved to the last one.
  end <- function(p) uniroot(function(nc) pt(t, df, nc) - p, t + c(-30, 30) * max(1, abs(t)), tol = 1e-13)$root
  if (abs(t) > 30) return(nothing)  # R's pt is not exact there
  c(as.data.frame(hedges_g(d))$Hedges_g, c(quiet(end(0.975)), quiet(end(0.025))) * J / sqrt(n))
}

biserial <- function(d) {
  # effectsize gives constant differences the rank of zero.
  if (all(d == 0)) return(nothing)
  left <- d[d != 0]; n <- length(left)
  if (length(unique(abs(left))) == 1) {
    r <- mean(sign(left)); z <- qnorm(0.975) * sqrt(n * (n + 1) * (2 * n + 1) / 6) / (n * (n + 1) / 2)
    return(if (abs(r) == 1) c(r, NA, NA) else c(r, tanh(atanh(r) - z), tanh(atanh(r) + z)))
  }
  found <- as.data.frame(quiet(rank_biserial(d, verbose = FALSE)))
  limits <- c(found$CI_low, found$CI_high)
  if (abs(found$r_rank_biserial) == 1) limits <- c(NA, NA)
  c(found$r_rank_biserial, limits)
}

tables <- read.csv(file.path(folders[1], "tables.csv"))
rows <- lapply(split(tables, tables$table), function(t) {
  a <- t$value[t$arm == "a"]; b <- t$value[t$arm == "b"]; margin <- t$margin[1]
  n <- min(length(a), length(b)); d <- (a[1:n] - b[1:n]); d <- d[!is.na(d)]
  a <- a[!is.na(a)]; b <- b[!is.na(b)]
  exact <- length(a) * length(b) < 400
  if (min(length(a), length(b), length(d)) < 2) return(NULL)
  c(table = t$table[1],
    student = t_of(a, b, var.equal = TRUE), welch = t_of(a, b), paired = t_of(d),
    shift = shift(a, b, 0.95), shift90 = shift(a, b, 0.90)[2:3],
    pseudo = pseudo(d, 0.95), pseudo90 = pseudo(d, 0.90)[2:3],
    g_z = g_z(d), biserial = biserial(d),
    tost = c(tost(t.test, a, b, margin, var.equal = TRUE), tost(t.test, a, b, margin),
             tost(wilcox.test, a, b, margin, exact = exact, correct = FALSE, digits.rank = 12),
             tost(function(x, y, ...) t.test(x, ...), d, NULL, margin),
             tost(function(x, y, mu, ...) wilcox.test(x, mu = mu, exact = sum(x != mu) <= 20,
                                                      correct = FALSE, ...), d, NULL, margin)))
})
rows <- rows[!sapply(rows, is.null)]
names_of <- c("table", outer(c("estimate", "low", "high"), c("student", "welch", "paired", "shift"),
                             function(e, t) paste(t, e, sep = "_")),
              "shift_low90", "shift_high90", "pseudo_estimate", "pseudo_low", "pseudo_high",
              "pseudo_low90", "pseudo_high90", "g_z_estimate", "g_z_low", "g_z_high",
              "biserial_estimate", "biserial_low", "biserial_high", "tost_student", "tost_welch",
              "tost_mann_whitney", "tost_paired_t", "tost_wilcoxon")
written <- function(x) signif(as.data.frame(do.call(rbind, x)), 12)
out <- written(rows); names(out) <- names_of
write.csv(out, file.path(folders[2], "units.csv"), row.names = FALSE, quote = FALSE, na = "")

# --- interaction: t-test of the differences, the mixed model's term, the rank test
cohorts <- read.csv(file.path(folders[1], "cohorts.csv"))
one <- split(cohorts, cohorts$cohort)[1:30]
rows <- lapply(one, function(t) {
  d <- t$s - t$c; A <- d[t$group == "A"]; B <- d[t$group == "B"]
  long <- data.frame(y = c(t$s, t$c), side = rep(c("s", "c"), each = nrow(t)), group = rep(t$group, 2),
                     who = factor(rep(paste(t$group, t$person), 2)))
  term <- anova(quiet(lmer(y ~ side * group + (1 | who), long)))["side:group", ]
  singular <- quiet(isSingular(lmer(y ~ side * group + (1 | who), long)))
  found <- t.test(A, B, var.equal = TRUE)
  c(t$cohort[1], found$statistic^2, found$p.value, if (singular) c(NA, NA) else c(term[["F value"]], term[["Pr(>F)"]]),
    t.test(A, B)$p.value, quiet(wilcox.test(A, B, exact = FALSE, correct = FALSE))$p.value)
})
out <- written(rows)
names(out) <- c("cohort", "t2", "p_student", "f_mixed", "p_mixed", "p_welch", "p_mann_whitney")
write.csv(out, file.path(folders[2], "units_interaction.csv"), row.names = FALSE, quote = FALSE, na = "")

# --- step-down max-T over every arrangement, each counted by itself (Westfall and Young 1993, algorithm 4.1)
step_down <- function(all, own) {  # all: arrangements × rows, own: the observed |t|
  order <- order(-own); m <- length(own)
  p <- sapply(seq_len(m), function(i) mean(apply(all[, order[i:m], drop = FALSE], 1, max) >= own[order[i]] - 1e-9))
  p <- cummax(p); p[order(order)]
}
welch <- function(x, y) {
  x <- x[!is.na(x)]; y <- y[!is.na(y)]
  v <- var(x) / length(x) + var(y) / length(y); d <- abs(mean(x) - mean(y))
  if (v < 1e-12) return(if (d < 1e-9) 0 else Inf)
  d / sqrt(v)
}
paired <- function(x) { x <- x[!is.na(x)]; v <- var(x) / length(x); if (v < 1e-12) (if (abs(mean(x)) < 1e-9) 0 else Inf) else abs(mean(x)) / sqrt(v) }
rows <- lapply(split(cohorts, cohorts$cohort)[31:60], function(t) {
  wide <- function(name, group) { u <- t[t$group == group, ]; matrix(u[[name]], ncol = max(u$row) + 1, byrow = TRUE) }
  ranked <- t$ranked[match(0:max(t$row), t$row)] == 1
  A <- wide("s", "A"); B <- wide("s", "B"); X <- rbind(A, B)
  for (j in which(ranked)) X[, j] <- rank(X[, j], na.last = "keep")
  statistic <- function(chosen) sapply(seq_len(ncol(X)), function(j) welch(X[chosen, j], X[-chosen, j]))
  deals <- combn(nrow(X), nrow(A))
  groups <- step_down(t(apply(deals, 2, statistic)), statistic(seq_len(nrow(A))))
  D <- A - wide("c", "A")
  for (j in which(ranked)) {
    u <- D[, j]; u[u == 0 & !is.na(u)] <- NA; D[, j] <- sign(u) * rank(abs(u), na.last = "keep")
  }
  flips <- as.matrix(expand.grid(rep(list(c(1, -1)), nrow(D))))
  # Rows with fewer than two differences have no test.
  usable <- which(colSums(!is.na(D)) >= 2)
  one <- function(s) sapply(usable, function(j) paired(D[, j] * s))
  sides <- rep(NA, ncol(D))
  sides[usable] <- step_down(t(apply(flips, 1, one)), one(rep(1, nrow(D))))
  data.frame(cohort = t$cohort[1], row = seq_len(ncol(X)) - 1, groups = groups, sides = sides)
})
write.csv(signif(do.call(rbind, rows), 12), file.path(folders[2], "units_max_t.csv"), row.names = FALSE,
          quote = FALSE, na = "")
