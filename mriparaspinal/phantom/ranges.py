"""What can be asked of a synthetic cohort; without an import, for the help of the command."""

#: Least and largest of each number; None: no limit.
RANGES: dict[str, tuple[float, float | None]] = {
    "als": (0, 999),
    "lr": (0, 999),
    "seed": (0, None),
    "size": (128, 1024),
    "sessions": (1, 12),
    "als_atrophy": (0, 0.8),
    "lr_atrophy": (0, 0.8),
    "als_fat": (0, 0.5),
    "lr_fat": (0, 0.5),
}
