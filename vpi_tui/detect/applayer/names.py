"""How rules spell buffers: the sticky names, their older forms, and the modifiers of content.

Kept apart from the parsers, so that reading rules imports none of them. Source: the keyword chapters
of the Suricata user guide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vpi_tui.detect.applayer.words import (
    DNP3_FUNCTIONS,
    ENIP_COMMANDS,
    ENIP_STATUSES,
    HTTP2_ERRORS,
    HTTP2_FRAMES,
    KRB5_TYPES,
    LDAP_OPERATIONS,
    LDAP_RESULTS,
    MQTT_CONNECT_FLAGS,
    MQTT_FLAGS,
    MQTT_TYPES,
    NTP_MODES,
    RFB_RESULTS,
    SNMP_TRAPS,
    SNMP_TYPES,
    WEBSOCKET_FLAGS,
    WEBSOCKET_OPCODES,
    YES_NO,
)
from vpi_tui.detect.transforms import base_of
from vpi_tui.model.batch import Direction


@dataclass(frozen=True, slots=True)
class BufferName:
    """name: the sticky buffer; sticky: other spellings of it; modifiers: words after a content.

    multi: there may be several instances, and each time that a rule names it, it means one of them.
    """

    name: str
    summary: str
    sticky: tuple[str, ...] = ()
    modifiers: tuple[str, ...] = ()
    multi: bool = False
    folded: bool = False
    """Hexadecimal digits, which rules may write in either case."""


@dataclass(frozen=True, slots=True)
class NumberName:
    """A keyword that compares a number of a transaction: a buffer that holds it, big-endian.

    words: values that have names, in lower case; others: other spellings of the keyword.
    """

    name: str
    summary: str
    largest: int
    words: dict[str, int]
    others: tuple[str, ...] = ()
    flags: bool = False
    """The words are bits: a rule names those that are set, and with `!` those that are not."""
    least: int | None = None
    """A rule writes one number from here to the largest and no other test; None = any."""


DNS_TYPES: Final = {
    "a": 1, "ns": 2, "md": 3, "mf": 4, "cname": 5, "soa": 6, "mb": 7, "mg": 8, "mr": 9, "null": 10,
    "wks": 11, "ptr": 12, "hinfo": 13, "minfo": 14, "mx": 15, "txt": 16, "rp": 17, "afsdb": 18, "x25": 19,
    "isdn": 20, "rt": 21, "nsap": 22, "nsapptr": 23, "sig": 24, "key": 25, "px": 26, "gpos": 27,
    "aaaa": 28, "loc": 29, "nxt": 30, "srv": 33, "atma": 34, "naptr": 35, "kx": 36, "cert": 37, "a6": 38,
    "dname": 39, "opt": 41, "apl": 42, "ds": 43, "sshfp": 44, "ipseckey": 45, "rrsig": 46, "nsec": 47,
    "dnskey": 48, "dhcid": 49, "nsec3": 50, "nsec3param": 51, "tlsa": 52, "smimea": 53, "hip": 55,
    "cds": 59, "cdnskey": 60, "openpgpkey": 61, "csync": 62, "zonemd": 63, "svcb": 64, "https": 65,
    "spf": 99, "tkey": 249, "tsig": 250, "ixfr": 251, "axfr": 252, "maila": 254, "any": 255, "uri": 256,
}  # fmt: skip
"""https://www.iana.org/assignments/dns-parameters"""
DNS_RCODES: Final = {
    "noerror": 0, "formerr": 1, "servfail": 2, "nxdomain": 3, "notimp": 4, "refused": 5, "yxdomain": 6,
    "yxrrset": 7, "nxrrset": 8, "notauth": 9, "notzone": 10, "badvers": 16, "badsig": 16, "badkey": 17,
    "badtime": 18, "badmode": 19, "badname": 20, "badalg": 21, "badtrunc": 22,
}  # fmt: skip


