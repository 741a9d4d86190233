"""The mains, and what they are made of."""

import os

# Both are read when TensorFlow is imported: here, since mains and workers begin here.
# oneDNN makes a convolution's training step two to four times as fast on CPUs where
# TensorFlow leaves it off.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
# What goes wrong in TensorFlow reaches Python as an exception; its C++ log is noise.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
