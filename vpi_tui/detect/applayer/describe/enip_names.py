"""Words for numbers of CIP (The CIP Networks Library, volume 1, chapter 5 and appendices A and B)."""

from __future__ import annotations

from typing import Final

SERVICES: Final = {
    0x01: "GetAttributesAll", 0x02: "SetAttributesAll", 0x03: "GetAttributeList", 0x04: "SetAttributeList",
    0x05: "Reset", 0x06: "Start", 0x07: "Stop", 0x08: "Create", 0x09: "Delete", 0x0A: "MultipleServicePacket",
    0x0D: "ApplyAttributes", 0x0E: "GetAttributeSingle", 0x10: "SetAttributeSingle",
    0x11: "FindNextObjectInstance", 0x15: "Restore", 0x16: "Save", 0x17: "NoOperation", 0x18: "GetMember",
    0x19: "SetMember", 0x1A: "InsertMember", 0x1B: "RemoveMember", 0x1C: "GroupSync",
    0x4C: "ReadTag", 0x4D: "WriteTag", 0x4E: "ForwardClose", 0x52: "UnconnectedSend", 0x54: "ForwardOpen",
    0x56: "GetConnectionData", 0x57: "SearchConnectionData", 0x5A: "GetConnectionOwner",
    0x5B: "LargeForwardOpen",
}  # fmt: skip
CLASSES: Final = {
    0x01: "Identity", 0x02: "Message Router", 0x03: "DeviceNet", 0x04: "Assembly", 0x05: "Connection",
    0x06: "Connection Manager", 0x07: "Register", 0x0F: "Parameter", 0x10: "Parameter Group", 0x12: "Group",
    0x37: "File", 0x43: "Time Sync", 0x47: "Device Level Ring", 0x48: "Quality of Service",
    0x6B: "Symbol", 0x6C: "Template", 0xA1: "Program", 0xF4: "Port", 0xF5: "TCP/IP Interface",
    0xF6: "Ethernet Link", 0xF0: "ControlNet", 0xF3: "Connection Configuration",
}  # fmt: skip
STATUSES: Final = {
    0x00: "Success", 0x01: "ConnectionFailure", 0x02: "ResourceUnavailable", 0x03: "InvalidParameterValue",
    0x04: "PathSegmentError", 0x05: "PathDestinationUnknown", 0x06: "PartialTransfer",
    0x07: "ConnectionLost", 0x08: "ServiceNotSupported", 0x09: "InvalidAttributeValue",
    0x0A: "AttributeListError", 0x0B: "AlreadyInRequestedState", 0x0C: "ObjectStateConflict",
    0x0D: "ObjectAlreadyExists", 0x0E: "AttributeNotSettable", 0x0F: "PrivilegeViolation",
    0x10: "DeviceStateConflict", 0x11: "ReplyDataTooLarge", 0x12: "FragmentationOfPrimitiveValue",
    0x13: "NotEnoughData", 0x14: "AttributeNotSupported", 0x15: "TooMuchData", 0x16: "ObjectDoesNotExist",
    0x1A: "RoutingFailureRequestPacketTooLarge", 0x1E: "EmbeddedServiceError",
    0x1F: "VendorSpecificError", 0x20: "InvalidParameter", 0x26: "PathSizeInvalid",
}  # fmt: skip
