"""The Python toolchain: the interpreter and the locked packages of .venv."""

_BUILD = """\
load("@bazel_tools//tools/python:toolchain.bzl", "py_runtime_pair")

py_runtime(
    name = "runtime",
    interpreter_path = "{python}",
    python_version = "PY3",
    stub_shebang = "#!{python}",
)

py_runtime_pair(
    name = "runtime_pair",
    py3_runtime = ":runtime",
)

toolchain(
    name = "toolchain",
    toolchain = ":runtime_pair",
    toolchain_type = "@bazel_tools//tools/python:toolchain_type",
)
"""

_DESCRIBE = """\
import site, sys, sysconfig
print(sys._base_executable)
print(sysconfig.get_path("purelib", vars={"base": "."}))
print("\\n".join(site.getsitepackages()))
"""

def _local_python_impl(ctx):
    python = ctx.os.environ.get("KD_KERAS_PYTHON")
    if not python:
        python = str(ctx.path(Label("//:WORKSPACE")).dirname) + "/.venv/bin/python"
    found = ctx.execute([python, "-c", _DESCRIBE])
    if found.return_code:
        fail("No Python at %s: run `make venv`, or set KD_KERAS_PYTHON to the path of an interpreter with the packages of requirements.lock. %s" % (python, found.stderr))
    lines = found.stdout.strip().split("\n")

    # A virtual environment of its own, since Python reads the .pth files of .venv only
    # in .venv: the editable install of this project, which is one, would find modules
    # that a target does not declare.
    ctx.symlink(lines[0], "bin/python")
    ctx.file("pyvenv.cfg", "home = %s\n" % lines[0].rpartition("/")[0])
    ctx.file(lines[1] + "/packages.pth", "\n".join(lines[2:]) + "\n")
    ctx.file("BUILD", _BUILD.format(python = ctx.path("bin/python")))

local_python = repository_rule(
    implementation = _local_python_impl,
    environ = ["KD_KERAS_PYTHON"],
    configure = True,
    local = True,
)
