"""The anomalies that parsers may tell of, by protocol: the names that `app-layer-event` takes.

They are Suricata 8's (the event tables of its parsers, rules/*-events.rules), so that its rules load.
"""

from __future__ import annotations

from typing import Final

_OF_DNS: Final = (
    "malformed_data not_request not_response z_flag_set invalid_opcode name_too_long infinite_loop "
    "too_many_labels invalid_additionals invalid_authorities"
)
_RAISED: Final = {
    "bittorrent-dht": "malformed_packet",
    "dhcp": "truncated_options",
    "dnp3": "flooded len_too_small bad_link_crc bad_transport_crc unknown_object too_many_points "
    "too_many_objects too_long_reassembly",
    "dns": _OF_DNS,
    "enip": "too_many_transactions invalid_pdu",
    "ftp": "request_command_too_long response_command_too_long too_many_transactions",
    "http": "gzip_decompression_failed request_field_missing_colon response_field_missing_colon "
    "invalid_request_chunk_len invalid_response_chunk_len request_chunk_extension response_chunk_extension "
    "request_too_many_headers response_too_many_headers invalid_transfer_encoding_value_in_request "
    "invalid_content_length_field_in_request invalid_content_length_field_in_response "
    "duplicate_content_length_field_in_request duplicate_content_length_field_in_response "
    "100_continue_already_seen unable_to_match_response_to_request request_header_invalid "
    "response_header_invalid missing_host_header host_header_ambiguous invalid_request_field_folding "
    "invalid_response_field_folding request_field_too_long response_field_too_long file_name_too_long "
    "request_line_invalid request_line_missing_protocol request_body_unexpected request_uri_host_invalid "
    "request_header_host_invalid request_auth_unrecognized request_header_repetition "
    "response_header_repetition uri_delim_non_compliant method_delim_non_compliant "
    "request_line_leading_whitespace too_many_encoding_layers abnormal_ce_header "
    "response_multipart_byteranges response_abnormal_transfer_encoding response_chunked_old_proto "
    "response_invalid_protocol response_invalid_status request_line_incomplete compression_bomb "
    "range_invalid multipart_no_filedata multipart_invalid_header too_many_warnings",
    "http2": "invalid_client_magic invalid_frame_data invalid_header "
    "invalid_frame_length long_frame_data stream_id_reuse invalid_http1_settings "
    "failed_decompression invalid_range header_integer_overflow too_many_streams authority_host_mismatch "
    "userinfo_in_uri reassembly_limit_reached dns_request_too_long dns_response_too_long data_stream_zero",
    "ike": "no_encryption weak_crypto_enc weak_crypto_prf weak_crypto_dh weak_crypto_auth "
    "weak_crypto_no_dh weak_crypto_no_auth invalid_proposal unknown_proposal payload_extra_data "
    "multiple_server_proposal",
    "krb5": "malformed_data weak_encryption",
    "ldap": "too_many_transactions invalid_data request_not_found incomplete_data",
    "mdns": _OF_DNS,
    "modbus": "unsolicited_response invalid_function_code invalid_length invalid_value "
    "invalid_exception_code value_mismatch flooded invalid_protocol_id",
    "mqtt": "missing_connect missing_publish missing_subscribe missing_unsubscribe double_connect "
    "unintroduced_message invalid_qos_level unassigned_msg_type too_many_transactions "
    "malformed_traffic",
    "nfs": "malformed_data non_existing_version too_many_transactions",
    "ntp": "malformed_data",
    "pgsql": "invalid_length malformed_request malformed_response too_many_transactions too_many_responses",
    "pop3": "too_many_transactions request_too_long incorrect_argument_count unknown_command "
    "response_too_long",
    "quic": "failed_decrypt error_on_data crypto_frag_too_long",
    "rfb": "confused_state malformed_message unimplemented_security_type unknown_security_result",
    "sip": "invalid_data",
    "smb": "malformed_data unusual_ntlmssp_order duplicate_negotiate "
    "negotiate_malformed_dialects file_overlap request_to_client response_to_server "
    "negotiate_max_read_size_too_large negotiate_max_write_size_too_large read_request_too_large "
    "read_response_too_large read_queue_cnt_exceeded write_request_too_large write_queue_cnt_exceeded "
    "read_queue_size_exceeded write_queue_size_exceeded",
    "smtp": "invalid_reply "
    "invalid_pipelined_sequence bdat_chunk_len_exceeded no_server_welcome_message tls_rejected "
    "data_command_rejected mime_invalid_base64 mime_invalid_qp mime_long_line "
    "mime_long_enc_line mime_long_header_name mime_long_header_value mime_long_boundary "
    "mime_long_filename duplicate_fields unparsable_content truncated_line",
    "snmp": "unknown_security_model version_mismatch",
    "ssh": "invalid_banner long_banner invalid_record long_kex_record",
    "tls": "invalid_sslv2_header invalid_record_version invalid_record_type invalid_record_length "
    "invalid_handshake_message invalid_heartbeat_message "
    "overflow_heartbeat_message dataleak_heartbeat_mismatch handshake_invalid_length "
    "multiple_sni_extensions invalid_sni_type invalid_sni_length invalid_alert_message "
    "invalid_certificate certificate_invalid_length certificate_invalid_version "
    "certificate_invalid_serial certificate_invalid_algorithmidentifier "
    "certificate_invalid_x509name certificate_invalid_date certificate_invalid_extensions "
    "certificate_invalid_der error_message_encountered invalid_ssl_record",
    "websocket": "skip_end_of_payload reassembly_limit_reached",
}
RAISED: Final = {protocol: frozenset(names.split()) for protocol, names in _RAISED.items()}

