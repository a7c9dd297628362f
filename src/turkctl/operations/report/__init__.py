"""The closing report of an experiment, for whoever gave the money: people, dates, wages, money, exclusions.

In go an experiment's stored work, payments and campaigns; out come facts, sections of them for a terminal, and a page
to print.
"""
