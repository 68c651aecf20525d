"""managers: what those that run guests say of them (libvirt, Docker, Podman, VMware). Read only.

Each module is a probe. A manager that is not installed is nothing to speak of; one that is there and does not
answer is told, with the next step. Whatever they read is bounded in size and in time.
"""
