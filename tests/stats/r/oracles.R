# Figures of R that the tests of spinalcord.stats are held against.
# Run:  Rscript tests/stats/r/oracles.R > tests/stats/r/oracles.json
# Inputs stand beside the figures, so that the tests need no R.
suppressPackageStartupMessages({
  library(jsonlite); library(pROC); library(epiR); library(psych); library(survey)
  library(geepack); library(brglm2); library(rms)
})
set.seed(20)
out <- list()

# ---- Paired tests: McNemar's exact test; weighted generalised score by hand from its definition
truth <- rep(c(1, 0), c(60, 70))
first <- rbinom(130, 1, ifelse(truth == 1, .85, .15))
second <- ifelse(runif(130) < .7, first, rbinom(130, 1, ifelse(truth == 1, .7, .3)))
sens <- table(factor(first[truth == 1], 0:1), factor(second[truth == 1], 0:1))
spec <- table(factor(first[truth == 0], 0:1), factor(second[truth == 0], 0:1))
exact <- function(t) binom.test(t[1, 2], t[1, 2] + t[2, 1])$p.value
wgs <- function(right, a, b) {  # Kosinski 2013, eqs. 9 and 10
  n1 <- sum(a); n2 <- sum(b); p <- (sum(right & a) + sum(right & b)) / (n1 + n2)
  cp <- sum((right[a & b] - p)^2) / (n1 + n2)
  (sum(right & a) / n1 - sum(right & b) / n2)^2 / ((p * (1 - p) - 2 * cp) * (1 / n1 + 1 / n2))
}
# Leisenring's Wald test of the same by generalised estimating equations (geepack).
long <- data.frame(id = rep(seq_along(truth), 2), d = rep(truth, 2), y = c(first, second),
                   test = rep(0:1, each = length(truth)))
long <- long[order(long$id), ]
gee <- summary(geeglm(d ~ test, binomial, subset(long, y == 1), id = id, corstr = "independence"))
out$paired <- list(
  truth = truth, first = first, second = second, mcnemar_sens = exact(sens),
  mcnemar_spec = exact(spec),
  ppv = sum(truth & first) / sum(first) - sum(truth & second) / sum(second),
  wgs_ppv = wgs(truth == 1, first == 1, second == 1),
  wgs_npv = wgs(truth == 0, first == 0, second == 0),
  gee_wald_ppv = gee$coefficients["test", "Wald"])

# ---- Diagnostic odds ratio: epiR and fisher.test
tab <- matrix(c(40, 5, 10, 45), 2, byrow = TRUE)  # rows: test +, -; columns: disease +, -
epi <- epi.tests(as.table(tab), conf.level = .95)$detail
dor <- epi[epi$statistic == "diag.or", ]
out$odds <- list(tp = 40, fp = 5, fn = 10, tn = 45, estimate = dor$est, log = c(dor$lower, dor$upper),
                 exact = as.numeric(fisher.test(tab)$conf.int),
                 empty = as.numeric(fisher.test(matrix(c(8, 0, 2, 9), 2, byrow = TRUE))$conf.int))

# ---- Several scans a patient: survey
patient <- rep(1:25, times = rep(1:5, 5)); n <- length(patient)
right <- rbinom(n, 1, plogis(rnorm(25)[patient] + 1))
des <- svydesign(~patient, data = data.frame(patient, right), weights = rep(1, n))
ci <- svyciprop(~right, des, method = "beta")
out$clustered <- list(right = right, patient = patient, estimate = as.numeric(coef(ci)),
                      interval = as.numeric(confint(ci)),
                      se = as.numeric(SE(svymean(~right, des))))

# ---- Partial areas and sensitivity at a specificity: pROC
score <- round(rnorm(130) + 1.2 * truth, 1)
r <- roc(truth, score, quiet = TRUE, direction = "<")
pa <- function(range, focus, correct) as.numeric(auc(r, partial.auc = range,
  partial.auc.focus = focus, partial.auc.correct = correct))
set.seed(1)
out$partial <- list(truth = truth, score = score,
  specificity = pa(c(1, .9), "specificity", FALSE),
  specificity_corrected = pa(c(1, .9), "specificity", TRUE),
  sensitivity = pa(c(1, .8), "sensitivity", FALSE),
  sensitivity_corrected = pa(c(1, .8), "sensitivity", TRUE),
  middle = pa(c(.9, .6), "specificity", FALSE),
  interval = as.numeric(ci.auc(roc(truth, score, quiet = TRUE, direction = "<",
    partial.auc = c(1, .9), partial.auc.correct = TRUE), method = "bootstrap", boot.n = 5000,
    progress = "none"))[c(1, 3)],
  sens_at = sapply(c(.9, .85, .77), function(x)
    coords(r, x, "specificity", "sensitivity", transpose = FALSE)$sensitivity),
  at = c(.9, .85, .77))

