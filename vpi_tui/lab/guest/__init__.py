"""What runs inside a guest: its services, and the everyday traffic that it causes. Standard library only."""
