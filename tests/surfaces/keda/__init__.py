"""Tests of the external scaler of KEDA."""
