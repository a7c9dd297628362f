"""What turkctl does. Every act is a plan that reads only, then its application; nothing here prints."""
