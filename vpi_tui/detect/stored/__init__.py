"""stored: compiled rules to bytes and back. Opens no file and trusts none: what is no set raises ValueError.

A set is one file: tables as the compiled loops want them, each signature encoded by itself, and a head that
says where everything is. It is mapped, not read: a table costs memory where a packet meets it, a signature is
decoded when somebody asks for it. There is no pickle in it.
"""
