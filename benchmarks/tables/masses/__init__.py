"""Proof 1: the log mass of whole held-out rows, on one measure for all densities.

A likelihood depends on its base measure: an atom or a grid turns a density into a mass, and a
model that finds more of them would gain by that alone. Here every known cell of a row is a set
of values, and a row's figure is the probability of all its sets. The sets are:

- of a label: the label. All labels that no training row has are one set.
- of a number: the rounding cell v ± h of the recorded value v. 2 h is the unit of the last
  decimal of the column: the least number of decimals, at most ``MOST_DECIMALS``, with which all
  but one in a thousand known values of the whole table are written. A column that needs more has
  full precision; its 2 h is 10⁻⁶ of its standard deviation.

The sets follow from the table alone (``cells``), never from a model's schema. Their size is that
of the measurement, so no choice of atoms, steps or scales changes it.

**A product of conditionals** has the row mass Π_j P(x_j in its set | recorded values before j),
with the columns in the table's order and missing cells left out. Given the recorded values, each
factor sums to one over the sets of its column. So the product sums to one over all rows that can
be written, and −log₂ of it is a code length. It is no approximation of another figure. The
probability of the box Π_j (v_j ± h_j) under the joint density differs from it only in how much a
conditional changes while earlier values move within their cells.

**A mixture of products** (a Gaussian mixture, leaves of a forest) has Σ_k w_k Π_j P_k(x_j in its
set), which is the exact probability of the box.

Each factor is exact:

- where the column has masses, the sum of the masses of its points within the set; 0 if there is
  none, even if the model would round the value to its grid;
- where it has a density, the difference of the distribution function at the ends of the set, plus
  the atoms within. If the difference is so small that float64 holds few digits of it, a
  Gauss–Legendre rule of the density over the set replaces it (``quadrature.py``). Density times
  width is used nowhere: it exceeds one where the density has a spike inside the set.

**The floor.** Some densities have no mass at a set: outside a leaf, off a grid, for a new label.
Therefore every density p counts as (1 − ε) p + ε q, with q the independent columns of
``plain.py`` and ε = 1/(n + 1) for n training rows. It is the same for all, is a density again,
and costs at most −log(1 − ε). The number of rows without mass is stated beside the figure.

Training and validation rows make all choices. Test rows are scored once.
"""
