"""Proof 7: missing numbers filled in the rows that were fitted, by three mechanisms of holes.

Cells of a sample of a table are removed, all methods get the table with the holes, and their fills
are compared with the removed cells. The protocol is that of DiffPuter (Zhang et al., 2024,
arXiv 2405.20690) and HyperImpute (Jarrett et al., 2022, arXiv 2206.07769): three tenths of the
cells, missing by one of three mechanisms (``holes``).

Errors are those of all removed numbers of a table, each in standard deviations of its column:

- *absolute* is the mean absolute error. Medians are best for it, so chainrule fills with
  ``impute(how="best")``, and the simplest method with medians.
- *squared* is the root mean squared error. Means are best for it, so chainrule fills with
  ``impute(how="mean")``, and the simplest method with means.
- *accuracy* is the share of right labels among all removed labels.

The standard deviations are those of the sample without holes. Cells that are missing from the table
itself stay missing, and nobody knows what belongs in them.

Trees fill in means, as their users do. Differences to trees are paired by cell. Their standard
errors treat rows as independent, not cells, since the cells of a row share their evidence.
"""
