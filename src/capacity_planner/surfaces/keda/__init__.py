"""KEDA's external scaler: the calls by which KEDA asks for a queue's workers, answered with what the loop decided."""
