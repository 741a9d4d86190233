"""TensorBoard for one working directory that nobody has to trust.

python -m pipelines.evaluation.tensorboard_server WORKDIR [flags of TensorBoard]
"""

import logging
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tensorboard import default, main_lib, program
from tensorboard.backend import http_util
from tensorboard_plugin_fairness_indicators.plugin import FairnessIndicatorsPlugin
from werkzeug import wrappers

from kd_keras import files
from pipelines.evaluation import unpickling
from pipelines.evaluation.plan import EVALUATION

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
# Of the plugin's routes. Another one loads any path that a request names.
ROUTE = "/get_evaluation_result"
SCRIPTS = ("/index.js", "/vulcanized_tfma.js")


class OwnEvaluations(FairnessIndicatorsPlugin):
    """Fairness Indicators of the evaluations below `workdir`, and of no other path."""

    workdir = ""

    def get_plugin_apps(self) -> dict[str, Callable]:
        apps = super().get_plugin_apps()
        own = {ROUTE: self._get_own_evaluation}
        return own | {route: apps[route] for route in SCRIPTS}

    def _get_own_evaluation(
        self, environ: dict[str, Any], start_response: Callable
    ) -> Iterable[bytes]:
        answer = self._answer(wrappers.Request(environ))
        return answer(environ, start_response)

    def _answer(self, request: wrappers.Request) -> Callable:
        """The plugin's own answer, where the summary names an own evaluation."""
        run = request.args.get("run", "")
        try:
            (event, *_) = self._multiplexer.Tensors(run, self.plugin_name)
        except KeyError:
            return _refusal(request, f"There is no run {run!r}.", 404)
        path = event.tensor_proto.string_val[0].decode()
        if not is_own(path, self.workdir):
            problem = f"The summary of {run!r} names {path!r}, outside of the study."
            return _refusal(request, problem, 403)
        if not files.exists(files.join(path, "eval_config.json")):
            return _refusal(request, f"{path} holds no evaluation.", 404)
        return self._get_evaluation_result


def is_own(path: str, workdir: str) -> bool:
    """Whether a path is `<workdir>/<model>/<seed>/evaluation`, links resolved."""
    own, root = (
        p if "://" in p else os.path.realpath(p) for p in (path, workdir.rstrip("/"))
    )
    inside = own.startswith(f"{root}/") and ".." not in own.split("/")
    parts = own.removeprefix(f"{root}/").split("/")
    return inside and len(parts) == 3 and parts[-1] == EVALUATION


class LoopbackOnly:
    """A WSGI app that answers only what a page of this very server asks.

    A foreign page can reach a server on this machine by a name that it lets point here
    (DNS rebinding), or by a request across origins.

    Args:
      app: the app behind it.
      port: where the server listens.
    """

    def __init__(self, app: Callable, port: int):
        self.app = app
        self.hosts = {f"{name}:{port}" for name in LOOPBACK}
        # Browsers leave the default port out.
        self.hosts |= set(LOOPBACK) if port == 80 else set()

    def __call__(
        self, environ: dict[str, Any], start_response: Callable
    ) -> Iterable[bytes]:
        origins = {f"http://{host}" for host in self.hosts}
        host, origin = environ.get("HTTP_HOST"), environ.get("HTTP_ORIGIN")
        if host in self.hosts and (origin is None or origin in origins):
            return self.app(environ, start_response)
        text = f"This server answers at {', '.join(sorted(self.hosts))} only.\n"
        start_response("403 Forbidden", [("Content-Type", "text/plain")])
        return [text.encode()]


def _refusal(request: wrappers.Request, problem: str, code: int) -> Callable:
    return http_util.Respond(request, {"error": problem}, "application/json", code=code)


def _server(app: Callable, flags: Any) -> Any:
    guarded = LoopbackOnly(app, flags.port)
    return program.create_port_scanning_werkzeug_server(guarded, flags)


def main(argv: Sequence[str]) -> int:
    OwnEvaluations.workdir = argv[1]
    unpickling.refuse()
    main_lib.global_init()
    # TFMA reads its results by what TensorFlow deprecates; nobody here can change it.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    # Not all that are installed: some read paths that a file or a request names.
    plugins = [*default.get_static_plugins(), OwnEvaluations]
    board = program.TensorBoard(plugins, server_class=_server)
    board.configure(["", *argv[2:]])
    return board.main()


if __name__ == "__main__":
    sys.exit(main(sys.argv))
