"""Measurements of stlfast: what each step of its method gains, and how it compares with other solvers.

One thread for everything: these variables are read when NumPy, SciPy, numba and JAX are first imported.
"""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
