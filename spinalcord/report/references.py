"""Descriptions of the statistical methods for a paper, with their references."""

from __future__ import annotations

from typing import NamedTuple


class CitedMethod(NamedTuple):
    """One method, how a paper says it, and what it cites.

    Parameters
    ----------
    found : str
        Begins or is within the method's or the test's name in a table.
    said : str
        In words.
    cites : tuple of str
        References.
    """

    found: str
    said: str
    cites: tuple[str, ...]


METHODS = (
    CitedMethod(
        "Wilson",
        "Proportions are given with Wilson's interval",
        (
            "Newcombe RG. Two-sided confidence intervals for the single proportion. Stat Med "
            "1998;17:857-872.",
        ),
    ),
    CitedMethod(
        "exact near the end",
        "the limit toward 0 % or 100 % is exact where three patients or fewer are away from it",
        (
            "Clopper CJ, Pearson ES. The use of confidence or fiducial limits illustrated in "
            "the case of the binomial. Biometrika 1934;26:404-413.",
        ),
    ),
    CitedMethod(
        "Clopper-Pearson",
        "proportions of 0 % and 100 % with the exact interval of Clopper and Pearson",
        (
            "Clopper CJ, Pearson ES. The use of confidence or fiducial limits illustrated in "
            "the case of the binomial. Biometrika 1934;26:404-413.",
        ),
    ),
    CitedMethod(
        "DeLong",
        "Areas under the ROC curve were estimated and compared by DeLong's method",
        (
            "DeLong ER, DeLong DM, Clarke-Pearson DL. Comparing the areas under two or more "
            "correlated receiver operating characteristic curves. Biometrics 1988;44:837-845.",
        ),
    ),
    CitedMethod(
        "Newcombe, method 5",
        "areas of 1 with Newcombe's interval",
        (
            "Newcombe RG. Confidence intervals for an effect size measure based on the Mann-"
            "Whitney statistic. Part 2. Stat Med 2006;25:559-573.",
        ),
    ),
    CitedMethod(
        "McClish",
        "Partial areas over specificities of 90 % to 100 % are on McClish's scale, with "
        "bootstrap intervals",
        ("McClish DK. Analyzing a portion of the ROC curve. Med Decis Making 1989;9:190-195.",),
    ),
    CitedMethod(
        "Zhou and Qin",
        "Sensitivities at a fixed specificity (and the reverse) have bootstrap intervals that"
        " account for the estimated threshold",
        (
            "Zhou XH, Qin G. Improved confidence intervals for the sensitivity at a fixed "
            "level of specificity of a continuous-scale diagnostic test. Stat Med "
            "2005;24:465-477.",
        ),
    ),
    CitedMethod(
        "exact, conditional",
        "Diagnostic odds ratios have exact conditional intervals",
        (
            "Glas AS, Lijmer JG, Prins MH, Bonsel GJ, Bossuyt PM. The diagnostic odds ratio: "
            "a single indicator of test performance. J Clin Epidemiol 2003;56:1129-1135.",
        ),
    ),
    CitedMethod(
        "McNemar",
        "Paired proportions were compared by McNemar's test",
        (
            "McNemar Q. Note on the sampling error of the difference between correlated "
            "proportions or percentages. Psychometrika 1947;12:153-157.",
        ),
    ),
    CitedMethod(
        "Tango",
        "paired differences have Tango's score interval",
        (
            "Tango T. Equivalence test and confidence interval for the difference in "
            "proportions for the paired-sample design. Stat Med 1998;17:891-908.",
        ),
    ),
    CitedMethod(
        "weighted generalised score",
        "Predictive values of the same patients were compared by the weighted generalised "
        "score test",
        (
            "Kosinski AS. A weighted generalized score statistic for comparison of predictive"
            " values of diagnostic tests. Stat Med 2013;32:964-977.",
        ),
    ),
    CitedMethod(
        "square-and-add",
        "Intervals of sums and differences are by square-and-add",
        (
            "Zou GY, Donner A. Construction of confidence limits about effect measures: a "
            "general approach. Stat Med 2008;27:1693-1702.",
        ),
    ),
    CitedMethod(
        "Obuchowski-Rockette, one model",
        "The model was compared with the readers as a random group by Obuchowski and "
        "Rockette's analysis with Hillis' degrees of freedom",
        (
            "Obuchowski NA, Rockette HE. Hypothesis testing of diagnostic accuracy for "
            "multiple readers and multiple tests. Commun Stat Simul Comput 1995;24:285-308.",
            "Hillis SL. A comparison of denominator degrees of freedom methods for multiple "
            "observer ROC analysis. Stat Med 2007;26:596-619.",
        ),
    ),
    CitedMethod(
        "Obuchowski-Rockette, Hillis",
        "Readings with and without contrast-enhanced T1w scans were compared by Obuchowski and "
        "Rockette's analysis with Hillis' degrees of freedom",
        (
            "Obuchowski NA, Rockette HE. Hypothesis testing of diagnostic accuracy for "
            "multiple readers and multiple tests. Commun Stat Simul Comput 1995;24:285-308.",
            "Hillis SL. A comparison of denominator degrees of freedom methods for multiple "
            "observer ROC analysis. Stat Med 2007;26:596-619.",
        ),
    ),
    CitedMethod(
        "non-inferiority",
        "Non-inferiority was tested against the margin stated, one-sided",
        (
            "Piaggio G, Elbourne DR, Pocock SJ, Evans SJ, Altman DG. Reporting of "
            "noninferiority and equivalence randomized trials. JAMA 2012;308:2594-2604.",
        ),
    ),
    CitedMethod(
        "equivalence",
        "Equivalence within the margin stated was tested by two one-sided tests",
        (
            "Schuirmann DJ. A comparison of the two one-sided tests procedure and the power "
            "approach for assessing the equivalence of average bioavailability. J Pharmacokinet "
            "Biopharm 1987;15:657-680.",
        ),
    ),
    CitedMethod(
        "Cochran's Q",
        "Readers were compared with each other by Cochran's Q",
        (
            "Cochran WG. The comparison of percentages in matched samples. Biometrika "
            "1950;37:256-266.",
        ),
    ),
    CitedMethod(
        "Fleiss, Cohen and Everitt",
        "Agreement is Cohen's kappa",
        (
            "Fleiss JL, Cohen J, Everitt BS. Large sample standard errors of kappa and "
            "weighted kappa. Psychol Bull 1969;72:323-327.",
        ),
    ),
    CitedMethod(
        "Gwet",
        "agreement of several readers, and where a category is rare, is Fleiss' kappa and "
        "Gwet's AC1",
        (
            "Gwet KL. Computing inter-rater reliability and its variance in the presence of "
            "high agreement. Br J Math Stat Psychol 2008;61:29-48.",
        ),
    ),
    CitedMethod(
        "Fisher-Freeman-Halton",
        "Categories were compared between diagnoses by Freeman and Halton's exact test",
        (
            "Freeman GH, Halton JH. Note on an exact treatment of contingency, goodness of "
            "fit and other problems of significance. Biometrika 1951;38:141-149.",
        ),
    ),
    CitedMethod(
        "Fisher",
        "Independent proportions were compared by Fisher's exact test",
        (
            "Fisher RA. On the interpretation of chi-squared from contingency tables, and the"
            " calculation of P. J R Stat Soc 1922;85:87-94.",
        ),
    ),
    CitedMethod(
        "Newcombe",
        "differences of independent proportions have Newcombe's interval",
        (
            "Newcombe RG. Interval estimation for the difference between independent "
            "proportions. Stat Med 1998;17:873-890.",
        ),
    ),
    CitedMethod(
        "Kruskal-Wallis",
        "Numbers were compared between diagnoses by the Kruskal-Wallis test",
        (
            "Kruskal WH, Wallis WA. Use of ranks in one-criterion variance analysis. J Am "
            "Stat Assoc 1952;47:583-621.",
        ),
    ),
    CitedMethod(
        "Welch",
        "means were compared by Welch's analysis of variance",
        (
            "Welch BL. On the comparison of several mean values: an alternative approach. "
            "Biometrika 1951;38:330-336.",
        ),
    ),
    CitedMethod(
        "Firth",
        "Right answers were regressed on all factors at once by Firth's penalised logistic "
        "regression",
        (
            "Heinze G, Schemper M. A solution to the problem of separation in logistic "
            "regression. Stat Med 2002;21:2409-2419.",
        ),
    ),
    CitedMethod(
        "ratio of odds ratios",
        "whether probabilities discriminate as well in all subgroups was tested by such a "
        "regression of the class on the ranks of the probability, all factors and their products",
        (
            "Pepe MS. The statistical evaluation of medical tests for classification and "
            "prediction. Oxford University Press, 2003.",
        ),
    ),
    CitedMethod(
        "Korn-Graubard",
        "Several scans of a patient were not used as independent (Korn and Graubard's interval)",
        (
            "Korn EL, Graubard BI. Confidence intervals for proportions with small expected "
            "number of positive counts estimated from survey data. Surv Methodol "
            "1998;24:193-201.",
        ),
    ),
    CitedMethod(
        "simulated outcomes",
        "Calibration is by slope, intercept, the ratio of observed to expected and the "
        "integrated calibration index of a loess curve",
        (
            "Van Calster B, McLernon DJ, van Smeden M, Wynants L, Steyerberg EW. Calibration:"
            " the Achilles heel of predictive analytics. BMC Med 2019;17:230.",
            "Austin PC, Steyerberg EW. The Integrated Calibration Index (ICI) and related "
            "metrics for quantifying the calibration of logistic regression models. Stat Med "
            "2019;38:4051-4065.",
        ),
    ),
    CitedMethod(
        "net benefit",
        "Usefulness is net benefit",
        (
            "Vickers AJ, Elkin EB. Decision curve analysis: a novel method for evaluating "
            "prediction models. Med Decis Making 2006;26:565-574.",
        ),
    ),
    CitedMethod(
        "McGraw and Wong",
        "Volumes were compared by the intraclass correlation for absolute agreement",
        (
            "McGraw KO, Wong SP. Forming inferences about some intraclass correlation "
            "coefficients. Psychol Methods 1996;1:30-46.",
        ),
    ),
    CitedMethod(
        "square-and-add, Zou",
        "and by Bland and Altman's limits of agreement",
        (
            "Bland JM, Altman DG. Statistical methods for assessing agreement between two "
            "methods of clinical measurement. Lancet 1986;327:307-310.",
        ),
    ),
    CitedMethod(
        "bootstrap",
        "Means over patients have bootstrap intervals (2000 replicates of patients, seed 0)",
        ("Efron B, Tibshirani RJ. An introduction to the bootstrap. Chapman and Hall, 1993.",),
    ),
)
"""In the order of a paragraph; only those that a report has used are named."""

HOLM = "Holm S. A simple sequentially rejective multiple test procedure. Scand J Stat 1979;6:65-70."
BH = (
    "Benjamini Y, Hochberg Y. Controlling the false discovery rate: a practical and powerful "
    "approach to multiple testing. J R Stat Soc B 1995;57:289-300."
)
