"""The gRPC API: the specification's three calls, made of the same types as the JSON of HTTP."""
