"""The wire of KEDA's external scalers; ``.ci/protos.py`` makes the stubs of the proto file beside them."""
