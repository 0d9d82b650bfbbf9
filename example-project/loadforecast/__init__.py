"""Serves forecasts of the electric load of a hotel with EV charging for the next 15 minutes."""

import os

__version__ = "1.0.0"

# Since 1.29 onnxruntime reports use to its maker and keeps a device id unless told not to; it reads
# this once, when it is first imported, which is after this line.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
