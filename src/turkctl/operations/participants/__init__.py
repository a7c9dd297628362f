"""List, export and change participants.

Input: psiTurk's table and filters. Output: rows, counts, wages and files of what the experiments recorded, with
pseudonyms on request. Only the bonus that a participant is owed can be written.
"""
