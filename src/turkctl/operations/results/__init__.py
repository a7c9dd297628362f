"""List answers with the items that they are about.

Input: submitted work on HITs that show items. Output: a row per answer and item, or a row per item and worker with a
column for each question, with pseudonyms on request.
"""
