"""Rules that could never match, because of what their buffers hold."""

from __future__ import annotations

import pytest

from .rule_text import parse, refused

MD5 = "0123456789abcdef0123456789ABCDEF"
HTTP, TLS, SSH, UDP = (f"alert {word} any any -> any any" for word in ("http", "tls", "ssh", "udp"))


@pytest.mark.parametrize(
    ("head", "options", "reason"),
    [
        (HTTP, 'http.host; content:"Evil.example";', "in lower case"),
        (HTTP, 'content:"evil.example"; http_host; nocase;', "nocase"),
        (HTTP, 'http.method; content:"GET ";', "no blanks"),
        (HTTP, 'http.method; content:"|09|GET";', "no blanks"),
        (HTTP, 'http.protocol; content:"HTTP/1.1 ";', "no blank"),
        (TLS, 'ja3.hash; content:"0123";', "32 hex digits"),
        (TLS, f'ja3s.hash; content:"{MD5.replace("f", "g")}";', "32 hex digits"),
        (SSH, 'ssh-hassh; content:"0123";', "32 hex digits"),
        (TLS, f'tls.cert_fingerprint; content:"{MD5}";', "20 pairs"),
        (TLS, 'tls.cert_serial; content:"0123";', "colon"),
        (HTTP, "app-layer-protocol:http;", "for http already"),
        ("alert tcp any any -> any any", "app-layer-protocol:!unknown;", "no test"),
        ("alert tcp any any -> any any", "app-layer-protocol:http; app-layer-protocol:tls;", "cannot both"),
        ("alert tcp any any -> any any", "app-layer-protocol:!http; app-layer-protocol:tls;", "cannot both"),
        ("alert tcp any any -> any any", "app-layer-protocol:!http; app-layer-protocol:!tls|http1;", "twice"),
        ("alert tcp any any -> any any", "app-layer-protocol:http,exact;", "http1"),
        ("alert tcp any any -> any any", "app-layer-protocol:!tls|unknown;", "no test"),
        ("alert tcp any any -> any any", "app-layer-protocol:tls,final,either;", "only one"),
        ("alert tcp any any -> any any", "app-layer-protocol:tls|;", "not recognised"),
        ("alert tcp any any -> any any", "app-layer-protocol:tls,toserver;", "to_server"),
        (HTTP, "urilen:>65536;", "out of range"),
        (HTTP, 'http.uri; content:"abc"; bsize:2;', "3 bytes, more than"),
        (HTTP, 'urilen:2<>4; http.uri; content:"abcdef";', "6 bytes, more than"),
        (HTTP, 'http.user_agent; to_lowercase; bsize:<2; content:"abcdef";', "6 bytes, more than"),
        (HTTP, 'http.user_agent; bsize:<2; content:"abc";', "3 bytes, more than"),
        (HTTP, 'http.user_agent; content:"abc"; bsize:1<>3; content:"d"; distance:0;', "4 bytes, more than"),
        (HTTP, 'http.uri; content:"abc"; offset:1; bsize:3;', "4 bytes, more than"),
        (HTTP, 'http.uri; content:"a"; content:"b"; distance:2; bsize:3;', "4 bytes, more than"),
        (UDP, 'content:"abc"; dsize:2;', "3 bytes, more than"),
        (UDP, 'dsize:8; content:"abc"; offset:6;', "9 bytes, more than"),
        (UDP, 'dsize:<2; content:"abc"; nocase;', "3 bytes, more than"),
        (UDP, 'content:"a"b";', "double quote"),
        (UDP, r'content:"a\\"b";', "double quote"),
        (HTTP, 'http.uri; to_md5; to_lowercase; content:"A";', "leaves nothing like"),
        (HTTP, 'http.uri; to_lowercase; to_md5; content:"A";', "leaves nothing like"),
        (HTTP, 'http.host; pcre:"/^a.B/W";', "upper case in it"),
        (HTTP, 'dsize:>10; http.uri; content:"a";', "http.uri is of no packet"),
        (TLS, 'tls.sni; content:"a"; flags:PA;', "tls.sni is of no packet"),
        (TLS, "ttl:64; tls.cert_chain_len:>2;", "tls.cert_chain_len is of no packet"),
        (HTTP, 'http.uri; content:"a"; tcp.hdr; content:"|50|"; offset:12; depth:1;', "ask for tcp.hdr"),
        ("alert udp any any -> any any", 'file.data; content:"a";', "only over TCP"),
        (HTTP, "filestore; bypass;", "bypass"),
        (HTTP, "bypass; filestore;", "bypass"),
    ],
)
def test_what_is_refused(head: str, options: str, reason: str) -> None:
    assert reason in refused(options, head=head)


