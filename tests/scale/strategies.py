"""Trains a tiny study's runs under a strategy, without evaluation and report.

python tests/scale/strategies.py STRATEGY WORKDIR DATA [EPOCHS]; "mirrored" has two
logical CPUs; "remote" works in TensorFlow's file system in memory, writes the report
there too, and copies everything to WORKDIR at last.
"""

import tensorflow as tf

from configs import demo
from kd_keras import files
from pipelines.cli import start
from pipelines.report.write import write_report
from pipelines.studies.study import train_study


def main(argv):
    _, strategy, workdir, data, *epochs = argv
    (cpu,) = tf.config.list_physical_devices("CPU")
    if strategy == "mirrored":
        tf.config.set_logical_device_configuration(
            cpu, [tf.config.LogicalDeviceConfiguration()] * 2
        )
    config = demo.get_config()
    remote = strategy == "remote"
    config.strategy = "one_device" if remote else strategy
    config.seeds, config.temperatures = (0,), (4.0,)
    config.dataset.versions, config.dataset.image_size = 1, 16
    config.dataset.data_dir = data
    config.teacher.model = "lenet5"
    for recipe in (config.teacher, config.student):
        recipe.epochs = int(*epochs or [2])
        # Adam divides gradients by their size, and so makes rounding errors large; and
        # it hides a gradient that is a replica's share too large.
        recipe.optimizer, recipe.learning_rate = "sgd", 0.03
    if not remote:
        train_study(config, workdir)
        return
    files.SETTLE_SECONDS = 0.1
    train_study(config, "ram://study/workdir")
    write_report("ram://study/workdir")
    for parent, _, names in files.gfile.walk("ram://study/workdir"):
        for name in names:
            target = f"{workdir}/{parent.removeprefix('ram://study/workdir')}/{name}"
            files.write_bytes(target, files.read_bytes(f"{parent}/{name}"))


if __name__ == "__main__":
    start.run(main)
