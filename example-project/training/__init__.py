"""Simulates hotels, trains the forecast model and writes its card; not part of the service."""

import os

# The trees are small: on a busy machine more threads only wait for each other, many times longer
# than the training takes. Read when scikit-learn is first imported, which is after this line.
os.environ.setdefault("OMP_NUM_THREADS", "1")
