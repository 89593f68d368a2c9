"""Training of binary networks: the only part of the package that needs torch and brevitas."""

from __future__ import annotations

import warnings

from onebit.errors import MissingTool

try:
    import torch as _torch  # noqa: F401

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # brevitas: about optional packages that onebit never uses
        import brevitas.export as _brevitas  # noqa: F401
except ImportError as reason:
    raise MissingTool(
        f"training needs torch and brevitas; {reason.name} is not installed",
        hint="install what training needs: make setup-train",
    ) from None
