"""Serves forecasts of the electric load of a hotel with EV charging for the next 15 minutes."""

__version__ = "1.0.0"
