"""List, export and change participants.

In go psiTurk's table and filters; out come rows, counts, wages and files of what the experiments recorded, under
pseudonyms where asked. Only the bonus that a participant is owed can be written.
"""
