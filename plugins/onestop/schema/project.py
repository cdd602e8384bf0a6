"""The checkout (or image folder) that holds sql/, expectations/ and dags/."""

from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parents[3]
