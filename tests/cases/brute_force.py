"""Cases of rules/brute-force.yaml."""

from __future__ import annotations

from tests.cases.build import Case, answered, get, page, post, said
from vpi_tui.capture.demo import payloads as p
from vpi_tui.capture.demo import smb

_DENIED = page(b"", status="401 Unauthorized")
_RDP = (
    b"\x03\x00\x00\x2b\x26\xe0\x00\x00\x00\x00\x00Cookie: mstshash=admin\r\n\x01\x00\x08\x00\x03\x00\x00\x00"
)
_TDS_DENIED = (
    b"\x04\x01\x00\x61\x00\x34\x01\x00\xaa\x4c\x00\x18\x48\x00\x00\x01\x0e"
    + "Login failed for user 'sa'.".encode("utf-16-le")
)
_LDAP = b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01%b\x04\x00\x04\x00"
_KRB = b"\x7e\x60\x30\x5e\xa0\x03\x02\x01\x05\xa1\x03\x02\x01\x1e\xa4\x11\x18\x0f20261124101500Z"
_KRB += b"\xa5\x05\x02\x03\x01\x02\x03"
_KRB += b"\xa6\x03\x02\x01%b\xa9\x0c\x1b\x0aPROD.LOCAL"
_VNC = b"\0\0\0\x01\0\0\0\x16Authentication failure"
_LOGON_FAILED = smb.session_setup(2, b"", reply=True, status=smb.STATUS_LOGON_FAILURE)
_LOGON_MORE = smb.session_setup(2, b"", reply=True, status=smb.STATUS_MORE)

CASES = {
    9000200: Case(lambda: said(22, p.SSH_CLIENT, 14), lambda: said(22, p.SSH_CLIENT, 6)),
    9000201: Case(lambda: said(22, b"SSH-2.0-libssh_0.9.6\r\n", 6), lambda: said(22, p.SSH_CLIENT, 6)),
    9000202: Case(
        lambda: answered(21, b"530 Login incorrect.\r\n", 6), lambda: answered(21, b"230 Logged in.\r\n", 6)
    ),
    9000203: Case(lambda: said(3389, _RDP, 12), lambda: said(3389, _RDP, 3)),
    9000204: Case(lambda: answered(445, _LOGON_FAILED, 7), lambda: answered(445, _LOGON_MORE, 7)),
    9000205: Case(
        lambda: answered(80, _DENIED, 16, asked=get("/private")),
        lambda: answered(80, _DENIED, 5, asked=get("/private")),
    ),
    9000206: Case(
        lambda: said(80, post("/login.php", b"user=admin&password=1234"), 22),
        lambda: said(80, post("/basket", b"item=4711&amount=2"), 22),
    ),
    9000207: Case(lambda: answered(5432, p.PG_DENIED, 6), lambda: answered(5432, p.PG_AUTH_OK, 6)),
    9000208: Case(lambda: answered(3306, p.MYSQL_DENIED, 6), lambda: answered(3306, p.MYSQL_OK, 6)),
    9000209: Case(
        lambda: answered(1433, _TDS_DENIED, 6),
        lambda: answered(1433, _TDS_DENIED.replace(b"\x18\x48", b"\x45\x16"), 6),
    ),
    9000210: Case(
        lambda: answered(6379, b"-WRONGPASS invalid username-password pair or user is disabled.\r\n", 6),
        lambda: answered(6379, b"-NOAUTH Authentication required.\r\n", 6),
    ),
    9000211: Case(
        lambda: answered(587, b"535 5.7.8 Error: authentication failed\r\n", 6),
        lambda: answered(587, b"235 2.7.0 Ok\r\n", 6),
    ),
    9000212: Case(
        lambda: answered(143, b"a1 NO [AUTHENTICATIONFAILED] Authentication failed.\r\n", 6),
        lambda: answered(143, b"a1 NO [NONEXISTENT] No such mailbox.\r\n", 6),
    ),
    9000213: Case(lambda: answered(389, _LDAP % b"\x31", 10), lambda: answered(389, _LDAP % b"\x00", 10)),
    9000214: Case(lambda: answered(88, _KRB % b"\x18", 12), lambda: answered(88, _KRB % b"\x19", 12)),
    9000215: Case(lambda: answered(5901, _VNC, 6), lambda: answered(5901, b"\0\0\0\0", 6)),
}