# ---- Calibration: loess, computed directly; Harrell's val.prob
p <- plogis(rnorm(120)); y <- rbinom(120, 1, plogis(.3 + .7 * qlogis(p)))
lo <- loess(y ~ p, control = loess.control(surface = "direct"))
at <- seq(min(p), max(p), length.out = 11)
val <- val.prob(p, y, pl = FALSE)
out$calibration <- list(p = p, y = y, at = at, loess = as.numeric(predict(lo, data.frame(p = at))),
  ici = mean(abs(pmin(pmax(fitted(lo), 0), 1) - p)), oe = sum(y) / sum(p), brier = val[["Brier"]],
  oe_interval = as.numeric(prop.test(sum(y), 120, correct = FALSE)$conf.int) / mean(p))

# ---- Net benefit by its definition, and its percentile bootstrap
nb <- function(i, t = .3) mean(y[i] & p[i] >= t) - t / (1 - t) * mean(!y[i] & p[i] >= t)
set.seed(2)
boot <- replicate(20000, nb(sample(120, replace = TRUE)))
out$benefit <- list(threshold = .3, estimate = nb(1:120), sd = sd(boot),
                    interval = as.numeric(quantile(boot, c(.025, .975))))

# ---- Many p-values
ps <- c(.001, .008, .039, .041, .042, .06, .074, .205, .212, .216, .222, .251, .269, .275, .34)
out$bh <- list(p = ps, adjusted = p.adjust(ps, "BH"))

# ---- Measurements: psych
x <- matrix(c(9,2,5,8, 6,1,3,2, 8,4,6,8, 7,1,2,6, 10,5,6,9, 6,2,4,7), 6, byrow = TRUE)
i <- ICC(x, lmer = FALSE)$results
out$icc <- list(values = x, type = i$type, estimate = i$ICC, low = i[["lower bound"]],
                high = i[["upper bound"]])

# ---- Bland-Altman: Student's t; the exact limits' interval is Zou's formula by hand
a <- rnorm(30, 10, 3); b <- a + rnorm(30, .4, 1); d <- a - b
m <- length(d); s <- sd(d); z <- qnorm(.975); h <- qt(.975, m - 1) * s / sqrt(m)
inner <- sqrt(h^2 + z^2 * (s - s * sqrt((m - 1) / qchisq(.975, m - 1)))^2)
outer <- sqrt(h^2 + z^2 * (s * sqrt((m - 1) / qchisq(.025, m - 1)) - s)^2)
out$bland_altman <- list(a = a, b = b, bias = as.numeric(t.test(d)$estimate),
  bias_interval = as.numeric(t.test(d)$conf.int), upper = mean(d) + z * s,
  upper_interval = c(mean(d) + z * s - inner, mean(d) + z * s + outer))

# ---- Table 1: ranks, exact tables, shifts
g <- list(a = c(1.2, 3.4, 2.2, 5.1, 4.4, 2.2), b = c(4.1, 6.3, 5.5, 7.2, 5.5), c = c(2, 3, 9, 8, 7.5, 6, 5.2))
x1 <- c(4.1, 6.3, 5.5, 7.2, 5.6)
k <- kruskal.test(g); w <- wilcox.test(x1, c(1.3, 3.3, 2.1, 5.2, 4.3, 2.4), conf.int = TRUE, exact = TRUE)
tables <- list(matrix(c(3, 0, 0, 4, 1, 1), 2), matrix(c(8, 2, 5, 1, 6, 3, 4, 4, 9, 0, 1, 7), 3),
               matrix(c(12, 9, 14, 20, 8, 11, 10, 19), 2))
out$groups <- list(groups = g, statistic = as.numeric(k$statistic), p = k$p.value,
  x = x1, y = c(1.3, 3.3, 2.1, 5.2, 4.3, 2.4), shift = as.numeric(w$estimate),
  shift_interval = as.numeric(w$conf.int),
  tables = lapply(tables, function(t) apply(t, 1, as.list)),
  fisher = sapply(tables, function(t) fisher.test(t, workspace = 2e7)$p.value))

