"""The dashboard: one screen with a header, a page and a footer, fed by a session."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from textual import on
from textual.app import App, ComposeResult
from textual.containers import Container, Horizontal
from textual.events import Key, Resize
from textual.screen import Screen

from vpi_tui.ui import dialogs, doings
from vpi_tui.ui.bindings import BINDINGS
from vpi_tui.ui.display import DiffDisplay
from vpi_tui.ui.frame import HeaderBar, MessageBar, NavBar, SmallPane, TrailBar
from vpi_tui.ui.keys import Keys
from vpi_tui.ui.life import LifeBar, StartPane
from vpi_tui.ui.pace import Pace
from vpi_tui.ui.picker import Picker
from vpi_tui.ui.prompt import Prompt, Question, returning
from vpi_tui.ui.screens import registry
from vpi_tui.ui.screens.base import Page
from vpi_tui.ui.state import EngineLink, News, Session, Severity
from vpi_tui.ui.theme import Theme
from vpi_tui.ui.widgets.glyphs import ASCII, UNICODE
from vpi_tui.ui.widgets.look import Look, look_of, set_look
from vpi_tui.ui.widgets.scope_panel import ScopePanel
from vpi_tui.ui.widgets.text_line import KeyFooter
from vpi_tui.view.escape import safe
from vpi_tui.view.life import banner
from vpi_tui.view.scope import ALL, Scope, exists

POLL = 0.1
"""Seconds between two looks at the feed; a look that finds nothing costs some microseconds."""
ALERT_PACE = 0.4
"""Least seconds between two drawings for the sake of alerts alone: a flood must not cost the terminal."""
SIDE_FROM = 150
"""Columns from which the tree stands beside pages that have none of their own."""
LEAST = (60, 16)
"""The smallest terminal that is drawn on."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one was: Esc goes back there."""

    page: str
    scope: Scope
    laid: str = ""
    """Filter that was laid over the page one went to; while it holds, Esc takes it away and goes back."""
    before: str = ""
    """The filter of that page before."""


class MainScreen(Screen[None]):
    """The one screen; dialogs lie over it."""


