"""A stand-in for vCenter: an HTTP server on the loopback that answers with what pyvmomi itself serialises."""

from __future__ import annotations

import http.server
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pyVmomi import SoapAdapter, VmomiSupport, vim, vmodl

PASSWORD = "correct horse"
_VERSION = "vim.version.version10"
_METHOD = re.compile(rb"<soapenv:Body><(\w+)")
_ENVELOPE = (
    b'<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/'
    b'envelope/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/'
    b'XMLSchema-instance"><soapenv:Body>%b</soapenv:Body></soapenv:Envelope>'
)
Content = vmodl.query.PropertyCollector.ObjectContent


def content(reference: Any, **properties: Any) -> Any:
    """One object with its properties; `config_uuid` is written config.uuid."""
    found = [vmodl.DynamicProperty(name=n.replace("_", "."), val=v) for n, v in properties.items()]
    return Content(obj=reference, propSet=found)


def _serialised(value: Any) -> bytes:
    info = VmomiSupport.Object(name="returnval", type=type(value), flags=0, version=_VERSION)
    return SoapAdapter.Serialize(value, info, version=_VERSION)


class Vcenter:
    """machines, groups: what it tells; page: objects in one answer."""

    def __init__(self, machines: list[Any], groups: list[Any], page: int = 1000) -> None:
        self.found = {b"VirtualMachine": machines, b"DistributedVirtualPortgroup": groups}
        self.page = page
        self.asked: list[str] = []
        self.logged_in = False
        self._rest: list[Any] = []
        self.port = 0

    def answer(self, body: bytes) -> tuple[int, bytes]:
        found = _METHOD.search(body)
        assert found is not None
        method = found[1].decode()
        self.asked.append(method)
        handler: Callable[[bytes], Any] = getattr(self, f"_{method}", lambda _: None)
        try:
            value = handler(body)
        except vmodl.MethodFault as fault:
            name = type(fault).__name__.rpartition(".")[2].encode()
            detail = b'<%bFault xmlns="urn:vim25" xsi:type="%b"/>' % (name, name)
            return 500, _ENVELOPE % (
                b"<soapenv:Fault><faultcode>ServerFaultCode</faultcode><faultstring>no</faultstring>"
                b"<detail>%b</detail></soapenv:Fault>" % detail
            )
        told = _serialised(value) if value is not None else b""
        return 200, _ENVELOPE % (
            b'<%b xmlns="urn:vim25">%b</%b>' % ((name := found[1] + b"Response"), told, name)
        )

    def _RetrieveServiceContent(self, body: bytes) -> Any:
        about = dict.fromkeys(
            ("name", "fullName", "vendor", "version", "build", "osType", "productLineId"), "x"
        )
        return vim.ServiceInstanceContent(
            rootFolder=vim.Folder("group-d1"),
            propertyCollector=vmodl.query.PropertyCollector("collector"),
            viewManager=vim.view.ViewManager("views"),
            sessionManager=vim.SessionManager("sessions"),
            about=vim.AboutInfo(apiType="VirtualCenter", apiVersion="8.0", **about),
        )

    def _Login(self, body: bytes) -> Any:
        if PASSWORD.encode() not in body:
            raise vim.fault.InvalidLogin(msg="no")
        self.logged_in = True
        return None

    def _CreateContainerView(self, body: bytes) -> Any:
        if not self.logged_in:
            raise vim.fault.NotAuthenticated(msg="The session is not authenticated.")
        return vim.view.ContainerView("view-1")

    def _RetrievePropertiesEx(self, body: bytes) -> Any:
        kind = next(kind for kind in self.found if b">" + kind + b"</type>" in body)
        self._rest = list(self.found[kind])
        return self._page()

    def _ContinueRetrievePropertiesEx(self, body: bytes) -> Any:
        return self._page()

    def _page(self) -> Any:
        if not self._rest:
            return None
        now, self._rest = self._rest[: self.page], self._rest[self.page :]
        return vmodl.query.PropertyCollector.RetrieveResult(objects=now, token="more" if self._rest else None)


@contextmanager
def serving(vcenter: Vcenter) -> Iterator[Vcenter]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            status, body = vcenter.answer(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            return

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        vcenter.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield vcenter
        finally:
            server.shutdown()
            thread.join()
