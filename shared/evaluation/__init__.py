"""How good an analyst is: labelled cases, asked of any analyst, and the scores of its verdicts."""

from shared.evaluation.cases import Case, load_cases
from shared.evaluation.report import report, table
from shared.evaluation.scores import Scores, ask, score

__all__ = ["Case", "Scores", "ask", "load_cases", "report", "score", "table"]
