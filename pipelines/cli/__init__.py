"""How every main starts and what it says at its end."""