_SILENT: Final = {
    "dhcp": "malformed_options",
    "dnp3": "malformed",
    "http": "unknown_error invalid_transfer_encoding_value_in_response invalid_server_port_in_request "
    "invalid_authority_port request_server_port_tcp_port_mismatch double_encoded_uri lzma_memlimit_reached "
    "multipart_generic_error failed_protocol_change",
    "http2": "invalid_frame_header extra_header_data",
    "ike": "malformed_data",
    "mqtt": "missing_msg_id",
    "nfs": "unsupported_version",
    "ntp": "unsolicited_response not_request not_response",
    "quic": "error_on_header",
    "sip": "incomplete_data",
    "smb": "internal_error record_overflow malformed_ntlmssp_request malformed_ntlmssp_response "
    "too_many_transactions",
    "snmp": "malformed_data",
    "smtp": "unable_to_match_reply_with_request mime_parse_failed failed_protocol_change "
    "max_command_line_len_exceeded max_reply_line_len_exceeded",
    "tls": "invalid_tls_header certificate_invalid_subject certificate_invalid_issuer "
    "certificate_invalid_validity heartbeat_message too_many_records_in_packet",
}
SILENT: Final = {protocol: frozenset(names.split()) for protocol, names in _SILENT.items()}
"""Names that Suricata 8 takes and hardly brings about either: no line of it sets them, or only with settings
that are not usual. Rules with them load, as there."""

_NEVER: Final = {
    "smtp": "mime_malformed_msg",
    "dns": "unsolicited_response flooded state_memcap_reached",
    "modbus": "invalid_unit_identifier",
    "tls": "certificate_missing_element certificate_unknown_element certificate_invalid_string "
    "too_many_subject_alternative_names",
}
NEVER_RAISED: Final = {protocol: frozenset(names.split()) for protocol, names in _NEVER.items()}
"""Names of older versions, which Suricata 8 does not take either. Rules with them are refused."""

UNTOLD: Final = {
    "file": "Flash files are not decompressed here, nor in Suricata unless it is told to",
    "imap": "IMAP is recognised, its commands are not read",
}
"""What comes before the dot in names of Suricata, and why nothing tells of such an anomaly here."""

PROTOCOLS: Final = {"http1": "http", "ikev2": "ike", "doh2": "http2", "bittorrent_dht": "bittorrent-dht"}
"""Other words for protocols in front of an event."""
OLD_NAMES: Final = {
    "dns.not_a_request": "dns.not_request",
    "dns.not_a_response": "dns.not_response",
    "dns.unsollicited_response": "dns.unsolicited_response",
    "ike.weak_crypto_nodh": "ike.weak_crypto_no_dh",
    "ike.weak_crypto_noauth": "ike.weak_crypto_no_auth",
    "dnp3.max_points_per_object": "dnp3.too_many_points",
    "mqtt.unassigned_msgtype": "mqtt.unassigned_msg_type",
}
"""As older versions of Suricata spelt them."""


def known(protocol: str) -> frozenset[str]:
    """`protocol.name` of all that rules may look for."""
    names = RAISED.get(protocol, frozenset()) | SILENT.get(protocol, frozenset())
    return frozenset(f"{protocol}.{name}" for name in names)
