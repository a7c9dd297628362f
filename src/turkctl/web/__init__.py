"""What the dashboard and the worker site share. It knows nothing of studies, markets and databases."""