BUFFER_NAMES: Final = (
    BufferName("http.uri", "normalised URI", modifiers=("http_uri",)),
    BufferName("http.uri.raw", "URI as sent", modifiers=("http_raw_uri",)),
    BufferName("http.method", "request method", modifiers=("http_method",)),
    BufferName("http.header", "headers, normalised", modifiers=("http_header",)),
    BufferName("http.header.raw", "headers as sent", modifiers=("http_raw_header",)),
    BufferName("http.cookie", "cookies", modifiers=("http_cookie",)),
    BufferName("http.host", "host, lower case, without port", modifiers=("http_host",)),
    BufferName("http.host.raw", "host as sent", modifiers=("http_raw_host",)),
    BufferName("http.user_agent", "User-Agent", modifiers=("http_user_agent",)),
    BufferName("http.request_body", "request body", modifiers=("http_client_body",)),
    BufferName("http.response_body", "response body", modifiers=("http_server_body",)),
    BufferName("http.stat_code", "status code", modifiers=("http_stat_code",)),
    BufferName("http.stat_msg", "status message", modifiers=("http_stat_msg",)),
    BufferName("http.header_names", "names of the headers", ("http_header_names",)),
    BufferName("http.accept", "Accept", ("http_accept",)),
    BufferName("http.accept_enc", "Accept-Encoding", ("http_accept_enc",)),
    BufferName("http.accept_lang", "Accept-Language", ("http_accept_lang",)),
    BufferName("http.connection", "Connection", ("http_connection",)),
    BufferName("http.content_type", "Content-Type", ("http_content_type",)),
    BufferName("http.content_len", "Content-Length", ("http_content_len",)),
    BufferName("http.referer", "Referer", ("http_referer",)),
    BufferName("http.protocol", "protocol and version", ("http_protocol",)),
    BufferName("http.start", "first line and headers", ("http_start",)),
    BufferName("http.request_line", "request line", ("http_request_line",)),
    BufferName("http.response_line", "response line", ("http_response_line",)),
    BufferName("http.location", "Location"),
    BufferName("http.server", "Server"),
    BufferName("http.request_header", "one header of a request", multi=True),
    BufferName("http.response_header", "one header of a response", multi=True),
    BufferName("quic.version", "version of a QUIC packet, four bytes"),
    BufferName("quic.sni", "server name that a QUIC client asks for"),
    BufferName("quic.ua", "user agent of a client of Google's QUIC"),
    BufferName("quic.cyu.hash", "fingerprint of a hello of Google's QUIC", multi=True, folded=True),
    BufferName("quic.cyu.string", "text of the fingerprint of a hello of Google's QUIC", multi=True),
    BufferName("websocket.payload", "payload of a WebSocket frame, of the last one all of the message"),
    BufferName("http2.header", "HTTP/2 header field, each colon in it twice", multi=True),
    BufferName("http2.header_name", "name of an HTTP/2 header field", multi=True),
    BufferName("dns.query", "name of a DNS query", ("dns_query",), multi=True),
    BufferName("dns.queries.rrname", "name in a question of a DNS message", ("dns.query.name",), multi=True),
    BufferName("dns.answers.rrname", "name of an answer", ("dns.answer.name",), multi=True),
    BufferName("dns.authorities.rrname", "name of an authority record", multi=True),
    BufferName("dns.additionals.rrname", "name of an additional record", multi=True),
    BufferName("dns.response.rrname", "name anywhere in a DNS response", multi=True),
    BufferName("dcerpc.stub_data", "arguments or results of a DCE/RPC call", ("dce_stub_data",)),
    BufferName("mdns.queries.rrname", "name in the questions of an mDNS message", multi=True),
    BufferName("mdns.answers.rrname", "name of an answer by mDNS", multi=True),
    BufferName("mdns.authorities.rrname", "name of an authority record by mDNS", multi=True),
    BufferName("mdns.additionals.rrname", "name of an additional record by mDNS", multi=True),
    BufferName("mdns.response.rrname", "name anywhere in an mDNS response", multi=True),
    BufferName("snmp.community", "community of an SNMP message"),
    BufferName("snmp.usm", "user of an SNMP message"),
    BufferName("snmp.trap_oid", "enterprise of an SNMP trap, dotted"),
    BufferName("snmp.trap_address", "address that an SNMP trap names, dotted"),
    BufferName("smb.named_pipe", "share of named pipes that SMB connects to", ("smb_named_pipe",)),
    BufferName("smb.share", "share of files that SMB connects to", ("smb_share",)),
    BufferName("smb.ntlmssp_user", "user that logs on with NTLMSSP"),
    BufferName("smb.ntlmssp_domain", "domain of a user that logs on with NTLMSSP"),
    BufferName("ssh.proto", "protocol version of an SSH banner", ("ssh_proto",)),
    BufferName("ssh.software", "software of an SSH banner", ("ssh_software",)),
    BufferName("ssh.hassh", "fingerprint of an SSH client", ("ssh-hassh",), folded=True),
    BufferName("ssh.hassh.server", "fingerprint of an SSH server", ("ssh-hassh-server",), folded=True),
    BufferName("ssh.hassh.string", "algorithms of an SSH client", ("ssh-hassh-string",)),
    BufferName("ssh.hassh.server.string", "algorithms of an SSH server", ("ssh-hassh-server-string",)),
    BufferName("tls.sni", "server name that a TLS client asks for", ("tls_sni",)),
    BufferName("tls.alpn", "protocol that a TLS hello names", multi=True),
    BufferName("tls.random", "random bytes of a TLS hello"),
    BufferName("tls.random_time", "time in the random bytes of a TLS hello"),
    BufferName("tls.random_bytes", "random bytes of a TLS hello without the time"),
    BufferName("tls.certs", "certificate as sent", multi=True),
    BufferName("tls.cert_subject", "subject of a certificate", ("tls_cert_subject",), multi=True),
    BufferName("tls.cert_issuer", "issuer of a certificate", ("tls_cert_issuer",)),
    BufferName("tls.cert_serial", "serial number of a certificate", ("tls_cert_serial",), folded=True),
    BufferName("tls.cert_fingerprint", "SHA-1 of a certificate", ("tls_cert_fingerprint",), folded=True),
    BufferName("tls.subjectaltname", "alternative name of a certificate", multi=True),
    BufferName("ja3.hash", "JA3 of a TLS client", ("ja3_hash",), folded=True),
    BufferName("ja3.string", "text of the JA3 of a TLS client", ("ja3_string",)),
    BufferName("ja3s.hash", "JA3S of a TLS server", folded=True),
    BufferName("ja3s.string", "text of the JA3S of a TLS server"),
    BufferName("ja4.hash", "JA4 of a TLS client", folded=True),
    BufferName("sip.method", "method of a SIP request"),
    BufferName("sip.uri", "URI of a SIP request"),
    BufferName("sip.request_line", "first line of a SIP request"),
    BufferName("sip.stat_code", "status code of a SIP response"),
    BufferName("sip.stat_msg", "status message of a SIP response"),
    BufferName("sip.response_line", "first line of a SIP response"),
    BufferName("sip.protocol", "protocol and version of a SIP message"),
    BufferName("sip.from", "From of a SIP message", multi=True),
    BufferName("sip.to", "To of a SIP message", multi=True),
    BufferName("sip.via", "Via of a SIP message", multi=True),
    BufferName("sip.user_agent", "User-Agent of a SIP message", ("sip.ua",), multi=True),
    BufferName("sip.content_type", "Content-Type of a SIP message", multi=True),
    BufferName("sip.content_length", "Content-Length of a SIP message", multi=True),
    BufferName("sdp.origin", "origin of a described session"),
    BufferName("sdp.session_name", "name of a described session"),
    BufferName("sdp.session_info", "information about a described session"),
    BufferName("sdp.uri", "URI of a described session"),
    BufferName("sdp.email", "mail address in a described session"),
    BufferName("sdp.phone_number", "phone number in a described session"),
    BufferName("sdp.connection_data", "connection data of a described session"),
    BufferName("sdp.bandwidth", "bandwidth of a described session", multi=True),
    BufferName("sdp.time", "time of a described session", multi=True),
    BufferName("sdp.repeat_time", "repeat times of a described session", multi=True),
    BufferName("sdp.timezone", "time zones of a described session"),
    BufferName("sdp.encryption_key", "encryption key of a described session"),
    BufferName("sdp.attribute", "attribute of a described session", multi=True),
    BufferName("sdp.media.media", "medium of a described session", multi=True),
    BufferName("sdp.media.media_info", "information about a medium", multi=True),
    BufferName("sdp.media.connection_data", "connection data of a medium", multi=True),
    BufferName("sdp.media.encryption_key", "encryption key of a medium", multi=True),
    BufferName("smtp.helo", "name with which an SMTP client greets"),
    BufferName("smtp.mail_from", "sender of a mail, as the envelope says"),
    BufferName("smtp.rcpt_to", "recipient of a mail, as the envelope says", multi=True),
    BufferName("email.from", "From of a mail"),
    BufferName("email.to", "To of a mail"),
    BufferName("email.cc", "Cc of a mail"),
    BufferName("email.subject", "Subject of a mail"),
    BufferName("email.date", "Date of a mail"),
    BufferName("email.message_id", "Message-ID of a mail"),
    BufferName("email.x_mailer", "X-Mailer of a mail"),
    BufferName("email.received", "Received of a mail", multi=True),
    BufferName("email.body_md5", "MD5 of the body of a mail", folded=True),
    BufferName("email.url", "URL in the text of a mail, without its scheme", multi=True),
    BufferName("ftp.command", "FTP command in upper case"),
    BufferName("ftp.command_data", "argument of an FTP command"),
    BufferName("ftp.reply", "line of an FTP reply without its code", multi=True),
    BufferName("ftp.completion_code", "code of an FTP reply", multi=True),
    BufferName("mqtt.connect.protocol_string", "protocol that an MQTT client names"),
    BufferName("mqtt.connect.clientid", "identifier of an MQTT client"),
    BufferName("mqtt.connect.username", "user of an MQTT client"),
    BufferName("mqtt.connect.password", "password of an MQTT client"),
    BufferName("mqtt.connect.willtopic", "topic of an MQTT client's will"),
    BufferName("mqtt.connect.willmessage", "message of an MQTT client's will"),
    BufferName("mqtt.publish.topic", "topic that an MQTT message is published to"),
    BufferName("mqtt.publish.message", "message that is published by MQTT"),
    BufferName("mqtt.subscribe.topic", "topic that an MQTT client subscribes to", multi=True),
    BufferName("mqtt.unsubscribe.topic", "topic that an MQTT client is done with", multi=True),
    BufferName("krb5.cname", "part of a Kerberos client's name", ("krb5_cname",), multi=True),
    BufferName("krb5.sname", "part of a Kerberos server's name", ("krb5_sname",), multi=True),
    BufferName("dnp3.data", "DNP3 fragment without its CRCs", ("dnp3_data",)),
    BufferName("ike.init_spi", "security parameter index of an IKE initiator", folded=True),
    BufferName("ike.resp_spi", "security parameter index of an IKE responder", folded=True),
    BufferName("ike.vendor", "vendor identifier of an IKE initiator, in hex", multi=True, folded=True),
    BufferName("ike.key_exchange_payload", "public key data of an IKE message"),
    BufferName("ike.nonce_payload", "nonce of an IKE message"),
    BufferName("ldap.request.dn", "entry that an LDAP request is about"),
    BufferName("ldap.request.attribute_type", "attribute in an LDAP request", multi=True),
    BufferName("ldap.responses.dn", "entry of an LDAP response", multi=True),
    BufferName("ldap.responses.message", "error message of an LDAP response", multi=True),
    BufferName("ldap.responses.attribute_type", "attribute in an LDAP response", multi=True),
    BufferName("enip.product_name", "name of a product, as it tells by EtherNet/IP"),
    BufferName("enip.service_name", "name of a service that a device offers by EtherNet/IP"),
    BufferName("pgsql.query", "query that is sent to PostgreSQL"),
    BufferName("ntp.reference_id", "reference identifier of an NTP message, four bytes"),
    BufferName("rfb.name", "name of a VNC desktop"),
    BufferName("file.name", "name of a file", multi=True),
    BufferName("file.data", "content of a file", ("file_data",), multi=True),
)
"""One line for each buffer of an application layer."""

