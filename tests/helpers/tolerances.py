"""Every tolerance of the tests. Raising one is a commit of its own, with a reason."""

SUM_TO_ONE = 1e-10  # |Σ p − 1|, float64
SAME_NUMBERS = 1e-11  # two float64 forms of one formula, relative to the largest value
FLOAT32_FACTOR = 4.0  # float32 error of an implementation, relative to that of the plain loop
FLOAT32_FLOOR = 2e-7  # relative error allowed if the plain loop happens to be exact
KERNEL_FLOOR = 1e-6  # the same for the kernels, whose sigmoid is accurate to 5e-7
HAND_WORKED = 1e-12  # against numbers written out by hand with a dozen digits
ENTROPY_GAP_NATS = 0.01  # a tiny NADE against the entropy of an enumerated distribution
ORACLE_NATS = 1e-9  # log-likelihoods of a network against the full table of its own probabilities
BATCH_RELATIVE = 1e-7  # a row's score against the same row in another batch
DIGITS_MARGIN_NATS = 6.0  # NADE against independent columns, held-out digits (30 epochs: 7.9)
ESTIMATE_ERRORS = 4.5  # importance sampling: standard errors allowed between estimate and truth
SIGMOID_TAIL = 2e-38  # absolute error of the kernels' sigmoid beyond ±87
SAME_TRAINING_NATS = 0.02  # held-out nats of one training run on another backend
QUADRATURE = 1e-6  # |∫ p − 1| of densities, by quadrature
KOLMOGOROV = 2.75  # √n · sup |empirical cdf − cdf|: exceeded with probability 5e-7
AIS_NATS = 0.05  # default annealed importance sampling against the exact sum, 8 columns, 5 units
CELL_NATS = 5e-6  # float32 kernels of cells against float64, relative to 1 + |value|
CELL_GRADIENTS = 5e-5  # the same for gradients by their parameters
