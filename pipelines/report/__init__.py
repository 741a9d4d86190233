"""Renders what the analysis found: tables, figures, report.html."""
