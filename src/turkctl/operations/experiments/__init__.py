"""Find stored experiments, and fill in, preview and check their questions.

Input: a slug and rows of content. Output: validated settings, the filled-in question, its preview and the findings of
lint. The people who count towards an experiment's goals are counted here too.
"""