# ---- Adjusted factors: brglm2's mean bias reduction is Firth's for the logistic model
site <- sample(c("A", "B", "C"), 150, TRUE, c(.5, .3, .2)); field <- sample(c("1.5T", "3T"), 150, TRUE)
age <- round(rnorm(150, 45, 15)); ok <- rbinom(150, 1, plogis(1 - .9 * (site == "C") + .02 * (age - 45)))
f <- glm(ok ~ site + field + age, binomial, method = "brglmFit", type = "AS_mean")
penalised <- function(fit) {  # log-likelihood with Jeffreys' penalty of the full model
  X <- model.matrix(f); mu <- fitted(fit)
  sum(dbinom(ok, 1, mu, log = TRUE)) + .5 * log(det(t(X) %*% (X * mu * (1 - mu))))
}
# Profile: maximise the penalised likelihood with the site's coefficients at 0.
X <- model.matrix(f)
pen <- function(b, fixed) { beta <- numeric(ncol(X)); beta[-fixed] <- b; mu <- plogis(X %*% beta)
  -(sum(dbinom(ok, 1, mu, log = TRUE)) + .5 * log(det(t(X) %*% (X * as.numeric(mu * (1 - mu)))))) }
o <- optim(rep(0, 3), pen, fixed = 2:3, method = "BFGS", control = list(reltol = 1e-14, maxit = 1000))
stat <- 2 * (penalised(f) + o$value)
out$adjusted <- list(ok = ok, site = site, field = field, age = age, coefficients = as.list(coef(f)),
  statistic_site = stat, p_site = pchisq(stat, 2, lower.tail = FALSE))

# ---- Sample sizes and power: pROC, base R
one <- power.roc.test(auc = .8, power = .9); asym <- power.roc.test(auc = .75, power = .8, kappa = 2.5)
wilson <- function(n, p) diff(prop.test(p * n, n, correct = FALSE)$conf.int) / 2
need <- 20; while (wilson(need, .9) > .05) need <- need + 1
mc <- function(p1, p2, n) { total <- 0
  for (m in 1:n) for (b in 0:m) if (binom.test(b, m)$p.value <= .05)
    total <- total + dbinom(m, n, p1 + p2) * dbinom(b, m, p1 / (p1 + p2))
  total }
# Kappa: power of the goodness-of-fit test from the noncentral chi-squared distribution.
cells <- function(k, p) c(p^2 + p * (1 - p) * k, 2 * p * (1 - p) * (1 - k), (1 - p)^2 + p * (1 - p) * k)
kp <- function(k1, k0, p, n) pchisq(qchisq(.95, 1), 1, n * sum((cells(k1, p) - cells(k0, p))^2 / cells(k0, p)), lower.tail = FALSE)
out$planning <- list(auc_positive = one$ncases, auc_positive_2.5 = asym$ncases, wilson = need,
  mcnemar = mc(.2, .05, 40), kappa = kp(.8, .5, .4, 60),
  kappa_se = as.numeric(sqrt(cohen.kappa(matrix(c(360, 40, 40, 560), 2))$var.kappa * 1000)))

# ---- Readers as a random group: Obuchowski and Rockette's formulas over pROC's covariances
t2 <- rep(c(1, 0), c(40, 45)); nr <- 4
case <- rnorm(85, 0, .6)
rd <- sapply(1:nr, function(j) round(case + rnorm(85, 0, .8) + t2 * (1.2 + .1 * j), 2))
md <- round(case + rnorm(85, 0, .7) + 1.9 * t2, 2)
rocs <- lapply(1:(nr + 1), function(j) roc(t2, cbind(md, rd)[, j], quiet = TRUE, direction = "<"))
C <- outer(1:(nr + 1), 1:(nr + 1), Vectorize(function(u, v) if (u == v) var(rocs[[u]], method = "delong") else cov(rocs[[u]], rocs[[v]], method = "delong")))
gap <- function(A, C) {  # one modality: differences model less reader
  psi <- A[1] - A[-1]; K <- length(psi); L <- cbind(1, -diag(K)); D <- L %*% C %*% t(L)
  cov2 <- mean(D[upper.tri(D)]); ms <- var(psi); err <- ms + max(K * cov2, 0)
  df <- (err / ms)^2 * (K - 1); t <- mean(psi) / sqrt(err / K)
  list(estimate = mean(psi), statistic = t, df = df, p = 2 * pt(-abs(t), df),
       interval = mean(psi) + c(-1, 1) * qt(.975, df) * sqrt(err / K))
}
bin <- cbind(md, rd) > .8
S <- bin[t2 == 1, ] * 1
out$readers <- list(truth = t2, model = md, readers = t(rd),
  auc = gap(sapply(rocs, function(r) as.numeric(auc(r))), C), cut = .8,
  sensitivity = gap(colMeans(S), cov(S) / nrow(S)))

