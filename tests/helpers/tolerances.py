"""Every tolerance of the tests. Raising one is a commit of its own, with a reason."""

SUM_TO_ONE = 1e-10  # |Σ p − 1|, float64
SAME_NUMBERS = 1e-11  # two float64 forms of one formula, relative to the largest value
FLOAT32_FACTOR = 4.0  # an implementation's float32 error, in units of the plain loop's own float32 error
FLOAT32_FLOOR = 2e-7  # and this much relative error is granted where the plain loop happens to be exact
KERNEL_FLOOR = 1e-6  # the same for the kernels, whose sigmoid is within 5e-7 where the loop's may be exact
HAND_WORKED = 1e-12  # against numbers written out by hand with a dozen digits
ENTROPY_GAP_NATS = 0.01  # a tiny NADE against the entropy of an enumerated distribution
ORACLE_NATS = 1e-9  # log-likelihoods of a network against the full table of its own probabilities
BATCH_RELATIVE = 1e-7  # a row's score against the same row in another batch
DIGITS_MARGIN_NATS = 6.0  # NADE against independent columns on held-out digits (7.9 in a run of 30 epochs)
ESTIMATE_ERRORS = 4.5  # importance sampling: standard errors allowed between estimate and truth
SIGMOID_TAIL = 2e-38  # absolute error of the kernels' sigmoid beyond ±87
SAME_TRAINING_NATS = 0.02  # held-out nats of one training run on another backend
QUADRATURE = 1e-6  # |∫ p − 1| of densities, by quadrature
KOLMOGOROV = 2.75  # √n times the largest distance between the cdf and draws: exceeded once in two millions
AIS_NATS = 0.05  # annealed importance sampling at its defaults against enumeration, on 8 columns and 5 hidden units
