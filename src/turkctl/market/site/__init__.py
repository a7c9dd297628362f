"""The worker site: people do HITs of the market in a browser. It knows the market and ``web``, and nothing else.

``app`` joins the pages. ``frames`` says what is in the frame of a HIT; ``html_tasks`` and ``content_app`` serve HTML
tasks from an origin of their own; ``question_form``, ``form_pages`` and ``form_answers`` show a QuestionForm and read
what was filled in.
"""
