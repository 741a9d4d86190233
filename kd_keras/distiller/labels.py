"""A Keras model whose batches may come without labels."""

import keras

from kd_keras.distiller.outputs import split_targets


class LabelOptional(keras.Model):
    """Leaves compiled metrics alone where a batch has no labels."""

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """Updates the compiled metrics where there are labels."""
        targets = split_targets(y, sample_weight)
        if targets.labels is None:
            return self.get_metrics_result()
        return super().compute_metrics(x, targets.labels, y_pred, targets.sample_weight)

    def get_metrics_result(self):
        """Values of all metrics; compiled ones only once they have seen labels."""
        results = {}
        for metric in self.metrics:
            if metric is self._compile_metrics and not metric.built:
                continue
            result = metric.result()
            results.update(
                result if isinstance(result, dict) else {metric.name: result}
            )
        return results
