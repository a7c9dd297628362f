"""Label aggregation: arrays in, arrays out. Knows nothing about databases, files and commands.

:func:`turkctl.labels.methods.aggregate` turns ``Votes`` into a ``Result``. NumPy and SciPy are an extra of the package;
importing this without them raises an error that says how to install them.
"""

from importlib.util import find_spec

from turkctl.errors import UsageError

for _name in ("numpy", "scipy"):
    if find_spec(_name) is None:
        raise UsageError(f"aggregating labels needs {_name}, which is not installed", "pip install 'turkctl[labels]'")
