"""What each command of the ui does to a running engine: a table, one function a command."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from vpi_tui.feed import messages
from vpi_tui.feed.messages import PROTOCOL_VERSION, Command
from vpi_tui.model.errors import FeedError

if TYPE_CHECKING:
    from vpi_tui.engine.worker import Worker

C = TypeVar("C", bound=Command)
Handler = Callable[["Worker", Any], None]
HANDLERS: dict[type, Handler] = {}


def handles(kind: type[C]) -> Callable[[Callable[[Worker, C], None]], Callable[[Worker, C], None]]:
    def register(handler: Callable[[Worker, C], None]) -> Callable[[Worker, C], None]:
        HANDLERS[kind] = handler
        return handler

    return register


def obey(worker: Worker, command: Command) -> None:
    HANDLERS[type(command)](worker, command)


@handles(messages.Hello)
def _hello(_worker: Worker, command: messages.Hello) -> None:
    if command.protocol != PROTOCOL_VERSION:
        raise FeedError(
            f"The ui speaks version {command.protocol} of the feed, this engine {PROTOCOL_VERSION}.",
            hint="Update the older of the two.",
        )


@handles(messages.Watch)
def _watch(worker: Worker, command: messages.Watch) -> None:
    worker.watch(command)


@handles(messages.GetRules)
def _rules(worker: Worker, _command: messages.GetRules) -> None:
    worker.feed.reply(worker.rules.rows())


@handles(messages.GetRule)
def _rule(worker: Worker, command: messages.GetRule) -> None:
    worker.feed.reply(worker.rules.detail(command.gid, command.sid))


@handles(messages.Toggle)
def _toggle(worker: Worker, command: messages.Toggle) -> None:
    worker.feed.reply(worker.rules.toggle(command))


@handles(messages.UndoToggle)
def _undo(worker: Worker, _command: messages.UndoToggle) -> None:
    worker.feed.reply(worker.rules.undo())


@handles(messages.Reload)
def _reload(worker: Worker, _command: messages.Reload) -> None:
    worker.reload_rules()


@handles(messages.GetAlert)
def _alert(worker: Worker, command: messages.GetAlert) -> None:
    worker.feed.reply(worker.alert_detail(command.number))


@handles(messages.GetFlow)
def _flow(worker: Worker, command: messages.GetFlow) -> None:
    worker.feed.reply(worker.flow_detail(command.flow_id))


@handles(messages.Learn)
def _learn(worker: Worker, command: messages.Learn) -> None:
    pipeline = worker.pipeline
    worker.feed.reply(pipeline.segments.learn(command.on, pipeline.packet_ns))
    worker.publish_soon()


@handles(messages.GetPolicy)
def _policy(worker: Worker, _command: messages.GetPolicy) -> None:
    worker.feed.reply(worker.pipeline.segments.proposal())


@handles(messages.UsePolicy)
def _use_policy(worker: Worker, command: messages.UsePolicy) -> None:
    worker.feed.reply(worker.pipeline.segments.use(command.path, command.text))
    worker.publish_soon()


@handles(messages.SetSpeed)
def _speed(worker: Worker, command: messages.SetSpeed) -> None:
    worker.set_speed(command.speed, command.paused)


@handles(messages.Stop)
def _stop(worker: Worker, _command: messages.Stop) -> None:
    worker.stop("stopped by the ui")
