"""Say which item each answer is about, and name columns that other programs can read.

Input: the fields that a worker submitted, and the items that the HIT showed. Output: each answer with its item, and
names of columns for R, SPSS and JASP.
"""
