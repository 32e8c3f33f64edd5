# R's answers for test_groups_in_r.py, from tables that groups_tables.py writes:
#   python -m tests.stats.r.groups_tables /tmp/groups_tables
#   Rscript tests/stats/r/groups.R /tmp/groups_tables tests/stats/r
# Made with R 4.2.2, car 3.1-1, effectsize 0.8.3, rstatix 0.7.2 and multcompView 0.1-8 (Debian 12).
suppressMessages({library(car); library(effectsize); library(rstatix); library(multcompView)})
folders <- commandArgs(trailingOnly = TRUE)
quiet <- function(x) suppressWarnings(suppressMessages(x))
cells <- function(name) {
  t <- read.csv(file.path(folders[1], paste0(name, ".csv")), colClasses = "character")
  v <- lapply(strsplit(t$values, " "), function(x) as.numeric(ifelse(x == "NA", NA, x)))
  split(v, as.integer(t$table))
}
of <- sapply(c("groups", "counts", "two", "pairs"), cells, simplify = FALSE)
save_as <- function(rows, name) {
  out <- do.call(rbind, rows)
  numeric <- sapply(out, is.numeric)
  out[numeric] <- lapply(out[numeric], signif, 10)
  write.csv(out, file.path(folders[2], name), row.names = FALSE, quote = FALSE, na = "")
}

# --- Steiger's interval of eta squared, each end solved to the last digit
eta_end <- function(f, df1, df2, p) {
  if (pf(f, df1, df2) <= p) return(0)
  nc <- uniroot(function(nc) pf(f, df1, df2, nc) - p, c(0, 10 * f * df1 + 100), tol = 1e-12)$root
  nc / (nc + df1 + df2 + 1)
}
# qtukey stops after four digits; ptukey has no answer below two degrees of freedom
critical <- function(k, df) if (df < 2) NA else uniroot(function(q) ptukey(q, k, df) - 0.95, c(0.1, 1000), tol = 1e-11)$root
ltrs <- function(p, k) {  # two groups and more always differ by their names' order
  names(p) <- combn(k, 2, function(i) paste(letters[i], collapse = "-"))
  found <- multcompLetters(p)
  paste(found$Letters[letters[seq_len(k)]], collapse = "|")
}

made <- lapply(names(of$groups), function(n) {
  x <- of$groups[[n]]; x <- lapply(x, function(v) v[!is.na(v)]); k <- length(x)
  v <- unlist(x); g <- factor(rep(letters[seq_len(k)], lengths(x))); N <- length(v)
  ss <- sapply(x, function(v) sum((v - mean(v))^2)); flat <- any(ss < 1e-20)
  one <- summary(aov(v ~ g))[[1]]; f <- one[1, "F value"]; df2 <- N - k
  kw <- kruskal.test(v, g)
  row <- data.frame(table = as.integer(n), f = f, p = one[1, "Pr(>F)"],
    eta = as.data.frame(effectsize::eta_squared(aov(v ~ g), partial = FALSE))$Eta2,
    eta_low = eta_end(f, k - 1, df2, 0.975), eta_high = eta_end(f, k - 1, df2, 0.025),
    h = unname(kw$statistic), kw_p = kw$p.value,
    epsilon = quiet(effectsize::rank_epsilon_squared(v, g, ci = NULL))$rank_epsilon_squared,
    levene = quiet(leveneTest(v, g, center = mean))[1, "Pr(>F)"],
    welch_f = NA, welch_df2 = NA, welch_p = NA, omega = NA)
  if (!flat) {
    w <- oneway.test(v ~ g)
    row$welch_f <- w$statistic; row$welch_df2 <- w$parameter[2]; row$welch_p <- w$p.value
    # Hays's estimate from a Welch F: effectsize's of F with the degrees of freedom of the sizes
    row$omega <- max(0, F_to_omega2(unname(w$statistic), k - 1, N - k)$Omega2_partial)
  }
  pairs <- combn(k, 2); mse <- sum(ss) / df2; q_t <- critical(k, df2)
  hsd <- TukeyHSD(aov(v ~ g))$g
  dunn <- dunn_test(data.frame(v, g), v ~ g, p.adjust.method = "holm", detailed = TRUE)
  stopifnot(dunn$group1 == letters[pairs[1, ]], dunn$group2 == letters[pairs[2, ]],
            rownames(hsd) == paste(letters[pairs[2, ]], letters[pairs[1, ]], sep = "-"))
  own <- lapply(seq_len(ncol(pairs)), function(m) {
    i <- pairs[1, m]; j <- pairs[2, m]; a <- x[[i]]; b <- x[[j]]
    d <- mean(a) - mean(b); se <- sqrt(mse / 2 * (1 / length(a) + 1 / length(b)))
    stopifnot(abs(hsd[m, "diff"] + d) < 1e-9 * max(1, abs(d)),
              abs(hsd[m, "p adj"] - ptukey(abs(d / se), k, df2, lower.tail = FALSE)) < 1e-9,
              abs(hsd[m, "upr"] - (-d + q_t * se)) < 1e-3 * se)
    out <- data.frame(table = as.integer(n), a = i - 1, b = j - 1,
      tukey_d = d, tukey_low = d - q_t * se, tukey_high = d + q_t * se, tukey_p = hsd[m, "p adj"],
      gh_df = NA, gh_low = NA, gh_high = NA, gh_q = NA, gh_p = NA,
      # rstatix subtracts the first group from the second
      dunn_d = -dunn$estimate[m], dunn_z = -dunn$statistic[m], dunn_p = dunn$p.adj[m])
    if (!flat) {
      va <- var(a) / length(a); vb <- var(b) / length(b)
      df <- (va + vb)^2 / (va^2 / (length(a) - 1) + vb^2 / (length(b) - 1))
      half <- critical(k, df) * sqrt((va + vb) / 2)
      out$gh_df <- df; out$gh_q <- d / sqrt((va + vb) / 2); out$gh_low <- d - half; out$gh_high <- d + half
      out$gh_p <- if (df < 2) NA else ptukey(abs(out$gh_q), k, df, lower.tail = FALSE)
    }
    out
  })
  own <- do.call(rbind, own)
  row$letters_tukey <- ltrs(own$tukey_p, k); row$letters_dunn <- ltrs(own$dunn_p, k); row$letters_gh <- NA
  if (!flat && all(own$gh_df >= 2)) {
    row$letters_gh <- ltrs(own$gh_p, k)
    gh <- quiet(games_howell_test(data.frame(v, g), v ~ g, detailed = TRUE))
    gh <- gh[match(paste(letters[own$a + 1], letters[own$b + 1]), paste(gh$group1, gh$group2)), ]
    stopifnot(all(abs(gh$statistic * sqrt(2) - abs(own$gh_q)) < 1e-9 * pmax(1, abs(own$gh_q))),
              all(abs(gh$df / own$gh_df - 1) < 1e-9), all(abs(gh$p.adj - own$gh_p) < 6e-4))  # p is rounded
  }
  list(row, own)
})
save_as(lapply(made, `[[`, 1), "groups.csv")
save_as(lapply(made, `[[`, 2), "groups_pairs.csv")

