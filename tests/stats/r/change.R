# What R says of the tables of change_tables.py; test_change_r.py holds stats.change against it.
#
#   python -m tests.stats.r.change_tables > /tmp/tables.csv
#   Rscript tests/stats/r/change.R /tmp/tables.csv tests/stats/r/change.csv
#
# Made with R 4.2.2; the mixed models with lme4 1.1-31 and lmerTest 3.1-3.

suppressMessages(library(lmerTest))

args <- commandArgs(trailingOnly = TRUE)
all <- read.csv(args[1], stringsAsFactors = FALSE)
out <- list()

put <- function(table, what, where, ...) {
  values <- c(...)
  length(values) <- 10
  text <- vapply(values, function(v) if (is.na(v)) "" else format(v, digits = 9), "")
  out[[length(out) + 1]] <<- paste(c(table, what, where, text), collapse = ",")
}

# The 95 % interval of a standardised mean: the noncentralities of the observed t, over the root of n.
srm <- function(d) {
  n <- length(d)
  t <- sqrt(n) * mean(d) / sd(d)
  at <- function(share) uniroot(function(x) pt(t, n - 1, ncp = x) - share, c(t - 60, t + 60), tol = 1e-12)$root
  limits <- c(at(0.975), at(0.025))
  if (max(abs(limits)) > 37) return(c(NA, NA, NA)) # beyond 37.62 pt() is not accurate: see ?pt
  c(mean(d) / sd(d), limits / sqrt(n))
}

flat <- function(x, size) length(x) < 2 || diff(range(x)) <= 1e-9 * max(abs(size), 1e-300)

for (number in unique(all$table)) {
  own <- all[all$table == number, ]
  sessions <- sort(unique(own$session))
  slopes <- list(A = c(), B = c())
  for (group in c("A", "B")) {
    rows <- own[own$group == group, ]
    wide <- sapply(sessions, function(s) {
      of <- rows[rows$session == s, ]
      of$value[match(unique(rows$participant_id), of$participant_id)]
    })
    wide <- matrix(wide, ncol = length(sessions))
    for (pair in combn(length(sessions), 2, simplify = FALSE)) {
      a <- wide[, pair[1]]; b <- wide[, pair[2]]
      keep <- !is.na(a) & !is.na(b)
      a <- a[keep]; b <- b[keep]
      where <- paste(group, sessions[pair[1]], sessions[pair[2]])
      n <- length(a)
      if (n < 2 || flat(b - a, c(a, b))) {
        put(number, "test", where, n, if (n > 1) mean(b - a) else NA)
        next
      }
      t <- t.test(b, a, paired = TRUE)
      w <- suppressWarnings(wilcox.test(round(b - a, 12), exact = FALSE, correct = FALSE))
      found <- if (abs(t$statistic) < 30) srm(b - a) else c(NA, NA, NA)
      put(number, "test", where, n, mean(b - a), sd(b - a), t$conf.int, t$p.value, w$p.value, found)
    }
    for (who in unique(rows$participant_id)) {
      of <- rows[rows$participant_id == who & !is.na(rows$value), ]
      slope <- if (nrow(of) > 1) unname(coef(lm(value ~ months, of))[2]) else NA
      if (number %% 4 == 0) put(number, "slope", who, slope)
      slopes[[group]] <- c(slopes[[group]], slope)
    }
    s <- slopes[[group]][!is.na(slopes[[group]])]
    if (length(s) > 1 && !flat(s, 1)) {
      t <- t.test(s)
      put(number, "slopes", group, length(s), mean(s), sd(s), t$conf.int)
    }
  }
  a <- slopes$A[!is.na(slopes$A)]; b <- slopes$B[!is.na(slopes$B)]
  if (length(a) > 1 && length(b) > 1 && !(flat(a, 1) && flat(b, 1))) {
    t <- t.test(a, b)
    # Ties that rounding has parted.
    digits <- 13 - ceiling(log10(max(abs(own$value), na.rm = TRUE)))
    u <- suppressWarnings(wilcox.test(round(a, digits), round(b, digits), exact = FALSE, correct = FALSE))
    student <- t.test(a, b, var.equal = TRUE)
    p <- c(t$p.value, student$p.value, u$p.value)
    put(number, "difference", "A-B", length(a), length(b), mean(a) - mean(b), t$conf.int, p)
  }
}

# Group × time of every eighth table and those after it: usual values, and groups of unequal size.
for (number in unique(all$table)[unique(all$table) %% 8 %in% c(0, 3)]) {
  own <- all[all$table == number, ]
  formulas <- c(intercept = value ~ group * months + (1 | participant_id))
  if (length(unique(own$session)) > 2) {
    formulas <- c(slope = value ~ group * months + (1 + months | participant_id), formulas)
  }
  for (kind in names(formulas)) {
    tight <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-10, maxfun = 1e5))
    model <- suppressMessages(suppressWarnings(lmer(formulas[[kind]], own, control = tight)))
    if (isSingular(model)) next
    row <- summary(model)$coefficients["groupB:months", ]
    put(number, "model", kind, -row["Estimate"], row["Std. Error"], row["df"], row["Pr(>|t|)"])
  }
}

header <- paste(c("table", "what", "where", paste0("x", 1:10)), collapse = ",")
writeLines(c(header, unlist(out)), args[2])