@pytest.mark.parametrize(
    ("head", "options"),
    [
        (HTTP, 'http.host; to_uppercase; content:"EVIL";'),
        (HTTP, 'http.host; content:"evil.example";'),
        (HTTP, 'http.method; content:"GET";'),
        (HTTP, 'http.uri; content:"abc"; bsize:3;'),
        (HTTP, 'http.uri; content:!"abc"; bsize:2;'),
        (HTTP, 'http.uri; content:"abc"; bsize:!2;'),
        (HTTP, 'http.uri; content:"abc"; bsize:>2;'),
        (HTTP, 'http.user_agent; content:"abc"; http.uri; bsize:2;'),
        (HTTP, 'http.user_agent; content:"abc"; bsize:<3;'),
        (HTTP, 'http.uri; content:"abc"; offset:1; bsize:4;'),
        (HTTP, 'http.uri; content:"abcd"; content:"b"; distance:-3; bsize:4;'),
        (HTTP, 'http.uri; content:"ab"; pcre:"/^c/R"; content:"d"; distance:1; bsize:3;'),
        (HTTP, 'http.uri; byte_extract:1,0,n; content:"ab"; content:"c"; distance:n; bsize:3;'),
        (HTTP, "http.uri; bsize:>5;"),
        (UDP, 'content:"abc"; dsize:3;'),
        (UDP, 'content:"abc"; content:!"abcdef"; within:6; dsize:!3;'),
        (UDP, r'content:"a\"b|22|";'),
        (HTTP, 'stream_size:client,>,5; flow.age:<5; http.uri; content:"a";'),
        ("alert ip any any -> any any", 'file.data; content:"a";'),
        (HTTP, r'http.host; pcre:"/^a\S\x4Ab/W";'),
        (TLS, f'ja3.hash; content:"{MD5}";'),
        (SSH, f'ssh-hassh-server; content:"{MD5}";'),
        (SSH, 'ssh-hassh-string; content:"none"; ssh-hassh-server-string; content:"none";'),
        (TLS, 'tls.cert_serial; content:"01:23";'),
        (TLS, 'tls.cert_serial; content:"01";'),
        ("alert tcp any any -> any any", "app-layer-protocol:!http; app-layer-protocol:!tls;"),
        (
            "alert tcp any any -> any any",
            "app-layer-protocol:unknown|tls|http; app-layer-protocol:!tls,final;",
        ),
        ("alert tcp any any -> any any", "app-layer-protocol:dcerpc|dns,exact,either;"),
        (
            "alert tcp any any -> any any",
            "app-layer-protocol:http,to_server; app-layer-protocol:ssh,to_client;",
        ),
    ],
)
def test_what_loads(head: str, options: str) -> None:
    found = parse(options, head=head)
    assert found.steps or found.checks or found.columns


@pytest.mark.parametrize(
    ("head", "options"),
    [
        ("alert udp any any -> any any", "tcp.flags:S;"),
        ("alert tcp any any -> any any", 'udp.hdr; content:"a";'),
        ("alert tcp-pkt any any -> any any", "itype:8;"),
        ("alert icmpv6 any any -> any any", "ip_proto:1;"),
        ("alert ip any any -> any any", "ip_proto:5; ip_proto:6;"),
    ],
)
def test_headers_that_no_packet_has_together_are_refused(head: str, options: str) -> None:
    assert "no packet has together" in refused(options, head=head)


def test_headers_that_a_packet_may_have_load() -> None:
    parse("itype:8; icode:0;", head="alert icmp any any -> any any")
    parse("ip_proto:!6; ip_proto:<50;", head="alert ip any any -> any any")
