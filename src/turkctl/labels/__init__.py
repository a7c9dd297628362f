"""Label aggregation: arrays in, arrays out. Knows nothing of databases, files and commands.

:func:`turkctl.labels.methods.aggregate` makes a ``Result`` of ``Votes``. NumPy and SciPy are an extra of the package;
importing this without them says how to get them.
"""

from importlib.util import find_spec

from turkctl.errors import UsageError

for _name in ("numpy", "scipy"):
    if find_spec(_name) is None:
        raise UsageError(f"labels are aggregated with {_name}, which is not installed", "pip install 'turkctl[labels]'")
