"""Tables as few bytes, by the conditionals of a fitted density: every cell comes back as written.

A range coder (constriction's) turns decisions into bits, −log₂ of the probability of each. Encoder
and decoder walk through the columns in the density's order and compute the same conditionals, each
given the cells before it. The probabilities of each decision sum to one. The length of the file is
compared with −log₂ of the masses of the cells, which come from the density's likelihoods instead.
If these sum to more than one, the file is longer; if they sum to less, it is shorter.

What is decided for each cell, in this order:

- whether the cell is missing, if the density has a flag for it: the flag's own conditional;
- whether the column can hold the cell as it is written: the column's ε of the density;
- which level: its probability. Labels that the density does not list share one code;
- which number or date: halves of what is left, by the mass of each half, down to one value. The
  product of these shares is the mass of the value. A number without a grid is a multiple of the
  unit of the last decimal, and its value is the interval around it.

An escaped cell is one that its column cannot hold, or whose label is not listed. Its text follows
in bytes, 8 bits each, with a zero byte at the end. Its mass is that of the escape times 256 to the
power of minus the bytes. A missing cell of a column without a flag is an escaped cell of no text.
Other cells do not depend on an escaped cell. With these escapes, the masses of all texts that a
table can hold sum to one.
"""
