"""The default fit and what it is asked, against the first version and against its own floor.

Usage: python -m benchmarks.speed.default_fit [--small] [--threads 1,2] [--seeds 3] [PART …]

Two versions of chainrule run in processes of their own and take turns, with the same Python and the
same libraries. ``tasks`` has what both are asked, through public calls only. ``parts`` has the
figures. Each part is written to benchmarks/results/default_fit.json when it is done; other parts
and other rows of the same part stay there.
"""
