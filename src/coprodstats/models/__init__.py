"""The models room: one likelihood kernel, its covariance, and what is computed from fitted models."""