# ---- Several readers with two modalities, sensitivity: the same covariances, Hillis' F
two <- array(rbinom(2 * 3 * 50, 1, .75), c(2, 3, 50)); two[2, , ] <- pmax(two[2, , ], array(rbinom(150, 1, .4), c(3, 50)))
A <- apply(two, c(1, 2), mean); flat <- t(rbind(two[1, , ], two[2, , ])); V <- cov(flat) / 50
same_r <- outer(rep(1:3, 2), rep(1:3, 2), "=="); same_t <- outer(rep(1:2, each = 3), rep(1:2, each = 3), "==")
c2 <- mean(V[!same_r & same_t]); c3 <- mean(V[!same_r & !same_t])
fit <- anova(lm(as.numeric(A) ~ factor(rep(1:2, 3)) + factor(rep(1:3, each = 2))))
den <- fit$`Mean Sq`[3] + max(3 * (c2 - c3), 0); Fs <- fit$`Mean Sq`[1] / den
ddf <- den^2 / (fit$`Mean Sq`[3]^2 / 2)
out$modalities <- list(answers = flat, statistic = Fs, df = ddf,
                       p = pf(Fs, 1, ddf, lower.tail = FALSE), difference = mean(A[1, ]) - mean(A[2, ]))

# ---- Margins: the normal test of a difference of areas against a margin (pROC's DeLong)
tst <- roc.test(rocs[[1]], rocs[[2]], paired = TRUE, method = "delong")
se <- sqrt(C[1, 1] + C[2, 2] - 2 * C[1, 2]); dif <- diff(rev(as.numeric(tst$estimate)))
out$margins <- list(difference = dif, se = se, margin = .05,
  noninferiority = pnorm(-(dif + .05) / se),
  equivalence = max(pnorm(-(dif + .05) / se), pnorm((dif - .05) / se)))

# ---- Adjusted interactions: do scores tell the classes apart as well everywhere? Products of the
# scores' normal scores with every factor, Firth's penalty, profile as for the factors above.
zi <- rep(c(1, 0), c(90, 110)); ni <- length(zi)
si <- sample(c("A", "B", "C"), ni, TRUE, c(.5, .3, .2)); fi <- sample(c("1.5T", "3T"), ni, TRUE)
sc <- round(rnorm(ni) + zi * (1.6 - 1.2 * (si == "B")), 2)
z <- qnorm(rank(sc) / (ni + 1))
fx <- glm(zi ~ z * site + z * field, binomial, method = "brglmFit", type = "AS_mean",
          data = data.frame(zi, z, site = si, field = fi))
XI <- model.matrix(fx)
pli <- function(beta) { mu <- as.numeric(plogis(XI %*% beta))
  sum(dbinom(zi, 1, mu, log = TRUE)) + .5 * log(det(t(XI) %*% (XI * mu * (1 - mu)))) }
dropped <- function(fixed) -optim(coef(fx)[-fixed], function(b) { beta <- numeric(ncol(XI))
  beta[-fixed] <- b; -pli(beta) }, method = "BFGS", control = list(reltol = 1e-15, maxit = 5000))$value
lr <- function(fixed) 2 * (pli(coef(fx)) - dropped(fixed))
by_site <- grep("z:site", names(coef(fx))); by_field <- grep("z:field", names(coef(fx)))
out$interactions <- list(truth = zi, scores = sc, site = si, field = fi, coefficients = as.list(coef(fx)),
  statistic_site = lr(by_site), p_site = pchisq(lr(by_site), 2, lower.tail = FALSE),
  statistic_field = lr(by_field), p_field = pchisq(lr(by_field), 1, lower.tail = FALSE))

# ---- Standardised differences: Austin's of numbers; Yang and Dalton's of categories (mahalanobis)
n1 <- out$groups$x; n2 <- out$groups$y
w1 <- c("a", "a", "b", "c", "a", "b", "a", "c", "c", "b"); w2 <- c("b", "b", "a", "c", "c", "c", "a", "b")
s1 <- prop.table(table(w1))[-1]; s2 <- prop.table(table(w2))[-1]
spread <- (diag(s1) - s1 %*% t(s1) + diag(s2) - s2 %*% t(s2)) / 2
out$standardised <- list(x = n1, y = n2, numbers = (mean(n1) - mean(n2)) / sqrt((var(n1) + var(n2)) / 2),
  words = list(w1, w2), categories = sqrt(mahalanobis(as.numeric(s1), as.numeric(s2), spread)))

packages <- c("pROC", "epiR", "psych", "survey", "geepack", "brglm2", "rms", "jsonlite")
out$made_with <- list(command = "Rscript tests/stats/r/oracles.R > tests/stats/r/oracles.json",
  R = R.version.string, packages = sapply(packages, function(x) as.character(packageVersion(x)), simplify = FALSE))
cat(toJSON(out, digits = NA, auto_unbox = TRUE, pretty = FALSE), "\n")
