"""From predictions to numbers: measures, intervals, findings, choice."""
