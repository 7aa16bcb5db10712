"""Forecasts of many series: point forecasts, calibrated intervals, and the protocol that scores them."""
