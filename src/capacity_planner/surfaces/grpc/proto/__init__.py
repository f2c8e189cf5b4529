"""The published proto file, where its import path begins: give this folder to protoc as ``-I``."""
