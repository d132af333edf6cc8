"""Text → predictions: features, estimators, calibration; training and the shelf of models."""
