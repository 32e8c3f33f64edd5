# R's answers for the tables of roc17_tables.py, into roc17.csv:
#   python -m tests.stats.r.roc17_tables > FILE.json && Rscript tests/stats/r/roc17.R FILE.json
# Made with R 4.2.2, brglm2 0.9 (Firth: type AS_mean), pROC 1.18.0 (partial areas, points of the curve), rms 6.5-0
# (validate: its numbers are checked here to be those of `validation` below), boot 1.3-28 (simplex), jsonlite 1.8.4.
suppressMessages({library(jsonlite); library(brglm2); library(pROC); library(rms)})
tables <- fromJSON(commandArgs(TRUE)[1], simplifyVector = FALSE)
matrix_of <- function(rows) do.call(rbind, lapply(rows, unlist))

# Maximum likelihood, and Firth where a linear program finds a plane that parts the arms.
parted <- function(X, y) {
  T <- X * ifelse(y == 1, 1, -1); k <- ncol(X)
  lp <- boot::simplex(a = rep(colSums(T), 2) * rep(c(1, -1), each = k), A1 = rbind(cbind(-T, T), diag(2 * k)),
                      b1 = c(rep(0, nrow(T)), rep(1, 2 * k)), maxi = TRUE)
  lp$value > 1e-7
}
fit <- function(X, y, w = rep(1, nrow(X))) {  # X has a column of ones
  rows <- rep(seq_along(y), w); X <- X[rows, , drop = FALSE]; y <- y[rows]
  if (length(unique(y)) < 2 || qr(X, tol = 1e-8)$rank < ncol(X)) return(NULL)
  if (!parted(X, y))
    return(unname(coef(suppressWarnings(glm(y ~ X - 1, family = binomial, control = glm.control(1e-15, 200))))))
  firth <- function(...) unname(coef(suppressWarnings(glm(y ~ X - 1, family = binomial, method = "brglmFit",
    type = "AS_mean", control = list(epsilon = 1e-12, maxit = 5000, slowit = 1), ...))))
  # The penalised likelihood has several peaks now and then: the highest that begins at brglm2's, or on the way of
  # glm to its endless estimates.
  b <- firth(); height <- logl(b, X, y, TRUE)
  for (n in c(2, 4, 7, 11)) {
    way <- unname(coef(suppressWarnings(glm(y ~ X - 1, family = binomial, control = glm.control(1e-15, n)))))
    found <- nlminb(way, function(b) -logl(b, X, y, TRUE), control = list(rel.tol = 1e-12))
    if (-found$objective > height + 1e-6) {
      other <- firth(start = found$par)
      if (logl(other, X, y, TRUE) > height + 1e-6) { b <- other; height <- logl(b, X, y, TRUE) }
    }
  }
  b
}
area <- function(s, y, w) {
  p <- rep(s[y == 1], w[y == 1]); q <- rep(s[y == 0], w[y == 0]); d <- outer(p, q, "-")
  d[abs(d) < 1e-9] <- 0
  mean((sign(d) + 1) / 2)
}
benefit <- function(p, y, w, t) {
  call <- round(p, 9) >= t
  (sum(w * call * y) - sum(w * call * (1 - y)) * t / (1 - t)) / sum(w)
}
thresholds <- c(0.1, 0.3, 0.5, 0.7, 0.9)

validation <- function(X, y, beta, counts) {
  ones <- rep(1, length(y)); lp <- drop(X %*% beta)
  out <- NULL
  for (b in seq_len(nrow(counts))) {
    w <- counts[b, ]; bb <- fit(X, y, w)
    if (is.null(bb)) next
    l <- drop(X %*% bb); p <- plogis(l)
    D <- cbind(1, l)
    again <- if (sd(l) < 1e-9 || parted(D, y)) c(NA, NA) else
      unname(coef(glm(y ~ l, family = binomial, control = glm.control(1e-15, 200))))
    out <- rbind(out, c(area(l, y, w) - area(l, y, ones), area(l, y, w),
      sum(w * (p - y)^2) / sum(w) - mean((p - y)^2), again,
      sapply(thresholds, function(t) benefit(p, y, w, t) - benefit(p, y, ones, t))))
  }
  p <- plogis(lp)
  apparent <- c(area(lp, y, ones), mean((p - y)^2), sapply(thresholds, function(t) benefit(p, y, ones, t)))
  if (is.null(out)) return(c(apparent, rep(NA, 11), 0))
  m <- colMeans(out); q <- quantile(out[, 2], c(0.025, 0.975), names = FALSE) - m[1]
  if (diff(q) == 0) q <- c(NA, NA) else q <- pmin(pmax(q, 0), 1)
  slopes <- colMeans(out[, 4:5, drop = FALSE], na.rm = TRUE)
  if (parted(cbind(1, lp), y)) slopes <- c(NA, NA)
  c(apparent, m[1], m[3], q, slopes, m[6:10], nrow(out))
}