class VpiApp(DiffDisplay, App[int]):
    """The program; it is the `Shell` of the pages."""

    CSS_PATH = "app.tcss"
    TITLE = "vpi-tui"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS = BINDINGS

    def __init__(
        self,
        client: EngineLink,
        *,
        themes: dict[str, Theme],
        theme: Theme,
        ascii_only: bool = False,
        session: Session | None = None,
        problems: Sequence[str] = (),
        leaves_when_over: bool = False,
    ) -> None:
        """problems: what went wrong before the start; told once there is something to tell it on.

        leaves_when_over: the program ends when the engine has ended in order.
        """
        super().__init__()
        self.session = session or Session(client)
        self.themes_by_name: dict[str, Theme] = themes
        self._glyphs = ASCII if ascii_only else UNICODE
        set_look(self, Look(theme, self._glyphs))
        self._pages: dict[str, Page] = {}
        self._here = ""
        self._places: list[Place] = []
        self._keys = Keys(self)
        self._restarting = False
        self._problems = problems
        self._leaves_when_over = leaves_when_over
        self._drawn_at = 0.0
        self._alerts_wait = False
        """Alerts came that are not drawn yet."""
        self._pace = Pace(self.session.interval)
        self._header = HeaderBar(lambda: self.session, id="header")
        self._nav = NavBar(lambda: self.session, id="nav")
        self._trail = TrailBar(id="trail")
        self._side = ScopePanel(id="side")
        self._start_pane = StartPane(lambda: self.session, id="start")
        self._page_box = Container(id="pages")
        self._life_bar = LifeBar(id="life")
        self._footer = KeyFooter(id="footer")
        self._message_bar = MessageBar(id="messages")
        self._prompt_line = Prompt(id="prompt")
        self._small = SmallPane(LEAST, id="small")

    def get_default_screen(self) -> Screen[None]:
        return MainScreen(id="main")

    # Layout -----------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """What the main screen holds."""
        yield self._header
        yield self._nav
        yield self._trail
        with Horizontal(id="body"):
            yield self._side
            yield self._start_pane
            yield self._page_box
        yield self._life_bar
        yield self._footer
        yield self._message_bar
        yield self._prompt_line
        yield self._small

    async def on_mount(self) -> None:
        await self._open(registry.PAGES[0].name)
        self.run_worker(self._watch_feed(), name="feed")
        self.set_interval(1.0, self._tick)
        for problem in self._problems:
            self.say(problem, "warning")

    @on(Resize)
    def _fit_terminal(self, event: Resize) -> None:
        width, height = event.size
        self._small.display = width < LEAST[0] or height < LEAST[1]

    @property
    def page(self) -> Page:
        """The page that is shown."""
        return self._pages[self._here]

    # Taking what came -------------------------------------------------------------------------

    async def _watch_feed(self) -> None:
        """A sleep of asyncio's own: a timer of Textual wakes the whole program each time."""
        while True:
            await asyncio.sleep(POLL)
            self._poll()

    def _poll(self) -> None:
        if self._restarting:
            return
        if news := self.session.poll():
            self.call_later(self._tell, news)
        elif self._alerts_wait and time.monotonic() - self._drawn_at >= ALERT_PACE:
            self.call_later(self.draw)

    def _tell(self, news: News) -> None:
        if news.life and self._leaves_when_over and self.session.life == "finished":
            self.exit()
            return
        for message in news.messages:
            for page in self._pages.values():
                page.receive(message)
        for note in news.notes:
            self._message_bar.tell(note)
        doings.report_replies(self, news.messages)
        if news.picture or news.life or (news.alerts and time.monotonic() - self._drawn_at >= ALERT_PACE):
            self.draw()
        else:
            self._alerts_wait = self._alerts_wait or bool(news.alerts)

    def draw(self) -> None:
        """Draw what is visible from the session."""
        if not self._here:
            return
        self._drawn_at, self._alerts_wait = time.monotonic(), False
        session = self.session
        starting = not session.ran
        self._start_pane.display = starting
        self._page_box.display = not starting
        side = self._side
        side.display = not starting and self.size.width >= SIDE_FROM and not self.page.query(ScopePanel)
        told = banner(session.life, session.snapshot, session.failure)
        self._life_bar.set_banner(told)
        self._message_bar.styles.margin = (0, 0, 2 if told else 1, 0)
        if starting:
            self._start_pane.redraw()
        else:
            self.page.show(session)
        if side.display:
            side.show(session)
        self.redraw_frame()

    def redraw_frame(self) -> None:
        """Draw what stands round the page: header, screens, breadcrumbs, keys."""
        if not self._here:
            return
        self._header.redraw()
        self._nav.set_here(self._here)
        self._trail.set_trail(self._crumbs(), self.page.filter_text)
        self._footer.set_keys(self._keys.footer())

    def _tick(self) -> None:
        """Once a second: what counts seconds by itself."""
        self._message_bar.expire()
        self._keep_pace()
        if self.session.frozen or self.session.silent_for:
            self._header.redraw()
        if self.session.life == "starting":
            self._start_pane.redraw()

    def _keep_pace(self) -> None:
        """A line that cannot take the pictures gets fewer of them."""
        interval = self._pace.tick(self.dropped_frames)
        if interval != self.session.interval:
            slower = interval > self.session.interval
            self.session.set_interval(interval)
            if slower:
                self.say(f"The line is slow: a picture every {interval:g} s from now on.")

    def set_refresh(self, seconds: float) -> None:
        """Seconds between two pictures."""
        self._pace.wish(seconds)
        self.session.set_interval(seconds)

    def _crumbs(self) -> tuple[str, ...]:
        scope = self.session.scope
        entry = registry.find(self._here)
        title = entry.title if entry else self._here
        crumbs = [title, *self.page.trail()]
        if scope == ALL:
            return tuple(crumbs)
        picture = self.session.snapshot
        gone = picture is not None and not exists(picture, scope)
        return (f"{scope.label} (gone)" if gone else scope.label, *crumbs)

    # Pages ------------------------------------------------------------------------------------

    async def _open(self, name: str) -> Page:
        """Show a page; it is made when it is opened first."""
        page = self._pages.get(name)
        if page is None:
            entry = registry.find(name)
            if entry is None:
                return self.page
            page = self._pages[name] = entry.make()
            await self._page_box.mount(page)
        if name != self._here:
            for other in self._pages.values():
                other.set_class(other is page, "-shown")
            self._here = name
        self.session.watch_flows(page.WANTS_FLOWS)
        self.session.watch_matrix(page.WANTS_MATRIX)
        self.draw()
        focus = page.first_focus()
        if focus is not None:
            focus.focus()
        else:
            self.set_focus(None)
        return page

    async def action_open_page(self, name: str) -> None:
        self._places.clear()
        await self._open(name)

    async def go(self, name: str, wanted: str = "") -> Page:
        """Open a page as a drill-down: Esc comes back."""
        came_from = Place(self._here, self.session.scope)
        page = await self._open(name)
        if wanted:
            before = page.filter_text
            if problem := self.set_filter(wanted):
                self.say(problem, "warning")
            else:
                came_from = replace(came_from, laid=page.filter_text, before=before)
        self._places.append(came_from)
        return page

    async def narrow(self, scope: Scope, page: str = "") -> None:
        """Narrow all screens; Esc comes back."""
        if scope == self.session.scope and page in ("", self._here):
            return
        self._places.append(Place(self._here, self.session.scope))
        self.session.set_scope(scope)
        await self._open(page or self._here)

    async def action_back(self) -> None:
        """Esc: out of a detail, then to where one came from, then without filter, then all switches."""
        page = self.page
        if page.back():
            self.redraw_frame()
        elif page.filter_text and not (self._places and self._places[-1].laid == page.filter_text):
            self.set_filter("")
        elif self._places:
            place = self._places.pop()
            if place.laid:
                self.set_filter(place.before)
            self.session.set_scope(place.scope)
            await self._open(place.page)
        elif self.session.scope != ALL:
            self.session.set_scope(ALL)
            self.draw()
        else:
            self._message_bar.clear()

    @on(NavBar.Chosen)
    async def _nav_chosen(self, message: NavBar.Chosen) -> None:
        await self.action_open_page(message.name)

    @on(ScopePanel.Chosen)
    async def _scope_chosen(self, message: ScopePanel.Chosen) -> None:
        await self.narrow(message.scope)

    # Keys -------------------------------------------------------------------------------------

    async def on_key(self, event: Key) -> None:
        """The keys of a page act also while something beside it has the focus."""
        if not self._here or len(self.screen_stack) > 1 or self._prompt_line.is_open:
            return
        if self.focused is not None and self.page in self.focused.ancestors:
            return  # Textual looks the key up from the focus outwards, and so finds the page's
        action, node = self._keys.of_page(event.key)
        if action:
            event.prevent_default()
            await self.run_action(action, node)

    @on(KeyFooter.KeyClicked)
    async def _key_clicked(self, message: KeyFooter.KeyClicked) -> None:
        action, target = self._keys.clicked(message.key)
        if action:
            await self.run_action(action, target)

    # What the operator is told and asked ------------------------------------------------------

    def say(self, text: str, severity: Severity = "information") -> None:
        self._message_bar.tell(self.session.note(text, severity))

    def ask(self, label: str, answered: Callable[[str], object], value: str = "") -> None:
        self._prompt(Question(label, answered, value=value))

    def _prompt(self, question: Question) -> None:
        self._prompt_line.ask(returning(question, self.focused))

    def action_command(self) -> None:
        self.session.need_rules()
        self._prompt(doings.command_question(self))

    def action_filter(self) -> None:
        self._prompt(doings.filter_question(self))

    def set_filter(self, text: str) -> str:
        """Narrow the page; why that cannot be understood, or ""."""
        error = self.page.apply_filter(text)
        if not error:
            self.page.filter_text = safe(text, 200)
            self.redraw_frame()
        return error

    # Actions ----------------------------------------------------------------------------------

    def action_freeze(self) -> None:
        if self.session.frozen:
            self._tell(self.session.thaw())
        else:
            self.session.freeze()
        self.redraw_frame()

    def action_undo(self) -> None:
        self.session.undo()

    async def action_restart(self) -> None:
        if not self.session.over:
            self.say("The engine runs; there is nothing to restart.")
            return
        self._restarting = True
        try:
            await asyncio.to_thread(self.session.restart)  # it waits for the old engine to end
        finally:
            self._restarting = False
        self.draw()

    def action_faster(self, steps: int) -> None:
        doings.change_speed(self, steps)

    def action_hold(self) -> None:
        doings.hold(self)

    def action_help(self) -> None:
        dialogs.show_help(self, self._keys.help())

    def action_packets(self) -> None:
        """A packet has no screen of its own: it is kept with what it raised."""
        self.say("Packets are kept behind alerts: 4, then Enter on one shows the rule, the flow, the packet.")

    def action_notices(self) -> None:
        dialogs.show_notices(self)

    def action_palette(self) -> None:
        self.push_screen(Picker("Go to, or do", doings.palette(self)), self._palette_chosen)

    async def _palette_chosen(self, key: str | None) -> None:
        if key and (error := await doings.obey(self, key)):
            self.say(error, "warning")

    def action_themes(self) -> None:
        dialogs.choose_theme(self)

    def use_theme(self, name: str) -> None:
        if name in self.themes_by_name and name != look_of(self).palette.theme.name:
            set_look(self, Look(self.themes_by_name[name], self._glyphs))
