"""A small HateXplain study of encoders: a 6-layer teacher, a 2-layer student.

--config.teacher.pretrained names a folder with the teacher's encoder, in the format of
Transformers, and --config.student.model_options.vocabulary a file of WordPieces.
"""

import ml_collections

from configs import _protocol, hatexplain_bert_distilbert

LENGTH = 24  # Tokens of a post.


def get_config() -> ml_collections.ConfigDict:
    config = hatexplain_bert_distilbert.get_config()
    config.name = "hatexplain"
    config.seeds = (0, 1, 2)
    config.temperatures = (1.0, 4.0, 10.0)
    config.teacher = _protocol.recipe(
        "bert",
        optimizer="adamw",
        learning_rate=5e-5,
        schedule="linear",
        epochs=1,
        warmup_epochs=0.1,
        batch_size=32,
        model_options={"sequence_length": LENGTH},
        optimizer_options={"weight_decay": 0.01, "global_clipnorm": 1.0},
    )
    config.student = _protocol.recipe(
        "distilbert",
        optimizer="adam",
        learning_rate=1e-3,
        schedule="linear",
        epochs=2,
        warmup_epochs=0.2,
        batch_size=64,
        model_options={
            "sequence_length": LENGTH,
            "vocabulary": "",
            "num_layers": 2,
            "num_heads": 2,
            "hidden_dim": 64,
            "intermediate_dim": 256,
        },
    )
    return config
