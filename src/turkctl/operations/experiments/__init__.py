"""Find stored experiments, and make HITs' questions of them.

In go a slug and rows of content; out come validated settings, the filled-in question, its preview and what lint finds
in it. The people who count towards an experiment's goals are counted here too.
"""
