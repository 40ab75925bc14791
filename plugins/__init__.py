"""The models behind LiveKit's interfaces, and the server that holds them.

ONNX Runtime, which runs Piper, reports to its makers over the network unless this variable stands when it is imported.
"""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"