# --- Fisher, Freeman and Halton
save_as(lapply(seq_along(of$counts), function(n) {
  t <- do.call(rbind, of$counts[[n]])
  data.frame(table = n - 1, p = fisher.test(t, workspace = 2e8)$p.value)
}), "groups_counts.csv")

# --- standardised mean differences: Yang and Dalton 2012, categories with all levels and MASS's inverse
# (a rank-deficient covariance), which is the quadratic form of their k - 1 levels
save_as(lapply(seq_along(of$two), function(n) {
  a <- of$two[[n]][[1]]; b <- of$two[[n]][[2]]
  if ((n - 1) %% 2 == 0) d <- (mean(a) - mean(b)) / sqrt((var(a) + var(b)) / 2)
  else {
    levels <- sort(unique(c(a, b)))
    share <- function(v) sapply(levels, function(l) mean(v == l))
    p <- share(a); q <- share(b)
    S <- (diag(p) - p %o% p + diag(q) - q %o% q) / 2
    d <- if (length(levels) < 2) NA else sqrt(c((p - q) %*% MASS::ginv(S, tol = 1e-10) %*% (p - q)))
  }
  m <- length(a); k <- length(b); half <- qnorm(0.975) * sqrt((m + k) / (m * k) + d^2 / (2 * (m + k)))
  data.frame(table = n - 1, smd = d, low = d - half, high = d + half)
}), "groups_smd.csv")

# --- Spearman, with a covariate held constant, and Bonett and Wright's interval; one-predictor regressions
save_as(lapply(seq_along(of$pairs), function(n) {
  t <- as.data.frame(of$pairs[[n]], col.names = c("y", "x", "z")); t <- t[!is.na(t$y), ]
  bw <- function(r, n, k) tanh(atanh(r) + c(-1, 1) * qnorm(0.975) * sqrt((1 + r^2 / 2) / (n - k - 3)))
  r <- cor(t$x, t$y, method = "spearman"); one <- bw(r, nrow(t), 0)
  ranks <- as.data.frame(lapply(t, rank))
  rz <- cor(resid(lm(x ~ z, ranks)), resid(lm(y ~ z, ranks))); two <- bw(rz, nrow(t), 1)
  m <- lm(y ~ x, t); mz <- lm(y ~ x + z, t)
  f <- summary(m)$fstatistic
  data.frame(table = n - 1, r = r, low = one[1], high = one[2], rz = rz, lowz = two[1], highz = two[2],
    b = coef(m)[["x"]], b_low = confint(m)["x", 1], b_high = confint(m)["x", 2],
    p = coef(summary(m))["x", 4], r2 = summary(m)$r.squared,
    bz = coef(mz)[["x"]], bz_low = confint(mz)["x", 1], bz_high = confint(mz)["x", 2],
    pz = coef(summary(mz))["x", 4], r2z = summary(mz)$r.squared)
}), "groups_each.csv")
