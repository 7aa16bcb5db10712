"""Diseases of leaves from photographs: decoding, learning, calibration and what to do about them."""
