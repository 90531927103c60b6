"""The local stack: stand-ins for what Chatter uses of AWS, a small model, and the functions themselves."""
