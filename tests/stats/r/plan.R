# The group effect and the variance components of each table of plan_tables.csv, written to plan.csv beside it.
# Run: Rscript tests/stats/r/plan.R (in the project's folder, after plan_tables.py).
# Made with R 4.2.2, lme4 1.1-31, lmerTest 3.1-3 (Satterthwaite).
suppressMessages(library(lmerTest))
d <- read.csv("tests/stats/r/plan_tables.csv")
out <- do.call(rbind, lapply(split(d, d$table), function(t) {
  m <- suppressMessages(lmer(fi ~ group * segment + (1 | participant_id), t, contrasts = list(segment = "contr.sum")))
  v <- as.data.frame(VarCorr(m))$sdcor
  a <- anova(m)["group", ]
  data.frame(table = t$table[1], sd_participant = v[1], sd_residual = v[2], df = a$DenDF, p = a$`Pr(>F)`)
}))
write.csv(format(out, digits = 12), "tests/stats/r/plan.csv", row.names = FALSE, quote = FALSE)