left_out <- function(X, y) {
  if (min(table(factor(y, 0:1))) < 2) return(NA)
  s <- NULL
  for (i in which(y == 1)) for (j in which(y == 0)) {
    w <- rep(1, length(y)); w[c(i, j)] <- 0
    b <- fit(X, y, w)
    if (is.null(b)) next
    d <- sum(X[i, ] * b) - sum(X[j, ] * b)
    s <- c(s, if (abs(d) < 1e-9) 0.5 else as.numeric(d > 0))
  }
  if (is.null(s)) NA else mean(s)
}

# Profile likelihood by a general optimiser: penalised by half the log determinant where the arms are parted.
logl <- function(beta, X, y, penalised) {
  eta <- drop(X %*% beta); l <- sum(y * eta - ifelse(eta > 0, eta + log1p(exp(-eta)), log1p(exp(eta))))
  if (penalised) l <- l + determinant(crossprod(X * sqrt(dlogis(eta))), logarithm = TRUE)$modulus / 2
  as.numeric(l)
}
corners <- function(X, y, k, v, f) {
  d <- ncol(X) - 1
  rows <- combn(nrow(X), d)
  if (ncol(rows) > 400) rows <- rows[, round(seq(1, ncol(rows), length.out = 400)), drop = FALSE]
  found <- lapply(seq_len(ncol(rows)), function(i) {
    A <- X[rows[, i], -k, drop = FALSE]
    if (rcond(A) > 1e-8) unname(solve(A, -v * X[rows[, i], k]))
  })
  found <- Filter(Negate(is.null), found)
  found[order(sapply(found, f))[seq_len(min(8, length(found)))]]
}
profile_of <- function(X, y, beta, k, penalised) {
  top <- logl(beta, X, y, penalised); least <- top - qchisq(0.95, 1) / 2
  once <- function(b, f, tol) nlminb(b, f, control = list(rel.tol = tol, x.tol = 1e-12, eval.max = 5000, iter.max = 5000))
  at <- function(v) {
    f <- function(b) { full <- beta; full[k] <- v; full[-k] <- b; -logl(full, X, y, penalised) }
    starts <- list(beta[-k])
    # It has several peaks: the best of many starts with as many participants on the boundary as can be.
    if (penalised) starts <- c(starts, corners(X, y, k, v, f))
    best <- lapply(starts, once, f, 1e-8)
    best <- best[[which.min(sapply(best, `[[`, "objective"))]]
    -once(once(best$par, f, 1e-15)$par, f, 1e-15)$objective
  }
  end <- function(side) {
    step <- 0.5
    while (at(beta[k] + side * step) > least) step <- 2 * step
    uniroot(function(v) at(v) - least, sort(beta[k] + side * c(step / 2 * (step > 0.5), step)), tol = 1e-11)$root
  }
  c(end(-1), end(1), pchisq(max(2 * (top - at(0)), 0), 1, lower.tail = FALSE))
}

fixed <- function(pos, neg) {  # the sensitivity at a specificity of 0.8 and 1; the other way round at 0.9
  z <- qnorm(0.975)
  one <- function(share, held, judged) {
    n <- length(held); m <- length(judged); r <- ceiling(share * n - 1e-9); held <- sort(held)
    w <- diff(pbinom(r - 1, n, (0:n) / n, lower.tail = FALSE))
    a <- sapply(held, function(h) (sum(judged > h) + z^2 / 2) / (m + z^2))
    mid <- sum(w * a); half <- z * sqrt(sum(w * a * (1 - a)) / (m + z^2) + sum(w * (a - mid)^2))
    pmin(pmax(c(mid - half, mid + half), 0), 1)
  }
  r <- roc(c(rep(1, length(pos)), rep(0, length(neg))), c(pos, neg), levels = 0:1, direction = "<", quiet = TRUE)
  se <- function(s) max(r$sensitivities[r$specificities >= s - 1e-9])
  sp <- function(s) max(r$specificities[r$sensitivities >= s - 1e-9])
  c(se(0.8), one(0.8, neg, pos), se(1), one(1, neg, pos), sp(0.9), one(0.9, -pos, -neg))
}

