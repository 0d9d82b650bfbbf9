"""What all tests share: property tests take their time on a busy machine, and interrupts arrive.

Images are built only by tests that bring an engine along.
"""

import os
import signal

from hypothesis import settings

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
os.environ["MLSECOPS_ENGINE"] = "none"

# A shell starts a background job deaf to interrupts, and its children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
