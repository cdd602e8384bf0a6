"""Figures for readers: scorecard, explanations, forms, issued reports, pages, lists."""
