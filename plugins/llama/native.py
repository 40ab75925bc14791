"""llama.cpp's C functions, untyped: the hints that llama-cpp-python gives them are not those that ctypes wants."""

from typing import Any

import llama_cpp

c: Any = llama_cpp
