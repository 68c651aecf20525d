"""keywords: one module a family; each keyword registers its parser here.

A handler is called with the draft of the rule and the text after the colon. It lowers the keyword to
column tests, byte steps, flowbits or a threshold, or raises Refused with a reason that names it.
"""
