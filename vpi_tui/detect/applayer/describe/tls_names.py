"""Words for numbers of TLS as Suricata writes them of QUIC.

Source: https://www.iana.org/assignments/tls-extensiontype-values
"""

from __future__ import annotations

from typing import Final

EXTENSIONS: Final = {
    0: "server_name", 1: "max_fragment_length", 2: "client_certificate_url", 3: "trusted_ca_keys",
    4: "truncated_hmac", 5: "status_request", 6: "user_mapping", 7: "client_authz", 8: "server_authz",
    9: "cert_type", 10: "supported_groups", 11: "ec_point_formats", 12: "srp", 13: "signature_algorithms",
    14: "use_srtp", 15: "heartbeat", 16: "alpn", 17: "status_request_v2", 18: "signed_certificate_timestamp",
    19: "client_certificate_type", 20: "server_certificate_type", 21: "padding", 22: "encrypt_then_mac",
    23: "extended_master_secret", 24: "token_binding", 25: "cached_info", 26: "tls_lts",
    27: "compress_certificate", 28: "record_size_limit", 29: "pwd_protect", 30: "pwd_clear",
    31: "password_salt", 32: "ticket_pinning", 33: "tls_cert_with_extern_psk", 34: "delegated_credentials",
    35: "session_ticket", 36: "tlmsp", 37: "tlmsp_proxying", 38: "tlmsp_delegate",
    39: "supported_ekt_ciphers", 41: "pre_shared_key", 42: "early_data", 43: "supported_versions",
    44: "cookie", 45: "psk_key_exchange_modes", 47: "certificate_authorities", 48: "oid_filters",
    49: "post_handshake_auth", 50: "signature_algorithms_cert", 51: "key_share", 52: "transparency_info",
    53: "connection_id_deprecated", 54: "connection_id", 55: "external_id_hash", 56: "external_session_id",
    57: "quic_transport_parameters", 58: "ticket_request", 59: "dnssec_chain",
    13172: "next_protocol_negotiation", 65281: "renegotiation_info",
}  # fmt: skip
_VERSIONS: Final = {0x0300: "Ssl30", 0x0301: "Tls10", 0x0302: "Tls11", 0x0303: "Tls12", 0x0304: "Tls13"}


def version_name(number: int) -> str:
    """What Suricata calls a version that an extension lists."""
    return _VERSIONS.get(number, f"TlsVersion({number} / 0x{number:x})")
