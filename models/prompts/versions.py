"""All versions of the prompt."""

from models.prompts.review_1 import REVIEW_1
from models.prompts.template import PromptTemplate

VERSIONS: dict[str, PromptTemplate] = {each.version: each for each in (REVIEW_1,)}
"""By name. Stored findings name the version they came from."""
CURRENT = REVIEW_1.version
"""What new reviews ask with."""
