"""What the studies of docs/evidence.md share."""

import ml_collections

TEMPERATURES = (1.0, 2.0, 4.0, 7.0, 10.0, 20.0, 40.0)


def decide(config: ml_collections.ConfigDict, name: str, seeds: int) -> None:
    """Gives a study the seeds and temperatures of the plan, and its measures.

    Args:
      config: of a row.
      name: of the study.
      seeds: how many.
    """
    config.name = name
    config.seeds = tuple(range(seeds))
    config.temperatures = TEMPERATURES
    config.evaluation.min_examples = 100
    # No teacher of the study measures the distances, or students that imitate it win.
    config.evaluation.individual_fairness.extractor = "input"