IKE_ATTRIBUTE: Final = "ike.chosen_sa_attribute."
"""Before the word for an attribute: the buffer that holds its value."""

_U64: Final = (1 << 64) - 1

NUMBERS: Final = (
    NumberName("dhcp.leasetime", "time of a DHCP lease, in seconds", _U64, {}),
    NumberName("dhcp.renewal_time", "time until a DHCP lease is renewed, in seconds", _U64, {}),
    NumberName("dhcp.rebinding_time", "time until a DHCP client rebinds, in seconds", _U64, {}),
    NumberName("snmp.version", "version of an SNMP message", 0xFFFFFFFF, {}),
    NumberName("snmp.pdu_type", "type of an SNMP message", 0xFFFFFFFF, SNMP_TYPES),
    NumberName("snmp.trap_type", "generic type of an SNMP trap", 0xFF, SNMP_TRAPS),
    NumberName("smb.version", "version of SMB: 1, or 2 for versions 2 and 3", 2, {}, least=1),
    NumberName("ike.exchtype", "type of an IKE exchange", 0xFF, {}),
    NumberName("ike.key_exchange_payload_length", "size of an IKE key exchange", 0xFFFFFFFF, {}),
    NumberName("ike.nonce_payload_length", "size of an IKE nonce", 0xFFFFFFFF, {}),
    NumberName("krb5_msg_type", "type of a Kerberos message", 0xFFFFFFFF, KRB5_TYPES),
    NumberName("krb5_err_code", "error code of a Kerberos message", 0x7FFFFFFF, {}),
    NumberName("ftp.dynamic_port", "port of the data connection that an FTP command arranges", 0xFFFF, {}),
    NumberName("websocket.flags", "flags of a WebSocket frame", 0xFF, WEBSOCKET_FLAGS, flags=True),
    NumberName("websocket.opcode", "opcode of a WebSocket frame", 0xFF, WEBSOCKET_OPCODES),
    NumberName("websocket.mask", "mask of a WebSocket frame", 0xFFFFFFFF, {}),
    NumberName("http2.frametype", "type of an HTTP/2 frame", 0xFF, HTTP2_FRAMES),
    NumberName("http2.errorcode", "error code of an HTTP/2 frame", 0xFFFFFFFF, HTTP2_ERRORS),
    NumberName("http2.priority", "weight of an HTTP/2 stream", 0xFF, {}),
    NumberName("http2.window", "window update of HTTP/2", 0xFFFFFFFF, {}),
    NumberName("http2.size_update", "size of the table of HTTP/2 header fields", _U64, {}),
    NumberName("tls.cert_chain_len", "number of certificates sent", 0xFFFFFFFF, {}),
    NumberName("dns.opcode", "operation of a DNS message", 0xFF, {}),
    NumberName("dns.rcode", "outcome of a DNS response", 0xFFFF, DNS_RCODES),
    NumberName("dns.rrtype", "type of a question or answer", 0xFFFF, DNS_TYPES),
    NumberName("dnp3_func", "function of a DNP3 message", 0xFF, DNP3_FUNCTIONS, ("dnp3.func",)),
    NumberName("enip_command", "command of an EtherNet/IP message", 0xFFFF, ENIP_COMMANDS, ("enip.command",)),
    NumberName("enip.status", "status of an EtherNet/IP message", 0xFFFFFFFF, ENIP_STATUSES),
    NumberName("enip.protocol_version", "version of EtherNet/IP", 0xFFFF, {}),
    NumberName("enip.capabilities", "capabilities of a service of EtherNet/IP", 0xFFFF, {}),
    NumberName("enip.vendor_id", "vendor that an EtherNet/IP identity names", 0xFFFF, {}),
    NumberName("enip.device_type", "device type of an EtherNet/IP identity", 0xFFFF, {}),
    NumberName("enip.product_code", "product code of an EtherNet/IP identity", 0xFFFF, {}),
    NumberName("enip.revision", "revision of an EtherNet/IP identity", 0xFFFF, {}),
    NumberName("enip.identity_status", "status of an EtherNet/IP identity", 0xFFFF, {}),
    NumberName("enip.serial", "serial number of an EtherNet/IP identity", 0xFFFFFFFF, {}),
    NumberName("enip.state", "state of an EtherNet/IP identity", 0xFF, {}),
    NumberName("enip.cip_class", "class in the path of a CIP request", 0xFFFFFFFF, {}),
    NumberName("enip.cip_instance", "instance in the path of a CIP request", 0xFFFFFFFF, {}),
    NumberName("enip.cip_attribute", "attribute that a CIP request names", 0xFFFFFFFF, {}),
    NumberName("enip.cip_status", "status of a CIP response", 0xFF, {}),
    NumberName("enip.cip_extendedstatus", "extended status of a CIP response", 0xFFFF, {}),
    NumberName("ldap.request.operation", "operation of an LDAP request", 0xFF, LDAP_OPERATIONS),
    NumberName("ldap.responses.operation", "operation of an LDAP response", 0xFF, LDAP_OPERATIONS),
    NumberName("ldap.responses.count", "number of responses to an LDAP request", 0xFFFFFFFF, {}),
    NumberName("ldap.responses.result_code", "result of an LDAP response", 0xFFFFFFFF, LDAP_RESULTS),
    NumberName("ntp.version", "version of an NTP message", 0xFF, {}),
    NumberName("ntp.mode", "mode of an NTP message", 0xFF, NTP_MODES),
    NumberName("ntp.stratum", "stratum of an NTP server", 0xFF, {}),
    NumberName("rfb.sectype", "security type of a VNC connection", 0xFFFFFFFF, {}),
    NumberName("rfb.secresult", "result of a VNC authentication", 0xFFFFFFFF, RFB_RESULTS),
    NumberName("mqtt.protocol_version", "version of MQTT", 0xFF, {}),
    NumberName("mqtt.type", "type of an MQTT message", 15, MQTT_TYPES),
    NumberName("mqtt.flags", "flags of an MQTT message", 0xFF, MQTT_FLAGS, flags=True),
    NumberName("mqtt.qos", "quality of service of an MQTT message", 2, {}, least=0),
    NumberName("mqtt.reason_code", "reason code of an MQTT message", 0xFF, {}, ("mqtt.connack.return_code",)),
    NumberName("mqtt.connack.session_present", "presence of an MQTT session", 1, YES_NO),
    NumberName("mqtt.connect.flags", "flags of an MQTT CONNECT", 0xFF, MQTT_CONNECT_FLAGS, flags=True),
)
"""One line for each number that rules compare."""

OF_MODIFIERS: Final = "http1"
"""What modifiers of a content, uricontent and the flags of a pcre are about, as in Suricata. They are older
than HTTP/2: only sticky buffers look at it."""
FOLDED: Final = frozenset(buffer.name for buffer in BUFFER_NAMES if buffer.folded)
INSTANCE: Final = "#"
"""Between the name of a buffer and which mention of it in a rule is meant, from the second on."""


SIDES: Final = {"to_server": Direction.TO_SERVER, "to_client": Direction.TO_CLIENT}
"""Words behind INSTANCE that say of which direction a buffer is meant, in rules about both."""


def side_of(buffer: str) -> int | None:
    """The Direction that a rule names with a buffer; None = it names none."""
    return SIDES.get(base_of(buffer).partition(INSTANCE)[2])


def plain_name(buffer: str) -> str:
    """The name of a buffer without the number of its mention and without transforms."""
    return base_of(buffer).partition(INSTANCE)[0]
