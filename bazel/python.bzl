"""Macros for what runs: tests with pytest, mains as modules."""

def pytest_test(name, srcs, data = [], **kwargs):
    """A py_test that runs pytest on its sources."""
    native.py_test(
        name = name,
        srcs = srcs + ["//bazel:pytest_main.py"],
        main = "//bazel:pytest_main.py",
        args = ["$(location %s)" % src for src in srcs],
        # Bazel does not see the packages: the lock tells it that they have changed.
        data = data + ["//:pyproject.toml", "//:requirements.lock"],
        **kwargs
    )

def module_binary(name, module, **kwargs):
    """A py_binary that is `python -m module`.

    Run as a file, a main would have its own directory on the path, where
    pipelines/tensorboard.py hides TensorBoard.
    """
    main = name + ".py"
    native.genrule(
        name = name + "_source",
        outs = [main],
        cmd = "echo 'import runpy; runpy.run_module(\"%s\", None, \"__main__\", True)' > $@" % module,
    )
    native.py_binary(name = name, srcs = [main], main = main, **kwargs)
