"""Acts of the dashboard: what a form asks for, the same plan as the command's, and how it is done."""
