"""Which operations ask the model something."""

from __future__ import annotations

import re

from mlsecops.dast.attacks.messages import Base
from mlsecops.dast.attacks.schemas import leaves

_WORDS = re.compile(
    r"predict|forecast|infer|scor(?:e|ing)|classif|regress|embed|generat|complet|detect|recogni[sz]e|recommend"
    r"|segment|estimat|transcri|translat|summari[sz]e|invocations|similar|rank|anomal|cluster|/chat|/ask\b",
    re.IGNORECASE,
)
_ADMINISTRATIVE = re.compile(r"health|metrics|version|/info|status|login|token|train", re.IGNORECASE)


def is_prediction(base: Base) -> bool:
    """Whether an operation looks like a query to the model: by its path, or by numbers in its body."""
    if _ADMINISTRATIVE.search(base.operation.path):
        return False
    if _WORDS.search(base.operation.path):
        return True
    values = [value for _, value in leaves(base.body)]
    numbers = [each for each in values if isinstance(each, int | float) and not isinstance(each, bool)]
    return base.operation.method.upper() == "POST" and len(numbers) > 1