partial <- function(t) {
  pos <- unlist(t$positives); neg <- unlist(t$negatives)
  one <- function(p, q, range, focus, correct) suppressWarnings(as.numeric(auc(
    roc(c(rep(1, length(p)), rep(0, length(q))), c(p, q), levels = 0:1, direction = "<", quiet = TRUE),
    partial.auc = range, partial.auc.focus = focus, partial.auc.correct = correct,
    allow.invalid.partial.auc.correct = TRUE)))
  cp <- matrix_of(t$counts_positive); cn <- matrix_of(t$counts_negative)
  unlist(lapply(list(list(c(1, 0.8), "specificity"), list(c(0.95, 0.6), "sensitivity")), function(of) {
    b <- sapply(seq_len(nrow(cp)), function(i) one(rep(pos, cp[i, ]), rep(neg, cn[i, ]), of[[1]], of[[2]], FALSE))
    q <- quantile(b, c(0.025, 0.975), names = FALSE)
    if (diff(q) < 1e-12) q <- c(NA, NA)
    c(one(pos, neg, of[[1]], of[[2]], FALSE), one(pos, neg, of[[1]], of[[2]], TRUE), q)
  }))
}

# The hand-made bootstrap above is Harrell's: the same resamples give rms::validate's numbers.
set.seed(7)
for (n in c(40, 80)) {
  d <- data.frame(a = rnorm(n), b = rnorm(n)); d$y <- as.numeric(runif(n) < plogis(d$a - d$b / 2))
  f <- lrm(y ~ a + b, d, x = TRUE, y = TRUE, tol = 1e-13, eps = 1e-12)
  set.seed(11); v <- validate(f, B = 10, tol = 1e-13, eps = 1e-12)
  set.seed(11); counts <- t(sapply(1:10, function(i) tabulate(sample(n, replace = TRUE), n)))
  X <- cbind(1, d$a, d$b); mine <- validation(X, d$y, fit(X, d$y), counts)
  print(c(v["Dxy", "optimism"] / 2 - mine[8], v["B", "optimism"] - mine[9],
          v["Intercept", "index.corrected"] - mine[12], v["Slope", "index.corrected"] - mine[13]), digits = 3)
}

names <- c("firth", outer(c("b", "low", "high", "p"), 1:3, paste0), "b0", "auc", "brier", paste0("nb", 1:5),
  "auc_optimism", "brier_optimism", "auc_low", "auc_high", "intercept", "slope", paste0("nb_optimism", 1:5), "used",
  "left_out", paste0("fixed", 1:9), paste0("partial", 1:8))
answers <- parallel::mclapply(seq_along(tables), mc.cores = 2, mc.preschedule = FALSE, FUN = function(i) {
  t <- tables[[i]]; X <- matrix_of(t$x); y <- unlist(t$y); k <- ncol(X)
  model <- rep(NA, 34)
  # Scaled for the optimisers: nothing but the units of the coefficients depends on it.
  m <- colMeans(X); s <- apply(X, 2, sd); Z <- cbind(1, sweep(sweep(X, 2, m), 2, s, "/"))
  beta <- if (all(apply(X, 2, function(c) diff(range(c))) > 0)) fit(Z, y)
  if (!is.null(beta)) {
    firth <- parted(Z, y)
    terms <- matrix(NA, 4, 3)
    for (j in seq_len(k)) terms[, j] <- c(beta[j + 1], profile_of(Z, y, beta, j + 1, firth)) / c(rep(s[j], 3), 1)
    intercept <- beta[1] - sum(beta[-1] * m / s)
    model <- c(as.numeric(firth), terms, intercept, validation(Z, y, beta, matrix_of(t$counts)), left_out(Z, y))
  }
  cat(i, t$kind, length(model), "\n", file = stderr())
  c(model, fixed(unlist(t$positives), unlist(t$negatives)), partial(t))
})
table <- as.data.frame(do.call(rbind, answers)); colnames(table) <- names
table[] <- lapply(table, function(c) ifelse(is.na(c), "", formatC(c, digits = 10, format = "g", width = 1)))
write.csv(table, "tests/stats/r/roc17.csv", row.names = FALSE, quote = FALSE)
