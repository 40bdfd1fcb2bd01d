"""The analyst that asks a language model: OpenAI, or Azure OpenAI by managed identity."""

from shared.adapters.language_model.access import AzureOpenAIAccess, OpenAIAccess
from shared.adapters.language_model.analyst import ModelAnalyst
from shared.adapters.language_model.ledger import Budget

__all__ = ["AzureOpenAIAccess", "Budget", "ModelAnalyst", "OpenAIAccess"]
