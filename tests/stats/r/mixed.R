# R's answers to mixed_tables.py, for test_model_against_r.py. From the top of the repository:
#   python -m tests.stats.r.mixed_tables /tmp/mixed && Rscript tests/stats/r/mixed.R /tmp/mixed tests/stats/r/mixed.csv
# Made with R 4.2.2, lme4 1.1-31, lmerTest 3.1-3, pbkrtest 0.5.2, emmeans 1.8.4-1 and car 3.1-1 (Debian 12).
suppressMessages({library(lme4); library(lmerTest); library(emmeans); library(car)})
emm_options(lmerTest.limit = 1e5, pbkrtest.limit = 1e5)
arguments <- commandArgs(TRUE)
cases <- read.csv(file.path(arguments[1], "cases.csv"), colClasses = "character")
tables <- read.csv(file.path(arguments[1], "tables.csv"), stringsAsFactors = TRUE)
control <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-10, maxfun = 1e5))
answers <- list()
number <- NULL

# One row of the answers: estimate, then se and df (or F and df2) of Satterthwaite and of Kenward and Roger.
put <- function(part, key, ...) {
  values <- c(...)
  length(values) <- 6
  answers[[length(answers) + 1]] <<- data.frame(number, part, key, t(signif(values, 7)))
}

grids <- function(model, case, mode) {
  by <- if (case$by == "") NULL else case$by
  factors <- strsplit(case$means, ":")[[1]]
  means <- if (mode == "lm") emmeans(model, factors, by = by, cov.keep = character(0))
    else emmeans(model, factors, by = by, lmer.df = mode, cov.keep = character(0))
  key <- function(table) apply(as.data.frame(table)[c(by, factors)], 1, paste, collapse = ":")
  pairs <- as.data.frame(pairs(means, adjust = "holm"))
  means <- as.data.frame(means)
  at <- if (is.null(by)) "" else paste0(pairs[[by]], ":")
  list(means = data.frame(key = key(means), e = means$emmean, se = means$SE, df = means$df),
       pairs = data.frame(key = paste0(at, pairs$contrast), e = pairs$estimate, se = pairs$SE, df = pairs$df,
                          p = pairs$p.value))
}

for (i in seq_len(nrow(cases))) {
  case <- cases[i, ]
  number <- case$number
  data <- droplevels(tables[tables$number == number, ])
  if (case$kind == "covariance") {
    sum_coded <- list(group = contr.sum, sex = contr.sum)
    model <- lm(as.formula(paste("y ~", case$formula)), data)
    fixed <- coef(summary(model))
    for (row in rownames(fixed)) put("fixed", row, fixed[row, 1], fixed[row, 2], df.residual(model))
    tests <- tryCatch(Anova(lm(formula(model), data, contrasts = sum_coded), type = 3), error = function(e) NULL)
    for (row in setdiff(rownames(tests), c("(Intercept)", "Residuals")))
      put("test", row, tests[row, "Df"], tests[row, "F value"], df.residual(model))
    found <- grids(model, case, "lm")
    for (part in c("means", "pairs")) for (j in seq_len(nrow(found[[part]]))) {
      row <- found[[part]][j, ]
      put(part, row$key, row$e, row$se, row$df, NA, NA, if (part == "pairs") row$p)
    }
    put("variance", "residual", sigma(model)^2)
    next
  }
  participant <- if (case$slope == "") "(1 | participant_id)" else sprintf("(1 + %s | participant_id)", case$slope)
  site <- if (case$random == "") NULL else sprintf("(1 | %s)", case$random)
  text <- paste("y ~", paste(c(case$formula, participant, site), collapse = " + "))
  model <- suppressWarnings(suppressMessages(lmerTest::lmer(as.formula(text), data, control = control)))
  # From its own start lme4 may end at a boundary of slopes that is no minimum: the best of several counts.
  if (case$slope != "") for (start in list(c(1, 0, 0.1), c(0.5, 0.02, 0.2), c(1, -0.05, 0.05))) {
    if (case$random != "") start <- c(start, 0.5)
    other <- suppressWarnings(suppressMessages(
      lmerTest::lmer(as.formula(text), data, control = control, start = start)))
    if (REMLcrit(other) < REMLcrit(model) - 1e-6) model <- other
  }
  put("fit", "deviance", REMLcrit(model), isSingular(model))
  random <- as.data.frame(VarCorr(model))
  for (j in seq_len(nrow(random)))
    put("variance", paste(na.omit(unlist(random[j, 1:3])), collapse = " "), random$vcov[j])
  s <- coef(summary(model, ddf = "Satterthwaite"))
  k <- coef(summary(model, ddf = "Kenward-Roger"))
  for (row in rownames(s)) put("fixed", row, s[row, 1], s[row, 2], s[row, 3], k[row, 2], k[row, 3])
  s <- as.data.frame(anova(model, type = 3, ddf = "Satterthwaite"))
  k <- as.data.frame(anova(model, type = 3, ddf = "Kenward-Roger"))
  for (row in rownames(s))
    put("test", row, s[row, "NumDF"], s[row, "F value"], s[row, "DenDF"], k[row, "F value"], k[row, "DenDF"])
  s <- suppressMessages(grids(model, case, "satterthwaite"))
  k <- suppressMessages(grids(model, case, "kenward-roger"))
  for (part in c("means", "pairs")) for (j in seq_len(nrow(s[[part]]))) {
    a <- s[[part]][j, ]
    b <- k[[part]][j, ]
    put(part, a$key, a$e, a$se, a$df, b$se, b$df, if (part == "pairs") a$p)
  }
}
answers <- do.call(rbind, answers)
write.csv(answers[!(answers$part == "pairs" & is.na(answers$X1)), ], arguments[2], row.names = FALSE, na = "", quote = FALSE)
