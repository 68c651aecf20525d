"""Words that rules may write for numbers of transactions, in lower case.

Source: the protocols' own standards, named at each table.
"""

from __future__ import annotations

from typing import Final

YES_NO: Final = {"yes": 1, "true": 1, "on": 1, "no": 0, "false": 0, "off": 0}
MQTT_TYPES: Final = {
    "unassigned": 0, "connect": 1, "connack": 2, "publish": 3, "puback": 4, "pubrec": 5, "pubrel": 6,
    "pubcomp": 7, "subscribe": 8, "suback": 9, "unsubscribe": 10, "unsuback": 11, "pingreq": 12,
    "pingresp": 13, "disconnect": 14, "auth": 15,
}  # fmt: skip
"""MQTT 5.0, 2.1.2."""
MQTT_FLAGS: Final = {"dup": 8, "retain": 1}
MQTT_CONNECT_FLAGS: Final = {
    "username": 0x80, "password": 0x40, "will_retain": 0x20, "will": 0x04, "clean_session": 0x02,
}  # fmt: skip
DNP3_FUNCTIONS: Final = {
    "confirm": 0, "read": 1, "write": 2, "select": 3, "operate": 4, "direct_operate": 5,
    "direct_operate_nr": 6, "immed_freeze": 7, "immed_freeze_nr": 8, "freeze_clear": 9,
    "freeze_clear_nr": 10, "freeze_at_time": 11, "freeze_at_time_nr": 12, "cold_restart": 13,
    "warm_restart": 14, "initialize_data": 15, "initialize_appl": 16, "start_appl": 17, "stop_appl": 18,
    "save_config": 19, "enable_unsolicited": 20, "disable_unsolicited": 21, "assign_class": 22,
    "delay_measure": 23, "record_current_time": 24, "open_file": 25, "close_file": 26, "delete_file": 27,
    "get_file_info": 28, "authenticate_file": 29, "abort_file": 30, "activate_config": 31,
    "authenticate_req": 32, "authenticate_err": 33, "response": 129, "unsolicited_response": 130,
    "authenticate_resp": 131,
}  # fmt: skip
"""IEEE 1815, 4.2.2.5."""
KRB5_TYPES: Final = {
    "as_req": 10, "as_rep": 11, "tgs_req": 12, "tgs_rep": 13, "ap_req": 14, "ap_rep": 15, "safe": 20,
    "priv": 21, "cred": 22, "error": 30,
}  # fmt: skip
"""RFC 4120, 7.5.7."""
SNMP_TYPES: Final = {
    "get_request": 0, "get_next_request": 1, "response": 2, "set_request": 3, "trap_v1": 4,
    "get_bulk_request": 5, "inform_request": 6, "trap_v2": 7, "report": 8,
}  # fmt: skip
"""RFC 3416, 3."""
SNMP_TRAPS: Final = {
    "coldstart": 0, "warmstart": 1, "linkdown": 2, "linkup": 3, "authenticationfailure": 4,
    "egpneighborloss": 5, "enterprisespecific": 6,
}  # fmt: skip
"""RFC 1157, 4.1.6."""
HTTP2_FRAMES: Final = {
    "data": 0, "headers": 1, "priority": 2, "rststream": 3, "rst_stream": 3, "settings": 4, "pushpromise": 5,
    "push_promise": 5, "ping": 6, "goaway": 7, "windowupdate": 8, "window_update": 8, "continuation": 9,
}  # fmt: skip
HTTP2_ERRORS: Final = {
    "no_error": 0, "protocol_error": 1, "internal_error": 2, "flow_control_error": 3, "settings_timeout": 4,
    "stream_closed": 5, "frame_size_error": 6, "refused_stream": 7, "cancel": 8, "compression_error": 9,
    "connect_error": 10, "enhance_your_calm": 11, "inadequate_security": 12, "http_1_1_required": 13,
    "http11_required": 13,
}  # fmt: skip
"""https://www.iana.org/assignments/http2-parameters"""
LDAP_OPERATIONS: Final = {
    "bind_request": 0, "bind_response": 1, "unbind_request": 2, "search_request": 3, "search_result_entry":
    4, "search_result_done": 5, "modify_request": 6, "modify_response": 7, "add_request": 8, "add_response":
    9, "del_request": 10, "del_response": 11, "mod_dn_request": 12, "mod_dn_response": 13,
    "compare_request": 14, "compare_response": 15, "abandon_request": 16, "search_result_reference": 19,
    "extended_request": 23, "extended_response": 24, "intermediate_response": 25,
}  # fmt: skip
"""RFC 4511, 4.2 to 4.13."""
LDAP_RESULTS: Final = {
    "success": 0, "operations_error": 1, "protocol_error": 2, "time_limit_exceeded": 3,
    "size_limit_exceeded": 4, "compare_false": 5, "compare_true": 6, "auth_method_not_supported": 7,
    "stronger_auth_required": 8, "referral": 10, "admin_limit_exceeded": 11,
    "unavailable_critical_extension": 12, "confidentiality_required": 13, "sasl_bind_in_progress": 14,
    "no_such_attribute": 16, "undefined_attribute_type": 17, "inappropriate_matching": 18,
    "constraint_violation": 19, "attribute_or_value_exists": 20, "invalid_attribute_syntax": 21,
    "no_such_object": 32, "alias_problem": 33, "invalid_dns_syntax": 34, "is_leaf": 35,
    "alias_dereferencing_problem": 36, "inappropriate_authentication": 48, "invalid_credentials": 49,
    "insufficient_access_rights": 50, "busy": 51, "unavailable": 52, "unwilling_to_perform": 53,
    "loop_detect": 54, "sort_control_missing": 60, "offset_range_error": 61, "naming_violation": 64,
    "object_class_violation": 65, "not_allowed_on_non_leaf": 66, "not_allowed_on_rdn": 67,
    "entry_already_exists": 68, "object_class_mods_prohibited": 69, "results_too_large": 70,
    "affects_multiple_dsas": 71, "control_error": 76, "other": 80, "server_down": 81, "local_error": 82,
    "encoding_error": 83, "decoding_error": 84, "timeout": 85, "auth_unknown": 86, "filter_error": 87,
    "user_canceled": 88, "param_error": 89, "no_memory": 90, "connect_error": 91, "not_supported": 92,
    "control_not_found": 93, "no_results_returned": 94, "more_results_to_return": 95, "client_loop": 96,
    "referral_limit_exceeded": 97, "invalid_response": 100, "ambiguous_response": 101, "tls_not_supported":
    112, "intermediate_response": 113, "unknown_type": 114, "canceled": 118, "no_such_operation": 119,
    "too_late": 120, "cannot_cancel": 121, "assertion_failed": 122, "authorization_denied": 123,
    "e_sync_refresh_required": 4096, "no_operation": 16654,
}  # fmt: skip
"""https://ldap.com/ldap-result-code-reference/"""
NTP_MODES: Final = {
    "reserved": 0, "symmetric_active": 1, "symmetric_passive": 2, "client": 3, "server": 4, "broadcast": 5,
    "control": 6, "private": 7,
}  # fmt: skip
"""RFC 5905, figure 10."""
RFB_RESULTS: Final = {"ok": 0, "fail": 1, "toomany": 2, "too_many": 2, "unknown": 3}
"""RFC 6143, 7.1.3, and what servers send after too many attempts."""
WEBSOCKET_FLAGS: Final = {"fin": 0x80, "comp": 0x40}
WEBSOCKET_OPCODES: Final = {
    "continuation": 0, "text": 1, "binary": 2, "close": 8, "connection_close": 8, "ping": 9, "pong": 10,
}  # fmt: skip
"""RFC 6455, 5.2; RFC 7692, 6."""
NFS3_PROCEDURES: Final = dict(
    enumerate(
        (
            "null", "getattr", "setattr", "lookup", "access", "readlink", "read", "write", "create", "mkdir",
            "symlink", "mknod", "remove", "rmdir", "rename", "link", "readdir", "readdirplus", "fsstat",
            "fsinfo", "pathconf", "commit",
        )
    )
)  # fmt: skip
"""RFC 1813, 3.3."""
NFS4_PROCEDURES: Final = dict(
    enumerate(
        (
            "access", "close", "commit", "create", "delegpurge", "delegreturn", "getattr", "getfh", "link",
            "lock", "lockt", "locku", "lookup", "lookupp", "nverify", "open", "openattr", "open_confirm",
            "open_downgrade", "putfh", "putpubfh", "putrootfh", "read", "readdir", "readlink", "remove",
            "rename", "renew", "restorefh", "savefh", "secinfo", "setattr", "setclientid",
            "setclientid_confirm", "verify", "write", "release_lockowner",
        ),
        3,
    )
)  # fmt: skip
"""RFC 7530, 16."""
KRB5_STRONG: Final = frozenset((17, 18, 19, 20, 25, 26))
"""Encryption types that are not weak or deprecated: AES (RFC 3962, 8009) and Camellia (RFC 6803)."""
ENIP_COMMANDS: Final = {
    "nop": 0, "list_services": 4, "list_identity": 0x63, "list_interfaces": 0x64, "register_session": 0x65,
    "unregister_session": 0x66, "send_rr_data": 0x6F, "send_rrdata": 0x6F, "send_r_r_data": 0x6F,
    "send_unit_data": 0x70, "indicate_status": 0x72, "cancel": 0x73,
}  # fmt: skip
"""The CIP Networks Library, volume 2, 2-3.2."""
ENIP_STATUSES: Final = {
    "success": 0, "invalid_cmd": 1, "no_resources": 2, "incorrect_data": 3, "invalid_session": 0x64,
    "invalid_length": 0x65, "unsupported_prot_rev": 0x69, "encap_header_error": 0x6A,
}  # fmt: skip
"""Volume 2, 2-3.4."""
